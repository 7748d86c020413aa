"""Events and picks that the bulletin's formats can hold, as Hypothesis draws them, and reading back what is written."""

import io
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import strategies as st

from catalogdb.exchange.documents import catalog_documents
from catalogdb.exchange.ogs.codes import EVENT_TYPES, ONSETS, POLARITIES, ZONES
from catalogdb.exchange.pick_uncertainty import HYPO71_UNCERTAINTY
from catalogdb.times import parse_time

FIRST, LAST = int(parse_time("1960-01-02")) * 100, int(parse_time("2099-12-30")) * 100
stations = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=4)
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


def documents_of(catalog):
    by_event = {}
    for pick in catalog.picks:
        by_event.setdefault(pick.get("event_key"), []).append(pick | {"_id": pick["source_id"]})
    return [(event, by_event.get(event["source_id"], [])) for event in catalog.events]


def stored_documents(catalog):
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
