"""Does pretraining help? SeisLM pretrained, SeisLM from a random start, and PhaseNet, on few labels and on many.

    python -m benchmarks.seislm [--json] [--labels 50 100 1000] [--seeds 1 2 3] [--weights FILE.pt.v1]
    python -m benchmarks.seislm --pretrain FILE.pt.v1      # what the weights come from

All windows are made like the demo's days (`catalogdb.demo.training_windows`): earthquakes, stations and noise of the
unlabelled, the labelled and the test windows come from seeds of their own. Everything runs on one thread. Each training
sees as many windows, however few labels there are, and takes the weights with the smallest loss on the same validation
windows; thresholds are chosen on these, too. Rows have `task`, `labels` (number of labelled windows), `model`, `score`
(mean over the seeds) and `interval` (95 %, bootstrap of the test windows and of the seeds):

- `pick_p`, `pick_s`: F1 of picks within 0.5 s; `detection`: area under the receiver's curve; `phase`: Matthews'
  correlation coefficient; `onset_p`, `onset_s`: mean absolute error (s), smaller is better;
- `model` is `pretrained`, `random` (SeisLM of the same size), `phasenet`, and `pretrained - random`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks._made_windows import FixedWindows, FreshWindows, fixed_windows, pool_of
from benchmarks._window_scores import TASKS, Answers, answers, scorer_of
from catalogdb.demo.training_windows import Windows
from catalogdb.picking.seisbench_network import load_module
from catalogdb.picking.weights import WeightsFiles, resolve
from catalogdb.picking.zoo import model_class
from catalogdb.training.config import OptimiseConfig, TrainConfig
from catalogdb.training.loop import Loop
from catalogdb.training.networks import NEW, new_weights, weights_of, written

UNLABELLED_SEED, LABELLED_SEED, TEST_SEED = 40_000, 41_000, 42_000
"""No other pool, no training of the demo and no demo day uses these."""
PRETRAINING = OptimiseConfig(epochs=20, patience=20, batch=16, learning_rate=1e-3)
UNLABELLED_WINDOWS = 512  # of an epoch
MOST_LABELS, VALIDATION_WINDOWS, TEST_WINDOWS = 1000, 64, 500
TRAINING_WINDOWS, EPOCHS = 2000, 10
LEARNING_RATES = {"seislm": 1e-3, "phasenet": 5e-3}
RESAMPLES = 500
MODELS = ("pretrained", "random", "phasenet")


def pretrain(path: Path, seed: int = 1) -> None:
    """Pretrain the small SeisLM on made windows without labels, and write its weights with the curves beside them."""
    config = TrainConfig(
        name="seislm-demo",
        task="pretrain",
        picker="seislm",
        parent=None,
        training_set="made",
        optimise=PRETRAINING,
        seeds=(seed,),
    )
    began = time.process_time()
    parent = written(new_weights("seislm", seed), "seislm", path.parent, "untrained")
    pool = pool_of(UNLABELLED_SEED, earthquakes=300, noise_sites=150)
    validation = FixedWindows(fixed_windows(pool_of(UNLABELLED_SEED + 1, 20, 20), 1, VALIDATION_WINDOWS), 64)
    loop = Loop(load_module(parent), FreshWindows(pool, UNLABELLED_WINDOWS), validation, config, seed)  # type: ignore[arg-type]

    def report(epoch: int, state: bytes) -> None:
        curve = loop.curve
        line = {"epoch": epoch, "loss": round(curve.training[-1], 4), "validation_loss": round(curve.validation[-1], 4)}
        print(json.dumps(line | curve.measured[-1] | {"cpu_s": round(time.process_time() - began)}), flush=True)

    trained = loop.run(save=report)
    windows = PRETRAINING.epochs * UNLABELLED_WINDOWS
    docstring = (
        f"SeisLM (small), pretrained by catalogdb on {windows} synthetic windows of 30 s, without labels; its picking "
        "head is not trained. No recorded data were used. To be fine-tuned; not for real catalogs as it is. "
        f"Training command: python -m benchmarks.seislm --pretrain {path.name}"
    )
    about = {"seed": seed, "torch": torch.__version__, "cpu_s": round(time.process_time() - began)}
    about |= {"curve": vars(trained.curve), "licence": "the project's own"}
    weights_of(loop.module, parent, docstring, about).write(path.parent, path.name.partition(".pt")[0])
    for file in (parent.pt, parent.json):
        file.unlink()


def fine_tuned(
    model: str, pretrained: WeightsFiles, windows: tuple[Windows, Windows], labels: int, seed: int
) -> torch.nn.Module:
    """A model, trained on the first labels.

    Args:
        windows: labelled ones, and those of validation.
    """
    picker = "phasenet" if model == "phasenet" else "seislm"
    torch.manual_seed(seed)
    module = load_module(pretrained) if model == "pretrained" else model_class(picker)(**NEW[picker])
    if model == "pretrained":  # the head is new for each seed, as it is with a random start
        module.head.load_state_dict(model_class(picker)(**NEW[picker]).head.state_dict())
    options = OptimiseConfig(
        epochs=EPOCHS,
        patience=EPOCHS,
        batch=16,
        learning_rate=LEARNING_RATES[picker],
        windows_per_record=max(1, round(TRAINING_WINDOWS / EPOCHS / labels)),
    )
    config = TrainConfig(name="candidate", picker=picker, parent=None, training_set="made", optimise=options)
    order = np.random.default_rng([seed, 14]).permutation(len(windows[0].data))
    training = _PartOfEpoch(_chosen(windows[0], order[:labels]), labels, TRAINING_WINDOWS // EPOCHS)
    loop = Loop(module, training, FixedWindows(windows[1], VALIDATION_WINDOWS), config, seed)  # type: ignore[arg-type]
    loop.run()
    return loop.module.eval()


class _PartOfEpoch(FixedWindows):
    """As many windows in each epoch, though there are more labels."""

    def __init__(self, windows: Windows, count: int, most: int):
        super().__init__(windows, count)
        self.most = most

    def batches(self, batch: int, seed: Sequence[int], per_example: int = 1, shuffled: bool = True) -> Any:
        for number, each in enumerate(super().batches(batch, seed, per_example, shuffled)):
            if number * batch >= self.most:
                return
            yield each


def _chosen(windows: Windows, rows: np.ndarray) -> Windows:
    return Windows(windows.data[rows], windows.labels[rows], [windows.onsets[row] for row in rows])


def rows_of(labels: int, found: dict[str, list[tuple[Answers, Answers]]]) -> list[dict[str, Any]]:
    """Rows of one number of labels.

    Args:
        found: for each model and seed what it says of the validation and of the test windows.
    """
    random = np.random.default_rng([labels, 15])
    count = len(next(iter(found.values()))[0][1].truth)
    seeds = len(next(iter(found.values())))
    draws = [np.arange(count), *random.integers(0, count, (RESAMPLES, count))]
    of_seeds = [np.arange(seeds), *random.integers(0, seeds, (RESAMPLES, seeds))]
    rows = []
    for task in TASKS:
        scores = {}
        for model, each in found.items():
            scorers = [scorer_of(task, *pair) for pair in each]
            of_seed = np.array([[scorer(draw) for draw in draws] for scorer in scorers])
            scores[model] = np.array([of_seed[chosen, number].mean() for number, chosen in enumerate(of_seeds)])
        if {"pretrained", "random"} <= set(scores):
            scores["pretrained - random"] = scores["pretrained"] - scores["random"]
        for model, values in scores.items():
            low, high = np.nanquantile(values[1:], [0.025, 0.975])
            row = {"task": task, "labels": labels, "model": model, "score": round(float(values[0]), 4)}
            rows.append(row | {"interval": [round(float(low), 4), round(float(high), 4)], "seeds": seeds})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seislm", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 100, 1000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--weights", default="demo", help="pretrained weights: a .pt file, or the packaged ones")
    parser.add_argument("--pretrain", type=Path, metavar="FILE", help="pretrain, and write the weights there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.pretrain:
        pretrain(arguments.pretrain)
        return
    pretrained = resolve("seislm", arguments.weights)
    labelled = fixed_windows(pool_of(LABELLED_SEED, 150, 60), 1, MOST_LABELS + VALIDATION_WINDOWS)
    order = np.arange(len(labelled.data))
    windows = _chosen(labelled, order[:MOST_LABELS]), _chosen(labelled, order[MOST_LABELS:])
    test = fixed_windows(pool_of(TEST_SEED, 60, 40), 1, TEST_WINDOWS)
    rows = []
    for labels in arguments.labels:
        found: dict[str, list[tuple[Answers, Answers]]] = {}
        for model in arguments.models:
            for seed in arguments.seeds:
                module = fine_tuned(model, pretrained, windows, labels, seed)
                found.setdefault(model, []).append((answers(module, windows[1]), answers(module, test)))
        of_labels = rows_of(labels, found)
        rows += of_labels
        if not arguments.json:
            for row in of_labels:
                print(json.dumps(row), flush=True)
    if arguments.json:
        print(json.dumps({"rows": rows}, indent=2))


if __name__ == "__main__":
    main()
