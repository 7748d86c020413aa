"""EQTransformer's decoders rearranged so that a processor's vector units are full: the same output, less time.

The last layers of each decoder (Mousavi et al., 2020) double the number of samples by repeating each, and then convolve
them: neighbouring taps meet the same value. Here the two phases of the output are computed from the samples before
they are repeated, with taps that meet one value added up: 11 taps become 7, and 8 channels become 16, which is what a
512-bit register holds. The last convolution takes and gives both phases likewise.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

FOLD = 2
"""Samples that stand side by side as channels: as many as the decoders repeat each sample."""
LARGEST_DIFFERENCE = 1e-5
"""Between the probabilities of the network and of its folded form; both are sums of float32 in another order."""


def fold_decoders(module: Any, window: int) -> bool:
    """Put the folded form in the place of the last layers of SeisBench's EQTransformer.

    Args:
        module: in evaluation mode; changed in place where that is known to give the same.
        window: samples per window.

    Returns:
        True where it was changed.
    """
    if type(module).__name__ != "EQTransformer" or window % FOLD:
        return False
    noise = torch.randn(2, module.in_channels, window, generator=torch.Generator().manual_seed(0))
    decoders = [module.decoder_d, *module.pick_decoders]
    lasts = [module.conv_d, *module.pick_convs]
    with torch.no_grad():
        expected = torch.stack(module(noise))
        module.decoder_d, *picked = [_Halved(decoder) for decoder in decoders]
        module.conv_d, *picked_lasts = [_Unfolding(last) for last in lasts]
        module.pick_decoders, module.pick_convs = nn.ModuleList(picked), nn.ModuleList(picked_lasts)
        if (torch.stack(module(noise)) - expected).abs().max() < LARGEST_DIFFERENCE:
            return True
    module.decoder_d, *picked = decoders
    module.conv_d, *picked_lasts = lasts
    module.pick_decoders, module.pick_convs = nn.ModuleList(picked), nn.ModuleList(picked_lasts)
    return False


class _Halved(nn.Module):
    """A decoder that gives (windows, phases * channels, samples / phases), the last doubling left out."""

    def __init__(self, decoder: Any):
        super().__init__()
        *self.convs, last = decoder.convs
        self.convs = nn.ModuleList(self.convs)
        self.upsample, self.crops = decoder.upsample, decoder.crops
        self.original_compatible = decoder.original_compatible
        self.repeated = _of_repeated(last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for number, convolution in enumerate(self.convs):
            x = self.upsample(x)
            if self.original_compatible:
                x = x[:, :, 1:-1] if number == 3 else x
            elif number in self.crops:
                x = x[:, :, :-1]
            x = torch.relu(convolution(x))
        return torch.relu(self.repeated(x))


class _Unfolding(nn.Module):
    """A convolution of folded samples (windows, phases * channels, blocks) to one channel (windows, 1, samples)."""

    def __init__(self, convolution: nn.Conv1d):
        super().__init__()
        self.folded = _of_folded(convolution)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.folded(x)
        return x.transpose(1, 2).reshape(-1, 1, FOLD * x.shape[2])


def _of_repeated(convolution: nn.Conv1d) -> nn.Conv1d:
    """Samples before each is repeated -> phases of what the convolution makes of them repeated."""
    weight, reach = convolution.weight, convolution.kernel_size[0] // 2
    width = -(-reach // FOLD)
    phases = torch.zeros(FOLD, *weight.shape[:2], 2 * width + 1)
    for phase in range(FOLD):
        for tap in range(weight.shape[2]):
            phases[phase, :, :, (phase + tap - reach) // FOLD + width] += weight[:, :, tap]
    return _convolution(phases.flatten(0, 1), convolution.bias.repeat(FOLD))


def _of_folded(convolution: nn.Conv1d) -> nn.Conv1d:
    """Folded samples -> folded samples of the convolution."""
    weight, reach = convolution.weight, convolution.kernel_size[0] // 2
    width = -(-reach // FOLD)
    phases = torch.zeros(FOLD, weight.shape[0], FOLD, weight.shape[1], 2 * width + 1)
    for phase in range(FOLD):
        for tap in range(weight.shape[2]):
            block, of_input = divmod(phase + tap - reach, FOLD)
            phases[phase, :, of_input, :, block + width] = weight[:, :, tap]
    return _convolution(phases.flatten(0, 1).flatten(1, 2), convolution.bias.repeat(FOLD))


def _convolution(weight: torch.Tensor, bias: torch.Tensor) -> nn.Conv1d:
    out, channels, size = weight.shape
    convolution = nn.Conv1d(channels, out, size, padding=size // 2)
    convolution.weight.data, convolution.bias.data = weight.detach().clone(), bias.detach().clone()
    return convolution.requires_grad_(False)
