"""PhaseNet and EQTransformer in their folded forms give what SeisBench's own give."""

import pytest
import seisbench.models as sbm
import torch

from catalogdb.picking.folded_eqtransformer import fold_decoders
from catalogdb.picking.folded_phasenet import FoldedPhaseNet, folded


def random_phasenet(**settings):
    """PhaseNet whose normalisations, too, have values of their own."""
    torch.manual_seed(3)
    network = sbm.PhaseNet(**settings)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
            module.bias.data.normal_()
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("window", [3001, 3000, 2999, 3002])
@pytest.mark.parametrize(
    "settings", [{}, {"in_channels": 4, "classes": 2, "phases": "PS"}, {"filter_factor": 2}], ids=str
)
def test_same_probabilities(window, settings):
    network = random_phasenet(**settings)
    windows = torch.randn(3, network.in_channels, window)
    windows[1, :, :1000] = 0  # a component that sets in late
    expected = network(windows)
    assert expected.std() > 0.05
    assert torch.allclose(FoldedPhaseNet(network, window).eval()(windows), expected, atol=1e-6)
    assert isinstance(folded(network, window), FoldedPhaseNet)


def test_only_what_is_built_like_phasenet_is_folded():
    assert folded(sbm.EQTransformer().eval(), 6000) is None
    assert folded(sbm.PhaseNetLight().eval(), 3001) is None


def test_a_network_that_folding_does_not_reproduce_is_left_as_it_is():
    network = random_phasenet()
    network.activation = torch.nn.functional.leaky_relu
    assert folded(network, 3001) is None


@pytest.mark.parametrize("compatible", [False, "non-conservative"])
def test_folded_decoders_give_the_same_probabilities(compatible):
    torch.manual_seed(5)
    network = sbm.EQTransformer(original_compatible=compatible).eval().requires_grad_(False)
    for convolution in (network.conv_d, *network.pick_convs):
        convolution.weight.data *= 30  # else all probabilities are near one half
    windows = torch.randn(2, 3, 6000)
    expected = torch.stack(network(windows))
    assert expected.std() > 0.01
    assert fold_decoders(network, 6000)
    assert torch.allclose(torch.stack(network(windows)), expected, atol=1e-6)


def test_decoders_that_folding_does_not_reproduce_are_left_as_they_are():
    network = sbm.EQTransformer().eval().requires_grad_(False)
    network.decoder_d.convs[-1] = torch.nn.Conv1d(16, 8, 11, padding=5, padding_mode="reflect")
    before = network.decoder_d
    assert not fold_decoders(network, 6000) and network.decoder_d is before
    assert not fold_decoders(sbm.PhaseNet().eval(), 3001)
