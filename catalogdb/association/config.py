"""Settings of association. Nothing here loads an associator, so the command line can check a job without one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from catalogdb.strict_model import StrictModel
from catalogdb.traveltimes.reference_models import IASP91
from catalogdb.traveltimes.velocity import DepthKm, VelocityConfig

MOST_PICKS = 10_000
"""That an event can be asked to have: more than the largest networks give."""


class GammaConfig(StrictModel):
    """GaMMA: Gaussian mixture model association (Zhu et al., 2022, doi:10.1029/2021JB023249), its own names kept."""

    method: Literal["BGMM", "GMM"] = Field("BGMM", description="Bayesian or plain Gaussian mixture.")
    use_dbscan: bool = Field(True, description="Cut the picks into clusters in time and space first.")
    dbscan_eps: float | None = Field(
        None, gt=0.0, description="Reach of a cluster from pick to pick, s; left out: from the station spacing."
    )
    dbscan_min_samples: int = Field(
        3, gt=0, description="Picks within reach that make a cluster, each counted by its probability."
    )
    dbscan_min_cluster_size: int = Field(500, gt=0, description="Clusters below this many picks are not cut further.")
    dbscan_max_time_space_ratio: float = Field(
        10.0, gt=0.0, description="Clusters that last longer than this times their extent over vp are cut further."
    )
    oversample_factor: int = Field(
        5, gt=0, description="Mixture components at the start, for each pick of the busiest station and phase."
    )
    max_sigma11: float = Field(2.0, gt=0.0, description="Largest residual of a pick in an event, s.")
    covariance_prior: float | None = Field(
        None, gt=0.0, description="Prior variance of residuals, s^2; left out: GaMMA takes it from the station spacing."
    )
    use_amplitude: Literal[False] = Field(
        False, description="Always false: GaMMA wants ground velocity, and a pick's amplitude is in counts."
    )


class PyoctoConfig(StrictModel):
    """PyOcto: space-time partitioning (Münchmeyer, 2024, doi:10.26443/seismica.v3i1.1130), its own names kept."""

    time_before: float | None = Field(
        None,
        gt=0.0,
        le=3600.0,
        description="Overlap of its time slices, s; left out: the longest travel time in the region.",
    )
    time_slicing: float = Field(1200.0, ge=10.0, description="Length of its time slices, s.")
    tolerance: float = Field(
        2.0, gt=0.0, le=60.0, description="Error of the velocity model allowed while searching, s."
    )
    association_cutoff_distance: float | None = Field(
        None, gt=0.0, description="Stations farther than this are left out of the search, km; left out: none are."
    )
    pick_match_tolerance: float = Field(1.5, ge=0.1, le=60.0, description="Largest residual of a pick in an event, s.")
    min_node_size: float = Field(10.0, gt=0.0, description="Smallest cell of the search, km.")
    min_node_size_location: float = Field(1.5, gt=0.0, description="Smallest cell of its location, km.")
    min_interevent_time: float = Field(3.0, ge=0.0, description="Shortest time between two events, s.")
    min_pick_fraction: float = Field(
        0.25, ge=0.0, le=1.0, description="A station counts if this share of the stations nearer than it has picks."
    )
    refinement_iterations: int = Field(3, ge=1, le=100, description="Rounds of location and pick matching.")
    exponential_edt: bool = Field(False, description="Sharpen the location's equal-differential-time misfit.")
    edt_pick_std: float = Field(1.0, gt=0.0, description="Pick error in the sharpened misfit, s.")
    location_split_depth: int = Field(6, ge=2, le=12, description="Depth of the location's search tree.")
    location_split_return: int = Field(4, ge=1, description="Part of that depth that samples space evenly.")

    @model_validator(mode="after")
    def _consistent(self) -> PyoctoConfig:
        if self.location_split_return >= self.location_split_depth:
            raise ValueError("location_split_return must be below location_split_depth")
        return self


class ScanConfig(StrictModel):
    """Scan: catalogdb's own associator, see docs/explanation/association.md."""

    node_spacing_km: float | None = Field(
        None,
        ge=0.01,
        le=500.0,
        description="Spacing of the places that are tried first, km; left out: from the station spacing.",
    )
    tolerance: float | None = Field(
        None,
        gt=0.0,
        le=100.0,
        description="Residual allowed on that grid, s; left out: half a spacing at S speed, and what the model is off.",
    )


class DepthPrior(StrictModel):
    """Where depth lies when arrivals hardly tell it: a normal distribution, worth one arrival."""

    depth_km: DepthKm = Field(description="Usual depth, km below sea level.")
    sigma_km: float = Field(ge=0.01, description="Its standard deviation, km.")


