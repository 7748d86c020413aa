"""Scores a picker on synthetic data that it was not trained on: ``python -m catalogdb.demo.scores``.

Picks are matched one to one with true onsets of the same phase, nearest first, within 0.5 s.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import seisbench.models as sbm
import torch
from numpy.typing import NDArray
from obspy import read
from scipy.signal import find_peaks

from catalogdb.demo import WEIGHTS_PATH, WEIGHTS_VERSION
from catalogdb.demo.dataset import DemoDay, write_demo_day
from catalogdb.demo.earth import LayeredEarth, first_arrival
from catalogdb.demo.network import SAMPLING_RATE_HZ, select_sites
from catalogdb.demo.seismogram import receivers
from catalogdb.demo.training_windows import WINDOW_SAMPLES, build_pool, make_windows, normalize
from catalogdb.documents.free import Json

THRESHOLDS = (0.1, 0.3, 0.5)
TOLERANCE_S = 0.5
SCORES_SEED = 30_000
"""No training pool and no demo day uses this seed."""

_EDGE_SAMPLES = 250


def match(
    picks_s: Sequence[float], truth_s: Sequence[float], tolerance_s: float = TOLERANCE_S
) -> list[tuple[int, int]]:
    """One-to-one pairs (index of pick, index of true onset), nearest first, at most ``tolerance_s`` apart."""
    picks, truth = np.asarray(picks_s, float), np.asarray(truth_s, float)
    if not len(picks) or not len(truth):
        return []
    apart = np.abs(picks[:, None] - truth[None, :])
    pairs, used_picks, used_truth = [], set(), set()
    for flat in np.argsort(apart, axis=None, kind="stable"):
        pick, onset = np.unravel_index(flat, apart.shape)
        if apart[pick, onset] > tolerance_s:
            break
        if pick not in used_picks and onset not in used_truth:
            used_picks.add(pick)
            used_truth.add(onset)
            pairs.append((int(pick), int(onset)))
    return pairs


def predict(model: sbm.PhaseNet, data: NDArray[np.float32], batch: int = 128) -> NDArray[np.float32]:
    """Probabilities of N, P, S, shape (n, 3, 3001), for windows in counts (n, 3, 3001) in the order Z, N, E."""
    with torch.inference_mode():
        parts = [
            model(torch.from_numpy(normalize(data[begin : begin + batch]))).numpy()
            for begin in range(0, len(data), batch)
        ]
    return np.concatenate(parts)


def score_windows(model: sbm.PhaseNet, *, seed: int = SCORES_SEED, size: int = 2000) -> Json:
    """Precision, recall and residuals by phase and threshold on ``size`` fresh windows, 2.5 s off their edges.

    An onset counts if its signal-to-noise ratio reached the labelling level (1.5).
    """
    pool = build_pool(seed, earthquakes=max(10, size // 20), noise_sites=60)
    windows = make_windows(pool, np.random.default_rng([seed, 13]), size)
    probability = predict(model, windows.data)
    scores: Json = {"windows": size, "seed": seed}
    inside = (_EDGE_SAMPLES, WINDOW_SAMPLES - _EDGE_SAMPLES)
    for phase in "PS":
        truth = [
            [at for name, at in marked if name == phase and inside[0] <= at < inside[1]] for marked in windows.onsets
        ]
        for threshold in THRESHOLDS:
            residuals: list[float] = []
            picked = 0
            for curve, onsets in zip(probability[:, "NPS".index(phase)], truth, strict=True):
                peaks = find_peaks(curve, height=threshold, distance=50)[0]
                peaks = peaks[(peaks >= inside[0]) & (peaks < inside[1])] / SAMPLING_RATE_HZ
                onsets_s = np.array(onsets) / SAMPLING_RATE_HZ
                picked += len(peaks)
                residuals += [
                    float(peaks[pick] - onsets_s[onset]) for pick, onset in match(peaks.tolist(), onsets_s.tolist())
                ]
            scores[f"{phase}_{threshold}"] = _summary(residuals, picked, sum(map(len, truth)))
    return scores


def score_day(model: sbm.PhaseNet, day: DemoDay) -> Json:
    """Recall of the visible onsets of a demo day and false picks per station-day, by phase and threshold.

    A pick within 0.5 s of an onset below the visibility level is counted apart (``below_visibility``), not as false;
    ``near_transients`` counts false picks up to 10 s after a spike, step or calibration, or 30 s after a car begins.
    """
    onsets = _all_onsets(day)
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for station in sorted({path.parent.parent.name for path in day.waveform_files}):
        stream = read(str(day.waveforms_dir / "*" / "*" / station / "*" / "*"))
        location, band = min((trace.stats.location, trace.stats.channel[:2]) for trace in stream)
        stream = stream.select(location=location, channel=f"{band}?")
        lowest = min(THRESHOLDS)
        for pick in model.classify(stream, P_threshold=lowest, S_threshold=lowest, batch_size=128).picks:
            found.setdefault((station, pick.phase), []).append((pick.peak_time - day.start, pick.peak_value))
    station_days = len(onsets) * day.duration_s / 86_400.0
    scores: Json = {"events": len(day.earthquakes), "station_days": station_days}
    for phase in "PS":
        for threshold in THRESHOLDS:
            residuals, picked, visible, false, hidden, fooled = [], 0, 0, 0, 0, 0
            for station, all_times in onsets.items():
                truth = [p.time_s for p in day.picks if p.station == station and p.phase == phase]
                times = [time for time, value in found.get((station, phase), []) if value >= threshold]
                pairs = match(times, truth)
                residuals += [times[pick] - truth[onset] for pick, onset in pairs]
                others = [times[index] for index in sorted(set(range(len(times))) - {pick for pick, _ in pairs})]
                unseen = [time for time in others if _near(time, all_times[phase], TOLERANCE_S, TOLERANCE_S)]
                wrong = [time for time in others if time not in unseen]
                picked, visible = picked + len(times), visible + len(truth)
                hidden, false = hidden + len(unseen), false + len(wrong)
                fooled += sum(_at_transient(time, day.transients[station]) for time in wrong)
            scores[f"{phase}_{threshold}"] = _summary(residuals, picked, visible) | {
                "below_visibility": hidden,
                "false": false,
                "false_per_station_day": round(false / station_days, 2),
                "near_transients": fooled,
            }
    return scores


def _summary(residuals: list[float], picked: int, truth: int) -> dict[str, float]:
    values = np.array(residuals) if residuals else np.array([np.nan])
    return {
        "true_onsets": truth,
        "picks": picked,
        "recall": round(len(residuals) / max(1, truth), 4),
        "precision": round(len(residuals) / max(1, picked), 4),
        "residual_mean_s": round(float(values.mean()), 4),
        "residual_std_s": round(float(values.std()), 4),
    }


def _all_onsets(day: DemoDay) -> dict[str, dict[str, list[float]]]:
    """Every onset of every earthquake, visible or not, by station and phase (s after the day's start)."""
    earth, codes = LayeredEarth(), sorted(day.transients)
    onsets: dict[str, dict[str, list[float]]] = {code: {"P": [], "S": []} for code in codes}
    for event in day.earthquakes:
        for site in select_sites(codes):
            place = receivers(event, (site,))
            for phase, ratio in (("P", 1.0), ("S", earth.vp_vs)):
                ray = first_arrival(earth, phase, place.distance_km, event.depth_km, site.elevation_m)
                onsets[site.code][phase].append(event.origin_s + float(ray.time_s[0]) + ratio * site.p_delay_s)
    return onsets


def _near(time: float, others: Sequence[float], before_s: float, after_s: float) -> bool:
    return any(-before_s <= time - other <= after_s for other in others)


def _at_transient(time: float, transients: dict[str, list[float]]) -> bool:
    return any(_near(time, times, 2.0, 30.0 if kind == "car" else 10.0) for kind, times in transients.items())


def main() -> None:
    """Command line: score the shipped weights and write ``SCORES.json`` beside them."""
    parser = argparse.ArgumentParser(description="Score the demo's PhaseNet on held-out synthetic data.")
    parser.add_argument("--windows", type=int, default=2000)
    parser.add_argument("--day-seed", type=int, default=1)
    parser.add_argument("--path", type=Path, default=WEIGHTS_PATH)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = sbm.PhaseNet.load(options.path, version_str=WEIGHTS_VERSION).eval()
    scores = {"tolerance_s": TOLERANCE_S, "windows": score_windows(model, size=options.windows)}
    with tempfile.TemporaryDirectory() as folder:
        scores["demo_day"] = {"seed": options.day_seed} | score_day(model, write_demo_day(folder, options.day_seed))
    text = json.dumps(scores, indent=2)
    options.path.with_name("SCORES.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
