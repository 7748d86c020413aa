"""Trains the demo's PhaseNet (Zhu & Beroza 2019) on synthetic windows: ``python -m catalogdb.demo.train``.

Cross entropy against soft labels, Adam, cosine decay of the learning rate. The number of steps is fixed, so the command
and the seed tell the whole story (up to the last bits of floating point).
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import seisbench.models as sbm
import torch

from catalogdb.demo import WEIGHTS_PATH, WEIGHTS_VERSION
from catalogdb.demo.training_windows import build_pool, make_windows, normalize

TRAINING_SEED = 20_000
"""Pools use this seed and the next ones; demo days and scores must use none of them."""

_WARM_UP_STEPS = 100


def new_model() -> sbm.PhaseNet:
    """An untrained PhaseNet: components Z, N, E, each over its standard deviation; classes N, P, S; 100 Hz."""
    return sbm.PhaseNet(phases="NPS", component_order="ZNE", norm="std", sampling_rate=100)


def loss_function(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy between soft ``labels`` and softmax of ``logits``, both (batch, 3, samples)."""
    return -(labels * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()


def train(
    *,
    steps: int = 2200,
    batch: int = 64,
    learning_rate: float = 5e-3,
    seed: int = TRAINING_SEED,
    earthquakes: int = 600,
    path: Path = WEIGHTS_PATH,
    checkpoint_every: int = 500,
) -> sbm.PhaseNet:
    """Train and save to ``path`` in SeisBench's format; returns the model in evaluation mode.

    Parameters
    ----------
    steps, batch : optimiser steps and windows per step (each window is made once and never seen again)
    earthquakes : earthquakes in the pool, each recorded at 16 places
    """
    torch.manual_seed(seed)
    began = time.monotonic()
    pool = build_pool(seed, earthquakes=earthquakes)
    print(f"pool of {len(pool.traces)} traces after {time.monotonic() - began:.0f} s", flush=True)
    rng = np.random.default_rng([seed, 13])
    model = new_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    settings = {
        "steps": steps,
        "batch": batch,
        "learning_rate": learning_rate,
        "seed": seed,
        "earthquakes": earthquakes,
    }
    running = 0.0
    for number in range(1, steps + 1):
        windows = make_windows(pool, rng, batch)
        model.train()
        loss = loss_function(
            model(torch.from_numpy(normalize(windows.data)), logits=True), torch.from_numpy(windows.labels)
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        running += loss.item()
        if number % 50 == 0:
            print(f"step {number} loss {running / 50:.5f} after {time.monotonic() - began:.0f} s", flush=True)
            running = 0.0
        if number % checkpoint_every == 0 or number == steps:
            save(model, path, {**settings, "steps_done": number})
    return model.eval()


def save(model: sbm.PhaseNet, path: Path, settings: dict[str, float]) -> None:
    """Save weights and metadata, so that ``PhaseNet.load(path, version_str="1")`` reads them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = " ".join(
        f"--{name.replace('_', '-')} {value}" for name, value in settings.items() if name not in ("steps_done",)
    )
    docstring = (
        "PhaseNet trained by catalogdb on synthetic seismograms of local earthquakes (0-110 km, 100 Hz), for its demo "
        "and tests only. No recorded data were used. Not for real catalogs. "
        f"Training command: python -m catalogdb.demo.train {options}"
    )
    model.save(path, weights_docstring=docstring, version_str=WEIGHTS_VERSION)
    metadata_path = path.with_name(f"{path.name}.json.v{WEIGHTS_VERSION}")
    metadata = json.loads(metadata_path.read_text())
    metadata["default_args"] = {"blinding": [250, 250], "overlap": 1500}
    metadata["seisbench_requirement"] = "0.4.0"
    metadata["training"] = settings | {"torch": torch.__version__, "licence": "the project's own"}
    metadata_path.write_text(json.dumps(metadata, indent=2) + "\n")


def _rate(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
    return warm * (0.005 + 0.995 * 0.5 * (1.0 + np.cos(np.pi * min(1.0, step / steps))))


def main() -> None:
    """Command line: every option of :func:`train`."""
    parser = argparse.ArgumentParser(description="Train the demo's PhaseNet on synthetic data.")
    parser.add_argument("--steps", type=int, default=2200)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=5e-3)
    parser.add_argument("--seed", type=int, default=TRAINING_SEED)
    parser.add_argument("--earthquakes", type=int, default=600)
    parser.add_argument("--path", type=Path, default=WEIGHTS_PATH)
    parser.add_argument("--threads", type=int, default=1)
    options = vars(parser.parse_args())
    torch.set_num_threads(options.pop("threads"))
    train(**options)


if __name__ == "__main__":
    main()
