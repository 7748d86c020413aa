"""Inputs of the golden cases: made in code from Python's own random numbers, which no library's release changes."""

import math
import random

import numpy as np
from obspy import Trace, UTCDateTime

from catalogdb.association.config import AssociateConfig
from catalogdb.geo import Region, distance_azimuth
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes

START = 1_700_000_000.0
REGION = Region(minlatitude=45.5, maxlatitude=47.0, minlongitude=11.5, maxlongitude=14.0, maxdepth_km=30.0)
STATIONS = [
    {"net": "XX", "sta": code, "latitude": latitude, "longitude": longitude, "elevation_km": elevation}
    for code, latitude, longitude, elevation in [
        ("AAA", 46.26, 13.28, 0.6), ("BBB", 46.46, 12.88, 0.6), ("CCC", 46.23, 13.24, 0.6), ("DDD", 46.32, 13.10, 0.4),
        ("EEE", 46.26, 12.71, 0.6), ("FFF", 46.43, 12.74, 1.4), ("GGG", 46.41, 13.00, 0.5), ("HHH", 46.55, 13.15, 1.4),
        ("III", 46.60, 12.60, 1.1), ("JJJ", 46.10, 12.95, 0.1),
    ]
]  # fmt: skip
EVENTS = [(1000.0, 46.36, 12.90, 8.0), (1012.0, 46.30, 13.15, 11.0), (2500.0, 46.42, 13.05, 5.0)]
"""Time (s after `START`), latitude, longitude, depth (km); two of them overlap."""
SETTINGS = {
    "velocity": {"vp": 5.85, "vs": 3.28},
    "min_picks": 6,
    "min_p": 3,
    "min_s": 2,
    "min_stations": 3,
    "overlap_seconds": 120.0,
    "time_error": 0.2,
    "max_residual": 1.5,
}


def noise(seed: int, size: int, scale: float = 1.0) -> np.ndarray:
    """Nearly normal noise: sums of four uniform numbers, unit variance."""
    generator = random.Random(seed)
    values = [sum(generator.random() for _ in range(4)) - 2.0 for _ in range(size)]
    return np.array(values) * (scale * math.sqrt(3.0))


def burst(size: int, rate: float, at: float, frequency: float, amplitude: float) -> np.ndarray:
    """A decaying oscillation that sets in at a time (s)."""
    time = np.arange(size) / rate - at
    return np.where(time >= 0.0, amplitude * np.exp(-time / 3.0) * np.sin(2 * np.pi * frequency * time), 0.0)


def seismograms(seconds: float = 150.0, rate: float = 100.0, onsets=((50.0, 56.5), (95.0, 99.25))) -> list[Trace]:
    """Three components in whole counts with P and S of some events; a gap of 2 s in the east component."""
    size = round(seconds * rate)
    traces = []
    for number, letter in enumerate("ZNE"):
        data = noise(number, size, 20.0)
        for p_time, s_time in onsets:
            data += burst(size, rate, p_time, 8.0, 900.0 if letter == "Z" else 250.0)
            data += burst(size, rate, s_time, 4.0, 400.0 if letter == "Z" else 1800.0)
        traces.append(trace(np.round(data).astype(np.int32), f"HH{letter}", rate))
    east = traces.pop()
    cut = round(130.0 * rate)
    return [*traces, *(trace(east.data[a:b], "HHE", rate, a / rate) for a, b in ((0, cut), (cut + 200, size)))]


def trace(data: np.ndarray, chan: str, rate: float, after: float = 0.0, sta: str = "AAA") -> Trace:
    """A trace that begins some seconds after `START`."""
    header = {"network": "XX", "station": sta, "channel": chan, "sampling_rate": rate}
    return Trace(np.array(data), header | {"starttime": UTCDateTime(START + after)})


def probability_rows(size: int = 6000) -> np.ndarray:
    """Probability of P and S: bumps of several heights and widths, with shoulders, flat tops and unknown samples."""
    time = np.arange(size) / 100.0
    rows = np.zeros((2, size))
    for row, at, height, width in [
        (0, 5.0, 0.9, 0.1), (0, 5.6, 0.5, 0.2), (0, 12.0, 0.31, 0.15), (0, 20.0, 0.6, 0.3), (0, 20.5, 0.62, 0.1),
        (0, 33.0, 0.29, 0.1), (0, 44.0, 0.97, 0.05), (1, 7.5, 0.8, 0.2), (1, 8.4, 0.45, 0.2), (1, 24.0, 0.4, 0.4),
        (1, 44.2, 0.35, 0.1), (1, 58.9, 0.7, 0.2),
    ]:  # fmt: skip
        rows[row] = np.maximum(rows[row], height * np.exp(-0.5 * ((time - at) / width) ** 2))
    rows[0, 2010:2030] = 0.55
    rows[1, 5000:5100] = np.nan
    return rows.astype(np.float32)


def picks_of_events(scatter: float = 0.08, false_picks: int = 40) -> list[dict]:
    """Picks of `EVENTS` at all stations, with errors and missing ones, and false picks between them."""
    times, generator = HomogeneousTimes(5.85, 3.28), random.Random(11)
    picks = []
    for number, (time, latitude, longitude, depth_km) in enumerate(EVENTS):
        for place, station in enumerate(STATIONS):
            distance_km, _ = distance_azimuth(latitude, longitude, station["latitude"], station["longitude"])
            for phase in "PS":
                if (number + place) % 7 == 3 and phase == "S":
                    continue
                travel = float(times(distance_km, depth_km, -station["elevation_km"], phase == "S"))
                at = START + time + travel + scatter * (generator.random() + generator.random() - 1.0)
                picks.append(_pick(f"{number}.{station['sta']}.{phase}", station, phase, at, 0.8))
    for number in range(false_picks):
        station = STATIONS[generator.randrange(len(STATIONS))]
        at = START + 600.0 + 2400.0 * generator.random()
        picks.append(_pick(f"false{number}", station, "PS"[number % 2], at, 0.4))
    return sorted(picks, key=lambda pick: pick["time"])


def _pick(identity: str, station: dict, phase: str, time: float, probability: float) -> dict:
    codes = {"net": station["net"], "sta": station["sta"]}
    return {"_id": identity, **codes, "phase": phase, "time": round(time, 3), "probability": probability}


def association_config(associator: str, **changes) -> AssociateConfig:
    """Settings in which nothing that matters is left to a default."""
    return AssociateConfig(**(SETTINGS | {"associator": associator} | changes))
