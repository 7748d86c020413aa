"""The matching job: optimal by OGS's weights, replaced whole, computed once; its scores are counts of its documents."""

import threading

import numpy as np
import pytest
from catalogs import T0, put_catalog
from pymongo import UpdateOne
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from benchmarks.evaluation import CATALOG, REFERENCE, fill
from catalogdb.comparisons import evaluate, filled_pipeline
from catalogdb.comparisons.compare import comparison_id
from catalogdb.comparisons.lease import ComparisonLease
from catalogdb.errors import LostLease
from catalogdb.evaluation import Gates
from catalogdb.schema import views
from catalogdb.times import parse_time

GATE = 0.5
WHOLE = {"starttime": T0 - 1e9, "endtime": T0 + 1e9}


def put_probabilities(db, name, number, seed=0):
    shares = np.random.default_rng(seed).random(number)
    changes = [{"$set": {"probability": float(share)}} for share in shares]
    db.pick.bulk_write(
        [UpdateOne({"_id": f"{name}pick{at:06d}"}, change) for at, change in enumerate(changes)], ordered=False
    )
    return shares


def optimum(reference, catalog, probability):
    """Counts and total weight of one optimal assignment over all picks at once, with the weights as OGS states them."""
    rows, columns, weights, same = [], [], [], []
    by_station = {}
    for at, (time, station, phase) in enumerate(catalog):
        by_station.setdefault(station, []).append((time, at, phase[0]))
    table = {station: sorted(picks) for station, picks in by_station.items()}
    times = {station: np.array([pick[0] for pick in picks]) + T0 for station, picks in table.items()}
    for at, (time, station, phase) in enumerate(reference):
        if station not in table:
            continue
        first, last = np.searchsorted(times[station], [time + T0 - GATE, time + T0 + GATE])
        for other, number, other_phase in table[station][first:last]:
            dt = abs((time + T0) - (other + T0))
            rows.append(at)
            columns.append(number)
            same.append(phase[0] == other_phase)
            weights.append(0.97 * (1 - dt / GATE) + 0.02 * same[-1] + 0.01 * probability[number])
    size, others = len(reference), len(catalog)
    alone = np.arange(size)
    matrix = csr_array(
        (np.r_[weights, np.full(size, 1e-12)], (np.r_[rows, alone], np.r_[columns, others + alone])),
        shape=(size, others + size),
    )
    row, column = min_weight_full_bipartite_matching(matrix, maximize=True)
    paired = column < others
    agreeing = {(r, c) for r, c, s in zip(rows, columns, same, strict=True) if s}
    matched = sum((r, c) in agreeing for r, c in zip(row[paired], column[paired], strict=True))
    return {
        "matched": matched,
        "wrong_phase": int(paired.sum()) - matched,
        "missed": size - int(paired.sum()),
        "proposed": others - int(paired.sum()),
    }


def counts_of(scores):
    return {name: scores[name] for name in ("matched", "wrong_phase", "missed", "proposed")}


def random_picks(number, seconds_between, seed=1, stations=10):
    random = np.random.default_rng(seed)
    seconds = number / stations * seconds_between
    reference = [
        (float(time), f"S{station}", "PS"[phase])
        for time, station, phase in zip(
            random.uniform(0, seconds, number),
            random.integers(0, stations, number),
            random.integers(0, 2, number),
            strict=True,
        )
    ]
    return reference, imperfect(reference, random, seconds / number)


def imperfect(picks, random, spread):
    """The picks with losses, jitter, phases taken for each other, and false ones behind them."""
    kept = [pick for pick in picks if random.random() < 0.9]
    other = {"P": "S", "S": "P"}
    found = [
        (time + float(random.normal(0, 0.12)), station, phase[0] if random.random() > 0.02 else other[phase[0]])
        for time, station, phase in kept
    ]
    behind = [pick for pick in picks if random.random() < 0.4]
    return found + [
        (time + float(random.exponential(max(2.0, spread))), station, "PS"[int(random.random() < 0.5)])
        for time, station, _ in behind
    ]


def compare_with_optimum(db, reference, catalog, largest_difference):
    put_catalog(db, "ref", [], reference)
    put_catalog(db, "cat", [], catalog)
    best = optimum(reference, catalog, put_probabilities(db, "cat", len(catalog)))
    assert counts_of(evaluate(db, "cat", "ref", **WHOLE)["both_phases"]) == best
    live = filled_pipeline("match_picks", catalog="cat", reference="ref", max_dt=GATE, **WHOLE)
    rows = db.pick.aggregate([*live, {"$group": {"_id": "$outcome", "n": {"$sum": 1}}}], allowDiskUse=True)
    found = {row["_id"]: row["n"] for row in rows}
    differences = {name: (found[name] - best[name]) / len(reference) for name in best}
    assert max(map(abs, differences.values())) <= largest_difference, differences


