"""Pickers: classical, networks, what is measured of peaks and how picks are chosen."""

import os
import tempfile
from functools import cache
from importlib.util import find_spec
from unittest import mock

import numpy as np
from made_inputs import START, noise, probability_rows, seismograms
from pinning import Case

from catalogdb.picking.config import PickConfig
from catalogdb.picking.detections import detections_in
from catalogdb.picking.ensemble import combined
from catalogdb.picking.peak_table import PEAK, PHASES, PeakTable
from catalogdb.picking.peaks import peaks_and_saddles, picks_at, separated
from catalogdb.picking.picker import load_picker
from catalogdb.picking.quality import competing_probability, peak_width, quality_features, quality_score
from catalogdb.picking.selection import select_picks
from catalogdb.picking.time_error import ANY_NETWORK, packaged
from catalogdb.picking.window_grid import overlap_samples, window_starts
from catalogdb.probability.traces import ProbabilityTrace

PICKING = "catalogdb/picking/config.py:REVISION"
EXPORT = "catalogdb/picking/backends/export.py:REVISION"
STALTA = PickConfig(picker="stalta", p_threshold=0.4, s_threshold=0.4)
NETWORK = PickConfig(weights="demo", p_threshold=0.2, s_threshold=0.2, backend="torch", threads=1)


def picked(config: PickConfig):
    result = load_picker(config).pick(seismograms(), START, START + 150.0)
    return {"picks": result.picks, "counts": result.counts}


def network_picks(config: PickConfig):
    """Only what float32 tells on every machine: which picks, at which sample, how probable."""
    return [[pick["phase"], pick["time"], pick["probability"]] for pick in picked(config)["picks"]]


def peaks_and_picks():
    rows = probability_rows()
    found, tables = [], []
    for number in range(len(PHASES)):
        samples, saddles = peaks_and_saddles(rows[number], 0.1)
        heights = rows[number][samples]
        width = peak_width(rows[number], samples, 100.0)
        beside = competing_probability(rows[1 - number], samples, 100.0)
        found.append([samples, saddles, width, beside])
        found.append([picks_at(heights, saddles, level) for level in (0.1, 0.3, 0.5, 0.9)])
        found.append(separated(samples, heights, 80.0))
        table = np.zeros(samples.size, dtype=PEAK)
        table["phase"], table["time_us"] = number, round(START * 1e6) + samples * 10_000
        table["near_edge"] = (samples < 520) | (samples > 5880)
        table["probability"], table["saddle"], table["width"], table["competing"] = (
            heights,
            saddles,
            width,
            beside,
        )
        table["snr"] = np.linspace(0.4, 40.0, samples.size)
        table["amplitude"] = 100.0
        tables.append(table)
    rough = np.clip(np.convolve(noise(8, 2000) ** 2, np.ones(9) / 30.0, "same"), 0.0, 1.0).astype(np.float32)
    found.append(peaks_and_saddles(rough, 0.1))
    runs = [{"components": "ZNE", "chan": {"P": "HHZ", "S": "HHN"}}]
    table = PeakTable(0.1, runs, np.concatenate(tables))
    for settings in ({"p_threshold": 0.3, "s_threshold": 0.3}, {"p_threshold": 0.6, "min_separation_seconds": 1.5}):
        shard = START + 5.6, START + 44.0
        picks, counts = select_picks(table, PickConfig(**settings), packaged()[ANY_NETWORK], "XX.AAA..HH", shard)
        found.append([picks, dict(counts)])
    return found


def quality_of_features():
    columns = (
        np.array([0.1, 0.5, 0.9, 0.9995]),
        np.array([0.2, np.nan, 4.0, 80.0]),
        np.array([0.05, 0.1, 0.3, 0.9]),
        np.array([0.0, 0.2, 0.5, 0.1]),
        np.array([0.9, 0.0, 0.4, 0.2]),
        np.array([0.0, 0.3, 0.0, 0.8]),
    )
    features = quality_features(*columns)
    kinds = [(picker, phase) for picker in ("phasenet", "stalta") for phase in PHASES]
    return [features, [quality_score(*kind, features) for kind in kinds]]


def windows_and_combinations():
    rows = probability_rows(3000)
    other = np.roll(rows, 30, axis=1)
    other[:, :200] = np.nan
    ways = {how: combined([rows, other], how, 50)[:, ::100] for how in ("maximum", "mean", "coherence")}
    starts = [
        window_starts(round(START * 1e9) + 3_456_789, rate, 9000, 3001, 3001 - overlap_samples(0.5, 3001), 100.0)
        for rate in (100.0, 100.002)
    ]
    event = np.clip(np.abs(noise(3, 4000)) / 4.0, 0.0, 1.0).astype(np.float32)
    event[500:1400] = 0.8
    detecting = ProbabilityTrace(round(START * 1e9), 100.0, ("P", "S", "D"), np.stack([event, event, event]))
    return [ways, starts, detections_in(detecting, 0.6, START, START + 40.0)]


@cache
def exported_picks():
    """The demo's network through an export made here, not one of the cache."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, {"CATALOGDB_CACHE_DIR": folder}):
        from catalogdb.picking.backends import export

        export._networks_folder.cache_clear()
        try:
            return network_picks(NETWORK.model_copy(update={"backend": "openvino"}))
        finally:
            export._networks_folder.cache_clear()


CASES = (
    Case("stalta", PICKING, lambda: picked(STALTA), STALTA.scientific()),
    Case("peaks-and-selection", PICKING, peaks_and_picks),
    Case("pick-quality", PICKING, quality_of_features),
    Case("windows-ensembles-detections", PICKING, windows_and_combinations),
    Case("network", PICKING, lambda: network_picks(NETWORK), NETWORK.scientific(), ("seisbench",), 2, 0.005),
)
if find_spec("openvino"):
    versions = ("seisbench", "openvino")
    CASES += (Case("exported-network", EXPORT, exported_picks, NETWORK.scientific(), versions, 2, 0.005),)
