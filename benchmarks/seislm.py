"""Does pretraining help? SeisLM pretrained, SeisLM from a random start, and PhaseNet, on few labels and on many.

    python -m benchmarks.seislm [--json] [--labels 50 100 1000] [--seeds 1 2 3] [--weights FILE.pt.v1]
    python -m benchmarks.seislm --pretrain FILE.pt.v1      # what the weights come from
    python -m benchmarks.seislm --speed [--json]           # CPU seconds beside PhaseNet's
    python -m benchmarks.seislm --recorded [--json]        # on recorded labels
    python -m benchmarks.seislm --sequence [--json]        # nine made classes alone

All windows are made like the demo's days (`catalogdb.demo.training_windows`): earthquakes, stations and noise of the
unlabelled, the labelled and the test windows come from seeds of their own. Everything runs on one thread. Each training
sees as many windows, however few labels there are, and takes the weights with the smallest loss on the same validation
windows; thresholds are chosen on these, too. Rows have `task`, `labels` (number of labelled windows), `model`, `score`
(mean over the seeds) and `interval` (95 %, bootstrap of the test windows and of the seeds):

- `pick_p`, `pick_s`: F1 of picks within 0.5 s; `detection`: area under the receiver's curve; `phase`: Matthews'
  correlation coefficient; `onset_p`, `onset_s`: mean absolute error (s), smaller is better; `sequence`: share of
  windows whose class of nine is told right (chance .11), see `benchmarks._sequence_classes` for what is made there;
- `model` is `pretrained` and `random` (SeisLM of the same size, all of it trained), `pretrained frozen` and `random
  frozen` (only the head is trained, which costs a fourth), `phasenet`, and the differences, such as
  `pretrained - random`.

`--recorded` (with `CATALOGDB_REALDATA`) trains the same models by the code of `catalogdb train` on the labels of
`labelled/ncedc_phasenet`, parted in time; rows `recorded_p` and `recorded_s` are F1 of picks on its last quarter at
`threshold`: 0.3 as the gate has it, or of validation, which is the best one on records between. PhaseNet begins with
nothing there, too.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from obspy import Trace, UTCDateTime

from benchmarks._made_windows import FixedWindows, FreshWindows, fixed_windows, pool_of
from benchmarks._real_data import real_data
from benchmarks._recorded_labels import recorded_rows
from benchmarks._sequence_classes import by_frames, by_spectra, classed_windows, interval
from benchmarks._window_scores import TASKS, Answers, answers, probabilities, scorer_of
from catalogdb.demo.train import loss_function
from catalogdb.demo.training_windows import Windows
from catalogdb.picking.config import PickConfig
from catalogdb.picking.picker import NetworkPicker, load_picker
from catalogdb.picking.seisbench_network import load_module
from catalogdb.picking.stretches import build_stretches
from catalogdb.picking.weights import WeightsFiles, resolve
from catalogdb.picking.zoo import model_class
from catalogdb.training.config import OptimiseConfig, TrainConfig
from catalogdb.training.loop import Loop
from catalogdb.training.networks import NEW, new_weights, weights_of, written

UNLABELLED_SEED, LABELLED_SEED, TEST_SEED = 40_000, 41_000, 42_000
"""No other pool, no training of the demo and no demo day uses these."""
PRETRAINING = OptimiseConfig(epochs=20, patience=20, batch=16, learning_rate=1e-3)
UNLABELLED_WINDOWS = 512  # of an epoch
MOST_LABELS, VALIDATION_WINDOWS, TEST_WINDOWS = 1000, 64, 400
TRAINING_WINDOWS, EPOCHS, BATCH = 1000, 5, 8
LEARNING_RATES = {"seislm": 1e-3, "phasenet": 5e-3, "head": 3e-3}
SEQUENCE_SEED, SEQUENCE_EARTHQUAKES = 43_000, (360, 90, 180)
RESAMPLES = 500
MODELS = ("pretrained", "random", "phasenet", "pretrained frozen", "random frozen")
PAIRS = (("pretrained", "random"), ("pretrained frozen", "random frozen"))
RECORDED_PAIRS = (*PAIRS, ("pretrained", "phasenet"), ("pretrained frozen", "phasenet"))


@dataclass(frozen=True)
class Sets:
    """Windows of the labelled, the validation and the test part."""

    labelled: Windows
    validation: Windows
    test: Windows


def made_sets() -> Sets:
    """Always the same windows."""
    made = fixed_windows(pool_of(LABELLED_SEED, 150, 60), 1, MOST_LABELS + VALIDATION_WINDOWS)
    numbers = np.arange(len(made.data))
    test = fixed_windows(pool_of(TEST_SEED, 60, 40), 1, TEST_WINDOWS)
    return Sets(_chosen(made, numbers[:MOST_LABELS]), _chosen(made, numbers[MOST_LABELS:]), test)


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
    about = {"task": "pretrain", "seed": seed, "torch": torch.__version__, "cpu_s": round(time.process_time() - began)}
    about |= {"curve": vars(trained.curve), "licence": "the project's own"}
    weights_of(loop.module, parent, docstring, about).write(path.parent, path.name.partition(".pt")[0])
    for file in (parent.pt, parent.json):
        file.unlink()


def fine_tuned(model: str, pretrained: WeightsFiles, windows: Sets, labels: int, seed: int) -> tuple[Answers, Answers]:
    """Train all of a model on so many labels; what it says of the validation and of the test windows then."""
    picker = "phasenet" if model == "phasenet" else "seislm"
    torch.manual_seed(seed)
    module = load_module(pretrained) if model == "pretrained" else model_class(picker)(**NEW[picker])
    if model == "pretrained":  # the head is new for each seed, as it is with a random start
        module.head.load_state_dict(model_class(picker)(**NEW[picker]).head.state_dict())
    options = OptimiseConfig(
        epochs=EPOCHS,
        patience=EPOCHS,
        batch=BATCH,
        learning_rate=LEARNING_RATES[picker],
        windows_per_record=max(1, round(TRAINING_WINDOWS / EPOCHS / labels)),
    )
    config = TrainConfig(name="candidate", picker=picker, parent=None, training_set="made", optimise=options)
    training = _PartOfEpoch(_chosen(windows.labelled, _first(labels, seed)), labels, TRAINING_WINDOWS // EPOCHS)
    loop = Loop(module, training, FixedWindows(windows.validation, VALIDATION_WINDOWS), config, seed)  # type: ignore[arg-type]
    loop.run()
    module = loop.module.eval()
    return tuple(answers(probabilities(module, each), each) for each in (windows.validation, windows.test))  # type: ignore[return-value]


def _first(labels: int, seed: int) -> np.ndarray:
    """The labelled windows of a seed: more labels hold all of fewer ones."""
    return np.random.default_rng([seed, 14]).permutation(MOST_LABELS)[:labels]


class Frozen:
    """Frames of an encoder that is not trained any further, so that a head alone learns from them.

    Args:
        module: SeisLM.
        windows: all sets.
    """

    def __init__(self, module: Any, windows: Sets):
        self.module, self.windows = module.eval(), windows
        self.labelled, self.validation, self.test = (
            self._of(each) for each in (windows.labelled, windows.validation, windows.test)
        )

    def _of(self, windows: Windows) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.inference_mode():
            samples = self.module.annotate_batch_pre(torch.from_numpy(windows.data), {})
            frames = [self.module.encoder(samples[first : first + 50]) for first in range(0, len(samples), 50)]
        return torch.cat(frames).clone(), samples.clone()

    def trained(self, labels: int, seed: int) -> tuple[Answers, Answers]:
        """Train a head on so many labels; what it says of the validation and of the test windows then."""
        torch.manual_seed(seed)
        head = model_class("seislm")(**NEW["seislm"]).head
        optimizer = torch.optim.Adam(head.parameters(), lr=LEARNING_RATES["head"])
        random = np.random.default_rng([seed, 17])
        chosen = _first(labels, seed)
        best, state = np.inf, head.state_dict()
        for _ in range(EPOCHS):
            for _ in range(TRAINING_WINDOWS // EPOCHS // BATCH):
                rows = random.choice(chosen, BATCH, replace=labels < BATCH)
                loss = self._loss(head, self.labelled, self.windows.labelled, rows)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                rows = np.arange(len(self.windows.validation.data))
                found = float(self._loss(head, self.validation, self.windows.validation, rows))
            if found < best:
                best, state = found, copy.deepcopy(head.state_dict())
        head.load_state_dict(state)
        validation = answers(self._probabilities(head, self.validation), self.windows.validation)
        return validation, answers(self._probabilities(head, self.test), self.windows.test)

    @staticmethod
    def _loss(head: Any, data: tuple[torch.Tensor, torch.Tensor], windows: Windows, rows: np.ndarray) -> torch.Tensor:
        logits = head(data[0][rows], data[1][rows])
        return loss_function(logits, torch.from_numpy(windows.labels[rows]))

    @staticmethod
    def _probabilities(head: Any, data: tuple[torch.Tensor, torch.Tensor]) -> np.ndarray:
        with torch.inference_mode():
            parts = [
                head(data[0][first : first + 50], data[1][first : first + 50]) for first in range(0, len(data[0]), 50)
            ]
        return torch.softmax(torch.cat(parts), dim=1).numpy()


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
        for one, other in PAIRS:
            if one in scores and other in scores:
                scores[f"{one} - {other}"] = scores[one] - scores[other]
        for model, values in scores.items():
            low, high = np.nanquantile(values[1:], [0.025, 0.975])
            row = {"task": task, "labels": labels, "model": model, "score": round(float(values[0]), 4)}
            rows.append(row | {"interval": [round(float(low), 4), round(float(high), 4)], "seeds": seeds})
    return rows


def speed(rounds: int = 3) -> list[dict[str, Any]]:
    """CPU seconds of the probabilities of one hour of a station, one thread, in turns: networks of random weights."""
    with tempfile.TemporaryDirectory() as folder:
        weights = {name: new_weights(name, 0).write(Path(folder), name) for name in ("phasenet", "seislm")}
        random = np.random.default_rng(0)
        header = {"network": "XX", "station": "AAA", "sampling_rate": 100.0, "starttime": UTCDateTime(0)}
        traces = [
            Trace(random.normal(0, 100, 360_000).astype(np.float32), header | {"channel": f"HH{letter}"})
            for letter in "ZNE"
        ]
        (stretch,) = build_stretches(traces, 100.0).stretches
        taken: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds + 1):  # the first loads and exports
            for name, path in weights.items():
                for backend in ("openvino", "torch"):
                    config = PickConfig(picker=name, weights=str(path), backend=backend, threads=1, overlap=1500)
                    picker = load_picker(config)
                    assert isinstance(picker, NetworkPicker)
                    began = time.process_time()
                    picker.probability(stretch)
                    taken.setdefault((name, backend), []).append(time.process_time() - began)
    medians = {key: float(np.median(seconds[1:])) for key, seconds in taken.items()}
    return [
        {"task": "speed", "labels": None, "model": f"{name}, {backend}", "score": round(seconds, 2), "interval": None}
        | {"unit": "CPU s per hour of a station", "over_phasenet": round(seconds / medians["phasenet", backend], 1)}
        for (name, backend), seconds in medians.items()
    ]


def sequence_rows(pretrained: WeightsFiles, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Nine classes of made windows by heads on frozen frames, and by a logistic regression on mean spectra."""
    first = SEQUENCE_SEED
    training, validation, test = (classed_windows(first + n, count) for n, count in enumerate(SEQUENCE_EARTHQUAKES))
    torch.manual_seed(0)
    encoders = {"pretrained frozen": load_module(pretrained), "random frozen": model_class("seislm")(**NEW["seislm"])}
    right = {
        name: np.array([by_frames(module, training, validation, test, seed) == test.classes for seed in seeds])
        for name, module in encoders.items()
    }
    right["spectra"] = np.array([by_spectra(training, test) == test.classes])
    shares = {name: each.astype(float) for name, each in right.items()}
    shares["pretrained frozen - random frozen"] = shares["pretrained frozen"] - shares["random frozen"]
    rows = []
    for name, each in shares.items():
        row = {
            "task": "sequence",
            "labels": len(training.classes),
            "model": name,
            "score": round(float(each.mean()), 4),
        }
        low, high = interval(each, test.earthquakes, RESAMPLES)
        rows.append(row | {"interval": [round(low, 4), round(high, 4)], "seeds": len(each)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seislm", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 100, 1000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--weights", default="demo", help="pretrained weights: a .pt file, or the packaged ones")
    parser.add_argument("--sequence", action="store_true", help="tell nine made classes, and nothing else")
    parser.add_argument("--recorded", action="store_true", help="train on recorded labels, and nothing else")
    parser.add_argument("--speed", action="store_true", help="measure speed, and nothing else")
    parser.add_argument("--pretrain-seed", type=int, default=1, help="of --pretrain")
    parser.add_argument("--pretrain", type=Path, metavar="FILE", help="pretrain, and write the weights there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.pretrain:
        pretrain(arguments.pretrain, arguments.pretrain_seed)
        return
    if arguments.speed or arguments.sequence:
        rows = speed() if arguments.speed else sequence_rows(resolve("seislm", arguments.weights), arguments.seeds)
        print(json.dumps({"rows": rows}, indent=2) if arguments.json else "\n".join(map(json.dumps, rows)))
        return
    pretrained = resolve("seislm", arguments.weights)
    if arguments.recorded:
        folder = real_data(parser, "labelled") / "labelled"
        say = (lambda row: None) if arguments.json else (lambda row: print(json.dumps(row), flush=True))
        rows = recorded_rows(folder, pretrained, arguments.models, arguments.seeds, LEARNING_RATES, RECORDED_PAIRS, say)
        if arguments.json:
            print(json.dumps({"rows": rows}, indent=2))
        return
    windows = made_sets()
    frozen: dict[str, Frozen] = {}
    if "pretrained frozen" in arguments.models:
        frozen["pretrained frozen"] = Frozen(load_module(pretrained), windows)
    rows = []
    for labels in arguments.labels:
        found: dict[str, list[tuple[Answers, Answers]]] = {}
        for model in arguments.models:
            for seed in arguments.seeds:
                if model.endswith("frozen"):
                    if model not in frozen:
                        torch.manual_seed(0)
                        frozen[model] = Frozen(model_class("seislm")(**NEW["seislm"]), windows)
                    pair = frozen[model].trained(labels, seed)
                else:
                    pair = fine_tuned(model, pretrained, windows, labels, seed)
                found.setdefault(model, []).append(pair)
        of_labels = rows_of(labels, found)
        rows += of_labels
        if not arguments.json:
            for row in of_labels:
                print(json.dumps(row), flush=True)
    of_sequence = sequence_rows(pretrained, arguments.seeds)
    rows += of_sequence
    if arguments.json:
        print(json.dumps({"rows": rows}, indent=2))
    else:
        print("\n".join(map(json.dumps, of_sequence)))


if __name__ == "__main__":
    main()
