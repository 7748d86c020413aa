"""Settings of relocation. Nothing here loads numerical libraries, so the command line can check a job without them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from catalogdb.strict_model import StrictModel
from catalogdb.traveltimes.velocity import VelocityConfig

METHOD = "double difference"
"""Of the origins that relocation makes."""
BY_PICKS, BY_CORRELATION = "catalog", "cross-correlation"
"""Kinds of differential times."""


class WeightSet(StrictModel):
    """One line of weights as HypoDD's input file has them; what it has as -9 or -999 is left out here."""

    rounds: int = Field(5, ge=1, le=50, description="Solutions with these weights (NITER counts on; this doesn't).")
    cc_p: float = Field(1.0, ge=0.0, description="Weight of correlated P times (WTCCP).")
    cc_s: float = Field(1.0, ge=0.0, description="Weight of correlated S times (WTCCS).")
    ct_p: float = Field(1.0, ge=0.0, description="Weight of P times from picks (WTCTP).")
    ct_s: float = Field(1.0, ge=0.0, description="Weight of S times from picks (WTCTS).")
    cc_cutoff: float | None = Field(
        None, gt=0.0, description="Cut-off of correlated times' residuals, in their scatter (WRCC)."
    )
    ct_cutoff: float | None = Field(None, gt=0.0, description="The same of picks' (WRCT).")
    cc_km: float | None = Field(None, gt=0.0, description="Largest separation for correlated times, km (WDCC).")
    ct_km: float | None = Field(None, gt=0.0, description="The same for picks, km (WDCT).")
    damping: float | None = Field(None, gt=0.0, description="DAMP; left out: by the condition number.")


class CorrelateConfig(StrictModel):
    """Differential times by cross-correlation of the indexed waveforms."""

    minfrequency: float = Field(1.0, gt=0.0, description="Lower corner of the band-pass, Hz.")
    maxfrequency: float = Field(10.0, gt=0.0, description="Upper corner, Hz.")
    before_s: float = Field(0.3, gt=0.0, le=60.0, description="Start of the window before the arrival, s.")
    p_after_s: float = Field(1.0, gt=0.0, le=600.0, description="End of the window after P, s; S should come later.")
    s_after_s: float = Field(2.0, gt=0.0, le=600.0, description="End of the window after S, s.")
    max_lag_s: float = Field(
        0.5, gt=0.0, le=60.0, description="Largest shift from the picks' difference that is looked at, s."
    )
    min_cc: float = Field(0.7, gt=0.0, le=1.0, description="Smallest correlation coefficient that is kept.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.minfrequency >= self.maxfrequency:
            raise ValueError(f"minfrequency ({self.minfrequency}) must be below maxfrequency ({self.maxfrequency})")
        return self


class RelocateConfig(StrictModel):
    """From located events to where they were to one another, by double differences."""

    velocity: VelocityConfig | None = Field(
        None,
        description="Velocity model; left out: locate.velocity, associate.location_velocity, else associate.velocity.",
    )
    max_separation_km: float = Field(5.0, gt=0.0, description="Events farther apart are no pair, km (MAXSEP).")
    min_links: int = Field(
        8, ge=4, description="Stations and phases that the events of a pair have in common (MINLNK)."
    )
    max_neighbours: int = Field(20, ge=1, description="Neighbours that each event looks for (MAXNGH).")
    centroid: Literal["held", "arrivals", "free"] = Field(
        "held",
        description="What the mean of a cluster's events is: where it was (held), where the arrivals themselves say it "
        "is (arrivals), or where the differences say, which tell it badly (free).",
    )
    condition: float = Field(
        100.0, gt=1.0, le=1e9, description="Largest condition number: the damping of each step is chosen by it."
    )
    sets: tuple[WeightSet, ...] = Field(
        (), description="Weights as HypoDD's input file has them; none: by the scatter of the times themselves."
    )
    bootstrap: int = Field(50, ge=0, le=1000, description="Samples that errors are taken from; 0: no errors.")
    correlate: CorrelateConfig | None = Field(
        None, description="Cross-correlation of waveforms, {} with its defaults; none: the picks alone."
    )
    dt_cc: tuple[str, ...] = Field(
        (),
        description="Files of correlated times as HypoDD has them (dt.cc). Beside each stands event_ids.csv with the "
        "columns number and time: events are those of the catalog within 2 s of these origin times.",
    )
    dt_ct: tuple[str, ...] = Field(
        (),
        description="Files of differential times of picks as ph2dt makes them (dt.ct), which take the place of those "
        "of the catalog's own picks. event_ids.csv stands beside each as beside dt_cc.",
    )

    @property
    def given_files(self) -> dict[Literal["cc", "ct"], tuple[str, ...]]:
        """Files of times that are brought in, by kind."""
        return {"cc": self.dt_cc, "ct": self.dt_ct}
