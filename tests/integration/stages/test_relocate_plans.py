"""What relocation plans is what its tasks read, one cluster at a time, whatever the others hold."""

import pytest

from catalogdb.database.connection import connect
from catalogdb.stages.relocate import RelocateStage

DAY = 1.7e9
FOREVER = {"starttime": 0.0, "endtime": 4e9}
BLOCK = "relocate={max_separation_km: 5, min_links: 4, bootstrap: 0"


def filled(db, uncertainties):
    """Two events at each of several places far apart; of each place the picks have one uncertainty."""
    for row in range(4):
        place = {"lat": 46.0 + 0.1 * row, "lon": 12.0, "elev": 0.1}
        db.site.insert_one({"net": "XA", "sta": f"S{row}", "loc": ""} | place | FOREVER)
    for place, own in enumerate(uncertainties):
        for number in range(2):
            name = f"e{place}{number}"
            time = DAY + 1000.0 * number + 1.5 * place
            picks = [{"_id": f"{name}S{row}", "uncertainty": value} for row, value in enumerate(own)]
            db.pick.insert_many(picks)
            arrivals = [
                {"pick_id": pick["_id"], "phase": "P", "net": "XA", "sta": f"S{row}", "time": time + 2.0 + row}
                for row, pick in enumerate(picks)
            ]
            db.origin.insert_one(
                {"_id": name, "event_id": name, "catalog": "engines", "config_id": "c", "method": "pyocto"}
                | {"time": time, "latitude": 46.1 + 0.3 * place, "longitude": 12.1 + 0.005 * number}
                | {"depth_km": 8.0, "arrivals": arrivals}
            )


def planned_and_read(db, job):
    stage = RelocateStage(job, "c")
    planned = [(shard, parts) for shard, parts in stage.parts(db)]
    assert stage._kept.holds(stage._state(db))
    return [(parts, stage.read(db, shard).parts) for shard, parts in planned]


@pytest.fixture
def db(bare_settings):
    return connect(bare_settings)


def test_picks_of_other_clusters_are_none_of_its_inputs(db, engine_day):
    job = engine_day.job(BLOCK + "}")
    filled(db, [[0.02, 0.02, 0.02, 0.05], [0.1, 0.2, 0.3, 0.4]])
    (first, read), (second, read_second) = planned_and_read(db, job)
    assert (first, second) == (read, read_second)
    db.pick.update_many({"_id": {"$regex": "^e0"}}, {"$set": {"uncertainty": 1.0}})
    (changed, _), (same, _) = planned_and_read(db, job)
    assert same == second and changed != first


def test_given_times_are_of_the_nearest_event_of_all(db, engine_day, tmp_path):
    """Numbers 1 and 2 are the events of the first place; those of the second follow by less than the 2 s allowed."""
    filled(db, [[0.1] * 4] * 2)
    (tmp_path / "event_ids.csv").write_text(f"number,time\n1,{DAY}\n2,{DAY + 1000.0}\n")
    (tmp_path / "dt.cc").write_text("# 1 2 0.0\nS0 0.01 0.9 P\n")
    job = engine_day.job(BLOCK + f", dt_cc: [{tmp_path}/dt.cc]}}")
    (first, read), (second, read_second) = planned_and_read(db, job)
    assert len(first["given"]) == 1 and not second["given"]
    assert (first, second) == (read, read_second)


def test_given_times_are_read_again_once_they_change(db, engine_day, tmp_path):
    filled(db, [[0.1] * 4])
    (tmp_path / "event_ids.csv").write_text(f"number,time\n1,{DAY}\n2,{DAY + 1000.0}\n")
    (tmp_path / "dt.cc").write_text("# 1 2 0.0\nS0 0.01 0.9 P\n")
    stage = RelocateStage(engine_day.job(BLOCK + f", dt_cc: [{tmp_path}/dt.cc]}}"), "c")
    ((shard, planned),) = stage.parts(db)
    assert stage.read(db, shard).parts == planned
    (tmp_path / "dt.cc").write_text("# 1 2 0.0\nS0 0.02 0.9 P\n")
    assert stage.read(db, shard).parts["given"] != planned["given"]


def test_given_times_that_fit_no_event_are_told(db, engine_day, tmp_path):
    filled(db, [[0.1] * 4])
    (tmp_path / "event_ids.csv").write_text(f"number,time\n1,{DAY}\n2,{DAY + 1000.0}\n3,{DAY + 50.0}\n")
    (tmp_path / "dt.cc").write_text("# 1 2 -999\nS0 0.01 0.9 P\n# 1 3 0.0\nS0 0.01 0.9 P\nS1 0.01 0.9 P\n")
    stage = RelocateStage(engine_day.job(BLOCK + f", dt_cc: [{tmp_path}/dt.cc]}}"), "c")
    ((_, parts),) = stage.parts(db)
    assert "given" not in parts
    _, notes = stage.report(db)
    assert notes[-2:] == [
        "2 times of dt_cc are of events that the catalog doesn't have within 2 s",
        "1 times of dt_cc have no correction of origin times (OTC is -999)",
    ]


