"""The views: every one answers, takes filters, and its parameters are those it uses."""

import math
from datetime import UTC, datetime

import pytest
from catalogs import T0, put_catalog
from scipy.stats import linregress

from catalogdb.api.queries import count, rows
from catalogdb.comparisons import evaluate
from catalogdb.filters import read_filter
from catalogdb.schema import views
from catalogdb.view_fields import fields_of_view

EVALUATED = ("score", "event_match", "pick_match", "comparison")


def test_every_view_without_parameters_answers(db):
    put_catalog(db, "ref", [(0, 46, 13, 5.0, 1.0)], [(1, "A", "P"), (2, "A", "S")])
    origin = {"_id": "o", "arrivals": [{"pick_id": "refpick000000", "phase": "P", "sta": "A", "time": T0 + 1}]}
    db.event.update_one({"_id": "ref000000"}, {"$set": {"origins": [origin], "n_picks": 1}})
    db.site.insert_one(
        {"net": "OX", "sta": "A", "loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.5, "starttime": 0.0, "endtime": 4e9}
    )
    channel = {"net": "OX", "sta": "A", "loc": "", "chan": "HHZ", "lat": 46.0, "lon": 13.0, "elev": 0.5}
    db.channel.insert_one(channel | {"starttime": 0.0, "endtime": 4e9})
    task = {
        "_id": "t",
        "stage": "pick",
        "config_id": "c",
        "shard": {},
        "starttime": T0,
        "endtime": T0,
        "status": "failed",
    }
    db.task.insert_one(task | {"attempts": 1, "error": "disk"})
    found = {name: list(db[name].find()) for name, view in views().items() if not view.parameters}
    (event,) = found["events"]
    assert event["date"].timestamp() == T0 and event["catalog"] == "ref"
    (source,) = found["source"]
    assert (source["lat"], source["lon"], source["depth"], source["source_id"]) == (46, 13, 5.0, "ref000000")
    assert [row["_id"] for row in found["unassociated_picks"]] == ["refpick000001"]
    assert [(row["sta"], row["phase"], row["picks"], row["day"]) for row in found["picks_per_station_day"]] == [
        ("A", "P", 1, "2023-11-14"),
        ("A", "S", 1, "2023-11-14"),
    ]
    (located,) = found["location_quality"]
    assert (located["event_id"], located["depth_km"], located["magnitude"]) == ("ref000000", 5.0, 1.0)
    (day,) = found["events_per_day"]
    assert (day["catalog"], day["events"], day["largest_magnitude"], day["picks"]) == ("ref", 1, 1.0, 1)
    (station,) = found["stations"]
    db.site.insert_one(
        {"net": "", "sta": "1001", "loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.5, "starttime": 0.0, "endtime": 4e9}
    )
    for name, filters in (
        ("stations", ["sta=1001", "endtime>=2024"]),
        ("events", ["date>=2023-11-14"]),
        ("events_per_day", ["day=2023-11-14", "catalog=ref"]),
        ("source", ["time>=2023", "time<2024"]),
    ):
        assert count(db, name, [read_filter(text) for text in filters]) == 1, name
    assert (station["net"], station["elevation_km"], station["channels"]) == ("OX", 0.5, [".HHZ"])
    (failed,) = found["tasks_failed"]
    assert failed["error"] == "disk" and failed["start"].timestamp() == T0


def test_parameters_of_a_view_are_those_its_pipeline_uses():
    def used(value):
        if isinstance(value, dict):
            return {value["$param"]} if set(value) == {"$param"} else set().union(*map(used, value.values()))
        return set().union(*map(used, value)) if isinstance(value, list) else set()

    for view in views().values():
        assert used(view.pipeline) == set(view.parameters), view.name


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


DAY = 86400.0
MIDNIGHT = 19_000 * DAY  # 2022-01-08


def put_pieces(db, sta, pieces, chan="HHZ", net="OX"):
    """Index entries (start, end of the last sample) after MIDNIGHT, at 100 Hz."""
    for number, (start, end) in enumerate(pieces):
        piece = {"file_id": "f", "net": net, "sta": sta, "loc": "", "chan": chan, "channel_group": f"{net}.{sta}..HH"}
        piece |= {"npts": 1, "delta": 0.01, "sampling_rate": 100.0, "dir": f"/{net}", "foff": number, "nbytes": 1}
        times = {"starttime": MIDNIGHT + start, "endtime": MIDNIGHT + end - 0.01}
        db.wf_miniseed.insert_one(piece | times | {"dfile": f"{sta}{chan}"})


def test_availability_counts_overlaps_once_and_parts_days(db):
    put_pieces(db, "A", [(0, 3600), (1800, 7200), (7260, 7320)])  # overlap, then a gap of a minute
    put_pieces(db, "A", [(0, 100)], chan="HHN")
    put_pieces(db, "B", [(DAY - 100, DAY + 50)])
    rows = list(db.availability.find())
    assert [(row["net"], row["sta"], row["day"], row["channel"]) for row in rows] == [
        ("OX", "A", "2022-01-08", ".HHZ"),
        ("OX", "B", "2022-01-08", ".HHZ"),
        ("OX", "B", "2022-01-09", ".HHZ"),
    ]
    assert [row["seconds"] for row in rows] == pytest.approx([7260, 100, 50], abs=0.02)
    assert rows[0]["fraction"] == pytest.approx(7260 / DAY, rel=1e-5)
    assert [row["gaps"] for row in rows] == [1, 0, 0]
    assert [row["longest_gap"] for row in rows] == pytest.approx([DAY - 7320, DAY - 100, DAY - 50], abs=0.02)
    assert [row["channels"] for row in rows] == [2, 1, 1]
    assert rows[1]["first"].timestamp() == MIDNIGHT + DAY - 100 and rows[1]["last"].timestamp() == MIDNIGHT + DAY


def test_pieces_that_meet_leave_no_gap(db):
    put_pieces(db, "A", [(0, 3600), (3600.004, 7200), (7200.006, 9000)])
    (row,) = db.availability.find()
    assert row["gaps"] == 1  # 0.004 s are less than half a sample, 0.006 s more


def test_stations_without_data_are_those_in_operation(db):
    site = {"loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.5}
    for net, sta, start, end in (
        ("OX", "A", 0, 9e9),
        ("OX", "B", 0, 9e9),
        ("OX", "OLD", 0, MIDNIGHT),
        ("OX", "NEW", MIDNIGHT + DAY, 9e9),
        ("", "A", 0, 9e9),
    ):
        db.site.insert_one(site | {"net": net, "sta": sta, "starttime": float(start), "endtime": float(end)})
    put_pieces(db, "A", [(0, 2 * DAY)])
    put_pieces(db, "B", [(DAY + 5, DAY + 10)])
    found = [(row["net"], row["sta"], row["day"]) for row in db.stations_without_data.find()]
    assert found == [("OX", "B", "2022-01-08"), ("OX", "NEW", "2022-01-09")]


def put_arrivals(db, catalog, residuals):
    """One event whose preferred origin has arrivals (sta, phase, residual); the one of another origin doesn't count."""
    picks = [(at, sta, phase) for at, (sta, phase, _) in enumerate(residuals)]
    put_catalog(db, catalog, [(0, 46, 13, 5.0, 1.0)], picks)
    arrivals = [
        {"pick_id": f"{catalog}pick{at:06d}", "sta": sta, "phase": phase, "time": T0 + at}
        | ({} if residual is None else {"residual": residual})
        for at, (sta, phase, residual) in enumerate(residuals)
    ]
    origins = [{"_id": "other", "arrivals": arrivals[:1]}, {"_id": "preferred", "arrivals": arrivals}]
    change = {"$set": {"origins": origins, "preferred_origin_id": "preferred"}}
    db.event.update_one({"_id": f"{catalog}000000"}, change)


def test_arrivals_are_those_of_the_preferred_origin(db):
    put_arrivals(db, "cat", [("A", "P", 0.1), ("A", "S", -0.6), ("B", "P", None)])
    rows = list(db.arrivals.find())
    assert [(row["sta"], row["phase"], row.get("residual")) for row in rows] == [
        ("A", "P", 0.1),
        ("A", "S", -0.6),
        ("B", "P", None),
    ]
    assert rows[1]["absolute_residual"] == 0.6 and rows[1]["event_id"] == "cat000000" and rows[1]["time"] == T0 + 1


def test_picks_not_associated_are_told_for_each_catalog(db):
    put_arrivals(db, "cat", [("A", "P", 0.1), ("A", "S", 0.2)])
    db.pick.insert_one(db.pick.find_one({"_id": "catpick000000"}) | {"_id": "loose"})
    db.catalog.insert_one({"_id": "second", "kind": "automatic", "config_id": "2", "pick_set": "cat"})
    found = [(row["catalog"], row["_id"]) for row in db.picks_not_associated.find()]
    assert found == [("cat", "loose"), ("second", "catpick000000"), ("second", "loose"), ("second", "catpick000001")]


def test_station_quality_by_hand(db):
    put_arrivals(db, "cat", [("A", "P", value) for value in (0.1, 0.2, 0.6, -0.1)] + [("A", "S", None)])
    db.pick.insert_many(db.pick.find_one({"_id": "catpick000000"}) | {"_id": f"more{at}"} for at in range(4))
    put_pieces(db, "A", [(0, 10), (20, 30), (DAY, DAY + 5)])
    p, s = db.station_quality.find()
    assert (p["sta"], p["phase"], p["arrivals"], p["picks"], p["days"], p["pieces"]) == ("A", "P", 4, 8, 2, 3)
    assert p["gaps"] == 2 and p["snr"] is None and p["noise"] is None
    assert (p["residual_median"], p["residual_mad"]) == pytest.approx((0.15, 0.15))
    assert (p["associated"], p["picks_per_day"]) == (0.5, 4)
    assert s["phase"] == "S" and s["residual_median"] is None and s["arrivals"] == 1


def test_noise_and_ratio_are_geometric_means_of_picks(db):
    put_arrivals(db, "cat", [("A", "P", 0.1), ("A", "P", 0.2), ("A", "P", 0.3)])
    for at, (snr, amplitude) in enumerate(((2.0, 80.0), (8.0, 80.0))):
        db.pick.update_one({"_id": f"catpick{at:06d}"}, {"$set": {"snr": snr, "amplitude": amplitude}})
    (row,) = db.station_quality.find()
    assert row["snr"] == pytest.approx(4.0) and row["noise"] == pytest.approx(20.0)


def put_days(db, catalog, shifts, jitter=0.02):
    """An event at noon of each day with 10 arrivals of P and of S at station A, all late by the day's shift (s)."""
    put_catalog(db, catalog, [(day * DAY, 46, 13) for day in range(len(shifts))])
    for day, shift in enumerate(shifts):
        arrivals = [
            {"pick_id": f"{day}{phase}{at}", "net": "OX", "sta": "A", "phase": phase, "time": T0 + day * DAY + at}
            | {"residual": base + shift + (at - 4.5) * jitter}
            for phase, base in (("P", 0.3), ("Sg", -0.2))
            for at in range(10)
        ]
        origin = {"_id": "o", "arrivals": arrivals}
        db.event.update_one({"_id": f"{catalog}{day:06d}"}, {"$set": {"origins": [origin]}})


def test_a_clock_that_jumps_for_a_day_stands_out(db):
    put_days(db, "cat", [0.0, 0.0, 0.5, 0.0, 0.0])
    rows = list(db.station_clock.find({"catalog": "cat"}))
    assert [row["day"] for row in rows] == [f"2023-11-{14 + day}" for day in range(5)]
    assert [(row["arrivals"], row["p"], row["s"]) for row in rows] == [(20, 10, 10)] * 5
    assert [row["shift"] for row in rows] == pytest.approx([0, 0, 0.5, 0, 0], abs=0.05)
    assert (rows[2]["shift_p"], rows[2]["shift_s"]) == pytest.approx((0.5, 0.5), abs=0.05)
    assert rows[2]["absolute_shift_over_error"] > 10 > 2 > max(abs(rows[at]["shift_over_error"]) for at in (0, 1, 3, 4))


def test_a_shift_is_told_in_standard_errors_of_a_median(db):
    residuals = [-0.2, -0.1, 0.0, 0.1, 0.2]
    put_arrivals(db, "cat", [("A", "P", value) for value in residuals])
    event = db.event.find_one()
    later = [arrival | {"time": arrival["time"] + DAY, "residual": 0.2} for arrival in event["origins"][1]["arrivals"]]
    db.event.insert_one(event | {"_id": "b", "origins": [{"_id": "preferred", "arrivals": later[:4]}]})
    first, second = db.station_clock.find()
    # all: -0.2 -0.1 0 0.1 0.2 0.2 0.2 0.2 0.2: median 0.2, distances 0.4 0.3 0.2 0.1 0 0 0 0 0, their median 0
    assert (first["shift"], second["shift"]) == pytest.approx((-0.2, 0.0)) and first["shift_over_error"] is None
    db.event.update_one({"_id": "b"}, {"$set": {"origins.0.arrivals": later[:2]}})
    first, second = db.station_clock.find()
    # -0.2 -0.1 0 0.1 0.2 0.2 0.2: median 0.1, distances 0.3 0.2 0.1 0 0.1 0.1 0.1, their median 0.1
    assert second["shift"] == pytest.approx(0.1)
    assert second["shift_over_error"] == pytest.approx(1 / 1.4826 * 2**0.5 / 1.2533)
    assert first["shift_over_error"] == pytest.approx(-1 / 1.4826 * 5**0.5 / 1.2533)


def test_a_clock_that_drifts_has_a_slope_beyond_its_error(db):
    put_days(db, "drifts", [0.1 * day for day in range(6)])
    put_days(db, "stands", [0.0] * 6)
    rows = {(row["catalog"], row["phase"]): row for row in db.station_quality.find()}
    days, residuals = [], []
    for day in range(6):
        for at in range(10):
            days.append(day + at / DAY)
            residuals.append(0.3 + 0.1 * day + (at - 4.5) * 0.02)
    fit = linregress(days, residuals)
    drifts = rows["drifts", "P"]
    assert drifts["drift"] == pytest.approx(fit.slope, rel=1e-6)
    assert drifts["drift_over_error"] == pytest.approx(fit.slope / fit.stderr, rel=1e-6) and fit.slope / fit.stderr > 20
    assert abs(rows["stands", "P"]["drift_over_error"]) < 1


def test_latency_is_what_files_took_after_their_last_sample(db):
    put_pieces(db, "A", [(0, 3600), (3600, 7200), (7200, 9000)])
    put_pieces(db, "B", [(0, 100)])
    for at, delay in enumerate((10, 400, 30)):
        db.wf_miniseed.update_one({"sta": "A", "foff": at}, {"$set": {"file_id": f"f{at}"}})
        end = db.wf_miniseed.find_one({"file_id": f"f{at}"})["endtime"] + 0.01
        file = {"_id": f"f{at}", "dir": "/", "dfile": f"{at}", "state": "indexed"}
        db.wf_file.insert_one(file | {"mtime_ns": int((end + delay) * 1e9)})
    a, b = db.station_latency.find()
    assert (a["sta"], a["files"]) == ("A", 3) and a["last"].timestamp() == MIDNIGHT + 9000
    assert (a["latency"], a["largest_latency"]) == pytest.approx((30, 400), abs=1e-3)
    assert (b["files"], b["latency"]) == (1, None)  # its file is not on record
    assert a["age_hours"] == pytest.approx((datetime.now(UTC).timestamp() - MIDNIGHT - 9000) / 3600, abs=0.1)


def test_gutenberg_richter_by_hand(db):
    magnitudes = [0.5] + [1.0] * 5 + [1.1] * 2 + [1.2] * 4 + [1.4] * 3 + [2.2]
    put_catalog(db, "cat", [(at, 46, 13, 5.0, magnitude) for at, magnitude in enumerate(magnitudes)])
    put_catalog(db, "one", [(0, 46, 13, 5.0, 1.0), (1, 46, 13)])
    cat, one = db.gutenberg_richter.find()
    assert (cat["events"], cat["largest_bin"], cat["completeness"], cat["events_complete"]) == (16, 1.0, 1.2, 8)
    mean = (4 * 1.2 + 3 * 1.4 + 2.2) / 8
    b = 0.4342944819 / (mean - 1.15)
    assert cat["mean_magnitude"] == pytest.approx(mean) and cat["b"] == pytest.approx(b)
    assert cat["b_error"] == pytest.approx(b / 8**0.5) and cat["a"] == pytest.approx(math.log10(8) + b * 1.15)
    assert (one["events"], one["events_complete"], one["b"]) == (1, 0, None)
    bins = [(row["magnitude"], row["events"], row["from_here"]) for row in db.magnitude_distribution.find()]
    assert bins[:3] == [(0.5, 1, 16), (1.0, 5, 15), (1.1, 2, 10)] and bins[-2] == (2.2, 1, 1)


@pytest.mark.parametrize(
    ("magnitude", "middle"), [(0.95, 1.0), (1.0499, 1.0), (1.05, 1.1), (-0.05, 0.0), (-0.06, -0.1)]
)
def test_bins_of_magnitudes(db, magnitude, middle):
    put_catalog(db, "cat", [(0, 46, 13, 5.0, magnitude)])
    assert db.magnitude_distribution.find_one()["magnitude"] == middle


def test_rates_look_back_24_hours(db):
    hour = 3600.0
    times = [MIDNIGHT - T0 + at * hour for at in (0.0, 0.5, 23.9, 24.0, 47.5)]
    put_catalog(db, "cat", [(time, 46, 13, 5.0, 1.0) for time in times])
    rows = [(row["hour"].hour, row["events"], row["in_24_hours"]) for row in db.event_rates.find()]
    assert rows == [(0, 2, 2), (23, 1, 3), (0, 1, 2), (23, 1, 2)]


def test_a_view_is_made_of_what_conditions_on_its_collection_choose(db):
    put_catalog(db, "cat", [(0, 46, 13, 5.0, 1.0), (1, 46, 13, 5.0, 2.0), (2, 48, 13, 5.0, 2.0)])
    filters = [read_filter(text) for text in ("catalog=cat", "magnitude>=1.5", "near=46,13,30", "events>=1")]
    assert [row["events"] for row in rows(db, "events_per_day", filters)] == [1]
    assert count(db, "events_per_day", filters[:2]) == 1


@pytest.mark.parametrize(
    ("place", "near", "is_within"),
    [
        ((0, 179.9), "0,-179.9,22.3", True),  # 22.24 km over the date line
        ((0, 179.9), "0,-179.9,22.2", False),
        ((89.9, 0), "89.9,180,22.3", True),  # over the pole
        ((46, 13), "46,13,0", True),
        ((-90, 0), "90,0,20015", False),
        ((-90, 0), "90,0,20016", True),
    ],
)
def test_near_is_the_distance_on_a_sphere(db, place, near, is_within):
    put_catalog(db, "cat", [(0, *place), (0, None, None)])
    assert count(db, "events", [read_filter(f"near={near}")]) == is_within


def test_views_declare_fields_that_they_have():
    for view in views().values():
        made = fields_of_view(view.model_copy(update={"fields": {}}))
        assert set(view.fields) <= set(made), view.name
        assert all(field.type for field in view.fields.values())


def test_location_quality_is_of_the_preferred_origin(db):
    put_catalog(db, "cat", [(0, 46, 13, 5.0, 1.0), (10, None, None)])
    origins = [
        {"_id": "first", "method": "scan", "horizontal_uncertainty_km": 3.0, "arrivals": []},
        {"_id": "second", "method": "nonlinear", "horizontal_uncertainty_km": 0.5, "arrivals": []},
    ]
    change = {"origins": origins, "preferred_origin_id": "second", "rms": 0.2}
    db.event.update_one({"_id": "cat000000"}, {"$set": change})
    (row,) = db.location_quality.find({"catalog": "cat"})  # what has no place is not there
    assert (row["method"], row["horizontal_uncertainty_km"], row["rms"]) == ("nonlinear", 0.5, 0.2)
    db.event.update_one({"_id": "cat000000"}, {"$unset": {"preferred_origin_id": ""}})
    (row,) = db.location_quality.find({"catalog": "cat"})
    assert row["method"] == "scan"


def test_velocity_models_say_what_they_are(db):
    grid = {"projection": "", "shape": [3, 4, 5], "origin": [13.0, 46.0, -2.0], "spacing": [0.1, 0.1, 2.5]}
    rows = [
        {"_id": "cells", "kind": "grid", "content": grid | {"cells": True}, "vp": b"", "vs": b""},
        {"_id": "nodes", "kind": "grid", "content": grid | {"cells": False}, "vp": b"", "vs": b"", "resolution_p": b""},
        {"_id": "layers", "kind": "layers", "content": {"layers": [{"depth_km": 1.0}, {"depth_km": 20.0}]}},
        {"_id": "speeds", "kind": "layers", "content": {"vp": 6.0, "vs": 3.4}},
    ]
    db.velocity_model.insert_many([row | {"model_id": "m", "source": "files"} for row in rows])
    fields = ("values", "top_km", "bottom_km", "has_resolution")
    assert {row["name"]: tuple(row.get(field) for field in fields) for row in db.velocity_models.find()} == {
        "cells": (60, -2.0, 10.5, False), "nodes": (60, -2.0, 8.0, True), "layers": (2, 1.0, 20.0, False),
        "speeds": (1, None, None, False),
    }  # fmt: skip
