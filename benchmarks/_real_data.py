"""Where the real data of benchmarks are."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def real_data(parser: argparse.ArgumentParser, folders: str) -> Path:
    """The folder of CATALOGDB_REALDATA; ends the command with what is wanted where it is not set.

    Args:
        folders: names of those in it that the benchmark reads, in words.
    """
    root = os.environ.get("CATALOGDB_REALDATA")
    if not root:
        parser.error(f"set CATALOGDB_REALDATA to the folder that holds {folders}")
    return Path(root)
