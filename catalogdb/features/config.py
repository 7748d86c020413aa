"""Settings of spectral features; importable without any numerical library."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from catalogdb.channels import SENSOR_PRIORITY
from catalogdb.strict_model import StrictModel

REVISION = 3
"""Raised when the same spectrograms, or waveforms, give other features, or other documents of them."""


class FeaturesConfig(StrictModel):
    """How a catalog's events are told apart by the spectrograms of their waveforms."""

    stations: tuple[str, ...] = Field(("*",), min_length=1, description="Patterns of NET.STA or STA that take part.")
    channel_priority: tuple[str, ...] = Field(
        SENSOR_PRIORITY, description="Band and instrument codes, best first; a station's first sensor there counts."
    )
    components: Literal["vertical", "all"] = Field(
        "vertical", description="The vertical, or the power of all three components added, however they are turned."
    )
    before_seconds: float = Field(
        3.0, ge=1.0, le=3600.0, description="Start of the window before the P arrival, s; it is noise."
    )
    after_seconds: float = Field(12.0, gt=0.0, le=3600.0, description="End of the window after the P arrival, s.")
    frame_seconds: float = Field(
        1.0, gt=0.0, le=10.0, description="Length of a spectrogram's frame, s; frequencies are this far apart (1/s)."
    )
    step_seconds: float = Field(0.2, ge=0.01, description="From one frame to the next, s.")
    freqmin: float = Field(1.0, gt=0.0, description="Lowest frequency, Hz.")
    freqmax: float = Field(30.0, gt=0.0, description="Highest frequency, Hz; channels sampled too slowly are left out.")
    median: Literal["frequency", "spectrogram"] = Field(
        "spectrogram",
        description="What counts as 0 dB, at least: the median of the whole spectrogram, or that of each frequency, "
        "which takes away the instrument, but also most of an event's own colour.",
    )
    range_db: float | None = Field(
        15.0,
        gt=0.0,
        description="What counts as 0 dB is no farther than this below the loudest hundredth of the spectrogram, so "
        "that louder events don't look different for that alone; none: the median alone, as published.",
    )
    min_snr: float = Field(
        3.0, ge=0.0, description="Least amplitude of the loudest frame over that of the noise before P, in the band."
    )
    overlapping: bool = Field(
        False, description="Take windows that hold an arrival of another event of the catalog, too."
    )
    min_events: int = Field(
        20, ge=4, description="Stations with fewer spectrograms are left out, and so are catalogs with fewer events."
    )
    patterns: int = Field(12, ge=2, le=100, description="Number of spectral patterns in the dictionary.")
    states: int = Field(10, ge=2, le=50, description="Number of states of the hidden Markov model.")
    clusters: int | None = Field(None, ge=2, le=100, description="Number of clusters; none: by the silhouette.")
    max_clusters: int = Field(8, ge=2, le=100, description="The largest number that is tried.")
    learn_from: int = Field(
        3000, ge=10, description="Patterns and states are learned from at most so many spectrograms, drawn by the seed."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Of all that is drawn.")

    @property
    def frames(self) -> int:
        """Number of a spectrogram's frames."""
        room = self.before_seconds + self.after_seconds - self.frame_seconds
        return math.floor(room / self.step_seconds + 1e-9) + 1

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.freqmin >= self.freqmax:
            raise ValueError(f"freqmin {self.freqmin:g} Hz must be below freqmax {self.freqmax:g} Hz")
        if self.frame_seconds > self.before_seconds:
            raise ValueError(
                f"frame_seconds {self.frame_seconds:g} must not exceed before_seconds {self.before_seconds:g}: "
                "a frame of noise is needed"
            )
        if self.frame_seconds * (self.freqmax - self.freqmin) < 2 * self.patterns:
            raise ValueError(
                f"patterns {self.patterns}: {self.freqmin:g} to {self.freqmax:g} Hz have fewer than twice as many "
                f"frequencies with frame_seconds {self.frame_seconds:g}"
            )
        if self.step_seconds > self.frame_seconds:
            raise ValueError(f"step_seconds {self.step_seconds:g} must not exceed frame_seconds {self.frame_seconds:g}")
        if self.after_seconds < self.frame_seconds:
            raise ValueError(f"after_seconds {self.after_seconds:g} must hold a frame ({self.frame_seconds:g} s)")
        least = min(self.min_events, self.learn_from) * self.frames
        if least < max(self.patterns, self.states):
            raise ValueError(
                f"min_events {self.min_events} spectrograms of {self.frames} frames are too few to learn "
                f"{self.patterns} patterns and {self.states} states from"
            )
        return self
