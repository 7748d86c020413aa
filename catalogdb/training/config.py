"""Settings of training: the set that it learns from, and how. Importable without any heavy library."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from catalogdb.names import NAME_PATTERN
from catalogdb.picking.config import NetworkName
from catalogdb.seislm.sizes import SizeName
from catalogdb.strict_model import StrictModel
from catalogdb.times import in_utc

REVISION = 2
"""Raise this number whenever a change of the code in this package changes trained weights or the gate's decision."""


Moment = Annotated[datetime, AfterValidator(in_utc)]


class SplitConfig(StrictModel):
    """Which records train, which validate (early stop, calibration), and which the gate judges by."""

    by: Literal["time", "station", "given"] = Field(
        default="time",
        description="time: borders in time with a guard gap, so that no event is on two sides; station: whole "
        "stations, while events may be on several sides; given: as a SeisBench data set says (train, dev, test).",
    )
    fractions: tuple[float, float, float] = Field(
        default=(0.6, 0.15, 0.25), description="Shares of the events (time) or stations: train, validation, test."
    )
    borders: tuple[Moment, Moment] | None = Field(
        default=None, description="Start of the validation and of the test part; none: by the fractions."
    )
    guard_seconds: float = Field(
        default=3600.0, ge=0, description="Events this close (s) to a border in time belong to no part."
    )

    @field_validator("fractions")
    @classmethod
    def _sum_to_one(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(value) < 0 or abs(sum(value) - 1) > 1e-6:
            raise ValueError("must be three shares that add up to 1")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> SplitConfig:
        if self.borders and self.borders[0] >= self.borders[1]:
            raise ValueError("borders: the test part must begin after the validation part")
        return self


class TrainingSetConfig(StrictModel):
    """Labelled records: of files, or of the database's own picks and waveforms."""

    name: str = Field(pattern=NAME_PATTERN, description="Name of the training set.")
    pick_sets: tuple[str, ...] = Field(
        default=(), description="Reference or reviewed pick sets whose picks are the labels; none: a set of files."
    )
    starttime: Moment | None = Field(default=None, description="Earliest pick that counts.")
    endtime: Moment | None = Field(default=None, description="Picks before this count.")
    stations: tuple[str, ...] = Field(default=("*",), description="Patterns of NET.STA, or of STA alone.")
    before_seconds: float = Field(default=30.0, gt=0, description="Of the waveforms before a record's first pick (s).")
    after_seconds: float = Field(default=30.0, gt=0, description="Of the waveforms after a record's last pick (s).")
    event_gap_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Where labels name no event, those that follow one another this closely (s) are of one.",
    )
    unlabelled: int = Field(
        default=0,
        ge=0,
        description="Records sampled from the database's waveforms over stations and times, without labels, for task "
        "pretrain; with it there are no pick_sets.",
    )
    unpicked: Literal["unknown", "noise"] = Field(
        default="unknown",
        description="What a phase is of which a record has no pick: unknown (it takes no part in training and scores), "
        "or surely not there.",
    )
    negatives: int = Field(
        default=0,
        ge=0,
        description="Windows without any pick for each ten records, of the database's waveforms half-way between two "
        "records of a station. Right only where the pick sets are complete.",
    )
    split: SplitConfig = SplitConfig()

    @model_validator(mode="after")
    def _labelled_or_not(self) -> TrainingSetConfig:
        if self.unlabelled and self.pick_sets:
            raise ValueError("unlabelled records have no pick_sets: name one of the two")
        return self


class AugmentConfig(StrictModel):
    """Changes of training windows; each share is the probability that a window gets it."""

    around_pick: float = Field(
        default=0.8, ge=0, le=1, description="Windows that hold a pick; the others lie anywhere."
    )
    noise: float = Field(default=0.3, ge=0, le=1, description="Gaussian noise is added.")
    noise_scale: float = Field(default=0.1, ge=0, description="Largest standard deviation of it over the peak.")
    stack: float = Field(default=0.15, ge=0, le=1, description="Another record is added, shifted and scaled.")
    gap: float = Field(default=0.05, ge=0, le=1, description="A part is zeroed out, with the picks in it.")
    drop_channels: float = Field(default=0.05, ge=0, le=1, description="One or two components are zeroed out.")
    lower_rate: float = Field(default=0.05, ge=0, le=1, description="As recorded at a half or a third of the rate.")


class OptimiseConfig(StrictModel):
    """The loop."""

    epochs: int = Field(default=60, ge=1, le=10_000, description="Most passes through the training part.")
    patience: int = Field(default=12, ge=1, description="Stop after so many epochs without a better validation loss.")
    batch: int = Field(default=32, ge=1, description="Windows for each step.")
    windows_per_record: int = Field(default=1, ge=1, description="Windows cut of each record in an epoch.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Adam's; halved after half the patience.")
    label_width_seconds: float = Field(default=0.1, gt=0, description="Standard deviation (s) of the label's Gaussian.")


