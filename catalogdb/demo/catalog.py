"""A day of synthetic earthquakes in Friuli: sizes, places, times and mechanisms.

Magnitudes follow Gutenberg & Richter (1944) between two bounds, aftershocks Omori's law as modified by
Utsu (1961), n(t) = K / (t + c)^p. Places are clusters within the network. No event is a real one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalogdb.geo import ROUND_KM_PER_DEGREE

DAY_S = 86_400.0

_CLUSTERS = (
    # latitude, longitude, depth_km, radius_km, share
    (46.36, 12.86, 9.5, 3.0, 0.22),
    (46.30, 13.13, 7.5, 3.5, 0.20),
    (46.41, 13.06, 10.0, 3.0, 0.18),
    (46.25, 12.66, 9.0, 4.0, 0.14),
    (46.32, 13.52, 8.0, 4.0, 0.14),
    (46.19, 13.40, 12.0, 5.0, 0.12),
)
_OMORI_C_S = 600.0
_OMORI_P = 1.1


@dataclass(frozen=True)
class Earthquake:
    """One earthquake.

    Attributes
    ----------
    origin_s : origin time, seconds after the day's start
    latitude, longitude : degrees;  depth_km : below sea level
    ml : local magnitude
    strike_deg, dip_deg, rake_deg : double couple (Aki & Richards convention)
    stress_drop_pa : Brune stress drop
    """

    origin_s: float
    latitude: float
    longitude: float
    depth_km: float
    ml: float
    strike_deg: float
    dip_deg: float
    rake_deg: float
    stress_drop_pa: float


def gutenberg_richter(
    rng: np.random.Generator, size: int, *, b_value: float = 1.0, lowest: float = 0.5, highest: float = 4.0
) -> NDArray[np.float64]:
    """Magnitudes from the Gutenberg-Richter law cut at both ends, by inversion of its distribution."""
    beta = b_value * np.log(10.0)
    share = 1.0 - np.exp(-beta * (highest - lowest))
    return lowest - np.log(1.0 - share * rng.random(size)) / beta


def omori_times(rng: np.random.Generator, size: int, duration_s: float) -> NDArray[np.float64]:
    """``size`` aftershock times (s after the mainshock, sorted) from the modified Omori law, within ``duration_s``."""
    q = 1.0 - _OMORI_P
    start, end = _OMORI_C_S**q, (_OMORI_C_S + duration_s) ** q
    return np.sort((start + rng.random(size) * (end - start)) ** (1.0 / q) - _OMORI_C_S)


def generate_earthquakes(
    seed: int,
    *,
    count: int | None = None,
    duration_s: float = DAY_S,
    lowest_ml: float = 0.5,
    highest_ml: float = 4.0,
    separation_s: float = 25.0,
) -> list[Earthquake]:
    """Earthquakes of ``duration_s`` seconds, by origin time; the same seed gives the same list.

    Parameters
    ----------
    count : how many; by default 45 to 60 drawn from the seed
    separation_s : least time between two origins

    Ten or more events include a mainshock at most 0.8 units below ``highest_ml``, as on the days that people pick
    for a demo, and a quarter of the events are its aftershocks.

    Raises
    ------
    ValueError if ``count`` events cannot be kept ``separation_s`` apart.
    """
    rng = np.random.default_rng([seed, 1])
    if count is None:
        count = int(rng.integers(45, 61))
    margin = min(60.0, 0.05 * duration_s)
    if count * separation_s > 0.5 * (duration_s - 2 * margin):
        raise ValueError(f"{count} events do not fit into {duration_s:g} s at least {separation_s:g} s apart")
    magnitudes = np.round(gutenberg_richter(rng, count, lowest=lowest_ml, highest=highest_ml), 2)
    clusters = rng.choice(len(_CLUSTERS), size=count, p=[cluster[4] for cluster in _CLUSTERS])
    times, aftershocks = _times(rng, count, duration_s, margin, separation_s)
    if aftershocks:
        magnitudes[0] = round(rng.uniform(highest_ml - 0.8, highest_ml), 2)
        clusters[1 : 1 + aftershocks] = clusters[0]
    events = [
        _earthquake(rng, time, ml, cluster) for time, ml, cluster in zip(times, magnitudes, clusters, strict=True)
    ]
    return sorted(events, key=lambda event: event.origin_s)


def _times(
    rng: np.random.Generator, count: int, duration_s: float, margin_s: float, separation_s: float
) -> tuple[list[float], int]:
    """Origin times: the mainshock's first, then its aftershocks', then the others'; and how many aftershocks."""
    times = [float(rng.uniform(0.25, 0.45) * duration_s)] if count else []
    aftershocks = count // 4 if count >= 10 else 0
    for delay in omori_times(rng, aftershocks, 0.5 * duration_s) if aftershocks else ():
        time = times[0] + float(delay)
        while min(abs(time - other) for other in times) < separation_s:
            time += separation_s
        times.append(time)
    while len(times) < count:
        time = float(rng.uniform(margin_s, duration_s - margin_s))
        if min(abs(time - other) for other in times) >= separation_s:
            times.append(time)
    # Whole samples at 100 Hz, so that synthetics need no resampling.
    return [round(time, 2) for time in times], aftershocks


def _earthquake(rng: np.random.Generator, origin_s: float, ml: float, cluster: int) -> Earthquake:
    latitude, longitude, depth, radius, _ = _CLUSTERS[cluster]
    north, east = rng.normal(0.0, 0.6 * radius, 2)
    return Earthquake(
        origin_s=origin_s,
        latitude=round(latitude + north / ROUND_KM_PER_DEGREE, 5),
        longitude=round(longitude + east / ROUND_KM_PER_DEGREE / np.cos(np.radians(latitude)), 5),
        depth_km=round(float(np.clip(depth + rng.normal(0.0, 2.0), 2.0, 16.0)), 2),
        ml=float(ml),
        # Friuli: thrusts striking about east-west, with strike-slip among them.
        strike_deg=float(rng.normal(265.0, 25.0) % 360.0),
        dip_deg=float(np.clip(rng.normal(45.0, 15.0), 10.0, 85.0)),
        rake_deg=float(rng.normal(90.0, 40.0)),
        stress_drop_pa=float(10.0 ** rng.normal(6.5, 0.25)),
    )
