"""Values of QuakeML that no earthquake has, ids that stand twice, types, and texts within limits."""

import bz2
import gzip
import io
import zipfile

import pytest
from obspy.core.event.header import EventType
from obspy.io.quakeml.core import _validate
from quakeml_texts import arrival, depth, document, event, magnitude, origin, pick, read

from catalogdb.errors import InputError
from catalogdb.event_types import NEVER_COUNTED, exists, wanted_types
from catalogdb.exchange.documents import catalog_documents
from catalogdb.exchange.quakeml import read_quakeml, write_quakeml
from catalogdb.exchange.quakeml_times import carried


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-03-27T21:19:60.00Z", "2024-03-27T21:20:00.00Z"),
        ("2024-03-27T23:59:60.25", "2024-03-28T00:00:00.25"),
        ("2024-12-31T23:60:00Z", "2025-01-01T00:00:00Z"),
        ("2024-12-31T24:00:00Z", "2025-01-01T00:00:00Z"),
        ("2024-03-27 21:19:60+01:00", "2024-03-27T21:20:00+01:00"),
        ("2024-03-27T21:19:59.99Z", None),
        ("2024-03-27T21:19:61Z", None),
        ("2024-03-27T25:00:00Z", None),
        ("60", None),
    ],
)
def test_seconds_and_minutes_of_60_are_carried(text, time):
    assert carried(text) == time


def test_seconds_of_60_keep_origin_and_pick(tmp_path):
    at = pick("1", "P", second=60)
    catalog = read(tmp_path, event("1", origin("a", arrival("1", "P"), time="2024-03-27T21:19:60.5Z"), at))
    assert catalog.events[0]["time"] == 1711574400.5 and catalog.picks[0]["time"] == 1711574400.0
    assert catalog.rejected == [] and sum("read as 2024-03-27T21:20:00" in line for line in catalog.repaired) == 2


@pytest.mark.parametrize("value", [999000, -999000, 9999000, -999, -9999])
def test_a_depth_that_stands_for_none_is_left_out(tmp_path, value):
    catalog = read(tmp_path, event("1", origin("a", depth(value))))
    assert "depth_km" not in catalog.events[0] and catalog.events[0]["latitude"] == 46.3
    assert any("1 depths left out" in line and f"{value} m" in line for line in catalog.repaired)


@pytest.mark.parametrize("value", [1_500_000, -20_000, 8e9])
def test_a_depth_where_no_earthquake_is_rejects_its_origin(tmp_path, value):
    catalog = read(tmp_path, event("1", origin("a", depth(value)), origin("b", depth(8000))))
    assert catalog.events[0]["depth_km"] == 8.0
    assert "origin smi:x/o/a: depth" in catalog.rejected[0] and "QuakeML has depths in metres" in catalog.rejected[0]


def with_level(percent: float | None) -> str:
    level = "" if percent is None else f"<confidenceLevel>{percent}</confidenceLevel>"
    return (
        f"<depth><value>8000</value><uncertainty>3290</uncertainty>{level}</depth>"
        f"<originUncertainty><minHorizontalUncertainty>1000</minHorizontalUncertainty>"
        f"<maxHorizontalUncertainty>4292</maxHorizontalUncertainty>{level}</originUncertainty>"
    )


@pytest.mark.parametrize(
    ("percent", "depth_km", "horizontal_km"),
    [(None, 3.29, 4.292), (68, 3.29, 4.292 / 1.5096), (90, 2.0, 2.0), (95, 3.29 / 1.95996, 4.292 / 2.44775)],
)
def test_uncertainties_become_one_standard_deviation(tmp_path, percent, depth_km, horizontal_km):
    """IMS bulletins give 90 %; axes of an ellipse of 68 %, as NonLinLoc's, are 1.51 standard deviations long."""
    (found,) = read(tmp_path, event("1", origin("a", with_level(percent)))).events[0]["origins"]
    assert found["depth_uncertainty_km"] == pytest.approx(depth_km, rel=1e-3)
    assert found["horizontal_uncertainty_km"] == pytest.approx(horizontal_km, rel=1e-3)


