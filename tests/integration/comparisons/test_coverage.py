"""What a comparison takes for seen: what the pick set was made from, and what lies just behind the period's ends."""

import numpy as np
import pytest
from catalogs import T0, put_catalog

from catalogdb.comparisons import evaluate
from catalogdb.comparisons.picked_waveforms import picked_waveforms
from catalogdb.evaluation.coverage import Coverage, PickedWaveforms

PERIOD = {"starttime": T0, "endtime": T0 + 100}
COUNTS = ("matched", "missed", "no_data")


def put_waveforms(db, *segments):
    """Segments as (net, sta, start, end), times after T0."""
    for net, sta, start, end in segments:
        segment = {
            "net": net,
            "sta": sta,
            "loc": "",
            "chan": "HHZ",
            "channel_group": f"{net}.{sta}..HH",
            "file_id": "f",
        }
        segment |= {"npts": 1, "delta": 0.01, "sampling_rate": 100.0, "dir": "/", "foff": 0, "nbytes": 1}
        segment |= {"starttime": T0 + start, "endtime": T0 + end, "dfile": f"{net}.{sta}.{start}"}
        db.wf_miniseed.insert_one(segment)


def put_task(db, pick_set, net, sta, start, end, status="done", **fields):
    """The ledger row of a station's shard."""
    row = {"_id": f"{pick_set} {net}.{sta} {start}", "stage": "pick", "config_id": pick_set, "result": pick_set}
    row |= {"shard": {"net": net, "sta": sta}, "starttime": T0 + start, "endtime": T0 + end, "status": status}
    db.task.insert_one(row | {"attempts": 1} | fields)


def put_arrivals(db, catalog, event, picks):
    """The picks of that number become arrivals of the event of that number."""
    rows = [db.pick.find_one({"_id": f"{catalog}pick{at:06d}"}) for at in picks]
    arrivals = [{"pick_id": row["_id"], **{key: row[key] for key in ("phase", "sta", "time")}} for row in rows]
    change = {"$set": {"origins": [{"_id": "o", "arrivals": arrivals}]}}
    db.event.update_one({"_id": f"{catalog}{event:06d}"}, change)


def p_counts(db):
    scores = evaluate(db, "cat", "ref", **PERIOD)["picks"]["P"]
    return tuple(scores[name] for name in COUNTS)


@pytest.fixture
def ten(db):
    """Ten picks of each of two stations, of which the catalog has those of AAA; both have waveforms."""
    picks = [(10.0 * at, sta, "P") for at in range(10) for sta in ("AAA", "BBB")]
    put_catalog(db, "ref", [], picks)
    put_catalog(db, "cat", [], [pick for pick in picks if pick[1] == "AAA"], kind="automatic")
    put_waveforms(db, ("OX", "AAA", -50, 200), ("NI", "BBB", -50, 200))
    return db


def test_without_a_ledger_of_picking_all_waveforms_count(ten):
    assert p_counts(ten) == (10, 10, 0)


def test_a_station_that_was_not_picked_is_no_data(ten):
    put_task(ten, "cat", "OX", "AAA", -50, 200)
    assert p_counts(ten) == (10, 0, 10)


def test_a_station_of_another_network_was_not_picked(ten):
    put_task(ten, "cat", "OX", "AAA", -50, 200)
    put_task(ten, "cat", "OX", "BBB", -50, 200)
    assert p_counts(ten) == (10, 0, 10)


@pytest.mark.parametrize("status", ["pending", "running", "failed", "quarantined"])
def test_only_shards_whose_picks_are_stored_count(ten, status):
    put_task(ten, "cat", "OX", "AAA", -50, 200)
    put_task(ten, "cat", "NI", "BBB", -50, 20)
    put_task(ten, "cat", "NI", "BBB", 20, 55, status)
    put_task(ten, "cat", "NI", "BBB", 55, 85, status, outputs={})  # to be done again; what it made stays until then
    assert p_counts(ten) == (10, 5, 5)


