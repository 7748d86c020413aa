"""Events as FDSN text, GeoJSON, SCML, ZMAP, KML, Nordic, CSEP, CMTSOLUTION and weights: ObsPy and others read them."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime

import pytest
from lxml import etree
from obspy import read_events
from obspy.io.seiscomp.core import validate as validate_scml
from quakeml_documents import EVENT, PICKS, UNLOCATED

from catalogdb.errors import InputError
from catalogdb.exchange.csv_catalog import read_csv
from catalogdb.exchange.formats import FORMATS, load, of_command
from catalogdb.exchange.geojson import read_geojson
from catalogdb.exchange.obspy_events import read_by_obspy
from catalogdb.exchange.simulation_files import NO_DISTANCE
from catalogdb.exchange.through_obspy import obspy_catalog

TIMES = (1711574377.300001, 1711574999.999999, 1735689599.5)


def own_event(number, time):
    """An event at a time, its parts under ids of its own, with its picks."""
    shift = time - TIMES[0]
    text = json.dumps([EVENT | {"origins": [EVENT["origins"][1]]}, PICKS])
    for old in ("b" * 32, "c" * 32, "d" * 32, *(pick["_id"] for pick in PICKS)):
        text = text.replace(old, f"{number}{old[1:]}")
    event, picks = json.loads(text)
    origin = event["origins"][0]
    for item in (event, origin, *origin["arrivals"], *picks):
        item["time"] += shift
    return event | {"_id": f"{number:032x}"}, picks


PAIRS = [own_event(number, time) for number, time in enumerate(TIMES, 5)]
EVENTS = [event for event, _ in PAIRS]
BARE = {name: value for name, value in EVENTS[0].items() if name not in ("depth_km", "magnitude", "place")}
BARE |= {"_id": "b" * 32, "origins": [{k: v for k, v in EVENTS[0]["origins"][0].items() if k != "depth_km"}]}


def written(name, events=EVENTS):
    item = of_command("catalog")[name]
    picks = {event["_id"]: picks for event, picks in PAIRS}
    stream, left_out, counts = io.BytesIO(), Counter(), Counter()
    more = {"written": counts} if item.holds == "events and picks" else {}
    number = load(item.writer)(((event, picks.get(event["_id"], PICKS)) for event in events), stream, left_out, **more)
    return stream.getvalue(), left_out, number


def by_obspy(name, format, tmp_path):
    (tmp_path / "events").write_bytes(written(name)[0])
    return list(read_events(str(tmp_path / "events"), format=format))


def test_every_function_of_the_table_is_there():
    for item in FORMATS:
        assert all(callable(load(target)) for target in (item.writer, item.reader) if target), item.name


@pytest.mark.parametrize(
    ("name", "format", "precision_s"),
    [
        ("fdsn-text", "EVENTTXT", 1e-6),
        ("scml", "SCML", 1e-6),
        ("zmap", "ZMAP", 2e-5),
        ("nordic", "NORDIC", 0.0011),
        ("cmtsolution", "CMTSOLUTION", 0.006),
    ],
)
def test_obspy_reads_the_same_values(tmp_path, name, format, precision_s):
    found = sorted(by_obspy(name, format, tmp_path), key=lambda event: event.origins[0].time)
    assert len(found) == len(EVENTS)
    for event, document in zip(found, EVENTS, strict=True):
        origin = event.preferred_origin() or event.origins[0]
        assert origin.time.timestamp == pytest.approx(document["time"], abs=precision_s)
        assert origin.latitude == pytest.approx(document["latitude"], abs=6e-4)
        assert origin.longitude == pytest.approx(document["longitude"], abs=6e-4)
        assert origin.depth == pytest.approx(1000 * document["depth_km"], abs=51)
        magnitude = event.preferred_magnitude() or event.magnitudes[0]
        assert magnitude.mag == pytest.approx(document["magnitude"], abs=0.051)


def test_zmap_gives_back_its_uncertainties(tmp_path):
    (tmp_path / "e.zmap").write_bytes(written("zmap")[0])
    names = ("horizontal_uncertainty_km", "depth_uncertainty_km")
    for event, document in zip(read_by_obspy(tmp_path / "e.zmap", "manual", "ZMAP").events, EVENTS, strict=True):
        (found,), (origin,) = event["origins"], document["origins"]
        assert [found[name] for name in names] == pytest.approx([origin[name] for name in names], abs=1e-4)


def test_horizontal_errors_of_zmap_in_metres_are_left_out(tmp_path):
    (tmp_path / "e.zmap").write_text("-79.93 0.35 2016.29 4 16 7.8 20.6 23 58 36 5200.0 5.0 0.1\n".replace(" ", "\t"))
    catalog = read_by_obspy(tmp_path / "e.zmap", "manual", "ZMAP")
    (origin,) = catalog.events[0]["origins"]
    assert "horizontal_uncertainty_km" not in origin and origin["depth_uncertainty_km"] == 5.0
    assert any("1 horizontal errors above 100 left out" in line for line in catalog.repaired)


def test_scml_is_valid_by_its_schema():
    text, _, number = written("scml", [*EVENTS, UNLOCATED])
    assert number == 4 and validate_scml(io.BytesIO(text), version="0.12", verbose=True)
    assert [len(event.picks) for event in read_events(io.BytesIO(text), format="SCML")] == [2, 2, 2, 0]  # of an origin


def test_nordic_has_the_picks(tmp_path):
    for event, (_, picks) in zip(by_obspy("nordic", "NORDIC", tmp_path), PAIRS, strict=True):
        times = sorted(pick.time.timestamp for pick in event.picks if pick.phase_hint[0] in "PS")
        assert times == pytest.approx([pick["time"] for pick in picks], abs=1e-3)


def test_nordic_counts_what_has_no_room_and_no_letter(tmp_path):
    event, picks = PAIRS[0]
    magnitude = event["magnitudes"][0]
    changed = event | {"event_type": "quarry blast", "magnitudes": [magnitude | {"type": "M"}]}
    changed["origins"] = [{name: value for name, value in event["origins"][0].items() if name != "rms"}]
    picks = [picks[0] | {"sta": "LONGNAME"}, picks[1]]
    stream, left_out, counts = io.BytesIO(), Counter(), Counter()
    assert load(of_command("catalog")["nordic"].writer)([(changed, picks)], stream, left_out, counts) == 1
    assert counts["picks"] == 1 and [reason.split(":")[0] for reason, number in left_out.items() if number] == [
        "picks of stations with a code of more than 5 letters",
        "types of magnitudes",
        "types of events",
    ]
    (tmp_path / "e.out").write_bytes(stream.getvalue())
    found = read_events(str(tmp_path / "e.out"), format="NORDIC")[0]
    assert found.event_type == "explosion" and found.magnitudes == [] and len(found.picks) == 1
    assert found.origins[0].quality is None or found.origins[0].quality.standard_error is None
    own = read_by_obspy(tmp_path / "e.out", "manual", "NORDIC").events[0]
    assert "place" not in own and "rms" not in own


def with_another_network(event, picks):
    """The event, its stations doubled in a network farther away."""
    others = [pick | {"_id": f"9{pick['_id'][1:]}", "net": "ZZ", "time": pick["time"] + 3} for pick in picks]
    origin = event["origins"][0]
    farther = [
        arrival | {"pick_id": f"9{arrival['pick_id'][1:]}", "net": "ZZ", "distance_km": arrival["distance_km"] + 20}
        for arrival in origin["arrivals"]
    ]
    return event | {"origins": [origin | {"arrivals": [*origin["arrivals"], *farther]}]}, [*picks, *others]


def test_nordic_counts_stations_of_one_code(tmp_path):
    stream, left_out = io.BytesIO(), Counter()
    pair = with_another_network(*PAIRS[0])
    load(of_command("catalog")["nordic"].writer)([pair], stream, left_out, Counter())
    assert left_out["networks of picks at codes that stations of two networks have"] == len(pair[1])
    (tmp_path / "e.out").write_bytes(stream.getvalue())
    read = read_by_obspy(tmp_path / "e.out", "manual", "NORDIC")
    assert len(read.picks) == len(pair[1])
    assert [note for note in read.notes if "picks of two stations stand under one code" in note and "BAD (1)" in note]


def test_networks_of_new_nordic_files_are_read(tmp_path):
    event, picks = with_another_network(*PAIRS[0])
    obspy_catalog([(event, picks)]).write(str(tmp_path / "e.out"), format="NORDIC", nordic_format="NEW")
    read = read_by_obspy(tmp_path / "e.out", "manual", "NORDIC")
    assert sorted(pick["net"] for pick in read.picks if pick["phase"] in "PS") == ["OX", "OX", "ZZ", "ZZ"]
    assert not any("under one code" in note for note in read.notes)


def test_nordic_has_the_decimals_of_every_origins_time(tmp_path):
    times = (1711574350.04, 1711574350.007, 1711574350.0, 1711574350.94)
    (first, picks), parts = PAIRS[0], []
    for number, time in enumerate(times):
        own = {"_id": f"{number:032x}", "time": time, "depth_km": 5.0 + number, "arrivals": []}
        parts.append(first["origins"][0] | own)
    event = first | {"time": times[2], "origins": parts, "preferred_origin_id": parts[2]["_id"]}
    stream = io.BytesIO()
    load(of_command("catalog")["nordic"].writer)([(event, picks)], stream, Counter(), Counter())
    lines = [line for line in stream.getvalue().decode().splitlines() if line[79:] in ("1", "H")]
    assert [float(line[15:22]) for line in lines if line[79] == "H"] == [10.0, 10.04, 10.007, 10.94]
    assert [float(line[15:20]) for line in lines if line[79] == "1"] == [10.0, 10.0, 10.0, 10.9]
    assert [round(float(line[43:52])) for line in lines if line[79] == "H"] == [7, 5, 6, 8]
    (tmp_path / "e.out").write_bytes(stream.getvalue())
    found = read_events(str(tmp_path / "e.out"), format="NORDIC")[0]
    assert sorted(origin.time.timestamp for origin in found.origins) == pytest.approx(sorted(times), abs=1e-3)


def test_the_name_of_a_cmtsolution_is_no_place(tmp_path):
    (tmp_path / "e.out").write_bytes(written("cmtsolution")[0])
    found = read_by_obspy(tmp_path / "e.out", "manual", "CMTSOLUTION").events
    assert len(found) == 3 and all("place" not in event for event in found)


def test_cmtsolution_says_that_its_tensor_is_no_mechanism():
    text, left_out, _ = written("cmtsolution")
    assert sum(left_out.values()) == 3 and "explosion" in next(iter(left_out))
    tensor = read_events(io.BytesIO(text), format="CMTSOLUTION")[0].focal_mechanisms[0].moment_tensor
    moment = 10 ** (1.5 * EVENT["magnitude"] + 16.1) * 1e-7
    assert tensor.scalar_moment == pytest.approx(moment, rel=1e-4)
    assert tensor.tensor.m_rr == tensor.tensor.m_tt and tensor.tensor.m_rt == 0


def test_csep_has_no_zone_and_leaves_out_what_it_cant_take():
    text, left_out, number = written("csep", [*EVENTS, BARE, UNLOCATED])
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert number == len(rows) == 3 and sum(left_out.values()) == 2
    for row, event in zip(rows, EVENTS, strict=True):
        time = datetime.strptime(row["time_string"], "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)
        assert time.timestamp() == pytest.approx(event["time"], abs=1e-6)
        assert row["catalog_id"] == "0" and float(row["mag"]) == 4.61 and float(row["depth"]) == 10.537


def test_pycsep_loads_the_csv(tmp_path):
    csep = pytest.importorskip("csep")
    (tmp_path / "catalog.csv").write_bytes(written("csep")[0])
    catalog = csep.load_catalog(str(tmp_path / "catalog.csv"), type="csep-csv")
    assert catalog.get_magnitudes().tolist() == [4.61] * 3
    assert catalog.get_epoch_times().tolist() == [int(time * 1000) for time in TIMES]


def test_geojson_has_the_fields_of_the_usgs_and_is_read_back(tmp_path):
    text, left_out, _ = written("geojson", [*EVENTS, BARE, UNLOCATED])
    assert list(left_out.values()) == [1]
    features = json.loads(text)["features"]
    assert features[0]["geometry"]["coordinates"] == [12.805, 46.363, 10.537]
    names = (
        "mag place time updated tz url detail felt cdi mmi alert status tsunami sig net code ids sources types nst dmin"
    )
    assert set(features[0]["properties"]) == {*names.split(), "rms", "gap", "magType", "type", "title"}
    assert features[0]["properties"]["time"] == 1711574377300 and features[3]["properties"]["mag"] is None
    (tmp_path / "e.json").write_bytes(text)
    catalog = read_geojson(tmp_path / "e.json")
    assert catalog.rejected == [] and [event["source_id"] for event in catalog.events] == [
        *(event["_id"] for event in EVENTS),
        BARE["_id"],
    ]
    for event, document in zip(catalog.events, EVENTS, strict=False):
        assert event["time"] == pytest.approx(document["time"], abs=6e-4)
        assert (event["latitude"], event["depth_km"]) == (document["latitude"], document["depth_km"])
        assert (event["magnitude"], event["magnitude_type"], event["place"]) == (4.61, "ML", EVENT["place"])
        assert event["origins"][0]["minimum_distance_km"] == pytest.approx(8.4)


def test_a_position_without_depth_has_two_numbers():
    shallow = {name: value for name, value in EVENT.items() if name != "depth_km"}
    (feature,) = json.loads(written("geojson", [shallow])[0])["features"]
    assert feature["geometry"]["coordinates"] == [12.805, 46.363]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"properties": {"time": 1, "status": "deleted"}}, "deleted"),
        ({"properties": {}}, "no 'time'"),
        ({"properties": {"time": "noon"}}, "time 'noon'"),
        ({"geometry": {"coordinates": [1.0, 95.0, 3.0]}}, "95"),
        ({"geometry": None}, "subscriptable"),
    ],
)
def test_odd_features_are_rejected_with_the_reason(tmp_path, change, reason):
    good = {"id": "a", "properties": {"time": 1711574377300}, "geometry": {"coordinates": [1.0, 2.0]}}
    path = tmp_path / "e.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [good, good | {"id": "bad"} | change]}))
    catalog = read_geojson(path)
    assert len(catalog.events) == 1 and "(bad)" in catalog.rejected[0] and reason in catalog.rejected[0]


def test_odd_properties_are_left_out_and_said(tmp_path):
    odd = {"time": "1711574377300", "nst": "12", "mag": -999, "magType": "ml", "gap": 400, "place": ["x"], "net": 5}
    rows = [{"id": 0, "properties": odd | {"type": "quarry"}}, {"properties": odd | {"mag": 1.5, "code": 77}}]
    rows = [row | {"geometry": {"coordinates": [1.0, 2.0]}} for row in rows]
    late = rows[0] | {"id": "late", "properties": {"time": 9e15}}
    (tmp_path / "e.json").write_text(json.dumps({"type": "FeatureCollection", "features": [*rows, late]}))
    catalog = read_geojson(tmp_path / "e.json")
    first, second = catalog.events
    assert (first["source_id"], second["source_id"], first["event_type"]) == ("0", "77", "quarry")
    assert "magnitude" not in first and (second["magnitude"], second["magnitude_type"]) == (1.5, "ML")
    assert first["origins"][0]["n_stations"] == 12 and not {"azimuthal_gap", "place", "event_type"} & second.keys()
    assert "late" in catalog.rejected[0] and "years" in catalog.rejected[0]
    assert [line.split("; ")[0].split(": ", 1)[1] for line in catalog.repaired] == [
        "2 times azimuthal_gap left out, as it is not from 0 to 360",
        "1 times magnitude left out, as it is not from -5 to 11",
        "1 events of type 'quarry', which QuakeML has not, kept as it is",
    ]


def test_an_event_of_no_type_is_no_earthquake_in_geojson(tmp_path):
    event = {name: value for name, value in EVENTS[0].items() if name != "event_type"}
    (tmp_path / "e.json").write_bytes(written("geojson", [event])[0])
    assert "event_type" not in read_geojson(tmp_path / "e.json").events[0]


@pytest.mark.parametrize("text", ["{", "[]", '{"features": 3}'])
def test_what_is_no_geojson_is_refused(tmp_path, text):
    (tmp_path / "e.json").write_text(text)
    with pytest.raises(InputError, match=r"e\.json: not GeoJSON"):
        read_geojson(tmp_path / "e.json")


def test_kml_has_a_placemark_an_event():
    text, left_out, _ = written("kml", [*EVENTS, UNLOCATED])
    root = etree.fromstring(text)
    points = root.findall(".//{*}coordinates")
    assert [point.text for point in points] == ["12.805000,46.363000,0"] * 3 and sum(left_out.values()) == 1
    assert root.find(".//{*}when").text == "2024-03-27T21:19:37.300001Z"


def test_fdsn_text_and_csep_are_read_back_by_our_own_reader(tmp_path):
    for name in ("fdsn-text", "csep"):
        path = tmp_path / f"{name}.csv"
        path.write_bytes(written(name)[0])
        catalog = read_csv(path)
        assert [event["time"] for event in catalog.events] == pytest.approx(TIMES, abs=1e-6)
        assert [event["source_id"] for event in catalog.events] == [event["_id"] for event in EVENTS]
        assert {event["magnitude"] for event in catalog.events} == {4.61}


def test_fdsn_text_has_no_control_characters(tmp_path):
    (tmp_path / "e.txt").write_bytes(written("fdsn-text", [EVENTS[0] | {"place": "a\x00b|c\r\nd"}])[0])
    (event,) = read_csv(tmp_path / "e.txt").events
    assert event["place"] == "a b/c d"


def test_weights_are_of_one_event_nearest_station_first():
    far = EVENT["origins"][1]["arrivals"][0] | {"sta": "FAR", "distance_km": 80.0}
    origin = EVENT["origins"][1] | {"arrivals": [far, *EVENT["origins"][1]["arrivals"]]}
    text, _, _ = written("mtuq-weights", [EVENT | {"origins": [origin]}])
    rows = [line.split() for line in text.decode().splitlines()]
    assert [row[0].split(".")[1:4] for row in rows] == [["OX", "BAD", ""], ["OX", "FAR", ""]]
    assert rows[0][1:7] == ["36.900", *["1"] * 5] and len(rows[0]) == 12
    after = [pick["time"] - origin["time"] for pick in PICKS]
    assert [float(rows[0][7]), float(rows[0][9])] == pytest.approx(after, abs=1e-4)
    del far["distance_km"]
    assert written("mtuq-weights", [EVENT | {"origins": [origin]}])[1] == {NO_DISTANCE: 1}
    with pytest.raises(InputError, match="one event"):
        written("mtuq-weights", EVENTS)


def test_every_writer_takes_odd_and_no_events():
    for item in of_command("catalog", is_written=True).values():
        if item.is_folder or item.name in ("quakeml", "csv", "parquet") or item.name.startswith("ogs"):
            continue
        one = [] if item.name == "mtuq-weights" else [EVENTS[0], BARE, UNLOCATED]
        assert written(item.name, [])[2] == 0 and written(item.name, one)[2] <= 3
