"""What is written is read back as it was; what no one wrote never raises."""

import io
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ogs_documents import (
    assert_same,
    by_reading,
    documents_of,
    events_with_picks,
    located_events,
    read_back,
    some_of,
    stored_documents,
    written,
)
from ogs_lines import event_line, station_line

from catalogdb.exchange.ogs.bulletin_txt import read_txt
from catalogdb.exchange.ogs.listing_hpl import read_hpl
from catalogdb.exchange.ogs.phases_dat import read_dat
from catalogdb.exchange.ogs.summary_pun import read_pun
from catalogdb.exchange.ogs.write_cards import write_dat, write_hypo71
from catalogdb.exchange.ogs.write_listing import write_hpc, write_hpl
from catalogdb.exchange.ogs.write_summaries import ROUNDED, write_pun, write_separated_txt, write_txt
from catalogdb.exchange.quakeml import read_quakeml, write_quakeml
from catalogdb.times import parse_time


@settings(max_examples=60)
@given(events_with_picks())
def test_cards_hold_picks(pairs):
    content, number, left_out = written(write_dat, pairs)
    catalog = read_back(read_dat, content, ".dat")
    assert number == len(pairs) and not left_out and not catalog.rejected
    assert by_reading(catalog.picks) == by_reading([pick for _, picks in pairs for pick in picks])
    assert [(event.get("zone"), event.get("event_type"), event["time"]) for event in catalog.events] == [
        (event.get("zone"), event.get("event_type"), event["time"]) for event, _ in pairs
    ]
    for (_, picks), event in zip(pairs, catalog.events, strict=True):
        own = [pick for pick in catalog.picks if pick["event_key"] == event["source_id"]]
        assert by_reading(own) == by_reading(picks)
    again, _, _ = written(write_dat, documents_of(catalog))
    assert again == content


@settings(max_examples=30)
@given(events_with_picks())
def test_hypo71_cards_hold_times_and_weights(pairs):
    content, number, left_out = written(write_hypo71, pairs)
    assert number == len(pairs) and not left_out
    lines = content.decode("ascii").splitlines()
    assert all(len(text) <= 80 for text in lines) and sum(text.strip() == "1" for text in lines) == number
    catalog = read_back(read_dat, content, ".dat")
    fields = ("sta", "phase")
    assert by_reading(catalog.picks, (*fields, "time"))[0].keys() == {"sta", "phase", "time"}
    expected = Counter((pick["sta"], pick["phase"], min(pick["hypo71_weight"], 4), round(pick["time"] * 100) % 6000)
                       for _, picks in pairs for pick in picks)  # fmt: skip
    assert expected == Counter(
        (pick["sta"], pick["phase"], pick["hypo71_weight"], round(pick["time"] * 100) % 6000) for pick in catalog.picks
    )


@settings(max_examples=60)
@given(events_with_picks(most_s=3900))
def test_listings_hold_picks(pairs):
    for write in (write_hpl, write_hpc):
        content, number, left_out = written(write, pairs)
        catalog = read_back(read_hpl, content, ".hpl")
        assert number == len(pairs) and not left_out and not catalog.rejected and not catalog.repaired
        assert by_reading(catalog.picks) == by_reading([pick for _, picks in pairs for pick in picks])
        assert [event["time"] for event in catalog.events] == [event["time"] for event, _ in pairs]


@settings(max_examples=100)
@given(located_events())
def test_summaries_hold_solutions(event):
    content, _, left_out = written(write_pun, [(event, [])])
    catalog = read_back(read_pun, content, ".pun")
    assert not catalog.rejected and set(left_out) <= {"magnitudes ML"}
    (found,) = catalog.events
    numbers = ("time", "latitude", "longitude", "depth_km", "n_picks", "azimuthal_gap", "minimum_distance_km", "rms")
    assert_same(
        found["origins"][0], event["origins"][0], (*numbers, "horizontal_uncertainty_km", "depth_uncertainty_km")
    )
    assert found["origins"][0].get("quality") == event["origins"][0].get("quality")
    md = [item["value"] for item in event["magnitudes"] if item["type"] == "MD"]
    assert [item["value"] for item in found["magnitudes"]] == md


@settings(max_examples=100)
@given(located_events())
def test_listings_hold_solutions(event):
    content, _, left_out = written(write_hpl, [(event, [])])
    catalog = read_back(read_hpl, content, ".hpl")
    assert not catalog.rejected and not left_out
    (found,) = catalog.events
    numbers = ("time", "latitude", "longitude", "depth_km", "n_picks", "azimuthal_gap", "minimum_distance_km", "rms")
    assert_same(
        found["origins"][0], event["origins"][0], (*numbers, "horizontal_uncertainty_km", "depth_uncertainty_km")
    )
    assert found["origins"][0].get("quality") == event["origins"][0].get("quality")
    assert found.get("place") == event.get("place")
    fields = ("type", "value", "n_stations", "uncertainty")
    assert [some_of(item, fields) for item in found["magnitudes"]] == [
        some_of(item, fields) for item in event["magnitudes"]
    ]


