"""Training on a real mongod: sets, tasks, checkpoints after kill -9, the gate, the registry, and jobs that use it."""

from datetime import datetime

import obspy
import pytest
import yaml
from catalogs import T0, put_catalog
from killed_training import train_until_killed
from labelled_records import P_SAMPLE, RATE, S_SAMPLE, SAMPLES, START, record, write_arrays

from catalogdb.database import blobs
from catalogdb.errors import InputError, NameTaken
from catalogdb.jobs import Job
from catalogdb.picking.weights import resolve
from catalogdb.runs.run import run_job
from catalogdb.runs.stale import stale_of_all, stale_of_job
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.models import (
    CHECKPOINTS,
    TENSORS,
    drop_files,
    export_model,
    models,
    provide_weights,
    usable_weights,
)
from catalogdb.stages.picked_records import read_picked
from catalogdb.stages.training_run import load_training, run_training
from catalogdb.stages.training_sets import (
    define_training_set,
    export_training_set,
    ingest_training_set,
    load_training_set,
)
from catalogdb.training.config import TrainConfig, TrainingSetConfig
from catalogdb.upkeep.prune import find_leftovers
from catalogdb.upkeep.removal import remove

QUICK = {"epochs": 2, "batch": 8}
BOTH_ORDERS = (("analysts", "others"), ("others", "analysts"))


@pytest.fixture
def labels(db, tmp_path, monkeypatch):
    """A set of 40 records, and a cache of this test's own."""
    monkeypatch.setenv("CATALOGDB_CACHE_DIR", str(tmp_path / "cache"))
    folder = write_arrays(tmp_path / "labels", range(40))
    return ingest_training_set(db, [folder], TrainingSetConfig(name="labels", split={"guard_seconds": 0}))


def training(name="mine", **fields):
    given = {"name": name, "parent": "demo", "training_set": "labels", "seeds": [1], "device": "cpu", "share": 0.25}
    return TrainConfig.model_validate(given | {"optimise": QUICK, "gate": {"resamples": 100}} | fields)


def accept(db, name):
    db.model.update_one({"_id": name}, {"$set": {"status": "accepted", "reasons": []}})


def archive(db, folder, numbers):
    """Waveforms of records as miniSEED, and a reference pick set `analysts` of their onsets."""
    folder.mkdir()
    picks = []
    for number in numbers:
        made = record(number)
        obspy.Stream(made.traces).write(str(folder / f"{number}.mseed"), format="MSEED")
        station = made.station.split(".")[1]
        start = START + 3600 * number - T0
        picks += [(start + P_SAMPLE / RATE, station, "Pg"), (start + S_SAMPLE / RATE, station, "S")]
    ingest_waveforms(db, [folder])
    put_catalog(db, "analysts", [], picks)


def test_a_training_leads_to_a_judged_model(db, labels):
    model = run_training(db, training(seeds=[1, 2]))
    assert model["status"] in ("accepted", "refused") and model["tasks"]["done"] == 2
    assert {row["figure"] for row in model["scores"]} >= {"f1_p", "f1_s"}
    (listed,) = models(db)
    first, second = listed["weights"]
    assert first["sha256"] != second["sha256"] and listed["chosen"] in (1, 2)
    assert listed["training_set"] == {"name": "labels", "digest": labels["digest"]}
    assert db.checkpoints.files.count_documents({}) == 0 and db.tensors.files.count_documents({}) == 2


def test_a_second_call_does_nothing_and_other_gates_only_judge(db, labels):
    first = run_training(db, training())
    assert run_training(db, training(licence="CC BY 4.0"))["licence"] == "CC BY 4.0"
    again = run_training(db, training())
    assert "licence" not in again
    assert again["tasks"] == {"planned": 1, "up_to_date": 1, "done": 0, "held": 0, "failed": 0, "quarantined": 0}
    assert again["judged"] == first["judged"]
    stricter = run_training(db, training(gate={"resamples": 100, "p_threshold": 0.6}))
    assert stricter["tasks"]["up_to_date"] == 1 and stricter["judged"] != first["judged"]


def test_a_further_seed_is_trained_alone(db, labels):
    run_training(db, training())
    before = db.model_weights.find_one({"seed": 1})
    assert run_training(db, training(seeds=[1, 2]))["tasks"]["done"] == 1
    assert db.model_weights.find_one({"seed": 1}) == before


