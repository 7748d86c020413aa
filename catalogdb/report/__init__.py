"""One self-contained page about a comparison: numbers, map, residuals, recall, stations, missed events."""

from catalogdb.report.data import gather
from catalogdb.report.page import Picture, write_page

__all__ = ["Picture", "gather", "write_page"]
