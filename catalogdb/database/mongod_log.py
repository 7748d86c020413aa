"""What a mongod's log says went wrong."""

from __future__ import annotations

import json
from pathlib import Path


def errors_since_start(path: Path, lines: int) -> list[str]:
    """Error and fatal messages among the log's newest lines, those before the server's last start left out."""
    try:
        tail = path.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return []
    started = max((number for number, line in enumerate(tail) if "SERVER RESTARTED" in line), default=0)
    return [message for line in tail[started:] if (message := _error_of(line))]


def _error_of(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return None
    if entry.get("s") not in ("E", "F"):
        return None
    attributes = entry.get("attr", {})
    detail = attributes.get("error") or attributes.get("message") or attributes.get("errmsg") or ""
    return f"{entry.get('msg', '')}: {detail}" if detail else entry.get("msg", "")
