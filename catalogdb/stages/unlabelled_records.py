"""Records of the database's waveforms without labels, sampled over stations and times, for pretraining."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from pymongo.database import Database

from catalogdb.errors import CatalogdbError, InputError
from catalogdb.identity import content_id
from catalogdb.intervals import Interval, union
from catalogdb.stages.picked_records import Span, record_of
from catalogdb.station_patterns import matches_station
from catalogdb.training.config import TrainingSetConfig
from catalogdb.training.records import LabelledRecord

GAP_SECONDS = 0.1
"""Files that follow one another leave a sample between the end of one and the start of the next."""


def read_unlabelled(db: Database, config: TrainingSetConfig) -> tuple[list[LabelledRecord], list[str], str]:
    """The records of a set, why others are none, and the digest of what they are made from.

    Which they are depends on the description and on what data there are, never on when they are sampled. Stations come
    equally often, whatever they recorded, and times of a station are equally likely: most records are noise.

    Raises:
        InputError: where no station has a stretch as long as a record.
    """
    covered = _covered(db, config)
    if not covered:
        raise InputError(
            f"training set {config.name!r}: no waveforms of {_length(config):g} s without a gap in its period",
            hint="look at the stations and the period, and at catalogdb query availability",
        )
    records, rejected, digests = [], [], []
    for span in _spans(covered, config):
        try:
            record, content = record_of(db, span, config)
        except CatalogdbError as error:
            rejected.append(f"{span.net}.{span.sta} {span.starttime:.2f}: {error}")
            continue
        records.append(replace(record, known="", event=record.name))  # time alone parts what may hold an event or none
        digests.append([record.name, content])
    return records, rejected, content_id(sorted(digests))


def _length(config: TrainingSetConfig) -> float:
    return config.before_seconds + config.after_seconds


def _covered(db: Database, config: TrainingSetConfig) -> dict[tuple[str, str], list[Interval]]:
    """When each station recorded long enough (epoch seconds UTC)."""
    first = config.starttime.timestamp() if config.starttime else -np.inf
    end = config.endtime.timestamp() if config.endtime else np.inf
    found: dict[tuple[str, str], list[Interval]] = defaultdict(list)
    query = {"starttime": {"$lt": end}, "endtime": {"$gt": first}}
    for segment in db.wf_miniseed.find(query, {"net": 1, "sta": 1, "starttime": 1, "endtime": 1}):
        if matches_station(config.stations, segment["net"], segment["sta"]):
            of_period = max(first, segment["starttime"]), min(end, segment["endtime"])
            found[segment["net"], segment["sta"]].append(of_period)
    long = {
        station: [(start, end) for start, end in union(times, GAP_SECONDS) if end - start > _length(config)]
        for station, times in found.items()
    }
    return {station: times for station, times in sorted(long.items()) if times}


def _spans(covered: dict[tuple[str, str], list[Interval]], config: TrainingSetConfig) -> Iterator[Span]:
    described = config.model_dump(mode="json", exclude={"name", "split"})
    random = np.random.default_rng(int(content_id("unlabelled", described)[:16], 16))
    stations = list(covered)
    for number in range(config.unlabelled):
        net, sta = stations[number % len(stations)]
        starts = np.array([start for start, _ in covered[net, sta]])
        room = np.array([end - _length(config) for _, end in covered[net, sta]]) - starts
        place = random.uniform(0, room.sum())
        which = min(int(np.searchsorted(np.cumsum(room), place, side="right")), len(room) - 1)
        start = float(starts[which] + place - room[:which].sum())
        yield Span(net, sta, "", (), start, start + _length(config))
