"""`catalogdb train`: the training set, the tasks of all seeds, and the gate."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo.database import Database

from catalogdb.database import blobs
from catalogdb.documents import records
from catalogdb.documents.free import AnyDocument, Json
from catalogdb.dotted_keys import set_overrides, validated
from catalogdb.errors import CatalogdbError
from catalogdb.identity import canonical, content_id
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import TaskReport, execute
from catalogdb.ledger.lost import release_dead
from catalogdb.ledger.tasks import LeaseTerms, task_id
from catalogdb.picking.weights import WeightsFiles
from catalogdb.resources import resource_folder
from catalogdb.stages.models import CHECKPOINTS, drop_files, write_weights
from catalogdb.stages.results import ResultName, claim_names
from catalogdb.stages.train import TrainStage, parent_files
from catalogdb.stages.training_sets import define_training_set, load_training_set, require_training_set
from catalogdb.training.config import REVISION, TrainConfig
from catalogdb.yaml_text import read_keys

if TYPE_CHECKING:
    from catalogdb.training.gate import GateRow
    from catalogdb.training.records import LabelledRecord

Progress = Callable[[int, TaskReport | None], None]
ABOUT = ("description", "licence")
"""What decides nothing, and may be said later."""


def load_training(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a training's file, or a packaged one by its name.

    Args:
        overrides: `key.sub=value`, values as in YAML.

    Raises:
        InputError: naming the file, the key and what is wrong with it.
    """
    document = read_keys(path, resource_folder("jobs") / "training", "training")
    set_overrides(document, overrides)
    return validated(TrainConfig, document, str(path))


def run_training(
    db: Database,
    config: TrainConfig,
    replace: bool = False,
    terms: LeaseTerms = LeaseTerms(),
    progress: Progress = lambda total, report: None,
) -> Json:
    """Train a model with each of its seeds, and let the gate judge it. What is done already is not done again; what was
    broken off goes on from its last checkpoint.

    Args:
        replace: write over a model, or a training set, of that name that is another one.
        progress: called with (number of tasks, None) first, then with each task's report.

    Returns:
        The document of `model`, with `tasks`: planned, up_to_date, done, held and failed, and `failures`.

    Raises:
        InputError: for parents and training sets that aren't there.
        NameTaken: when a name stands for something else.
        CatalogdbError: where no seed led to weights.
    """
    if not isinstance(config.training_set, str):
        define_training_set(db, config.training_set, replace)
    training_set = require_training_set(db, config.set_name)
    for name in config.gate.also_on:  # before minutes of training, not after them
        require_training_set(db, name)
    with tempfile.TemporaryDirectory() as folder:
        stage = TrainStage(config, parent_files(db, config, Path(folder)), training_set)
        model_name = _name(stage, training_set)
        claim_names(db, [model_name], replace)
        about = {key: value for key, value in model_name.fields.items() if key in ABOUT}
        changes = {"$set": about, "$unset": {key: "" for key in ABOUT if key not in about}}
        own = {"_id": config.name, "config_id": stage.config_id}
        db.model.update_one(own, {change: fields for change, fields in changes.items() if fields})
        if replace:
            drop_files(db)
        release_dead(db, stage)
        to_do, up_to_date = tasks.register(db, stage, stage.plan(db))
        if to_do:
            stage.loaded(db)  # what is wrong with the records is wrong for all seeds
        progress(len(to_do), None)
        reports = []
        for planned in to_do:
            reports.append(execute(db, stage, planned, terms=terms))
            progress(len(to_do), reports[-1])
            if reports[-1].status == "done":
                blobs.drop(db, CHECKPOINTS, {"task": task_id(stage, planned.shard)})
        states = [report.status for report in reports]
        summary = {state: states.count(state) for state in ("done", "held", "failed", "quarantined")}
        failures = [f"seed {report.shard.key['seed']}: {report.error}" for report in reports if report.error]
        if not tasks.register(db, stage, stage.plan(db))[0]:  # by this process or by others
            _judge(db, stage, Path(folder))
    model = db.model.find_one({"_id": config.name}) or {}
    if states and not any(state in ("done", "held") for state in states) and not up_to_date:
        raise CatalogdbError(f"model {config.name!r}: no seed led to weights: {'; '.join(failures)}")
    return model | {
        "tasks": {"planned": len(to_do) + up_to_date, "up_to_date": up_to_date, **summary},
        "failures": failures,
    }


