"""What spectral features are given of a catalog: arrivals, the segments around them, and their spectrograms."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pymongo.database import Database

from catalogdb.errors import CatalogdbError
from catalogdb.features.config import FeaturesConfig
from catalogdb.ledger.parts import Parts, digest
from catalogdb.stages.file_states import file_states
from catalogdb.stages.waveform_segments import (
    Interval,
    identify,
    joined,
    read_intervals,
    segments_meeting,
    waveform_parts,
)
from catalogdb.waveforms import WaveformUnavailable

if TYPE_CHECKING:
    from catalogdb.features.spectrograms import Arrival, Spectrogram

EVENT_FIELDS = (
    *("time", "preferred_origin_id", "origins._id"),
    *(f"origins.arrivals.{name}" for name in ("net", "sta", "phase", "time")),
)
SPARE_SECONDS = 1.0
UNREADABLE = "unreadable"
"""In the parts of a task's inputs in place of a station's waveforms of which not all could be read."""
SEGMENT_ORDER = ("loc", "chan", "starttime", "dir", "dfile", "foff")
HELD_BYTES, LEARNED_BYTES = 8, 40
"""For each number of a spectrogram: it and its copy in one array; and where it is learned from, what scikit-learn and
the states take besides."""

Station = tuple[str, str]


@dataclass
class FeatureInputs:
    """Attributes:
    arrivals: by time.
    counts: of those that are left out.
    intervals: times that are read of each station, ascending.
    segments: `wf_miniseed` documents of each station at these times, each with its `identity`.
    parts: identity of all of it.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    intervals: dict[Station, list[Interval]] = field(default_factory=dict)
    segments: dict[Station, list[Any]] = field(default_factory=dict)
    parts: Parts = field(default_factory=dict)


def feature_inputs(db: Database, of_catalog: dict[str, Any], config: FeaturesConfig) -> FeatureInputs:
    """What the features of a catalog's events would be made from, waveforms still in their files."""
    from catalogdb.features.arrivals import wanted_arrivals

    events = [_plain(event) for event in db.event.find(of_catalog, dict.fromkeys(EVENT_FIELDS, 1)).sort("time", 1)]
    arrivals, counts = wanted_arrivals(events, config)
    intervals = _intervals(arrivals, config)
    segments = {station: _segments(db, station, own) for station, own in intervals.items()}
    identify(db, [segment for own in segments.values() for segment in own])
    return FeatureInputs(arrivals, counts, intervals, segments, _parts(events, segments))


def read_spectrograms(
    db: Database, inputs: FeatureInputs, config: FeaturesConfig
) -> tuple[list[Spectrogram], Counter[str], list[str]]:
    """Spectrograms, counts of the arrivals that have none by reason, and what could not be read or decoded.

    Arrivals in files that can't be read now are left out. The inputs' parts say of which stations, so that the next run
    finds them changed and tries again.

    Raises:
        CatalogdbError: where the spectrograms would not fit into memory.
        WaveformUnavailable: where files can't be read and nothing else is there, as of an archive that is not mounted;
            the task fails, and earlier results stay.
    """
    from catalogdb.features.spectrograms import LeftOut, make_spectrogram

    _check_memory(len(inputs.arrivals), config)
    counts, problems, found = Counter(inputs.counts), [], []
    of_station: dict[Station, list[Arrival]] = defaultdict(list)
    for arrival in inputs.arrivals:
        of_station[arrival.net, arrival.sta].append(arrival)
    unavailable: WaveformUnavailable | None = None
    for station, intervals in inputs.intervals.items():
        segments = inputs.segments[station]
        states = file_states(db, (segment["file_id"] for segment in segments))
        times = [arrival.p_time for arrival in of_station[station]]
        to_read = [
            (interval, of_station[station][bisect_left(times, interval[0]) : bisect_left(times, interval[1])])
            for interval in intervals
        ]
        while to_read:
            interval, arrivals = to_read.pop()
            try:
                traces, failed = read_intervals(db, segments, [interval], states)
            except WaveformUnavailable as error:
                if len(arrivals) > 1:  # some of them may be in other files
                    to_read += [(_window(arrival, config), [arrival]) for arrival in arrivals]
                    continue
                unavailable, traces, failed = error, [], [str(error)]
                counts["unreadable"] += len(arrivals)
                arrivals = []
                inputs.parts["waveform"][".".join(station)] = UNREADABLE
            problems += [problem for problem in failed if problem not in problems]
            records = [_record(trace) for trace in traces]
            for arrival in arrivals:
                try:
                    found.append(make_spectrogram(records, arrival, config))
                except LeftOut as left_out:
                    counts[str(left_out)] += 1
    if unavailable and not found:
        raise unavailable
    return found, counts, problems


