"""Time errors of picks: the model, its fit, which calibration a picker takes, and what correcting the bias does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from benchmarks import uncertainty as benchmark
from benchmarks._labelled_picks import LabelledPicks
from catalogdb.errors import InputError
from catalogdb.identity import file_sha256
from catalogdb.picking import time_error
from catalogdb.picking.config import PickConfig
from catalogdb.picking.peak_table import PEAK, PHASES, PeakTable
from catalogdb.picking.picker import load_picker
from catalogdb.picking.selection import select_picks
from catalogdb.picking.time_error import ErrorModel, TimeCalibration, fit_errors, time_features
from catalogdb.picking.weights import resolve

T0 = 1_700_000_000.0
GROUP = "XX.A.00.HH"
TRUE = ErrorModel(bias_seconds=0.02, degrees_of_freedom=4.0, constant=-3.0, slopes=(-0.3, -0.2, 0.8), picks=0)


def made_picks(number=4000, seed=0):
    """Picks whose errors follow the model TRUE."""
    rng = np.random.default_rng(seed)
    probability, snr, width = (
        rng.uniform(0.1, 0.99, number),
        rng.uniform(0.5, 25, number),
        rng.uniform(0.05, 0.3, number),
    )
    scale = TRUE.uncertainty(probability, snr, width) / t.ppf((1 + time_error.CENTRAL_SHARE) / 2, 4.0)
    error = TRUE.bias_seconds + scale * rng.standard_t(4.0, number)
    return LabelledPicks(error, probability, snr, width, np.arange(number), (np.arange(number) % 40).astype(str))


def test_the_fit_finds_the_model_that_errors_were_made_with():
    picks = made_picks()
    found = fit_errors(picks.error, time_features(picks.probability, picks.snr, picks.width))
    assert found.bias_seconds == pytest.approx(0.02, abs=0.003) and found.picks == 4000
    assert found.degrees_of_freedom == pytest.approx(4, rel=0.25)
    assert found.slopes == pytest.approx(TRUE.slopes, abs=0.08)


def test_uncertainty_holds_the_share_of_errors_that_it_says():
    picks = made_picks(20_000, seed=1)
    judged = benchmark.said(TRUE, picks)
    for share in (0.5, 0.6827, 0.95):
        assert judged.coverage(share) == pytest.approx(share, abs=0.01)
    found = benchmark.figures(judged)
    assert abs(found["bias_left_ms"]) < 1 and found["spearman"] > 0.3 and found["covered_uncorrected"] < 0.68


def test_factor_of_the_central_share_is_one_and_of_95_percent_that_of_t():
    assert TRUE.factor(time_error.CENTRAL_SHARE) == pytest.approx(1)
    assert TRUE.factor(0.95) == pytest.approx(t.ppf(0.975, 4) / t.ppf(0.84135, 4), rel=1e-4)


def test_a_bias_that_is_not_estimated_widens_the_uncertainty():
    picks = made_picks(500)
    features = time_features(picks.probability, picks.snr, picks.width)
    with_bias, without = (fit_errors(picks.error + 0.1, features, with_bias=choice) for choice in (True, False))
    assert with_bias.bias_seconds == pytest.approx(0.12, abs=0.01) and without.bias_seconds == 0
    assert without.constant > with_bias.constant + 0.5


def test_stations_held_out_have_no_part_in_their_own_fit():
    picks = made_picks(400)
    seen = []
    benchmark.held_out(picks, lambda stations: seen.append(set(stations)) or TRUE)
    assert len(seen) == benchmark.FOLDS and all(len(stations) == 36 for stations in seen)
    assert set.intersection(*seen) == set()


def test_median_between_equal_values_is_interpolated():
    values, weight = np.array([0.01, 0.01, 0.02, 0.03]), np.ones(4)
    assert time_error.weighted_median(values, weight) == pytest.approx(0.01 + 0.01 * 0.25 / 0.375)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", sorted(time_error.packaged()))
def test_packaged_uncertainties_rise_with_width_and_fall_with_probability_and_snr(name, phase):
    model = time_error.packaged()[name].of(phase)
    at = {"probability": np.full(30, 0.5), "snr": np.full(30, 3.0), "width": np.full(30, 0.1)}
    for key, values in (("probability", np.linspace(1, 0, 30)), ("snr", np.geomspace(50, 0.1, 30))):
        assert (np.diff(model.uncertainty(**at | {key: values})) >= 0).all()
    assert (np.diff(model.uncertainty(**at | {"width": np.geomspace(0.001, 2, 30)})) >= 0).all()
    wild = model.uncertainty(np.array([0.0, 1.0]), np.array([np.nan, np.inf]), np.array([9.0, 0.0]))
    assert ((wild >= 0.005) & (wild <= 0.5)).all()


def test_every_packaged_calibration_of_weights_is_of_the_packaged_or_published_ones():
    found = time_error.packaged()
    demo = resolve("phasenet", "demo")
    assert found["phasenet-demo"].weights_sha256 == file_sha256(demo.pt)
    assert {name for name, each in found.items() if each.weights_sha256 is None} == {"any-network", "stalta"}
    assert found["any-network"].P.bias_seconds == found["any-network"].S.bias_seconds == 0


def test_a_picker_takes_the_calibration_of_its_weights_and_windows():
    assert load_picker(PickConfig(weights="demo")).calibration.name == "phasenet-demo"
    assert load_picker(PickConfig(weights="demo", window_samples=3000)).calibration.name == "any-network"
    assert load_picker(PickConfig(picker="stalta")).calibration.name == "stalta"
    demos = [{"weights": "demo"}, {"weights": "demo", "overlap": 0.5}]
    ensemble = PickConfig(picker="ensemble", ensemble={"members": demos})
    assert load_picker(ensemble).calibration.name == "any-network"


def own_file(folder: Path, **changed) -> str:
    own = TimeCalibration(name="mine", estimated_from="traces", P=TRUE, S=TRUE).model_copy(update=changed)
    path = folder / "mine.json"
    path.write_text(json.dumps(own.model_dump(mode="json")))
    return str(path)


def test_a_calibration_of_ones_own_is_part_of_the_identity_by_what_it_says(tmp_path):
    plain = PickConfig(weights="demo")
    own = load_picker(plain.model_copy(update={"time_calibration": own_file(tmp_path)}))
    assert own.identity()["time_calibration"]["name"] == "mine" and own.config.scientific() == plain.scientific()
    other = own_file(tmp_path, S=TRUE.model_copy(update={"bias_seconds": 0.07}))
    changed = load_picker(plain.model_copy(update={"time_calibration": other}))
    assert changed.identity() != own.identity() != load_picker(plain).identity()


def test_a_calibration_of_other_weights_or_no_calibration_is_refused(tmp_path):
    with pytest.raises(InputError, match="of other weights or windows"):
        load_picker(PickConfig(weights="demo", time_calibration=own_file(tmp_path, weights_sha256="0" * 64)))
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(InputError, match="not readable as a time calibration"):
        load_picker(PickConfig(weights="demo", time_calibration=str(tmp_path / "mine.json")))


def picks_of(table, shard, **config):
    calibration = TimeCalibration(name="mine", estimated_from="traces", P=TRUE, S=TRUE)
    return select_picks(table, PickConfig(**config), calibration, GROUP, shard)[0]


def one_peak():
    row = np.zeros(1, dtype=PEAK)
    row["time_us"], row["probability"], row["snr"], row["width"] = round(T0 * 1e6), 0.8, 4.0, 0.1
    return PeakTable(0.05, [{"components": "ZNE", "chan": {"P": "HHZ", "S": "HHN"}}], row)


def test_the_bias_is_taken_off_only_if_asked_for():
    plain, corrected = (picks_of(one_peak(), (T0 - 9, T0 + 9), correct_bias=choice)[0] for choice in (False, True))
    assert plain["time"] == T0 and corrected["time"] == pytest.approx(T0 - 0.02, abs=1e-6)
    assert (
        plain["uncertainty"]
        == corrected["uncertainty"]
        == pytest.approx(np.exp(-3 - 0.3 * np.log(4) - 0.2 * np.log(4)))
    )
    assert (
        "correct_bias" not in PickConfig().scientific() and PickConfig(correct_bias=True).scientific()["correct_bias"]
    )


def test_a_corrected_pick_belongs_to_the_shard_of_its_corrected_time():
    shards = [(T0 - 9, T0 - 0.01), (T0 - 0.01, T0 + 9)]
    assert [len(picks_of(one_peak(), shard)) for shard in shards] == [0, 1]
    assert [len(picks_of(one_peak(), shard, correct_bias=True)) for shard in shards] == [1, 0]


def test_pick_sets_without_a_calibration_keep_the_width():
    model = time_error.UNCALIBRATED.P
    assert model.uncertainty(np.array([0.2, 0.9]), np.array([1.0, 9.0]), np.array([0.08, 0.3])) == pytest.approx(
        [0.08, 0.3]
    )