def _name(stage: TrainStage, training_set: records.TrainingSet) -> ResultName:
    config = stage.train_config
    fields: AnyDocument = {
        "kind": "trained",
        "task": config.task,
        "architecture": config.architecture,
        "training_set": {"name": training_set["_id"], "digest": training_set["digest"]},
        "status": "candidate",
    }
    if config.parent is not None:
        fields["parent"] = {"weights": config.parent, "sha256": stage.parent.identity()["weights_sha256"]}
    for key in ABOUT:
        if value := getattr(config, key):
            fields[key] = value
    return ResultName("model", config.name, stage.config_id, stage.config, fields)


def _judge(db: Database, stage: TrainStage, folder: Path) -> None:
    """Let the gate judge the model's weights of the training's seeds, unless it has judged just these."""
    from catalogdb.training.gate import as_mapping, decide

    config = stage.train_config
    found = list(db.model_weights.find({"model": config.name, "seed": {"$in": list(config.seeds)}}).sort("seed", 1))
    names = dict.fromkeys((config.set_name, *config.gate.also_on))
    digests = {name: require_training_set(db, name)["digest"] for name in names}
    hashes = [weights["sha256"] for weights in found]
    chosen = min(found, key=lambda weights: (weights["validation_loss"], weights["seed"]))
    judged = content_id(canonical(config.gate.model_dump(mode="json")), hashes, digests, stage.parent.digest, REVISION)
    if db.model.find_one({"_id": config.name, "judged": judged}, {"_id": 1}):
        return
    if config.task == "pretrain":  # there is nothing to pick with, and so nothing to judge
        _decided(db, stage, {"status": "pretrained", "chosen": chosen["seed"], "judged": judged})
        return
    files = [write_weights(db, weights, folder) for weights in found]
    rows = []
    compared_on = _types_compared if config.task == "event_type" else _picks_compared
    for name in names:
        of_set = stage.loaded(db) if name == config.set_name else load_training_set(db, name)
        rows += compared_on(name, of_set.parted.parts["test"], stage.parent, files, config)
    unit = "events of each type" if config.task == "event_type" else "onsets of P and of S"
    decision = decide(rows, config.set_name, config.gate.also_on, unit)
    values: Json = {
        "status": decision.status,
        "chosen": chosen["seed"],
        "scores": [dict(as_mapping(row)) for row in decision.rows],
        "reasons": decision.reasons,
        "judged": judged,
    }
    _decided(db, stage, values)


def _decided(db: Database, stage: TrainStage, values: Json) -> None:
    db.model.update_one({"_id": stage.train_config.name, "config_id": stage.config_id}, {"$set": values})


def _picks_compared(
    name: str, records: Sequence[LabelledRecord], parent: WeightsFiles, files: Sequence[Path], config: TrainConfig
) -> list[GateRow]:
    """The gate's rows of one test part, by the picks of parent and candidates."""
    from catalogdb.training.gate import compared
    from catalogdb.training.score import score
    from catalogdb.training.train import pick_config

    def outcome(path: Path) -> Any:
        return score(records, pick_config(config, str(path)), config.gate.max_dt).outcome

    before = None if config.parent is None or parent.is_pretrained_only else outcome(parent.pt)
    events = [record.event for record in records]
    return compared(name, events, before, [outcome(path) for path in files], config.gate)


def _types_compared(
    name: str, records: Sequence[LabelledRecord], parent: WeightsFiles, files: Sequence[Path], config: TrainConfig
) -> list[GateRow]:
    """The same, by what they say that the events were."""
    from catalogdb.discrimination.classifier import find_weights, load_classifier
    from catalogdb.training.type_gate import compared_types
    from catalogdb.training.type_score import score_types
    from catalogdb.training.type_table import type_table

    table, _ = type_table(records)
    before = None if config.parent is None else score_types(load_classifier(parent), table)
    outcomes = [score_types(load_classifier(find_weights(str(path))), table) for path in files]
    return compared_types(name, before, outcomes, config.gate)
