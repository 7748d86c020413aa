"""What pretraining minimises: to tell a masked frame's word from other masked frames' words, and to use all words
(Baevski et al., 2020, equations 2 to 4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

SIMILARITY_TEMPERATURE = 0.1
DIVERSITY_WEIGHT = 0.1


@dataclass(frozen=True)
class PretrainingLoss:
    """Of a batch.

    Attributes:
        total: what is minimised: contrastive loss plus `DIVERSITY_WEIGHT` times diversity loss.
        contrastive: mean cross entropy over masked frames.
        accuracy: share of masked frames whose own word is the most similar one.
        perplexity: how many words are in use, of all books together.
    """

    total: torch.Tensor
    contrastive: torch.Tensor
    accuracy: torch.Tensor
    perplexity: torch.Tensor


def contrastive_logits(
    guesses: torch.Tensor, targets: torch.Tensor, words: torch.Tensor, mask: torch.Tensor, negatives: torch.Tensor
) -> torch.Tensor:
    """Cosine similarities of masked frames with words, over the temperature: their own first, then the negatives';
    (masked frames, 1 + negatives).

    Args:
        guesses, targets: (windows, frames, size): what the transformer makes of each frame, and the words' embeddings.
        words: int (windows, frames), which word each frame has.
        mask: bool (windows, frames).
        negatives: of `masks.negative_frames`. One that has the very word itself takes no part.
    """
    similarity = functional.normalize(guesses, dim=-1) @ functional.normalize(targets, dim=-1).transpose(1, 2)
    windows, frames = mask.nonzero(as_tuple=True)
    chosen = torch.cat([frames[:, None], negatives], dim=1)
    of_frames = similarity[mask].gather(1, chosen) / SIMILARITY_TEMPERATURE
    same = words[windows].gather(1, chosen) == words[mask][:, None]
    same[:, 0] = False
    return of_frames.masked_fill(same, -torch.inf)


def pretraining_loss(logits: torch.Tensor, in_use: torch.Tensor, words: int) -> PretrainingLoss:
    """The loss of `contrastive_logits`.

    Args:
        in_use: `quantiser.perplexity`.
        words: of all books together.
    """
    contrastive = functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device))
    accuracy = (logits[:, 0] >= logits[:, 1:].amax(dim=1)).float().mean()
    total = contrastive + DIVERSITY_WEIGHT * (words - in_use) / words
    return PretrainingLoss(total, contrastive, accuracy, in_use)
