"""Training of event types on a real mongod: labels of the database, the gate, and a job that takes the model."""

import pytest
from catalogs import T0
from databases import copy_documents
from typed_waveforms import at, write

from catalogdb.database.connection import connect
from catalogdb.demo.typed_records import typed_records
from catalogdb.errors import CatalogdbError, InputError
from catalogdb.exchange.quakeml_writer import write_quakeml
from catalogdb.picking.config import PickConfig
from catalogdb.picking.picker import load_picker
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.models import export_model, models, provide_weights
from catalogdb.stages.picked_records import read_picked
from catalogdb.stages.training_run import run_training
from catalogdb.stages.training_sets import ingest_training_set, load_training_set
from catalogdb.training.config import TrainConfig, TrainingSetConfig
from catalogdb.training.formats import write_seisbench

pytestmark = pytest.mark.integration

EVENTS = 90
SPLIT = {"guard_seconds": 0, "fractions": (0.45, 0.15, 0.4)}
"""So that the test part has the ten events of each class that the gate wants."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Made records of known types, as a SeisBench data set."""
    path = tmp_path_factory.mktemp("typed") / "typed"
    write_seisbench(((record, None) for record in typed_records(78, EVENTS)), path)
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache folder of these tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("cache")
        patch.setenv("CATALOGDB_CACHE_DIR", str(path))
        yield path


@pytest.fixture(scope="module")
def labels(databases, folder, cache):
    """Settings of a database with the set `typed` alone; left as it is."""
    settings = databases.take()
    ingest_training_set(connect(settings), [folder], TrainingSetConfig(name="typed", split=SPLIT))
    yield settings
    databases.give_back(settings)


@pytest.fixture(scope="module")
def first(databases, labels):
    """Settings of a database with the set and what the first training came to, and its model; left as it is."""
    settings = databases.take()
    copy_documents(labels, settings)
    yield settings, run_training(connect(settings), training())
    databases.give_back(settings)


@pytest.fixture
def trained(db, settings, first):
    """The test's database, with the set and the model `types`."""
    copy_documents(first[0], settings)
    return db


def training(name="types", **fields):
    given = {"name": name, "task": "event_type", "parent": None, "training_set": "typed", "seeds": [1], "device": "cpu"}
    quick = {"optimise": {"epochs": 25, "batch": 32, "learning_rate": 0.005}, "gate": {"resamples": 200}}
    return TrainConfig.model_validate(given | quick | fields)


def test_a_training_from_nothing_is_accepted_and_types_events(trained, first):
    model = first[1]
    assert model["status"] == "accepted", model.get("reasons")
    assert model["architecture"] == "event_type" and "parent" not in model
    figures = {row["figure"]: row for row in model["scores"]}
    assert figures["log_loss"]["verdict"] == "better" and figures["log_loss"]["candidate"] < 0.9
    (listed,) = models(trained)
    assert listed["weights"][0]["sha256"]


def test_a_model_that_learned_wrong_types_is_refused(trained, folder, tmp_path):
    import pandas as pd

    wrong = tmp_path / "wrong"
    wrong.mkdir()
    table = pd.read_csv(folder / "metadata.csv")
    turned = {"earthquake": "quarry blast", "quarry blast": "slide", "slide": "earthquake"}
    table.assign(source_type=table["source_type"].map(turned)).to_csv(wrong / "metadata.csv", index=False)
    (wrong / "waveforms.hdf5").symlink_to(folder / "waveforms.hdf5")
    ingest_training_set(trained, [wrong], TrainingSetConfig(name="wrong", split=SPLIT))
    gate = {"resamples": 200, "also_on": ["typed"]}
    model = run_training(trained, training("worse", training_set="wrong", parent="model:types", gate=gate))
    assert model["status"] == "refused" and any("on typed" in reason for reason in model["reasons"])


def test_the_same_training_again_has_the_same_bytes(trained, first):
    second = run_training(trained, training("again"))
    sha = {row["model"]: row["sha256"] for row in trained.model_weights.find()}
    assert first[1]["tasks"]["done"] == second["tasks"]["done"] == 1 and sha["types"] == sha["again"]


def test_a_model_is_exported_as_it_is_and_can_not_pick(trained, tmp_path):
    assert export_model(trained, "types", tmp_path / "out")["difference"] == 0
    provide_weights(trained, ["model:types"])
    with pytest.raises(InputError, match="tell types of events apart, and can't pick"):
        load_picker(PickConfig(weights="model:types"))


def test_records_without_types_teach_nothing(db, tmp_path, monkeypatch):
    from labelled_records import write_arrays

    monkeypatch.setenv("CATALOGDB_CACHE_DIR", str(tmp_path / "cache"))
    ingest_training_set(
        db, [write_arrays(tmp_path / "plain", range(20))], TrainingSetConfig(name="plain", split={"guard_seconds": 0})
    )
    with pytest.raises(CatalogdbError, match="no type of its event"):
        run_training(db, training(training_set="plain"))


def test_labels_of_a_catalog_carry_its_types(db, tmp_path):
    events, picks = [], []
    for number, kind in enumerate(("quarry blast", "earthquake", None)):
        (station, stream, p, s) = at(list(typed_records(79 + number, 1))[:1], T0 + 3600 * number, f"S{number}")[0]
        write([(station, stream, p, s)], tmp_path / "wf")
        origin = {"_id": f"o{number}", "time": p - 5.0, "latitude": 46.0, "longitude": 13.0, "depth_km": 1.0}
        arrival = {"pick_id": f"p{number}", "phase": "P", "net": "XX", "sta": station, "time": p}
        origin |= {"method": "bulletin", "arrivals": [arrival]}
        event = {"_id": f"e{number}", "preferred_origin_id": f"o{number}", "origins": [origin], "magnitudes": []}
        event |= {"evaluation_mode": "manual", "evaluation_status": "reviewed", "time": p - 5.0}
        pick = {"_id": f"p{number}", "net": "XX", "sta": station, "loc": "", "chan": "HHZ", "phase": "P", "time": p}
        picks = [pick | {"evaluation_mode": "manual", "evaluation_status": "reviewed"}]
        events.append((event | ({"event_type": kind} if kind else {}), picks))
    path = tmp_path / "bulletin.xml"
    with path.open("wb") as file:
        write_quakeml(iter(events), file)
    ingest_catalog(db, [path], "bulletin")
    ingest_waveforms(db, [tmp_path / "wf"])
    records, rejected, _ = read_picked(db, TrainingSetConfig(name="x", pick_sets=["bulletin"]))
    assert rejected == []
    found = {record.station: (record.event_type, record.origin_time) for record in records}
    assert [found[f"XX.S{number}0"][0] for number in range(3)] == ["quarry blast", "earthquake", "earthquake"]
    assert all(record.onsets[0].time - record.origin_time == pytest.approx(5.0, abs=1e-3) for record in records)


def test_a_set_of_files_keeps_its_types(labels):
    parts = load_training_set(connect(labels), "typed").parted.parts
    kinds = {record.event_type for records in parts.values() for record in records}
    assert kinds == {"earthquake", "quarry blast", "slide"}
