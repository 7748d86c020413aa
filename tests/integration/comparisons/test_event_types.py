"""Which events count: those that exist, or those of chosen types; their picks likewise."""

import pytest
from catalogs import T0, put_catalog

from catalogdb.comparisons import evaluate, filled_pipeline, match_events
from catalogdb.errors import InputError
from catalogdb.upkeep.diff import diff_catalogs

KINDS = [
    *({}, {"event_type": "not existing"}, {"event_type": "quarry blast"}, {"evaluation_status": "rejected"}),
    *({"event_type": "not reported"}, {"event_type": "earthquake"}),
]
WEEK = {"starttime": T0, "endtime": T0 + 1000}


@pytest.fixture
def pair(db):
    """A reference of six events 100 s apart, each with a pick 5 s later, and a catalog that found all but the first."""
    places = [(100.0 * number + 50, 46.0, 13.0) for number in range(6)]
    picks = [(time + 5, "BAD", "P") for time, *_ in places]
    put_catalog(db, "ref", places, [*picks, (990, "BAD", "PmP")])
    put_catalog(db, "cat", [*places[1:], (900.0, 46.0, 13.0)], [*picks[1:], (905, "BAD", "P")])
    for name, first in (("ref", 0), ("cat", 1)):
        for number, pick in enumerate(picks[first:]):
            arrival = {"pick_id": f"{name}pick{number:06d}", "phase": "P", "sta": "BAD", "time": T0 + pick[0]}
            update = {"origins": [{"_id": "o", "arrivals": [arrival]}], "preferred_origin_id": "o"}
            db.event.update_one({"_id": f"{name}{number:06d}"}, {"$set": update})
    for number, kind in enumerate(KINDS):
        if kind:
            db.event.update_one({"_id": f"ref{number:06d}"}, {"$set": kind})
        if number in (1, 3, 4):
            db.pick.update_one({"_id": f"refpick{number:06d}"}, {"$set": {"is_counted": False}})
    return db


def outcomes(row):
    return row["matched"], row["missed"], row["proposed"]


def test_what_does_not_exist_counts_nowhere(pair):
    result = evaluate(pair, "cat", "ref", **WEEK)
    # of the reference's six, 0, 2 and 5 exist; the detections of 1, 3 and 4 are of nothing
    assert outcomes(result["events"]) == (2, 1, 4) and outcomes(result["picks"]["P"]) == (2, 1, 4)
    assert result["in_period"] == {"catalog": 6, "reference": 3}
    assert any("3 events of ref in the period are rejected, not existing" in note for note in result["notes"])
    assert pair.event_match.count_documents({"event_id": "ref000001"}) == 0
    assert len(match_events(pair, "cat", "ref", T0, T0 + 1000, 2.0, 8.0)) == 2
    assert result["picks"]["S"]["missed"] == 0


def test_the_views_leave_it_out_too(pair):
    span = {"reference": "ref", "catalog": "cat", **WEEK}
    rows = list(pair.event.aggregate(filled_pipeline("match_events", **span, max_dt=2.0, max_km=8.0)))
    assert sorted(row["reference_id"] for row in rows) == ["ref000002", "ref000005"]
    rows = list(pair.pick.aggregate(filled_pipeline("match_picks", **span, max_dt=0.5)))
    assert sorted(row["outcome"] for row in rows) == ["matched"] * 2 + ["missed"] + ["proposed"] * 4
    (day,) = pair.events_per_day.find({"catalog": "ref"})
    assert day["events"] == 3 and pair.source.count_documents({"catalog": "ref"}) == 3
    picks = pair.picks_per_station_day.aggregate([{"$match": {"pick_set": "ref", "phase": "P"}}])
    assert sum(row["picks"] for row in picks) == 3
    assert [row["phase"] for row in pair.unassociated_picks.find({"pick_set": "ref"})] == ["PmP"]


@pytest.mark.parametrize(
    ("types", "events", "picks"),
    [
        (["earthquake"], (1, 1, 4), (1, 1, 4)),
        (["Quarry_Blast"], (1, 0, 0), (1, 0, 1)),  # the pick at 905 s is of no event, and counts
        (["earthquake,quarry blast"], (2, 1, 4), (2, 1, 4)),
    ],
)
def test_chosen_types_count_and_others_are_no_proposals(pair, types, events, picks):
    result = evaluate(pair, "cat", "ref", event_types=types, **WEEK)
    assert outcomes(result["events"]) == events and outcomes(result["picks"]["P"]) == picks
    assert result["gates"]["event_types"] == sorted(types[0].replace("_", " ").lower().split(","))
    assert any("without a type count as earthquake" in note for note in result["notes"]) == ("earthquake" in types[0])


def test_each_choice_of_types_is_a_comparison_of_its_own(pair):
    every = evaluate(pair, "cat", "ref", **WEEK)
    blasts = evaluate(pair, "cat", "ref", event_types=["quarry blast"], **WEEK)
    assert every["comparison"] != blasts["comparison"] and "event_types" not in every["gates"]
    assert evaluate(pair, "cat", "ref", **WEEK)["events"] == every["events"]
    shown = {row["_id"]: row["event_types"] for row in pair.catalog_comparisons.find()}
    assert shown == {every["comparison"]: ["all that exist"], blasts["comparison"]: ["quarry blast"]}


def test_a_type_that_nobody_knows_is_refused(pair):
    with pytest.raises(InputError, match="unknown event type 'quake'"):
        evaluate(pair, "cat", "ref", event_types=["quake"], **WEEK)
    pair.event.update_one({"_id": "ref000000"}, {"$set": {"event_type": "suspected slide"}})
    assert outcomes(evaluate(pair, "cat", "ref", event_types=["suspected slide"], **WEEK)["events"]) == (0, 1, 0)


def test_diff_compares_what_is_rejected_too(pair):
    assert diff_catalogs(pair, "ref", "cat", with_settings=False)["events"]["a"] == 6


def test_diff_gives_no_difference_of_what_neither_has(db, cli):
    put_catalog(db, "a", [(0, 46, 13), (100, 46, 13), (200, 46, 13, 5.0, 1.0)])
    put_catalog(db, "b", [(0.25, 46, 13), (100, 46, 13), (200, 46, 13, 5.0)])
    db.event.update_one({"_id": "a000000"}, {"$set": {"n_p": 3, "n_s": 2}})
    moved, without = diff_catalogs(db, "a", "b", with_settings=False)["events"]["moved_rows"]
    assert {"depth_difference_km", "magnitude_difference"}.isdisjoint(moved) and moved["dt"] == 0.25
    assert without["magnitude_difference"] is None and without["depth_difference_km"] == 0.0
    assert "3+2 -> -+-" in cli("diff", "a", "b").out
