"""Records -> training windows through SeisBench's generate pipeline. Each window depends on its numbers alone: seed,
epoch and place, so that a training that was broken off goes on with the very windows that it would have had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalogdb.errors import InputError
from catalogdb.picking.network import Network
from catalogdb.picking.stretches import Stretch, build_stretches
from catalogdb.picking.zoo import seisbench_part
from catalogdb.training.config import AugmentConfig
from catalogdb.training.records import PHASES, LabelledRecord

MOST_ONSETS = 4
"""Of one phase in a window, stacked records included; more are refused rather than left without a label."""
STACK_SCALE = (0.2, 1.5)
LOWER_RATES = (2, 3)


@dataclass(frozen=True)
class Example:
    """A record as the network sees it, before it is cut into windows.

    Attributes:
        data: float32 (components, samples) of counts at the picker's rate, zeros where a component is absent.
        onsets: (phase, sample), not rounded.
        known: the phases of which something is known.
    """

    name: str
    data: np.ndarray
    onsets: tuple[tuple[str, float], ...]
    known: str


@dataclass(frozen=True)
class Batch:
    """Windows with their labels.

    Attributes:
        data: float32 (windows, components, samples).
        labels: float32 (windows, 3, samples): probability of P, of S, and that an event is going on.
        known: bool (windows, 2): whether something is known of P, and of S.
    """

    data: np.ndarray
    labels: np.ndarray
    known: np.ndarray


def examples_of(records: Sequence[LabelledRecord], network: Network) -> tuple[list[Example], list[str]]:
    """Records prepared as the picker prepares waveforms: aligned, resampled, filtered where the weights ask for it.

    Returns:
        The examples, and why records give none ("record: reason").
    """
    examples, rejected = [], []
    for record in records:
        try:
            examples.append(_example(record, network))
        except (InputError, ValueError) as error:
            rejected.append(f"{record.name}: {error}")
    return examples, rejected


def _example(record: LabelledRecord, network: Network) -> Example:
    stretches = build_stretches(record.traces, network.rate).stretches
    holding = [stretch for stretch in stretches if all(_inside(stretch, onset.time) for onset in record.onsets)]
    if not holding:
        raise InputError("its onsets lie in no stretch without a gap" if record.onsets else "no samples")
    stretch = max(holding, key=lambda each: each.samples)
    onsets = tuple((onset.phase, (onset.time * 1e9 - stretch.start_ns) * stretch.rate / 1e9) for onset in record.onsets)
    if max(sum(phase == each for each, _ in onsets) for phase in PHASES) > MOST_ONSETS:
        raise InputError(f"more than {MOST_ONSETS} onsets of one phase")
    rows = network.filtered(stretch, 0, stretch.samples)
    chosen = [None if row is None else rows[row] for row in network.rows]
    data = np.stack([np.zeros(stretch.samples, np.float32) if row is None else row for row in chosen])
    return Example(record.name, data.astype(np.float32), onsets, record.known)


def _inside(stretch: Stretch, time: float) -> bool:
    return stretch.time(0) <= time < stretch.time(stretch.samples)


class Windows:
    """Windows of examples, by number.

    Args:
        examples: what they are cut from.
        window: samples per window.
        rate: samples per second.
        label_width_seconds: standard deviation of the labels' Gaussians.
        augment: changes; None: windows that hold a pick where there is one, and no change.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        window: int,
        rate: float,
        label_width_seconds: float,
        augment: AugmentConfig | None,
    ):
        self.examples = examples
        generate = seisbench_part("generate")
        self._generator = generate.GenericGenerator(self)
        chosen = augment or AugmentConfig(around_pick=1.0, noise=0, stack=0, gap=0, drop_channels=0, lower_rate=0)
        columns = {_column(phase, number): phase for phase in PHASES for number in range(MOST_ONSETS)}
        around = generate.WindowAroundSample(
            list(columns), samples_before=window, windowlen=2 * window, selection="random", strategy="variable"
        )
        dropout = generate.ChannelDropout()
        self._generator.add_augmentations(
            [
                _share(chosen.stack, self._stack),
                _share(chosen.around_pick, lambda state: around(state) if _has_onset(state) else None),
                generate.RandomWindow(windowlen=window, strategy="pad"),
                _share(chosen.lower_rate, _lower_rate),
                _share(chosen.noise, generate.GaussianNoise(scale=(0, chosen.noise_scale))),
                _share(chosen.gap, generate.AddGap(metadata_picks_in_gap_threshold=0)),
                _share(chosen.drop_channels, lambda state: _drop_channels(state, dropout)),
                generate.ProbabilisticLabeller(
                    label_columns=columns, model_labels="PSN", sigma=label_width_seconds * rate, dim=0
                ),
                _label_events,
                generate.ChangeDtype(np.float32, "X"),
                generate.ChangeDtype(np.float32, "y"),
            ]
        )

    def __len__(self) -> int:
        return len(self.examples)

    def get_sample(self, index: int) -> tuple[np.ndarray, dict[str, Any]]:
        """One example as SeisBench's data sets give it: samples and metadata."""
        example = self.examples[index]
        metadata: dict[str, Any] = dict.fromkeys(
            (_column(phase, number) for phase in PHASES for number in range(MOST_ONSETS)), np.nan
        )
        for phase in PHASES:
            for number, sample in enumerate(sample for each, sample in example.onsets if each == phase):
                metadata[_column(phase, number)] = sample
        return example.data.astype(np.float64), metadata | {"known": example.known}

    def batch(self, numbers: Sequence[int], seed: Sequence[int]) -> Batch:
        """The windows of some examples.

        Args:
            numbers: of the examples.
            seed: what the windows depend on, besides their place in the batch.
        """
        made = []
        for place, number in enumerate(numbers):
            with _seeded([*seed, place]):
                made.append(self._generator[number])
        return Batch(
            np.stack([item["X"] for item in made]),
            np.stack([np.concatenate([item["y"][:2], item["event"]]) for item in made]),
            np.array([[phase in str(item["known"]) for phase in PHASES] for item in made]),
        )

    def batches(self, batch: int, seed: Sequence[int], per_example: int = 1, shuffled: bool = True) -> Iterator[Batch]:
        """All windows of an epoch.

        Args:
            batch: windows of each, but for the last one.
            seed: of the epoch.
        """
        numbers = np.tile(np.arange(len(self.examples)), per_example)
        if shuffled:
            numbers = np.random.default_rng([*seed, 0]).permutation(numbers)
        for place, first in enumerate(range(0, len(numbers), batch)):
            yield self.batch([int(number) for number in numbers[first : first + batch]], [*seed, 1 + place])

    def _stack(self, state: dict[str, Any]) -> None:
        """Add another example, shifted and scaled by its peak; nothing where there is no room for its picks."""
        data, metadata = state["X"]
        other, of_other = self.get_sample(int(np.random.randint(len(self.examples))))
        scale = np.random.uniform(*STACK_SCALE) * np.abs(data).max() / max(np.abs(other).max(), 1e-30)
        size = data.shape[1]
        shift = int(np.random.randint(-size // 2, size // 2 + 1))
        first, end = max(0, shift), min(size, shift + other.shape[1])
        if end <= first:
            return
        onsets = [(p, of_other[_column(p, n)] + shift) for p in PHASES for n in range(MOST_ONSETS)]
        inside = [(phase, sample) for phase, sample in onsets if first <= sample < end]
        free = {p: [_column(p, n) for n in range(MOST_ONSETS) if np.isnan(metadata[_column(p, n)])] for p in PHASES}
        if any(sum(phase == p for phase, _ in inside) > len(free[p]) for p in PHASES):
            return
        for phase, sample in inside:
            metadata[free[phase].pop(0)] = sample
        metadata["known"] = "".join(phase for phase in metadata["known"] if phase in of_other["known"])
        data[:, first:end] += scale * other[:, first - shift : end - shift]


def _drop_channels(state: dict[str, Any], dropout: Any) -> None:
    """Zero out one or two components; where these were all there are, no onset is left to be seen."""
    dropout(state)
    data, metadata = state["X"]
    if not data.any():
        metadata.update({name: np.nan for name in metadata if name.endswith("_arrival_sample")})


def _column(phase: str, number: int) -> str:
    return f"trace_{phase}{number}_arrival_sample"


def _onsets(metadata: dict[str, Any], phase: str) -> list[float]:
    values = [metadata[_column(phase, number)] for number in range(MOST_ONSETS)]
    return sorted(float(value) for value in values if not np.isnan(value))


def _has_onset(state: dict[str, Any]) -> bool:
    return any(_onsets(state["X"][1], phase) for phase in PHASES)


def _share(share: float, augmentation: Any) -> Any:
    """The augmentation for a share of the windows; what is drawn for one never depends on another's being there."""

    def call(state: dict[str, Any]) -> None:
        if np.random.uniform() < share:
            augmentation(state)

    return call


def _lower_rate(state: dict[str, Any]) -> None:
    """As recorded at a lower rate and resampled."""
    from scipy.signal import resample_poly

    data, metadata = state["X"]
    factor = int(np.random.choice(LOWER_RATES))
    thinned = resample_poly(data, 1, factor, axis=1, padtype="line")
    state["X"] = resample_poly(thinned, factor, 1, axis=1, padtype="line")[:, : data.shape[1]], metadata


def _label_events(state: dict[str, Any]) -> None:
    """1 from each P to 1.4 of the time to its S, as EQTransformer's detections are (Mousavi et al., 2020)."""
    data, metadata = state["X"]
    label = np.zeros((1, data.shape[1]), np.float32)
    for first in _onsets(metadata, "P"):
        second = next((sample for sample in _onsets(metadata, "S") if sample > first), None)
        if second is not None:
            label[0, max(0, int(first)) : max(0, int(first + 1.4 * (second - first)))] = 1.0
    state["event"] = label, None
    state["known"] = metadata["known"], None


@contextmanager
def _seeded(seed: Sequence[int]) -> Iterator[None]:
    """SeisBench draws from NumPy's global generator: seed it, and leave it as it was."""
    before = np.random.get_state()
    np.random.seed(np.random.SeedSequence(list(seed)).generate_state(4))
    try:
        yield
    finally:
        np.random.set_state(before)
