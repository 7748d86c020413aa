"""Frames -> words: product quantisation with straight-through Gumbel softmax (Jang et al., 2016; Baevski et al., 2020,
section 2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from catalogdb.seislm.sizes import Size

FIRST_TEMPERATURE, LAST_TEMPERATURE = 2.0, 0.5


def temperature(progress: float) -> float:
    """Of the Gumbel softmax, falling exponentially from 2.0 to 0.5.

    Args:
        progress: share of the steps that are done, 0 to 1; it stays at 0.5 beyond.
    """
    return FIRST_TEMPERATURE * (LAST_TEMPERATURE / FIRST_TEMPERATURE) ** min(max(progress, 0.0), 1.0)


@dataclass(frozen=True)
class Quantised:
    """Words of frames.

    Attributes:
        frames: (windows, frames, codebooks x codeword size).
        words: int (windows, frames), which of all combinations of a word of each book.
        probability: (windows, frames, codebooks, codewords), without Gumbel noise.
    """

    frames: torch.Tensor
    words: torch.Tensor
    probability: torch.Tensor


class Quantiser(nn.Module):
    """Features (windows, frames, channels) -> `Quantised`.

    The scores of the words are divided by the square root of the number of channels, so that at first no word is nearly
    certain and the choice is left to the Gumbel noise.
    """

    def __init__(self, size: Size):
        super().__init__()
        self.size = size
        self.scores = nn.Linear(size.channels, size.codebooks * size.codewords)
        nn.init.normal_(self.scores.weight)
        nn.init.zeros_(self.scores.bias)
        self.codewords = nn.Parameter(torch.empty(size.codebooks, size.codewords, size.codeword_size).uniform_())

    def forward(self, features: torch.Tensor, tau: float) -> Quantised:
        """Words by Gumbel softmax of temperature `tau` in training, else the most probable ones."""
        windows, count, channels = features.shape
        scores = self.scores(features).float() / math.sqrt(channels)
        scores = scores.reshape(windows, count, self.size.codebooks, self.size.codewords)
        probability = scores.softmax(dim=-1)
        if self.training:
            chosen = functional.gumbel_softmax(scores, tau=tau, hard=True)
        else:
            chosen = functional.one_hot(scores.argmax(dim=-1), self.size.codewords).to(scores.dtype)
        frames = torch.einsum("wfbc,bcd->wfbd", chosen, self.codewords)
        words = chosen.argmax(dim=-1)
        combined = sum(words[:, :, book] * self.size.codewords**book for book in range(self.size.codebooks))
        return Quantised(frames.reshape(windows, count, self.size.quantised), combined, probability)


def perplexity(probability: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """How many words are in use: exp of the entropy of the mean probability over masked frames, summed over the books
    (Baevski et al., 2020, equation 4).

    Args:
        probability: (windows, frames, codebooks, codewords).
        mask: bool (windows, frames).
    """
    mean = probability[mask].mean(dim=0)
    return torch.exp(-(mean * torch.log(mean + 1e-7)).sum(dim=-1)).sum()
