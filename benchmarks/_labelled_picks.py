"""Picks of labelled traces with the errors of their times: inputs of the uncertainty benchmark."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from benchmarks._scored_picks import Record, picked_traces, times_us
from catalogdb.demo.scores import match
from catalogdb.picking.peak_table import PHASES

TOLERANCE_SECONDS = 0.5
SHIFTS_SECONDS = (0.0, 3.7, 7.4, 11.1)
"""Each trace is picked at so many places of the grid that windows lie on, since that moves picks a little."""
GAP_SECONDS = 1000


@dataclass
class LabelledPicks:
    """Right picks of one phase; arrays (picks,).

    Attributes:
        error: pick minus true onset (s).
        probability, snr, width: as in the table of peaks.
        trace: number of the onset: its picks weigh as much as one.
        station: its station.
    """

    error: np.ndarray
    probability: np.ndarray
    snr: np.ndarray
    width: np.ndarray
    trace: np.ndarray
    station: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """One over the number of picks of the same onset."""
        _, place, picks = np.unique(self.trace, return_inverse=True, return_counts=True)
        return 1.0 / picks[place]

    def those(self, chosen: np.ndarray) -> LabelledPicks:
        """Some of them."""
        return LabelledPicks(*(getattr(self, field.name)[chosen] for field in fields(self)))


def labelled_record(folder: Path, picker: str) -> Record:
    """Picks of labelled traces, each of `SHIFTS_SECONDS` by itself, by station, trace and shift.

    Args:
        folder: `traces.npz`, with float32 (traces, samples, 3) at 100 Hz, and `traces.csv` with the columns network,
            station, channels (by underscores; a single one stands in the last column), p_sample and s_sample.
        picker: for example ``phasenet:original``.
    """
    from obspy import Trace, UTCDateTime

    with open(folder / "traces.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    with np.load(folder / "traces.npz") as arrays:
        data = arrays[arrays.files[0]]
    record: Record = {}
    for number, row in enumerate(rows):
        codes = row["channels"].split("_")
        header = {"network": row["network"], "station": row["station"], "sampling_rate": 100.0}
        for shift in SHIFTS_SECONDS:
            start = UTCDateTime(GAP_SECONDS * (number + 1) + shift)
            columns = data[number].T[-len(codes) :]
            traces = [
                Trace(column.copy(), header | {"channel": code, "starttime": start})
                for code, column in zip(codes, columns, strict=True)
            ]
            onsets = [
                (phase, round((start.timestamp + int(row[f"{name.lower()}_sample"]) / 100) * 1e6))
                for phase, name in enumerate(PHASES)
                if row[f"{name.lower()}_sample"]
            ]
            found = picked_traces(picker, traces) | {"truth": np.array(onsets, dtype=np.int64).reshape(-1, 2)}
            record[f"{row['network']}.{row['station']} {number} {shift}"] = found
    return record


def right_picks(record: Record, phase: str) -> LabelledPicks:
    """Picks that are the nearest one to an onset of their phase, one to one, within `TOLERANCE_SECONDS`."""
    parts = [_right_picks(found, phase, key, number) for number, (key, found) in enumerate(record.items())]
    return together(parts)


def together(parts: Iterable[LabelledPicks]) -> LabelledPicks:
    """All picks of several sets."""
    parts = list(parts)
    return LabelledPicks(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(LabelledPicks)))


def _right_picks(found: dict[str, np.ndarray], phase: str, key: str, number: int) -> LabelledPicks:
    station, *trace = key.split()
    picks, onsets = (times_us(found, phase, what) for what in ("picks", "truth"))
    pairs = np.array(match(picks / 1e6, onsets / 1e6, TOLERANCE_SECONDS), dtype=np.int64).reshape(-1, 2)
    peaks = found["peaks"][found["peaks"]["phase"] == PHASES.index(phase)]
    peaks = peaks[np.argsort(peaks["time_us"])]
    chosen = peaks[np.searchsorted(peaks["time_us"], picks[pairs[:, 0]])]
    error = np.round((picks[pairs[:, 0]] - onsets[pairs[:, 1]]) / 1e6, 4)
    of_onset = np.full(error.size, int(trace[0])) if trace else number * 100_000 + pairs[:, 1]
    measures = (chosen[name].astype(np.float64) for name in ("probability", "snr", "width"))
    return LabelledPicks(error, *measures, of_onset, np.full(error.size, station, dtype=object).astype(str))
