"""Pickers: traces of one channel group -> what there is to pick in some time, and its picks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from catalogdb.components import SLOTS, Axis
from catalogdb.documents.data import PickFields
from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.identity import file_sha256
from catalogdb.intervals import Interval, common, seconds, union
from catalogdb.picking import quality, stalta
from catalogdb.picking.backends import available_threads
from catalogdb.picking.config import REVISION, MemberConfig, PickConfig
from catalogdb.picking.detections import REACH_SECONDS as DETECTION_REACH_SECONDS
from catalogdb.picking.detections import detections_in
from catalogdb.picking.ensemble import combined
from catalogdb.picking.findings import Findings, PickResult
from catalogdb.picking.network import DETECTION
from catalogdb.picking.peak_table import PEAK, PHASES, Channels, PeakTable, StretchChannels, joined
from catalogdb.picking.peaks import Peaks, peaks_and_saddles
from catalogdb.picking.resample import RESAMPLING_SETTLE_SECONDS
from catalogdb.picking.segments import DEAD_SECONDS
from catalogdb.picking.selection import picks_within
from catalogdb.picking.stretches import Records, Stretch, build_stretches, components_of
from catalogdb.picking.time_error import TimeCalibration, calibration_for, read_calibration
from catalogdb.picking.unpicked import Unpicked
from catalogdb.picking.weights import WeightsFiles, resolve
from catalogdb.probability.traces import ProbabilityTrace
from catalogdb.profile import timed

if TYPE_CHECKING:
    from obspy import Trace

    from catalogdb.picking.backends import Backend

Found = tuple[dict[str, Peaks] | None, ProbabilityTrace | None]
LONGEST_TRIGGER_SECONDS = 10.0
"""Allowance for a trigger, or a chain of close peaks, that reaches over a shard's border."""


def load_picker(config: PickConfig) -> Picker:
    """The picker of a configuration, kept while the files of its weights and calibration hold the same. Networks are
    loaded at the first `Picker.pick`.

    Raises:
        InputError: if the weights or the calibration of times don't exist, if that is of other weights, or if the
            members of an ensemble work at different rates.
    """
    weights = tuple(resolve(member.picker, member.weights).digest for member in config.members())
    return _picker(config, weights, config.time_calibration and read_calibration(config.time_calibration))


@lru_cache(maxsize=8)
def _picker(config: PickConfig, weights: tuple[str, ...], calibration: TimeCalibration | None) -> Picker:
    return StaLtaPicker(config) if config.picker == "stalta" else NetworkPicker(config)