@settings(max_examples=100)
@given(
    located_events(),
    st.sampled_from([write_txt, write_separated_txt]),
    st.sampled_from([None, "earthquake", "suspected slide"]),
)
def test_bulletins_hold_events(event, write, kind):
    event["origins"][0] |= {"latitude": round(event["origins"][0]["latitude"], 3), "time_uncertainty": 0.25}
    event["origins"][0]["longitude"] = round(event["origins"][0]["longitude"], 2)
    for item in event["magnitudes"]:
        item["value"] = round(item["value"], 1)
    event |= {"source_id": "1999_00012"} | ({"event_type": kind} if kind else {})
    content, _, left_out = written(write, [(event, [])])
    catalog = read_back(read_txt, content, ".txt")
    assert not catalog.rejected and not left_out
    (found,) = catalog.events
    numbers = ("time", "latitude", "longitude", "depth_km", "azimuthal_gap", "time_uncertainty")
    assert_same(
        found["origins"][0], event["origins"][0], (*numbers, "horizontal_uncertainty_km", "depth_uncertainty_km")
    )
    assert some_of(found, ("source_id", "place", "event_type")) == some_of(event, ("source_id", "place", "event_type"))
    values = {item["type"]: item["value"] for item in event["magnitudes"]}
    assert {item["type"]: item["value"] for item in found["magnitudes"]} == values


COORDINATES = [(35.76951, -117.59932), (-21.12345, -70.12345), (46.12345, 113.12345), (-0.5, -179.99999), (46.5, 13.5)]


@pytest.mark.parametrize("write", [write_txt, write_separated_txt])
def test_bulletins_of_other_regions_are_exact_or_say_what_they_round(write):
    pairs = []
    for number, (latitude, longitude) in enumerate(COORDINATES, 1):
        origin = {"_id": "1", "time": 1e9 + number * 3600, "latitude": latitude, "longitude": longitude}
        event = {"_id": str(number), "time": origin["time"], "origins": [origin], "magnitudes": []}
        pairs.append((event | {"source_id": f"2001_{number:05d}"}, []))
    content, number, left_out = written(write, pairs)
    assert number == len(COORDINATES)
    found = [(event["latitude"], event["longitude"]) for event in read_back(read_txt, content, ".txt").events]
    exact = [(round(latitude, 4), round(longitude, 4)) for latitude, longitude in COORDINATES]
    if write is write_separated_txt:
        assert found == exact and not left_out
    else:
        changed = sum(one != other for pair in zip(found, exact, strict=True) for one, other in zip(*pair, strict=True))
        # -180.00 for -180.0000 has lost nothing
        assert left_out == {ROUNDED: changed} == {ROUNDED: 4}


@settings(max_examples=60)
@given(events_with_picks(), st.booleans())
def test_cards_behind_the_last_event_are_of_no_event(pairs, with_events):
    """Whole catalogs without events too, and a second round changes nothing."""
    *events, (_, loose) = pairs
    events = events if with_events else []
    loose = sorted((pick | {"_id": str(n)} for n, pick in enumerate(loose)), key=lambda pick: pick["time"])
    counts = Counter()
    content, number, left_out = written(write_dat, events, picks_of_no_event=iter(loose), written=counts)
    assert number == len(events) and not left_out
    total = sum(len(picks) for _, picks in events) + len(loose)
    assert counts == Counter(events=number, picks=total, picks_of_no_event=len(loose))
    catalog = read_back(read_dat, content, ".dat")
    assert len(catalog.events) == len(events) and not catalog.rejected
    nameless = [pick for pick in catalog.picks if "event_key" not in pick]
    assert by_reading(nameless) == by_reading(loose)
    keyed = documents_of(catalog)
    again, _, _ = written(write_dat, keyed, picks_of_no_event=sorted(nameless, key=lambda pick: pick["time"]))
    assert again == content


def test_many_picks_of_no_event_are_written_bit_by_bit():
    one = {"sta": "ABC", "net": "", "phase": "P", "hypo71_weight": 0}
    picks = (one | {"_id": str(n), "time": n * 2.0, "phase": "PS"[n % 2]} for n in range(20_000))
    content, number, left_out = written(write_dat, [], picks_of_no_event=picks)
    assert number == 0 and not left_out
    catalog = read_back(read_dat, content, ".dat")
    assert [pick["time"] for pick in sorted(catalog.picks, key=lambda pick: pick["time"])] == [
        n * 2.0 for n in range(20_000)
    ]


@pytest.mark.parametrize("write", [write_dat, write_hpl, write_hpc])
def test_what_is_written_is_counted(write):
    picks = [
        {"_id": "1", "sta": "ABCDE", "phase": "P", "time": 1e9},
        {"_id": "2", "sta": "ABC", "phase": "S", "time": 1e9},
        {"_id": "3", "sta": "ABC", "phase": "P", "time": 1e9 - 1},
    ]
    event = {"_id": "e", "time": 1e9 - 2, "origins": [], "magnitudes": []}
    ancient = [pick | {"time": -5e9} for pick in picks]
    counts = Counter()
    _, number, left_out = written(write, [(event, picks), (event | {"time": -5e9}, ancient)], written=counts)
    assert counts == {"events": 1, "picks": 2} and number == 1
    assert left_out["events before 1900 or after 2099"] == 1