@pytest.mark.parametrize(("seconds_between", "largest_difference"), [(600, 0.005), (60, 0.005), (1.5, 0.03)])
def test_pick_counts_are_those_of_the_optimal_assignment(db, seconds_between, largest_difference):
    """Those of the job are, always; those of the pipeline on the picks nearly, the less the more picks crowd."""
    compare_with_optimum(db, *random_picks(6000, seconds_between), largest_difference)


def test_they_are_on_real_picks(db, realdata):
    import csv

    with open(realdata / "ogs_2024_h1" / "picks_manual.csv") as lines:
        rows = list(csv.DictReader(lines))
    reference = [(parse_time(row["time"]) - T0, row["station"], row["phase"]) for row in rows]
    catalog = imperfect(reference, np.random.default_rng(3), 2.0)
    compare_with_optimum(db, reference, catalog, largest_difference=0.005)


def test_pairs_cross_midnight(db):
    midnight = 86400 * 20000 - T0
    put_catalog(db, "ref", [(midnight - 0.1, 46, 13)], [(midnight - 0.05, "A", "P")])
    put_catalog(db, "cat", [(midnight + 0.3, 46, 13)], [(midnight + 0.05, "A", "P")])
    result = evaluate(db, "cat", "ref", **WHOLE)
    assert result["events"]["matched"] == 1 and result["picks"]["P"]["matched"] == 1
    (pick,) = db.pick_matches.find()
    (event,) = db.event_matches.find()
    assert pick["day"] == event["day"] == "2024-10-03" and pick["hour"] == event["hour"] == 23


@pytest.fixture
def filled(db):
    """Two catalogs of 2000 picks, of which 800 belong to events, with waveforms of a part of the stations."""
    fill(db, 2000)
    segments = [
        {"net": "OX", "sta": sta, "loc": "", "chan": "HHZ", "starttime": 1.7e9, "endtime": end, "file_id": "f"}
        | {"channel_group": f"OX.{sta}..HH", "npts": 1, "delta": 0.01, "sampling_rate": 100.0, "dir": "/", "dfile": sta}
        | {"foff": 0, "nbytes": 1}
        for sta, end in [(f"S{number:03d}", 1.72e9 if number < 100 else 1.74e9) for number in range(250)]
    ]  # fmt: skip
    db.wf_miniseed.insert_many(segments)
    return db


def recounted(db, collection, key):
    """Outcomes by class, counted from the match documents themselves."""
    first = [{"$unwind": "$picks"}] if collection == "pick_match" else []
    group = {"$group": {"_id": {"class": key, "phase": "$phase", "outcome": "$outcome"}, "n": {"$sum": 1}}}
    found = {}
    for row in db[collection].aggregate([*first, group]):
        found.setdefault((row["_id"].get("class"), row["_id"].get("phase")), {})[row["_id"]["outcome"]] = row["n"]
    return found


@pytest.mark.parametrize(
    ("of", "by", "key"),
    [
        ("pick", "overall", "all"),
        ("pick", "station", "$sta"),
        ("pick", "network", "$net"),
        ("pick", "day", "$day"),
        ("pick", "month", "$month"),
        ("pick", "hour", {"$floor": {"$divide": [{"$mod": ["$picks.time", 86400]}, 3600]}}),
        ("pick", "magnitude", {"$floor": {"$add": [{"$multiply": ["$picks.magnitude", 2]}, 1e-9]}}),
        ("event", "overall", "all"),
        ("event", "day", "$day"),
        ("event", "month", "$month"),
        ("event", "reason", "$reason"),
    ],
)
def test_scores_are_counts_of_the_match_documents(filled, of, by, key):
    evaluate(filled, CATALOG, REFERENCE)
    collection = "pick_match" if of == "pick" else "event_match"
    expected = recounted(filled, collection, key)
    names = ("matched", "missed", "wrong_phase", "no_data", "proposed", "unlocated")
    found = {}
    for row in filled.score.find({"of": of, "by": by, "phase": {"$ne": "PS"}}):
        value = row["value"]
        if by in ("hour", "magnitude"):
            value = None if value == "unknown" else row["low"] * (2 if by == "magnitude" else 1)
        counts = {name: row[name] for name in names if row.get(name)}
        if counts:
            found[value, row.get("phase")] = counts
    expected.pop((None, None), None)  # events that are not missed have no reason
    assert found == expected and len(found) >= 1


