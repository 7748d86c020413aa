"""Programs measured in processes of their own, in turns, and what is said of them."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def peak_mb(pid: int | str = "self") -> float:
    """Largest resident memory of a process so far (MB); `getrusage` would count what it was before its exec, too."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc: this benchmark needs Linux")


def in_own_process(module: str, *arguments: str) -> dict[str, Any]:
    """What `python -m MODULE --measure ARGUMENTS` prints, with the seconds of the whole process.

    Raises:
        RuntimeError: with what the process wrote, if it fails.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", module, "--measure", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1]) | {"process_seconds": time.perf_counter() - began}


def medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Median of each figure over the runs, also inside nested figures; of text the first."""
    first = runs[0]
    found: dict[str, Any] = {}
    for key, value in first.items():
        values = [run.get(key, {} if isinstance(value, dict) else 0) for run in runs]
        if isinstance(value, dict):
            found[key] = medians(values)
        elif isinstance(value, str):
            found[key] = value
        else:
            found[key] = round(statistics.median(values), 3)
    return found


def middle_ratio(above: list[dict[str, Any]], below: list[dict[str, Any]], key: str) -> float:
    """Median over the rounds of one program's figure over another's."""
    return round(statistics.median(a[key] / b[key] for a, b in zip(above, below, strict=True)), 3)
