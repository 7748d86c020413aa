"""What the database has of a station and a time, as a view to draw: waveforms, picks, probabilities."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pymongo.database import Database

from catalogdb.documents.data import Pick
from catalogdb.documents.free import Json, Query, Row
from catalogdb.documents.records import PickSet
from catalogdb.errors import InputError
from catalogdb.picking.config import PickConfig
from catalogdb.plots.view import (
    Component,
    Lane,
    LaneKind,
    Mark,
    Segment,
    StationPanel,
    Strip,
    View,
    component_order,
    finite_segments,
    padding_seconds,
    prepared,
)
from catalogdb.stages.read_probability import read_probability
from catalogdb.times import format_time
from catalogdb.wording import first_few

LONGEST_SECONDS = 86_400.0
LONGEST_TRAVEL_SECONDS = 300.0
"""An event this long before a pick may own it."""
THRESHOLD_SETTINGS = ("p_threshold", "s_threshold", "station_thresholds")
MARK_FIELDS = ("probability", "quality", "snr", "uncertainty", "hypo71_weight")
MOST_NAMED = 20


@dataclass(frozen=True)
class Choice:
    """What to draw of what there is.

    Attributes:
        pick_sets: names; empty for all automatic and reviewed ones that have something there.
        references: names of reference catalogs or pick sets; empty for all that have something there.
        band: corners of a band-pass (Hz).
        sensor: BI or loc.BI, such as HH or 00.HH; None for the one that was picked, or the best by channel priority.
    """

    pick_sets: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    band: tuple[float, float] | None = None
    sensor: str | None = None

    def __post_init__(self) -> None:
        if self.band is not None and not 0 < self.band[0] < self.band[1]:
            raise InputError(
                f"--filter {self.band[0]:g} {self.band[1]:g}: the first must be above 0 Hz and below the second"
            )


@dataclass(frozen=True)
class Source:
    """A pick set as one lane: its document, the kind that it is drawn as, whether it was asked for by name."""

    document: PickSet
    kind: LaneKind
    named: bool

    @property
    def name(self) -> str:
        return self.document["_id"]


def station_view(db: Database, station: str, starttime: float, endtime: float, choice: Choice) -> View:
    """One station for a period.

    Args:
        station: NET.STA.
        starttime, endtime: epoch seconds UTC.

    Raises:
        InputError: saying what there is, where the station has no waveforms then or a name is unknown.
    """
    check_period(starttime, endtime)
    net, dot, sta = station.partition(".")
    if not dot or not sta or "." in sta:
        raise InputError(f"--station {station}: not NET.STA", hint="for example OX.BAD")
    chosen = sources(db, choice)
    events = events_of_picks(db, [source.name for source in chosen], starttime, endtime)
    panel, notes = station_panel(db, net, sta, starttime, endtime, choice, chosen, events)
    if panel is None:
        raise _no_waveforms(db, net, sta, starttime, endtime)
    return View(
        title=station,
        starttime=starttime,
        endtime=endtime,
        panels=(panel,),
        band=choice.band,
        notes=tuple([*notes, *missing_notes(chosen, [panel])]),
    )


def check_period(starttime: float, endtime: float) -> None:
    """Refuse periods that no figure shows.

    Raises:
        InputError: for a period that is empty or longer than a day.
    """
    if not starttime < endtime:
        raise InputError("the period is empty", hint="--before and --after are seconds, and their sum is above 0")
    if endtime - starttime > LONGEST_SECONDS:
        raise InputError(
            f"{endtime - starttime:g} s are more than a figure shows", hint=f"at most {LONGEST_SECONDS:g} s, one day"
        )


def sources(db: Database, choice: Choice) -> list[Source]:
    """The pick sets to look into, references first.

    Raises:
        InputError: for a name that is none, listing those there are.
    """
    fields = {"kind": 1, "repicked_from": 1, "config.settings": 1}
    rows = {row["_id"]: row for row in db.pick_set.find({}, fields).sort("_id", 1)}
    made_from = {row["_id"]: row.get("pick_set") for row in db.catalog.find({}, {"pick_set": 1})}
    references = [_named(name, rows, made_from, "--reference") for name in choice.references]
    if not choice.references:
        references = [name for name, row in rows.items() if row["kind"] == "reference"]
    pick_sets = [_named(name, rows, made_from, "--pick-set") for name in choice.pick_sets]
    if not choice.pick_sets:
        pick_sets = [name for name, row in rows.items() if row["kind"] != "reference"]
    chosen = {name: Source(rows[name], "reference", bool(choice.references)) for name in references}
    for name in pick_sets:
        chosen.setdefault(name, Source(rows[name], rows[name]["kind"], bool(choice.pick_sets)))
    return list(chosen.values())


def _named(name: str, rows: Row, made_from: dict[str, str | None], option: str) -> str:
    """The pick set of that name, else the one that the catalog of that name is made from."""
    if name in rows:
        return name
    if (pick_set := made_from.get(name)) is not None and pick_set in rows:
        return pick_set
    if name in made_from:
        raise InputError(f"{option} {name}: a catalog of events alone, it has no picks")
    raise InputError(f"{option} {name}: no such pick set", hint=f"there are: {', '.join(rows) or 'none'}")


def events_of_picks(
    db: Database, pick_sets: Sequence[str], starttime: float, endtime: float
) -> dict[str, tuple[str, ...]]:
    """Pick id -> "catalog event_id" of the events that it belongs to, for picks of a period."""
    catalogs = [row["_id"] for row in db.catalog.find({"pick_set": {"$in": list(pick_sets)}}, {"_id": 1})]
    query = {"catalog": {"$in": catalogs}, "time": {"$gte": starttime - LONGEST_TRAVEL_SECONDS, "$lt": endtime}}
    owners: dict[str, list[str]] = defaultdict(list)
    for event in db.event.find(query, {"catalog": 1, "origins.arrivals.pick_id": 1}).sort(
        [("catalog", 1), ("time", 1)]
    ):
        picks = {arrival["pick_id"] for origin in event["origins"] for arrival in origin.get("arrivals", [])}
        for pick in picks:
            owners[pick].append(f"{event['catalog']} {event['_id']}")
    return {pick: tuple(names) for pick, names in owners.items()}


def station_panel(
    db: Database,
    net: str,
    sta: str,
    starttime: float,
    endtime: float,
    choice: Choice,
    chosen: Iterable[Source],
    events: dict[str, tuple[str, ...]],
    residuals: dict[str, float] | None = None,
) -> tuple[StationPanel | None, list[str]]:
    """What one station has in a period, and what a reader must know of it; None where it has no waveforms then.

    Args:
        events: of `events_of_picks`.
        residuals: observed minus predicted (s) by pick id.

    Raises:
        InputError: for a sensor that isn't there, a file that can't be read, or a filter that doesn't suit the data.
    """
    from catalogdb.stages.waveform_segments import SEGMENT_FIELDS, read_segments

    picks = {source.name: _picks(db, source.name, net, sta, starttime, endtime) for source in chosen}
    pad = padding_seconds(choice.band)
    query = {"net": net, "sta": sta, "starttime": {"$lte": endtime}, "endtime": {"$gte": starttime}}
    found = list(db.wf_miniseed.find(query | {"channel_group": {"$exists": True}}, {"channel_group": 1, "chan": 1}))
    if not found:
        return None, []
    picked = Counter(pick["channel_group"] for of_set in picks.values() for pick in of_set)
    sensor = _sensor(f"{net}.{sta}", {segment["channel_group"] for segment in found}, picked, choice.sensor)
    around = {"channel_group": sensor, "starttime": {"$lte": endtime + pad}, "endtime": {"$gte": starttime - pad}}
    segments = list(db.wf_miniseed.find(around, dict.fromkeys(SEGMENT_FIELDS, 1)))
    traces, notes = read_segments(db, segments, starttime - pad, endtime + pad)
    shown: dict[str, list[Segment]] = {segment["chan"]: [] for segment in segments}
    for trace in traces:
        for samples in finite_segments(trace.stats.starttime.ns / 1e9, trace.stats.sampling_rate, trace.data):
            inside = prepared(samples, choice.band, trace.id).cut(starttime, endtime)
            if inside.samples.size:
                shown[trace.stats.channel].append(inside)
    strips, strip_notes = _strips(db, net, sta, starttime, endtime, chosen, sensor)
    panel = StationPanel(
        station=f"{net}.{sta}",
        sensor=sensor,
        components=tuple(Component(chan, tuple(shown[chan])) for chan in sorted(shown, key=component_order)),
        lanes=tuple(
            Lane(source.name, source.kind, tuple(_mark(pick, events, residuals or {}) for pick in picks[source.name]))
            for source in chosen
            if picks[source.name]
        ),
        strips=tuple(strips),
    )
    others = sorted({segment["channel_group"] for segment in found} - {sensor})
    if others:
        notes.append(f"{net}.{sta} has other sensors too: {', '.join(others)} (--sensor)")
    return panel, [*notes, *strip_notes]


def missing_notes(chosen: Iterable[Source], panels: Iterable[StationPanel]) -> list[str]:
    """Say of each pick set that was asked for and isn't in the figure that there is nothing of it."""
    drawn = {lane.name for panel in panels for lane in panel.lanes}
    drawn |= {name for panel in panels for strip in panel.strips for name in (strip.name, *dict(strip.thresholds))}
    return [f"pick set {one.name} has nothing there" for one in chosen if one.named and one.name not in drawn]


