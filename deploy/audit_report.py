"""Say what a report of pip-audit comes to, which itself calls clean what it could ask nothing about."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def summary(report: dict) -> tuple[list[str], int]:
    """Lines to print, and the exit code: 1 where vulnerabilities are known.

    Args:
        report: what `pip-audit --format json` wrote.
    """
    packages = report["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    lines = [
        f"{package['name']} {package['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'nothing'}"
        for package in packages
        for flaw in package.get("vulns", [])
    ]
    found = len(lines)
    if skipped and len(skipped) == len(packages):
        return ["audit: NOT DONE: the advisories of no package could be read (is this host offline?)"], 0
    if skipped:
        lines.append("not audited: " + ", ".join(package["name"] for package in skipped))
    lines.append(f"audit: {len(packages) - len(skipped)} packages audited, {len(skipped)} not, {found} known flaws")
    return lines, 1 if found else 0


if __name__ == "__main__":
    printed, code = summary(json.loads(Path(sys.argv[1]).read_text()))
    print("\n".join(printed))
    sys.exit(code)
