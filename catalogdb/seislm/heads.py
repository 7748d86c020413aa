"""What is put on the encoder's frames: picks for each sample, or a class of the whole window."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from catalogdb.seislm.sizes import COMPONENTS, Size

SEQUENCE_CLASSES = 9
"""Foreshock, mainshock and aftershock experiment of Laurenti et al. (2024): windows by their time to the mainshock."""


class PickingHead(nn.Module):
    """Frames and the samples themselves -> logits of each class at each sample, by two convolutions."""

    def __init__(self, size: Size, classes: int):
        super().__init__()
        self.size = size
        self.first = nn.Conv1d(size.hidden + COMPONENTS, size.head_channels, 3, padding=1)
        self.last = nn.Conv1d(size.head_channels, classes, 3, padding=1)

    def forward(self, frames: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
        """Frames (windows, frames, hidden), samples (windows, components, samples) -> (windows, classes, samples)."""
        together = torch.cat([at_samples(frames, samples.shape[-1], self.size), samples], dim=1)
        return self.last(functional.gelu(self.first(together)))


def at_samples(frames: torch.Tensor, samples: int, size: Size) -> torch.Tensor:
    """Frames (windows, frames, hidden), interpolated to their samples: (windows, hidden, samples).

    A frame stands at the middle of what its convolutions saw, to half a sample, wherever it is in the window.
    """
    step = size.samples_per_frame
    spread = functional.interpolate(frames.transpose(1, 2), scale_factor=step, mode="linear", align_corners=False)
    before = (size.samples_seen - step) // 2
    return functional.pad(spread, (before, samples - before - spread.shape[-1]), mode="replicate")


class SequenceHead(nn.Module):
    """Frames -> logits of a class for the whole window, as of foreshocks and aftershocks."""

    def __init__(self, size: Size, classes: int = SEQUENCE_CLASSES):
        super().__init__()
        self.convolution = nn.Conv1d(size.hidden, size.hidden, 3, padding=1)
        self.out = nn.Linear(size.hidden, classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames (windows, frames, hidden) -> (windows, classes)."""
        return self.out(functional.gelu(self.convolution(frames.transpose(1, 2))).mean(dim=-1))
