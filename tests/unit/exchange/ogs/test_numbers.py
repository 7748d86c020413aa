"""Running numbers, ids and quality letters that written bulletins give to events."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ogs_documents import written

from catalogdb.exchange.ogs.layout import station_pairs
from catalogdb.exchange.ogs.quality import hypo71_quality
from catalogdb.exchange.ogs.write_cards import write_dat
from catalogdb.exchange.ogs.write_listing import write_hpl
from catalogdb.exchange.ogs.write_summaries import write_separated_txt, write_txt
from catalogdb.times import parse_time


def test_running_numbers_are_the_events_own_or_free_ones():
    pick = {"_id": "1", "sta": "ABC", "phase": "P", "time": parse_time("2024-01-01"), "hypo71_weight": 0}
    ids = ["2024_00002", "smi:x/1", "2024000002", "2023_00009", "x", "2024_12345"]
    event = {"_id": "e", "time": pick["time"], "origins": [], "magnitudes": []}
    content, _, left_out = written(write_dat, [(event | {"source_id": own}, [pick]) for own in ids])
    cards = [text for text in content.decode().splitlines() if text.startswith("ABC")]
    assert [text[75:79].strip() for text in cards] == ["2", "1", "3", "4", "5", ""]
    assert left_out == {"event numbers above 9999": 1}


def _numbers(write, content):
    lines = content.decode().splitlines()
    if write is write_dat:
        return [int(text[75:79]) for text in lines if text.startswith("ABC")]
    if write is write_hpl:
        return [int(text[:6]) for text in lines if text[6:13] == "1240101"]
    return [int(text.split(";" if ";" in text else None)[1].removeprefix("2024_")) for text in lines[1:]]


@pytest.mark.parametrize("write", [write_dat, write_hpl, write_txt, write_separated_txt])
@pytest.mark.parametrize(
    ("ids", "numbers"),
    [
        (["2024_00001", "x.pun:2", "2024_00002", "2024_00003"], [1, 4, 2, 3]),
        (["x.pun:1", None, "2024_00002", "2024_00001", "2024_00004"], [3, 5, 2, 1, 4]),
        (["2024_00002", "2024_2", "2024_00001", "2024_00002#9"], [2, 3, 1, 4]),
    ],
)
def test_an_event_without_a_number_shifts_no_later_number(write, ids, numbers):
    pick = {"_id": "1", "sta": "ABC", "phase": "P", "time": parse_time("2024-01-01"), "hypo71_weight": 0}
    event = {"_id": "e", "time": pick["time"], "origins": [], "magnitudes": []}
    pairs = [(event | ({"source_id": own} if own else {}), [pick]) for own in ids]
    content, _, left_out = written(write, pairs, source_ids=[own for own in ids if own])
    assert _numbers(write, content) == numbers and not left_out


@pytest.mark.parametrize("known", [True, False])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["2023-12-31T23:59:59", "2024-01-01"]),
            st.sampled_from([None, "x", *(f"{year}_{n}" for year in (2023, 2024) for n in ("00001", "00002", "1"))]),
        ),
        max_size=8,
    )
)
def test_a_bulletin_has_no_id_twice(known, events):
    pairs = [
        ({"_id": "e", "time": parse_time(time), "origins": [], "magnitudes": [], "source_id": own}, [])
        for time, own in events
    ]
    content, _, _ = written(write_txt, pairs, source_ids=[own for _, own in events if own and known])
    ids = [text[6:16] for text in content.decode().splitlines()[1:]]
    assert len(ids) == len(set(ids)) == len(events)
    if known:
        assert {own for _, own in events if own and len(own) == 10} <= set(ids)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ({"rms": 0.1, "azimuthal_gap": 80, "minimum_distance_km": 4, "n_picks": 8, "depth_km": 5}, ("A", "A/A")),
        ({"rms": 0.1, "azimuthal_gap": 80, "minimum_distance_km": 4, "n_picks": 5, "depth_km": 5}, ("C", "A/D")),
        (
            {"rms": 0.2, "azimuthal_gap": 100, "minimum_distance_km": 11, "n_picks": 8, "depth_km": 6}
            | {"horizontal_uncertainty_km": 2.0, "depth_uncertainty_km": 3.0},
            ("B", "B/B"),
        ),
        ({"rms": 0.6, "azimuthal_gap": 150, "minimum_distance_km": 30, "n_picks": 8}, ("D", "D/C")),
        ({"rms": 0.1, "azimuthal_gap": 80, "n_picks": 8}, None),
    ],
)
def test_quality_of_solutions_without_one(origin, expected):
    assert hypo71_quality(origin) == expected


def test_a_card_holds_readings_of_one_network():
    p, s = (
        {"_id": phase, "net": net, "sta": "ABC", "phase": phase, "time": time, "hypo71_weight": 0}
        for net, phase, time in (("OX", "P", 0.0), ("ST", "S", 9.0))
    )
    pairs = station_pairs([p, s], 60.0, Counter())
    assert pairs == [(p, None), (None, s)]
    assert station_pairs([p, s | {"net": "OX"}], 60.0, Counter()) == [(p, s | {"net": "OX"})]
