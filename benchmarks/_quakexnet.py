"""QuakeXNet-2D (Kharita et al.), a published network for types of events, to be compared with: its layers as its
weights name them, and its windows as its authors cut them. The weights are no part of the project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import signal

from catalogdb.training.records import LabelledRecord

RATE_HZ, NEW_RATE_HZ = 100.0, 50.0
BEFORE_SECONDS, WINDOW_SECONDS = 10.0, 100.0
"""Before P: of 5, 10 and 20 what is best for it on the recorded earthquakes that were looked at."""
ORDER = ("earthquake", "explosion", "noise", "surface")
"""Of its outputs."""
FILE = "quakexnet_2d.pth"


def weights_path() -> Path | None:
    """The file of its weights: CATALOGDB_QUAKEXNET, or beside the folder of the real data; None where there is none."""
    given = os.environ.get("CATALOGDB_QUAKEXNET")
    path = Path(given) if given else Path(os.environ.get("CATALOGDB_REALDATA", ".")).parent / "weights" / FILE
    return path if path.is_file() else None


def network(path: Path) -> Any:
    """The network with its weights."""
    import torch
    from torch import nn

    class QuakeXNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            channels = (3, 8, 8, 16, 16, 32, 32, 64)
            for number in range(1, 8):
                stride = 2 if number in (2, 4, 6) else 1
                layer = nn.Conv2d(channels[number - 1], channels[number], 3, stride=stride, padding=1)
                setattr(self, f"conv{number}", layer)
                setattr(self, f"bn{number}", nn.BatchNorm2d(channels[number]))
            self.fc1, self.fc1_bn = nn.Linear(256, 128), nn.BatchNorm1d(128)
            self.fc2, self.fc2_bn = nn.Linear(128, len(ORDER)), nn.BatchNorm1d(len(ORDER))

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            for number in range(1, 8):
                values = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(values)).relu()
                if number in (2, 4):
                    values = nn.functional.max_pool2d(values, 2)
            hidden = self.fc1_bn(self.fc1(values.flatten(1))).relu()
            result: torch.Tensor = self.fc2_bn(self.fc2(hidden))
            return result

    module = QuakeXNet()
    module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return module.eval()


def window(record: LabelledRecord) -> np.ndarray | None:
    """Its input for a record: spectrograms (3, 129, 38) of E, N and Z from 10 s before P on, zeros after the record's
    end; None where it has no three components."""
    first = min(onset.time for onset in record.onsets)
    rows = []
    for trace in sorted(record.traces, key=lambda trace: ("E1N2Z".find(trace.stats.channel[-1]), trace.stats.channel)):
        rate = trace.stats.sampling_rate
        begin = round((first - BEFORE_SECONDS - trace.stats.starttime.timestamp) * rate)
        own = trace.data[max(begin, 0) : max(begin, 0) + round(WINDOW_SECONDS * rate)].astype(float)
        own = signal.detrend(own) if own.size else own
        if rate != RATE_HZ:
            own = signal.resample(own, round(own.size * RATE_HZ / rate))
        rows.append(np.pad(own, (0, max(0, round(WINDOW_SECONDS * RATE_HZ) - own.size))))
    if len(rows) != 3:
        return None
    size = round(WINDOW_SECONDS * RATE_HZ)
    data = np.stack([row[:size] for row in rows]) * signal.windows.tukey(size, alpha=0.1)
    low, high = signal.butter(4, [1 / 50, 20 / 50], btype="band")
    data = signal.filtfilt(low, high, data, axis=1)
    data /= np.std(np.abs(data)) or 1.0
    data = signal.resample(data, round(WINDOW_SECONDS * NEW_RATE_HZ), axis=1)
    _, _, found = signal.spectrogram(data, nperseg=256, noverlap=128, fs=NEW_RATE_HZ)
    result: np.ndarray = found
    return result


def probabilities(module: Any, records: Sequence[LabelledRecord]) -> dict[str, np.ndarray]:
    """Mean over the stations of its probabilities, in the order of `ORDER`, by event; without events that have no three
    components anywhere."""
    import torch

    found: dict[str, list[np.ndarray]] = {}
    for record in records:
        if (made := window(record)) is not None:
            with torch.no_grad():
                logits = module(torch.from_numpy(made[None].astype(np.float32)))
            found.setdefault(record.event, []).append(torch.softmax(logits, dim=1)[0].numpy())
    return {event: np.mean(rows, axis=0) for event, rows in found.items()}