@pytest.mark.parametrize(
    ("percent", "horizontal_km"),
    [(None, 4.292), (68, 4.292 / 1.5096), (90, 4.292 / 2.14597), (95, 4.292 / 2.44775), (39.3469, 4.292)],
)
def test_a_radius_becomes_one_standard_deviation(tmp_path, percent, horizontal_km):
    """A circle of 90 % has a radius of 2.15 standard deviations in each direction."""
    level = "" if percent is None else f"<confidenceLevel>{percent}</confidenceLevel>"
    inside = f"<originUncertainty><horizontalUncertainty>4292</horizontalUncertainty>{level}</originUncertainty>"
    (found,) = read(tmp_path, event("1", origin("a", inside))).events[0]["origins"]
    assert found["horizontal_uncertainty_km"] == pytest.approx(horizontal_km, rel=1e-4)


@pytest.mark.parametrize(("level", "horizontal_km"), [("", 0.75), ("<confidenceLevel>90</confidenceLevel>", 2.0)])
def test_with_a_level_the_larger_axis_comes_before_the_radius(tmp_path, level, horizontal_km):
    inside = (
        "<originUncertainty><horizontalUncertainty>750</horizontalUncertainty>"
        f"<maxHorizontalUncertainty>4292</maxHorizontalUncertainty>{level}</originUncertainty>"
    )
    (found,) = read(tmp_path, event("1", origin("a", inside))).events[0]["origins"]
    assert found["horizontal_uncertainty_km"] == pytest.approx(horizontal_km, rel=1e-4)


@pytest.mark.parametrize("value", [999, -9.9, 1e30, -99])
def test_a_magnitude_out_of_bounds_costs_itself(tmp_path, value):
    catalog = read(tmp_path, event("1", origin("a"), magnitude("1", value)))
    assert catalog.events[0]["magnitudes"] == [] and "magnitude" not in catalog.events[0]
    assert any("1 times magnitude left out" in line and f"{value:g}" in line for line in catalog.repaired)


@pytest.mark.parametrize("value", ["-0.05", "0", "1e30", "-1"])
def test_an_uncertainty_out_of_bounds_is_none(tmp_path, value):
    inside = f"<depth><value>8000</value><uncertainty>{value}</uncertainty></depth>"
    catalog = read(tmp_path, event("1", origin("a", inside), pick("1", "P", uncertainty=value)))
    assert catalog.picks[0]["uncertainty"] == 0.1 and "depth_uncertainty_km" not in catalog.events[0]["origins"][0]
    assert any("1 picks without a usable uncertainty, taken as 0.1 s" in line for line in catalog.repaired)
    assert any("1 times depth_uncertainty_km left out" in line for line in catalog.repaired)


@pytest.mark.parametrize("year", ["0001", "9999", "2150"])
def test_a_year_that_is_none_is_rejected_by_name(tmp_path, year):
    at = pick("1", "P").replace("2024-", f"{year}-")
    catalog = read(tmp_path, event("1", origin("a", time=f"{year}-03-27T21:19:36Z"), at), event("2", origin("b")))
    assert [item["source_id"] for item in catalog.events] == ["smi:x/e/2"] and catalog.picks == []
    assert sum(f"year {int(year)} is outside 100..2099" in line for line in catalog.rejected) == 2


@pytest.mark.parametrize(
    ("inside", "name"),
    [
        ("<quality><azimuthalGap>-1</azimuthalGap></quality>", "azimuthal_gap"),
        ("<quality><standardError>-0.5</standardError></quality>", "rms"),
        ("<quality><usedPhaseCount>-999</usedPhaseCount></quality>", "n_picks"),
        ("<quality><minimumDistance>999</minimumDistance></quality>", "minimum_distance_km"),
    ],
)
def test_other_numbers_out_of_bounds_are_left_out(tmp_path, inside, name):
    catalog = read(tmp_path, event("1", origin("a", inside)))
    assert name not in catalog.events[0]["origins"][0]
    assert any(f"1 times {name} left out" in line and "origin smi:x/o/a" in line for line in catalog.repaired)