def test_thresholds_are_counts_of_the_match_documents(filled):
    evaluate(filled, CATALOG, REFERENCE)
    for row in filled.precision_recall.find({"phase": "P", "threshold": {"$in": [0.3, 0.7]}}):
        above = {"phase": "P", "probability": {"$gte": row["threshold"]}}
        assert row["matched"] == filled.pick_matches.count_documents(above | {"outcome": "matched"}) > 0
        assert row["proposed"] == filled.pick_matches.count_documents(above | {"outcome": "proposed"})
        wanted = {"phase": "P", "outcome": {"$in": ["matched", "missed", "wrong_phase"]}}
        assert row["wanted"] == filled.pick_matches.count_documents(wanted)


def test_residual_statistics_are_those_of_the_match_documents(filled):
    evaluate(filled, CATALOG, REFERENCE)
    row = filled.residual_statistics.find_one({"of": "pick", "by": "overall", "phase": "S"})
    values = np.array([pick["dt"] for pick in filled.pick_matches.find({"phase": "S", "outcome": "matched"})])
    assert row["matched"] == len(values) > 100
    assert row["median"] == pytest.approx(np.median(values), abs=1e-6)
    assert row["mean"] == pytest.approx(values.mean(), abs=1e-6)
    assert row["mad"] == pytest.approx(np.median(np.abs(values - np.median(values))), abs=1e-6)
    assert row["p95"] == pytest.approx(np.percentile(np.abs(values), 95), abs=1e-6)


def test_recall_with_and_without_what_had_no_waveforms(filled):
    scores = evaluate(filled, CATALOG, REFERENCE)["both_phases"]
    assert scores["no_data"] > 0
    wanted = scores["matched"] + scores["missed"] + scores["wrong_phase"]
    assert scores["recall"] == pytest.approx(scores["matched"] / wanted)
    assert scores["recall_with_no_data"] == pytest.approx(scores["matched"] / (wanted + scores["no_data"]))
    classes = list(filled.completeness_by_availability.find())
    assert sum(row["wanted"] for row in classes) == filled.event_match.count_documents({"side": "reference"})


def test_another_run_replaces_the_first_one_whole(filled):
    evaluate(filled, CATALOG, REFERENCE)
    before = {name: filled[name].count_documents({}) for name in ("pick_match", "event_match", "score", "comparison")}
    evaluate(filled, CATALOG, REFERENCE, refresh=True)
    assert {name: filled[name].count_documents({}) for name in before} == before
    evaluate(filled, CATALOG, REFERENCE, max_pick_dt=0.3)  # other gates stand beside
    assert filled.comparison.count_documents({}) == 2
    assert filled.score.count_documents({"comparison": comparison_id(CATALOG, REFERENCE, Gates())}) == before["score"]
    (row,) = filled.catalog_comparisons.find({"max_pick_dt": 0.3})
    assert row["pick_recall"] < filled.catalog_comparisons.find_one({"max_pick_dt": 0.5})["pick_recall"]


def test_a_current_comparison_is_not_computed_again(filled):
    first = evaluate(filled, CATALOG, REFERENCE)
    ended = filled.comparison.find_one()["ended"]
    assert evaluate(filled, CATALOG, REFERENCE) == first
    assert filled.comparison.find_one()["ended"] == ended
    gone = filled.pick.find_one({"pick_set": CATALOG})
    filled.pick.delete_one({"_id": gone["_id"]})
    second = evaluate(filled, CATALOG, REFERENCE)
    assert filled.comparison.find_one()["ended"] > ended
    totals = [
        sum(row["both_phases"][name] for name in ("matched", "proposed", "wrong_phase")) for row in (first, second)
    ]
    assert totals[0] - totals[1] == 1


