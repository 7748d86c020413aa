"""Classical picks without a network: STA/LTA triggers, onsets by the Akaike information criterion.

Allen (1978, BSSA 68, 1521-1532) for STA/LTA; Maeda (1985, Zisin 38, 365-379) for the AIC of a seismogram.
The averages are of squared amplitudes over finite windows: short (t - sta, t], long the lta seconds before that.

P: the ratio of the vertical reaches ``p_on`` and the trigger lasts to below ``p_off``. A trigger within
``s_delay_max_seconds`` after another one, with a larger ratio on the horizontals than on the vertical, isn't a P.
S: the largest ratio of the horizontals between ``s_delay_min_seconds`` and ``s_delay_max_seconds`` after a P, before
the next P, where it reaches ``s_on``. Onset: minimum of the AIC around the trigger.
Probability: ``r / (r + r_on)`` of the largest ratio r, so one half at the trigger threshold, rising to one.
Width: standard deviation of the onset under Akaike weights ``exp((AIC_min - AIC) / 2)``, at least one sample.
"""

from __future__ import annotations

import numpy as np

from catalogdb.picking.config import StaLtaConfig
from catalogdb.picking.peaks import Peaks
from catalogdb.picking.stretches import Stretch
from catalogdb.spans import true_spans

RATE = 100.0
FILTER_PERIODS = 20.0


def reach_seconds(config: StaLtaConfig) -> float:
    """How far before or after an onset data take part in finding it (s)."""
    averages = config.lta_seconds + config.sta_seconds
    aic = config.aic_before_seconds + config.aic_after_seconds
    return FILTER_PERIODS / config.freqmin + averages + aic + 2 * config.s_delay_max_seconds


def shortest_stretch_seconds(config: StaLtaConfig) -> float:
    """How long a stretch must be for the averages and the first onset (s)."""
    return config.lta_seconds + config.sta_seconds + config.aic_before_seconds


def find_onsets(stretch: Stretch, config: StaLtaConfig) -> dict[str, Peaks] | None:
    """P and S onsets of one stretch; None where it is too short for the averages, or too slow for the band."""
    if stretch.samples < shortest_stretch_seconds(config) * stretch.rate or config.freqmin >= 0.45 * stretch.rate:
        return None
    vertical = _filtered(stretch, [0] if stretch.channels[0] else [], config)
    horizontal = _filtered(stretch, [row for row in (1, 2) if stretch.channels[row]], config)
    ratio_p, ratio_s = (
        sta_lta(sum((row**2 for row in rows), np.zeros(stretch.samples)), stretch.rate, config) if rows else None
        for rows in (vertical, horizontal)
    )
    p_at, p_trigger = _p_triggers(ratio_p, ratio_s, stretch.rate, config)
    p_onsets = [_onset(vertical, trigger, 0, stretch.rate, config) for trigger in p_trigger]
    s_at, s_onsets = [], []
    if ratio_s is not None:
        for position, (onset, _) in enumerate(p_onsets):
            first = onset + round(config.s_delay_min_seconds * stretch.rate)
            last = min(onset + round(config.s_delay_max_seconds * stretch.rate), stretch.samples)
            if position + 1 < len(p_onsets):
                last = min(last, p_onsets[position + 1][0])
            if first >= last:
                continue
            at = first + int(np.argmax(ratio_s[first:last]))
            if ratio_s[at] >= config.s_on:
                s_at.append(at)
                s_onsets.append(_onset(horizontal, at, first, stretch.rate, config))
    return {
        "P": _onsets(p_onsets, p_at, ratio_p, config.p_on, ratio_s, config.s_on),
        "S": _onsets(s_onsets, s_at, ratio_s, config.s_on, ratio_p, config.p_on),
    }


def sta_lta(energy: np.ndarray, rate: float, config: StaLtaConfig) -> np.ndarray:
    """Ratio of the averages at each sample; 0 until both windows are full, and where the long average is nothing.

    Args:
        energy: float64 array (samples,), squared amplitudes.
        rate: samples per second.
    """
    short, long = max(1, round(config.sta_seconds * rate)), max(2, round(config.lta_seconds * rate))
    total = np.concatenate([[0.0], np.cumsum(energy)])
    ratio = np.zeros(energy.size)
    end = np.arange(short + long, energy.size + 1)
    sta = (total[end] - total[end - short]) / short
    lta = (total[end - short] - total[end - short - long]) / long
    floor = 1e-12 * (total[-1] / max(1, energy.size))  # below it the difference of sums is rounding
    ratio[end - 1] = np.where(lta > floor, sta / np.maximum(lta, floor or 1.0), 0.0)
    return ratio


