"""What training is given, and what one seed leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogdb.training.loop import Trained
from catalogdb.training.networks import Weights
from catalogdb.training.records import LabelledRecord, Part

Parts = Mapping[Part, Sequence[LabelledRecord]]


@dataclass(frozen=True)
class Result:
    """What one seed led to.

    Attributes:
        weights: SeisBench's files.
        trained: the loop's account.
        calibration: of the times of its picks, where the validation part holds enough of them.
        records: that trained and validated.
        problems: records that gave no window ("record: reason").
    """

    weights: Weights
    trained: Trained
    calibration: dict[str, Any] | None
    records: dict[str, int]
    problems: list[str]
