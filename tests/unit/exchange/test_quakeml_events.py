"""QuakeML event by event: what is wrong with one is left out or rejected by name, and the others go on."""

import json
import re
from pathlib import Path

import pytest

from catalogdb.exchange.quakeml import read_quakeml

HEAD = "<q:quakeml xmlns:q='http://quakeml.org/xmlns/{q}/1.2' xmlns='http://quakeml.org/xmlns/{bed}/1.2'>"
PICK = (
    "<pick publicID='smi:x/p1'><time><value>2023-11-14T00:01:05.5Z</value></time>"
    "<waveformID networkCode='OX' stationCode='BAD'/><phaseHint>P</phaseHint></pick>"
)
ARRIVAL = "<arrival publicID='smi:x/a1'><pickID>smi:x/p1</pickID><phase>P</phase><azimuth>12</azimuth></arrival>"


def origin_text(number: int, inside: str = "", latitude: str = "46.1") -> str:
    return (
        f"<origin publicID='smi:x/o{number}'><time><value>2023-11-14T00:0{number}:00.5Z</value></time>"
        f"<latitude><value>{latitude}</value></latitude><longitude><value>13</value></longitude>{inside}</origin>"
    )


def event_text(number: int, *parts: str) -> str:
    return f"<event publicID='smi:x/ev{number}'>{''.join(parts)}</event>"


def read_text(path: Path, *parts: str, q: str = "quakeml", bed: str = "bed"):
    content = f"<eventParameters publicID='smi:x/all'>{''.join(parts)}</eventParameters></q:quakeml>"
    path.write_text(HEAD.format(q=q, bed=bed) + content)
    return read_quakeml(path)


@pytest.mark.parametrize(
    ("inside", "what", "names"),
    [
        ("<quality><standardError>nan</standardError></quality>", "quality standardError nan", "origin smi:x/o1"),
        ("<depth><value>-INF</value></depth>", "depth -INF", "origin smi:x/o1"),
        ("<depth><value>8000</value><uncertainty>NaN</uncertainty></depth>", "depth uncertainty NaN", "smi:x/o1"),
        (ARRIVAL.replace(">12<", ">inf<"), "azimuth inf", "arrival smi:x/a1"),
        (ARRIVAL.replace(">12<", ">1e400<"), "azimuth 1e400", "arrival smi:x/a1"),
    ],
)
def test_optional_values_that_are_not_finite_are_left_out(tmp_path, inside, what, names):
    catalog = read_text(tmp_path / "e.xml", event_text(1, origin_text(1, inside), PICK), event_text(2, origin_text(2)))
    assert [event["source_id"] for event in catalog.events] == ["smi:x/ev1", "smi:x/ev2"]
    assert catalog.rejected == [] and len(catalog.picks) == 1
    (line,) = [line for line in catalog.repaired if "not finite" in line]
    assert f"{what} is not finite: left out" in line and names in line and "event 1 (smi:x/ev1)" in line
    assert json.loads(json.dumps(catalog.events, allow_nan=False)) == catalog.events


def test_an_event_without_origin_is_at_its_first_pick(tmp_path):
    late = PICK.replace("p1", "p2").replace(":05.5Z", ":09Z")
    bad = origin_text(1, latitude="946")
    catalog = read_text(tmp_path / "e.xml", event_text(1, late, PICK), event_text(2), event_text(3, bad, late))
    first, third = catalog.events
    assert (first["source_id"], first["time"], first["time_from"]) == ("smi:x/ev1", 1699920065.5, "first_arrival")
    assert (third["source_id"], third["time"], third["origins"]) == ("smi:x/ev3", 1699920069.0, [])
    assert (first["evaluation_mode"], first["evaluation_status"]) == ("manual", "reviewed")
    assert {"latitude", "preferred_origin_id", "sources"}.isdisjoint(first)
    assert [pick["event_key"] for pick in catalog.picks] == ["smi:x/ev1", "smi:x/ev1", "smi:x/ev3"]
    two, three = catalog.rejected
    assert "event 2 (smi:x/ev2): it has no usable origin, and no pick" in two and "latitude 946" in three
    assert any(": 2 events without a usable origin, kept as unlocated" in text for text in catalog.repaired)


