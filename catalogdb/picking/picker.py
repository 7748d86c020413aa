"""Pickers: traces of one channel group -> picks inside one shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from catalogdb.picking import quality, stalta
from catalogdb.picking.config import REVISION, PickConfig
from catalogdb.picking.peaks import Onsets, peaks_above, separated
from catalogdb.picking.records import DEAD_SECONDS, RESAMPLING_SETTLE_SECONDS, Run, build_runs
from catalogdb.picking.weights import WeightsFiles, resolve

if TYPE_CHECKING:
    from obspy import Trace

    from catalogdb.picking.model import Network

LONGEST_TRIGGER_SECONDS = 10.0
"""Allowance for a trigger, or a chain of close peaks, that reaches over a shard's border."""


@dataclass
class PickResult:
    """Picks of one shard.

    Attributes:
        picks: documents with the science fields of the ``pick`` collection, ascending in time.
        counts: what was kept and dropped, by reason.
        problems: what was passed over, each naming the channel and the reason.
    """

    picks: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@lru_cache(maxsize=8)
def load_picker(config: PickConfig) -> Picker:
    """The picker of a configuration, kept for the life of the process. Networks are loaded at the first `Picker.pick`.

    Raises:
        InputError: if the weights don't exist.
    """
    return StaLtaPicker(config) if config.picker == "stalta" else NetworkPicker(config)


class Picker:
    """Common to all pickers; `load_picker` makes them."""

    rate: float
    """Samples per second that the picker works at."""

    def __init__(self, config: PickConfig):
        self.config = config

    @property
    def padding_seconds(self) -> float:
        """How much more data before and after a shard `pick` needs, so that its picks don't depend on the shard."""
        common = RESAMPLING_SETTLE_SECONDS + DEAD_SECONDS + LONGEST_TRIGGER_SECONDS
        return common + self.config.min_separation_seconds + max(self._reach_seconds(), quality.REACH_SECONDS)

    def identity(self) -> dict[str, Any]:
        """What decides the picks beside `PickConfig.scientific`; doesn't import torch."""
        return {"picker": self.config.picker, "revision": REVISION}

    def pick(self, traces: Sequence[Trace], starttime: float, endtime: float) -> PickResult:
        """Pick one shard.

        Args:
            traces: contiguous traces (counts) of one channel group, from `padding_seconds` before to after the shard.
            starttime, endtime: the shard [starttime, endtime), epoch seconds UTC; only picks inside it are returned.

        Raises:
            ValueError: if the traces belong to more than one channel group.
            InputError: if the weights can't be loaded.
        """
        groups = {_channel_group(trace) for trace in traces}
        if len(groups) > 1:
            raise ValueError(f"one channel group at a time, not {', '.join(sorted(groups))}")
        records = build_runs(traces, self.rate)
        result = PickResult(problems=[f"{group}: {text}" for group in groups for text in records.problems])
        counts = records.counts
        seconds = Counter()
        for run in records.runs:
            found = self._find(run)
            inside = max(0.0, min(run.time(run.samples), endtime) - max(run.time(0), starttime))
            seconds["picked_seconds" if found is not None else "short_run_seconds"] += inside
            counts["runs"] += 1
            for phase, onsets in (found or {}).items():
                result.picks += self._documents(run, phase, onsets, (starttime, endtime), counts)
        for pick in result.picks:
            (group,) = groups
            pick["channel_group"] = group
            pick["net"], pick["sta"], pick["loc"], _ = group.split(".")
        result.picks.sort(key=lambda pick: (pick["time"], pick["phase"]))
        result.counts = {**counts, **{name: round(value) for name, value in seconds.items() if value > 0}}
        return result

    def _find(self, run: Run) -> dict[str, Onsets] | None:
        """All onsets of a run, by phase; None where it is too short to be picked."""
        raise NotImplementedError

    def _reach_seconds(self) -> float:
        """How far from a pick data take part in it."""
        raise NotImplementedError

    def _documents(
        self, run: Run, phase: str, onsets: Onsets, shard: tuple[float, float], counts: Counter
    ) -> list[dict[str, Any]]:
        times = np.array([run.time(sample) for sample in onsets.samples])
        in_shard = (times >= shard[0]) & (times < shard[1])
        threshold = self.config.p_threshold if phase == "P" else self.config.s_threshold
        keep = onsets.probability >= threshold
        guard = self.config.edge_guard_seconds * run.rate
        clear = (onsets.samples >= guard) & (onsets.samples <= run.samples - 1 - guard)
        counts["near_edge"] += int((keep & ~clear & in_shard).sum())
        keep &= clear
        candidates = np.flatnonzero(keep)
        least = self.config.min_separation_seconds * run.rate
        stay = separated(onsets.samples[candidates], onsets.probability[candidates], least)
        counts["too_close"] += int((~stay & in_shard[candidates]).sum())
        chosen = candidates[stay & in_shard[candidates]]
        if chosen.size == 0:
            return []
        counts[f"{phase}_picks"] += chosen.size
        probability = onsets.probability[chosen].astype(np.float64)
        uncertainty = onsets.uncertainty[chosen]
        snr, amplitude = quality.snr_and_amplitude(run, onsets.samples[chosen], phase)
        score = quality.quality_score(probability, snr, uncertainty, onsets.competing[chosen])
        channel = run.channels[quality.measured_rows(run, phase)[0]]
        picks = []
        for index in range(chosen.size):
            pick = {
                "chan": channel,
                "phase": phase,
                "time": float(times[chosen[index]]),
                "uncertainty": float(uncertainty[index]),
                "probability": float(probability[index]),
                "quality": float(score[index]),
                "amplitude": float(amplitude[index]),
                "components": run.components,
                "evaluation_mode": "automatic",
            }
            if np.isfinite(snr[index]):
                pick["snr"] = float(snr[index])
            picks.append(pick)
        return picks


