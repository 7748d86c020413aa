"""What is written is read back as it was; what no one wrote never raises."""

import io
import json
import random
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ogs_lines import END, PUN_HEADER, SEPARATED_HEADER, TXT_HEADER, card, event_line, station_line, txt_line

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.documents import catalog_documents
from catalogdb.exchange.ogs.bulletin_txt import read_txt
from catalogdb.exchange.ogs.codes import EVENT_TYPES, ONSETS, POLARITIES, ZONES
from catalogdb.exchange.ogs.listing_hpl import read_hpl
from catalogdb.exchange.ogs.merge import Part, merge
from catalogdb.exchange.ogs.phases_dat import read_dat
from catalogdb.exchange.ogs.quality import hypo71_quality
from catalogdb.exchange.ogs.summary_pun import read_pun
from catalogdb.exchange.ogs.write_cards import write_dat, write_hypo71
from catalogdb.exchange.ogs.write_listing import write_hpc, write_hpl
from catalogdb.exchange.ogs.write_summaries import ROUNDED, write_pun, write_separated_txt, write_txt
from catalogdb.exchange.pick_uncertainty import HYPO71_UNCERTAINTY
from catalogdb.exchange.quakeml import read_quakeml, write_quakeml
from catalogdb.times import parse_time

FIRST, LAST = int(parse_time("1960-01-02")) * 100, int(parse_time("2099-12-30")) * 100
PICK_FIELDS = ("sta", "phase", "time", "onset", "polarity", "first_motion", "hypo71_weight", "branch", "duration")


def written(write, pairs, **settings):
    stream, left_out = io.BytesIO(), Counter()
    number = write(iter(pairs), stream, left_out, **settings)
    return stream.getvalue(), number, left_out


def read_back(read, content, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(content)
        return read(path)


def some_of(item, fields):
    return {name: item.get(name) for name in fields}


# -- documents that the formats can hold

stations = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=4)


@st.composite
def readings(draw, station, phase, hundredths):
    weight, motion = draw(st.integers(0, 5)), draw(st.sampled_from([None, *POLARITIES]))
    pick = {
        "_id": f"{station}/{phase}/{hundredths}",
        "sta": station,
        "net": "",
        "phase": phase,
        "time": hundredths / 100,
        "onset": draw(st.sampled_from([None, *ONSETS.values()])),
        "polarity": POLARITIES.get(motion),
        "first_motion": motion,
        "hypo71_weight": weight,
        "uncertainty": HYPO71_UNCERTAINTY[weight],
        "branch": draw(st.sampled_from([None, "g", "n"])),
        "duration": None,
    }
    return {name: value for name, value in pick.items() if value is not None}


@st.composite
def events_with_picks(draw, most_s=90_000):
    """Events at least an hour apart, each with P, S or both at some stations."""
    time = draw(st.integers(FIRST, LAST - 40 * 360_000))
    pairs = []
    for place in range(draw(st.integers(1, 4))):
        time += draw(st.integers(360_000, 3_000_000))
        picks = []
        for station in sorted(draw(st.sets(stations, min_size=1, max_size=4))):
            p = time + draw(st.integers(0, 3000))
            phases = draw(st.sampled_from(["P", "S", "PS"]))
            if "P" in phases:
                picks.append(draw(readings(station, "P", p)))
            if "S" in phases:
                picks.append(draw(readings(station, "S", p + draw(st.integers(0, most_s)) if "P" in phases else p)))
            duration = draw(st.sampled_from([None, 0, 7, 480, 9999]))
            if duration is not None:
                picks[-1 if len(phases) == 1 else -2]["duration"] = float(duration)
        event = {
            "_id": str(place),
            "time": min(pick["time"] for pick in picks),
            "time_from": "first_arrival",
            "source_id": f"x{place}",
            "origins": [],
            "magnitudes": [],
            "zone": draw(st.sampled_from([None, *ZONES])),
            "event_type": draw(st.sampled_from([None, *EVENT_TYPES.values()])),
        }
        pairs.append(({name: value for name, value in event.items() if value is not None}, picks))
    return pairs


def by_reading(picks, fields=PICK_FIELDS):
    return sorted(
        (some_of(pick, fields) for pick in picks), key=lambda item: (item["sta"], item["phase"], item["time"])
    )


@settings(deadline=None, max_examples=60)
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
    again, _, _ = written(write_dat, _documents(catalog))
    assert again == content


@settings(deadline=None, max_examples=30)
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


