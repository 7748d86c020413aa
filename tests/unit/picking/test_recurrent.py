"""SeisBench's own LSTMs as loops of an OpenVINO model."""

from collections import Counter

import numpy as np
import openvino
import pytest
import torch
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from seisbench.models.base import ActivationLSTMCell, CustomLSTM, hard_sigmoid
from torch import nn

from catalogdb.picking.backends.recurrent import use_hard_gates, with_plain_lstms

STEPS, WINDOWS, INPUTS, HIDDEN = 23, 5, 6, 8


class TwoLstms(nn.Module):
    """One LSTM behind the other, as in EQTransformer's stack."""

    def __init__(self, gate, bidirectional):
        super().__init__()
        settings = {"bidirectional": bidirectional, "gate_activation": gate}
        self.first = CustomLSTM(ActivationLSTMCell, INPUTS, HIDDEN, **settings)
        self.second = CustomLSTM(ActivationLSTMCell, HIDDEN * (1 + bidirectional), HIDDEN, **settings)

    def forward(self, x):
        return self.second(self.first(x)[0])[0]


def converted(network, example):
    traced = torch.jit.trace(network, example, check_trace=False)
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced)
    model = frontend.convert(frontend.load(decoder))
    model.reshape([STEPS, -1, INPUTS])
    return model


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("gate", [hard_sigmoid, torch.sigmoid], ids=["hard", "sigmoid"])
def test_same_output_from_a_small_model(gate, bidirectional):
    torch.manual_seed(1)
    network = TwoLstms(gate, bidirectional).eval().requires_grad_(False)
    x = 3 * torch.randn(STEPS, WINDOWS, INPUTS)  # so that hard gates are cut on both sides
    expected = network(x).numpy()
    is_hard = with_plain_lstms(network)
    assert is_hard == (gate is hard_sigmoid)
    assert not any(isinstance(module, CustomLSTM) for module in network.modules())
    model = converted(network, x)
    if is_hard:
        use_hard_gates(model)
    kinds = Counter(node.get_type_name() for node in model.get_ops())
    assert kinds["TensorIterator" if is_hard else "LSTMSequence"] == 2 * (2 if is_hard and bidirectional else 1)
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert np.abs(compiled(x.numpy())[0] - expected).max() < 1e-6
    fewer = x[:, :2].contiguous().numpy()
    assert np.abs(compiled(fewer)[0] - expected[:, :2]).max() < 1e-6


def test_a_network_without_them_is_left_alone():
    network = nn.Sequential(nn.Conv1d(3, 4, 5), nn.ReLU())
    assert with_plain_lstms(network) is False