AUTO = "scan"
"""The associator that `auto` stands for: no other setting is needed, whatever the network."""


def _concrete(associator: Any) -> Any:
    """What `auto` stands for, so that a configuration, and its identity with it, names what runs."""
    return AUTO if associator == "auto" else associator


Associator = Annotated[Literal["gamma", "pyocto", "scan"], BeforeValidator(_concrete)]


class AssociateConfig(StrictModel):
    """From picks to events."""

    associator: Associator = Field(
        "auto",
        validate_default=True,
        description="Which associator forms the events; `auto` is the scan, which needs no other setting.",
    )
    window_seconds: float = Field(3600.0, ge=1.0, description="Core of one window, s: one task of the ledger.")
    overlap_seconds: float = Field(
        300.0, ge=0.0, le=86400.0, description="Read before and after the core, s; must exceed the longest travel time."
    )
    velocity: VelocityConfig = Field(
        default_factory=VelocityConfig,
        description="Velocity model; left out: IASP91 for the scan, a homogeneous one for GaMMA and PyOcto.",
    )
    location_velocity: VelocityConfig | None = Field(
        None, description="Velocity model of the location and of the scan; left out: the same one."
    )
    min_pick_probability: float = Field(
        0.0, ge=0.0, le=1.0, description="Picks below are left out; picks without a probability stay."
    )
    min_pick_quality: float = Field(
        0.0, ge=0.0, le=1.0, description="Picks below are left out; picks without a quality stay."
    )
    min_picks: int = Field(5, ge=3, le=MOST_PICKS, description="Arrivals that an event needs.")
    min_p: int = Field(2, ge=0, le=MOST_PICKS, description="P arrivals that an event needs.")
    min_s: int = Field(1, ge=0, le=MOST_PICKS, description="S arrivals that an event needs.")
    min_p_and_s: int = Field(
        0, ge=0, le=MOST_PICKS, description="Stations (places) with both P and S that an event needs."
    )
    min_stations: int = Field(
        3, ge=1, le=MOST_PICKS, description="Stations at places of their own that an event needs."
    )
    same_place_km: float = Field(
        0.25,
        ge=0.0,
        le=10.0,
        description="Stations at most this far apart, horizontally, stand at one place, km; it counts once in "
        "min_stations, min_p_and_s, the azimuthal gap, the spacing of the network and the test of chance.",
    )
    search_margin_km: float = Field(
        100.0,
        ge=0.0,
        le=1000.0,
        description="Events are looked for this far around the region, then kept only inside it, km.",
    )
    relocate: bool = Field(True, description="Locate again by least squares in the same velocity model.")
    time_error: float = Field(
        0.3, ge=0.001, description="Error of predicted times, s; joins each pick's uncertainty in the location."
    )
    max_residual: float = Field(
        2.0,
        gt=0.0,
        description="Largest residual of an arrival after location, s; less where stations are close, in proportion "
        "to the scan's tolerance.",
    )
    depth_prior: DepthPrior | None = Field(
        None, description="Usual depth, for events whose arrivals don't tell it; left out: none."
    )
    collect: bool = Field(True, description="After location take every free pick that fits; needs relocate.")
    second_pass: bool = Field(
        True, description="Search the picks that GaMMA or PyOcto left with the scan, by the same minima; needs collect."
    )
    max_chance_per_day: float | None = Field(
        None,
        gt=0.0,
        description="Drop events that false picks would make more often than this, per day; left out: 0.1 for what "
        "the scan finds, no test of what GaMMA and PyOcto find. Of the scan's events in a swarm three in a hundred may "
        "be by chance, whatever is set, and what chance makes up to once a day is kept where others support it.",
    )
    gamma: GammaConfig = Field(default_factory=GammaConfig, description="GaMMA's settings.")
    pyocto: PyoctoConfig = Field(default_factory=PyoctoConfig, description="PyOcto's settings.")
    scan: ScanConfig = Field(default_factory=ScanConfig, description="The scan's settings.")

    @model_validator(mode="before")
    @classmethod
    def _with_a_model(cls, values: Any) -> Any:
        """The scan's model where none is given: crust and mantle, since networks may be of any size."""
        if not isinstance(values, dict) or values.get("velocity") is not None:
            return values
        if _concrete(values.get("associator", "auto")) != AUTO:
            return {name: value for name, value in values.items() if name != "velocity"}
        return values | {"velocity": IASP91}
