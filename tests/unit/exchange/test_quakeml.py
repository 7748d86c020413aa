"""QuakeML in and out: every value survives, odd files are read or refused with a reason."""

import io
import json

import pytest
from obspy import read_events
from obspy.io.quakeml.core import _validate
from quakeml_documents import EVENT, PICKS, UNLOCATED, assert_equal, pick, read_back, written

from catalogdb.exchange.quakeml import read_quakeml
from catalogdb.exchange.quakeml_writer import resource_id


@pytest.fixture
def text() -> bytes:
    return written([(EVENT, PICKS)])


def test_output_is_valid_quakeml(text):
    assert _validate(io.BytesIO(text))


def test_output_depends_on_the_documents_alone(text):
    assert written([(json.loads(json.dumps(EVENT)), list(reversed(PICKS)))]) == text


def test_obspy_reads_back_every_value(text):
    (event,) = read_events(io.BytesIO(text))
    assert event.resource_id.id == "smi:local/catalogdb/event/" + "e" * 32
    assert event.event_type == "earthquake"
    assert event.event_descriptions[0].text == "TRAMONTI & <Friuli>"
    assert (event.creation_info.agency_id, event.creation_info.author) == ("OGS", None)
    assert event.creation_info.creation_time.ns == 1711600000250000000
    assert event.preferred_origin().resource_id.id == resource_id("origin", "b" * 32)
    assert event.preferred_magnitude().mag == 4.61

    first, second = event.origins
    assert first.depth is None
    assert first.method_id.id == "smi:local/catalogdb/method/gamma"
    assert second.time.ns == 1711574377300001000
    assert (second.latitude, second.longitude, second.depth) == (46.363, 12.805, 10537.0)
    assert second.time_errors.uncertainty == 0.11
    assert second.depth_errors.uncertainty == 1250.0
    assert second.origin_uncertainty.horizontal_uncertainty == 750.0
    assert second.origin_uncertainty.preferred_description == "horizontal uncertainty"
    assert (second.quality.standard_error, second.quality.azimuthal_gap) == (0.23, 59.0)
    assert (second.quality.used_phase_count, second.quality.used_station_count) == (2, 1)
    assert second.quality.minimum_distance == pytest.approx(8.4 / 111.19492664, rel=1e-9)
    assert (second.evaluation_mode, second.evaluation_status) == ("automatic", "preliminary")
    assert [arrival.phase for arrival in second.arrivals] == ["Pg", "Sg"]
    arrival = second.arrivals[0]
    assert arrival.pick_id.get_referred_object() is event.picks[0]
    assert (arrival.time_residual, arrival.azimuth, arrival.time_weight) == (-0.017, 113.25, 0.88)
    assert (arrival.takeoff_angle, arrival.time_correction) == (95.5, -0.05)
    assert arrival.distance == pytest.approx(36.9 / 111.19492664, rel=1e-9)

    assert len(event.picks) == 2
    for source, found in zip(PICKS, event.picks, strict=True):
        assert found.resource_id.id == resource_id("pick", source["_id"])
        assert found.time.ns == round(source["time"] * 1e6) * 1000
        assert found.time_errors.uncertainty == source["uncertainty"]
        where = found.waveform_id
        assert (where.network_code, where.station_code, where.channel_code) == ("OX", "BAD", source["chan"])
        assert (where.location_code or "") == source["loc"]
        assert found.phase_hint == source["phase"]
        assert found.evaluation_mode == source["evaluation_mode"]
        assert found.polarity == source.get("polarity")
        assert found.onset == source.get("onset")

    duration, local = event.magnitudes
    assert (duration.magnitude_type, duration.mag) == ("MD", 4.2)
    assert (local.magnitude_type, local.mag, local.mag_errors.uncertainty, local.station_count) == ("ML", 4.61, 0.2, 2)
    assert [part.mag for part in event.station_magnitudes] == [4.5, 4.7]
    assert [part.waveform_id.station_code for part in event.station_magnitudes] == ["BAD", "VINO"]


