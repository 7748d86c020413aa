"""What has to be known of a network to put windows to it; importable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from catalogdb.components import SLOTS
from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.picking.config import MemberConfig
from catalogdb.picking.stretches import Stretch
from catalogdb.picking.window_grid import overlap_samples

_STAND_IN = {"1": "N", "2": "E"}
DETECTION = "D"


@dataclass(frozen=True)
class NetworkDescription:
    """A network with its weights, as plain data.

    Attributes:
        window: samples per window.
        rate: samples per second that it was trained for.
        component_order: letters of the components that it takes, in order.
        labels: what its outputs are: P, S and, where it has one, D for detection.
        first_valid, end_valid: samples of a window that count; the rest is blinded by the weights' metadata.
        overlap: of windows, as SeisBench writes it, where the configuration doesn't say.
        stacking: ``avg`` or ``max``, likewise.
        filter_args, filter_kwargs: of the filter that the weights ask for, as SeisBench writes them.
    """

    window: int
    rate: float
    component_order: str
    labels: tuple[str, ...]
    first_valid: int
    end_valid: int
    overlap: float
    stacking: str
    filter_args: Any = None
    filter_kwargs: Any = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> NetworkDescription:
        """From what `to_document` gave."""
        return cls(**{**document, "labels": tuple(document["labels"])})

    def to_document(self) -> Json:
        """Plain data, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Network:
    """How windows are put to a network.

    Attributes:
        description: the network.
        stride: samples from one window to the next.
        stacking: ``avg`` or ``max``.
        rows: for each component that the network expects, its row in a stretch, or None where stretches never have it.
    """

    description: NetworkDescription
    stride: int
    stacking: str
    rows: tuple[int | None, ...]

    @property
    def window(self) -> int:
        """Samples per window."""
        return self.description.window

    @property
    def rate(self) -> float:
        """Samples per second that the network was trained for."""
        return self.description.rate

    @property
    def labels(self) -> tuple[str, ...]:
        """What the outputs are."""
        return self.description.labels

    def filtered(self, stretch: Stretch, begin: int, end: int) -> list[np.ndarray | None]:
        """Samples [begin, end) of each component, through the filter that the weights ask for, if any."""
        part = [None if row is None else row[begin:end] for row in stretch.data]
        arguments, keywords = self.description.filter_args, self.description.filter_kwargs
        if arguments is None and keywords is None:
            return part
        import obspy

        stream = obspy.Stream(
            obspy.Trace(row - row.mean(dtype=np.float64), {"sampling_rate": self.rate, "channel": f"HH{letter}"})
            for row, letter in zip(part, SLOTS, strict=True)
            if row is not None
        )
        if isinstance(arguments, Mapping):  # one filter for each pattern of channels
            for pattern, of_pattern in arguments.items():
                stream.select(channel=pattern).filter(*of_pattern, **(keywords or {}).get(pattern, {}))
        else:
            stream.filter(*(arguments or ()), **(keywords or {}))
        through = iter(stream)
        return [None if row is None else next(through).data.astype(np.float32) for row in part]


def network_for(description: NetworkDescription, config: MemberConfig) -> Network:
    """The network, put to use as the configuration says.

    Raises:
        InputError: if windows would not move on.
    """
    overlap = config.overlap if config.overlap is not None else description.overlap
    try:
        stride = description.window - overlap_samples(overlap, description.window)
    except ValueError as error:
        raise InputError(str(error)) from error
    return Network(
        description=description,
        stride=stride,
        stacking=config.stacking or description.stacking,
        rows=tuple(_row(letter) for letter in description.component_order),
    )


def _row(letter: str) -> int | None:
    letter = _STAND_IN.get(letter, letter)
    return SLOTS.index(letter) if letter in SLOTS else None
