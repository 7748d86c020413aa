"""Numbers of QuakeML in our units, within the bounds that real ones keep; what lies outside is left out and counted."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

from catalogdb.exchange.confidence import ellipse_deviations, interval_deviations, is_level
from catalogdb.exchange.evaluation_mode import EvaluationMode, EvaluationStatus
from catalogdb.exchange.positions import depth_in_range
from catalogdb.geo import KM_PER_DEGREE

EARLIEST, LATEST = -59_011_459_200, 4_102_444_800  # years 100 to 2099 in epoch seconds; 1 and 9999 are no years
NO_DEPTH_KM = (999.0, 9999.0, 99999.0)  # of either sign, where sources fill in what they don't know
NO_DEPTH_M = (-999.0, -9999.0, -99999.0)


class Bounds(NamedTuple):
    """Least and largest value; `is_open`: the least is none itself."""

    least: float
    largest: float
    is_open: bool = False


BOUNDS = {
    "uncertainty": Bounds(0, 100, True),  # of picks, s
    "time_uncertainty": Bounds(0, 1000, True),
    "horizontal_uncertainty_km": Bounds(0, 2000, True),
    "depth_uncertainty_km": Bounds(0, 1000, True),
    "magnitude_uncertainty": Bounds(0, 10, True),
    "magnitude": Bounds(-5, 11),
    "rms": Bounds(0, 1000),
    "azimuthal_gap": Bounds(0, 360),
    "minimum_distance_km": Bounds(0, 180 * KM_PER_DEGREE),
    "residual": Bounds(-3600, 3600),
    "distance_km": Bounds(0, 180 * KM_PER_DEGREE),
    "azimuth": Bounds(0, 360),
    "takeoff_angle": Bounds(0, 180),
    "station_delay": Bounds(-100, 100),
    "weight": Bounds(0, 1000),
    "probability": Bounds(0, 1),
    **dict.fromkeys(("n_picks", "n_stations"), Bounds(0, 2**31 - 1)),
}


class Tally:
    """What was left out or taken for something else, counted by kind, with the first place of each.

    Args:
        file: whose records are counted.
    """

    def __init__(self, file: str):
        self._file = file
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, what: str, where: str = "", number: int = 1) -> None:
        """Count something; `where` is the record and what is odd in it."""
        if number:
            self._counts[what] += number
            self._first.setdefault(what, where.removeprefix(f"{self._file}: "))

    def lines(self) -> list[str]:
        """One line each: "file: number what, the first: where"."""
        return [
            f"{self._file}: {number} {what}" + (f"; the first: {self._first[what]}" if self._first[what] else "")
            for what, number in self._counts.items()
        ]

    def bounded(self, name: str, value: float | None, where: str, bounds: str | None = None) -> float | None:
        """The value where it keeps the bounds of its kind; None for others, which are counted."""
        least, largest, is_open = BOUNDS[bounds or name]
        if value is None or (least <= value <= largest and not (is_open and value == least)):
            return value
        interval = f"{'above' if is_open else 'from'} {least:g} to {largest:g}"
        self.add(f"times {name} left out, as it is not {interval}", f"{where}: {value:g}")
        return None


def word(value: Any) -> Any:
    """A word of QuakeML, from ObsPy's enumeration of those that there are; None for none."""
    return str(value) if value else None


def evaluation(part: Any) -> tuple[EvaluationMode | None, EvaluationStatus | None]:
    """Mode and status that a pick, an origin or a magnitude (of ObsPy) gives of itself."""
    return word(part.evaluation_mode), word(part.evaluation_status)


def standard_deviation(errors: Any) -> float | None:
    """One standard deviation in the quantity's own unit; of two unequal sides, their mean.

    What is given for another confidence level than 68 % is converted as of a normal distribution.
    """
    if errors is None:
        return None
    percent = errors.confidence_level
    deviations = interval_deviations(percent) if is_level(percent) else 1.0
    if errors.uncertainty is not None:
        return float(errors.uncertainty) / deviations
    sides = [side for side in (errors.lower_uncertainty, errors.upper_uncertainty) if side is not None]
    return sum(sides) / len(sides) / deviations if sides else None


def depth_km(metres: float | None, where: str, said: Tally) -> float | None:
    """A depth in km; None where a number stands for one that is not known.

    Raises:
        ValueError: where no earthquake can be.
    """
    if metres is None:
        return None
    if metres in NO_DEPTH_M or abs(metres / 1000.0) in NO_DEPTH_KM:
        said.add("depths left out, as their number stands for one that is not known", f"{where}: {metres:.10g} m")
        return None
    try:
        return depth_in_range(metres / 1000.0)
    except ValueError as error:
        raise ValueError(f"{error}; QuakeML has depths in metres") from None


def epoch(time: Any) -> float:
    """Epoch seconds, the double nearest to the time in microseconds (`UTCDateTime.timestamp` is not always that)."""
    nanoseconds: int = time.ns
    return round(nanoseconds / 1000) / 1e6


def plausible_epoch(time: Any) -> float:
    """Epoch seconds of a time that a seismogram, an event or an old chronicle can be of.

    Raises:
        ValueError: naming the year.
    """
    seconds = epoch(time)
    if not EARLIEST <= seconds < LATEST:
        raise ValueError(f"year {time.year} is outside 100..2099")
    return seconds


def kilometres(metres: float | None) -> float | None:
    """Metres -> km."""
    return None if metres is None else metres / 1000.0


def degrees_to_km(degrees: float | None) -> float | None:
    """Degrees of arc on the Earth -> km."""
    return None if degrees is None else degrees * KM_PER_DEGREE


def horizontal_uncertainty_km(origin: Any) -> float | None:
    """The radius that is given, else the ellipse's larger axis, else the larger error of latitude and longitude.

    A confidence level is of radius and axes alike (QuakeML 1.2, OriginUncertainty), which become one standard
    deviation. With a level the axis comes first: a radius can't tell that one direction is less sure than others, and
    beside an ellipse some mean one standard deviation by it, as we did until version 0.1.
    """
    ellipse = origin.origin_uncertainty
    if ellipse is not None:
        extents = [ellipse.horizontal_uncertainty, ellipse.max_horizontal_uncertainty]
        if ellipse.confidence_level is not None:
            extents.reverse()
        if (extent := next((extent for extent in extents if extent is not None), None)) is not None:
            percent = ellipse.confidence_level
            return kilometres(extent / ellipse_deviations(percent) if is_level(percent) else extent)
    north = degrees_to_km(standard_deviation(origin.latitude_errors))
    east = degrees_to_km(standard_deviation(origin.longitude_errors))
    sides = [side for side in (north, east and east * math.cos(math.radians(origin.latitude))) if side is not None]
    return max(sides) if sides else None