def _picks(db: Database, pick_set: str, net: str, sta: str, starttime: float, endtime: float) -> list[Pick]:
    """Picks of a station in a period; bulletins may not know its network."""
    query = {
        "pick_set": pick_set,
        "sta": sta,
        "net": {"$in": [net, ""]},
        "time": {"$gte": starttime, "$lte": endtime},
    }
    fields = dict.fromkeys(("phase", "time", "channel_group", *MARK_FIELDS), 1)
    return list(db.pick.find(query, fields).sort([("time", 1), ("_id", 1)]))


def _mark(pick: Pick, events: dict[str, tuple[str, ...]], residuals: dict[str, float]) -> Mark:
    known: Json = {name: pick.get(name) for name in MARK_FIELDS}
    owners, residual = events.get(pick["_id"], ()), residuals.get(pick["_id"])
    return Mark(phase=pick["phase"], time=pick["time"], events=owners, residual=residual, **known)


def _sensor(station: str, present: set[str], picked: Counter[str], wanted: str | None) -> str:
    """The sensor to draw: the one asked for, else the one with most picks there, else the best by channel priority."""
    from catalogdb.jobs import PickBlock

    priority = PickBlock().channel_priority

    def rank(name: str) -> tuple[int, int, str]:
        _, _, loc, family = name.split(".")
        return -picked[name], priority.index(family) if family in priority else len(priority), loc

    candidates = sorted(present, key=rank)
    if wanted is not None:
        loc, dot, family = wanted.rpartition(".")
        candidates = [
            name for name in candidates if name.split(".")[3] == family and (not dot or name.split(".")[2] == loc)
        ]
        if not candidates:
            raise InputError(f"--sensor {wanted}: {station} has none then", hint=f"it has {', '.join(sorted(present))}")
    return candidates[0]


