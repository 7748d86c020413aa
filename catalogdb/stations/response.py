"""An ObsPy Response as the `response` field of a channel document."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from catalogdb.stations.epochs import finite

if TYPE_CHECKING:
    from obspy.core.inventory import Channel


def response_document(channel: Channel) -> dict[str, Any] | None:
    """The `response` field of a channel document: overall sensitivity, and the first stage's poles and zeros in
    rad/s."""
    from obspy.core.inventory.response import PolesZerosResponseStage

    response = channel.response
    if response is None:
        return None
    document: dict[str, Any] = {}
    sensitivity = response.instrument_sensitivity
    if sensitivity is not None:
        document |= finite("sensitivity", sensitivity.value) | finite("sensitivity_frequency", sensitivity.frequency)
        if sensitivity.input_units:
            document["input_units"] = sensitivity.input_units.upper()
    stages = [stage for stage in response.response_stages or [] if isinstance(stage, PolesZerosResponseStage)]
    if stages and stages[0].pz_transfer_function_type.startswith("LAPLACE"):
        to_radians = 2 * math.pi if "HERTZ" in stages[0].pz_transfer_function_type else 1.0
        zeros, poles = list(stages[0].zeros), list(stages[0].poles)
        document["poles"] = [[float(pole.real) * to_radians, float(pole.imag) * to_radians] for pole in poles]
        document["zeros"] = [[float(zero.real) * to_radians, float(zero.imag) * to_radians] for zero in zeros]
        # A0 goes with the unit of the poles and zeros
        a0 = stages[0].normalization_factor
        if a0 is not None:
            document |= finite("normalization_factor", float(a0) * to_radians ** (len(poles) - len(zeros)))
        if "input_units" not in document and stages[0].input_units:
            document["input_units"] = stages[0].input_units.upper()
    return document or None
