"""Which records train, validate and test, so that the test knows nothing of the training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from catalogdb.errors import InputError
from catalogdb.identity import content_id
from catalogdb.training.config import SplitConfig
from catalogdb.training.records import PARTS, LabelledRecord, Part


@dataclass
class Parted:
    """The records of each part.

    Attributes:
        parts: by name.
        borders: start of the validation and of the test part (epoch seconds UTC), where time parts them.
        left_out: records that belong to no part, by reason.
    """

    parts: dict[Part, list[LabelledRecord]]
    borders: tuple[float, float] | None = None
    left_out: Counter[str] = field(default_factory=Counter)


def parted(records: Sequence[LabelledRecord], split: SplitConfig) -> Parted:
    """Part the records.

    Raises:
        InputError: where a part would be empty.
    """
    if not records:
        raise InputError("there is no labelled record to part")
    result = {"time": _by_time, "station": _by_station, "given": _as_given}[split.by](records, split)
    if empty := [name for name in PARTS if not result.parts[name]]:
        raise InputError(
            f"the split by {split.by} leaves {' and '.join(empty)} without a record ({len(records)} in all, "
            f"{sum(result.left_out.values())} in no part)",
            hint="other fractions or borders, a smaller split.guard_seconds, or more records",
        )
    return result


def share_of_events(records: Sequence[LabelledRecord], share: float, seed: int) -> list[LabelledRecord]:
    """The records of a share of the events, chosen by the seed; a larger share holds all of a smaller one."""
    events = sorted({record.event for record in records}, key=lambda event: content_id("share", seed, event))
    chosen = set(events[: max(1, round(share * len(events)))])
    return [record for record in records if record.event in chosen]


def _spans(records: Sequence[LabelledRecord]) -> dict[str, tuple[float, float]]:
    """First and last time of each event."""
    spans: dict[str, tuple[float, float]] = {}
    for record in records:
        first, last = spans.get(record.event, (record.starttime, record.endtime))
        spans[record.event] = min(first, record.starttime), max(last, record.endtime)
    return spans


def _by_time(records: Sequence[LabelledRecord], split: SplitConfig) -> Parted:
    spans = _spans(records)
    starts = sorted(first for first, _ in spans.values())
    if split.borders:
        borders = split.borders[0].timestamp(), split.borders[1].timestamp()
    else:
        validation = round(split.fractions[0] * len(starts))
        test = max(validation + 1, round(sum(split.fractions[:2]) * len(starts)))  # one event at least validates
        borders = starts[min(len(starts) - 1, validation)], starts[min(len(starts) - 1, test)]
    result = Parted({name: [] for name in PARTS}, borders)
    for record in records:
        first, last = spans[record.event]
        if any(first < border < last + split.guard_seconds for border in borders):
            result.left_out["too close to a border in time"] += 1
        else:
            result.parts[PARTS[sum(first >= border for border in borders)]].append(record)
    return result


def _by_station(records: Sequence[LabelledRecord], split: SplitConfig) -> Parted:
    stations = sorted({record.station for record in records}, key=lambda station: content_id("station", station))
    ends = round(split.fractions[0] * len(stations)), round(sum(split.fractions[:2]) * len(stations))
    part = {station: PARTS[sum(place >= end for end in ends)] for place, station in enumerate(stations)}
    by_part: dict[Part, list[LabelledRecord]] = defaultdict(list)
    for record in records:
        by_part[part[record.station]].append(record)
    return Parted({name: by_part[name] for name in PARTS})


def _as_given(records: Sequence[LabelledRecord], split: SplitConfig) -> Parted:
    result = Parted({name: [] for name in PARTS})
    for record in records:
        if record.given is None:
            result.left_out["the source puts it in no part"] += 1
        else:
            result.parts[record.given].append(record)
    return result
