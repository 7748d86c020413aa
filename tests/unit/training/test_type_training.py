"""Training of event types: tables of records, what the gate says, and a network that learns."""

import numpy as np
import pytest
from labelled_records import record

from catalogdb.discrimination.classes import CLASSES
from catalogdb.discrimination.classifier import ARCHITECTURE, Classifier, read_tensors
from catalogdb.discrimination.features import NAMES
from catalogdb.discrimination.vote import Calibration
from catalogdb.errors import InputError
from catalogdb.training.config import GateConfig, TrainConfig
from catalogdb.training.gate import decide
from catalogdb.training.loop import Loop
from catalogdb.training.networks import loaded_difference
from catalogdb.training.records import Onset
from catalogdb.training.result import Training
from catalogdb.training.type_gate import compared_types
from catalogdb.training.type_network import TypeNetwork, new_type_weights, open_network, type_weights
from catalogdb.training.type_score import TypeOutcome, score_types
from catalogdb.training.type_table import TypeTable, type_table
from catalogdb.training.types import train_types

GATE = GateConfig(resamples=300)


def table(seed, rows=300, apart=3.0):
    """Rows of classes that lie apart in three features."""
    rng = np.random.default_rng(seed)
    classes = np.arange(rows) % 3
    features = rng.normal(0, 1, (rows, len(NAMES)))
    features[np.arange(rows), classes] += apart
    return TypeTable(features, classes.astype(np.int64), [f"e{number // 6 * 3 + number % 3}" for number in range(rows)])


def config(**fields):
    given = {"name": "mine", "task": "event_type", "parent": None, "training_set": "s", "device": "cpu"}
    return TrainConfig.model_validate(given | {"optimise": {"epochs": 20, "learning_rate": 0.01}} | fields)


def trained(seed=1):
    network = open_network(new_type_weights(seed).pt)
    training = table(1)
    network.standardise(training.features)
    network.set_limit(training.features)
    Loop(network, training, table(2), config(), seed).run()
    return type_weights(network, "", {}, Calibration())


def outcome(share_right, confidence=0.95, rows=90, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.arange(rows) % 3
    said = np.where(rng.random(rows) < share_right, truth, (truth + 1) % 3)
    probabilities = np.full((rows, 3), (1 - confidence) / 2)
    probabilities[np.arange(rows), said] = confidence
    return TypeOutcome([f"e{number}" for number in range(rows)], truth, probabilities)


def decided(parent, *candidates):
    return decide(compared_types("mine", parent, candidates, GATE), "mine", (), "events of each type")


def test_a_network_learns_and_says_so_by_events():
    weights = trained()
    found = score_types(Classifier(read_tensors(weights.pt), Calibration()), table(3))
    assert found.is_right.mean() > 0.8 and len(found.events) == 150
    assert loaded_difference(weights, ARCHITECTURE) == 0


def test_the_same_seed_gives_the_same_bytes():
    assert trained().sha256 == trained().sha256 != trained(2).sha256


def test_rows_unlike_the_training_do_not_vote():
    classifier = Classifier(read_tensors(trained().pt), Calibration())
    far = table(3)
    far.features[:] += 40.0
    assert classifier.is_unlike(far.features).all() and not classifier.is_unlike(table(3).features).all()
    assert score_types(classifier, far).probabilities == pytest.approx(1 / 3)


def test_what_is_not_known_counts_as_the_mean():
    network = TypeNetwork()
    network.standardise(table(1).features)
    classifier = Classifier(read_tensors(type_weights(network, "", {}, Calibration()).pt), Calibration())
    row = table(1).features[:1].copy()
    row[0, 3] = np.nan
    assert classifier.spread(row)[0, 3] == 0 and np.isfinite(classifier.log_probabilities(row)).all()


def test_numpy_says_what_torch_says():
    import torch

    network = open_network(trained().pt).eval()
    rows = table(4).features
    with torch.no_grad():
        expected = torch.log_softmax(network(torch.from_numpy(rows.astype(np.float32))), dim=1).numpy()
    found = Classifier(read_tensors(trained().pt), Calibration()).log_probabilities(rows)
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_better_classifier_is_accepted():
    decision = decided(outcome(0.6), outcome(0.95, seed=1))
    assert decision.status == "accepted"
    assert {row.figure for row in decision.rows} == {*(f"right_{name}" for name in CLASSES), "log_loss"}


def test_the_same_classifier_is_no_better():
    decision = decided(outcome(0.8), outcome(0.8))
    assert decision.status == "refused" and "no better than its parent" in decision.reasons[0]


def test_surer_and_wrong_more_often_is_refused():
    decision = decided(outcome(0.9, confidence=0.6), outcome(0.7, seed=1))
    assert decision.status == "refused" and any(reason.startswith("log_loss on mine") for reason in decision.reasons)


def test_knowing_nothing_is_worse_than_knowing_something():
    decision = decided(None, outcome(0.9))
    loss = next(row for row in decision.rows if row.figure == "log_loss")
    assert decision.status == "accepted" and loss.parent == pytest.approx(np.log(3), abs=1e-4)


def test_too_few_events_judge_nothing():
    decision = decided(outcome(0.5, rows=12), outcome(0.9, rows=12))
    assert decision.reasons == ["mine: fewer than 10 events of each type in the test part, so nothing is known"]


def test_records_without_a_type_or_times_are_named():
    records = [
        record(0, event_type="quarry blast"),
        record(1),
        record(2, event_type="sonic boom"),
        record(3, "P", event_type="earthquake"),
    ]
    found, problems = type_table(records)
    assert found.classes.tolist() == [1] and [problem.split(":")[0] for problem in problems] == ["r1", "r2", "r3"]
    assert "of no class" in problems[1] and "origin time" in problems[2]


def test_an_origin_time_stands_for_a_missing_s():
    alone = record(0, "P", event_type="earthquake")
    origin = alone.onsets[0].time - 6.0 / 0.73
    found, _ = type_table([record(0, "P", event_type="earthquake", origin_time=origin)])
    both, _ = type_table([record(0, event_type="earthquake")])
    assert found.features == pytest.approx(both.features, abs=1e-6)
    assert alone.onsets[0] == Onset("P", alone.onsets[0].time)


def test_one_class_alone_is_nothing_to_tell_apart(tmp_path):
    from catalogdb.training.networks import written

    files = written(new_type_weights(0), ARCHITECTURE, tmp_path, "untrained")
    records = [record(number, event_type="earthquake") for number in range(3)]
    with pytest.raises(InputError, match="its training part has earthquake"):
        train_types({"train": records, "validation": records, "test": []}, Training(files, config(), 1))


def test_event_types_begin_with_weights_of_their_own():
    assert TrainConfig(name="x", task="event_type", training_set="s").parent == "packaged"
    assert TrainConfig(name="x", training_set="s").parent == "original"
    assert config().architecture == "event_type"
