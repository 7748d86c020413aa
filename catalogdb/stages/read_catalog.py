"""A catalog as it was at one moment: its events with their picks, however long it takes to use them.

Read from one snapshot of the database, so that an ingest or a run that writes meanwhile changes nothing. Servers keep a
snapshot for some minutes only (`minSnapshotHistoryWindowInSeconds`, 300), and writing a file may take longer: what was
read waits in a temporary file.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import Any, BinaryIO

import bson
import zstandard
from pymongo.client_session import ClientSession
from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.database.named import require_catalog
from catalogdb.database.short_ids import id_that_begins
from catalogdb.documents.data import Event, Pick
from catalogdb.documents.free import AnyDocument
from catalogdb.documents.records import Catalog, PickSet
from catalogdb.exchange.documents import event_keys
from catalogdb.exchange.event_filter import EventFilter
from catalogdb.stages.registry import copied

BATCH_EVENTS = 500
BATCH_PICKS = 5000
MEMORY_BYTES = 32 * 2**20
"""What was read waits in memory up to this size, on disk beyond (TMPDIR says where)."""

EventWithPicks = tuple[Event, list[Pick]]


@dataclass(frozen=True)
class CatalogContents:
    """What a filter lets through of one catalog at one moment.

    Attributes:
        events: with the picks of their arrivals and those that name them in `event_key`, in the filter's order.
        source_ids: ids in the source of these events, where they have one, in the same order.
        picks_of_no_event: picks of an ingested catalog that name no event of it, by time; none where a filter chooses
            events.
        counts: numbers of `events` and `picks`.
    """

    events: Iterator[EventWithPicks]
    source_ids: list[str]
    picks_of_no_event: Iterator[Pick]
    counts: Counter[str]


@contextmanager
def catalog_contents(
    db: Database, catalog: str, filter: EventFilter, want_picks: bool, want_loose: bool
) -> Iterator[CatalogContents]:
    """Read a catalog, and give what was read back while the block lasts.

    Args:
        want_picks: read the events' picks.
        want_loose: read the picks of no event.

    Raises:
        InputError: for an unknown catalog, or an `eventid` that several of its events begin with.
    """
    with db.client.start_session(snapshot=True) as session, _spool() as of_events, _spool() as of_picks:
        require_catalog(db, catalog)  # reads what is newest: the error lists the names there are
        reader = _Reader(db, session, catalog, _with_full_id(db, catalog, filter))
        events = _Spooled(db, of_events)
        events.fill({"event": event, "picks": picks} for event, picks in reader.events_with_picks(want_picks))
        loose = _Spooled(db, of_picks)
        if want_loose:
            loose.fill(reader.picks_of_no_event())
        yield CatalogContents(
            ((row["event"], row["picks"]) for row in events.rows()), reader.source_ids, loose.rows(), reader.counts
        )


def _with_full_id(db: Database, catalog: str, filter: EventFilter) -> EventFilter:
    """The filter with the id that its `eventid` begins, where no event of the catalog has that as it stands."""
    if filter.eventid is None or db.event.find_one(EventFilter(eventid=filter.eventid).query(catalog), {"_id": 1}):
        return filter
    found = id_that_begins(db, "event", filter.eventid, {"catalog": catalog})
    return filter.model_copy(update={"eventid": found}) if found else filter


@dataclass(frozen=True)
class WholeCatalog:
    """A catalog at one moment: its document, events by time, and its pick set with all picks, where it has one; `about`
    has what stages say of events and catalog, by collection (see `Stage.copied`)."""

    catalog: Catalog
    pick_set: PickSet | None
    events: list[Event]
    picks: list[Pick]
    about: dict[str, list[AnyDocument]]


def whole_catalog(db: Database, catalog: str) -> WholeCatalog:
    """Read a catalog with all picks of its pick set, from one snapshot.

    Raises:
        InputError: for an unknown catalog.
    """
    require_catalog(db, catalog)
    with db.client.start_session(snapshot=True) as session:
        document = db.catalog.find_one({"_id": catalog}, session=session) or require_catalog(db, catalog)
        named = {"pick_set": document.get("pick_set")}
        pick_set = db.pick_set.find_one({"_id": named["pick_set"]}, session=session) if named["pick_set"] else None
        events = [event for event, _ in _Reader(db, session, catalog, EventFilter()).events_with_picks(False)]
        picks = db.pick.find(named, session=session).sort([("time", 1), ("_id", 1)]) if pick_set else ()
        about = {name: list(db[name].find({"catalog": catalog}, session=session).sort("_id", 1)) for name in copied()}
        return WholeCatalog(document, pick_set, events, list(picks), about)


@contextmanager
def picks_by_time(db: Database, query: Mapping[str, Any]) -> Iterator[Iterator[Pick]]:
    """Picks of one moment that fit a query, by time, given back while the block lasts."""
    with db.client.start_session(snapshot=True) as session, _spool() as file:
        spooled = _Spooled(db, file)
        found = db.pick.find(query, session=session).sort([("time", 1), ("_id", 1)]).allow_disk_use(True)
        spooled.fill(found.batch_size(BATCH_PICKS))
        yield spooled.rows()


def _spool() -> Any:
    return tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES, prefix="catalogdb-")


class _Spooled:
    """Documents that wait in a file, as compressed BSON."""

    def __init__(self, db: Database, file: BinaryIO):
        self._file, self._options = file, db.codec_options

    def fill(self, rows: Iterable[Mapping[str, Any]]) -> None:
        with zstandard.ZstdCompressor(level=1).stream_writer(self._file, closefd=False) as stream:
            for row in rows:
                stream.write(bson.encode(row, codec_options=self._options))

    def rows(self) -> Iterator[Any]:
        if not self._file.tell():
            return
        self._file.seek(0)
        with zstandard.ZstdDecompressor().stream_reader(self._file, closefd=False) as stream:
            yield from bson.decode_file_iter(stream, self._options)


class _Reader:
    def __init__(self, db: Database, session: ClientSession, catalog: str, filter: EventFilter):
        self.db, self.session, self.filter = db, session, filter
        self.held = db.catalog.find_one({"_id": catalog}, {"pick_set": 1, "config.files": 1}, session=session) or {}
        self.catalog = catalog
        self.source_ids: list[str] = []
        self.counts: Counter[str] = Counter(events=0, picks=0)

    def events_with_picks(self, want_picks: bool) -> Iterator[EventWithPicks]:
        cursor = self.db.event.find(self.filter.query(self.catalog), session=self.session)
        cursor = cursor.sort(self.filter.sort()).allow_disk_use(True).skip(self.filter.offset)
        for batch in batches(cursor.limit(self.filter.limit or 0).batch_size(BATCH_EVENTS), BATCH_EVENTS):
            known = self._picks(batch) if want_picks else {}
            keyed = self._keyed_picks(batch) if want_picks and "pick_set" in self.held else {}
            self._say_when_made(batch)
            for event in batch:
                identities = dict.fromkeys(_pick_ids(event))
                picks = {identity: known[identity] for identity in identities if identity in known}
                picks |= {pick["_id"]: pick for pick in keyed.get(event.get("source_id", ""), [])}
                self.counts["events"] += 1
                self.counts["picks"] += len(identities | picks) if want_picks else 0
                if "source_id" in event:
                    self.source_ids.append(event["source_id"])
                yield event, list(picks.values())

    def _say_when_made(self, events: list[Event]) -> None:
        """Events that a run has assembled were created when their task was last done; others say it themselves."""
        if "files" in self.held.get("config", {}):
            return
        names = list({event["task_id"] for event in events})
        tasks = self.db.task.find({"_id": {"$in": names}}, {"updated": 1}, session=self.session)
        made = {row["_id"]: row["updated"] for row in tasks if "updated" in row}
        for event in events:
            if event["task_id"] in made:
                time = made[event["task_id"]].replace(tzinfo=UTC).timestamp()
                event["creation_info"] = {"creation_time": time} | event.get("creation_info", {})

    def picks_of_no_event(self) -> Iterator[Pick]:
        """To be called after the events were read."""
        is_filtered = self.filter.model_copy(update={"orderby": "time-asc"}) != EventFilter()
        if is_filtered or "pick_set" not in self.held or "files" not in self.held.get("config", {}):
            return
        keys = set(self.source_ids)
        picks = self.db.pick.find({"pick_set": self.held["pick_set"]}, session=self.session)
        for pick in picks.sort([("time", 1), ("_id", 1)]).batch_size(BATCH_PICKS):
            if keys.isdisjoint(event_keys(pick)):
                yield pick

    def _picks(self, events: list[Event]) -> dict[str, Pick]:
        wanted = list({identity for event in events for identity in _pick_ids(event)})
        found = self.db.pick.find({"_id": {"$in": wanted}}, session=self.session) if wanted else ()
        return {pick["_id"]: pick for pick in found}

    def _keyed_picks(self, events: list[Event]) -> dict[str, list[Pick]]:
        """Picks by the events that they name; events without origins have them in no arrivals."""
        keys = [event["source_id"] for event in events if "source_id" in event]
        found: dict[str, list[Pick]] = defaultdict(list)
        if keys:
            named = {"$or": [{name: {"$in": keys}} for name in ("event_key", "other_event_keys")]}
            for pick in self.db.pick.find(named | {"pick_set": self.held["pick_set"]}, session=self.session):
                for key in event_keys(pick):
                    found[key].append(pick)
        for picks in found.values():
            picks.sort(key=lambda pick: (pick["time"], pick["_id"]))
        return found


def _pick_ids(event: Event) -> Iterator[str]:
    return (arrival["pick_id"] for origin in event["origins"] for arrival in origin.get("arrivals", []))