def _strips(
    db: Database, net: str, sta: str, starttime: float, endtime: float, chosen: Iterable[Source], sensor: str
) -> tuple[list[Strip], list[str]]:
    """Probabilities, those that several pick sets were chosen from once."""
    sharing: dict[str, list[Source]] = defaultdict(list)
    for source in chosen:
        sharing[_stored_under(db, source.document)].append(source)
    strips, notes = [], []
    floors: set[float] = set()
    for name, of_name in sharing.items():
        traces = read_probability(db, name, net, sta, starttime, endtime)
        if not traces:
            continue
        thresholds = tuple((one.name, _thresholds(one, net, sta, traces[0].labels)) for one in of_name)
        strips.append(Strip(name, tuple(traces), thresholds))
        others = sorted({trace.channel_group for trace in traces} - {sensor})
        if others:
            notes.append(f"probability of {name} is of {', '.join(others)}")
        one = db.probability.find_one({"pick_set": name, "net": net, "sta": sta}, {"floor": 1})
        floors.add(one["floor"] if one else 0.0)
    kept = sorted(floor for floor in floors if floor)
    if kept:
        notes.append(f"probability below {' or '.join(f'{floor:g}' for floor in kept)} is not kept and drawn as 0")
    return strips, notes


def _stored_under(db: Database, pick_set: PickSet) -> str:
    """The pick set that holds the probabilities which this one's picks were chosen from."""
    name, source = pick_set["_id"], pick_set.get("repicked_from")
    seen = {name}
    while source and source not in seen:
        seen.add(source)
        name = source
        source = (db.pick_set.find_one({"_id": source}, {"repicked_from": 1}) or {}).get("repicked_from")
    return name