def test_other_settings_under_the_same_name_are_refused(db, labels):
    run_training(db, training())
    with pytest.raises(NameTaken, match="model 'mine' was made with other settings"):
        run_training(db, training(optimise=QUICK | {"learning_rate": 1e-4}))
    replaced = run_training(db, training(optimise=QUICK | {"learning_rate": 1e-4}), replace=True)
    assert replaced["tasks"]["done"] == 1 and db.tensors.files.count_documents({}) == 1


def test_kill_9_during_training_leads_to_the_same_weights(db, labels, settings, tmp_path):
    longer = {"optimise": QUICK | {"epochs": 8, "patience": 8}}
    whole = run_training(db, training("whole", **longer))
    file = tmp_path / "killed.yaml"
    reached = train_until_killed(db, settings, training("killed", **longer), file, epoch=2)
    assert reached >= 2 and db.model_weights.count_documents({"model": "killed"}) == 0
    resumed = run_training(db, load_training(file))
    assert resumed["tasks"]["done"] == 1
    hashes = [db.model_weights.find_one({"model": name})["sha256"] for name in ("whole", "killed")]
    assert hashes[0] == hashes[1]
    curves = [db.model_weights.find_one({"model": name})["curves"] for name in ("whole", "killed")]
    assert curves[0] == curves[1] and whole["scores"] == resumed["scores"]


def test_a_job_picks_with_a_model_by_its_name(db, labels, settings, tmp_path):
    run_training(db, training())
    archive(db, tmp_path / "archive", range(2))
    job = {"name": "j", "catalog": "by-model", "stages": ["pick"], "pick": {"weights": "model:mine", "threads": 1}}
    db.model.update_one({"_id": "mine"}, {"$set": {"status": "refused", "reasons": ["worse"]}})
    with pytest.raises(InputError, match="model 'mine' is refused: worse"):
        run_job(settings, Job.model_validate(job))
    accept(db, "mine")
    report = run_job(settings, Job.model_validate(job))
    assert report.status == "done" and db.pick.count_documents({"pick_set": "by-model"}) > 0
    config = db.pick_set.find_one({"_id": "by-model"})["config"]
    assert config["picker"]["networks"][0]["weights_sha256"] == db.model_weights.find_one()["sha256"]
    assert stale_of_job(db, Job.model_validate(job)).tasks == []


def test_picks_of_a_model_go_stale_with_it(db, labels, settings, tmp_path):
    run_training(db, training())
    accept(db, "mine")
    archive(db, tmp_path / "archive", range(1))
    job = {"name": "j", "catalog": "by-model", "stages": ["pick"], "pick": {"weights": "model:mine", "threads": 1}}
    run_job(settings, Job.model_validate(job))
    run_training(db, training(optimise=QUICK | {"learning_rate": 1e-4}), replace=True)
    accept(db, "mine")
    stale = stale_of_job(db, Job.model_validate(job))
    assert len(stale.tasks) == 1 and "made in another way" in stale.notes[0]


def test_a_removed_model_hides_no_other_staleness(db, labels, settings, tmp_path, cli):
    run_training(db, training())
    accept(db, "mine")
    archive(db, tmp_path / "archive", range(1))
    for name, weights in (("by-demo", "demo"), ("by-model", "model:mine")):
        pick = {"weights": weights, "threads": 1}
        run_job(settings, Job.model_validate({"name": "j", "catalog": name, "stages": ["pick"], "pick": pick}))
    remove(db, "model", "mine")
    found = {result.pick_set: result for result in stale_of_all(db)}
    assert found["by-demo"].unknown is None and found["by-demo"].job == "j"
    assert "no model 'mine'" in found["by-model"].unknown
    told = cli("status", "--stale")
    assert told.code == 0 and "by-model: can't be said: no model 'mine'" in told.err


def test_weights_of_one_seed_are_taken_whatever_the_gate_says(db, labels):
    run_training(db, training(seeds=[1, 2]))
    db.model.update_one({"_id": "mine"}, {"$set": {"status": "refused"}})
    assert usable_weights(db, "mine-2")["seed"] == 2
    with pytest.raises(InputError, match="no model 'other'"):
        usable_weights(db, "other")


def test_a_host_without_a_cache_has_the_model_all_the_same(db, labels, tmp_path, monkeypatch):
    run_training(db, training())
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CATALOGDB_CACHE_DIR", str(tmp_path / "file"))
    provide_weights(db, ["model:mine-1"])
    assert resolve("phasenet", "model:mine-1").identity()["weights_sha256"] == db.model_weights.find_one()["sha256"]


