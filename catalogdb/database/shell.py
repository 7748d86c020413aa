"""mongosh on the database, wherever it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from catalogdb.errors import InputError

PLACES = ("~/.local/bin", "/usr/local/bin", "/opt/mongosh/bin", "/opt/homebrew/bin")
"""Where mongosh may be though PATH has it not."""
HOW_TO_GET_IT = (
    "conda install -c conda-forge mongosh, brew install mongosh, or https://www.mongodb.com/try/download/shell; "
    "catalogdb query and count need none"
)


def find_mongosh() -> str:
    """The path of mongosh.

    Raises:
        InputError: saying how to get it, where it is not installed.
    """
    places = os.pathsep.join(os.path.expanduser(place) for place in PLACES)
    found = shutil.which("mongosh") or shutil.which("mongosh", path=places)
    if found is None:
        raise InputError("mongosh is not installed", hint=HOW_TO_GET_IT)
    return found


def run_mongosh(uri: str, database: str, evaluate: str | None = None, as_json: bool = False) -> int:
    """Run mongosh on a database; its exit code.

    The URI stands in a file that only its owner can read, since everyone on the host sees command lines.

    Args:
        evaluate: JavaScript to evaluate instead of asking for input; the value of its last line is printed.
        as_json: print the value as (extended) JSON.

    Raises:
        InputError: where mongosh is not installed, or JSON is wanted of nothing.
    """
    if as_json and evaluate is None:
        raise InputError("JSON is of what --eval gives", hint="for example --eval 'db.event.findOne()' --json")
    program = find_mongosh()
    with tempfile.TemporaryDirectory(prefix="catalogdb-") as folder:  # mode 0700
        script = Path(folder) / "connect.js"
        lines = [f"db = connect({json.dumps(uri)}).getSiblingDB({json.dumps(database)});"]
        if evaluate is not None:
            value = f"eval({json.dumps(evaluate)})"
            lines.append(f"print({f'EJSON.stringify({value})' if as_json else value});")
        script.write_text("\n".join(lines) + "\n")
        stay = ["--shell"] if evaluate is None else []
        return subprocess.run([program, "--quiet", "--nodb", *stay, str(script)], check=False).returncode