class Picker:
    """Common to all pickers; `load_picker` makes them."""

    rate: float
    """Samples per second that the picker works at."""
    backend_name: str | None = None
    """What runs the network, once it is loaded."""
    calibration: TimeCalibration  # of the times of its picks

    def __init__(self, config: PickConfig):
        self.config = config
        self._loading: Future[None] | None = None

    @property
    def threads(self) -> int:
        """How many threads of this process pick."""
        return self.config.threads or available_threads()

    @property
    def padding_seconds(self) -> float:
        """How much more data before and after a shard `pick` needs, so that its picks don't depend on the shard."""
        common = RESAMPLING_SETTLE_SECONDS + DEAD_SECONDS
        return common + self._margin_seconds + max(self._reach_seconds(), quality.REACH_SECONDS)

    @property
    def _margin_seconds(self) -> float:
        """How far outside a shard peaks take part in the choice of its picks."""
        return LONGEST_TRIGGER_SECONDS + self.config.min_separation_seconds

    def identity(self) -> Json:
        """What decides the picks beside `PickConfig.scientific`; doesn't import torch."""
        return {"picker": self.config.picker, "revision": REVISION, "time_calibration": self.calibration.model_dump()}

    def pick(self, traces: Sequence[Trace], starttime: float, endtime: float) -> PickResult:
        """Pick one shard: `prepare`, `find`, then choose.

        Args:
            traces: contiguous traces (counts) of one channel group, from `padding_seconds` before to after the shard.
            starttime, endtime: the shard [starttime, endtime), epoch seconds UTC; only picks inside it are returned.

        Raises:
            ValueError: if the traces belong to more than one channel group.
            InputError: if the weights can't be loaded.
        """
        return self.pick_records(self.prepare(traces), [(starttime, endtime)])

    def preload(self) -> Future[None]:
        """Begin to load what picking needs, once per process, while the caller reads waveforms."""
        if self._loading is None:
            pool = ThreadPoolExecutor(1)
            self._loading = pool.submit(self._load)
            pool.shutdown(wait=False)
        return self._loading

    def _load(self) -> None:
        import scipy.signal  # noqa: F401  (takes a second)

    def prepare(self, traces: Sequence[Trace], overwrite: bool = False, axes: Iterable[Axis] = ()) -> Records:
        """Traces -> aligned stretches at the picker's rate.

        Args:
            overwrite: whether the traces' samples may be destroyed.
            axes: where the sensor's channels point, for those whose codes don't say.
        """
        loading = self.preload()
        with timed("load network and libraries"):
            loading.result()
        with timed("align and resample"):
            return build_stretches(traces, self.rate, overwrite, self.config.bridge_samples, axes)

    def pick_records(self, records: Records, times: Sequence[Interval]) -> PickResult:
        """Pick from what `prepare` gave, inside intervals [start, end), epoch seconds UTC, ascending."""
        findings = self.find(records, times)
        picks: list[PickFields] = []
        counts: Counter[str] = Counter()
        group = findings.channel_group
        if group is not None:
            picks, counts = picks_within(findings.peaks, self.config, self.calibration, group, times)
        return PickResult(picks, {**findings.counts, **counts}, findings.problems, findings)

    def find(self, records: Records, times: Sequence[Interval]) -> Findings:
        """Probability traces, detections and measured peaks of the intervals."""
        findings = Findings(records.channel_group)
        unpicked = Unpicked()
        picked_seconds = 0.0
        tables = []
        for stretch, (found, probability) in zip(records.stretches, self._find(records.stretches), strict=True):
            of_stretch = common([(stretch.time(0), stretch.time(stretch.samples))], times)
            if found is None:
                unpicked.add_short(seconds(of_stretch))
            else:
                picked_seconds += seconds(of_stretch)
                unpicked.add_absent(
                    [name for name, row in zip(SLOTS, stretch.data, strict=True) if row is None], of_stretch
                )
            if probability is not None:
                findings.probability += _by_channels(stretch, probability)
                if DETECTION in probability.labels:
                    with timed("detections"):
                        for time in times:
                            findings.detections += detections_in(probability, self.config.detection_threshold, *time)
            if found:
                with timed("peaks"):
                    tables.append(self._measured(stretch, found, times))
        for why, channel, when in records.unused:
            unpicked.add_unused(channel, why, common(when, times))
        findings.peaks = joined(tables, self.config.peak_floor)
        lines = [*records.problems, *unpicked.problems(self.shortest_stretch_seconds, self.config.bridge_samples)]
        findings.problems = [f"{findings.channel_group}: {text}" for text in lines]
        found_counts = {"runs": len(records.stretches), "picked_seconds": round(picked_seconds), **unpicked.counts()}
        findings.counts = {**records.counts, **{name: value for name, value in found_counts.items() if value > 0}}
        return findings

    def _find(self, stretches: Sequence[Stretch]) -> Iterator[Found]:
        """For each stretch its peaks by phase, None where it is too short to be picked, and its probability, if any."""
        raise NotImplementedError

    def _reach_seconds(self) -> float:
        """How far from a pick data take part in it."""
        raise NotImplementedError

    @property
    def shortest_stretch_seconds(self) -> float:
        """Shorter stretches are not picked."""
        raise NotImplementedError

    def _measured(self, stretch: Stretch, found: dict[str, Peaks], times: Sequence[Interval]) -> PeakTable:
        """Peaks that take part in the choice of the intervals' picks, with what is measured on the waveforms."""
        margin = self._margin_seconds
        wide = union((round((start - margin) * 1e6), round((end + margin) * 1e6) + 1) for start, end in times)
        borders = np.array(wide, dtype=np.int64).ravel()
        guard = self.config.edge_guard_seconds * stretch.rate

        def of_phase(phase: str) -> np.ndarray:
            peaks = found[phase]
            times_us = stretch.times_us(peaks.samples)
            inside = np.searchsorted(borders, times_us, side="right") % 2 == 1
            near = np.flatnonzero(inside & (peaks.probability >= self.config.peak_floor))
            samples = peaks.samples[near]
            table = np.zeros(near.size, dtype=PEAK)
            table["phase"] = PHASES.index(phase)
            table["time_us"] = times_us[near]
            table["near_edge"] = (samples < guard) | (samples > stretch.samples - 1 - guard)
            table["snr"], table["amplitude"] = quality.snr_and_amplitude(stretch, samples, phase, self.threads)
            for name in ("probability", "saddle", "width", "competing"):
                table[name] = getattr(peaks, name)[near]
            return table

        tables = [of_phase(phase) for phase in PHASES]
        rows = {phase: quality.measured_rows(stretch, phase)[0] for phase in PHASES}
        described = [
            Channels(components=components_of(codes), chan={phase: codes[row] for phase, row in rows.items()})
            for _, _, codes in stretch.by_channels()
        ]
        description: StretchChannels = {**described[0]}
        if stretch.changes:
            since = [round(stretch.time(sample) * 1e6) for sample, _ in stretch.changes]
            description["changes"] = [
                {"time_us": time_us, **later} for time_us, later in zip(since, described[1:], strict=True)
            ]
        return PeakTable(self.config.peak_floor, [description], np.concatenate(tables))


