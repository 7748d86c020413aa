"""How large a SeisLM is; importable without torch.

Two sizes are those of Liu et al. (2024, SeisLM: a foundation model for seismic waveforms): ``base`` with 11.36 and
``large`` with 90.68 million parameters. ``small`` is of our own, for processors without a GPU: frames are twice as
long, which quarters the work of attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from catalogdb.errors import InputError

WINDOW_SAMPLES = 3001
COMPONENTS = 3
SizeName = Literal["small", "base", "large"]


@dataclass(frozen=True)
class Size:
    """Dimensions of a network.

    Attributes:
        channels: of the convolutions.
        kernels, strides: of the convolutions, in the samples of each one's input.
        hidden: numbers that a frame has between the blocks.
        blocks, heads, feedforward: of the transformer: how many, attention heads, inner width.
        position_kernel, position_groups: of the convolution that says where a frame is (frames, groups of channels).
        codebooks, codewords, codeword_size: of the quantiser; a frame gets one word of each book.
        mask_share: of the frames, those at which a masked span starts.
        mask_frames: length of a span.
        head_channels: between the two convolutions of the picking head.
        dropout: share of numbers that training sets to zero.
    """

    channels: int
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    hidden: int
    blocks: int
    heads: int
    feedforward: int
    position_kernel: int = 128
    position_groups: int = 16
    codebooks: int = 2
    codewords: int = 320
    codeword_size: int = 128
    mask_share: float = 0.065
    mask_frames: int = 10
    head_channels: int = 240
    dropout: float = 0.1

    @property
    def quantised(self) -> int:
        """Numbers of a quantised frame: a word of each book, one after the other."""
        return self.codebooks * self.codeword_size

    @property
    def samples_per_frame(self) -> int:
        """Samples from one frame to the next."""
        return prod(self.strides)

    @property
    def samples_seen(self) -> int:
        """Samples that a frame of the convolutions is made from."""
        seen = 1
        for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
            seen = (seen - 1) * stride + kernel
        return seen

    def frames(self, samples: int) -> int:
        """Frames of a window."""
        for kernel, stride in zip(self.kernels, self.strides, strict=True):
            samples = (samples - kernel) // stride + 1
        return samples


_PUBLISHED = {"channels": 256, "kernels": (3, 3), "strides": (2, 2), "heads": 12, "feedforward": 3072}
SIZES: dict[str, Size] = {
    "small": Size(
        channels=64,
        kernels=(5, 5),
        strides=(4, 2),
        hidden=96,
        blocks=4,
        heads=6,
        feedforward=288,
        position_kernel=64,
        codewords=64,
        codeword_size=32,
        mask_share=0.13,
        mask_frames=5,
        head_channels=32,
        dropout=0.0,
    ),
    "base": Size(hidden=240, blocks=6, head_channels=240, **_PUBLISHED),  # type: ignore[arg-type]
    "large": Size(hidden=768, blocks=12, head_channels=768, **_PUBLISHED),  # type: ignore[arg-type]
}


def size_named(name: str) -> Size:
    """One of `SIZES`.

    Raises:
        InputError: for another name.
    """
    if name not in SIZES:
        raise InputError(f"no SeisLM of size {name!r}", hint=f"there are: {', '.join(SIZES)}")
    return SIZES[name]
