"""What became of a file's records, kept while it is read."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from catalogdb.exchange.reference_catalog import FileReport, ReferenceCatalog
from catalogdb.wording import first_few

LINES_NAMED = 20  # in one message; the report has them all


class FileLog:
    """Counts a file's records and says, with line numbers, which were repaired or rejected and why.

    A record is an event line, or one phase reading. What is read is kept or rejected; what is repaired is kept too.
    """

    def __init__(self, path: Path, format: str):
        self.path = path
        self.format = format
        self.kept = 0
        self._rejected: list[tuple[int, str]] = []
        self._repaired: dict[str, list[int]] = defaultdict(list)
        self._notes: list[str] = []

    def keep(self, records: int = 1) -> None:
        """Count records that are kept."""
        self.kept += records

    def reject(self, line: int, reason: str) -> None:
        """Count a record that is left out."""
        self._rejected.append((line, reason))

    def has_rejected(self, line: int) -> bool:
        """True when the record rejected last is of that line."""
        return bool(self._rejected) and self._rejected[-1][0] == line

    def repair(self, line: int, what: str) -> None:
        """Say what was read with a guess, or left in part, on a line whose record is kept."""
        lines = self._repaired[what]
        if not lines or lines[-1] != line:
            lines.append(line)

    def note(self, what: str) -> None:
        """Say something about the file as a whole."""
        self._notes.append(what)

    def finish(self, catalog: ReferenceCatalog) -> ReferenceCatalog:
        """Hand the report and the messages over to the catalog that was read."""
        catalog.rejected += [f"{self.path}: line {line}: {reason}" for line, reason in self._rejected]
        catalog.repaired += [f"{self.path}: {what}" for what in self._notes]
        catalog.repaired += [
            f"{self.path}: {what}: {line_list(lines, LINES_NAMED)}" for what, lines in self._repaired.items()
        ]
        rejected = [line for line, _ in self._rejected]
        repaired = sorted({line for lines in self._repaired.values() for line in lines} - set(rejected))
        catalog.files.append(
            FileReport(
                file=str(self.path),
                format=self.format,
                read=self.kept + len(rejected),
                kept=self.kept,
                repaired=len(repaired),
                rejected=len(rejected),
                repaired_lines=repaired,
                rejected_lines=sorted(rejected),
            )
        )
        return catalog


def line_list(lines: list[int], most: int) -> str:
    """`line 3`, or `lines 3, 5, 8 and 12 more`."""
    return f"{'line' if len(lines) == 1 else 'lines'} {first_few(lines, most)}"
