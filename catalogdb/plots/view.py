"""What a waveform figure shows, as plain data, and the arithmetic that drawing needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from catalogdb.errors import InputError
from catalogdb.probability.traces import ProbabilityTrace
from catalogdb.spans import true_spans

LaneKind = Literal["automatic", "reviewed", "reference", "predicted"]
GAP_SAMPLES = 1.5
"""Samples further apart than this many intervals have a gap between them."""
FILTER_CORNERS = 4
LOWEST_CORNER_PERIODS = 3.0
"""Data this many periods of the lower corner on both sides keep the filter's transient out of the figure."""
LEAST_PADDING_SECONDS = 2.0


@dataclass(frozen=True)
class Segment:
    """Samples of one component without a gap.

    Attributes:
        starttime: time of sample 0 (epoch seconds UTC).
        rate: samples per second.
        samples: float array (n,), in the view's unit.
    """

    starttime: float
    rate: float
    samples: np.ndarray

    @property
    def times(self) -> np.ndarray:
        """Time of each sample (epoch seconds UTC)."""
        return self.starttime + np.arange(self.samples.size) / self.rate

    @property
    def endtime(self) -> float:
        """Time of the last sample (epoch seconds UTC)."""
        return self.starttime + (self.samples.size - 1) / self.rate

    def cut(self, starttime: float, endtime: float) -> Segment:
        """The samples in [starttime, endtime], which may be none."""
        first = max(0, int(np.ceil((starttime - self.starttime) * self.rate - 1e-3)))
        end = max(first, int(np.floor((endtime - self.starttime) * self.rate + 1e-3)) + 1)
        return Segment(self.starttime + first / self.rate, self.rate, self.samples[first:end])


@dataclass(frozen=True)
class Component:
    """One channel of a sensor: its code, and its segments ascending in time."""

    channel: str
    segments: tuple[Segment, ...]

    def peak(self) -> float:
        """Largest absolute sample; 0 without samples."""
        return max((float(np.abs(part.samples).max()) for part in self.segments if part.samples.size), default=0.0)


@dataclass(frozen=True)
class Mark:
    """One arrival on one station.

    Attributes:
        phase: as the source names it; its first letter decides the colour.
        time: epoch seconds UTC.
        probability, quality, snr, uncertainty: as in the `pick` collection; None where not known.
        hypo71_weight: the analyst's weight class.
        events: "catalog event_id" of events that it belongs to.
        residual: observed minus predicted (s), of the event that the figure is about.
    """

    phase: str
    time: float
    probability: float | None = None
    quality: float | None = None
    snr: float | None = None
    uncertainty: float | None = None
    hypo71_weight: int | None = None
    events: tuple[str, ...] = ()
    residual: float | None = None


@dataclass(frozen=True)
class Lane:
    """The arrivals of one source, ascending in time: a pick set, or what is predicted for an event."""

    name: str
    kind: LaneKind
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Strip:
    """What a picker saw.

    Attributes:
        name: the pick set that the traces are stored under.
        traces: ascending in time, with rows P, S and maybe D (detection).
        thresholds: (pick set, {label: threshold}) of each pick set that was chosen from these traces.
    """

    name: str
    traces: tuple[ProbabilityTrace, ...]
    thresholds: tuple[tuple[str, dict[str, float]], ...] = ()


@dataclass(frozen=True)
class StationPanel:
    """One station: waveforms of one sensor, arrivals, probabilities.

    Attributes:
        station: NET.STA.
        sensor: net.sta.loc.BI.
        distance_km, azimuth: of the event that the figure is about, from event to station (degrees from north).
    """

    station: str
    sensor: str
    components: tuple[Component, ...]
    lanes: tuple[Lane, ...] = ()
    strips: tuple[Strip, ...] = ()
    distance_km: float | None = None
    azimuth: float | None = None

    def heading(self) -> str:
        """Sensor and distance, for a title."""
        if self.distance_km is None:
            return self.sensor
        return f"{self.sensor}  {self.distance_km:.1f} km, azimuth {self.azimuth:.0f}°"


@dataclass(frozen=True)
class View:
    """One figure.

    Attributes:
        title: what it is about.
        starttime, endtime: the period shown (epoch seconds UTC).
        panels: from top to bottom.
        band: corners of the band-pass (Hz) that the samples went through, None for none.
        origin_time: of the event that the figure is about (epoch seconds UTC).
        notes: what a reader must know, one sentence each.
        unit: of the samples.
    """

    title: str
    starttime: float
    endtime: float
    panels: tuple[StationPanel, ...]
    band: tuple[float, float] | None = None
    origin_time: float | None = None
    notes: tuple[str, ...] = field(default=())
    unit: str = "counts"

    @property
    def filter_text(self) -> str:
        """What was done to the samples."""
        if self.band is None:
            return "not filtered, median removed"
        return f"band-pass {self.band[0]:g} to {self.band[1]:g} Hz"


