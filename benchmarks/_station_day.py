"""Miniseed of one sensor, one channel group, of any length, for benchmarks that pick."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np


def write_station_day(files: list[str], hours: float, path: Path) -> None:
    """Write `hours` of three components, tiled from the files or made up, as miniSEED."""
    import obspy

    stream = obspy.Stream(trace for file in files for trace in obspy.read(file)) if files else _made_up()
    for trace in stream:
        trace.data = np.resize(trace.data, int(hours * 3600 * trace.stats.sampling_rate))
        trace.stats.starttime = obspy.UTCDateTime(2024, 1, 1)
    stream.write(str(path), format="MSEED")


def _made_up():
    import obspy

    rng = np.random.default_rng(0)
    samples, stream = 360_000, obspy.Stream()
    noise = rng.normal(0, 100, (3, samples + 1000))
    for onset in range(5_000, samples - 5_000, 12_000):
        for component, delay, size in ((0, 0, 3000), (1, 400, 6000), (2, 400, 6000)):
            length = 1500
            burst = rng.normal(0, size, length) * np.exp(-np.arange(length) / 300)
            noise[component, onset + delay : onset + delay + length] += burst
    for row, channel in zip(noise, ("HHZ", "HHN", "HHE"), strict=True):
        header = {"network": "XX", "station": "MADE", "channel": channel, "sampling_rate": 100.0}
        stream.append(obspy.Trace(row[:samples].astype(np.int32), header))
    return stream


def default_files(folder: Path) -> tuple[list[str], str]:
    """Three-component miniSEED files for where none are given, and what they are; may write into `folder`."""
    real = Path(os.environ.get("CATALOGDB_REALDATA", "")) / "ridgecrest_2019" / "mseed"
    if "CATALOGDB_REALDATA" in os.environ and real.is_dir():
        return [str(path) for path in sorted(real.glob("*B921*"))], "PB.B921, Ridgecrest 2019"
    from catalogdb.demo.dataset import write_demo_day
    from catalogdb.demo.network import select_sites

    code = select_sites(None)[0].code
    day = write_demo_day(folder, stations=[code], duration_s=7200, gaps=0)
    group = day.waveform_files[0].name.split(".")[3][:2]
    return [str(path) for path in day.waveform_files if path.name.split(".")[3][:2] == group], f"synthetic, {code}"


def weights_at_hand(picker: str) -> str | None:
    """`original` where SeisBench's cache holds it, else the packaged `demo`; none for EQTransformer without weights."""
    from catalogdb.errors import InputError
    from catalogdb.picking.weights import resolve

    try:
        resolve(picker, "original", download=False)
    except InputError:
        return "demo" if picker == "phasenet" else None
    return "original"
