"""One self-contained page about a catalog, alone or against a reference: events, magnitudes, stations, picks."""

from catalogdb.report.catalog import gather_catalog
from catalogdb.report.comparison import gather
from catalogdb.report.page import Picture, write_page

__all__ = ["Picture", "gather", "gather_catalog", "write_page"]
