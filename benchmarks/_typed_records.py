"""Records with the types of their events: recorded earthquakes, and made blasts and slides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from catalogdb.identity import content_id
from catalogdb.training.formats import read_folder
from catalogdb.training.records import LabelledRecord, Onset

RIDGECREST_BORDER = "2019-07-07T08:30:00"
"""Events before it were looked at when features and limits were chosen; those from it on are reported."""
MODEL = ((0.0, 5.5, 16.0, 32.0), (5.5, 6.3, 6.7, 7.8), 1.73)
"""Tops (km) and P velocities (km/s) of flat layers, Vp/Vs (Hadley & Kanamori 1977)."""
GATE_SECONDS = {"P": 0.8, "S": 1.2}
BEFORE_SECONDS, AFTER_SECONDS = 25.0, 100.0


def halves(records: Iterable[LabelledRecord]) -> tuple[list[LabelledRecord], list[LabelledRecord]]:
    """Records that were looked at when features and limits were chosen, and others; whole stations, by their names."""
    looked_at, others = [], []
    for record in records:
        odd = int(content_id("event types", record.station)[:8], 16) % 2
        (looked_at if odd else others).append(record)
    return looked_at, others


def ncedc(folder: Path) -> list[LabelledRecord]:
    """Records with manual P and S, each of an earthquake of its own."""
    found = read_folder(folder / "labelled" / "ncedc_phasenet", "unknown").records
    return [replace(record, event=record.name, event_type="earthquake") for record in found]


def ridgecrest(folder: Path, picker: str = "phasenet:original") -> list[LabelledRecord]:
    """Records of the dense catalog's events at the four stations, where P and S were picked near their expected times.

    The events are aftershocks, so earthquakes. What a station's picks are late by on the whole is taken off.
    """
    import obspy

    from benchmarks._scored_picks import recorded

    picks = recorded("ridgecrest_2019", picker)
    streams: dict[str, obspy.Stream] = {}
    for path in sorted((folder / "ridgecrest_2019" / "mseed").iterdir()):
        for trace in obspy.read(str(path)):
            streams.setdefault(trace.stats.station, obspy.Stream()).append(trace)
    records = []
    for station, name, onsets in _onsets(folder / "ridgecrest_2019", picks):
        first = obspy.UTCDateTime(onsets[0].time)
        part = streams[station].slice(first - BEFORE_SECONDS, first + AFTER_SECONDS)
        traces = [trace.copy() for trace in part]
        records.append(
            LabelledRecord(f"{name} {station}", f"PB.{station}", traces, onsets, "PS", name, event_type="earthquake")
        )
    return records


def _onsets(folder: Path, picks: dict[str, dict[str, np.ndarray]]) -> list[tuple[str, str, tuple[Onset, ...]]]:
    """(station, event, its P and S) where both were picked."""
    import pandas as pd

    from benchmarks._scored_picks import distance_us, times_us
    from catalogdb.demo.earth import LayeredEarth, first_arrival
    from catalogdb.geo import distance_azimuth

    events = pd.read_csv(folder / "reference_gamma_quakeflow_ml.csv")
    origins = pd.to_datetime(events["time"]).to_numpy().astype("datetime64[us]").astype(np.int64)
    depths = np.maximum(events["depth(m)"].to_numpy() / 1000, 0.1)
    sites = pd.read_csv(folder / "stations.csv").set_index("station")
    tops, velocities, ratio = MODEL
    earth = LayeredEarth(tops, velocities, ratio, (2700.0,) * 4, (400.0,) * 4, (250.0,) * 4)
    found = []
    for group, own in sorted(picks.items()):
        station = group.split(".")[1]
        site = sites.loc[station]
        apart, _ = distance_azimuth(
            events["latitude"].to_numpy(), events["longitude"].to_numpy(), site["latitude"], site["longitude"]
        )
        chosen: dict[str, np.ndarray] = {}
        for phase in "PS":
            travel = np.array(
                [
                    first_arrival(earth, phase, np.array([km]), depth, site["elevation_m"]).time_s[0]
                    for km, depth in zip(apart, depths, strict=True)
                ]
            )
            expected = origins + np.round(travel * 1e6).astype(np.int64)
            times = times_us(own, phase)
            delays = np.arange(-1_500_000, 1_500_001, 50_000)
            near = [int((distance_us(times, np.sort(expected + delay)) < 400_000).sum()) for delay in delays]
            expected = expected + delays[int(np.argmax(near))]
            nearest = times[np.abs(times[None, :] - expected[:, None]).argmin(axis=1)]
            chosen[phase] = np.where(np.abs(nearest - expected) <= GATE_SECONDS[phase] * 1e6, nearest, -1)
        for number in np.flatnonzero((chosen["P"] > 0) & (chosen["S"] > chosen["P"])):
            onsets = tuple(Onset(phase, float(chosen[phase][number]) / 1e6) for phase in "PS")
            found.append((station, str(events["time"][number]), onsets))
    return found


def made(seed: int, events: int, types: Sequence[str]) -> list[LabelledRecord]:
    """Made records, see `catalogdb.demo.typed_records`."""
    from catalogdb.demo.typed_records import typed_records

    return list(typed_records(seed, events, tuple(types)))
