"""What the shell offers for names: catalogs, pick sets, jobs, views, stations, formats. Nothing where nothing answers.

`catalogdb --install-completion` sets the shell up. A server that doesn't run is not started.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from catalogdb.documents.free import Query

if TYPE_CHECKING:
    from pymongo.database import Database

MOST = 200
WAIT_MS = 1500


def catalogs(incomplete: str) -> list[str]:
    """Names of catalogs."""
    return _of_database(lambda db: db.catalog.distinct("_id"), incomplete)


def pick_sets(incomplete: str) -> list[str]:
    """Names of pick sets."""
    return _of_database(lambda db: db.pick_set.distinct("_id"), incomplete)


def results(incomplete: str) -> list[str]:
    """Names of catalogs and pick sets."""
    return sorted({*catalogs(incomplete), *pick_sets(incomplete)})


def stations(incomplete: str) -> list[str]:
    """NET.STA of the stations that have metadata."""
    codes: list[Query] = [{"$group": {"_id": {"$concat": ["$net", ".", "$sta"]}}}]
    return _of_database(lambda db: [row["_id"] for row in db.site.aggregate(codes)], incomplete)


def jobs(incomplete: str) -> list[str]:
    """Names of the packaged jobs and of job files here."""
    from pathlib import Path

    from catalogdb.jobs import packaged_jobs

    here = [path.name for path in Path().glob("*.yaml")]
    return _beginning([path.stem for path in packaged_jobs()] + here, incomplete)


def views(incomplete: str) -> list[str]:
    """Names of views and collections."""
    from catalogdb.schema import collections
    from catalogdb.schema import views as known

    return _beginning([*known(), *collections()], incomplete)


def velocity_models(incomplete: str) -> list[str]:
    """Names of velocity models."""
    return _of_database(lambda db: db.velocity_model.distinct("_id"), incomplete)


def catalog_formats(incomplete: str) -> list[str]:
    """Formats that catalogs are written in."""
    return _formats("catalog", incomplete)


def read_formats(incomplete: str) -> list[str]:
    """Formats that catalogs are read in."""
    from catalogdb.exchange.formats import of_command

    return _beginning(of_command("catalog", is_read=True), incomplete)


def pick_formats(incomplete: str) -> list[str]:
    """Formats that picks are written in."""
    return _formats("picks", incomplete)


def station_formats(incomplete: str) -> list[str]:
    """Formats that stations are written in."""
    return _formats("stations", incomplete)


def _formats(command: Any, incomplete: str) -> list[str]:
    from catalogdb.exchange.formats import of_command

    return _beginning(of_command(command, is_written=True), incomplete)


def _of_database(names: Callable[[Database], Iterable[str]], incomplete: str) -> list[str]:
    from pymongo import timeout

    from catalogdb.cli import common
    from catalogdb.database.connection import connect

    with suppress(Exception), timeout(WAIT_MS / 1000.0):  # a shell wants no message in the middle of a line
        return _beginning(names(connect(common.settings(), start=False)), incomplete)
    return []


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))[:MOST]