def test_own_reader_gives_the_documents_back(text, tmp_path):
    path = tmp_path / "events.xml"
    path.write_bytes(text)
    catalog = read_quakeml(path)
    assert catalog.rejected == [] and catalog.repaired == []
    (event,) = catalog.events
    unlike = {
        "_id",
        "catalog",
        "preferred_origin_id",
        "preferred_magnitude_id",
        "origins",
        "magnitudes",
        "creation_info",
    }
    assert {key: event[key] for key in EVENT.keys() - unlike} == {key: EVENT[key] for key in EVENT.keys() - unlike}
    assert event["creation_info"] == EVENT["creation_info"]
    for origin, source in zip(event["origins"], EVENT["origins"], strict=True):
        arrivals, expected = origin.pop("arrivals"), source["arrivals"]
        said = {
            "evaluation_mode": "automatic",
            "evaluation_status": "preliminary",
        }  # of the event: its preferred origin
        more = {"_id": resource_id("origin", source["_id"])} | (said if source["method"] == "locator" else {})
        assert_equal(origin, {k: v for k, v in source.items() if k != "arrivals"} | more)
        for arrival, one in zip(arrivals, expected, strict=True):
            assert_equal(arrival, one | {"pick_id": resource_id("pick", one["pick_id"])})
    for magnitude, source in zip(event["magnitudes"], EVENT["magnitudes"], strict=True):
        assert magnitude == source | {"_id": resource_id("magnitude", source["_id"])}
    for found, source in zip(catalog.picks, PICKS, strict=True):
        phase = {"P": "Pg", "S": "Sg"}[source["phase"]]
        same = {k: v for k, v in source.items() if k not in ("_id", "event_key", "channel_group", "phase")}
        assert {k: found[k] for k in same} == same
        assert found["event_key"] == event["source_id"]
        assert found["phase"] == phase  # what the locator took it for
        assert found["channel_group"] == f"OX.BAD.{source['loc']}.HH"


def test_arrival_without_its_pick_still_gives_valid_quakeml():
    text = written([(EVENT, [])])
    assert _validate(io.BytesIO(text))
    (event,) = read_events(io.BytesIO(text))
    assert [item.time.ns for item in event.picks] == [round(item["time"] * 1e6) * 1000 for item in PICKS]


AS_THEY_WERE = (
    *("time", "time_from", "source_id", "zone", "event_type", "remarks", "evaluation_mode", "evaluation_status"),
    *("origins", "magnitude", "magnitude_type"),
)


@pytest.mark.parametrize("time_from", ["first_arrival", "minute", None])
@pytest.mark.parametrize("picks", [PICKS, []])
def test_an_unlocated_event_comes_back_with_its_picks(tmp_path, time_from, picks):
    event = UNLOCATED | {"time_from": time_from, "time": UNLOCATED["time"] - (time_from is None)}
    event = {name: value for name, value in event.items() if value is not None}
    text = written([(event, picks)])
    assert _validate(io.BytesIO(text))
    catalog = read_back(text, tmp_path)
    assert catalog.rejected == [] and catalog.repaired == []
    (found,) = catalog.events
    assert {name: found.get(name) for name in AS_THEY_WERE} == {name: event.get(name) for name in AS_THEY_WERE}
    assert [item["time"] for item in catalog.picks] == [item["time"] for item in picks]
    assert {item["event_key"] for item in catalog.picks} <= {"2024_00008"}
    assert written([(found | {"_id": event["_id"]}, [])]).count(b"time_from") == (time_from is not None)


def test_that_cards_call_an_event_located_is_kept(tmp_path):
    event = UNLOCATED | {"sources": [{"file": "a.dat", "format": "ogs-dat", "is_located": True}]}
    (found,) = read_back(written([(event, PICKS)]), tmp_path).events
    source = {"file": "events.xml", "format": "quakeml", "id": "2024_00008", "is_located": True}
    assert found["sources"] == [source]


def test_picks_in_no_arrival_of_their_event_are_written(tmp_path):
    others = [pick(3, "S", PICKS[1]["time"] + 1, sta="VINO"), pick(4, "P", PICKS[1]["time"], sta="VINO")]
    text = written([(EVENT, [*others, *PICKS])])
    assert _validate(io.BytesIO(text)) and text == written([(EVENT, [*PICKS, *reversed(others)])])
    catalog = read_back(text, tmp_path)
    assert [(item["sta"], item["phase"][0]) for item in catalog.picks] == [
        *(("BAD", "P"), ("BAD", "S")),
        *(("VINO", "P"), ("VINO", "S")),
    ]
    assert {item["event_key"] for item in catalog.picks} == {EVENT["source_id"]}
    (event,) = catalog.events
    assert [len(origin["arrivals"]) for origin in event["origins"]] == [1, 2]


def test_two_events_of_one_id_are_told_apart(tmp_path):
    pairs = [(EVENT | {"_id": letter * 32}, [PICKS[0] | {"_id": letter * 32}]) for letter in "ab"]
    for event, _ in pairs:
        event["origins"] = [EVENT["origins"][0] | {"arrivals": []}]
    catalog = read_back(written(pairs), tmp_path)
    ids = [EVENT["source_id"], "smi:local/catalogdb/event/" + "b" * 32]
    assert [event["source_id"] for event in catalog.events] == [item["event_key"] for item in catalog.picks] == ids
    assert any("another event was 2024000123" in text for text in catalog.repaired)