def test_a_model_can_be_the_parent_of_another(db, labels):
    run_training(db, training())
    accept(db, "mine")
    child = run_training(db, training("child", parent="model:mine"))
    assert child["parent"] == {
        "weights": "model:mine",
        "sha256": db.model_weights.find_one({"model": "mine"})["sha256"],
    }


def test_export_writes_seisbenchs_files_without_a_difference(db, labels, tmp_path):
    run_training(db, training())
    summary = export_model(db, "mine", tmp_path / "out")
    assert summary["difference"] == 0 and [path.rpartition("/")[2] for path in summary["files"]] == [
        "mine.pt.v1",
        "mine.json.v1",
    ]
    assert export_model(db, "mine", tmp_path / "out") == summary
    (tmp_path / "out" / "mine.pt.v1").write_bytes(b"other")
    with pytest.raises(InputError, match="with other weights"):
        export_model(db, "mine", tmp_path / "out")


def test_removal_takes_weights_and_tensors_away(db, labels, cli):
    run_training(db, training())
    assert not find_leftovers(db).configs and not find_leftovers(db).documents
    assert cli("remove", "model", "mine", "--yes").code == 0
    for name in ("model", "model_weights", "task", "tensors.files", "tensors.chunks"):
        assert db[name].count_documents({}) == 0, name


def test_files_that_no_model_names_go_with_prune(db, labels, cli):
    for bucket in (TENSORS, CHECKPOINTS):
        blobs.put(db, bucket, "left", b"left", {"task": "gone"})
    task = {"_id": "t", "stage": "train", "config_id": "c", "shard": {}, "attempts": 1, "status": "running"}
    db.task.insert_one(task | {"lease": {"until": datetime(2999, 1, 1)}})
    assert drop_files(db) == 1 and db.tensors.files.count_documents({}) == 1, "a training may be about to name it"
    db.task.delete_one({"_id": "t"})
    assert "removed 1 files" in cli("prune", "--yes").err
    assert db.tensors.files.count_documents({}) == db.tensors.chunks.count_documents({}) == 0


def test_removal_by_name_alone_leaves_other_models(db, labels):
    run_training(db, training())
    run_training(db, training("other", optimise=QUICK | {"learning_rate": 1e-4}))
    remove(db, "model", "mine")
    assert [model["name"] for model in models(db)] == ["other"] and len(models(db)[0]["weights"]) == 1


def test_files_that_changed_are_refused_until_entered_again(db, labels, tmp_path):
    write_arrays(tmp_path / "labels", range(1, 41))
    with pytest.raises(InputError, match="its files are not those that it was entered with"):
        run_training(db, training())
    config = TrainingSetConfig(name="labels", split={"guard_seconds": 0})
    with pytest.raises(NameTaken, match="stands with other records"):
        ingest_training_set(db, [tmp_path / "labels"], config)
    ingest_training_set(db, [tmp_path / "labels"], config, replace=True)
    assert run_training(db, training(), replace=True)["tasks"]["done"] == 1


def test_labels_come_from_the_databases_own_picks(db, tmp_path):
    archive(db, tmp_path / "archive", range(8))
    config = TrainingSetConfig(
        name="own", pick_sets=("analysts",), before_seconds=15, after_seconds=20, split={"guard_seconds": 0}
    )
    document = define_training_set(db, config)
    assert (document["counts"]["records"], document["counts"]["P"], document["counts"]["S"]) == (8, 8, 8)
    loaded = load_training_set(db, "own")
    first = min((each for part in loaded.parted.parts.values() for each in part), key=lambda each: each.time)
    assert [onset.phase for onset in first.onsets] == ["P", "S"]
    assert first.endtime - first.starttime == pytest.approx(15 + 6 + 20, abs=0.05)
    assert export_training_set(db, "own", tmp_path / "out")["written"] == 8
    db.pick.delete_one({"phase": "S"})
    with pytest.raises(InputError, match="picks or waveforms are not"):
        load_training_set(db, "own")


