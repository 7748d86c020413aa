"""What QuakeML of others says comes back from an export, or is counted when it is read."""

import io
from collections import Counter

import pytest
from obspy import read_events
from obspy.io.quakeml.core import _validate
from quakeml_texts import arrival, event, magnitude, origin, pick, read

from catalogdb.exchange.documents import catalog_documents
from catalogdb.exchange.quakeml import read_quakeml
from catalogdb.exchange.quakeml_writer import write_quakeml
from catalogdb.exchange.through_obspy import write_scml

MADE = {"agency_id": "OGS", "author": "anna", "creation_time": 1711574400.0}
MADE_TEXT = (
    "<creationInfo><agencyID>OGS</agencyID><author>anna</author><creationTime>2024-03-27T21:20:00Z</creationTime>"
    "</creationInfo>"
)


def comment(text, more=""):
    return f"<comment><text>{text}</text>{more}</comment>"


def description(text, kind=None):
    return f"<description><text>{text}</text>{f'<type>{kind}</type>' if kind else ''}</description>"


def exported(catalog):
    documents = catalog_documents(catalog, "ref", "config", "task", {})
    stream = io.BytesIO()
    write_quakeml([(item, documents.picks) for item in documents.events], stream)
    assert _validate(io.BytesIO(stream.getvalue()))
    return stream.getvalue()


def there_and_back(folder, *parts):
    """The events of ObsPy's reading of an export, and what our reader makes of it."""
    text = exported(read(folder, *parts))
    (folder / "again.xml").write_bytes(text)
    return list(read_events(io.BytesIO(text))), read_quakeml(folder / "again.xml")


def test_descriptions_come_back_with_their_types(tmp_path):
    kinds = [("felt report", "Felt"), ("earthquake name", "Gemona"), ("region name", "Friuli"), (None, "43")]
    (found,), catalog = there_and_back(
        tmp_path, event("1", *(description(text, kind) for kind, text in kinds), origin("a"))
    )
    assert [(one.type, one.text) for one in found.event_descriptions] == kinds
    assert catalog.events[0]["place"] == "Friuli"


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ([("felt report", "Felt")], None),
        ([("earthquake name", "Gemona"), ("Flinn-Engdahl region", "ITALY")], "ITALY"),
        ([("tectonic summary", "Thrust"), (None, "Friuli")], "Friuli"),
    ],
)
def test_a_place_is_what_names_one(tmp_path, given, place):
    catalog = read(tmp_path, event("1", *(description(text, kind) for kind, text in given), origin("a")))
    assert catalog.events[0].get("place") == place
    assert [(one.get("type"), one["text"]) for one in catalog.events[0]["descriptions"]] == given


def test_one_region_name_is_the_place_alone(tmp_path):
    (one,) = read(tmp_path, event("1", description("Friuli", "region name"), origin("a"))).events
    assert one["place"] == "Friuli" and "descriptions" not in one


def test_all_comments_come_back_with_their_authors(tmp_path):
    parts = [
        *(comment("one", MADE_TEXT), comment("two"), origin("a", comment("of origin"), arrival("1", "P"))),
        magnitude("1", 2.0, "a").replace("<type>", comment("of magnitude") + "<type>"),
        pick("1", "P").replace("<phaseHint>", comment("of pick") + "<phaseHint>"),
    ]
    (found,), catalog = there_and_back(tmp_path, event("1", *parts))
    own = [one for one in found.comments if not one.text.startswith("catalogdb: ")]
    assert [(one.text, one.creation_info and one.creation_info.author) for one in own] == [
        ("one", "anna"),
        ("two", None),
    ]
    assert catalog.events[0]["comments"] == [{"text": "one", "creation_info": MADE}, {"text": "two"}]
    assert [one["text"] for one in catalog.events[0]["origins"][0]["comments"]] == ["of origin"]
    assert [one["text"] for one in catalog.events[0]["magnitudes"][0]["comments"]] == ["of magnitude"]
    assert [one["text"] for one in catalog.picks[0]["comments"]] == ["of pick"]


def test_each_part_keeps_who_made_it(tmp_path):
    parts = [origin("a", MADE_TEXT), magnitude("1", 2.0, "a", created="2024-04-01T00:00:00Z")]
    parts.append(pick("1", "P").replace("<phaseHint>", MADE_TEXT + "<phaseHint>"))
    (found,), catalog = there_and_back(tmp_path, event("1", *parts, MADE_TEXT.replace("anna", "eva")))
    (one,) = catalog.events
    assert one["creation_info"] == MADE | {"author": "eva"}
    assert one["origins"][0]["creation_info"] == catalog.picks[0]["creation_info"] == MADE
    assert one["magnitudes"][0]["creation_info"] == {"creation_time": 1711929600.0}
    assert found.magnitudes[0].creation_info.author is None


