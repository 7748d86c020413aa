"""Table of peaks -> picks: thresholds, the guard at edges of data, and no two picks of one phase too close."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from catalogdb.documents.data import PickFields
from catalogdb.errors import InputError
from catalogdb.intervals import Interval
from catalogdb.picking.config import PickConfig
from catalogdb.picking.peak_table import PHASES, Channels, PeakTable, StretchChannels
from catalogdb.picking.peaks import picks_at, separated
from catalogdb.picking.quality import neighbours, quality_features, quality_score
from catalogdb.picking.time_error import TimeCalibration

SELECTION_COUNTS = ("P_picks", "S_picks", "near_edge", "too_close")


def select_picks(
    table: PeakTable,
    config: PickConfig,
    calibration: TimeCalibration,
    channel_group: str,
    shard: tuple[float, float],
) -> tuple[list[PickFields], Counter[str]]:
    """Choose the picks of one shard.

    Args:
        table: peaks of the shard and of some seconds on both sides.
        config: thresholds, separation, whether to correct times.
        calibration: of the pick times.
        channel_group: ``net.sta.loc.BI``.
        shard: [starttime, endtime), epoch seconds UTC; only picks inside it are returned.

    Returns:
        Documents with the science fields of the ``pick`` collection, ascending in time, and what was kept and dropped.

    Raises:
        InputError: for a threshold below the table's floor.
    """
    net, sta, loc, _ = channel_group.split(".")
    picks: list[PickFields] = []
    counts = Counter(dict.fromkeys(SELECTION_COUNTS, 0))
    for phase, threshold in zip(PHASES, config.thresholds(net, sta), strict=True):
        if np.float32(threshold) < np.float32(table.floor):
            raise InputError(
                f"{channel_group}: threshold {threshold:g} of {phase} is below {table.floor:g}, from which on peaks "
                "were kept",
                hint="pick again with a lower probability_floor",
            )
        errors = calibration.of(phase)
        early = errors.bias_seconds if config.correct_bias else 0.0
        is_phase = table.peaks["phase"] == PHASES.index(phase)
        of_phase, of_other = table.peaks[is_phase], table.peaks[~is_phase]
        for number in np.unique(of_phase["stretch"]).tolist():
            of_stretch = of_phase[of_phase["stretch"] == number]
            common = {"channel_group": channel_group, "net": net, "sta": sta, "loc": loc, "phase": phase}
            chosen = _chosen(of_stretch, threshold, config.min_separation_seconds, early, shard, counts)
            counts[f"{phase}_picks"] += chosen.size
            measures = [chosen[name].astype(np.float64) for name in ("probability", "snr", "width", "competing")]
            uncertainty = errors.uncertainty(*measures[:3])
            measures += neighbours(chosen, of_stretch, of_other[of_other["stretch"] == number])
            score = quality_score(config.picker, phase, quality_features(*measures))
            times = (chosen["time_us"] - round(early * 1e6)) / 1e6
            described = _described(table.stretches[number], chosen["time_us"], phase)
            picks += _documents(common, described, chosen, times, uncertainty, score)
    picks.sort(key=lambda pick: (pick["time"], pick["phase"]))
    return picks, counts


def picks_within(
    table: PeakTable,
    config: PickConfig,
    calibration: TimeCalibration,
    channel_group: str,
    times: Sequence[Interval],
) -> tuple[list[PickFields], Counter[str]]:
    """`select_picks` for several intervals of one sensor."""
    picks: list[PickFields] = []
    counts = Counter(dict.fromkeys(SELECTION_COUNTS, 0))
    for interval in times:
        of_interval, found = select_picks(table, config, calibration, channel_group, interval)
        picks += of_interval
        counts.update(found)
    return picks, counts


def once_per_arrival(picks: list[PickFields], config: PickConfig) -> tuple[list[PickFields], Counter[str]]:
    """Of picks of one phase on two sensors of a station closer than the least separation, the more probable stays.

    Sensors take turns, so that this happens only where one follows another.

    Returns:
        The picks, ascending in time, and how many went, by name in `SELECTION_COUNTS`.
    """
    dropped: set[int] = set()
    counts: Counter[str] = Counter()
    for phase in PHASES:
        ordered = sorted((pick for pick in picks if pick["phase"] == phase), key=lambda pick: pick["time"])
        for first, second in zip(ordered[:-1], ordered[1:], strict=True):
            near = second["time"] - first["time"] < config.min_separation_seconds
            if near and first["channel_group"] != second["channel_group"]:
                weaker = first if first["probability"] < second["probability"] else second
                dropped.add(id(weaker))
                counts.update({"too_close": 1, f"{phase}_picks": -1})
    kept = [pick for pick in picks if id(pick) not in dropped]
    return sorted(kept, key=lambda pick: (pick["time"], pick["phase"])), counts


def _described(stretch: StretchChannels, times_us: np.ndarray, phase: str) -> list[dict[str, str | None]]:
    """Channel and components at each time."""
    changes = stretch.get("changes", [])
    parts: list[Channels] = [stretch, *changes]
    at = np.searchsorted([change["time_us"] for change in changes], times_us, side="right")
    return [{"chan": parts[number]["chan"][phase], "components": parts[number]["components"]} for number in at]


def _chosen(
    peaks: np.ndarray,
    threshold: float,
    separation_seconds: float,
    early: float,
    shard: tuple[float, float],
    counts: Counter[str],
) -> np.ndarray:
    """The peaks whose picks, `early` seconds before them, lie in the shard."""
    reached = peaks[picks_at(peaks["probability"], peaks["saddle"], threshold)]
    times = (reached["time_us"] - round(early * 1e6)) / 1e6
    in_shard = (times >= shard[0]) & (times < shard[1])
    near_edge = reached["near_edge"] > 0
    counts["near_edge"] += int((near_edge & in_shard).sum())
    reached, in_shard = reached[~near_edge], in_shard[~near_edge]
    stay = separated(reached["time_us"], reached["probability"], separation_seconds * 1e6)
    counts["too_close"] += int((~stay & in_shard).sum())
    return reached[stay & in_shard]


def _documents(
    common: dict[str, str],
    described: list[dict[str, str | None]],
    peaks: np.ndarray,
    times: np.ndarray,
    uncertainties: np.ndarray,
    scores: np.ndarray,
) -> list[PickFields]:
    documents: list[dict[str, Any]] = []
    measured = [peaks[name].astype(np.float64).tolist() for name in ("probability", "amplitude", "snr")]
    columns = (times.tolist(), uncertainties.tolist(), scores.tolist(), *measured)
    for on, time, uncertainty, quality, probability, amplitude, snr in zip(described, *columns, strict=True):
        document = {
            **common,
            **on,
            "time": time,
            "uncertainty": uncertainty,
            "probability": probability,
            "quality": quality,
            "amplitude": amplitude,
            "evaluation_mode": "automatic",
        }
        if math.isfinite(snr):
            document["snr"] = snr
        documents.append(document)
    return cast(list[PickFields], documents)
