"""Several networks together: the formulas, members that say nothing, and one real ensemble."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from obspy import Stream, read
from pydantic import ValidationError

from catalogdb.picking import ensemble
from catalogdb.picking.config import PickConfig
from catalogdb.picking.ensemble import combined
from catalogdb.picking.picker import load_picker

NAN = np.nan


def rows(*values):
    return np.array(values, dtype=np.float32)


def test_maximum_and_mean_are_of_the_members_that_say_something():
    one, other = rows([0.2, NAN, 0.6, NAN]), rows([0.4, 0.5, NAN, NAN])
    np.testing.assert_allclose(combined([one, other], "maximum", 3), [[0.4, 0.5, 0.6, NAN]], rtol=1e-6)
    np.testing.assert_allclose(combined([one, other], "mean", 3), [[0.3, 0.5, 0.6, NAN]], rtol=1e-6)


def semblance(members, centre, reach):
    """As the definition has it, sample by sample; what lies outside counts as zero."""
    together = apart = 0.0
    for sample in range(max(0, centre - reach), min(members.shape[1], centre + reach + 1)):
        values = np.nan_to_num(members[:, sample]).astype(float)
        together += values.sum() ** 2
        apart += (values**2).sum()
    return together / (len(members) * apart) if apart else 0.0


@pytest.mark.parametrize("window", [1, 5, 50])
@pytest.mark.parametrize("block", [7, 10_000])
def test_coherence_is_the_maximum_times_the_semblance(monkeypatch, window, block):
    monkeypatch.setattr(ensemble, "BLOCK", block)
    random = np.random.default_rng(0)
    members = random.random((3, 1, 40)).astype(np.float32) ** 4
    members[1, 0, 10:20] = NAN
    members[:, 0, 30] = NAN
    found = combined(list(members), "coherence", window)
    for sample in range(40):
        if sample == 30:
            assert np.isnan(found[0, sample])
            continue
        expected = np.nanmax(members[:, 0, sample]) * semblance(members[:, 0], sample, window // 2)
        assert found[0, sample] == pytest.approx(expected, abs=1e-6)


def test_coherence_is_one_for_agreeing_members():
    peak = rows(np.exp(-(((np.arange(200) - 100) / 10) ** 2)))
    silent = np.zeros_like(peak)
    np.testing.assert_allclose(combined([peak, peak, peak], "coherence", 50), peak, atol=1e-5)
    np.testing.assert_allclose(combined([peak, silent, silent], "coherence", 50), peak / 3, atol=1e-5)
    assert combined([silent, silent], "coherence", 50).max() == 0


def test_rows_are_combined_apart():
    one, other = rows([0.1, 0.2], [0.8, 0.9]), rows([0.3, 0.1], [0.1, 0.1])
    np.testing.assert_allclose(combined([one, other], "maximum", 1), [[0.3, 0.2], [0.8, 0.9]], rtol=1e-6)


@pytest.mark.parametrize("how", ["maximum", "mean", "coherence"])
def test_the_order_of_members_does_not_matter(how):
    random = np.random.default_rng(1)
    members = [random.random((2, 500)).astype(np.float32) for _ in range(3)]
    members[0][:, :50] = NAN
    first, *others = [combined(list(order), how, 51) for order in permutations(members)]
    assert np.isfinite(first).all() and first.min() >= 0 and first.max() <= 1
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-6)


@pytest.mark.parametrize("how", ["maximum", "mean", "coherence"])
def test_what_is_combined_is_left_as_it_was(how):
    members = [rows([0.2, NAN, 0.6]), rows([0.4, 0.5, NAN])]
    before = [member.copy() for member in members]
    combined(members, how, 3)
    for member, kept in zip(members, before, strict=True):
        np.testing.assert_array_equal(member, kept)


def test_an_ensemble_has_members_and_no_unknown_settings():
    for settings in (
        {"members": [{"picker": "phasenet"}]},
        {},
        {"members": [{"picker": "gpd"}, {"picker": "phasenet"}]},
        {"members": [{}, {}], "combine": "median"},
    ):
        with pytest.raises(ValidationError):
            PickConfig(picker="ensemble", ensemble=settings)


MEMBERS = (
    {"picker": "phasenet", "weights": "original"},
    {"picker": "eqtransformer", "weights": "original"},
)


def ensemble_of(*members, **settings):
    combine = settings.pop("combine", "maximum")
    return load_picker(PickConfig(picker="ensemble", ensemble={"members": members, "combine": combine}, **settings))


def test_the_identity_names_the_members_and_how_they_are_combined(real_weights):
    whole = ensemble_of(*MEMBERS).identity()
    alone = [load_picker(PickConfig(**member)).identity()["networks"][0] for member in MEMBERS]
    assert whole["networks"] == alone
    assert [network["window"] for network in alone] == [3000, 6000]
    assert len({network["weights_sha256"] for network in alone}) == 2
    assert ensemble_of(MEMBERS[0], MEMBERS[0]).identity() != whole
    ways = [
        ensemble_of(*MEMBERS, combine=how).config.scientific()["ensemble"] for how in ("maximum", "mean", "coherence")
    ]
    assert len({str(way) for way in ways}) == 3


@pytest.fixture(scope="module")
def ridgecrest(realdata):
    files = sorted((realdata / "ridgecrest_2019" / "mseed").glob("PB.B917*"))
    stream = Stream(trace for file in files for trace in read(str(file)))
    begin = stream[0].stats.starttime
    return list(stream.slice(begin, begin + 400))


def test_a_real_ensemble_combines_its_members_traces(ridgecrest, real_weights):
    """Windows of 3000 and of 6000 samples; the first and last 500 of EQTransformer's say nothing at the ends."""
    begin = ridgecrest[0].stats.starttime.timestamp
    single = [load_picker(PickConfig(**member)) for member in MEMBERS]
    traces = [picker.pick(ridgecrest, begin, begin + 400).findings.probability[0] for picker in single]
    members = [trace.values[:2] for trace in traces]
    for how, least in (("maximum", 12), ("mean", 5), ("coherence", 5)):
        result = ensemble_of(*MEMBERS, combine=how).pick(ridgecrest, begin, begin + 400)
        (trace,) = result.findings.probability
        assert trace.labels == ("P", "S")
        np.testing.assert_allclose(trace.values, combined(members, how, 50), atol=1e-6)
        assert result.findings.detections == []
        assert len(result.picks) >= least
    by_members = [max(trace.values[phase].max() for trace in traces) for phase in (0, 1)]
    assert min(by_members) > 0.5


