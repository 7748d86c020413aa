"""Settings of magnitudes; importable without any heavy library."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from catalogdb.channels import SENSOR_PRIORITY
from catalogdb.strict_model import StrictModel

DEEP_KM = 80.0
"""Depth below which ML is not what its distance correction was made for, crustal events; SeisComP gives none there."""


class HuttonBooreConfig(StrictModel):
    """-log10 A0 = spreading log10(R / 100) + absorption_per_km (R - 100) + at_100_km; R hypocentral distance, km."""

    spreading: float = Field(1.110, ge=-10.0, le=10.0, description="Factor of log10(R / 100 km).")
    absorption_per_km: float = Field(0.00189, ge=-1.0, le=1.0, description="Factor of R - 100 km, 1/km.")
    at_100_km: float = Field(3.0, ge=-10.0, le=10.0, description="Value at 100 km; 3 by Richter's definition.")


class MagnitudeConfig(StrictModel):
    """Local magnitude ML from Wood-Anderson amplitudes."""

    form: Literal["hutton_boore", "ogs"] = Field(
        "hutton_boore",
        description="Distance correction -log10 A0: Hutton and Boore (1987), or as OGS has it for North-East Italy.",
    )
    hutton_boore: HuttonBooreConfig = Field(
        default_factory=HuttonBooreConfig, description="Its coefficients; the defaults are Southern California's."
    )
    station_terms: dict[str, Annotated[float, Field(ge=-10.0, le=10.0)]] = Field(
        default_factory=dict, description="Added to a station's magnitude; keys NET.STA, or STA for any network."
    )
    amplitude: Literal["half_peak_to_peak", "zero_to_peak"] = Field(
        "half_peak_to_peak",
        description="Half the difference of the window's largest and smallest value, or its largest absolute value.",
    )
    use_vertical: bool = Field(
        False, description="Use the vertical of stations that have no usable horizontal; else they give no magnitude."
    )
    channel_priority: tuple[str, ...] = Field(
        SENSOR_PRIORITY,
        description="Band and instrument codes, best first; a station's magnitude comes from the first usable sensor.",
    )
    vp_vs: float = Field(
        1.75, gt=1.0, le=10.0, description="Ratio of speeds that gives a missing P or S time from the other."
    )
    before_p_seconds: float = Field(1.0, ge=0.0, description="Start of the amplitude window before P, s.")
    after_s_seconds: float = Field(20.0, gt=0.0, description="End of the amplitude window after S, s.")
    min_after_s_seconds: float = Field(
        3.0, ge=0.0, description="Least time after S where the next event's first arrival ends the window, s."
    )
    noise_seconds: float = Field(10.0, ge=1.0, description="Length of the noise window before the other, s.")
    margin_seconds: float = Field(
        5.0, gt=0.0, description="Data needed before the noise and after the amplitude window, tapered to zero, s."
    )
    freqmin: float = Field(0.5, gt=0.0, description="Lower end of the band kept, Hz; zero below half of it.")
    freqmax: float = Field(
        30.0,
        gt=0.0,
        description="Upper end of the band kept, Hz, or 0.7 times the Nyquist frequency where that is less; a cosine "
        "reaches zero at 1.25 times it.",
    )
    water_level_db: float = Field(
        60.0, gt=0.0, description="The sensor's response is raised to this far below its largest value, dB."
    )
    min_snr: float = Field(3.0, ge=0.0, description="Least Wood-Anderson amplitude over that of the noise window.")
    clip_counts: float = Field(
        8.0e6,
        gt=0.0,
        description="A channel that reaches this absolute value is taken as clipped, counts (24 bit: 8.39e6); "
        "so is one with a flat top at any value.",
    )
    min_distance_km: float = Field(0.0, ge=0.0, description="Least hypocentral distance, km.")
    max_distance_km: float = Field(600.0, gt=0.0, description="Largest hypocentral distance, km.")
    min_stations: int = Field(2, ge=1, description="Stations that an event's magnitude needs.")

    @model_validator(mode="after")
    def _consistent(self) -> MagnitudeConfig:
        if self.freqmin >= self.freqmax:
            raise ValueError(f"freqmin {self.freqmin} Hz must be below freqmax {self.freqmax} Hz")
        if self.min_distance_km >= self.max_distance_km:
            raise ValueError(
                f"min_distance_km {self.min_distance_km} must be below max_distance_km {self.max_distance_km}"
            )
        if self.min_after_s_seconds > self.after_s_seconds:
            raise ValueError(
                f"min_after_s_seconds {self.min_after_s_seconds} must not exceed after_s_seconds {self.after_s_seconds}"
            )
        return self

    def station_term(self, net: str, sta: str) -> float:
        """Correction of one station: of NET.STA, else of STA, else zero."""
        return self.station_terms.get(f"{net}.{sta}", self.station_terms.get(sta, 0.0))
