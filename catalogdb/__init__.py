"""catalogdb: a database-centric earthquake-catalog system on MongoDB and MsPASS.

In Python, `db = catalogdb.open()` gives picks, events, stations and every view as pandas tables, catalogs and waveforms
as ObsPy objects, and runs jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalogdb.version import __version__ as __version__

if TYPE_CHECKING:
    from catalogdb.api import CatalogDatabase

__all__ = ["__version__", "open"]


def open(uri: str | None = None, database: str | None = None, **settings: Any) -> CatalogDatabase:
    """Open a database; without arguments that of the settings, else the embedded one, which is started.

    Args:
        uri: mongodb:// URI of a server.
        database: name of the database.
        settings: further settings by name, such as `data_dir` (`catalogdb.settings.Settings` describes them).

    Raises:
        InputError: for settings that are not usable.
        DatabaseError: naming the server and the reason, when it can't be reached.
    """
    from catalogdb.api import open_database  # `import catalogdb` loads nothing heavy

    return open_database(uri, database, **settings)