# -- ids that stand twice


def test_events_of_one_id_and_other_content_are_kept(tmp_path):
    parts = [event("1", origin(f"o{n}", arrival("1", "P")), pick("1", "P", second=40 + n)) for n in range(3)]
    catalog = read(tmp_path, *parts, parts[1])
    assert [item["source_id"] for item in catalog.events] == ["smi:x/e/1", "smi:x/e/1#2", "smi:x/e/1#3"]
    assert any("2 events of another content under the publicID smi:x/e/1" in line for line in catalog.repaired)
    assert any("event smi:x/e/1 stands 2 times, alike in every value: read once" in line for line in catalog.repaired)
    documents = catalog_documents(catalog, "ref", "config", "task", {})
    times = {item["_id"]: item["time"] for item in documents.picks}
    used = [item["origins"][0]["arrivals"][0] for item in documents.events]
    assert [times[one["pick_id"]] for one in used] == [one["time"] for one in used] and len(times) == 3


def test_of_twin_picks_the_preferred_origins_stays(tmp_path):
    named = "<preferredOriginID>smi:x/o/b</preferredOriginID>"
    parts = [
        origin("a", arrival("1", "P")),
        origin("b", arrival("2", "P")),
        pick("1", "P"),
        pick("2", "P", "automatic"),
    ]
    documents = catalog_documents(read(tmp_path, event("1", named, *parts)), "ref", "config", "task", {})
    (only,) = documents.picks
    assert (only["source_id"], only["evaluation_mode"]) == ("smi:x/k/2", "automatic")
    assert [one["arrivals"][0]["pick_id"] for one in documents.events[0]["origins"]] == [only["_id"]] * 2
    assert documents.counts["merged_picks"] == 1 and "merged" in documents.merged[0]


def test_of_twin_picks_in_no_preferred_origin_the_manual_one_stays(tmp_path):
    parts = [origin("a"), pick("1", "P", "automatic"), pick("2", "P", "manual"), pick("3", "P", "automatic")]
    (only,) = catalog_documents(read(tmp_path, event("1", *parts)), "ref", "config", "task", {}).picks
    assert only["source_id"] == "smi:x/k/2"


def test_a_pick_has_the_phase_of_the_preferred_origin(tmp_path):
    parts = [
        origin("a", arrival("1", "Pn"), arrival("2", "Pb"), said="automatic"),
        origin("b", arrival("1", "Pg"), said="manual"),
    ]
    others = [pick("1", "P"), pick("2", "P", sta="BBB"), pick("3", "P", sta="CCC")]
    catalog = read(tmp_path, event("1", *parts, *others))
    assert [item["phase"] for item in catalog.picks] == ["Pg", "Pb", "P"]


def test_amplitudes_and_t_phases_are_no_picks(tmp_path):
    phases = ["Pg", "PmP", "pP", "Sn", "IAML", "AML", "T", "PKP"]
    parts = [pick(str(n), phase, sta=f"S{n}") for n, phase in enumerate(phases)]
    arrivals = [arrival(str(n), phase) for n, phase in enumerate(phases)]
    documents = catalog_documents(read(tmp_path, event("1", origin("a", *arrivals), *parts)), "ref", "c", "t", {})
    (one,) = documents.events
    assert (one["n_picks"], one["n_p"], one["n_s"], one["origins"][0]["n_stations"]) == (5, 1, 1, 5)
    assert documents.counts["picks"] == 5 and len(one["origins"][0]["arrivals"]) == 8
    assert {item["phase"] for item in documents.picks if item.get("is_counted") is False} == {"IAML", "AML", "T"}


# -- types


