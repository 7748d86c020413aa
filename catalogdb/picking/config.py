"""What a picking stage can be told; importable without any heavy library."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from catalogdb.documents.free import Json
from catalogdb.station_patterns import matches_station
from catalogdb.strict_model import StrictModel

REVISION = 5
"""Raise this number whenever a change of the code in this package changes picks."""

NetworkName = Literal["phasenet", "eqtransformer", "seislm"]
Stacking = Literal["avg", "max"]


class StaLtaConfig(StrictModel):
    """Settings of the classical picker; read only when ``picker`` is ``stalta``."""

    sta_seconds: float = Field(default=0.5, gt=0, description="Length of the short-term average (s).")
    lta_seconds: float = Field(default=10.0, gt=0, le=3600, description="Length of the long-term average (s).")
    freqmin: float = Field(default=2.0, gt=0, description="Lower corner of the band-pass (Hz).")
    freqmax: float = Field(default=20.0, gt=0, description="Upper corner of the band-pass (Hz).")
    p_on: float = Field(default=6.0, gt=1, description="STA/LTA of the vertical that starts a P trigger.")
    p_off: float = Field(default=2.0, gt=0, description="STA/LTA of the vertical that ends a P trigger.")
    s_on: float = Field(default=2.5, gt=1, description="STA/LTA of the horizontals that S must reach.")
    s_delay_min_seconds: float = Field(default=0.5, gt=0, description="Shortest S minus P time (s).")
    s_delay_max_seconds: float = Field(default=25.0, gt=0, le=3600, description="Longest S minus P time (s).")
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


class MemberConfig(StrictModel):
    """One network of an ensemble."""

    picker: NetworkName = Field(default="phasenet", description="Kind of network.")
    weights: str = Field(default="original", description="Its weights, as for a single picker.")
    overlap: float | None = Field(default=None, ge=0, description="As for a single picker.")
    stacking: Stacking | None = Field(default=None, description="As for a single picker.")
    window_samples: int | None = Field(default=None, ge=256, description="As for a single picker.")


class EnsembleConfig(StrictModel):
    """Several networks whose probabilities are combined; read only when ``picker`` is ``ensemble``."""

    members: tuple[MemberConfig, ...] = Field(default=(), description="The networks, at least two.")
    combine: Literal["maximum", "mean", "coherence"] = Field(
        default="maximum",
        description="Largest probability, mean probability, or the largest weighted by how far the members agree.",
    )
    coherence_seconds: float = Field(
        default=0.5, gt=0, le=5, description="Length of the window (s) in which coherence looks for agreement."
    )


class StationThresholds(StrictModel):
    """Thresholds of some stations instead of the general ones."""

    station: str = Field(description="Pattern of NET.STA (* and ?), or of STA alone; the first that fits counts.")
    p_threshold: float | None = Field(default=None, gt=0, le=1, description="Least peak probability of a P pick.")
    s_threshold: float | None = Field(default=None, gt=0, le=1, description="Least peak probability of an S pick.")


class PickConfig(StrictModel):
    """How picks are made from waveforms."""

    picker: Literal["phasenet", "eqtransformer", "seislm", "ensemble", "stalta"] = Field(
        default="phasenet",
        description="PhaseNet or EQTransformer through SeisBench, SeisLM, an ensemble of them, or STA/LTA with AIC.",
    )
    weights: str = Field(
        default="original",
        description="Name of SeisBench weights, path of a .pt file with its .json beside it, model:NAME for one of "
        "`catalogdb models`, or 'demo' for the packaged PhaseNet. Not used by ensemble and stalta.",
    )
    ensemble: EnsembleConfig = Field(default_factory=EnsembleConfig, description="Members of the ensemble.")
    p_threshold: float = Field(default=0.3, gt=0, le=1, description="Least peak probability of a P pick.")
    s_threshold: float = Field(default=0.3, gt=0, le=1, description="Least peak probability of an S pick.")
    station_thresholds: tuple[StationThresholds, ...] = Field(
        default=(), description="Other thresholds for some stations."
    )
    detection_threshold: float = Field(
        default=0.3, gt=0, le=1, description="Least probability of a detection; only EQTransformer gives detections."
    )
    overlap: float | None = Field(
        default=None,
        ge=0,
        description="Overlap of windows: below 1 a fraction of the window, else samples; default the weights' own.",
    )
    stacking: Stacking | None = Field(
        default=None, description="How overlapping windows are combined; default the weights' own."
    )
    window_samples: int | None = Field(
        default=None,
        ge=256,
        description="Window length in samples; default the one that the weights were trained with. EQTransformer takes "
        "no other.",
    )
    min_separation_seconds: float = Field(
        default=0.5,
        ge=0,
        le=3600,
        description="Of picks of one phase closer than this (s) only the most probable is kept.",
    )
    edge_guard_seconds: float = Field(
        default=1.0,
        ge=0,
        le=3600,
        description="No pick is kept this close (s) to a start or end of data, gaps included.",
    )
    bridge_samples: int = Field(
        default=5,
        ge=0,
        le=100,
        description="Gaps of up to so many samples, at the data's own rate, are filled by a straight line where the "
        "clock goes on after them; 0: none. Longer gaps stay gaps.",
    )
    probability: Literal["none", "sparse", "full"] = Field(
        default="sparse",
        description="What is kept of the probability traces: nothing, what exceeds the floor, or all. Without it "
        "thresholds can't be changed later without picking again.",
    )
    probability_floor: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Probability from which on peaks are looked at and kept: the lowest threshold of `repick`.",
    )
    time_calibration: str | None = Field(
        default=None,
        description="Path of a calibration of pick times; default the packaged one of the weights, else one that is "
        "for any network. It decides what `uncertainty` says.",
    )
    correct_bias: bool = Field(
        default=False,
        description="Whether to take the calibration's bias off the times of picks: how late the weights pick, by "
        "phase, in the median.",
    )
    backend: Literal["auto", "openvino", "torch"] = Field(
        default="auto",
        description="What runs the network: auto is torch on a GPU where there is one, else OpenVINO where it is "
        "installed, else torch. Picks agree to rounding.",
    )
    precision: Literal["float32", "float16", "bfloat16", "int8"] = Field(
        default="float32",
        description="Arithmetic of the network on a GPU; float16 (PhaseNet only) changes probabilities by up to 0.003, "
        "bfloat16 by up to 0.04, and by up to 0.2 on OpenVINO, which takes it too; int8 (PhaseNet on OpenVINO only) by "
        "up to 0.2.",
    )
    batch_size: int | None = Field(
        default=None,
        ge=1,
        description="Windows per forward pass; default what suits the backend. Doesn't change the picks.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="Forward passes at a time, one thread each; default OMP_NUM_THREADS or all cores at hand.",
    )
    stalta: StaLtaConfig = Field(default_factory=StaLtaConfig, description="Settings of the classical picker.")

    @model_validator(mode="after")
    def _check(self) -> PickConfig:
        if self.picker == "ensemble" and len(self.ensemble.members) < 2:
            raise ValueError("an ensemble has at least two members: ensemble.members")
        if self.precision == "float16" and any(member.picker != "phasenet" for member in self.members()):
            raise ValueError(
                "precision float16 is for PhaseNet alone: others hold numbers too large; take bfloat16 or float32"
            )
        if self.precision == "int8" and any(member.picker != "phasenet" for member in self.members()):
            raise ValueError("precision int8 is for PhaseNet alone; take bfloat16 or float32")
        return self

    def members(self) -> tuple[MemberConfig, ...]:
        """The networks that are run: one, or those of the ensemble; none for stalta."""
        if self.picker == "ensemble":
            return self.ensemble.members
        if self.picker == "stalta":
            return ()
        names = ("picker", "weights", "overlap", "stacking", "window_samples")
        return (MemberConfig(**{name: getattr(self, name) for name in names}),)

    def thresholds(self, net: str, sta: str) -> tuple[float, float]:
        """Thresholds of P and S at a station."""
        for row in self.station_thresholds:
            if matches_station((row.station,), net, sta):
                return row.p_threshold or self.p_threshold, row.s_threshold or self.s_threshold
        return self.p_threshold, self.s_threshold

    @property
    def peak_floor(self) -> float:
        """Probability from which on peaks are looked at: no threshold may lie below."""
        rows = self.station_thresholds
        own = [value for row in rows for value in (row.p_threshold, row.s_threshold) if value is not None]
        return min([self.probability_floor, self.p_threshold, self.s_threshold, *own])

    def scientific(self) -> Json:
        """What of this decides what is stored, as plain data.

        Left out are ``backend``, ``batch_size`` and ``threads``, the settings of pickers that aren't used, ``weights``
        and ``time_calibration``: a name or path says where they lie, and `Picker.identity` says what they are.
        """
        common = {
            *("picker", "p_threshold", "s_threshold", "station_thresholds", "min_separation_seconds"),
            *("edge_guard_seconds", "bridge_samples", "probability", "probability_floor"),
        }
        if self.correct_bias:
            common.add("correct_bias")
        if self.picker == "stalta":
            return self.model_dump(mode="json", include=common | {"stalta"})
        if self.precision != "float32":
            common.add("precision")
        if self.picker == "ensemble":
            weights = {"members": {"__all__": {"weights"}}}
            return self.model_dump(mode="json", include=common) | {
                "ensemble": self.ensemble.model_dump(mode="json", exclude=weights)
            }
        if self.picker == "eqtransformer":
            common.add("detection_threshold")
        return self.model_dump(mode="json", include=common | {"overlap", "stacking", "window_samples"})