@settings(deadline=None, max_examples=60)
@given(events_with_picks(most_s=3900))
def test_listings_hold_picks(pairs):
    for write in (write_hpl, write_hpc):
        content, number, left_out = written(write, pairs)
        catalog = read_back(read_hpl, content, ".hpl")
        assert number == len(pairs) and not left_out and not catalog.rejected and not catalog.repaired
        assert by_reading(catalog.picks) == by_reading([pick for _, picks in pairs for pick in picks])
        assert [event["time"] for event in catalog.events] == [event["time"] for event, _ in pairs]


def _documents(catalog):
    by_event = {}
    for pick in catalog.picks:
        by_event.setdefault(pick.get("event_key"), []).append(pick | {"_id": pick["source_id"]})
    return [(event, by_event.get(event["source_id"], [])) for event in catalog.events]


def _stored(catalog):
    """Pairs as the database has them."""
    documents = catalog_documents(catalog, "x", "config", "task", {})
    return [
        (event, [pick for pick in documents.picks if pick.get("event_key") == event["source_id"]])
        for event in documents.events
    ]


def steps(low, high, per_unit):
    """Numbers with so many steps per unit."""
    return st.integers(round(low * per_unit), round(high * per_unit)).map(lambda number: number / per_unit)


@st.composite
def located_events(draw):
    hundredths = draw(st.integers(FIRST, LAST))
    optional = {
        "depth_km": steps(0, 99, 10),
        "n_picks": st.integers(0, 99),
        "azimuthal_gap": st.integers(0, 360).map(float),
        "minimum_distance_km": st.integers(0, 99).map(float),
        "rms": steps(0, 9, 100),
        "horizontal_uncertainty_km": steps(0, 99, 10),
        "depth_uncertainty_km": steps(0, 99, 10),
        "quality": st.sampled_from("ABCD"),
        "velocity_model": st.just("1"),
    }
    origin = {"_id": "1", "time": hundredths / 100, "source_format": draw(st.sampled_from(["ogs-hpl", "ogs-pun"]))}
    origin |= {"latitude": draw(steps(-90, 90, 6000)), "longitude": draw(steps(-180, 180, 6000))}
    origin |= {name: draw(values) for name, values in optional.items() if draw(st.booleans())}
    magnitudes = [
        {"_id": kind, "type": kind, "value": draw(steps(-1, 9, 10 if kind == "ML" else 100))}
        for kind in draw(st.sampled_from([(), ("MD",), ("ML", "MD")]))
    ]
    for item in magnitudes:
        item |= {"n_stations": draw(st.integers(1, 99)), "uncertainty": draw(steps(0, 9, 10))}
    event = {
        "_id": "1",
        "time": origin["time"],
        "source_id": "x",
        "origins": [origin],
        "preferred_origin_id": "1",
        "magnitudes": magnitudes,
    }
    places = st.text("ABCDEFG.'() -ÀŠ", max_size=20).map(lambda text: " ".join(text.split()))
    place = draw(places.filter(lambda text: not text or text[0].isalpha()))
    return event | ({"place": place} if place else {})


def assert_same(found, expected, fields):
    assert some_of(found, fields) == pytest.approx(some_of(expected, fields), abs=1e-9)


@settings(deadline=None, max_examples=100)
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


@settings(deadline=None, max_examples=100)
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


@settings(deadline=None, max_examples=100)
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


@settings(deadline=None, max_examples=60)
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
    keyed = _documents(catalog)
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
    content, _, _ = written(write_hpl, _documents(read_hpl(path)))
    with open(behind, "wb") as stream:
        write_quakeml(_stored(read_hpl(path)), stream)
    catalog = read_quakeml(behind)
    assert not catalog.rejected and not catalog.repaired
    again, number, _ = written(write_hpl, _documents(catalog))
    assert again.decode() == content.decode() and number == 2


@settings(deadline=None, max_examples=25)
@given(events_with_picks())
def test_cards_are_the_same_behind_quakeml(pairs):
    catalog = read_back(read_dat, written(write_dat, pairs)[0], ".dat")
    content, _, _ = written(write_dat, _documents(catalog))
    stream = io.BytesIO()
    write_quakeml(_stored(catalog), stream)
    behind = read_back(read_quakeml, stream.getvalue(), ".xml")
    assert not behind.rejected and not behind.repaired
    again, _, _ = written(write_dat, _documents(behind))
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
    content, _, _ = written(write_hpl, _documents(read_hpl(path)))
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
def test_an_event_without_a_number_leaves_those_of_later_events_alone(write, ids, numbers):
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


# -- fuzzing