def test_an_ensembles_picks_do_not_depend_on_the_shard(ridgecrest, real_weights):
    begin = ridgecrest[0].stats.starttime.timestamp
    picker = ensemble_of(*MEMBERS, combine="coherence", p_threshold=0.2, s_threshold=0.2)
    assert picker.padding_seconds < 180
    first, last = begin + picker.padding_seconds, begin + 400 - picker.padding_seconds
    whole = picker.pick(ridgecrest, first, last).picks
    middle = (first + last) / 2 + 0.7
    stream = Stream(ridgecrest)
    parts = [
        pick
        for start, end in ((first, middle), (middle, last))
        for pick in picker.pick(
            list(
                stream.slice(
                    stream[0].stats.starttime + (start - picker.padding_seconds - begin),
                    stream[0].stats.starttime + (end + picker.padding_seconds - begin),
                )
            ),
            start,
            end,
        ).picks
    ]
    assert len(whole) >= 2
    assert [(p["phase"], p["time"]) for p in parts] == [(p["phase"], p["time"]) for p in whole]
    assert [p["probability"] for p in parts] == pytest.approx([p["probability"] for p in whole], abs=1e-4)


def test_a_run_shorter_than_any_members_window_is_not_picked(ridgecrest, real_weights):
    begin = ridgecrest[0].stats.starttime
    short = list(Stream(ridgecrest).slice(begin, begin + 45))  # enough for PhaseNet, not for EQTransformer
    result = ensemble_of(*MEMBERS).pick(short, begin.timestamp, begin.timestamp + 60)
    assert result.picks == []
    assert result.counts["short_run_seconds"] == 45
