"""Training: a training set and a parent's weights -> weights. One task is one seed of a configuration."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymongo.database import Database

from catalogdb.database import blobs
from catalogdb.discrimination.config import REVISION as TYPES_REVISION
from catalogdb.documents import records
from catalogdb.documents.free import AnyDocument
from catalogdb.identity import canonical, content_id, file_sha256, installed_versions
from catalogdb.ledger.parts import Parts, fingerprint, named
from catalogdb.ledger.stage import Inputs, Output, Reads, Shard, Stage
from catalogdb.ledger.tasks import task_id
from catalogdb.picking.config import REVISION as PICKING_REVISION
from catalogdb.picking.weights import WeightsFiles, resolve
from catalogdb.stages.models import CHECKPOINTS, TENSORS, provide_weights
from catalogdb.stages.training_sets import TrainingSet, load_training_set, require_training_set
from catalogdb.training.config import REVISION, TrainConfig

if TYPE_CHECKING:
    from catalogdb.training.loop import Save

LIBRARIES = ("torch", "seisbench", "numpy", "scipy")


@dataclass(frozen=True)
class _Inputs:
    """What a task trains with, and where it puts what no transaction holds."""

    training_set: TrainingSet
    parent: WeightsFiles
    resume: bytes | None
    save: Save
    keep: Callable[[str, bytes], None]


class TrainStage(Stage):
    """Weights of one model, one task for each seed.

    Jobs don't name it: `catalogdb train` plans and carries out its tasks. Checkpoints and tensors are files of GridFS,
    written before the commit: tensors under their SHA-256, so that one written twice is one; checkpoints by task and
    epoch, for whichever worker goes on with the task.
    """

    name = "train"
    kind = "model"
    reads = (
        Reads("training_set", "training sets", padding=lambda stage: math.inf),
        Reads("wf_miniseed", "waveforms", padding=lambda stage: math.inf, optional=True),
    )
    collections = ("model_weights",)
    revision = REVISION
    is_implied = True
    words = {"training_set": named("other records"), "parent": named("other weights of the parent")}
    verb = "trained"

    def __init__(self, config: TrainConfig, parent: WeightsFiles, training_set: records.TrainingSet):
        """Without `Stage.__init__`, since it belongs to no job.

        Args:
            config: the training.
            parent: files of the weights that it begins with; of a network that begins with nothing, new ones.
            training_set: the document.
        """
        self.train_config, self.parent, self.result = config, parent, config.name
        self.config = canonical(
            {
                "stage": self.name,
                "model": config.name,
                "revision": [self.revision, TYPES_REVISION if config.task == "event_type" else PICKING_REVISION],
                "settings": config.scientific(),
                "parent": parent.identity() if config.parent else {"seed": 0},
                "training_set": training_set["digest"],
                "split": training_set["config"],
                "libraries": installed_versions(LIBRARIES),
            }
        )
        self.config_id = content_id(self.config)

    def parts(self, db: Database) -> Iterable[tuple[Shard, Parts]]:
        """One shard for each seed."""
        parts = self._parts(require_training_set(db, self.train_config.set_name))
        for seed in self.train_config.seeds:
            yield Shard({"seed": seed}, 0.0, 0.0), parts

    def _parts(self, training_set: records.TrainingSet) -> Parts:
        return {
            "training_set": {training_set["_id"]: training_set["digest"]},
            "parent": {self.parent.name: file_sha256(self.parent.pt)},
        }

    def read(self, db: Database, shard: Shard) -> Inputs:
        """The records, and the newest checkpoint of a training that was broken off with just these inputs."""
        loaded = self.loaded(db)
        parts = self._parts(loaded.document)
        about = {"task": task_id(self, shard), "fingerprint": fingerprint(parts)}

        def save(epoch: int, state: Callable[[], bytes]) -> None:
            if epoch % self.train_config.checkpoint_epochs == 0:
                store(epoch, state())

        def store(epoch: int, state: bytes) -> None:
            identity = content_id(about, epoch, hashlib.sha256(state).hexdigest())
            blobs.put(db, CHECKPOINTS, identity, state, about | {"epoch": epoch})
            blobs.drop(db, CHECKPOINTS, {"task": about["task"]}, besides=identity)

        def keep(sha256: str, tensors: bytes) -> None:
            blobs.put(db, TENSORS, sha256, tensors)

        resume = blobs.newest(db, CHECKPOINTS, about, "epoch")
        return Inputs(_Inputs(loaded, self.parent, resume, save, keep), fingerprint(parts), parts)

    def loaded(self, db: Database) -> TrainingSet:
        """The records, read once for all seeds of this process."""
        if not hasattr(self, "_kept"):
            self._kept = load_training_set(db, self.train_config.set_name)
        return self._kept

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Train, and keep the tensors."""
        from catalogdb.training.result import Training
        from catalogdb.training.train import train

        given: _Inputs = inputs.data
        seed = int(shard.key["seed"])
        training = Training(given.parent, self.train_config, seed, given.resume, given.save)
        result = train(given.training_set.parted.parts, training)
        weights, curve = result.weights, result.trained.curve
        given.keep(weights.sha256, weights.pt)
        losses = zip(curve.training, curve.validation, curve.learning_rate, curve.measured, strict=True)
        document: AnyDocument = {
            "_id": f"{self.result}-{seed}",
            "model": self.result,
            "seed": seed,
            "sha256": weights.sha256,
            "bytes": len(weights.pt),
            "metadata": weights.metadata,
            "epochs": len(curve.training),
            "best_epoch": result.trained.best_epoch,
            "validation_loss": result.trained.best_loss,
            "curves": [
                {"epoch": epoch, "training_loss": training, "validation_loss": validation, "learning_rate": rate}
                | measured
                for epoch, (training, validation, rate, measured) in enumerate(losses, 1)
            ],
            "records": result.records,
        }
        if result.calibration:
            document["time_calibration"] = result.calibration
        counts = {**result.records, "epochs": len(curve.training), "without_window": len(result.problems)}
        return Output({"model_weights": [document]}, counts, {}, result.problems)


def parent_files(db: Database, config: TrainConfig, folder: Any) -> WeightsFiles:
    """Files of the weights that a training begins with; those of a network that knows nothing are made in the folder.

    Raises:
        InputError: where they don't exist.
    """
    if config.parent is None:
        from catalogdb.training.networks import new_weights, written
        from catalogdb.training.type_network import new_type_weights

        is_types = config.task == "event_type"
        weights = new_type_weights(0) if is_types else new_weights(config.picker, 0, config.size)
        return written(weights, config.architecture, folder, "untrained")
    provide_weights(db, [config.parent])
    if config.task == "event_type":
        from catalogdb.discrimination.classifier import check_weights, find_weights

        files = find_weights(config.parent)
        check_weights(files)
        return files
    return resolve(config.picker, config.parent)
