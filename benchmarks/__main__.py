"""Run benchmarks, all or those named, one after the other: `python -m benchmarks [NAME ...] [--json]`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
NAMES = (
    "picking",
    "agreement",
    "probability",
    "association",
    "association_chile",
    "swarm",
    "chance",
    "location",
    "evaluation",
    "exchange",
    "endurance",
    "quality",
    "uncertainty",
    "learning",
    "event_types",
    "seislm",
    "engines",
    "staleness",
    "storage",
)
NEEDS_REAL_DATA = {"learning", "event_types", "association", "association_chile", "swarm", "location", "agreement"}


def skipped_because(name: str) -> str | None:
    """Why a benchmark can't run here; None where it can."""
    if name in NEEDS_REAL_DATA and not os.environ.get("CATALOGDB_REALDATA"):
        return "needs real data: set CATALOGDB_REALDATA"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Each has more options: python -m benchmarks.NAME --help"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; default all")
    parser.add_argument("--json", action="store_true", help="print one JSON object, keyed by name")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    results, failed = {}, False
    for name in arguments.names or NAMES:
        if reason := skipped_because(name):
            results[name] = {"skipped": reason}
            if not arguments.json:
                print(f"== {name}: skipped, {reason}", flush=True)
            continue
        if not arguments.json:
            print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *(["--json"] if arguments.json else [])]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE if arguments.json else None, text=True)
        failed |= done.returncode != 0
        if arguments.json:
            text = (done.stdout or "").strip()
            results[name] = json.loads(text) if done.returncode == 0 else {"failed": done.returncode}
    if arguments.json:
        print(json.dumps(results, indent=2))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
