"""Views of stations: their waveforms, arrivals, picks and clocks."""

from datetime import UTC, datetime

import pytest
from catalogs import T0, put_catalog
from scipy.stats import linregress

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
