"""Event types on a real mongod and real files: votes, what takes them away, assembly, staleness, and models."""

import io

import numpy as np
import obspy
import pytest
from catalogs import T0, put_catalog
from rich.console import Console
from typed_waveforms import at, origin_of, records_of, write

from catalogdb.cli.why import _tree
from catalogdb.errors import InputError
from catalogdb.exchange.quakeml import read_quakeml, write_quakeml
from catalogdb.identity import content_id
from catalogdb.jobs import Job
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import execute
from catalogdb.stages.assemble import AssembleStage
from catalogdb.stages.event_type import EventTypeStage
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.registry import stages_of
from catalogdb.upkeep.lineage import lineage

pytestmark = pytest.mark.integration

CONFIG_ID = "catalog-config"
HOUR = 472000 * 3600.0
BLAST = {"least_probability": 0.4, "explosion_type": "quarry blast"}
"""Decides on few stations, so that tests of what follows do not hang on how sure the weights are."""


def job_of(**block):
    return Job.model_validate(
        {"name": "test", "catalog": "test", "stages": ["associate", "event_type"], "event_type": block}
    )


def associated(db, start=HOUR):
    row = {"_id": content_id("associate", CONFIG_ID, {}, start, start + 3600.0), "stage": "associate"}
    times = {"starttime": start, "endtime": start + 3600.0}
    db.task.insert_one(row | times | {"config_id": CONFIG_ID, "shard": {}, "status": "done", "attempts": 0})


def run(db, stage):
    to_do, _ = tasks.register(db, stage, stage.plan(db))
    return [execute(db, stage, planned) for planned in to_do]


@pytest.fixture
def blast(db, tmp_path):
    """A blast at two stations or more, indexed and associated; its records at their new time."""
    made = at(records_of("quarry blast"), HOUR + 600)
    ingest_waveforms(db, [write(made, tmp_path / "wf")])
    db.origin.insert_one(origin_of(made, "blast", CONFIG_ID))
    associated(db)
    return made


def test_a_blast_is_found_and_the_event_says_suspected(db, blast):
    job = job_of(**BLAST)
    (report,) = run(db, EventTypeStage(job, CONFIG_ID))
    assert report.status == "done", report.error
    found = db.event_type.find_one({"event_id": "blast"})
    assert (found["most_probable"], found["type"], found["decision"]) == ("explosion", "quarry blast", "decided")
    assert sum(found["votes"].values()) == found["n_stations"] >= 1 and found["weights"]["name"] == "packaged"
    assert sum(found["probabilities"].values()) == pytest.approx(1.0, abs=1e-3)
    run(db, AssembleStage(job, CONFIG_ID))
    event = db.event.find_one({"_id": "blast"})
    assert (event["event_type"], event["event_type_certainty"]) == ("quarry blast", "suspected")
    assert event["event_type_rule"] == "waveforms" and event["event_type_probability"] == found["probability"]


def test_quakeml_has_the_type_and_how_sure_it_is(db, blast, tmp_path):
    job = job_of(**BLAST)
    run(db, EventTypeStage(job, CONFIG_ID))
    run(db, AssembleStage(job, CONFIG_ID))
    path = tmp_path / "events.xml"
    with path.open("wb") as stream:
        write_quakeml(((event, []) for event in db.event.find()), stream)
    (event,) = obspy.read_events(str(path))
    assert (event.event_type, event.event_type_certainty) == ("quarry blast", "suspected")
    (found,), own = read_quakeml(path).events, db.event.find_one()
    assert found["event_type_rule"] == "waveforms"
    assert found["event_type_probability"] == own["event_type_probability"]


def test_an_unsure_event_keeps_its_type_without_certainty(db, blast):
    job = job_of(least_probability=0.9999)
    run(db, EventTypeStage(job, CONFIG_ID))
    found = db.event_type.find_one({})
    assert found["decision"] == "unsure" and found["most_probable"] == "explosion" and "type" not in found
    run(db, AssembleStage(job, CONFIG_ID))
    event = db.event.find_one({})
    assert event["event_type"] == "earthquake"
    assert not {"event_type_certainty", "event_type_rule"} & set(event)


def test_a_second_run_does_nothing_and_new_waveforms_are_stale(db, blast, tmp_path):
    stage = EventTypeStage(job_of(**BLAST), CONFIG_ID)
    run(db, stage)
    assert run(db, stage) == []
    changed = at([record for record in records_of("quarry blast")], HOUR + 600)
    for _, stream, _, _ in changed:
        for trace in stream:
            trace.data = (trace.data * 2).astype(np.float32)
    ingest_waveforms(db, [write(changed, tmp_path / "wf")])
    (planned,) = tasks.register(db, stage, stage.plan(db))[0]
    assert planned.fingerprint


def test_events_without_waveforms_are_counted_and_left_open(db):
    made = at(records_of("quarry blast"), HOUR + 600)
    db.origin.insert_one(origin_of(made, "bare", CONFIG_ID))
    associated(db)
    (report,) = run(db, EventTypeStage(job_of(), CONFIG_ID))
    assert report.counts["no_station"] == 1 and report.counts["no_waveform"] == len(made)
    found = db.event_type.find_one({})
    assert found["decision"] == "no_station" and found["n_stations"] == 0 and "most_probable" not in found
    said, lost = EventTypeStage.outcome(report.counts)
    assert said == "types: 1 of 1 left open" and f"{len(made)} without waveforms" in lost[0]


