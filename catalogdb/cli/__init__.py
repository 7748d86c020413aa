"""The command line: one thin command per verb. Heavy libraries are imported inside commands: `--help` is quick."""

from catalogdb.cli.app import main

__all__ = ["main"]
