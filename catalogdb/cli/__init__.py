"""The command line: one thin command per verb. Heavy libraries are imported inside commands: `--help` is quick."""

from catalogdb.interrupts import interruptible

__all__ = ["main"]


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 failed, 2 wrong input or usage, 3 no database, 130 interrupted."""
    with interruptible():
        from catalogdb.cli.app import main as run  # takes a moment, in which an interrupt may come

        run()
