"""Planning the assembly of a catalog: batches of windows give what each window alone gives, by far fewer queries."""

import pytest

from catalogdb.jobs import load_job
from catalogdb.stages import assemble
from catalogdb.stages.resolve import resolve


@pytest.fixture
def stage(copy):
    stages, _ = resolve(copy.db, load_job(copy.job_file))
    return stages[-1]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_batches_of_windows_give_the_inputs_of_each_alone(copy, stage, monkeypatch, size):
    monkeypatch.setattr(assemble, "BATCH_WINDOWS", size)
    planned = dict((shard.starttime, (shard, parts)) for shard, parts in stage.parts(copy.db))
    rows = list(copy.db.task.find({"config_id": stage.config_id, "stage": "assemble"}))
    assert len(planned) == len(rows) > 2 and any(parts["magnitude"] for _, parts in planned.values())
    for row in rows:
        shard, parts = planned[row["starttime"]]
        assert stage.read(copy.db, shard).parts == parts == row["inputs"]
    assert {task.fingerprint for task in stage.plan(copy.db)} == {row["fingerprint"] for row in rows}


def test_windows_of_many_years_are_planned_by_few_queries(copy, stage):
    window = copy.db.task.find_one({"config_id": stage.config_id, "stage": "associate"})
    length = window["endtime"] - window["starttime"]
    for number in range(1, 251):
        start = window["endtime"] + (72 + number) * length
        copy.db.task.insert_one(window | {"_id": f"empty {number}", "starttime": start, "endtime": start + length})
    copy.db.command("profile", 2)
    try:
        planned = list(stage.plan(copy.db))
    finally:
        copy.db.command("profile", 0)
    queries = [row["ns"].partition(".")[2] for row in copy.db["system.profile"].find({"op": "query"})]
    copy.db["system.profile"].drop()
    assert len(planned) > 250
    assert queries.count("origin") == 3 and queries.count("magnitude") == 1


def test_origins_of_another_configuration_are_not_assembled(copy, stage):
    before = list(stage.parts(copy.db))
    origin = copy.db.origin.find_one({"catalog": "ops"})
    copy.db.origin.insert_one(origin | {"_id": "other", "event_id": "other", "config_id": "of an earlier run"})
    assert list(stage.parts(copy.db)) == before
