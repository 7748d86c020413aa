"""Names of phases."""

from __future__ import annotations

import pytest

from catalogdb.phases import is_amplitude, phase_type


@pytest.mark.parametrize("name", ["P", "p", "Pn", "PG", "pb", "P*", "iPg", "EP", "qP", "IPd0", "eP 1", " P ", "P+"])
def test_first_arriving_p(name):
    assert phase_type(name) == "P"
    assert not is_amplitude(name)


@pytest.mark.parametrize("name", ["S", "s", "Sn", "SG", "Sb", "S*", "iSg", "ES", "S3", "es 2"])
def test_first_arriving_s(name):
    assert phase_type(name) == "S"
    assert not is_amplitude(name)


@pytest.mark.parametrize(
    "name",
    ["pP", "sP", "PP", "SS", "PmP", "SmS", "PKP", "PKPdf", "P'", "P'P'", "PcP", "ScS", "Pdif", "Pdiff", "PS", "SP"]
    + ["pPn", "sPg", "PgPg", "PnPn", "Px", "Sx", "x", "T", "Lg", "Rg", "LR", "LQ", "SKS", "I", "E", "", None, "D", "N"],
)
def test_other_phases_are_no_first_arrivals(name):
    assert phase_type(name) is None
    assert not is_amplitude(name)


@pytest.mark.parametrize(
    "name",
    ["A", "AML", "IAML", "AMB", "AMS", "AMP", "IAmb", "IAMs_20", "IVmB_BB", "IVMs_BB", "END", "end", "amplitude"],
)
def test_amplitudes_are_no_arrivals(name):
    assert is_amplitude(name)
    assert phase_type(name) is None