def padding_seconds(band: tuple[float, float] | None) -> float:
    """Data to read before and after what is shown, so that the filter's transient lies outside (s)."""
    return 0.0 if band is None else max(LEAST_PADDING_SECONDS, LOWEST_CORNER_PERIODS / band[0])


def finite_segments(starttime: float, rate: float, samples: np.ndarray) -> list[Segment]:
    """Samples as segments, cut where floating-point data say that there is no number."""
    if samples.dtype.kind != "f" or np.isfinite(samples).all():
        return [Segment(starttime, rate, samples)]
    known = np.where(np.isfinite(samples), samples, np.nan)
    return [Segment(starttime + first / rate, rate, samples[first:end]) for first, end in spans_with_values(known)]


def prepared(segment: Segment, band: tuple[float, float] | None, name: str) -> Segment:
    """The segment without its median or, with a band, through a Butterworth band-pass of zero phase.

    Args:
        band: lower and upper corner (Hz).
        name: of the channel, for the error.

    Raises:
        InputError: when the upper corner isn't below the Nyquist frequency.
    """
    samples = np.asarray(segment.samples, dtype=np.float64)
    if samples.size == 0:
        return segment
    samples = samples - np.median(samples)
    if band is None:
        return Segment(segment.starttime, segment.rate, samples)
    from scipy.signal import butter, sosfiltfilt

    if band[1] >= segment.rate / 2:
        raise InputError(
            f"--filter {band[0]:g} {band[1]:g}: {name} has {segment.rate:g} samples per second, so the upper corner "
            f"must be below {segment.rate / 2:g} Hz"
        )
    sections = butter(FILTER_CORNERS, band, btype="bandpass", fs=segment.rate, output="sos")
    padding = min(3 * (2 * len(sections) + 1), samples.size - 1)
    return Segment(segment.starttime, segment.rate, sosfiltfilt(sections, samples, padlen=padding))


def gaps(component: Component, starttime: float, endtime: float) -> list[tuple[float, float]]:
    """Where a component has no samples between two times: [start, end) each, epoch seconds UTC."""
    found = []
    last = starttime
    for segment in component.segments:
        if segment.samples.size == 0:
            continue
        interval = 1 / segment.rate
        if segment.starttime - last > GAP_SAMPLES * interval:
            found.append((last if last == starttime else last + interval, segment.starttime))
        last = max(last, segment.endtime)
    if last == starttime:
        return [(starttime, endtime)]
    if endtime - last > GAP_SAMPLES * interval:
        found.append((last + interval, endtime))
    return found


def envelope(times: np.ndarray, values: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """What a curve looks like when drawn: the lowest and highest value of each bin, in the order of their times.

    A curve with no more than four samples to a bin is given back as it is.

    Args:
        times: ascending, evenly spaced (n,).
        values: (n,), without NaN.
        bins: how many, over all of the times.
    """
    if values.size <= 4 * bins:
        return times, values
    size = -(-values.size // bins)
    whole = values.size // size * size
    blocks = values[:whole].reshape(-1, size)
    extremes = np.stack([blocks.argmin(axis=1), blocks.argmax(axis=1)], axis=1)
    extremes.sort(axis=1)
    chosen = (extremes + np.arange(len(blocks))[:, None] * size).ravel()
    if rest := values.size - whole:
        tail = sorted({whole + int(values[whole:].argmin()), whole + int(values[whole:].argmax()), whole + rest - 1})
        chosen = np.append(chosen, tail)
    return times[chosen], values[chosen]


def without_plateaus(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same curve without the points that lie between two of the same value."""
    if values.size < 3:
        return times, values
    keep = np.ones(values.size, dtype=bool)
    keep[1:-1] = (values[1:-1] != values[:-2]) | (values[1:-1] != values[2:])
    return times[keep], values[keep]


def spans_with_values(values: np.ndarray) -> list[tuple[int, int]]:
    """Where a curve has values: [first, end) of each span without NaN."""
    return [(first, end) for first, end in true_spans(~np.isnan(values)).tolist()]


def two_components(components: Sequence[Component]) -> tuple[Component, ...]:
    """The vertical, and of the others the one with the largest amplitude: what shows both phases."""
    vertical = [component for component in components if component.channel.endswith("Z")]
    others = [component for component in components if not component.channel.endswith("Z")]
    return (*vertical[:1], *sorted(others, key=lambda component: -component.peak())[:1])


def component_order(channel: str) -> tuple[int, str]:
    """Vertical first, then north, east, and numbered ones."""
    letters = "ZNE123"
    return (letters.index(channel[-1]) if channel[-1:] in letters and channel else len(letters), channel)


def phase_letter(phase: str) -> str:
    """P, S, or "" for others."""
    return phase[:1] if phase[:1] in ("P", "S") else ""


def marks_between(lanes: Iterable[Lane], starttime: float, endtime: float) -> int:
    """Number of arrivals inside a period."""
    return sum(starttime <= mark.time <= endtime for lane in lanes for mark in lane.marks)
