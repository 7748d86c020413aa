"""`catalogdb.open()`: one small surface for notebooks, on the functions that the commands use too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from pymongo.database import Database

from catalogdb.api import keywords, queries
from catalogdb.database.connection import connect, mspass_database
from catalogdb.database.initialise import initialise
from catalogdb.database.named import require_catalog, require_pick_set
from catalogdb.documents.data import Event
from catalogdb.documents.free import AnyDocument, Json
from catalogdb.errors import InputError
from catalogdb.filters import fields_of, parse_columns, readable_name
from catalogdb.schema import views
from catalogdb.settings import Settings, load_settings
from catalogdb.times import parse_time
from catalogdb.view_fields import fields_of_view

if TYPE_CHECKING:
    import mspasspy.db
    import pandas as pd
    from mspasspy.ccore.seismic import TimeSeriesEnsemble
    from obspy import Catalog, Stream

    from catalogdb.probability.traces import ProbabilityTrace
    from catalogdb.runs.run_report import RunReport


def open_database(uri: str | None = None, database: str | None = None, **settings: Any) -> CatalogDatabase:
    """Open a database and bring it to the schema; see `catalogdb.open`."""
    return CatalogDatabase(load_settings(None, uri=uri, database=database, **settings))


class CatalogDatabase:
    """A database of waveforms, picks and catalogs.

    Every table is a pandas DataFrame: times are datetime64[ns, UTC], `attrs["units"]` has the units. What is asked for
    goes by fields: `phase="S"`, `station="OX.*"`, `magnitude=(1, None)`, `time=("2024-03-27", "2024-03-28")`,
    `near=(46.3, 13.1, 30)` (degrees, km), `sta=["BAD", "BOO"]`; `catalogdb query NAME --fields` lists them. With all of
    them go `sort="-magnitude"`, `limit=10`, `fields=["time", "magnitude"]`, and `chunks=10000` for an iterator of
    tables of so many rows instead of one.

    Attributes:
        settings: the settings that it was opened with.
        mongo: the database as pymongo has it.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self.mongo: Database[AnyDocument] = connect(settings)
        initialise(self.mongo)

    def __repr__(self) -> str:
        return f"<catalogdb database {self.mongo.name!r}>"

    @cached_property
    def mspass(self) -> mspasspy.db.Database:
        """The same database as MsPASS's own, with its readers and matchers."""
        return mspass_database(self.settings)

    # -- tables

    @overload
    def view(self, name: str, *, chunks: None = None, **wanted: Any) -> pd.DataFrame: ...
    @overload
    def view(self, name: str, *, chunks: int, **wanted: Any) -> Iterator[pd.DataFrame]: ...
    def view(
        self,
        name: str,
        *,
        sort: str | None = None,
        limit: int = 0,
        fields: Sequence[str] = (),
        chunks: int | None = None,
        **wanted: Any,
    ) -> pd.DataFrame | Iterator[pd.DataFrame]:
        """Rows of any view or collection, for example `db.view("event_scores", catalog="mine", reference="ogs")`.

        Args:
            name: `db.names()` lists them.
            sort: fields with commas between, `-` before those that descend; none: the view's own order.
            limit: at most so many rows; 0 for all.
            fields: columns of the table, of which dots lead into objects; none: all.
            chunks: rows of a table; an iterator is given then, which reads as it goes.
            wanted: conditions by field. Those on fields that a view lacks and its collection has choose what the view
                is made of: `db.view("events_per_day", magnitude=(1, None))`.

        Raises:
            InputError: for an unknown name, field or catalog, saying which there are.
        """
        from catalogdb.api import tables

        readable_name(name)
        for key, require in (("catalog", require_catalog), ("pick_set", require_pick_set)):
            if isinstance(value := wanted.get(key), str) and value.replace("_", "").replace("-", "").isalnum():
                require(self.mongo, value)
        columns = parse_columns(name, ",".join(fields))
        found = queries.rows(self.mongo, name, keywords.filters_of(name, wanted), sort, limit)
        if chunks is None:
            return tables.table(name, found, columns)
        if chunks < 1:
            raise InputError(f"chunks={chunks}: a table has one row at least")
        return tables.tables(name, found, columns, chunks)

    def events(self, catalog: str | None = None, **wanted: Any) -> pd.DataFrame:
        """Events of a catalog, or of all: `db.events("mine", magnitude=(2, None), near=(46.3, 13.1, 30))`."""
        return self.view("events", catalog=catalog, **wanted)

    def arrivals(self, catalog: str | None = None, **wanted: Any) -> pd.DataFrame:
        """Arrivals of preferred origins with residuals (s): `db.arrivals("mine", sta="BAD", phase="S")`."""
        return self.view("arrivals", catalog=catalog, **wanted)

    def picks(self, name: str | None = None, **wanted: Any) -> pd.DataFrame:
        """Picks of a pick set, or of that of a catalog: `db.picks("mine", station="OX.*", phase="S")`.

        Conditions on what only a location gives, `residual=(0.5, None)`, `distance_km` or `event_id`, choose picks that
        the events of the catalog use, and add these columns.
        """
        known = set(fields_of("pick")[0])
        if set(wanted) & (set(fields_of_view(views()["associated_picks"])) - known):
            return self.view("associated_picks", catalog=name, **wanted)
        return self.view("pick", pick_set=self._pick_set(name) if name else None, **wanted)

    def stations(self, **wanted: Any) -> pd.DataFrame:
        """Stations with their latest place: `db.stations(station="OX.*", near=(46.3, 13.1, 50))`."""
        return self.view("stations", **wanted)

    def availability(self, **wanted: Any) -> pd.DataFrame:
        """Waveforms by station and UTC day, from the index: `db.availability(sta="BAD", day="2024-03-27")`."""
        return self.view("availability", **wanted)

    def count(self, name: str, **wanted: Any) -> int:
        """The number of rows of a view or collection: `db.count("pick", pick_set="mine", phase="P")`."""
        readable_name(name)
        return queries.count(self.mongo, name, keywords.filters_of(name, wanted))

    def names(self) -> pd.DataFrame:
        """Views and collections by subject, each in one line."""
        import pandas as pd

        from catalogdb.api.listing import listed

        return pd.DataFrame(listed())

    def fields(self, name: str) -> pd.DataFrame:
        """Fields of a view or collection: type, unit and meaning."""
        import pandas as pd

        from catalogdb.api.listing import listed_fields

        return pd.DataFrame(listed_fields(readable_name(name)))

    # -- objects

    def catalog(self, name: str, **filters: Any) -> Catalog:
        """A catalog as ObsPy has it, with picks, arrivals and magnitudes.

        Args:
            filters: names of fdsnws-event: starttime, endtime, minmagnitude, minlatitude, maxlatitude, eventid, limit,
                orderby and others (`catalogdb.exchange.event_filter.EventFilter`).
        """
        from catalogdb.api.objects import obspy_catalog

        return obspy_catalog(self.mongo, name, filters)

    def waveforms(
        self,
        event: str | None = None,
        *,
        station: str | None = None,
        channel: str = "*",
        starttime: Any = None,
        endtime: Any = None,
    ) -> Stream:
        """Waveforms as ObsPy has them: of an event's stations, or of stations for a period.

        Args:
            event: its id or the beginning of one, or the source's id; from 5 s before the origin time to 20 s after the
                last arrival, where no times say otherwise.
            station, channel: codes, with wildcards and lists: station="OX.*", channel="HH?".
            starttime, endtime: ISO 8601, epoch seconds, datetime or UTCDateTime.

        Raises:
            InputError: saying what there is, where there are none.
        """
        from catalogdb.api.objects import event_window, waveforms

        if event is not None:
            stations, start, end = event_window(self._event(event))
        elif station is None or starttime is None or endtime is None:
            raise InputError("waveforms of what? An event, or station, starttime and endtime")
        else:
            stations, start, end = station, 0.0, 0.0
        start = start if starttime is None else _epoch_seconds(starttime, "starttime")
        end = end if endtime is None else _epoch_seconds(endtime, "endtime")
        return waveforms(self.mongo, station or stations, channel, start, end)

    def ensemble(self, event: str | None = None, **wanted: Any) -> TimeSeriesEnsemble:
        """The same waveforms as MsPASS has them; arguments of `waveforms`."""
        from mspasspy.util.converter import Stream2TimeSeriesEnsemble

        return Stream2TimeSeriesEnsemble(self.waveforms(event, **wanted))

    def probability(self, name: str, station: str, starttime: Any, endtime: Any) -> list[ProbabilityTrace]:
        """Probabilities that a picker saw: traces with `labels`, `values` (rows by label, NaN for none) and `rate`.

        Args:
            name: pick set, or catalog made from one.
            station: NET.STA.
            starttime, endtime: as in `waveforms`.

        Raises:
            InputError: saying what is in the way, where none are stored.
        """
        from catalogdb.stages.read_probability import nothing_stored, read_probability

        net, dot, sta = station.partition(".")
        if not dot or not sta or "." in sta:
            raise InputError(f"station {station!r}: not NET.STA", hint="for example OX.BAD")
        period = _epoch_seconds(starttime, "starttime"), _epoch_seconds(endtime, "endtime")
        pick_set = require_pick_set(self.mongo, self._pick_set(name))
        traces = read_probability(self.mongo, pick_set["_id"], net, sta, *period)
        if not traces:
            raise nothing_stored(self.mongo, pick_set, net, sta, *period)
        return traces

    # -- work

    def run(
        self,
        job: str | Path,
        settings: Mapping[str, Any] | None = None,
        name: str | None = None,
        engine: Literal["local", "dask"] = "local",
        workers: int | None = None,
        replace: bool = False,
        dry_run: bool = False,
    ) -> RunReport:
        """Run a job, after what its `ingest` block names was read; only what is missing or stale is done.

        Args:
            job: a job file, or the name of a packaged job.
            settings: keys of the job to change: {"pick.p_threshold": 0.2}.
            name: name of the catalog, instead of the job's.
            engine, workers: this process, or processes of this host.
            replace: remove results of other settings under the same names.
            dry_run: say what would be done, and do nothing.

        Returns:
            Report: `status` is done or failed, `stages` has the counts.
        """
        import json

        from catalogdb.jobs import load_job, load_job_file
        from catalogdb.runs.run import run_job
        from catalogdb.stages.bring_in import bring_in

        overrides = [f"{key}={json.dumps(value)}" for key, value in (settings or {}).items()]
        loaded = load_job(Path(job), overrides)
        unread: list[str] = []
        if not dry_run:
            bring_in(self.mongo, load_job_file(Path(job), overrides).ingest, unread)
        report = run_job(self.settings, loaded, engine, workers, name=name, replace=replace, dry_run=dry_run)
        report.notes += [f"ingest: {line}" for line in unread]
        return report

    def evaluate(self, catalog: str, reference: str, **gates: Any) -> Json:
        """Compare a catalog with a reference; arguments are those of `catalogdb.comparisons.evaluate`.

        The result has `events` and `picks` with matched, missed, proposed, recall and precision; all views of it are
        `db.view(NAME, catalog=..., reference=...)`.
        """
        from catalogdb import comparisons

        for key in ("starttime", "endtime"):
            if gates.get(key) is not None:
                gates[key] = _epoch_seconds(gates[key], key)
        return comparisons.evaluate(self.mongo, catalog, reference, **gates)

    def _pick_set(self, name: str) -> str:
        """The pick set of that name, else the one that the catalog of that name was made from."""
        if self.mongo.pick_set.find_one({"_id": {"$eq": name}}, {"_id": 1}):
            return name
        if row := self.mongo.catalog.find_one({"_id": {"$eq": name}}, {"pick_set": 1}):
            if "pick_set" in row:
                return str(row["pick_set"])
            raise InputError(f"{name}: a catalog of events alone, it has no picks")
        return str(require_pick_set(self.mongo, name)["_id"])

    def _event(self, event: str) -> Event:
        from catalogdb.upkeep.lineage import find_event

        return find_event(self.mongo, event)


def _epoch_seconds(value: Any, name: str) -> float:
    """A time of any type that people have -> epoch seconds UTC."""
    if isinstance(value, int | float):
        return float(value)
    try:
        return parse_time(value if isinstance(value, str) else str(value.isoformat()))
    except (ValueError, AttributeError):
        raise InputError(f"{name}={value!r}: not a time", hint="for example '2024-03-20T12:00:00'") from None