def round_trip(tmp_path, *parts):
    documents = catalog_documents(read(tmp_path, *parts), "ref", "config", "task", {})
    stream = io.BytesIO()
    write_quakeml([(item, documents.picks) for item in documents.events], stream)
    assert _validate(io.BytesIO(stream.getvalue()))
    (tmp_path / "again.xml").write_bytes(stream.getvalue())
    return read_quakeml(tmp_path / "again.xml")


@pytest.mark.parametrize("kind", tuple(EventType))
def test_each_type_of_quakeml_comes_back_from_an_export(tmp_path, kind):
    assert len(tuple(EventType)) == 44
    (found,) = round_trip(tmp_path, event("1", origin("a"), kind=kind)).events
    assert found["event_type"] == kind and exists(found) == (kind not in NEVER_COUNTED)


def test_modes_statuses_and_preferred_parts_come_back_from_an_export(tmp_path):
    parts = [
        "<preferredOriginID>smi:x/o/b</preferredOriginID><preferredMagnitudeID>smi:x/m/1</preferredMagnitudeID>",
        *(
            origin("a", said="automatic preliminary"),
            origin("b", said="manual rejected"),
            origin("c", said="automatic"),
        ),
        *(magnitude("1", 2.0, "a", "automatic confirmed"), magnitude("2", 3.0, "b", "manual final")),
        pick("1", "P", "manual rejected"),
    ]
    catalog = round_trip(tmp_path, event("1", *parts))
    (found,) = catalog.events
    assert [(o["evaluation_mode"], o.get("evaluation_status")) for o in found["origins"]] == [
        *(("automatic", "preliminary"), ("manual", "rejected"), ("automatic", None))
    ]
    assert [(m["evaluation_mode"], m["evaluation_status"]) for m in found["magnitudes"]] == [
        *(("automatic", "confirmed"), ("manual", "final"))
    ]
    assert (found["evaluation_mode"], found["evaluation_status"], found["magnitude"]) == ("manual", "rejected", 2.0)
    assert found["preferred_origin_id"] == found["origins"][1]["_id"]
    assert catalog.picks[0]["evaluation_status"] == "rejected"


@pytest.mark.parametrize("kind", ["duplicate earthquake", "quarry", "null"])
def test_an_unknown_type_costs_the_type_alone(tmp_path, kind):
    catalog = read(tmp_path, event("1", origin("a"), kind=kind), event("2", origin("b"), kind="Quarry_Blast"))
    assert [item.get("event_type") for item in catalog.events] == [None, "quarry blast"] and catalog.rejected == []
    assert any(f"event type '{kind}' is none of QuakeML's" in line for line in catalog.repaired)


def test_types_to_compare_are_checked():
    assert wanted_types(["quarry blast,Earthquake", "earthquake"]) == ("earthquake", "quarry blast")
    assert wanted_types(["Blast"], ["blast"]) == ("blast",)
    with pytest.raises(InputError, match="unknown event type 'quake'"):
        wanted_types(["quake"])
    with pytest.raises(InputError, match="never count"):
        wanted_types(["not existing"])


def test_picks_of_what_does_not_exist_never_count(tmp_path):
    parts = [
        event("1", origin("a", arrival("1", "P")), pick("1", "P"), kind="not existing"),
        event("2", origin("b", arrival("2", "P"), said="manual rejected"), pick("2", "P", sta="BBB")),
        event("3", pick("3", "P", sta="CCC"), kind="not reported"),
        event("4", origin("c", arrival("4", "P")), pick("4", "P", sta="BBB"), pick("5", "P", "manual rejected", "DDD")),
    ]
    documents = catalog_documents(read(tmp_path, *parts), "ref", "config", "task", {})
    counted = {item["sta"]: item.get("is_counted", True) for item in documents.picks}
    assert counted == {"AAA": False, "BBB": True, "CCC": False, "DDD": False}
    assert documents.counts["events_rejected_or_not_existing_that_never_count"] == 3


