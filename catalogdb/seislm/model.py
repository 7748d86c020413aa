"""SeisLM as a model of SeisBench: windows of 30 s at 100 Hz, probabilities of noise, P and S at each sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from seisbench.models.base import WaveformModel
from torch import nn

from catalogdb.documents.free import Json
from catalogdb.seislm.heads import PickingHead
from catalogdb.seislm.loss import PretrainingLoss, contrastive_logits, pretraining_loss
from catalogdb.seislm.masks import negative_frames, span_mask
from catalogdb.seislm.network import Encoder
from catalogdb.seislm.quantiser import Quantiser, perplexity
from catalogdb.seislm.sizes import WINDOW_SAMPLES, Size, size_named

CITATION = (
    "Liu, T., Muenchmeyer, J., Laurenti, L., Marone, C., de Hoop, M. V., & Dokmanic, I. (2024). "
    "SeisLM: a foundation model for seismic waveforms. arXiv:2410.15765"
)


class Pretraining(nn.Module):
    """What only pretraining needs: the quantiser, and the projections of guesses and of words that are compared."""

    def __init__(self, size: Size):
        super().__init__()
        self.quantiser = Quantiser(size)
        self.of_guess = nn.Linear(size.hidden, size.quantised)
        self.of_word = nn.Linear(size.quantised, size.quantised)


class SeisLM(WaveformModel):
    """The encoder, a picking head, and what pretraining needs: one set of tensors, so that weights from pretraining are
    weights to fine-tune, with a head that knows nothing yet.

    Args:
        size: ``small``, ``base`` or ``large``.
        phases: classes of the picking head, in order.
        norm: ``std``: each component less its mean, over its standard deviation in the window.
    """

    _annotate_args = WaveformModel._annotate_args.copy()
    _annotate_args["*_threshold"] = ("Detection threshold for the provided phase", 0.3)
    _annotate_args["blinding"] = ("Number of prediction samples to discard on each side of each window", (0, 0))
    _annotate_args["overlap"] = (_annotate_args["overlap"][0], 1500)

    def __init__(
        self, size: str = "base", phases: str = "NPS", sampling_rate: float = 100, norm: str = "std", **kwargs: Any
    ):
        super().__init__(
            citation=CITATION,
            in_samples=WINDOW_SAMPLES,
            output_type="array",
            pred_sample=(0, WINDOW_SAMPLES),
            labels=phases,
            sampling_rate=sampling_rate,
            **kwargs,
        )
        if norm != "std":
            raise ValueError(f"SeisLM's norm is std, not {norm}")
        self.size_name, self.norm, self.size = size, norm, size_named(size)
        self.encoder = Encoder(self.size)
        self.pretraining = Pretraining(self.size)
        self.head = PickingHead(self.size, len(phases))

    def forward(self, samples: torch.Tensor, logits: bool = False) -> torch.Tensor:
        """Normalised samples (windows, 3, 3001) -> probabilities (windows, classes, 3001), or their logits."""
        scores = self.head(self.encoder(samples), samples)
        return scores if logits else torch.softmax(scores, dim=1)

    def embed(self, samples: torch.Tensor) -> torch.Tensor:
        """Normalised samples (windows, 3, 3001) -> the mean of each window's frames, (windows, hidden)."""
        return self.encoder(samples).mean(dim=1)

    def pretraining_loss(self, samples: torch.Tensor, random: np.random.Generator, tau: float) -> PretrainingLoss:
        """How well masked frames are guessed.

        Args:
            samples: normalised, (windows, 3, 3001).
            random: what masks and negatives are drawn with.
            tau: temperature of the quantiser; see `quantiser.temperature`.
        """
        features = self.encoder.features(samples)
        windows, frames, _ = features.shape
        mask = span_mask(windows, frames, self.size.mask_share, self.size.mask_frames, random)
        negatives = torch.from_numpy(negative_frames(mask, random)).to(samples.device)
        masked = torch.from_numpy(mask).to(samples.device)
        quantised = self.pretraining.quantiser(features, tau)
        guesses = self.pretraining.of_guess(self.encoder.context(features, masked)).float()
        targets = self.pretraining.of_word(quantised.frames).float()
        return pretraining_loss(
            contrastive_logits(guesses, targets, quantised.words, masked, negatives),
            perplexity(quantised.probability, masked),
            self.size.codebooks * self.size.codewords,
        )

    def annotate_batch_pre(self, batch: torch.Tensor, argdict: Json) -> torch.Tensor:
        """Normalise windows of counts."""
        batch = batch - batch.mean(dim=-1, keepdim=True)
        return batch / (batch.std(dim=-1, keepdim=True) + 1e-10)

    def annotate_batch_post(self, batch: torch.Tensor, piggyback: Any, argdict: Json) -> torch.Tensor:
        """Probabilities as SeisBench stacks them: (windows, samples, classes), blinded at the edges."""
        batch = batch.transpose(-1, -2)
        before, after = argdict.get("blinding", self._annotate_args["blinding"][1])
        if before > 0:
            batch[:, :before] = np.nan
        if after > 0:
            batch[:, -after:] = np.nan
        return batch

    def classify_aggregate(self, annotations: Any, argdict: Json) -> Any:
        """Picks where a phase's probability exceeds its threshold, as SeisBench's other pickers give them."""
        from seisbench.util import ClassifyOutput, PickList

        picks = PickList()
        for phase in (label for label in self.labels if label != "N"):
            threshold = argdict.get(f"{phase}_threshold", self._annotate_args["*_threshold"][1])
            traces = annotations.select(channel=f"{type(self).__name__}_{phase}")
            picks += self.picks_from_annotations(traces, threshold, phase)
        return ClassifyOutput(self.name, picks=PickList(sorted(picks)))

    def get_model_args(self) -> Json:
        """Arguments that build this model again."""
        return {
            "size": self.size_name,
            "phases": self.labels,
            "sampling_rate": self.sampling_rate,
            "norm": self.norm,
            "component_order": self.component_order,
        }