def test_a_shard_without_a_sensor_that_the_job_takes_was_not_picked(ten):
    put_task(ten, "cat", "OX", "AAA", -50, 200, choices={"channel_group": "OX.AAA..HH"})
    put_task(ten, "cat", "NI", "BBB", -50, 45, choices={"channel_group": None})
    put_task(ten, "cat", "NI", "BBB", 45, 200, choices={"channel_group": "NI.BBB..HH"})
    assert p_counts(ten) == (10, 5, 5)


def test_shards_cover_no_more_than_there_are_waveforms(ten):
    put_task(ten, "cat", "OX", "AAA", -50, 200)
    for start in range(-50, 200, 50):
        put_task(ten, "cat", "NI", "BBB", start, start + 50)
    ten.wf_miniseed.delete_one({"sta": "BBB"})
    put_waveforms(ten, ("NI", "BBB", 15, 25), ("NI", "BBB", 35, 65))
    assert p_counts(ten) == (10, 4, 6)


def test_a_segment_that_ends_with_the_sample_of_a_pick_covers_it(ten):
    """Its last sample is the pick's, which is the first of all that is compared, and that of the period."""
    ten.wf_miniseed.delete_one({"sta": "BBB"})
    ten.pick.delete_many({"sta": "BBB", "time": {"$gt": T0}})
    put_waveforms(ten, ("NI", "BBB", -50, 0))
    before = picked_waveforms(ten, "cat", (T0, T0 + 100))
    assert {segment[1] for segment in before.segments} == {"AAA", "BBB"}
    assert p_counts(ten) == (10, 1, 0)


def test_a_segment_that_starts_at_a_period_s_end_is_none_of_it(ten):
    ten.wf_miniseed.delete_one({"sta": "BBB"})
    put_waveforms(ten, ("NI", "BBB", 100, 150))
    assert [segment[1] for segment in picked_waveforms(ten, "cat", (T0, T0 + 100)).segments] == ["AAA"]


def test_shards_hold_their_start_and_not_their_end(ten):
    put_task(ten, "cat", "OX", "AAA", -50, 200)
    put_task(ten, "cat", "NI", "BBB", 20, 50)
    assert p_counts(ten) == (10, 3, 7)
    put_task(ten, "cat", "NI", "BBB", -50, 0)  # ends where the period starts
    assert picked_waveforms(ten, "cat", (T0, T0 + 100)).shards["NI", "BBB"] == [(T0 + 20, T0 + 50)]


def test_ingested_automatic_picks_are_of_all_waveforms(ten):
    """Their task is of a catalog, of no station."""
    before = picked_waveforms(ten, "cat", (T0, T0 + 100))
    put_task(ten, "cat", "OX", "AAA", -50, 200)
    ten.task.update_one({"config_id": "cat"}, {"$set": {"stage": "ingest", "shard": {"catalog": "cat"}}})
    assert picked_waveforms(ten, "cat", (T0, T0 + 100)) == before


def test_a_shard_that_is_done_meanwhile_makes_the_comparison_stale(ten):
    put_task(ten, "cat", "OX", "AAA", -50, 200)
    assert p_counts(ten) == (10, 0, 10)
    ended = ten.comparison.find_one()["ended"]
    put_waveforms(ten, ("NI", "BBB", 50, 150))  # which nobody picked
    assert p_counts(ten) == (10, 0, 10) and ten.comparison.find_one()["ended"] == ended
    put_task(ten, "cat", "NI", "BBB", -50, 200, "pending")
    assert p_counts(ten) == (10, 0, 10)
    ten.task.update_one({"shard.sta": "BBB"}, {"$set": {"status": "done"}})
    assert p_counts(ten) == (10, 10, 0)


