"""Choosing picks from a table of peaks: thresholds by station, guard, separation, and the borders of shards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogdb.errors import InputError
from catalogdb.picking.config import PickConfig
from catalogdb.picking.peak_table import PEAK, PHASES, PeakTable, joined
from catalogdb.picking.peaks import peaks_and_saddles
from catalogdb.picking.picker import LONGEST_TRIGGER_SECONDS
from catalogdb.picking.selection import SELECTION_COUNTS, select_picks
from catalogdb.picking.time_error import UNCALIBRATED

T0 = 1_700_000_000.0
GROUP = "XX.STA1.00.HH"
RATE = 100.0


def table_of(*peaks, floor=0.05, stretches=1):
    """Peaks as (phase, seconds after T0, probability) with, where wanted, saddle, stretch and near_edge."""
    rows = np.zeros(len(peaks), dtype=PEAK)
    for row, (phase, seconds, probability, *others) in zip(rows, peaks, strict=True):
        row["phase"], row["probability"] = PHASES.index(phase), probability
        row["time_us"] = round((T0 + seconds) * 1e6)
        row["width"], row["snr"], row["amplitude"] = 0.1, 5.0, 100.0
        row["saddle"], row["stretch"], row["near_edge"] = (*others, *(0, 0, 0)[len(others) :])
    described = {"components": "ZNE", "chan": {"P": "HHZ", "S": "HHN"}}
    return PeakTable(
        floor, [described] * stretches, rows[np.lexsort((rows["time_us"], rows["phase"], rows["stretch"]))]
    )


def chosen(table, begin=0.0, end=1000.0, **config):
    picks, counts = select_picks(table, PickConfig(**config), UNCALIBRATED, GROUP, (T0 + begin, T0 + end))
    return [(pick["phase"], round(pick["time"] - T0, 3)) for pick in picks], counts


def test_each_phase_has_its_threshold_and_reaching_it_is_enough():
    table = table_of(("P", 1, 0.3), ("P", 9, 0.2999), ("S", 5, 0.5), ("S", 20, 0.49))
    found, counts = chosen(table, p_threshold=0.3, s_threshold=0.5)
    assert found == [("P", 1.0), ("S", 5.0)]
    assert {name: counts[name] for name in SELECTION_COUNTS} == {
        "P_picks": 1,
        "S_picks": 1,
        "near_edge": 0,
        "too_close": 0,
    }


def test_documents_have_what_the_pick_collection_wants():
    (pick,), _ = select_picks(table_of(("S", 5, 0.5)), PickConfig(), UNCALIBRATED, GROUP, (T0, T0 + 10))
    assert (pick["net"], pick["sta"], pick["loc"], pick["chan"]) == ("XX", "STA1", "00", "HHN")
    assert pick["channel_group"] == GROUP and pick["components"] == "ZNE"
    assert pick["time"] == T0 + 5 and pick["phase"] == "S" and pick["evaluation_mode"] == "automatic"
    assert pick["probability"] == pytest.approx(0.5) and 0 <= pick["quality"] <= 1
    assert {type(value) for value in pick.values()} <= {str, float}


def test_an_unknown_ratio_is_left_out():
    table = table_of(("P", 5, 0.5))
    table.peaks["snr"] = np.nan
    (pick,), _ = select_picks(table, PickConfig(), UNCALIBRATED, GROUP, (T0, T0 + 10))
    assert "snr" not in pick and np.isfinite(pick["quality"])


def test_the_first_pattern_that_fits_a_station_gives_its_thresholds():
    rows = (
        {"station": "YY.*", "p_threshold": 0.9},
        {"station": "XX.STA?", "p_threshold": 0.2},
        {"station": "STA1", "p_threshold": 0.1, "s_threshold": 0.1},
    )
    table = table_of(("P", 1, 0.25), ("P", 9, 0.15), ("S", 5, 0.15))
    assert chosen(table, station_thresholds=rows)[0] == [("P", 1.0)]
    assert chosen(table, station_thresholds=rows[2:])[0] == [("P", 1.0), ("S", 5.0), ("P", 9.0)]
    assert chosen(table, station_thresholds=rows[:1])[0] == []


def test_peaks_are_one_pick_where_the_saddle_between_them_is_high():
    peaks = ("P", 1, 0.5), ("P", 2, 0.9, 0.2), ("P", 3, 0.4, 0.2)
    assert chosen(table_of(*peaks), p_threshold=0.4)[0] == [("P", 2.0)]
    assert chosen(table_of(*peaks), p_threshold=0.401)[0] == [("P", 1.0), ("P", 2.0)]


def test_a_pick_at_an_edge_is_counted_and_displaces_no_other():
    table = table_of(("P", 1, 0.9, 0, 0, 1), ("P", 1.3, 0.5))
    found, counts = chosen(table)
    assert found == [("P", 1.3)]
    assert counts["near_edge"] == 1 and counts["too_close"] == 0


def test_of_picks_of_one_phase_too_close_the_more_probable_stays():
    table = table_of(("P", 1, 0.5), ("P", 1.4, 0.6), ("P", 1.9, 0.5), ("S", 1.5, 0.4))
    found, counts = chosen(table, min_separation_seconds=0.5)
    assert found == [("P", 1.4), ("S", 1.5), ("P", 1.9)]
    assert counts["too_close"] == 1
    assert len(chosen(table, min_separation_seconds=0.0)[0]) == 4


def test_runs_are_chosen_apart():
    table = table_of(("P", 1, 0.5, 0, 0), ("P", 1.2, 0.6, 0, 1), stretches=2)
    assert chosen(table)[0] == [("P", 1.0), ("P", 1.2)]
    parts = [table_of(("P", 1, 0.5)), table_of(), table_of(("P", 1.2, 0.6))]
    assert chosen(joined(parts, 0.05))[0] == [("P", 1.0), ("P", 1.2)]
    assert chosen(joined([], 0.05))[0] == []


def test_a_threshold_below_the_table_s_floor_is_refused():
    with pytest.raises(InputError, match=r"XX\.STA1\.00\.HH: threshold 0\.1 of P is below 0\.2"):
        chosen(table_of(("P", 1, 0.5), floor=0.2), p_threshold=0.1)
    with pytest.raises(InputError, match="of S"):
        chosen(table_of(floor=0.2), station_thresholds=({"station": "STA1", "s_threshold": 0.1},))


def test_the_floor_is_below_each_threshold():
    rows = ({"station": "A", "p_threshold": 0.02}, {"station": "B", "s_threshold": 0.9})
    assert PickConfig(station_thresholds=rows).peak_floor == 0.02
    assert PickConfig(station_thresholds=rows[1:]).peak_floor == PickConfig().probability_floor
    assert PickConfig(p_threshold=0.1, probability_floor=0.2).peak_floor == 0.1


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0, 60), st.sampled_from([0.05, 0.1, 0.3, 0.6]))
def test_picks_do_not_depend_on_where_a_shard_ends(seed, border, threshold):
    """A restless trace in which peaks stand close, and the peaks that a shard's margin holds."""
    random = np.random.default_rng(seed)
    samples = round(60 * RATE)
    sources = np.zeros(samples)
    sources[random.integers(0, samples, 150)] = random.random(150) ** 2
    probability = np.convolve(sources, np.exp(-(((np.arange(101) - 50) / 12) ** 2)), "same").astype(np.float32)
    probability = np.clip(probability, 0, 1)
    places, saddles = peaks_and_saddles(probability, 0.05)
    peaks = [("P", at / RATE, probability[at], saddle) for at, saddle in zip(places, saddles, strict=True)]
    table, config = table_of(*peaks), PickConfig(p_threshold=threshold)
    margin = LONGEST_TRIGGER_SECONDS + config.min_separation_seconds
    whole, _ = select_picks(table, config, UNCALIBRATED, GROUP, (T0, T0 + 60))
    parts = []
    for begin, end in ((T0, T0 + border), (T0 + border, T0 + 60)):
        parts += select_picks(table.within(begin - margin, end + margin), config, UNCALIBRATED, GROUP, (begin, end))[0]
    quality = [pick.pop("quality") for pick in whole]
    assert [pick.pop("quality") for pick in parts] == pytest.approx(quality, abs=1e-9)
    assert parts == whole


def test_a_shard_is_half_open():
    table = table_of(("P", 10, 0.5), ("P", 20, 0.5))
    assert chosen(table, 10, 20)[0] == [("P", 10.0)]
    assert chosen(table, 20, 30)[0] == [("P", 20.0)]
