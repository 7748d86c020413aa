"""The loop goes on from a checkpoint to the same weights, and its files load as SeisBench's."""

import pytest
from labelled_records import record

from catalogdb.errors import CatalogdbError
from catalogdb.picking.weights import resolve
from catalogdb.training import networks
from catalogdb.training.config import TrainConfig
from catalogdb.training.loop import unsaved
from catalogdb.training.result import Training
from catalogdb.training.train import train

PARTS = {"train": [record(number) for number in range(6)], "validation": [record(number) for number in (10, 11)]}
PARTS["test"] = PARTS["validation"]


def config(epochs=3, **fields):
    given = {"name": "m", "parent": "demo", "training_set": "s", "optimise": {"epochs": epochs, "batch": 3}}
    return TrainConfig.model_validate(given | {"device": "cpu"} | fields)


def made(seed=1, resume=None, save=unsaved, **fields):
    return train(PARTS, Training(resolve("phasenet", "demo"), config(**fields), seed, resume, save))


def test_a_broken_off_training_goes_on_to_the_same_weights():
    states = {}
    whole = made(save=lambda epoch, state: states.update({epoch: state()}))
    assert list(states) == [1, 2, 3]
    for epoch in (1, 2, 3):
        again = made(resume=states[epoch])
        assert again.weights.sha256 == whole.weights.sha256
        assert again.trained == whole.trained


def test_another_seed_leads_to_other_weights():
    first, again, other = made(1), made(1), made(2)
    assert first.weights.pt == again.weights.pt and first.weights.sha256 != other.weights.sha256


def test_files_load_in_seisbench_without_a_difference(tmp_path):
    weights = made().weights
    assert networks.loaded_difference(weights, "phasenet") == 0
    files = networks.written(weights, "phasenet", tmp_path, "m")
    assert files.metadata()["default_args"] == resolve("phasenet", "demo").metadata()["default_args"]
    assert files.window_samples() == 3001 and files.metadata()["catalogdb"]["training"]["seed"] == 1


def test_a_network_can_begin_with_nothing(tmp_path):
    first, again = networks.new_weights("phasenet", 0), networks.new_weights("phasenet", 0)
    assert first.sha256 == again.sha256 != networks.new_weights("phasenet", 1).sha256
    parent = networks.written(first, "phasenet", tmp_path, "new")
    result = train(PARTS, Training(parent, config(epochs=2), 1))
    assert result.trained.curve.training[-1] < result.trained.curve.training[0]


def test_mixed_precision_trains_on_a_cpu():
    mixed = made(epochs=1, precision="bfloat16")
    assert mixed.weights.sha256 != made(epochs=1).weights.sha256
    with pytest.raises(CatalogdbError, match="float16 needs a GPU"):
        made(epochs=1, precision="float16")


def test_windows_of_original_stay_at_3000_samples(real_weights):
    parent = resolve("phasenet", "original")
    result = train(PARTS, Training(parent, config(epochs=1), 1))
    assert result.weights.metadata["catalogdb"]["window_samples"] == 3000


def test_a_parent_that_no_epoch_betters_is_kept_as_it_is():
    result = made(optimise={"epochs": 2, "batch": 3, "learning_rate": 1.0})
    assert result.trained.best_epoch == 0 and result.trained.best_loss < min(result.trained.curve.validation)
    kept = networks._tensors(networks.open_parent(resolve("phasenet", "demo"))[0])
    assert result.weights.pt == kept