def test_picks_of_the_last_event_come_after_the_periods_end(db):
    """Two of the seven picks of a missed event come before the end; of the others four are picked, and in no event."""
    times = {"A": 92, "B": 95, "C": 110, "D": 115, "E": 120, "F": 130, "G": 200}
    put_catalog(db, "ref", [(90, 46, 13)], [(time, sta, "P") for sta, time in times.items()])
    put_arrivals(db, "ref", 0, range(7))
    put_catalog(db, "cat", [(50, 46, 13)], [(times[sta], sta, "P") for sta in "CDEG"], kind="automatic")
    put_waveforms(db, *(("OX", sta, -50, 101) for sta in "ABCDE"), ("OX", "F", 105, 200))
    result = evaluate(db, "cat", "ref", **PERIOD)
    (missed,) = db.missed_events.find()
    assert (missed["picks"], missed["picks_not_associated"], missed["picks_no_data"]) == (7, 4, 0)
    assert (missed["picks_missed"], missed["reason"], missed["availability"]) == (3, "not_associated", 1.0)
    # scores and documents of picks stay those of the period
    assert [result["picks"]["P"][name] for name in COUNTS] == [0, 2, 0] and db.pick_matches.count_documents({}) == 2
    ended = db.comparison.find_one()["ended"]
    db.wf_miniseed.delete_one({"sta": "F"})
    evaluate(db, "cat", "ref", **PERIOD)
    assert db.comparison.find_one()["ended"] > ended
    assert db.missed_events.find_one()["picks_no_data"] == 1


def test_the_first_picks_of_a_period_may_be_of_an_event_before_it(db):
    put_catalog(db, "ref", [(-60, 46, 13, 5.0, 2.5)], [(5, "A", "P")])
    put_arrivals(db, "ref", 0, [0])
    put_catalog(db, "cat", [(-60, 46, 13, 5.0, 1.5)], [(20, "A", "P")])
    put_arrivals(db, "cat", 0, [0])
    site = {"net": "OX", "sta": "A", "loc": "", "lat": 46.5, "lon": 13.0, "elev": 0.5}
    db.site.insert_one(site | {"starttime": 0.0, "endtime": 4e9})
    events = evaluate(db, "cat", "ref", **PERIOD)["events"]
    assert {name: events[name] for name in ("matched", "missed", "proposed")} == dict.fromkeys(
        ("matched", "missed", "proposed"), 0
    )
    rows = {row["outcome"]: (row["magnitude"], round(row["distance_km"])) for row in db.pick_matches.find()}
    assert rows == {"missed": (2.5, 56), "proposed": (1.5, 56)}


def test_the_first_and_the_last_sample_are_covered():
    coverage = Coverage({7: [(10.0, 20.0), (15.0, 18.0), (30.0, 40.0)]})
    times = np.array([9.99, 10.0, 18.0, 20.0, 20.01, 29.99, 30.0, 40.0, 40.01])
    covered = [False, True, True, True, False, False, True, True, False]
    assert coverage.has_data(np.full(len(times), 7, np.int32), times).tolist() == covered
    assert coverage.stations_at(times).tolist() == [int(one) for one in covered]


def test_segments_count_from_a_period_s_start_to_before_its_end(ten):
    ten.wf_miniseed.delete_many({})
    put_waveforms(ten, ("OX", "AAA", -50, 0), ("NI", "BBB", 100, 200))
    picked = picked_waveforms(ten, "cat", (T0, T0 + 100))
    assert picked.segments == [("OX", "AAA", T0 - 50, T0)]


def test_a_sample_at_the_end_of_a_shard_belongs_to_the_next_one():
    segments = [("OX", "AAA", 0.0, 10.0), ("OX", "AAA", 20.0, 30.0)]
    spans = list(PickedWaveforms(segments, {("OX", "AAA"): [(-5.0, 10.0), (30.0, 40.0)]}).spans())
    assert [(sta, start) for sta, (start, _) in spans] == [("AAA", 0.0), ("AAA", 30.0)]
    assert 10.0 - 1e-9 < spans[0][1][1] < 10.0 and spans[1][1] == (30.0, 30.0)
