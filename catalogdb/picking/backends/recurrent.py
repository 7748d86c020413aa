"""EQTransformer's recurrent layers as loops of an OpenVINO model.

SeisBench runs the LSTMs of the original weights step by step in Python, since Keras gave their gates a hard sigmoid.
Traced as they are, they become thousands of nodes, which take seconds and hundreds of megabytes to compile. Here they
are traced as torch's own LSTM, and the sequences that come of it are replaced by loops with the right gates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
import torch
from openvino import opset13 as ops
from torch import nn

SLOPE, OFFSET = np.float32(0.2), np.float32(0.5)
"""Keras's hard sigmoid: SLOPE x + OFFSET, cut to 0..1."""


def with_plain_lstms(network: nn.Module) -> bool:
    """Put torch's LSTM in the place of each of SeisBench's own, with the same weights.

    Returns:
        True where the gates are to be hard sigmoids.
    """
    from seisbench.models.base import CustomLSTM

    is_hard = False
    for name, module in list(network.named_modules()):
        if isinstance(module, CustomLSTM):
            parent, _, own_name = name.rpartition(".")
            setattr(network.get_submodule(parent), own_name, _plain(module))
            is_hard = is_hard or module.cell_f.gate_activation is not torch.sigmoid
    return is_hard


def use_hard_gates(model: openvino.Model) -> None:
    """Replace every LSTM sequence of the model by a loop whose gates are hard sigmoids."""
    for sequence in model.get_ordered_ops():
        if sequence.get_type_name() != "LSTMSequence":
            continue
        size = sequence.get_attributes()["hidden_size"]
        # OpenVINO has the gates in the order forget, input, cell, output: put the three that are alike together
        order = np.r_[: 2 * size, 3 * size : 4 * size, 2 * size : 3 * size]
        weights, recurrent, biases = (_values(sequence.input_value(number))[:, order] for number in (4, 5, 6))
        directions = []
        for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            gates = ops.add(ops.matmul(sequence.input_value(0), ops.constant(weight), False, True), ops.constant(bias))
            hidden = _loop(gates, recurrent[number], size, is_reverse=number == 1)
            directions.append(ops.unsqueeze(hidden, ops.constant([1])))
        output = ops.concat(directions, 1).output(0)
        for target in sequence.output(0).get_target_inputs():
            target.replace_source_output(output)
    model.validate_nodes_and_infer_types()


def _loop(gates: openvino.Node, recurrent: np.ndarray, size: int, is_reverse: bool) -> openvino.Output:
    """Hidden states (windows, steps, size) from what the inputs give to the gates, (windows, steps, 4 size)."""
    of_step = ops.parameter([-1, 1, 4 * size], np.float32)
    hidden, cell = (ops.parameter([-1, size], np.float32) for _ in range(2))
    total = ops.add(ops.squeeze(of_step, ops.constant([1])), ops.matmul(hidden, ops.constant(recurrent), False, True))
    linear, candidate = ops.variadic_split(total, ops.constant(1), ops.constant([3 * size, size])).outputs()
    opened = ops.clamp(ops.add(ops.multiply(linear, ops.constant(SLOPE)), ops.constant(OFFSET)), 0.0, 1.0)
    forget, enter, leave = ops.split(opened, ops.constant(1), 3).outputs()
    new_cell = ops.add(ops.multiply(forget, cell), ops.multiply(enter, ops.tanh(candidate)))
    new_hidden = ops.multiply(leave, ops.tanh(new_cell))
    results = [ops.result(node) for node in (new_hidden, new_cell, ops.unsqueeze(new_hidden, ops.constant([1])))]
    loop = ops.tensor_iterator()
    loop.set_body(openvino.Model(results, [of_step, hidden, cell], "lstm step"))
    windows = ops.gather(ops.shape_of(gates), ops.constant([0]), ops.constant(0))
    zeros = ops.broadcast(ops.constant(np.float32(0)), ops.concat([windows, ops.constant([size])], 0))
    steps = {"start": -1, "stride": -1, "part_size": 1, "end": 0, "axis": 1}
    if not is_reverse:
        steps |= {"start": 0, "stride": 1, "end": -1}
    loop.set_sliced_input(of_step, gates.output(0), **steps)
    loop.set_merged_input(hidden, zeros.output(0), results[0].output(0))
    loop.set_merged_input(cell, zeros.output(0), results[1].output(0))
    return loop.get_concatenated_slices(results[2].output(0), **steps)


def _values(output: openvino.Output) -> np.ndarray:
    """What a part of the model that has no inputs comes to."""
    return openvino.Core().compile_model(openvino.Model([output], []), "CPU")([])[0].copy()


def _plain(module: Any) -> nn.LSTM:
    cells = {"": module.cell_f, **({"_reverse": module.cell_b} if module.bidirectional else {})}
    lstm = nn.LSTM(module.cell_f.input_size, module.cell_f.hidden_size, bidirectional=module.bidirectional)
    for suffix, cell in cells.items():
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(lstm, f"{name}_l0{suffix}").data = getattr(cell, name).data.clone()
    return lstm.eval().requires_grad_(False)