# -- limits of XML, and encodings


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE q [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE q [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE q [<!ENTITY % p SYSTEM "http://localhost:1/p"> %p;]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_files_that_declare_entities_are_refused(tmp_path, declaration, encoding):
    text = document(event("1", origin("a"))).replace("UTF-8", encoding).replace("?>", f"?>{declaration}", 1)
    (tmp_path / "e.xml").write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match="declares the XML entity"):
        read_quakeml(tmp_path / "e.xml")


@pytest.mark.parametrize(
    "inside",
    ["<a>" * 1000 + "</a>" * 1000, f"<comment><text>{'x' * 10_500_000}</text></comment>"],
    ids=["deep", "long"],
)
def test_depth_and_texts_of_xml_have_limits(tmp_path, inside):
    (tmp_path / "e.xml").write_text(document(event("1", origin("a"), inside)))
    with pytest.raises(InputError, match="not XML"):
        read_quakeml(tmp_path / "e.xml")


def test_a_harmless_doctype_is_read(tmp_path):
    (tmp_path / "e.xml").write_text(document(event("1", origin("a"))).replace("?>", "?><!DOCTYPE quakeml>", 1))
    assert len(read_quakeml(tmp_path / "e.xml").events) == 1


PLACE = "<description><text>Friaûl è là</text></description>"


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("e.xml", content)
    return stream.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, zipped])
@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16", "UTF-8"),
        ("utf-16-le", "UTF-16"),
        ("latin-1", "ISO-8859-1"),
        ("latin-1", "UTF-8"),
    ],
)
def test_every_encoding_and_packing_is_read(tmp_path, encoding, declared, pack):
    text = document(event("1", origin("a"), PLACE)).replace("UTF-8", declared)
    (tmp_path / "e.xml").write_bytes(pack(text.encode(encoding)))
    catalog = read_quakeml(tmp_path / "e.xml")
    assert [item["place"] for item in catalog.events] == ["Friaûl è là"]
    assert len(catalog.repaired) == ((encoding, declared) == ("latin-1", "UTF-8"))


@pytest.mark.parametrize("root", ["seiscomp", "FDSNStationXML", "html", "anything"])
def test_other_xml_is_refused_with_a_next_step(tmp_path, root):
    (tmp_path / "e.xml").write_text(f"<{root}/>")
    with pytest.raises(InputError, match=f"root element is {root}") as caught:
        read_quakeml(tmp_path / "e.xml")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("depths", "said"),
    [
        ((12.5, 33, 170, 5, 210.4), True),
        ((12.5, 33, 170, 5), False),  # four say little
        ((12.5, 33, 170, 5, 900), False),
        ((12.5, 33, 170, 5, -20), False),
        ((0, 0, 0, 0, 0, 0), False),
    ],
)
def test_depths_that_look_like_kilometres_are_said(tmp_path, depths, said):
    parts = [event(str(number), origin(str(number), depth(value))) for number, value in enumerate(depths)]
    catalog = read(tmp_path, *parts)
    assert [one["depth_km"] for one in catalog.events] == [value / 1000 for value in depths]
    assert any("were kilometres written where metres are meant?" in note for note in catalog.notes) is said


def test_station_magnitudes_that_no_magnitude_names_are_counted(tmp_path):
    def part(name):
        return (
            f'<stationMagnitude publicID="smi:x/s/{name}"><originID>smi:x/o/1</originID><mag><value>2.1</value></mag>'
            f'<waveformID networkCode="XX" stationCode="{name}"/></stationMagnitude>'
        )

    named = "<stationMagnitudeContribution><stationMagnitudeID>smi:x/s/AAA</stationMagnitudeID>"
    whole = magnitude("1", 2.1).replace("<mag>", f"{named}</stationMagnitudeContribution><mag>", 1)
    catalog = read(tmp_path, event("1", origin("1"), whole, part("AAA"), part("BBB"), part("CCC")))
    assert [one["sta"] for one in catalog.events[0]["magnitudes"][0]["station_magnitudes"]] == ["AAA"]
    assert any("2 station magnitudes that no magnitude names, not stored" in line for line in catalog.repaired)