def test_magnitudes_keep_the_origin_that_they_are_of(tmp_path):
    named = "<preferredOriginID>smi:x/o/a</preferredOriginID>"
    parts = [named, origin("a"), origin("b", time="2024-03-27T21:19:37.5Z"), magnitude("1", 2.0, "b")]
    (found,), catalog = there_and_back(tmp_path, event("1", *parts, magnitude("2", 3.0, "a")))
    assert [one.origin_id.id for one in found.magnitudes] == [found.origins[number].resource_id.id for number in (1, 0)]
    own, other = catalog.events[0]["magnitudes"]
    assert own["origin_id"] == catalog.events[0]["origins"][1]["_id"] and "origin_id" not in other


def test_a_magnitude_that_names_no_origin_is_exported_without(tmp_path):
    (found,), catalog = there_and_back(tmp_path, event("1", origin("a"), magnitude("1", 2.0), magnitude("2", 3.0, "a")))
    assert [one.origin_id and one.origin_id.id for one in found.magnitudes] == [None, found.origins[0].resource_id.id]
    assert [one.get("assumed") for one in catalog.events[0]["magnitudes"]] == [["origin_id"], None]
    scml = io.BytesIO()
    documents = catalog_documents(catalog, "ref", "config", "task", {})
    write_scml([(documents.events[0], [])], scml, Counter(), Counter())
    assert scml.getvalue().count(b"<magnitude ") == 2


def test_a_magnitude_of_no_origin_is_counted(tmp_path):
    catalog = read(tmp_path, event("1", origin("a"), magnitude("1", 2.0, "nowhere")))
    (one,) = catalog.events[0]["magnitudes"]
    assert "origin_id" not in one and one["assumed"] == ["origin_id"]
    assert any("1 magnitudes of an origin that is not usable or not there" in line for line in catalog.repaired)


@pytest.mark.parametrize(
    ("said", "mode", "status", "assumed"),
    [
        ("", "manual", "reviewed", ["evaluation_mode", "evaluation_status"]),
        (" final", "manual", "final", ["evaluation_mode"]),
        ("automatic", "automatic", "preliminary", ["evaluation_status"]),
        ("automatic confirmed", "automatic", "confirmed", None),
    ],
)
def test_a_mode_that_was_assumed_is_not_exported(tmp_path, said, mode, status, assumed):
    (found,), catalog = there_and_back(tmp_path, event("1", origin("a", said=said)))
    (one,) = catalog.events
    assert (one["evaluation_mode"], one["evaluation_status"], one.get("assumed")) == (mode, status, assumed)
    shown = found.origins[0].evaluation_mode or "", found.origins[0].evaluation_status or ""
    assert shown == tuple((said + " ").split(" ")[:2])
    noted = any("1 events without evaluation mode, taken as manual" in line for line in catalog.notes)
    assert noted == ("evaluation_mode" in (assumed or ()))


def test_what_was_assumed_of_a_pick_is_not_exported(tmp_path):
    bare = pick("1", "P", said="").replace("<uncertainty>0.1</uncertainty>", "")
    (found,), catalog = there_and_back(tmp_path, event("1", origin("a", arrival("1", "P")), bare, pick("2", "S")))
    assert [(one.time_errors.uncertainty, one.evaluation_mode) for one in found.picks] == [
        (None, None),
        (0.1, "manual"),
    ]
    assert catalog.picks[0]["assumed"] == ["uncertainty", "evaluation_mode"]
    assert catalog.picks[0]["uncertainty"] == 0.1 and "assumed" not in catalog.picks[1]


def test_methods_and_models_of_others_keep_their_names(tmp_path):
    ids = "<methodID>smi:ingv.it/hypo71</methodID><earthModelID>quakeml:ogs.it/model/a</earthModelID>"
    (first, second), _ = there_and_back(tmp_path, event("1", origin("a", ids)), event("2", origin("b")))
    assert first.origins[0].method_id.id == "smi:ingv.it/hypo71"
    assert first.origins[0].earth_model_id.id == "quakeml:ogs.it/model/a"
    assert second.origins[0].method_id is None


def test_how_a_depth_was_found_comes_back(tmp_path):
    text = "<depth><value>5000</value></depth><depthType>operator assigned</depthType>"
    (found,), catalog = there_and_back(tmp_path, event("1", origin("a", text)))
    assert found.origins[0].depth_type == catalog.events[0]["origins"][0]["depth_type"] == "operator assigned"


def test_elements_that_are_not_stored_are_counted(tmp_path):
    odd = "<region>Friuli</region><quality><maximumDistance>2</maximumDistance></quality>"
    parts = [origin("a", odd), pick("1", "P").replace("<phaseHint>", "<filterID>smi:x/f</filterID><phaseHint>")]
    catalog = read(tmp_path, event("1", *parts), event("2", origin("b", odd)))
    (line,) = [line for line in catalog.notes if "not stored" in line]
    assert line.endswith(": origin/region (2), pick/filterID (1), quality/maximumDistance (2)")


def test_our_own_files_hold_nothing_that_is_not_stored(tmp_path):
    parts = [origin("a", arrival("1", "P"), said="manual reviewed"), magnitude("1", 2.0, "a"), pick("1", "P")]
    _, catalog = there_and_back(tmp_path, event("1", *parts, comment("one")))
    assert catalog.notes == [] and catalog.repaired == []