def spectrogram_around(db: Database, arrival: Arrival, config: FeaturesConfig) -> Spectrogram:
    """The spectrogram of one arrival.

    Raises:
        LeftOut: where it has none.
        WaveformUnavailable: where a file can't be read.
    """
    from catalogdb.features.spectrograms import make_spectrogram

    station = arrival.net, arrival.sta
    window = _window(arrival, config)
    traces, _ = read_intervals(db, _segments(db, station, [window]), [window])
    return make_spectrogram([_record(trace) for trace in traces], arrival, config)


def _check_memory(arrivals: int, config: FeaturesConfig) -> None:
    from catalogdb.features.spectrograms import frequencies_hz
    from catalogdb.training.formats import bytes_for_records

    numbers = config.frames * len(frequencies_hz(config))
    needed = numbers * (HELD_BYTES * arrivals + LEARNED_BYTES * min(arrivals, config.learn_from))
    if needed > (room := bytes_for_records()):
        raise CatalogdbError(
            f"features: {arrivals} spectrograms of {config.frames} frames take {needed / 1e9:.1f} GB of memory, and "
            f"there is room for {room / 1e9:.1f} GB: name fewer features.stations, a larger step_seconds, a shorter "
            "after_seconds, or make a catalog of a shorter period"
        )


def _plain(event: dict[str, Any]) -> dict[str, Any]:
    """An event with the arrivals of its preferred origin."""
    origins = event.get("origins", ())
    preferred = [one for one in origins if one["_id"] == event.get("preferred_origin_id", one["_id"])]
    arrivals = preferred[0].get("arrivals", ()) if preferred else ()
    return {"event_id": event["_id"], "time": event["time"], "arrivals": arrivals}


def _window(arrival: Arrival, config: FeaturesConfig) -> Interval:
    """What is read around one arrival."""
    before, after = config.before_seconds + SPARE_SECONDS, config.after_seconds + SPARE_SECONDS
    return arrival.p_time - before, arrival.p_time + after


def _intervals(arrivals: Iterable[Arrival], config: FeaturesConfig) -> dict[Station, list[Interval]]:
    """Times around the arrivals by station."""
    spans = (((own.net, own.sta), *_window(own, config)) for own in arrivals)
    return dict(sorted(joined(spans).items()))


def _segments(db: Database, station: Station, intervals: Sequence[Interval]) -> list[Any]:
    """Segments of a station that meet one of its times."""
    found = segments_meeting(db, {"net": station[0], "sta": station[1]}, intervals)
    return sorted(found, key=lambda row: [row.get(name, "") for name in SEGMENT_ORDER])


def _parts(events: Sequence[dict[str, Any]], segments: dict[Station, list[Any]]) -> Parts:
    """Events by day, since the ledger keeps a state of each part; waveforms by station."""
    days: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        day = datetime.fromtimestamp(event["time"], UTC).date().isoformat()
        days[day].append([event["event_id"], event["time"], event["arrivals"]])
    return {
        "event": {day: digest(sorted(own, key=lambda one: one[0])) for day, own in days.items()},
        "waveform": waveform_parts({".".join(station): own for station, own in segments.items()}),
    }


def _record(trace: Any) -> Any:
    from catalogdb.features.spectrograms import Record

    stats = trace.stats
    return Record(stats.location, stats.channel, float(stats.sampling_rate), stats.starttime.timestamp, trace.data)