def _thresholds(source: Source, net: str, sta: str, labels: tuple[str, ...]) -> dict[str, float]:
    settings = source.document.get("config", {}).get("settings", {})
    config = PickConfig(**{name: settings[name] for name in THRESHOLD_SETTINGS if name in settings})
    p, s = config.thresholds(net, sta)
    detection = {"D": settings["detection_threshold"]} if "D" in labels and "detection_threshold" in settings else {}
    return {"P": p, "S": s, **detection}


def stations_with_waveforms(db: Database, query: Query | None = None) -> list[tuple[str, str]]:
    """(net, sta) of the stations that have waveforms which fit a query on `wf_miniseed`, in order."""
    codes = {"$group": {"_id": {"net": "$net", "sta": "$sta"}}}
    rows = db.wf_miniseed.aggregate([{"$match": query or {}}, codes, {"$sort": {"_id": 1}}])
    return [(row["_id"]["net"], row["_id"]["sta"]) for row in rows]


def _no_waveforms(db: Database, net: str, sta: str, starttime: float, endtime: float) -> InputError:
    """What there is instead."""
    message = f"no waveforms of {net}.{sta} from {format_time(starttime)} to {format_time(endtime)}"
    rows = db.wf_miniseed.find({"net": net, "sta": sta}, {"starttime": 1, "endtime": 1})
    spans = [(row["starttime"], row["endtime"]) for row in rows]
    if not spans:
        names = _listed([".".join(codes) for codes in stations_with_waveforms(db)])
        return InputError(f"{message}: the station has none at all", hint=f"stations with waveforms: {names}")
    query = {"sta": sta, "net": {"$in": [net, ""]}, "time": {"$gte": starttime, "$lt": endtime}}
    counts = {row["_id"]: 0 for row in db.pick_set.find({}, {"_id": 1}).sort("_id", 1)}
    for name in counts:
        counts[name] = db.pick.count_documents({"pick_set": name, **query})
    sets = _listed([f"{name} ({number} picks there)" for name, number in counts.items()])
    return InputError(message, hint=f"it has waveforms of {_listed(_days(spans))}; pick sets: {sets}")


def _days(spans: Iterable[tuple[float, float]]) -> list[str]:
    """UTC days that hold data, neighbours as "first to last"."""
    days = sorted({day for start, end in spans for day in range(int(start // 86_400), int(end // 86_400) + 1)})
    ranges: list[list[int]] = []
    for day in days:
        if ranges and day == ranges[-1][1] + 1:
            ranges[-1][1] = day
        else:
            ranges.append([day, day])
    names = [[datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d") for day in pair] for pair in ranges]
    return [first if first == last else f"{first} to {last}" for first, last in names]


def _listed(names: Sequence[str]) -> str:
    return first_few(names, MOST_NAMED) or "none"