@pytest.mark.parametrize("time", ["1e400", "1e18", "NaN", "-1e12", '"2024"', "null"])
def test_a_time_that_no_event_can_have_is_not_taken_from_a_note(tmp_path, time):
    note = f'<comment><text>catalogdb: {{"time": {time}, "time_from": "minute"}}</text></comment>'
    catalog = read_text(tmp_path / "e.xml", event_text(1, note, PICK), event_text(2, note))
    (event,) = catalog.events
    assert (event["time"], event["time_from"]) == (1699920065.5, "first_arrival")
    assert "event 2" in catalog.rejected[0]


@pytest.mark.parametrize("field", ["time", "latitude", "longitude"])
def test_an_event_without_a_finite_time_or_place_is_rejected_alone(tmp_path, field):
    value = {"time": "2023-11-14T00:01:00.5Z", "latitude": "46.1", "longitude": "13"}[field]
    bad = origin_text(1).replace(f"<{field}><value>{value}<", f"<{field}><value>nan<")
    catalog = read_text(tmp_path / "e.xml", event_text(1, bad), event_text(2, origin_text(2)))
    assert [event["source_id"] for event in catalog.events] == ["smi:x/ev2"]
    assert f"event 1 (smi:x/ev1): origin smi:x/o1: no usable {field}" in catalog.rejected[0]


def test_an_event_that_obspy_cannot_read_is_rejected_alone(tmp_path):
    twice = "<creationInfo/><creationInfo/>"
    catalog = read_text(tmp_path / "e.xml", event_text(1, origin_text(1), twice), event_text(2, origin_text(2)))
    assert [event["source_id"] for event in catalog.events] == ["smi:x/ev2"]
    (line,) = catalog.rejected
    assert "e.xml: event 1 (smi:x/ev1): cannot be read: Only one CreationInfo" in line


def test_texts_that_look_like_numbers_stay(tmp_path):
    info = "<creationInfo><agencyID>INF</agencyID><author>Nan</author></creationInfo>"
    catalog = read_text(
        tmp_path / "e.xml", event_text(1, origin_text(1), info, "<description><text>nan</text></description>")
    )
    (event,) = catalog.events
    assert event["creation_info"] == {"agency_id": "INF", "author": "Nan"} and event["place"] == "nan"


def test_picks_beside_the_events_are_found(tmp_path):
    other = PICK.replace("smi:x/p1", "smi:x/p2")
    catalog = read_text(tmp_path / "e.xml", PICK, other, event_text(1, origin_text(1, ARRIVAL)))
    (event,) = catalog.events
    assert [arrival["pick_id"] for arrival in event["origins"][0]["arrivals"]] == ["smi:x/p1"]
    assert [(item["source_id"], item["event_key"]) for item in catalog.picks] == [("smi:x/p1", "smi:x/ev1")]
    assert any("1 times pick beside the events" in line for line in catalog.repaired) and catalog.rejected == []


def test_quakeml_rt_keeps_origins_and_magnitudes_beside_the_event(tmp_path):
    magnitude = (
        "<magnitude publicID='smi:x/m{0}'><mag><value>{0}.5</value></mag><type>ML</type>"
        "<originID>smi:x/o{1}</originID></magnitude>"
    )
    preferred = "<preferredOriginID>smi:x/o1</preferredOriginID><preferredMagnitudeID>smi:x/m2</preferredMagnitudeID>"
    parts = [
        event_text(1, preferred),
        origin_text(1, ARRIVAL),
        origin_text(2),
        PICK,
        *map(magnitude.format, "234", "111"),
    ]
    catalog = read_text(tmp_path / "e.xml", *parts, q="quakeml-rt", bed="bed-rt")
    (event,) = catalog.events
    assert [origin["_id"] for origin in event["origins"]] == ["smi:x/o1"] and len(catalog.picks) == 1
    assert event["magnitude"] == 2.5 and len(event["magnitudes"]) == 3
    assert any("1 times origin beside the events" in line for line in catalog.repaired)


def test_a_prefix_for_every_element_is_the_same_file(tmp_path):
    plain = read_text(tmp_path / "e.xml", event_text(1, origin_text(1, ARRIVAL), PICK))
    text = (tmp_path / "e.xml").read_text()
    text = re.sub(r"<(/?)(\w+)(?=[ >/])", r"<\1b:\2", text)
    (tmp_path / "e.xml").write_text("<!-- a comment -->" + text.replace("xmlns='", "xmlns:b='"))
    prefixed = read_quakeml(tmp_path / "e.xml")
    assert (prefixed.events, prefixed.picks) == (plain.events, plain.picks) and len(plain.picks) == 1
