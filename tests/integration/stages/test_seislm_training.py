"""SeisLM on a real mongod: pretrained on unlabelled waveforms, killed, resumed, fine-tuned, and picking in a job."""

import io

import numpy as np
import obspy
import pytest
import torch
from killed_training import train_until_killed
from labelled_records import START, record, write_arrays
from pydantic import ValidationError

from catalogdb.database import blobs
from catalogdb.errors import InputError
from catalogdb.jobs import Job
from catalogdb.runs.run import run_job
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.models import TENSORS, usable_weights
from catalogdb.stages.training_run import load_training, run_training
from catalogdb.stages.training_sets import define_training_set, ingest_training_set, load_training_set
from catalogdb.stages.unlabelled_records import read_unlabelled
from catalogdb.training.config import TrainConfig, TrainingSetConfig

QUICK = {"epochs": 1, "batch": 4}
SET = {"name": "unlabelled", "unlabelled": 6, "before_seconds": 16, "after_seconds": 16, "split": {"guard_seconds": 0}}


@pytest.fixture
def archive(db, tmp_path, monkeypatch):
    """Waveforms of 8 records as miniSEED, indexed, and a cache of this test's own."""
    monkeypatch.setenv("CATALOGDB_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "archive"
    folder.mkdir()
    for number in range(8):
        obspy.Stream(record(number).traces).write(str(folder / f"{number}.mseed"), format="MSEED")
    ingest_waveforms(db, [folder])
    return folder


def pretraining(name="base", **fields):
    given = {"name": name, "task": "pretrain", "picker": "seislm", "parent": None, "training_set": SET, "seeds": [1]}
    return TrainConfig.model_validate(given | {"optimise": QUICK, "device": "cpu"} | fields)


def test_pretraining_keeps_weights_and_what_was_measured(db, archive):
    model = run_training(db, pretraining())
    assert model["status"] == "pretrained" and model["tasks"]["done"] == 1
    (curve,) = db.model_weights.find_one({"_id": "base-1"})["curves"]
    assert 0 <= curve["accuracy"] <= 1 and 2 <= curve["words_in_use"] <= 128
    assert run_training(db, pretraining())["tasks"]["up_to_date"] == 1


def test_unlabelled_records_are_spread_over_stations_and_times(db, archive):
    document = define_training_set(db, TrainingSetConfig.model_validate(SET))
    assert document["kind"] == "waveforms" and document["counts"]["P"] == 0
    records, _, _ = read_unlabelled(db, TrainingSetConfig.model_validate(SET))
    assert len(records) == 6 and not any(each.known or each.onsets for each in records)
    assert len({each.station for each in records}) == len(db.wf_miniseed.distinct("sta"))
    again = define_training_set(db, TrainingSetConfig.model_validate(SET))
    assert again["digest"] == document["digest"]


def test_unlabelled_records_of_a_short_archive_can_be_parted(db, tmp_path):
    (tmp_path / "hour").mkdir()
    samples = np.random.default_rng(0).normal(0, 10, 90_000).astype(np.float32)
    header = {"network": "XX", "station": "S", "channel": "HHZ", "sampling_rate": 100.0}
    obspy.Trace(samples, header | {"starttime": obspy.UTCDateTime(START)}).write(str(tmp_path / "hour" / "z.mseed"))
    ingest_waveforms(db, [tmp_path / "hour"])
    counts = define_training_set(db, TrainingSetConfig.model_validate(SET | {"unlabelled": 200}))["counts"]
    assert counts["events"] == 200 and min(counts[part] for part in ("train", "validation", "test")) > 10


def test_an_archive_without_waveforms_is_refused(db):
    with pytest.raises(InputError, match="no waveforms of 32 s without a gap"):
        define_training_set(db, TrainingSetConfig.model_validate(SET))


def test_kill_9_during_pretraining_leads_to_the_same_weights(db, archive, settings, tmp_path):
    longer = {"optimise": QUICK | {"epochs": 4}}
    run_training(db, pretraining("whole", **longer))
    file = tmp_path / "killed.yaml"
    reached = train_until_killed(db, settings, pretraining("killed", **longer), file, epoch=1)
    assert reached >= 1 and db.model_weights.count_documents({"model": "killed"}) == 0
    assert run_training(db, load_training(file))["tasks"]["done"] == 1
    whole, killed = (db.model_weights.find_one({"model": name}) for name in ("whole", "killed"))
    assert (whole["sha256"], whole["curves"]) == (killed["sha256"], killed["curves"])


def test_pretrained_weights_are_fine_tuned_and_pick_in_a_job(db, archive, tmp_path, settings):
    run_training(db, pretraining())
    job = {"name": "test", "catalog": "test", "stages": ["pick"]}
    pick = {"picker": "seislm", "weights": "model:base", "threads": 1, "p_threshold": 0.01, "s_threshold": 0.01}
    with pytest.raises(InputError, match="'model:base' were pretrained without labels, and can't pick"):
        run_job(settings, Job.model_validate(job | {"pick": pick}))
    ingest_training_set(
        db, [write_arrays(tmp_path / "labels", range(16))], TrainingSetConfig(name="labels", split={"guard_seconds": 0})
    )
    gate = {"resamples": 100, "p_threshold": 0.01, "s_threshold": 0.01}
    fields = {"task": "pick", "parent": "model:base", "training_set": "labels", "gate": gate}
    model = run_training(db, pretraining("fine", **fields))
    assert model["parent"]["weights"] == "model:base" and model["status"] in ("accepted", "refused")
    assert usable_weights(db, "fine-1")["metadata"]["model_args"]["size"] == "small"
    report = run_job(settings, Job.model_validate(job | {"pick": pick | {"weights": "model:fine-1"}}))
    assert report.status == "done" and report.stages["pick"].counts["picked_seconds"] > 0


def test_embeddings_find_neighbours_and_draw_a_picture(db, archive, tmp_path, cli):
    run_training(db, pretraining())
    ingest_training_set(
        db, [write_arrays(tmp_path / "labels", range(8))], TrainingSetConfig(name="labels", split={"guard_seconds": 0})
    )
    picture, vectors = tmp_path / "map.png", tmp_path / "vectors.npz"
    asked = ["embed", "labels", "--weights", "model:base", "--picture", picture, "-o", vectors, "--count", 3, "--json"]
    first = load_training_set(db, "labels").parted.parts["train"][0]
    found = cli(*asked, "--near", first.event).json
    assert found["records"] == 8 and found["size"] == 96 and picture.stat().st_size > 1000
    alike = [row["similarity"] for row in found["neighbours"]]
    assert len(alike) == 3 and alike == sorted(alike, reverse=True)
    assert first.name not in [row["record"] for row in found["neighbours"]]
    with np.load(vectors) as kept:
        assert kept["vector"].shape == (8, 96) and np.isfinite(kept["vector"]).all()
    refused = cli("embed", "labels", "--weights", "model:base", "--near", "nothing")
    assert refused.code == 2 and "no record of event or name 'nothing'" in refused.err
    unseen = cli("embed", "no-such-set", "--weights", "model:base", "--picture", tmp_path / "nowhere" / "map.png")
    assert unseen.code == 2 and "there is no folder" in unseen.err, "the picture is checked before the records are read"


def test_a_set_without_labels_teaches_no_picking(db, archive):
    with pytest.raises(Exception, match="'unlabelled' has no labels, so no network learns to pick"):
        run_training(db, pretraining(task="pick"))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"picker": "phasenet"}, "task pretrain is SeisLM's"),
        ({"size": "large", "parent": "model:other"}, "begins with nothing"),
        ({"freeze_encoder": True}, "is for picker: seislm with task: pick"),
        ({"training_set": SET | {"pick_sets": ["ogs"]}}, "unlabelled records have no pick_sets"),
    ],
)
def test_what_does_not_fit_together_is_refused(fields, reason):
    with pytest.raises(ValidationError, match=reason):
        pretraining(**fields)


def test_a_frozen_encoder_stays_as_it_was(db, archive, tmp_path):
    run_training(db, pretraining())
    folder = write_arrays(tmp_path / "labels", range(16))
    ingest_training_set(db, [folder], TrainingSetConfig(name="labels", split={"guard_seconds": 0}))
    fields = {"task": "pick", "parent": "model:base", "training_set": "labels", "freeze_encoder": True}
    run_training(db, pretraining("fine", **fields, optimise=QUICK | {"learning_rate": 0.01}, gate={"resamples": 100}))
    before, after = (
        torch.load(io.BytesIO(blobs.get(db, TENSORS, usable_weights(db, name)["sha256"])), weights_only=True)
        for name in ("base", "fine-1")
    )
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert {name for name in before if name not in same} == {name for name in before if name.startswith("head.")}
