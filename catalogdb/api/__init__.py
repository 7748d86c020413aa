"""The database as notebooks and the command line use it; `catalogdb.open()` gives it."""

from __future__ import annotations

from catalogdb.api.facade import CatalogDatabase, open_database

__all__ = ["CatalogDatabase", "open_database"]