def test_windows_without_picks_lie_between_the_records(db, tmp_path):
    archive(db, tmp_path / "archive", (0, 8))
    quiet = obspy.Stream(record(4, station="XX.S0", phases="").traces)
    middle = START + 4 * 3600 + (P_SAMPLE + S_SAMPLE) / 2 / RATE
    for trace in quiet:
        trace.stats.starttime = obspy.UTCDateTime(middle - SAMPLES / RATE / 2)
    quiet.write(str(tmp_path / "archive" / "quiet.mseed"), format="MSEED")
    ingest_waveforms(db, [tmp_path / "archive"])
    config = TrainingSetConfig(
        name="own", pick_sets=("analysts",), before_seconds=10, after_seconds=10, negatives=5,
        split={"by": "time", "guard_seconds": 0, "fractions": (0.34, 0.33, 0.33)},
    )  # fmt: skip
    document = define_training_set(db, config)
    assert (document["counts"]["records"], document["counts"]["without_onset"]) == (3, 1)


def test_s_of_one_event_alone_leaves_s_of_a_record_unknown(db, tmp_path):
    archive(db, tmp_path / "archive", range(6))
    config = TrainingSetConfig(name="own", pick_sets=("analysts",), split={"guard_seconds": 0})
    for pick in list(db.pick.find({})):
        is_second = pick["phase"] == "S" and pick["time"] < START + 3600
        db.pick.update_one({"_id": pick["_id"]}, {"$set": {"event_key": "second" if is_second else "first"}})
    db.pick.insert_one(db.pick.find_one({"phase": "S"}) | {"_id": "p of second", "phase": "P", "event_key": "second"})
    records, _, _ = read_picked(db, config)
    assert sorted(each.known for each in records) == ["P", *["PS"] * 5]
    noise = config.model_copy(update={"unpicked": "noise"})
    assert {each.known for each in read_picked(db, noise)[0]} == {"PS"}


def test_an_onset_of_two_pick_sets_is_one_label(db, tmp_path):
    archive(db, tmp_path / "archive", range(2))
    picks = [(pick["time"] - T0 + 0.1, pick["sta"], pick["phase"]) for pick in db.pick.find({"phase": "Pg"})]
    put_catalog(db, "others", [], [*picks, (picks[0][0] + 3, picks[0][1], "P")])
    read = {names: read_picked(db, TrainingSetConfig(name="own", pick_sets=names))[0] for names in BOTH_ORDERS}
    assert [sum(len(each.onsets) for each in records) for records in read.values()] == [5, 5]
    assert {each.known for records in read.values() for each in records} == {"PS"}
    first = [min(each.onsets[0].time for each in records) for records in read.values()]
    assert first[1] - first[0] == pytest.approx(0.1)


def test_records_beyond_memory_are_refused(db, tmp_path, monkeypatch):
    archive(db, tmp_path / "archive", range(2))
    monkeypatch.setattr("catalogdb.training.formats.MEMORY_SHARE", 1e-9)
    with pytest.raises(InputError, match="0 of 2 records fill the memory"):
        define_training_set(db, TrainingSetConfig(name="own", pick_sets=("analysts",)))


def test_automatic_picks_are_no_labels(db, tmp_path):
    archive(db, tmp_path / "archive", range(1))
    db.pick_set.update_one({"_id": "analysts"}, {"$set": {"kind": "automatic"}})
    with pytest.raises(InputError, match="'analysts' is automatic"):
        define_training_set(db, TrainingSetConfig(name="own", pick_sets=("analysts",)))


def test_commands_tell_what_they_did(db, cli, labels, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"name": "x", "parent": "demo", "training_set": "labels"}))
    settings = ["--set", "seeds=[1]", "--set", "optimise.epochs=1", "--set", "gate.resamples=100"]
    done = cli("train", file, "--name", "mine", *settings, "--picture", tmp_path / "curves.png", "--json")
    assert done.code == 0 and done.json["_id"] == "mine" and (tmp_path / "curves.png").stat().st_size > 1000
    listed = cli("models", "--json").json["models"]
    assert [model["name"] for model in listed] == ["mine"] and "curves" not in listed[0]["weights"][0]
    assert "mine" in cli("models").out
    wrong = cli("train", file, "--set", "optimise.epoch=1")
    assert wrong.code == 2 and "did you mean epochs?" in wrong.err
    unseen = cli("train", file, "--name", "second", "--set", "gate.also_on=[far]")
    assert unseen.code == 2 and "no training set 'far'" in unseen.err and db.model.find_one({"_id": "second"}) is None
    drawn = cli("train", file, "--name", "second", "--picture", tmp_path / "x.gif")
    assert drawn.code == 2 and "x.gif: a picture is one of" in drawn.err and db.model.count_documents({}) == 1
    unknown = cli("train", file, "--set", "training_set=nothing")
    assert unknown.code == 2 and "there are: labels" in unknown.err
