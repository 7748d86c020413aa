"""SeisLM pretrained, SeisLM from a random start, and PhaseNet on recorded labels, by the code of `catalogdb train`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning import NCEDC, Sets, outcome_of
from catalogdb.picking.weights import WeightsFiles
from catalogdb.training.config import GateConfig, OptimiseConfig, TrainConfig
from catalogdb.training.networks import Weights, new_weights, written
from catalogdb.training.records import LabelledRecord
from catalogdb.training.result import Training
from catalogdb.training.score import Outcome
from catalogdb.training.train import train

EPOCHS, BATCH = 11, 8
"""Some 1,000 windows of 92 records, as many as `benchmarks.seislm` gives to each training on made ones."""
THRESHOLDS = (0.1, 0.2, 0.3, 0.5)
RESAMPLES = 1000
TASKS = ("recorded_p", "recorded_s")


def recorded_outcomes(
    folder: Path, pretrained: WeightsFiles, models: Sequence[str], seeds: Sequence[int], rates: Mapping[str, float]
) -> Iterator[tuple[str, list[Outcome], list[Outcome]]]:
    """Train each model with each seed on the first 60 % in time, and pick the last 25 %.

    Args:
        folder: with labelled/ncedc_phasenet.
        rates: learning rates of `seislm`, of its `head` alone, and of `phasenet`.

    Yields:
        The model, and what each seed came to: at the gate's thresholds, and at those that are best on the validation
        part, of P and of S.
    """
    parts = Sets(folder).of(NCEDC).parts
    for model in models:
        picker = "phasenet" if model == "phasenet" else "seislm"
        is_frozen = model.endswith("frozen")
        found: tuple[list[Outcome], list[Outcome]] = [], []
        for seed in seeds:
            with tempfile.TemporaryDirectory() as place:
                parent = pretrained
                if not model.startswith("pretrained"):
                    parent = written(new_weights(picker, seed), picker, Path(place), "untrained")
                rate = rates["head" if is_frozen else picker]
                config = TrainConfig(
                    name=model.replace(" ", "-"),
                    picker=picker,  # type: ignore[arg-type]
                    parent=str(parent.pt),
                    training_set=NCEDC,
                    freeze_encoder=is_frozen,
                    optimise=OptimiseConfig(epochs=EPOCHS, patience=EPOCHS, batch=BATCH, learning_rate=rate),
                )
                weights = train(parts, Training(parent, config, seed)).weights
            found[0].append(outcome_of(weights, config, parts["test"]))
            chosen = _best_thresholds(weights, config, parts["validation"])
            found[1].append(outcome_of(weights, chosen, parts["test"]))
        yield model, *found


def _best_thresholds(weights: Weights, config: TrainConfig, records: Sequence[LabelledRecord]) -> TrainConfig:
    """The training with the thresholds in its gate by which these records are picked best."""
    tried = [_at(config, threshold, threshold) for threshold in THRESHOLDS]
    scores = np.nan_to_num([outcome_of(weights, each, records).f1() for each in tried])
    p, s = (THRESHOLDS[int(number)] for number in scores.argmax(axis=0))
    return _at(config, p, s)


def _at(config: TrainConfig, p: float, s: float) -> TrainConfig:
    return config.model_copy(update={"gate": GateConfig(p_threshold=p, s_threshold=s)})


def recorded_rows(
    folder: Path,
    pretrained: WeightsFiles,
    models: Sequence[str],
    seeds: Sequence[int],
    rates: Mapping[str, float],
    pairs: Sequence[tuple[str, str]],
    say: Callable[[dict[str, Any]], None],
) -> list[dict[str, Any]]:
    """F1 of P and of S by model, and differences of pairs of models, with intervals (95 %, bootstrap of the events and
    of the seeds).

    Args: see `recorded_outcomes`;
        pairs: of models, of which the first one less the second one is a row.
        say: takes each row as it comes.
    """
    parts = Sets(folder).of(NCEDC).parts
    events = [record.event for record in parts["test"]]
    names, number = np.unique(events, return_inverse=True)
    random = np.random.default_rng(18)
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)[:, number]
    weight = np.vstack([np.ones(len(events)), drawn])
    of_seeds = random.integers(0, len(seeds), (RESAMPLES, len(seeds)))
    chosen = np.vstack([np.arange(len(seeds)), of_seeds])
    rows: list[dict[str, Any]] = []

    def add(model: str, values: Mapping[str, np.ndarray]) -> None:
        for at, scores in values.items():
            for task, own in zip(TASKS, scores.T, strict=True):
                low, high = np.nanquantile(own[1:], [0.025, 0.975])
                row = {"task": task, "labels": len(parts["train"]), "model": model, "threshold": at}
                row |= {"score": round(float(own[0]), 4), "interval": [round(float(low), 4), round(float(high), 4)]}
                rows.append(row | {"seeds": len(seeds)})
                say(rows[-1])

    found: dict[str, dict[str, np.ndarray]] = {}
    for model, *outcomes in recorded_outcomes(folder, pretrained, models, seeds, rates):
        found[model] = {}
        for at, of_seed in zip(("0.3", "of validation"), outcomes, strict=True):
            f1 = np.stack([np.nan_to_num(outcome.f1(weight)) for outcome in of_seed])  # (seeds, draws, phases)
            draws = np.arange(len(weight))[:, None]
            found[model][at] = f1[chosen, draws].mean(axis=1)
        add(model, found[model])
        for one, other in pairs:
            if model in (one, other) and one in found and other in found:
                add(f"{one} - {other}", {at: found[one][at] - found[other][at] for at in found[one]})
    return rows
