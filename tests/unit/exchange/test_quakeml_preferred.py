"""Which origin and magnitude of a QuakeML event is taken, and that it is said."""

import pytest
from quakeml_texts import event, magnitude, origin, read

OLD, NEW = "2024-03-28T00:00:00Z", "2024-03-29T00:00:00Z"


@pytest.mark.parametrize(
    ("origins", "best"),
    [
        ([("a", "automatic preliminary", NEW), ("b", "manual reviewed", OLD)], "b"),
        ([("a", "automatic", NEW), ("b", "automatic confirmed", OLD)], "b"),
        ([("a", "automatic", NEW), ("b", "", OLD)], "b"),
        ([("a", "automatic", ""), ("b", "automatic", "")], "a"),
        ([("a", "manual", OLD), ("b", "manual final", NEW), ("c", "manual", OLD)], "b"),
        ([("a", "manual rejected", NEW), ("b", "automatic", OLD)], "b"),
        ([("a", "manual", ""), ("b", "manual", OLD)], "b"),
    ],
)
def test_the_reviewed_then_the_newest_origin_is_taken(tmp_path, origins, best):
    parts = [origin(name, said=said, created=created) for name, said, created in origins]
    catalog = read(tmp_path, event("1", *parts))
    assert catalog.events[0]["preferred_origin_id"] == f"smi:x/o/{best}"
    (note,) = [note for note in catalog.notes if "without evaluation mode" not in note]
    assert "1 events of several origins that name no preferred one" in note and "reviewed" in note
    assert f"event 1 (smi:x/e/1): smi:x/o/{best}" in note


def test_one_origin_leaves_nothing_to_choose(tmp_path):
    catalog = read(tmp_path, event("1", origin("a", said="automatic")))
    assert catalog.notes == [] and catalog.repaired == []


def test_a_named_origin_is_taken_whatever_it_says(tmp_path):
    named = "<preferredOriginID>smi:x/o/a</preferredOriginID>"
    catalog = read(tmp_path, event("1", named, origin("a", said="automatic rejected"), origin("b", said="manual")))
    assert catalog.events[0]["preferred_origin_id"] == "smi:x/o/a"
    assert catalog.events[0]["evaluation_status"] == "rejected" and catalog.notes == []


@pytest.mark.parametrize("wanted", ["smi:x/o/none", "smi:x/o/bad"])
def test_a_preferred_id_of_nothing_usable_is_said_and_replaced(tmp_path, wanted):
    bad = origin("bad", said="manual").replace("46.3", "946")
    parts = [bad, origin("a", said="automatic"), origin("b", said="manual")]
    catalog = read(tmp_path, event("1", f"<preferredOriginID>{wanted}</preferredOriginID>", *parts))
    assert catalog.events[0]["preferred_origin_id"] == "smi:x/o/b"
    (line,) = [line for line in catalog.repaired if "preferred" in line]
    assert f"preferred origin {wanted} is not among its origins; taken is smi:x/o/b" in line


def test_an_event_of_rejected_origins_alone_is_rejected(tmp_path):
    catalog = read(tmp_path, event("1", origin("a", said="manual rejected"), origin("b", said="automatic rejected")))
    assert catalog.events[0]["evaluation_status"] == "rejected"


@pytest.mark.parametrize(
    ("magnitudes", "best"),
    [
        ([magnitude("1", 4.2, "a"), magnitude("2", 4.5, "b")], 4.5),  # reviewed as their origins are
        ([magnitude("1", 4.2, "a", "manual"), magnitude("2", 4.5, "b", "automatic")], 4.2),
        ([magnitude("1", 4.2, "b", created=OLD), magnitude("2", 4.5, "b", created=NEW)], 4.5),
        ([magnitude("1", 4.2, "b", "manual rejected"), magnitude("2", 4.5, "a", "automatic")], 4.5),
        ([magnitude("1", 4.2, "c", created=NEW), magnitude("2", 4.5, "b")], 4.5),  # of the preferred origin
        ([magnitude("1", 999, "b"), magnitude("2", 4.5, "a")], 4.5),
    ],
)
def test_the_magnitude_follows_the_same_rule(tmp_path, magnitudes, best):
    origins = [origin("a", said="automatic"), origin("b", said="manual", created=NEW)]
    origins.append(origin("c", said="manual", created=OLD))
    catalog = read(tmp_path, event("1", *origins, *magnitudes))
    assert catalog.events[0]["magnitude"] == best
    chosen = [note for note in catalog.notes if "several magnitudes" in note]
    assert len(chosen) == (len(catalog.events[0]["magnitudes"]) > 1)