def test_a_missing_file_fails_the_task_and_says_which(db, blast, tmp_path):
    stage = EventTypeStage(job_of(**BLAST), CONFIG_ID)
    run(db, stage)
    before = db.event_type.find_one({})
    (tmp_path / "wf" / "A0.mseed").unlink()
    db.origin.update_one({}, {"$set": {"depth_km": 9.0, "time": HOUR + 599.0}})
    (report,) = run(db, stage)
    assert report.status == "failed" and "A0.mseed" in report.error
    assert db.event_type.find_one({}) == before


def test_one_station_with_p_alone_votes_by_the_origin_time(db, tmp_path):
    made = at(records_of("earthquake")[:1], HOUR + 600)
    ingest_waveforms(db, [write(made, tmp_path / "wf")])
    db.origin.insert_one(origin_of(made, "single", CONFIG_ID, with_s=False))
    associated(db)
    run(db, EventTypeStage(job_of(), CONFIG_ID))
    found = db.event_type.find_one({})
    assert found["n_stations"] == 1 and found["stations"][0]["sta"] == "A0"
    run(db, EventTypeStage(job_of(min_stations=2), "other-config"))
    assert db.event_type.count_documents({}) == 1  # another catalog has no windows


def test_a_reference_catalog_keeps_its_types(db, blast):
    put_catalog(db, "bulletin", [(0, 46, 13, 5.0, 1.0)], [])
    db.event.update_one({"catalog": "bulletin"}, {"$set": {"event_type": "landslide"}})
    job = job_of(**BLAST)
    run(db, EventTypeStage(job, CONFIG_ID))
    run(db, AssembleStage(job, CONFIG_ID))
    assert db.event.find_one({"catalog": "bulletin"})["event_type"] == "landslide"
    assert db.event_type.distinct("catalog") == ["test"]
    assert T0


def test_a_view_shows_votes_and_the_hour(db, blast):
    run(db, EventTypeStage(job_of(**BLAST), CONFIG_ID))
    (row,) = db.event_types.find()
    assert row["hour"] == pytest.approx((db.origin.find_one()["time"] % 86400) / 3600, abs=1e-3)
    assert row["explosion"] + row["earthquake"] + row["surface"] == row["n_stations"] <= row["stations_asked"]


def test_why_says_what_the_waveforms_told(db, blast):
    job = job_of(**BLAST)
    run(db, EventTypeStage(job, CONFIG_ID))
    run(db, AssembleStage(job, CONFIG_ID))
    history = lineage(db, "blast")
    found = history["event_type"]
    assert found["task"]["stage"] == "event_type" and found["votes"]["explosion"] >= 1
    console = Console(width=400, file=io.StringIO())
    console.print(_tree(history))
    text = console.file.getvalue()
    assert (
        "type quarry blast, suspected: explosion with probability" in text and "classified by event_type task" in text
    )


def test_a_filled_gap_and_an_accelerometer_on_real_files(db, tmp_path):
    made = at(records_of("quarry blast"), HOUR + 600)
    (_, first, _, s), (_, second, _, _) = made[0], made[1]
    for trace in first:
        begin = round((s - trace.stats.starttime.timestamp) * trace.stats.sampling_rate)
        trace.data[begin : begin + 80] = 0
    for trace in second:
        trace.data = (np.gradient(trace.data.astype(np.float64)) * trace.stats.sampling_rate).astype(np.float32)
        trace.stats.channel = "HN" + trace.stats.channel[-1]
    ingest_waveforms(db, [write(made, tmp_path / "wf")])
    db.origin.insert_one(origin_of(made, "filled", CONFIG_ID))
    associated(db)
    (report,) = run(db, EventTypeStage(job_of(**BLAST), CONFIG_ID))
    assert report.counts["dead"] == 1
    stations = {station["sta"]: station for station in db.event_type.find_one({})["stations"]}
    assert stations["A0"]["reason"] == "dead" and stations["A1"]["vote"] == "explosion"
    assert "1 with one value for 0.5 s or more" in EventTypeStage.outcome(report.counts)[1][0]


def test_where_the_best_sensor_is_dead_the_next_one_is_asked(db, tmp_path):
    made = at(records_of("quarry blast")[:1], HOUR + 600)
    ((_, stream, _, s),) = made
    others = stream.copy()
    for trace in stream:
        begin = round((s - trace.stats.starttime.timestamp) * trace.stats.sampling_rate)
        trace.data[begin : begin + 80] = 0
    for trace in others:
        trace.stats.channel = "EH" + trace.stats.channel[-1]
    job, origin = job_of(**BLAST), origin_of(made, "near", CONFIG_ID)
    ingest_waveforms(db, [write(made, tmp_path / "wf")])
    db.origin.insert_one(origin)
    associated(db)
    (report,) = run(db, EventTypeStage(job, CONFIG_ID))
    assert report.counts["dead"] == report.counts["no_station"] == 1
    others.write(str(tmp_path / "wf" / "A0-other.mseed"), format="MSEED", encoding="FLOAT32")
    ingest_waveforms(db, [tmp_path / "wf"])
    (report,) = run(db, EventTypeStage(job, CONFIG_ID))
    assert "dead" not in report.counts and db.event_type.find_one()["n_stations"] == 1


def test_a_block_alone_has_the_stage_run():
    assert [stage.name for stage in stages_of(job_of().stages, "catalog")] == ["associate", "event_type", "assemble"]


def test_weights_that_are_not_there_are_refused(db, blast):
    with pytest.raises(InputError, match="no model 'nothing'"):
        EventTypeStage(job_of(weights="model:nothing"), CONFIG_ID).check(db)