SOUND = {
    ".dat": (read_dat, [card("ABCD", "iPC2", s="eS 3", s_seconds=" 6553", branches="gn"), card("EFG"), END]),
    ".hpl": (
        read_hpl,
        ["^PLACE (FRIULI)", "", event_line(), station_line("ABCD", s="iS 1", s_seconds="12.50"), "* remark"],
    ),
    ".pun": (
        read_pun,
        [PUN_HEADER, "12402030405  8.50 46-20.50  13- 6.25   8.25   1.50 12 117  4.1 0.21  0.6  1.3 B1"],
    ),
    ".txt": (
        read_txt,
        [
            TXT_HEADER,
            txt_line(),
            SEPARATED_HEADER,
            "1;2024_00001;2024-02-03T04:05:08.500; 0.12;46.3417;13.1042;0.5;8.2;0.9;120;1.3;1.5;A;[earthquake]",
        ],
    ),
}


def assert_sound(catalog, path):
    """Every record is accounted for, and all that was read can be stored."""
    (report,) = catalog.files
    assert report.read == report.kept + report.rejected and report.rejected == len(catalog.rejected)
    for text in catalog.rejected:
        file, line, reason = text.removeprefix(str(path)).split(": ", 2)
        assert file == "" and line.startswith("line ") and int(line[5:]) > 0 and reason
    json.dumps([catalog.events, catalog.picks], allow_nan=False).encode("utf-8")


@pytest.mark.parametrize("suffix", SOUND)
@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=400))
def test_any_bytes(suffix, content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(content)
        try:
            assert_sound(SOUND[suffix][0](path), path)
            read_catalog_files([path])
        except InputError as error:
            assert str(path) in str(error)


def mutated(lines, chance: random.Random, mutations: int) -> bytes:
    """The lines with characters changed, lost, doubled and overwritten, in one encoding or another."""
    text = list("\n".join(lines * 2) + "\n")
    alphabet = "0123456789 .-*PSeiCD+gn;[]^\t\n\r\0²٣é_xX"
    for _ in range(mutations):
        place = chance.randrange(len(text))
        what = chance.randrange(4)
        if what == 0:
            text[place] = chance.choice(alphabet)
        elif what == 1:
            del text[place]
        elif what == 2:
            text.insert(place, chance.choice(alphabet))
        else:
            end = min(place + chance.randrange(1, 40), len(text))
            text[place:end] = chance.choice(["", " " * (end - place), "9" * (end - place), "*" * (end - place)])
    return "".join(text).encode(chance.choice(["utf-8", "utf-16-le", "utf-8"]))


@pytest.mark.parametrize("suffix", SOUND)
@settings(deadline=None, max_examples=250)
@given(st.randoms(use_true_random=False), st.integers(0, 12))
def test_mutated_lines(suffix, chance, mutations):
    read, lines = SOUND[suffix]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(mutated(lines, chance, mutations))
        assert_sound(read(path), path)


@settings(deadline=None, max_examples=100)
@given(st.randoms(use_true_random=False), st.integers(0, 8))
def test_mutated_files_are_merged_with_nothing_lost(chance, mutations):
    with tempfile.TemporaryDirectory() as folder:
        alone = []
        for suffix, (read, lines) in SOUND.items():
            path = Path(folder) / f"file{suffix}"
            path.write_bytes(mutated(lines, chance, mutations))
            alone.append(read(path))
        parts = [
            Part(f"file{suffix}", catalog.files[0].format, catalog)
            for suffix, catalog in zip(SOUND, alone, strict=True)
        ]
        origins = sum(len(event["origins"]) for catalog in alone for event in catalog.events)
        records = sum(len(catalog.events) for catalog in alone)
        readings = {(pick["sta"], pick["phase"]) for catalog in alone for pick in catalog.picks}
        catalog = merge(parts)
        assert sum(len(event["origins"]) for event in catalog.events) == origins
        assert sum(len(event["sources"]) for event in catalog.events) == records
        assert {(pick["sta"], pick["phase"]) for pick in catalog.picks} == readings
        keys = [event["source_id"] for event in catalog.events]
        assert len(keys) == len(set(keys))
        assert {pick["event_key"] for pick in catalog.picks if "event_key" in pick} <= set(keys)
        known = {pick["source_id"] for pick in catalog.picks}
        arrivals = [
            arrival for event in catalog.events for origin in event["origins"] for arrival in origin.get("arrivals", [])
        ]
        assert {arrival["pick_id"] for arrival in arrivals} <= known
        json.dumps([catalog.events, catalog.picks], allow_nan=False)