def _by_channels(stretch: Stretch, trace: ProbabilityTrace) -> Iterator[ProbabilityTrace]:
    """The trace, cut where a channel of the stretch is followed by another."""
    for first, end, channels in stretch.by_channels():
        yield replace(trace.part(first, end), components=components_of(channels))


@dataclass(frozen=True)
class _Member:
    """One network of a picker."""

    config: MemberConfig
    files: WeightsFiles

    @property
    def window(self) -> int:
        return self.config.window_samples or self.files.window_samples()

    def identity(self) -> Json:
        settings = self.config.model_dump(mode="json", include={"picker", "overlap", "stacking"})
        return settings | self.files.identity() | {"window": self.window}


class NetworkPicker(Picker):
    """PhaseNet, EQTransformer, or several networks together."""

    def __init__(self, config: PickConfig):
        super().__init__(config)
        self.members = [_Member(member, resolve(member.picker, member.weights)) for member in config.members()]
        for member in self.members:
            if member.files.task == "event_type":
                raise InputError(
                    f"weights '{member.config.weights}' tell types of events apart, and can't pick",
                    hint="event_type: {weights: ...} in a job",
                )
            if member.files.is_pretrained_only:
                raise InputError(
                    f"weights '{member.config.weights}' were pretrained without labels, and can't pick",
                    hint="fine-tune them first: catalogdb train FILE with parent: "
                    f"{member.config.weights} and task: pick",
                )
        rates = {member.files.sampling_rate() for member in self.members}
        if len(rates) > 1:
            raise InputError(f"members of an ensemble work at one rate, not at {', '.join(map(str, sorted(rates)))} Hz")
        (self.rate,) = rates
        networks = [(file_sha256(member.files.pt), member.window) for member in self.members]
        own = [member.files.own_metadata().get("time_calibration") for member in self.members]
        self.calibration = calibration_for(config.time_calibration, networks, own[0] if len(own) == 1 else None)

    def identity(self) -> Json:
        from importlib.metadata import version

        members = [member.identity() for member in self.members]
        return {**super().identity(), "networks": members, "seisbench": version("seisbench")}

    def _load(self) -> None:
        for member in self.members:
            self.backend(member)
        super()._load()

    def backend(self, member: _Member) -> Backend:
        """What runs a member's network, loaded at first use."""
        from catalogdb.picking.backends import open_backend

        config = self.config
        backend = open_backend(
            config.backend, member.files, member.window, config.batch_size, config.threads, config.precision
        )
        self.backend_name = backend.name
        return backend

    def probability(self, stretch: Stretch) -> ProbabilityTrace | None:
        """Probability traces of one stretch; None where it is shorter than a window."""
        return next(self.probabilities([stretch]))

    def probabilities(self, stretches: Sequence[Stretch]) -> Iterator[ProbabilityTrace | None]:
        """Probability traces of stretches, one after the other."""
        from catalogdb.picking.inference import annotate_stretches
        from catalogdb.picking.network import network_for

        members = []
        for member in self.members:
            backend = self.backend(member)
            network = network_for(backend.description, member.config)
            annotated = annotate_stretches(backend, network, stretches, member.files.filter_settle_seconds())
            # one member after the other: two of them may share a backend
            members.append((network.labels, annotated if len(self.members) == 1 else list(annotated)))
        labels = [of_member for of_member, _ in members]
        for stretch, *values in zip(stretches, *(annotated for _, annotated in members), strict=True):
            yield self._trace(stretch, labels, values)

    def _trace(
        self, stretch: Stretch, labels: list[tuple[str, ...]], values: list[np.ndarray | None]
    ) -> ProbabilityTrace | None:
        """What the members say of one stretch, combined; None where it is too short for one of them."""
        of_members = [of_member for of_member in values if of_member is not None]
        if len(of_members) < len(values):
            return None
        if len(of_members) == 1:
            return ProbabilityTrace(stretch.start_ns, stretch.rate, labels[0], of_members[0], stretch.components)
        settings = self.config.ensemble
        with timed("combine"):
            of_phases = [of_member[: len(PHASES)] for of_member in of_members]
            together = combined(of_phases, settings.combine, round(settings.coherence_seconds * stretch.rate))
        return ProbabilityTrace(stretch.start_ns, stretch.rate, PHASES, together, stretch.components)

    def _find(self, stretches: Sequence[Stretch]) -> Iterator[Found]:
        for stretch, trace in zip(stretches, self.probabilities(stretches), strict=True):
            yield self._peaks(stretch, trace), trace

    def _peaks(self, stretch: Stretch, trace: ProbabilityTrace | None) -> dict[str, Peaks] | None:
        if trace is None:
            return None
        values = trace.values

        def of_row(row: int) -> Peaks:
            samples, saddles = peaks_and_saddles(values[row], self.config.peak_floor)
            return Peaks(
                samples,
                values[row][samples],
                saddles,
                quality.peak_width(values[row], samples, stretch.rate),
                quality.competing_probability(values[1 - row], samples, stretch.rate),
            )

        with timed("peaks"):
            return {phase: of_row(row) for row, phase in enumerate(PHASES)}

    @property
    def shortest_stretch_seconds(self) -> float:
        return max(member.window for member in self.members) / self.rate

    def _reach_seconds(self) -> float:
        windows = max(member.window / self.rate + member.files.filter_settle_seconds() for member in self.members)
        detects = any(member.config.picker == "eqtransformer" for member in self.members)
        return windows + (DETECTION_REACH_SECONDS if detects else 0.0)


class StaLtaPicker(Picker):
    """STA/LTA with AIC, which needs no weights."""

    rate = stalta.RATE

    def __init__(self, config: PickConfig):
        super().__init__(config)
        self.calibration = calibration_for(config.time_calibration, [])

    def _find(self, stretches: Sequence[Stretch]) -> Iterator[Found]:
        for stretch in stretches:
            with timed("peaks"):
                found = stalta.find_onsets(stretch, self.config.stalta)
            yield found, None

    @property
    def shortest_stretch_seconds(self) -> float:
        return stalta.shortest_stretch_seconds(self.config.stalta)

    def _reach_seconds(self) -> float:
        return stalta.reach_seconds(self.config.stalta)
