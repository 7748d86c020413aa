"""The encoder: waveforms -> frames -> frames that know of one another.

Convolutions make frames of samples, a transformer with normalisation before each part (Xiong et al., 2020) lets every
frame attend to every other one. Where a frame is, it is told by a convolution over its neighbours (Baevski et al.,
2020, section 2).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from catalogdb.seislm.sizes import COMPONENTS, Size

SPREAD_OF_NEW_WEIGHTS = 0.02


class Convolutions(nn.Module):
    """Samples (windows, components, samples) -> frames (windows, frames, channels)."""

    def __init__(self, size: Size):
        super().__init__()
        inputs = (COMPONENTS, *[size.channels] * (len(size.kernels) - 1))
        self.layers = nn.ModuleList(
            nn.Conv1d(channels, size.channels, kernel, stride)
            for channels, kernel, stride in zip(inputs, size.kernels, size.strides, strict=True)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(size.channels) for _ in size.kernels)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        frames = samples
        for layer, norm in zip(self.layers, self.norms, strict=True):
            frames = functional.gelu(norm(layer(frames).transpose(1, 2))).transpose(1, 2)
        return frames.transpose(1, 2)


class PositionEmbedding(nn.Module):
    """What is added to a frame so that it knows where it is; frames (windows, frames, hidden), likewise out."""

    def __init__(self, size: Size):
        super().__init__()
        kernel = size.position_kernel
        convolution = nn.Conv1d(size.hidden, size.hidden, kernel, padding=kernel // 2, groups=size.position_groups)
        nn.init.normal_(convolution.weight, std=2 * (1 / (kernel * size.hidden)) ** 0.5)
        nn.init.zeros_(convolution.bias)
        self.convolution = weight_norm(convolution, dim=2)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        around = self.convolution(frames.transpose(1, 2))[:, :, : frames.shape[1]]  # an even kernel gives one more
        return functional.gelu(around).transpose(1, 2)


class Attention(nn.Module):
    """Each frame attends to all frames: there is no mask, in pretraining either."""

    def __init__(self, size: Size):
        super().__init__()
        self.heads = size.heads
        self.query, self.key, self.value, self.out = (nn.Linear(size.hidden, size.hidden) for _ in range(4))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        windows, count, hidden = frames.shape
        query, key, value = (
            part(frames).reshape(windows, count, self.heads, hidden // self.heads).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        attended = functional.scaled_dot_product_attention(query, key, value)
        return self.out(attended.transpose(1, 2).reshape(windows, count, hidden))


class Block(nn.Module):
    """Attention and a network for each frame, each with a normalisation before it and a way around it."""

    def __init__(self, size: Size):
        super().__init__()
        self.attention_norm, self.feedforward_norm = nn.LayerNorm(size.hidden), nn.LayerNorm(size.hidden)
        self.attention = Attention(size)
        self.inner, self.outer = nn.Linear(size.hidden, size.feedforward), nn.Linear(size.feedforward, size.hidden)
        self.dropout = nn.Dropout(size.dropout)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        frames = frames + self.dropout(self.attention(self.attention_norm(frames)))
        inner = self.dropout(functional.gelu(self.inner(self.feedforward_norm(frames))))
        return frames + self.dropout(self.outer(inner))


class Encoder(nn.Module):
    """All of it; see `forward`."""

    def __init__(self, size: Size):
        super().__init__()
        self.convolutions = Convolutions(size)
        self.feature_norm = nn.LayerNorm(size.channels)
        self.projection = nn.Linear(size.channels, size.hidden)
        self.position = PositionEmbedding(size)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.blocks))
        self.norm = nn.LayerNorm(size.hidden)
        self.dropout = nn.Dropout(size.dropout)
        self.masked = nn.Parameter(torch.empty(size.hidden).uniform_())
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=SPREAD_OF_NEW_WEIGHTS)
                nn.init.zeros_(module.bias)

    def features(self, samples: torch.Tensor) -> torch.Tensor:
        """Frames before the transformer, (windows, frames, channels): what pretraining quantises."""
        return self.feature_norm(self.convolutions(samples))

    def context(self, features: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Frames after the transformer, (windows, frames, hidden).

        Args:
            features: of `features`.
            mask: bool (windows, frames): frames that are replaced by a learned one, to be guessed.
        """
        frames = self.dropout(self.projection(features))
        if mask is not None:
            frames = torch.where(mask[:, :, None], self.masked.to(frames.dtype), frames)
        frames = self.dropout(frames + self.position(frames))
        for block in self.blocks:
            frames = block(frames)
        return self.norm(frames)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Normalised samples (windows, components, samples) -> frames (windows, frames, hidden)."""
        return self.context(self.features(samples))