class NetworkPicker(Picker):
    """PhaseNet and EQTransformer."""

    def __init__(self, config: PickConfig):
        super().__init__(config)
        self.files: WeightsFiles = resolve(config.picker, config.weights)
        self.rate = self.files.sampling_rate()

    def identity(self) -> dict[str, Any]:
        from importlib.metadata import version

        return {**super().identity(), **self.files.identity(), "seisbench": version("seisbench")}

    @cached_property
    def network(self) -> Network:
        """The network, loaded at first use."""
        from catalogdb.picking.model import load_network

        return load_network(self.files, self.config)

    def probability(self, run: Run) -> np.ndarray | None:
        """Probability traces, float32 array (2, samples) with rows P and S; None for a run shorter than a window."""
        from catalogdb.picking.inference import annotate_run, available_threads

        threads = self.config.threads or available_threads()
        return annotate_run(self.network, run, self.config.batch_size, threads, self.files.filter_settle_seconds())

    def _find(self, run: Run) -> dict[str, Onsets] | None:
        traces = self.probability(run)
        if traces is None:
            return None
        found = {}
        for row, (phase, threshold) in enumerate((("P", self.config.p_threshold), ("S", self.config.s_threshold))):
            samples = peaks_above(traces[row], threshold)
            found[phase] = Onsets(
                samples,
                traces[row][samples],
                quality.peak_uncertainty(traces[row], samples, run.rate),
                quality.competing_probability(traces[1 - row], samples, run.rate),
            )
        return found

    def _reach_seconds(self) -> float:
        window = self.config.window_samples or self.files.window_samples()
        return window / self.rate + self.files.filter_settle_seconds()


class StaLtaPicker(Picker):
    """STA/LTA with AIC, which needs no weights."""

    rate = stalta.RATE

    def _find(self, run: Run) -> dict[str, Onsets] | None:
        return stalta.find_onsets(run, self.config.stalta)

    def _reach_seconds(self) -> float:
        return stalta.reach_seconds(self.config.stalta)


def _channel_group(trace: Trace) -> str:
    stats = trace.stats
    return f"{stats.network}.{stats.station}.{stats.location}.{stats.channel[:-1]}"
