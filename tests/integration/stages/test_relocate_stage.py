"""Relocation in a job: origins relative to their neighbours, by cluster; what goes stale, is explained and removed."""

import numpy as np
import pytest

from catalogdb.database.connection import connect
from catalogdb.errors import InputError
from catalogdb.runs.run import run_job
from catalogdb.runs.stale import stale_of_job
from catalogdb.stages.export_peers import export_for_peer
from catalogdb.stages.preferred import RELATIVE_RULE
from catalogdb.stages.resolve import catalog_config
from catalogdb.upkeep.removal import remove

BLOCK = "relocate={max_separation_km: 60, min_links: 4, bootstrap: 20}"
LOCATE = "locate={min_events: 3}"


@pytest.fixture(scope="module")
def relocated(engine_day):
    """Settings of a database with the results of a job that relocates; left as it is."""
    settings = engine_day.filled()
    report = run_job(settings, engine_day.job(BLOCK, LOCATE))
    assert report.status == "done", report
    assert list(report.stages) == ["pick", "associate", "locate", "relocate", "magnitude", "assemble", "evaluate"]
    return settings


@pytest.fixture
def place(engine_day, relocated):
    """The same in a database that the test may change."""
    return engine_day.copy_of(relocated)


def test_a_block_is_enough_to_relocate(engine_day):
    assert engine_day.job(BLOCK).stages == ("pick", "associate", "relocate", "magnitude", "evaluate")
    both = engine_day.job(BLOCK, LOCATE).stages
    assert both == ("pick", "associate", "locate", "relocate", "magnitude", "evaluate")
    assert "relocate" not in catalog_config(engine_day.job(), "picks")


def test_linked_events_have_an_origin_and_differential_times(place):
    db = connect(place)
    origins = list(db.origin.find({"catalog": "engines", "method": "double difference"}))
    assert {origin["earth_model_id"] for origin in origins} == set(db.origin.distinct("earth_model_id"))
    assert len(origins) > 1
    for origin in origins:
        assert origin["n_differences"] > 0 and origin["cluster_events"] >= len(origins)
        assert np.linalg.eigvalsh(np.array(origin["covariance_km2"])).min() >= 0
        event = db.event.find_one({"_id": origin["event_id"]})
        methods = [own["method"] for own in event["origins"]]
        assert methods == ["pyocto", "nonlinear", "double difference"]
        assert event["preferred_origin_id"] == origin["_id"]
        assert event["preferred_origin_rule"] == RELATIVE_RULE
        assert event["depth_km"] == origin["depth_km"]
    pair = db.differential_time.find_one({"catalog": "engines"})
    first, second = (
        db.origin.find_one({"event_id": pair[f"{name}_event_id"], "method": "nonlinear"})
        for name in ("first", "second")
    )
    assert pair["n_times"] == len(pair["times"]) >= 4
    for time in pair["times"]:
        apart = []
        for origin in (first, second):
            (arrival,) = (
                arrival
                for arrival in origin["arrivals"]
                if (arrival["sta"], arrival["phase"]) == (time["sta"], time["phase"])
            )
            apart.append(arrival["time"] - origin["time"])
        assert time["dt"] == pytest.approx(apart[0] - apart[1], abs=1e-6) and time["kind"] == "catalog"


def test_a_cluster_is_a_task_that_goes_when_it_is_none_any_more(place, engine_day):
    job, db = engine_day.job(BLOCK, LOCATE), connect(place)
    assert run_job(place, job).nothing_to_do
    assert stale_of_job(db, job).tasks == []
    assert [set(task["shard"]) for task in db.task.find({"stage": "relocate"})] == [{"cluster"}]
    for number, name in enumerate(sorted(db.origin.distinct("_id", {"method": "nonlinear"}))):
        db.origin.update_one({"_id": name}, {"$set": {"longitude": 12.0 + 3.0 * number}})
    stale = {task.stage: task.state for task in stale_of_job(db, job).tasks}
    assert stale["relocate"] == "stale"
    report = run_job(place, job)
    assert report.status == "done"
    assert db.origin.count_documents({"method": "double difference"}) == db.differential_time.count_documents({}) == 0
    assert any("keep their location" in note for note in report.notes), report.notes


def differences(db, name):
    """Times by kind, pair, station and phase: of events by their number, after the origin times in common."""
    order = [event["_id"] for event in db.event.find({"catalog": name}).sort("time", 1)]
    return {
        (
            time["kind"],
            *(order.index(pair[f"{which}_event_id"]) for which in ("first", "second")),
            time["sta"],
            time["phase"],
        ): time["dt"]
        for pair in db.differential_time.find({"catalog": name})
        for time in pair["times"]
    }


def test_times_of_its_own_export_come_in_again_as_correlated(place, engine_day, tmp_path):
    """dt.ct of picks, written as dt.cc: the same times, though the files round origin times to hundredths."""
    db = connect(place)
    export_for_peer(db, "engines", tmp_path, "hypodd")
    lines = [line.split() for line in (tmp_path / "dt.ct").read_text().splitlines()]
    written = [
        f"# {row[1]} {row[2]} 0.0\n"
        if row[0] == "#"
        else f"{row[0]} {float(row[1]) - float(row[2]):.4f} 0.95 {row[4]}\n"
        for row in lines
    ]
    (tmp_path / "dt.cc").write_text("".join(written))
    block = BLOCK.replace("bootstrap", f"dt_cc: [{tmp_path}/dt.cc], bootstrap")
    assert run_job(place, engine_day.job(block, LOCATE, "catalog=given", "pick_set=engines")).status == "done"
    pairs = list(db.differential_time.find({"catalog": "given"}))
    assert pairs
    for pair in pairs:
        by_kind = {kind: {} for kind in ("catalog", "cross-correlation")}
        for time in pair["times"]:
            by_kind[time["kind"]][time["sta"], time["phase"]] = time["dt"]
        assert by_kind["catalog"].keys() == by_kind["cross-correlation"].keys()
        for key, dt in by_kind["catalog"].items():
            assert by_kind["cross-correlation"][key] == pytest.approx(dt, abs=1e-3)
    by_file = BLOCK.replace("bootstrap", f"dt_ct: [{tmp_path}/dt.ct], bootstrap")
    report = run_job(place, engine_day.job(by_file, LOCATE, "catalog=by_file", "pick_set=engines"))
    assert report.status == "done" and not [note for note in report.notes if "times of" in note]
    read, own = (differences(db, name) for name in ("by_file", "engines"))
    assert read.keys() == own.keys() and {kind for kind, *_ in read} == {"catalog"}
    assert [read[key] for key in own] == pytest.approx(list(own.values()), abs=1e-3)
    far = by_file.replace("min_links: 4", "min_links: 12")
    report = run_job(place, engine_day.job(far, LOCATE, "catalog=far", "pick_set=engines"))
    assert [note for note in report.notes if "events that are in no cluster together" in note]
    (tmp_path / "event_ids.csv").unlink()
    with pytest.raises(InputError, match="event_ids.csv: not there"):
        run_job(place, engine_day.job(block, LOCATE, "catalog=other", "pick_set=engines"))


def test_it_goes_with_its_catalog(place):
    db = connect(place)
    assert remove(db, "catalog", "engines")["differential_time"] > 0
    assert db.differential_time.count_documents({}) == db.origin.count_documents({}) == 0
