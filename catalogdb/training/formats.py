"""Labelled records in files: SeisBench's format (metadata.csv, waveforms.hdf5), and PhaseNet's arrays with a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from catalogdb.errors import InputError
from catalogdb.output_file import make_folder
from catalogdb.picking.zoo import seisbench_part
from catalogdb.training.records import PHASES, LabelledRecord, Onset, Part, known_phases

if TYPE_CHECKING:
    import pandas as pd
    from obspy import Trace, UTCDateTime

METADATA, WAVEFORMS = "metadata.csv", "waveforms.hdf5"
TABLE, ARRAYS = "traces.csv", "traces.npz"
ARRIVAL = re.compile(r"^trace_(?P<phase>\w+)_arrival_sample$", re.IGNORECASE)
FIRST_ARRIVALS = {
    "p": "P",
    "pg": "P",
    "pn": "P",
    "pb": "P",
    "p1": "P",
    "s": "S",
    "sg": "S",
    "sn": "S",
    "sb": "S",
    "s1": "S",
}
"""Phases that pickers call P and S, by SeisBench's names in small letters."""
GIVEN: dict[str, Part] = {"train": "train", "dev": "validation", "validation": "validation", "test": "test"}
ARRAYS_RATE_HZ = 100.0
COMPONENTS = 3
MEMORY_SHARE = 0.3
"""Of what is free: records, what the network sees of them, and a window's copies."""
NO_STATION, NO_NETWORK = "NONE", "XX"
CANT_HOLD = "left out: components differ in rate or clock, or have a gap"
SECOND_ONSETS = "onsets left out: a later one of a phase in the same record"
NAMED_TIME = re.compile(r"_(\d{16})(?:_\w+)?$")


@dataclass
class Read:
    """What was read of files.

    Attributes:
        records: in the order of the files.
        rejected: "file: record: reason".
        ignored: columns of later phases, which pickers don't know.
    """

    records: list[LabelledRecord] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def files_of(folder: Path) -> list[Path]:
    """The files of a labelled set, in order: those of the folder, or of its folders.

    Raises:
        InputError: for a folder that holds none.
    """
    pairs = ((METADATA, WAVEFORMS), (TABLE, ARRAYS))
    found = [
        path
        for place in (folder, *sorted(path for path in folder.glob("*") if path.is_dir()))
        for pair in pairs
        if all((place / name).is_file() for name in pair)
        for path in (place / name for name in pair)
    ]
    if not found:
        raise InputError(
            f"{folder}: no labelled records: wanted {METADATA} and {WAVEFORMS} (SeisBench), or {TABLE} and {ARRAYS}",
            hint="the folder itself, or folders in it, one for each part of the set",
        )
    return found


def read_folder(folder: Path, unpicked: str) -> Read:
    """All records below a folder.

    Args:
        unpicked: see `records.known_phases`.

    Raises:
        InputError: for a folder without labelled records, and for files that are none.
    """
    result = Read()
    for path in files_of(folder):
        if path.name == METADATA:
            _read_seisbench(path.parent, unpicked, result)
        elif path.name == TABLE:
            _read_arrays(path.parent, unpicked, result)
    return result


def _read_seisbench(folder: Path, unpicked: str, result: Read) -> None:
    metadata = folder / METADATA
    try:
        dataset = seisbench_part("data").WaveformDataset(folder, component_order="ZNE", dimension_order="NCW")
    except Exception as error:  # pandas, h5py and SeisBench raise whatever they meet
        raise InputError(f"{folder}: SeisBench can't read this data set: {error}") from error
    arrivals = {column: match["phase"] for column in dataset.metadata if (match := ARRIVAL.match(column))}
    columns = {
        column: FIRST_ARRIVALS[name.lower()] for column, name in arrivals.items() if name.lower() in FIRST_ARRIVALS
    }
    result.ignored += sorted({name for column, name in arrivals.items() if column not in columns} - set(result.ignored))
    if not columns:
        raise InputError(f"{metadata}: no column with arrivals of P or S, such as trace_P_arrival_sample")
    _check_memory(metadata, dataset.metadata)
    for number, (_, row) in enumerate(dataset.metadata.iterrows()):
        where = f"{metadata}: row {number + 2} ({row['trace_name']})"
        try:
            order = _text(row, "trace_component_order", "")
            if order != dataset.component_order:
                dataset.component_order = order
            data = dataset.get_waveforms(number)
            result.records.append(_record_of_row(row, data, columns, unpicked, f"{folder.name}/{row['trace_name']}"))
        except (InputError, ValueError, KeyError, OSError) as error:
            result.rejected.append(f"{where}: {error}")


