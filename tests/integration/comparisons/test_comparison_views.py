"""Views of comparisons: figures, ranking, and the names of their catalogs."""

import pytest
from catalogs import T0, put_catalog

from catalogdb.api.queries import count
from catalogdb.comparisons import evaluate
from catalogdb.filters import read_filter
from catalogdb.schema import views
from catalogdb.view_fields import fields_of_view


def put_comparison(db):
    """Two catalogs with one of everything, compared."""
    put_catalog(
        db,
        "ref",
        [(0, 46, 13, 5.0, 1.0), (300, 46, 13, 5.0, 2.0)],
        [(1, "A", "P"), (2, "A", "S"), (3, "B", "P"), (301, "A", "P"), (302, "C", "P")],
    )
    put_catalog(
        db,
        "cat",
        [(0.5, 46, 13, 7.0, 1.5), (600, 46, 13, 5.0, 1.0)],
        [(1.1, "A", "P"), (2.1, "A", "P"), (50, "A", "S")],
        kind="automatic",
    )
    db.pick.update_many({"pick_set": "cat"}, {"$set": {"probability": 0.7}})
    for name, event, picks in (("ref", 0, (0, 1, 2)), ("ref", 1, (3, 4)), ("cat", 0, (0, 1))):
        arrivals = [{"pick_id": f"{name}pick{at:06d}", "phase": "P", "sta": "A", "time": T0} for at in picks]
        change = {"origins": [{"_id": "o", "arrivals": arrivals}]}
        db.event.update_one({"_id": f"{name}{event:06d}"}, {"$set": change})
    site = {"net": "OX", "sta": "A", "loc": "", "lat": 46.1, "lon": 13.0, "elev": 0.5}
    db.site.insert_one(site | {"starttime": 0.0, "endtime": 4e9})
    for sta in "AB":
        segment = {"file_id": "f", "net": "OX", "sta": sta, "loc": "", "chan": "HHZ", "channel_group": f"OX.{sta}..HH"}
        segment |= {"npts": 1, "delta": 0.01, "sampling_rate": 100.0, "dir": "/", "dfile": sta, "foff": 0, "nbytes": 1}
        db.wf_miniseed.insert_one(segment | {"starttime": T0 - 100, "endtime": T0 + 1000})
    evaluate(db, "cat", "ref", starttime=T0 - 100, endtime=T0 + 1000)


def test_ranking_is_among_comparisons_of_one_period(db):
    put_catalog(db, "ref", [(time, 46, 13) for time in (0, 100, 200)])
    put_catalog(db, "all", [(time, 46, 13) for time in (0, 100, 200)])
    put_catalog(db, "some", [(0, 46, 13)])
    put_catalog(db, "first", [(0, 46, 13)])
    for name, end in (("all", 300), ("some", 300), ("first", 50)):
        evaluate(db, name, "ref", starttime=T0 - 10, endtime=T0 + end)
    rows = [(row["catalog"], row["rank"], row["end"].timestamp() - T0) for row in db.ranking.find({"reference": "ref"})]
    assert rows == [("first", 1, 50), ("all", 1, 300), ("some", 2, 300)]
    assert count(db, "ranking", [read_filter(text) for text in ("start>=2023", "end<2023-11-14T22:15:00")]) == 1


EVALUATED = ("score", "event_match", "pick_match", "comparison")


OF_EVALUATION = [
    name for name, view in views().items() if view.on in EVALUATED and not view.parameters and name != "scores"
]


@pytest.mark.parametrize("name", OF_EVALUATION)
def test_view_of_a_comparison_answers_by_the_names_of_its_catalogs(db, name):
    put_comparison(db)
    rows = list(db[name].find({"catalog": "cat", "reference": "ref"}))
    assert rows and db[name].count_documents({"catalog": "ref"}) == 0
    for column in views()[name].columns:
        assert any(column in row for row in rows), f"{name}: no row has {column}"


def test_figures_of_a_small_comparison(db):
    put_comparison(db)
    p = db.pick_scores.find_one({"phase": "P"})
    assert (p["matched"], p["missed"], p["no_data"], p["wanted"], p["found"]) == (1, 2, 1, 3, 2)
    assert p["recall"] == pytest.approx(1 / 3) and p["recall_with_no_data"] == pytest.approx(1 / 4)
    assert p["precision"] == pytest.approx(1 / 2) and p["f1"] == pytest.approx(2 / 5) and p["fdr"] == 0
    s = db.pick_scores.find_one({"phase": "S"})
    assert (s["wrong_phase"], s["proposed"], s["recall"], s["precision"]) == (1, 1, 0, 0)
    matrix = {(row["reference_phase"], row["phase"]): row for row in db.confusion.find({"by": "overall"})}
    assert [matrix["P", "P"][key] for key in ("P", "S", "none", "no_data")] == [1, 0, 2, 1]
    assert [matrix["S", "S"][key] for key in ("P", "S", "none")] == [1, 0, 0]
    assert matrix["none", "S"]["S"] == 1 and matrix["none", "P"]["P"] == 0
    (missed,) = db.missed_events.find()
    assert (missed["magnitude"], missed["picks"], missed["reason"]) == (2.0, 2, "no_data")
    (new,) = db.new_events.find()
    assert new["time"] == T0 + 600
    (difference,) = db.magnitude_differences.find()
    assert (difference["magnitude"], difference["catalog_magnitude"]) == (1.0, 1.5)
    (day,) = db.daily_counts.find()
    assert (day["in_reference"], day["in_catalog"], day["matched"]) == (2, 2, 1)


def test_the_fields_of_views_are_those_of_their_documents(db):
    put_comparison(db)
    for name, view in views().items():
        if not view.parameters:
            keys = {key for document in db[name].find() for key in document}
            assert keys <= fields_of_view(view).keys(), name
            assert set(view.columns) <= fields_of_view(view).keys(), name


@pytest.mark.parametrize(
    ("name", "filters", "number"),
    [
        ("pick_scores_by_station", ["value=A", "phase=PS", "recall>=0.2"], 1),
        ("confusion", ["by=station", "value=A", "P>=1"], 2),
        ("residual_statistics", ["of=pick", "by=overall", "phase=P", "median<1"], 1),
        ("precision_recall", ["phase=P", "threshold<=0.6"], 13),
        ("daily_counts", ["day=2023-11-14", "in_catalog>=2"], 1),
        ("missed_events", ["time>=2023", "magnitude>=1.5", "reason=no_data"], 1),
        ("event_table", ["date>=2023-11-14", "picks>=3"], 1),
        ("pick_matches", ["sta=A", "day=2023-11-14", "outcome=matched", "dt>0"], 1),
        ("catalog_comparisons", ["catalog=cat", "start>=2023", "event_recall>=0.5"], 1),
        ("magnitude_differences", ["catalog_magnitude>=1.5"], 1),
        ("missing_reasons", ["reason=no_data", "events>=1"], 1),
    ],
)
def test_views_of_a_comparison_take_filters(db, name, filters, number):
    put_comparison(db)
    assert count(db, name, [read_filter(text) for text in filters]) == number
