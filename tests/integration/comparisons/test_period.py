"""The period that a comparison covers."""

from catalogs import T0, put_catalog

from catalogdb.comparisons import evaluate
from catalogdb.stages.ingest_catalog import ingest_catalog

DAY = 86400.0
DAY0 = T0 // DAY * DAY - T0  # midnight before T0, as a time after T0
INGESTED = {"config": {"files": []}}


def test_borders_of_the_period(db):
    put_catalog(db, "ref", [(-0.5, 46, 13), (0, 46, 13.5), (100, 46, 13), (99.5, 46, 13.9)])
    put_catalog(db, "cat", [(0.2, 46, 13), (-0.3, 46, 13.5), (99.6, 46, 13), (100.4, 46, 13.9)])
    events = evaluate(db, "cat", "ref", starttime=T0, endtime=T0 + 100)["events"]
    # inside are the reference's second and fourth, with partners outside, and two events that belong to ones outside
    assert (events["matched"], events["missed"], events["proposed"]) == (2, 0, 0)


def days(result):
    """The period of a result, in days from that of T0 on."""
    return tuple((result["period"][key] - T0 - DAY0) / DAY for key in ("starttime", "endtime"))


def test_default_period_is_all_of_the_reference_in_whole_days(db):
    ours = {"starttime": T0 + DAY, "endtime": T0 + DAY + 1} | INGESTED
    put_catalog(db, "ref", [(at * DAY, 46, 13) for at in range(4)], **INGESTED)
    put_catalog(db, "cat", [(DAY, 46, 13), (9 * DAY, 46, 13)], **ours)
    put_catalog(db, "other", [(DAY, 46, 13), (2 * DAY, 46, 13), (8 * DAY, 46, 13)], **INGESTED)
    result = evaluate(db, "cat", "ref")
    assert days(result) == (0, 4)
    assert [result["events"][name] for name in ("matched", "missed", "proposed")] == [1, 3, 0]
    evaluate(db, "other", "ref")
    ranking = [(row["rank"], row["catalog"]) for row in db.ranking.find({"reference": "ref"})]
    assert ranking == [(1, "other"), (2, "cat")]


def test_default_period_holds_pairs_and_arrivals_at_its_ends(db, tmp_path):
    """The first pair crosses midnight, the last event is at midnight sharp, and its pick a second behind it."""
    for name, first, last, pick in (
        ("ref", "27T23:59:59.9", "29T00:00:00.0", "29T00:00:01.0"),
        ("cat", "28T00:00:00.4", "28T23:59:59.2", "29T00:00:01.1"),
    ):
        events, picks = tmp_path / f"{name}.csv", tmp_path / f"{name}_picks.csv"
        rows = [f"{number},2024-03-{time},46.363,12.805" for number, time in ((1, first), (2, last))]
        events.write_text("event_id,time,latitude,longitude\n" + "\n".join(rows) + "\n")
        picks.write_text(f"event_id,station,phase,time\n2,BOO,P,2024-03-{pick}\n")
        ingest_catalog(db, [events, picks], name)
    result = evaluate(db, "cat", "ref")
    assert result["period"] == {"starttime": 1_711_497_600.0, "endtime": 1_711_756_800.0}  # 27th to 29th
    assert [result["events"][name] for name in ("matched", "missed", "proposed")] == [2, 0, 0]
    assert result["picks"]["P"]["matched"] == 1 and result["notes"] == []


def test_default_period_goes_on_to_the_last_arrival(db):
    late = DAY0 + DAY - 5  # five seconds before midnight
    put_catalog(db, "ref", [(0, 46, 13), (late, 46, 13)], [(late + 10, "A", "P"), (late + 5e6, "A", "P")], **INGESTED)
    put_catalog(db, "cat", [], [(late + 10, "A", "P")], **INGESTED)
    arrivals = [
        {"pick_id": f"refpick{at:06d}", "phase": "P", "sta": "A", "time": T0 + late + after}
        for at, after in enumerate((10, 5e6))  # the second one can't be an arrival of this event
    ]
    db.event.update_one({"_id": "ref000001"}, {"$set": {"origins": [{"_id": "o", "arrivals": arrivals}]}})
    result = evaluate(db, "cat", "ref")
    assert days(result) == (0, 2) and result["picks"]["P"]["matched"] == 1


def test_default_period_is_that_of_the_job(db):
    jobs = {"starttime": T0 + 50, "endtime": T0 + 150}
    put_catalog(db, "ref", [(at, 46, 13) for at in (0, 100, 200)], **INGESTED)
    put_catalog(db, "made", [(100, 46, 13)], **jobs)
    assert evaluate(db, "made", "ref")["period"] == jobs
    assert evaluate(db, "ref", "made")["period"] == jobs


def test_default_period_of_what_has_picks_alone(db):
    put_catalog(db, "ref", [], [(0, "A", "P"), (DAY, "A", "P")], **INGESTED)
    put_catalog(db, "cat", [], [(0, "A", "P")], **INGESTED)
    put_catalog(db, "none", [])
    assert days(evaluate(db, "cat", "ref")) == (0, 2)
    assert days(evaluate(db, "cat", "none")) == (0, 1)


def test_catalogs_of_different_years_are_said_to_share_nothing(db, cli):
    put_catalog(db, "ref", [(0, 46, 13), (100, 46, 13)], **INGESTED)
    put_catalog(db, "cat", [(400 * DAY, 46, 13)], **INGESTED)
    result = evaluate(db, "cat", "ref")
    assert days(result) == (0, 1) and result["in_period"] == {"catalog": 0, "reference": 2}
    assert [result["events"][name] for name in ("matched", "missed", "proposed")] == [0, 2, 0]
    assert result["notes"] == ["no events of cat in the period"]
    named = ("evaluate", "--catalog", "cat", "--reference", "ref")
    text = cli(*named).out
    assert "no events of cat in the period" in text
    assert "cat against ref, 2023-11-14 00:00:00 to 2023-11-15 00:00:00 UTC" in text
    nothing = cli(*named, "--starttime", "2020-01-01", "--endtime", "2020-02-01").out
    assert "no events of cat in the period" in nothing and "no events of ref in the period" in nothing