def bytes_for_records() -> float:
    """How much of the memory that is free now a set's records may take."""
    import psutil

    return MEMORY_SHARE * float(psutil.virtual_memory().available)


def _check_memory(path: Path, metadata: pd.DataFrame) -> None:
    """Refuse a data set that would not fit into memory, where all records are held."""
    if "trace_npts" not in metadata:
        return
    needed = float(metadata["trace_npts"].sum()) * COMPONENTS * np.float32().itemsize
    if needed > (room := bytes_for_records()):
        raise InputError(
            f"{path}: its {len(metadata)} traces take {needed / 1e9:.1f} GB, and there is room for {room / 1e9:.1f} GB",
            hint="a part of the data set in a folder of its own: its metadata.csv may hold some of the rows",
        )


def _record_of_row(
    row: pd.Series[Any], data: np.ndarray, columns: dict[str, str], unpicked: str, name: str
) -> LabelledRecord:
    rate = float(row.get("trace_sampling_rate_hz", float("nan")))
    if not np.isfinite(rate) or rate <= 0:
        raise InputError("no trace_sampling_rate_hz")
    letters = str(row.get("trace_component_order") or "")
    if len(letters) != len(data):
        raise InputError(f"trace_component_order is {letters!r}, and there are {len(data)} components")
    start = _start_of(row)
    samples = {(phase, float(row[column])) for column, phase in columns.items() if np.isfinite(_number(row[column]))}
    band = str(row.get("trace_channel") or "HH")[:2]
    station = f"{_text(row, 'station_network_code', NO_NETWORK)}.{_text(row, 'station_code', NO_STATION)}"
    onsets = _onsets(samples, data.shape[1], start, rate)
    return LabelledRecord(
        name=name,
        station=station,
        traces=traces_of(data, station, [band + letter for letter in letters], start, rate),
        onsets=onsets,
        known=known_phases(onsets, unpicked),
        event=_text(row, "source_id", ""),
        given=GIVEN.get(_text(row, "split", "")),
        event_type=_text(row, "source_type", ""),
    )


def _start_of(row: pd.Series[Any]) -> float:
    from obspy import UTCDateTime

    text = _text(row, "trace_start_time", "")
    if not text:
        raise InputError("no trace_start_time")
    try:
        return UTCDateTime(text).timestamp
    except (ValueError, TypeError) as error:
        raise InputError(f"trace_start_time {text!r}: {error}") from error


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _text(row: pd.Series[Any], column: str, default: str) -> str:
    value = row.get(column, default)
    return default if value is None or value != value or not str(value).strip() else str(value).strip()


def _onsets(samples: set[tuple[str, float]], size: int, start: float, rate: float) -> tuple[Onset, ...]:
    """Onsets of (phase, sample) in a record of so many samples.

    Raises:
        InputError: where one lies outside of it.
    """
    if outside := [sample for _, sample in samples if not 0 <= sample < size]:
        raise InputError(f"arrival at sample {outside[0]:g} lies outside of the {size} samples")
    onsets = (Onset(phase, start + sample / rate) for phase, sample in samples)
    return tuple(sorted(onsets, key=lambda onset: (onset.time, onset.phase)))