@pytest.mark.parametrize(
    "note",
    [
        *({"source_id": value} for value in (7, "", None, ["a"])),
        *({"zone": value} for value in ("X", ["F"], {"F": 1}, True)),
        *({"event_type": value} for value in ("explosion", 1)),
        {"remarks": float("nan")},
        {"no such": 1},
    ],
)
def test_notes_that_no_one_would_write_are_passed_over(tmp_path, note):
    plain = {name: value for name, value in EVENT.items() if name not in ("source_id", "zone", "remarks")}
    text = written([(plain | {"source_id": "x"}, PICKS)])
    own = json.dumps({"source_id": "x"}).encode()
    assert text.count(own) == 1
    (event,) = read_back(text.replace(own, json.dumps(note).encode()), tmp_path).events
    assert event["source_id"] == "smi:local/catalogdb/event/" + "e" * 32
    assert event["event_type"] == "earthquake" and "zone" not in event and "remarks" not in event


def test_notes_of_picks_are_of_their_kind(tmp_path):
    note = {"duration": "long", "branch": "x", "first_motion": 1, "hypo71_weight": 2.5, "snr": True, "probability": 1}
    note |= {"amplitude": 10**400, "components": None}
    text = written([(EVENT, [PICKS[0] | {"probability": 0.5}, PICKS[1]])])
    (event,) = read_events(io.BytesIO(text))
    own = event.picks[0].comments[0].text.encode()
    found = read_back(text.replace(own, b"catalogdb: " + json.dumps(note).encode()), tmp_path).picks[0]
    assert {name: found[name] for name in note.keys() & found.keys()} == {"probability": 1.0}


@pytest.mark.parametrize("weight", [9, -1, True, "2"])
def test_a_weight_in_a_note_that_there_is_not_is_left_out(tmp_path, weight):
    text = written([(EVENT, [PICKS[0] | {"hypo71_weight": 3}, PICKS[1]])])
    assert read_back(text, tmp_path).picks[0]["hypo71_weight"] == 3
    found = read_back(
        text.replace(b'"hypo71_weight": 3', b'"hypo71_weight": %s' % json.dumps(weight).encode()), tmp_path
    )
    assert "hypo71_weight" not in found.picks[0] and len(found.picks) == 2


TYPED = {"event_type": "quarry blast", "event_type_certainty": "suspected", "event_type_rule": "waveforms"}
TYPED |= {"event_type_probability": 0.9731}


def test_by_what_a_type_was_chosen_comes_back(tmp_path):
    text = written([(EVENT | TYPED, PICKS)])
    assert _validate(io.BytesIO(text))
    (event,) = read_back(text, tmp_path).events
    assert {name: event.get(name) for name in TYPED} == TYPED


def test_a_type_changed_since_loses_its_rule_and_probability(tmp_path):
    text = written([(EVENT | TYPED, PICKS)]).replace(b"<type>quarry blast</type>", b"<type>earthquake</type>")
    (event,) = read_back(text, tmp_path).events
    assert event["event_type"] == "earthquake"
    assert not {"event_type_rule", "event_type_probability"} & set(event)


def test_a_probability_of_a_type_above_1_is_left_out_and_counted(tmp_path):
    text = written([(EVENT | TYPED | {"event_type_probability": 97.3}, PICKS)])
    found = read_back(text, tmp_path)
    assert found.events[0]["event_type_rule"] == "waveforms" and "event_type_probability" not in found.events[0]
    assert any("event_type_probability left out" in line and "97.3" in line for line in found.repaired)


@pytest.mark.parametrize(
    "change",
    [
        {"origins": [], "magnitudes": [], "preferred_origin_id": None, "preferred_magnitude_id": None},
        {"origins": [], "preferred_origin_id": None},
        {"event_type": "suspected slide"},
        {"event_type": "no such thing", "place": "bell \x07 \ud800 end"},
        {"source_id": None, "place": None, "creation_info": {}},
        {"_id": "odd id: with spaces/à"},
    ],
)
def test_odd_events_give_valid_quakeml(change):
    event = {key: value for key, value in (EVENT | change).items() if value is not None}
    text = written([(event, PICKS)], name="odd name")
    assert _validate(io.BytesIO(text))
    assert len(read_events(io.BytesIO(text))) == 1


def test_an_empty_catalog_and_many_events_are_valid():
    assert _validate(io.BytesIO(written([])))
    events = [(EVENT | {"_id": f"{number:032x}"}, PICKS) for number in range(3)]
    assert len(read_events(io.BytesIO(written(events)))) == 3
