"""What a picking stage can be told; importable without any heavy library."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

REVISION = 1
"""Raise this number whenever a change of the code in this package changes picks."""


class StaLtaConfig(BaseModel):
    """Settings of the classical picker; read only when ``picker`` is ``stalta``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sta_seconds: float = Field(default=0.5, gt=0, description="Length of the short-term average (s).")
    lta_seconds: float = Field(default=10.0, gt=0, description="Length of the long-term average (s).")
    freqmin: float = Field(default=2.0, gt=0, description="Lower corner of the band-pass (Hz).")
    freqmax: float = Field(default=20.0, gt=0, description="Upper corner of the band-pass (Hz).")
    p_on: float = Field(default=6.0, gt=1, description="STA/LTA of the vertical that starts a P trigger.")
    p_off: float = Field(default=2.0, gt=0, description="STA/LTA of the vertical that ends a P trigger.")
    s_on: float = Field(default=2.5, gt=1, description="STA/LTA of the horizontals that S must reach.")
    s_delay_min_seconds: float = Field(default=0.5, gt=0, description="Shortest S minus P time (s).")
    s_delay_max_seconds: float = Field(default=25.0, gt=0, description="Longest S minus P time (s).")
    aic_before_seconds: float = Field(default=2.0, gt=0, description="Start of the AIC window before the trigger (s).")
    aic_after_seconds: float = Field(default=0.5, gt=0, description="End of the AIC window after the trigger (s).")

    @model_validator(mode="after")
    def _check(self) -> StaLtaConfig:
        if self.freqmin >= self.freqmax:
            raise ValueError(f"freqmin {self.freqmin} Hz must be below freqmax {self.freqmax} Hz")
        if self.sta_seconds >= self.lta_seconds:
            raise ValueError(f"sta_seconds {self.sta_seconds} must be below lta_seconds {self.lta_seconds}")
        if self.p_off > self.p_on:
            raise ValueError(f"p_off {self.p_off} must not be above p_on {self.p_on}")
        if self.s_delay_min_seconds >= self.s_delay_max_seconds:
            raise ValueError("s_delay_min_seconds must be below s_delay_max_seconds")
        return self


class PickConfig(BaseModel):
    """How picks are made from waveforms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    picker: Literal["phasenet", "eqtransformer", "stalta"] = Field(
        default="phasenet", description="PhaseNet or EQTransformer through SeisBench, or classical STA/LTA with AIC."
    )
    weights: str = Field(
        default="original",
        description="Name of SeisBench weights, path of a .pt file with its .json beside it, or 'demo' for the "
        "packaged PhaseNet. Not used by stalta.",
    )
    p_threshold: float = Field(default=0.3, gt=0, le=1, description="Least peak probability of a P pick.")
    s_threshold: float = Field(default=0.3, gt=0, le=1, description="Least peak probability of an S pick.")
    overlap: float | None = Field(
        default=None,
        ge=0,
        description="Overlap of windows: below 1 a fraction of the window, else samples; default the weights' own.",
    )
    stacking: Literal["avg", "max"] | None = Field(
        default=None, description="How overlapping windows are combined; default the weights' own."
    )
    window_samples: int | None = Field(
        default=None,
        ge=256,
        description="Window length in samples; default the model's own, the only one that EQTransformer takes.",
    )
    min_separation_seconds: float = Field(
        default=0.5, ge=0, description="Of picks of one phase closer than this (s) only the most probable is kept."
    )
    edge_guard_seconds: float = Field(
        default=1.0, ge=0, description="No pick is kept this close (s) to a start or end of data, gaps included."
    )
    batch_size: int = Field(default=32, ge=1, description="Windows per forward pass; doesn't change the picks.")
    threads: int | None = Field(
        default=None,
        ge=1,
        description="Forward passes at a time, one thread each; default OMP_NUM_THREADS or all cores at hand.",
    )
    stalta: StaLtaConfig = Field(default_factory=StaLtaConfig, description="Settings of the classical picker.")

    def scientific(self) -> dict[str, Any]:
        """What of this decides the picks, as plain data.

        Left out are ``batch_size`` and ``threads``, the settings of pickers that aren't used, and ``weights``: a name
        or path says where weights lie, and the hash in `Picker.identity` says what they are.
        """
        common = {"picker", "p_threshold", "s_threshold", "min_separation_seconds", "edge_guard_seconds"}
        own = {"stalta"} if self.picker == "stalta" else {"overlap", "stacking", "window_samples"}
        return self.model_dump(mode="json", include=common | own)