def aic_onset(data: np.ndarray) -> tuple[int, float]:
    """Sample of the least AIC of Maeda (1985), ``k log var(x[:k]) + (n - k - 1) log var(x[k:])``, and its spread.

    Args:
        data: float64 array (components, samples); the AIC is summed over components.

    Returns:
        (sample, standard deviation in samples under Akaike weights).
    """
    n = data.shape[1]
    k = np.arange(2, n - 2)
    if k.size == 0:
        return 0, float(n)
    sums, squares = (np.cumsum(values, axis=1) for values in (data, data**2))
    tiny = 1e-12 * max(float(squares[:, -1].max()), 1e-300)
    before = squares[:, k - 1] / k - (sums[:, k - 1] / k) ** 2
    after = (squares[:, -1:] - squares[:, k - 1]) / (n - k) - ((sums[:, -1:] - sums[:, k - 1]) / (n - k)) ** 2
    aic = (k * np.log(np.maximum(before, tiny)) + (n - k - 1) * np.log(np.maximum(after, tiny))).sum(axis=0)
    weight = np.exp((aic.min() - aic) / 2)
    weight /= weight.sum()
    mean = (weight * k).sum()
    return int(k[np.argmin(aic)]), float(np.sqrt((weight * (k - mean) ** 2).sum()))


def _filtered(stretch: Stretch, rows: list[int], config: StaLtaConfig) -> list[np.ndarray]:
    from scipy.signal import butter, sosfilt

    band = (config.freqmin, min(config.freqmax, 0.45 * stretch.rate))
    sos = butter(2, band, btype="bandpass", fs=stretch.rate, output="sos")
    components = [stretch.component(row) for row in rows]
    return [sosfilt(sos, samples.astype(np.float64) - float(samples[0])) for samples in components]


def _p_triggers(
    ratio_p: np.ndarray | None, ratio_s: np.ndarray | None, rate: float, config: StaLtaConfig
) -> tuple[list[int], list[int]]:
    """Samples of the largest ratio and of the first crossing of ``p_on``, one of each per P trigger."""
    if ratio_p is None:
        return [], []
    spans = true_spans(ratio_p >= config.p_off)
    largest, crossing, previous = [], [], -np.inf
    above = np.flatnonzero(ratio_p >= config.p_on)
    for begin, end in spans[np.unique(np.searchsorted(spans[:, 0], above, side="right") - 1)]:
        at = int(begin + np.argmax(ratio_p[begin:end]))
        trigger = int(begin + np.argmax(ratio_p[begin:end] >= config.p_on))
        follows = trigger - previous < config.s_delay_max_seconds * rate
        previous = trigger
        if follows and ratio_s is not None and ratio_s[begin:end].max() > ratio_p[at]:
            continue
        largest.append(at)
        crossing.append(trigger)
    return largest, crossing


def _onset(
    components: list[np.ndarray], trigger: int, first: int, rate: float, config: StaLtaConfig
) -> tuple[int, float]:
    """(sample, width in s) of the onset around a trigger, not before sample `first`."""
    begin = max(first, trigger - round(config.aic_before_seconds * rate), 0)
    end = min(trigger + round(config.aic_after_seconds * rate) + 1, components[0].size)
    sample, spread = aic_onset(np.stack([row[begin:end] for row in components]))
    return begin + sample, max(spread, 1.0) / rate


def _onsets(
    onsets: list[tuple[int, float]],
    at: list[int],
    ratio: np.ndarray | None,
    on: float,
    other: np.ndarray | None,
    other_on: float,
) -> Peaks:
    samples = np.array([sample for sample, _ in onsets], dtype=np.int64)
    order = np.argsort(samples, kind="stable")
    own = ratio[at] if ratio is not None and len(at) else np.empty(0)
    against = other[at] if other is not None and len(at) else np.zeros(len(at))
    return Peaks(
        samples[order],
        (own / (own + on))[order],
        np.zeros(samples.size),
        np.array([spread for _, spread in onsets])[order],
        (against / (against + other_on))[order],
    )