def test_two_at_once_leave_one_result(filled):
    expected = evaluate(filled, CATALOG, REFERENCE)
    number = filled.score.count_documents({})
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(evaluate(filled, CATALOG, REFERENCE, refresh=True)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 3
    assert filled.score.count_documents({}) == number


def test_who_lost_its_claim_cannot_finish(db):
    document = {"catalog": "a", "reference": "b", "gates": Gates().model_dump(), "fingerprint": "f"}
    document |= {"period": {"starttime": 0.0, "endtime": 1.0}}
    slow, quick = ComparisonLease(db, "c", document), ComparisonLease(db, "c", document)
    assert slow.take()
    db.comparison.update_one(
        {"_id": "c"}, [{"$set": {"lease.until": {"$subtract": ["$$NOW", 1]}}}]
    )  # its lease ran out
    assert quick.take()
    with pytest.raises(LostLease):
        slow.done({}, {})
    slow.give_back()
    quick.done({}, {})
    assert db.comparison.find_one({"_id": "c"})["status"] == "done"
    assert not ComparisonLease(db, "c", document).take(unless={"status": "done", "fingerprint": "f"})


def test_why_events_are_missing(db):
    """Four missed events, each for a reason of its own, and one that is found."""
    times = [0, 100, 200, 300, 400]
    picks = [(time + k, sta, "P") for time in times for k, sta in enumerate("ABC", 1)]
    put_catalog(db, "ref", [(time, 46, 13, 5.0, 1.0) for time in times], picks)
    found = [
        (time, sta, phase) for time, sta, phase in picks if not (100 <= time < 200 or (0 <= time < 100 and sta != "A"))
    ]
    put_catalog(db, "cat", [(320, 46, 13, 5.0, 1.0), (400, 46, 13, 6.0, 1.2)], found, kind="automatic")
    for name, rows in (("ref", picks), ("cat", found)):
        ids = {row["time"]: row["_id"] for row in db.pick.find({"pick_set": name})}
        owners = {event["_id"]: round(event["time"] - T0) for event in db.event.find({"catalog": name})}
        for event, start in owners.items():
            begin = 300 if name == "cat" and start == 320 else start
            arrivals = [
                {"pick_id": ids[T0 + time], "phase": phase, "sta": sta, "time": T0 + time}
                for time, sta, phase in rows
                if begin <= time < begin + 100
            ]
            db.event.update_one({"_id": event}, {"$set": {"origins": [{"_id": "o", "arrivals": arrivals}]}})
    segments = [("A", -50, 500), ("B", 90, 500), ("C", 90, 500)]
    db.wf_miniseed.insert_many(
        {"net": "OX", "sta": sta, "loc": "", "chan": "HHZ", "starttime": T0 + start, "endtime": T0 + end, "dfile": sta}
        | {"channel_group": f"OX.{sta}..HH", "file_id": "f", "npts": 1, "delta": 1.0, "sampling_rate": 1.0, "dir": "/"}
        | {"foff": 0, "nbytes": 1}
        for sta, start, end in segments
    )
    evaluate(db, "cat", "ref", starttime=T0 - 50, endtime=T0 + 500)
    reasons = {round(row["time"] - T0): row["reason"] for row in db.missed_events.find()}
    assert reasons == {0: "no_data", 100: "not_picked", 200: "not_associated", 300: "associated_elsewhere"}
    assert {row["reason"]: row["events"] for row in db.missing_reasons.find()} == dict.fromkeys(reasons.values(), 1)
    table = {round(row["time"] - T0): row for row in db.event_table.find()}
    assert (table[0]["picks"], table[0]["picks_no_data"], table[0]["picks_not_associated"]) == (3, 2, 1)
    assert table[0]["availability"] == pytest.approx(1 / 3, abs=1e-6) and table[0]["stations_recording"] == 1
    assert table[400]["picks_associated"] == 3 and table[400]["outcome"] == "matched"
    # the network that the bulletin does not know is that of the station's waveforms
    assert set(db.pick_match.distinct("net", {"outcome": {"$ne": "proposed"}})) == {"OX"}


def test_two_catalogs_of_one_pick_set_say_why_events_are_missing(db):
    put_catalog(db, "ref", [(0, 46, 13)], [(1, "A", "P"), (2, "B", "P")])
    put_catalog(db, "cat", [(500, 46, 13)], pick_set="ref")
    arrivals = [{"pick_id": f"refpick{at:06d}", "phase": "P", "sta": sta, "time": T0} for at, sta in enumerate("AB")]
    db.event.update_one({"catalog": "ref"}, {"$set": {"origins": [{"_id": "o", "arrivals": arrivals}]}})
    evaluate(db, "cat", "ref", **WHOLE)
    (row,) = db.missed_events.find()
    assert (row["reason"], row["picks"]) == ("not_associated", 2) and db.pick_match.count_documents({}) == 0


def test_all_views_with_shares_have_the_same_formulas():
    stages = {}
    for name, view in views().items():
        for stage in view.pipeline:
            formulas = stage.get("$set", {})
            for field in ("wanted", "found", "recall", "recall_with_no_data", "precision", "f1", "fdr"):
                if field in formulas:
                    stages.setdefault(field, {}).setdefault(str(formulas[field]), []).append(name)
    assert len(stages) == 7
    for field, forms in stages.items():
        assert len(forms) == 1, f"{field}: {forms}"
        assert len(next(iter(forms.values()))) >= 15