class GateConfig(StrictModel):
    """How a candidate is judged against its parent."""

    p_threshold: float = Field(default=0.3, gt=0, le=1, description="As for picking.")
    s_threshold: float = Field(default=0.3, gt=0, le=1, description="As for picking.")
    max_dt: float = Field(default=0.5, gt=0, description="Largest difference of pick times (s).")
    resamples: int = Field(default=1000, ge=100, le=100_000, description="Of the bootstrap by event.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="Of the intervals.")
    also_on: tuple[str, ...] = Field(
        default=(), description="Further training sets on whose test parts it must not be worse."
    )


class TrainConfig(StrictModel):
    """One training: a name for the model, what it learns from, and how."""

    name: str = Field(pattern=NAME_PATTERN, description="Name of the model.")
    description: str = ""
    task: Literal["pick", "pretrain", "event_type"] = Field(
        default="pick",
        description="What the network is to learn: to pick, or (SeisLM) to guess masked parts of unlabelled waveforms, "
        "or to tell earthquakes from explosions and what happens at the surface.",
    )
    picker: NetworkName = Field(default="phasenet", description="Kind of network.")
    size: SizeName | None = Field(default=None, description="Of a SeisLM that begins with nothing; default small.")
    parent: str | None = Field(
        default="original",
        description="Weights to begin with, as `pick.weights` of a job (model:NAME as well), for event types as "
        "`event_type.weights`; null: from nothing.",
    )
    training_set: str | TrainingSetConfig = Field(
        description="Name of a training set that is there, or the description of one of the database's picks."
    )
    freeze_encoder: bool = Field(
        default=False,
        description="Train SeisLM's picking head alone, on what its encoder has learned before: half the time, "
        "and enough for a training of minutes.",
    )
    share: float = Field(default=1.0, gt=0, le=1, description="Of the training events, for learning curves.")
    augment: AugmentConfig = AugmentConfig()
    optimise: OptimiseConfig = OptimiseConfig()
    seeds: tuple[int, ...] = Field(default=(1, 2, 3), min_length=1, description="One training each.")
    gate: GateConfig = GateConfig()
    licence: str = Field(default="", description="Of the weights; remember those of the parent and of the data.")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: a GPU where there is one.")
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="Of the network in training (mixed precision); float16 on a GPU only."
    )
    threads: int = Field(default=1, ge=1, description="Threads of torch on a CPU.")
    checkpoint_epochs: int = Field(
        default=1,
        ge=1,
        description="Epochs from one checkpoint to the next; more for networks of hundreds of megabytes.",
    )

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) < len(value) or min(value) < 0:
            raise ValueError("must be distinct and not negative")
        return value

    @model_validator(mode="before")
    @classmethod
    def _parent_of_task(cls, document: Any) -> Any:
        """Networks of another kind begin with weights of their own."""
        if isinstance(document, dict) and document.get("task") == "event_type":
            return {"parent": "packaged"} | document
        return document

    @model_validator(mode="after")
    def _fits_together(self) -> TrainConfig:
        if self.parent in {f"model:{self.name}", *(f"model:{self.name}-{seed}" for seed in self.seeds)}:
            raise ValueError(f"parent: {self.parent} is this model; give the one that follows it a name of its own")
        if self.task == "pretrain" and self.picker != "seislm":
            raise ValueError(f"task pretrain is SeisLM's; picker: seislm, not {self.picker}")
        if self.size and (self.picker != "seislm" or self.parent is not None):
            raise ValueError("size: is of a SeisLM that begins with nothing: picker: seislm and parent: null")
        if self.freeze_encoder and (self.picker != "seislm" or self.task != "pick" or self.parent is None):
            raise ValueError("freeze_encoder: is for picker: seislm with task: pick and a parent")
        return self

    @property
    def architecture(self) -> str:
        """Kind of network."""
        return "event_type" if self.task == "event_type" else self.picker

    @property
    def set_name(self) -> str:
        """Name of the training set."""
        return self.training_set if isinstance(self.training_set, str) else self.training_set.name

    def scientific(self) -> dict[str, Any]:
        """What of this decides the weights, as plain data: neither how they are judged, nor by which seeds, nor where
        the parent lies, whose content its SHA-256 identifies."""
        keys = {"task", "picker", "share", "augment", "optimise", "precision"}
        keys |= {name for name in ("size", "freeze_encoder") if getattr(self, name)}
        return self.model_dump(mode="json", include=keys) | {
            "training_set": self.set_name,
            "parent": self.parent is not None,
        }