def _read_arrays(folder: Path, unpicked: str, result: Read) -> None:
    import csv

    try:
        with open(folder / TABLE, newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
            data = arrays[arrays.files[0]]
    except (OSError, ValueError, IndexError, UnicodeDecodeError) as error:
        raise InputError(f"{folder}: not readable as labelled arrays: {error}") from error
    if wanted := {"name", "network", "station", "channels", "p_sample", "s_sample"} - set(rows[0] if rows else ()):
        raise InputError(f"{folder / TABLE}: no column {', '.join(sorted(wanted))}")
    if data.ndim != 3 or len(data) != len(rows):
        raise InputError(f"{folder / ARRAYS}: shape {data.shape}, wanted ({len(rows)}, samples, components)")
    for number, row in enumerate(rows):
        try:
            result.records.append(_record_of_array(row, data[number].T, unpicked, f"{folder.name}/{row['name']}"))
        except (InputError, ValueError) as error:
            result.rejected.append(f"{folder / TABLE}: row {number + 2} ({row['name']}): {error}")


def _record_of_array(row: dict[str, str], data: np.ndarray, unpicked: str, name: str) -> LabelledRecord:
    from obspy import UTCDateTime

    match = NAMED_TIME.search(row["name"])
    if match is None:
        raise InputError("its name does not end in a time of 16 digits (year to hundredths of a second)")
    start = UTCDateTime(f"{match[1][:14]}").timestamp + int(match[1][14:]) / 100
    codes = row["channels"].split("_")
    given = {"P": row["p_sample"], "S": row["s_sample"]}
    samples = {(phase, float(value)) for phase, value in given.items() if value}
    station = f"{row['network']}.{row['station']}"
    onsets = _onsets(samples, data.shape[1], start, ARRAYS_RATE_HZ)
    traces = traces_of(data[-len(codes) :], station, codes, start, ARRAYS_RATE_HZ)
    return LabelledRecord(name, station, traces, onsets, known_phases(onsets, unpicked))


def traces_of(data: np.ndarray, station: str, codes: Sequence[str], start: float, rate: float) -> list[Trace]:
    """ObsPy traces of one sensor.

    Args:
        data: (components, samples).
        station: NET.STA.
        codes: channel code of each component.
        start: time of the first sample (epoch seconds UTC).
        rate: samples per second.
    """
    from obspy import Trace, UTCDateTime

    if not np.isfinite(data).all():
        raise InputError("samples that are no numbers")
    net, sta = station.split(".")
    header = {"network": net, "station": sta, "sampling_rate": rate, "starttime": UTCDateTime(start)}
    rows = zip(data, codes, strict=True)
    return [Trace(np.array(row, dtype=np.float32), header | {"channel": code}) for row, code in rows]


def write_seisbench(records: Iterator[tuple[LabelledRecord, Part | None]], folder: Path) -> dict[str, int]:
    """Write records as a SeisBench data set into a new folder.

    Returns:
        How many were written, and what was left out, by reason: SeisBench's traces have one rate and length for all
        components.

    Raises:
        InputError: where the folder can't be made, or holds files already.
    """
    make_folder(folder, must_be_empty=True)
    names = {"train": "train", "validation": "dev", "test": "test"}
    counts = {"written": 0, CANT_HOLD: 0, SECOND_ONSETS: 0}
    with seisbench_part("data").WaveformDataWriter(folder / METADATA, folder / WAVEFORMS) as writer:
        writer.data_format = {"dimension_order": "CW", "measurement": "as recorded", "unit": "counts"}
        for record, part in records:
            data = _common_samples(record)
            if data is None:
                counts[CANT_HOLD] += 1
                continue
            samples, start = data
            stats = record.traces[0].stats
            row: dict[str, Any] = {
                "trace_name_original": record.name,
                "trace_start_time": str(start),
                "trace_sampling_rate_hz": stats.sampling_rate,
                "trace_npts": samples.shape[1],
                "trace_channel": stats.channel[:2],
                "trace_component_order": "".join(trace.stats.channel[-1] for trace in record.traces),
                "station_network_code": record.station.split(".")[0],
                "station_code": record.station.split(".")[1],
                "source_id": record.event,
                "source_type": record.event_type,
                "split": names.get(part or "", ""),
            }
            for phase in PHASES:
                times = [onset.time for onset in record.onsets if onset.phase == phase]
                if times:
                    row[f"trace_{phase}_arrival_sample"] = round((times[0] - start.timestamp) * stats.sampling_rate, 3)
                    counts[SECOND_ONSETS] += len(times) - 1
            writer.add_trace(row, samples)
            counts["written"] += 1
    return {name: number for name, number in counts.items() if number or name == "written"}


def _common_samples(record: LabelledRecord) -> tuple[np.ndarray, UTCDateTime] | None:
    """Samples (components, samples) that all components have, and the time of the first; None where they differ in
    rate or clock, or one has a gap."""
    stats = [trace.stats for trace in record.traces]
    if len({each.sampling_rate for each in stats}) > 1 or len({each.channel for each in stats}) < len(stats):
        return None
    start, end = max(each.starttime for each in stats), min(each.endtime for each in stats)
    rate = stats[0].sampling_rate
    firsts = [(start - each.starttime) * rate for each in stats]
    if end <= start or any(abs(first - round(first)) > 0.01 for first in firsts):
        return None
    size = min(each.npts - round(first) for each, first in zip(stats, firsts, strict=True))
    rows = [trace.data[round(first) : round(first) + size] for trace, first in zip(record.traces, firsts, strict=True)]
    return np.array(rows, dtype=np.float32), start
