"""PhaseNet's convolutions in whole numbers of 8 bits, for processors that multiply four of them at a time.

Weights are rounded by output channel, what goes into a convolution by the range that it has on made seismograms, the
same ones for all weights, so that an export depends on nothing but the weights. The first convolution stays as it is:
what is small before it is a quiet window, not noise. A change here changes picks: raise `REVISION` in
`catalogdb/picking/config.py`.
"""

from __future__ import annotations

import numpy as np
import openvino
from numpy.typing import ArrayLike, NDArray
from openvino import opset13 as ops

CONVOLUTIONS = {"Convolution": 0, "ConvolutionBackpropData": 1}
"""Kinds of nodes, and which axis of their weights is that of output channels."""
UNSIGNED, SIGNED = 256, 255
"""Levels of 8 bits; of signed ones as many above zero as below it."""
WINDOWS, BATCH = 64, 16
SMALLEST = 1e-9


def made_windows(components: int, samples: int) -> NDArray[np.float32]:
    """Made seismograms (windows, components, samples) in counts: noise, in three of four windows with P and S."""
    random = np.random.default_rng(0)
    windows = np.empty((WINDOWS, components, samples), dtype=np.float32)
    time = np.arange(samples) / 100.0
    for number, window in enumerate(windows):
        colour = random.uniform(0.0, 0.9)
        noise = random.normal(0.0, 1.0, (components, samples + 1))
        traces = noise[:, 1:] + colour * noise[:, :-1]
        onset = random.uniform(2.0, 20.0)
        for late, size in ((0.0, 0.4), (random.uniform(0.5, 8.0), 1.0)) if number % 4 else ():
            after = np.maximum(time - onset - late, 0.0)
            envelope = np.where(after > 0, np.exp(-after / random.uniform(0.5, 6.0)), 0.0)
            wave = np.sin(2 * np.pi * random.uniform(2.0, 15.0) * after) + random.normal(0.0, 0.5, traces.shape)
            traces += (
                size * 10.0 ** random.uniform(0.5, 3.0) * envelope * wave * random.uniform(0.3, 1.0, (components, 1))
            )
        window[:] = 100.0 * traces
    return windows


def input_ranges(model: openvino.Model, windows: NDArray[np.float32]) -> list[tuple[float, float]]:
    """Least and largest value that goes into each convolution, in their order; the model gets more outputs by it."""
    model.add_outputs([node.input_value(0) for node in _convolutions(model)])
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = []
    for first in range(0, len(windows), BATCH):
        given = list(compiled(windows[first : first + BATCH]).values())[1:]
        found.append([(float(values.min()), float(values.max())) for values in given])
    least, largest = np.moveaxis(np.array(found), -1, 0)
    return list(zip(least.min(axis=0).tolist(), largest.max(axis=0).tolist(), strict=True))


def use_eight_bits(model: openvino.Model, ranges: list[tuple[float, float]]) -> None:
    """Round weights and inputs of all convolutions but the first."""
    for node, (least, largest) in list(zip(_convolutions(model), ranges, strict=True))[1:]:
        if least < 0:
            largest = max(-least, largest)
            least = -largest
        values = _rounded(node.input_value(0), np.float32(min(least, 0.0)), np.float32(largest), UNSIGNED)
        weights = node.input_value(1)
        axis = CONVOLUTIONS[node.get_type_name()]
        size = np.abs(weights.get_node().data)
        most = size.max(axis=tuple(number for number in range(size.ndim) if number != axis), keepdims=True)
        most = np.maximum(most, SMALLEST).astype(np.float32)
        node.input(1).replace_source_output(_rounded(weights, -most, most, SIGNED))
        node.input(0).replace_source_output(values)
    model.validate_nodes_and_infer_types()


def _convolutions(model: openvino.Model) -> list[openvino.Node]:
    return [node for node in model.get_ordered_ops() if node.get_type_name() in CONVOLUTIONS]


def _rounded(values: openvino.Output, least: ArrayLike, largest: ArrayLike, levels: int) -> openvino.Output:
    low, high = (ops.constant(np.asarray(limit, dtype=np.float32)) for limit in (least, largest))
    return ops.fake_quantize(values, low, high, low, high, levels).output(0)