def test_a_listing_is_the_same_behind_quakeml(tmp_path):
    own = {13: " 14.8", 19: "214", 23: "115", 42: "  1.68", 49: " 1.70", 54: "  0.05", 60: " -0.07", 66: "  1.27"}
    own |= {93: "FBD", 96: " 457", 100: " 2.3*", 116: "  4.00", 122: "  0.11", 128: "   0.6", 140: "ABCD", 148: "gn"}
    rest = {58: " 12", 61: "  4", 65: "117", 69: "1", 71: "0.21", 76: " 0.6", 80: "  1.3", 86: "B", 88: "B/C"}
    rest |= {125: "  5", 128: "  1.5", 133: "  0.2"}
    unlocated = {"seconds": "", "latitude": "", "longitude": "", "depth": "", "md": ""}
    lines = [
        "^MONTE FINTO (FRIULI)",
        "",
        event_line(rest=rest, station_lines="  1"),
        station_line("ABCD", "ePd2", s="iS 1", s_seconds="12.50", rest=own),
        event_line("     9", clock="1240203  5 5", station_lines="  1", **unlocated),
        station_line("ABCD", "eP+4", clock=" 5 5", rest={93: "VU", 148: "g"}),
    ]
    path, behind = tmp_path / "a.hpl", tmp_path / "a.xml"
    path.write_text("\n".join(lines) + "\n")
    content, _, _ = written(write_hpl, documents_of(read_hpl(path)))
    with open(behind, "wb") as stream:
        write_quakeml(stored_documents(read_hpl(path)), stream)
    catalog = read_quakeml(behind)
    assert not catalog.rejected and not catalog.repaired
    again, number, _ = written(write_hpl, documents_of(catalog))
    assert again.decode() == content.decode() and number == 2


@settings(max_examples=25)
@given(events_with_picks())
def test_cards_are_the_same_behind_quakeml(pairs):
    catalog = read_back(read_dat, written(write_dat, pairs)[0], ".dat")
    content, _, _ = written(write_dat, documents_of(catalog))
    stream = io.BytesIO()
    write_quakeml(stored_documents(catalog), stream)
    behind = read_back(read_quakeml, stream.getvalue(), ".xml")
    assert not behind.rejected and not behind.repaired
    again, _, _ = written(write_dat, documents_of(behind))
    assert again == content


def test_a_listing_is_written_as_it_was(tmp_path):
    rest = {58: " 12", 61: "  4", 65: "117", 69: "1", 71: "0.21", 76: " 0.6", 80: "  1.3", 86: "B", 88: "B/C"}
    rest |= {112: "  2", 115: "  1.1", 120: "  0.3", 125: "  5", 128: "  1.5", 133: "  0.2"}
    own = {13: " 14.8", 19: "214", 23: "115", 42: "  1.68", 49: " 1.70", 54: "  0.05", 60: " -0.07", 66: "  1.27"}
    own |= {93: "FLD", 96: " 457", 100: " 2.3*", 116: "  4.00", 122: "  0.11", 128: "   0.6", 140: "ABCD", 148: "gn"}
    lines = [
        "^MONTE FINTO (FRIULI)",
        "",
        event_line(rest=rest, station_lines="  1"),
        station_line("ABCD", "ePd2", s="iS 1", s_seconds="12.50", rest=own),
    ]
    path = tmp_path / "a.hpl"
    path.write_text("\n".join(lines) + "\n")
    content, _, _ = written(write_hpl, documents_of(read_hpl(path)))
    assert [text.rstrip() for text in content.decode().splitlines()] == [text.rstrip() for text in lines]


def test_what_no_format_can_hold_is_counted():
    picks = [
        {"_id": "1", "sta": "ABCDE", "phase": "P", "time": 0.0},
        {"_id": "2", "sta": "ABC", "phase": "pP", "time": 1.0},
        {"_id": "3", "sta": "ABC", "phase": "Pn", "time": 2.0, "uncertainty": 0.03, "polarity": "negative"},
    ]
    event = {"_id": "e", "time": 0.0, "origins": [], "magnitudes": [{"_id": "m", "type": "Mw", "value": 3.0}]}
    ancient = event | {"time": parse_time("1850-01-01")}
    pairs = [(event, picks), (ancient, [{"_id": "4", "sta": "A", "phase": "P", "time": parse_time("1850-01-01")}])]
    content, number, left_out = written(write_dat, pairs)
    assert number == 1 and left_out == {
        "picks of stations whose code has more than 4 characters": 1,
        "picks of phases other than P and S": 1,
        "events before 1900 or after 2099": 1,
    }
    (pick,) = read_back(read_dat, content, ".dat").picks
    assert (pick["hypo71_weight"], pick["polarity"], pick["branch"]) == (1, "negative", "n")
    _, number, left_out = written(write_pun, pairs)
    assert number == 0 and left_out == {"events without a location": 2}
    _, number, left_out = written(write_txt, pairs)
    assert number == 1 and left_out == {"events before 1900 or after 2099": 1, "magnitudes Mw": 1}