def test_given_times_move_with_their_catalog_and_stay_the_same(db, engine_day, tmp_path):
    """What relocation uses is the file's arrival times after the catalog's own origin times."""
    filled(db, [[0.1] * 4])
    block = engine_day.job(BLOCK + f", dt_cc: [{tmp_path}/dt.cc]}}")
    (tmp_path / "dt.cc").write_text("# 1 2 0.0\nS0 0.25 0.9 P\n")
    digests = []
    for earlier, own in ((0.0, 0.25), (0.125, 0.375), (0.125, 0.25)):
        (tmp_path / "event_ids.csv").write_text(f"number,time\n1,{DAY - earlier}\n2,{DAY + 1000.0}\n")
        (tmp_path / "dt.cc").write_text(f"# 1 2 0.0\nS0 {own} 0.9 P\n")
        stage = RelocateStage(block, "c")
        ((shard, parts),) = stage.parts(db)
        cluster = stage.read(db, shard).data
        (time,), _ = cluster.given.among(cluster.origins, cluster.arrivals)
        digests.append((time.time, *parts["given"].values()))
    assert digests[0] == digests[1], "the same time, written after another origin time"
    assert digests[0][0] == pytest.approx(0.25) and digests[2][0] == pytest.approx(0.125)
    assert digests[2][1] != digests[0][1]


def test_times_of_dt_ct_take_the_place_of_the_picks_own(db, engine_day, tmp_path):
    filled(db, [[0.1] * 4])
    (tmp_path / "event_ids.csv").write_text(f"number,time\n1,{DAY}\n2,{DAY + 1000.0}\n")
    lines = [f"S{number} 3.5 3.4 {weight} P\n" for number, weight in enumerate((1.0, 0.5, 1.0, 1.0))]
    (tmp_path / "dt.ct").write_text("# 1 2\n" + "".join(lines))
    found = {}
    for name, more in (("own", ""), ("given", f", dt_ct: [{tmp_path}/dt.ct]")):
        stage = RelocateStage(engine_day.job(BLOCK + more + "}"), "c")
        ((shard, _),) = stage.parts(db)
        (pair,) = stage.process(shard, stage.read(db, shard)).documents["differential_time"]
        found[name] = {(time["sta"], time["phase"]): time for time in pair["times"]}
    assert {time["kind"] for times in found.values() for time in times.values()} == {"catalog"}
    assert {key: time["dt"] for key, time in found["given"].items()} == pytest.approx(
        {(f"S{number}", "P"): 0.1 for number in range(4)}
    )
    assert found["own"] != found["given"]
    weight = {sta: time["weight"] for (sta, _), time in found["given"].items()}
    assert weight["S1"] < max(weight.values())


def test_stations_stand_where_location_had_them(db, engine_day):
    filled(db, [[0.1] * 4])
    found = {}
    for elevations in ("true", "false"):
        job = engine_day.job(BLOCK + "}", f"locate={{elevations: {elevations}}}")
        for height in (0.0, 1.5):
            db.site.update_many({}, {"$set": {"elev": height}})
            stage = RelocateStage(job, "c")
            ((shard, _),) = stage.parts(db)
            first = stage.process(shard, stage.read(db, shard)).documents["origin"][0]
            found[elevations, height] = [arrival["residual"] for arrival in first["arrivals"]]
    assert found["false", 0.0] == found["false", 1.5] == found["true", 0.0] != found["true", 1.5]


def test_a_station_outside_its_epochs_stands_at_the_nearest(db, engine_day):
    filled(db, [[0.1] * 4])
    later = {"starttime": DAY + 2e6, "endtime": 4e9}
    db.site.update_one({"sta": "S0"}, {"$set": {"endtime": DAY - 1e6}})
    db.site.insert_one({"net": "XA", "sta": "S0", "loc": "", "lat": 47.0, "lon": 12.0, "elev": 0.0} | later)
    stage = RelocateStage(engine_day.job(BLOCK + "}"), "c")
    ((shard, _),) = stage.parts(db)
    arrivals = stage.read(db, shard).data.arrivals
    assert {arrival.latitude for event in arrivals for arrival in event if arrival.sta == "S0"} == {46.0}
