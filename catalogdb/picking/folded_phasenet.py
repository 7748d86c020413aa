"""PhaseNet rearranged so that a processor's vector units are full: the same weights, the same output, less time.

At full resolution PhaseNet (Zhu and Beroza, 2019) has 8 channels, half of what a 512-bit register holds, and its
transposed convolutions leave most of each multiplication idle. Here four successive samples of a channel stand side
by side as four channels (space to depth; Shi et al., 2016, use the inverse), so that full resolution is 32 channels of
a quarter of the length, and a transposed convolution of stride 4 is a plain convolution whose output channels are its
four phases. Multiplications by zero are added, and yet fewer instructions are left.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

FOLD = 4
"""PhaseNet's stride: that many samples become channels of one block."""
MANUAL_PADDING = ((2, 3), (1, 3), (2, 3))
"""Zeros before and after the data of levels 1 to 3, before they are thinned out."""
LARGEST_DIFFERENCE = 1e-5
"""Between the probabilities of the network and of its folded form; both are sums of float32 in another order."""


def folded(module: Any, window: int) -> nn.Module | None:
    """The network in its folded form; None for what isn't built like SeisBench's PhaseNet.

    Args:
        module: SeisBench's PhaseNet in evaluation mode.
        window: samples per window.
    """
    if type(module).__name__ != "PhaseNet" or module.stride != FOLD:
        return None
    noise = torch.randn(2, module.in_channels, window, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = module(noise)
        other = FoldedPhaseNet(module, window).eval()
        difference = (other(noise) - expected).abs().max()
    return other if difference < LARGEST_DIFFERENCE else None


class FoldedPhaseNet(nn.Module):
    """Input (windows, components, samples), output the probabilities (windows, classes, samples)."""

    def __init__(self, module: Any, window: int):
        super().__init__()
        self.window = window
        self.blocks = -(-window // FOLD)
        valid = (torch.arange(self.blocks * FOLD) < window).reshape(self.blocks, FOLD).T.float()
        channels = module.inc.out_channels
        self.register_buffer("valid", None if window % FOLD == 0 else valid.repeat_interleave(channels, 0))

        (same, norm, down, down_norm), *deeper = module.down_branch
        reach = same.kernel_size[0] // 2
        self.first = _convolution(*_phases_of_samples(*_with_norm(module.inc, module.in_bn)), stride=FOLD)
        self.pad = reach, self.blocks * FOLD - window + reach
        self.same = _convolution(*_phases(*_with_norm(same, norm)), padding=1)
        weight, bias = _phases(*_with_norm(down, down_norm))
        self.down = _convolution(weight[: down.out_channels], bias[: down.out_channels], padding=1)
        self.deeper = nn.ModuleList(
            nn.ModuleList([_plain(same, norm), _plain(down, down_norm)] if down else [_plain(same, norm)])
            for same, norm, down, down_norm in deeper
        )

        *lower, (up, up_norm, last, last_norm) = module.up_branch
        lengths = self._lengths(module)
        self.ups = nn.ModuleList(
            nn.ModuleList([_Upsampled(up, up_norm, short, long), _plain(same, norm)])
            for (up, up_norm, same, norm), short, long in zip(lower, lengths[:1:-1], lengths[-2:0:-1], strict=True)
        )
        self.up = _Upsampled(up, up_norm, lengths[1], window, unfolds=False)
        self.last = _convolution(*_phases(*_with_norm(last, last_norm), inputs=2), padding=1)
        self.out = _convolution(*_phases(module.out.weight, module.out.bias))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Probabilities of each class."""
        x = self._only_valid(torch.relu(self.first(functional.pad(x, self.pad))))
        first_skip = self._only_valid(torch.relu(self.same(x)))
        x = torch.relu(self.down(first_skip)[:, :, : self.blocks])
        skips = []
        for level, (same, *down) in enumerate(self.deeper):
            x = torch.relu(same(x))
            if down:
                skips.append(x)
                x = torch.relu(down[0](functional.pad(x, MANUAL_PADDING[level])))
        for (up, same), skip in zip(self.ups, reversed(skips), strict=True):
            x = torch.relu(same(torch.cat([skip, up(x)], dim=1)))
        x = torch.cat([first_skip, self._only_valid(self.up(x))], dim=1)
        x = self.out(torch.relu(self.last(x)))
        return torch.softmax(_unfolded(x)[:, :, : self.window], dim=1)

    def _only_valid(self, x: torch.Tensor) -> torch.Tensor:
        """Zeros where the last block reaches beyond the window, as padding has them."""
        return x if self.valid is None else x * self.valid

    def _lengths(self, module: Any) -> list[int]:
        """Samples at each level of resolution."""
        lengths = [self.window, self.blocks]
        for level, (_, _, down, _) in enumerate(module.down_branch[1:-1]):
            lengths.append((lengths[-1] + sum(MANUAL_PADDING[level]) - down.kernel_size[0]) // FOLD + 1)
        return lengths


class _Upsampled(nn.Module):
    """A transposed convolution with its normalisation, as a plain one that makes the four phases of its output.

    SeisBench cuts the first and the last two samples off, and then as much on both sides as the level is longer.
    """

    def __init__(self, up: nn.ConvTranspose1d, norm: nn.BatchNorm1d, short: int, long: int, unfolds: bool = True):
        super().__init__()
        self.long, self.unfolds = long, unfolds
        blocks = -(-long // FOLD)
        size = up.kernel_size[0]
        full = (short - 1) * FOLD + size - 3
        shift = 1 + (full - long) // 2
        scale, bias = _scale_and_bias(norm)
        weight = (up.weight * scale[None, :, None]).transpose(0, 1)  # (out, in, taps)
        taps = [(phase, tap, (phase + shift - tap) // FOLD) for phase in range(FOLD) for tap in range(size)]
        taps = [(phase, tap, block) for phase, tap, block in taps if (phase + shift - tap) % FOLD == 0]
        first, last = min(block for *_, block in taps), max(block for *_, block in taps)
        phases = torch.zeros(FOLD, *weight.shape[:2], last - first + 1)
        for phase, tap, block in taps:
            phases[phase, :, :, block - first] = weight[:, :, tap]
        self.convolution = _convolution(phases.flatten(0, 1), bias.repeat(FOLD))
        self.pad = -first, blocks + last - short

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.convolution(functional.pad(x, self.pad)))
        return _unfolded(x)[:, :, : self.long] if self.unfolds else x


def _unfolded(x: torch.Tensor) -> torch.Tensor:
    """(windows, phases * channels, blocks) -> (windows, channels, samples)."""
    channels, blocks = x.shape[1] // FOLD, x.shape[2]
    return x.reshape(-1, FOLD, channels, blocks).permute(0, 2, 3, 1).reshape(-1, channels, blocks * FOLD)


def _scale_and_bias(norm: nn.BatchNorm1d) -> tuple[torch.Tensor, torch.Tensor]:
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def _with_norm(convolution: nn.Conv1d, norm: nn.BatchNorm1d) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of a convolution and the normalisation after it, as one."""
    scale, bias = _scale_and_bias(norm)
    if convolution.bias is not None:
        bias = bias + convolution.bias * scale
    return convolution.weight * scale[:, None, None], bias


def _phases(weight: torch.Tensor, bias: torch.Tensor, inputs: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """A centred convolution of samples -> one of blocks, three wide (one, for a kernel of one sample).

    Args:
        inputs: folded arrays that stand one after the other in the input.
    """
    out, channels, size = weight.shape
    each = channels // inputs
    reach = size // 2
    width = 3 if reach else 1
    blocks = torch.zeros(FOLD, out, inputs, FOLD, each, width)
    taps = weight.reshape(out, inputs, each, size)
    for phase in range(FOLD):
        for tap in range(size):
            block, of_input = divmod(phase + tap - reach, FOLD)
            blocks[phase, :, :, of_input, :, block + width // 2] = taps[:, :, :, tap]
    return blocks.reshape(FOLD * out, inputs * FOLD * each, width), bias.repeat(FOLD)


def _phases_of_samples(weight: torch.Tensor, bias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A convolution of samples -> one, to be moved by whole blocks, that gives all samples of a block."""
    out, channels, size = weight.shape
    phases = torch.zeros(FOLD, out, channels, size + FOLD - 1)
    for phase in range(FOLD):
        phases[phase, :, :, phase : phase + size] = weight
    return phases.flatten(0, 1), bias.repeat(FOLD)


def _plain(convolution: nn.Conv1d, norm: nn.BatchNorm1d) -> nn.Conv1d:
    """The convolution and its normalisation as one convolution."""
    padding = convolution.kernel_size[0] // 2 if convolution.padding == "same" else 0
    return _convolution(*_with_norm(convolution, norm), stride=convolution.stride[0], padding=padding)


def _convolution(weight: torch.Tensor, bias: torch.Tensor, stride: int = 1, padding: int = 0) -> nn.Conv1d:
    out, channels, size = weight.shape
    convolution = nn.Conv1d(channels, out, size, stride, padding)
    convolution.weight.data, convolution.bias.data = weight.detach().clone(), bias.detach().clone()
    return convolution
