"""An ObsPy Response as the `response` field of a channel document, and channel epochs that contradict one another.

Sources: FDSN StationXML 1.2; SEED 2.4, appendix C (poles and zeros, normalisation, stage gains).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, cast

import numpy as np

from catalogdb.documents.archive import Channel as ChannelDocument
from catalogdb.documents.archive import ChannelResponse
from catalogdb.documents.free import AnyDocument
from catalogdb.identity import canonical_json
from catalogdb.stations.epochs import OPEN_END, finite
from catalogdb.stations.units import GroundMotionUnit, ground_motion_unit, is_counts

if TYPE_CHECKING:
    from obspy.core.inventory import Channel
    from obspy.core.inventory.response import PolesZerosResponseStage, Response, ResponseStage

DESCRIBES = ("lat", "lon", "elev", "edepth", "hang", "vang", "sampling_rate", "response")
"""What a channel document says of its sensor, besides codes, epoch and source."""
TOLERANCE = 0.05
"""Two values for one thing that differ by more than this part are reported; it is 0.02 of a magnitude."""
CHANNELS_NAMED = 6
"""A message names this many channels at most."""


class _Unusable(ValueError):
    """Why counts can't become ground motion with this response."""


def response_document(channel: Channel) -> ChannelResponse | None:
    """The `response` field of a channel document: what `schemas/channel.yaml` says.

    The sensitivity is in counts per SI unit of ground motion, poles and zeros are those of all analogue stages in
    rad/s. `unusable` says why no ground motion can be had, `remarks` what was repaired, or is contradicted by the
    file itself.
    """
    response = channel.response
    if response is None:
        return None
    document = _as_stated(response)
    remarks: list[str] = []
    try:
        document |= _checked(response, remarks)
    except _Unusable as reason:
        document["unusable"] = str(reason)
    if remarks:
        document["remarks"] = remarks
    is_said = document.keys() - {"unusable"} or response.response_stages
    return cast(ChannelResponse, document) if is_said else None


def _as_stated(response: Response) -> AnyDocument:
    sensitivity = response.instrument_sensitivity
    if sensitivity is None:
        return {}
    document: AnyDocument = finite("sensitivity", sensitivity.value)
    document |= finite("sensitivity_frequency", sensitivity.frequency)
    if sensitivity.input_units:
        document["input_units"] = sensitivity.input_units.upper()
    return document


def _checked(response: Response, remarks: list[str]) -> AnyDocument:
    """Fields of a response that counts can be turned into ground motion with."""
    from obspy.core.inventory.response import PolynomialResponseStage

    stages = sorted(response.response_stages or [], key=lambda stage: stage.stage_sequence_number)
    if response.instrument_polynomial or any(isinstance(stage, PolynomialResponseStage) for stage in stages):
        raise _Unusable("the response is a polynomial")
    stated = response.instrument_sensitivity
    units = {
        "InstrumentSensitivity": stated.input_units if stated else None,
        "stage 1": stages[0].input_units if stages else None,
    }
    unit = _unit_of(units)
    if not stages:
        raise _Unusable("a sensitivity without stages, so without poles and zeros (ask for level=response)")
    analogue = _analogue(stages, remarks)
    document = _poles_zeros_fields(analogue, remarks)
    frequency = _reference_frequency(stated.frequency if stated else None, analogue, stages)
    document |= finite("sensitivity_frequency", frequency)
    if frequency is not None:  # all stages together, however each is normalised
        document["normalization_factor"] = 1.0 / math.prod(_size(stage, frequency) for stage in analogue)
    value = _sensitivity(response, stages, frequency, units, remarks)
    if unit.factor != 1.0:
        remarks.append(f"sensitivity per {next(filter(None, units.values()))}: converted to counts per {unit.si}")
    if value < 0.0:
        remarks.append("the sensitivity is negative: polarity is reversed, its size counts for magnitudes")
    return document | {"sensitivity": value / unit.factor, "input_units": unit.si}


def _unit_of(units: Mapping[str, str | None]) -> GroundMotionUnit:
    """The one unit of ground motion that the sensitivity and the first stage speak of."""
    given = {where: name for where, name in units.items() if name}
    if not given:
        raise _Unusable("no input units")
    parsed = []
    for where, name in given.items():
        if (unit := ground_motion_unit(name)) is None:
            raise _Unusable(f"input units {name} of {where} are not of ground motion")
        parsed.append(unit)
    if len({unit.derivatives for unit in parsed}) > 1:
        names = " and ".join(f"{name} ({where})" for where, name in given.items())
        raise _Unusable(f"input units contradict one another: {names}")
    return parsed[0]


def _analogue(stages: Sequence[ResponseStage], remarks: list[str]) -> list[PolesZerosResponseStage]:
    """The stages whose poles and zeros shape the response; digital filters are flat in the band that is used."""
    from obspy.core.inventory.response import (
        CoefficientsTypeResponseStage,
        PolesZerosResponseStage,
        ResponseListResponseStage,
    )
    from obspy.core.inventory.response import ResponseStage as GainStage

    first = stages[0]
    laplace = [
        stage
        for stage in stages
        if isinstance(stage, PolesZerosResponseStage) and stage.pz_transfer_function_type.startswith("LAPLACE")
    ]
    if first not in laplace:
        constant = isinstance(first, CoefficientsTypeResponseStage) and not (
            len(first.denominator or ()) or len(first.numerator or ()) > 1
        )
        if not (type(first) is GainStage or constant):
            kind = type(first).__name__.removesuffix("ResponseStage")
            raise _Unusable(f"stage {first.stage_sequence_number} has no analogue poles and zeros, but is a {kind}")
        remarks.append("stage 1 has a gain and no poles and zeros: taken as flat")
    elif not len(first.poles) and not len(first.zeros):
        remarks.append("stage 1 has neither poles nor zeros: taken as flat")
    tables = [str(stage.stage_sequence_number) for stage in stages if isinstance(stage, ResponseListResponseStage)]
    if tables:
        remarks.append(f"stage {', '.join(tables)} is a table of the response, taken as flat")
    return laplace


def _poles_zeros_fields(stages: Sequence[PolesZerosResponseStage], remarks: list[str]) -> AnyDocument:
    """Poles, zeros and normalisation of the stages together, in rad/s."""
    document: AnyDocument = {"poles": [], "zeros": []}
    factor = 1.0
    for stage in stages:
        poles, zeros = _radians(stage)
        for name, values in (("poles", poles), ("zeros", zeros)):
            document[name] += [[float(value.real), float(value.imag)] for value in values]
        factor *= _normalization(stage, remarks)
    return document | finite("normalization_factor", factor)


def _radians(stage: PolesZerosResponseStage) -> tuple[np.ndarray, np.ndarray]:
    factor = 2.0 * math.pi if "HERTZ" in stage.pz_transfer_function_type else 1.0
    poles, zeros = (
        np.array([complex(value) for value in values], dtype=complex) * factor for values in (stage.poles, stage.zeros)
    )
    if not (np.isfinite(poles).all() and np.isfinite(zeros).all()):
        raise _Unusable(f"stage {stage.stage_sequence_number} has poles or zeros that are not finite")
    return poles, zeros


def _size(stage: PolesZerosResponseStage, frequency: float, factor: float = 1.0) -> float:
    """Size of a stage's poles and zeros, without A0, at a frequency (Hz); `factor` multiplies poles and zeros."""
    poles, zeros = _radians(stage)
    s = 2j * math.pi * frequency
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(abs(np.prod(s - zeros * factor) / np.prod(s - poles * factor)))


def _usable(value: float | None) -> bool:
    return value is not None and math.isfinite(float(value)) and float(value) != 0.0


def _normalization(stage: PolesZerosResponseStage, remarks: list[str]) -> float:
    """A0 for poles and zeros in rad/s: computed at its frequency where that can be, else as it is stated."""
    excess = len(stage.poles) - len(stage.zeros)
    hertz = "HERTZ" in stage.pz_transfer_function_type
    stated = stage.normalization_factor
    stated = float(stated) * (2.0 * math.pi) ** (excess if hertz else 0) if _usable(stated) else None
    frequency = stage.normalization_frequency
    size = _size(stage, float(frequency)) if frequency is not None and float(frequency) >= 0.0 else math.nan
    if not _usable(size):
        if stated is None:
            raise _Unusable(f"stage {stage.stage_sequence_number} has no normalisation factor or frequency")
        return stated
    computed = 1.0 / size
    if stated is not None and _differ(stated, computed):
        unit = (2.0 * math.pi) ** (-excess if hertz else 0)
        other = _size(stage, float(frequency), 1.0 / (2.0 * math.pi) if hertz else 2.0 * math.pi)
        as_other = float(stage.normalization_factor) * (1.0 if hertz else (2.0 * math.pi) ** excess)
        hint = ""
        if _usable(other) and not _differ(as_other, 1.0 / other):
            hint = f"; it would fit them in {'rad/s' if hertz else 'Hz'}, so the unit may be stated wrongly"
        remarks.append(
            f"stage {stage.stage_sequence_number}: the normalisation factor is {stated * unit:.4g}, but its poles and "
            f"zeros give {computed * unit:.4g} at {float(frequency):g} Hz, which is used{hint}"
        )
    return computed


def _differ(one: float, other: float) -> bool:
    return abs(abs(one) - abs(other)) > TOLERANCE * max(abs(one), abs(other))


def _reference_frequency(
    stated: float | None, analogue: Sequence[PolesZerosResponseStage], stages: Sequence[ResponseStage]
) -> float | None:
    """The frequency (Hz) that the overall sensitivity is of."""
    candidates = [stated, *(stage.stage_gain_frequency for stage in stages[:1])]
    candidates += [stage.normalization_frequency for stage in analogue[:1]]
    for frequency in candidates:
        if frequency is None or not math.isfinite(float(frequency)) or float(frequency) < 0.0:
            continue
        if all(_usable(_size(stage, float(frequency))) for stage in analogue):
            return float(frequency)
    return None


def _sensitivity(
    response: Response,
    stages: Sequence[ResponseStage],
    frequency: float | None,
    units: Mapping[str, str | None],
    remarks: list[str],
) -> float:
    """Overall sensitivity in counts per unit that the file states, or else per unit of the first stage."""
    stated = response.instrument_sensitivity
    value = float(stated.value) if stated is not None and _usable(stated.value) else None
    if stated is None or value is None:
        missing = "no InstrumentSensitivity" if stated is None else f"InstrumentSensitivity is {stated.value:g}"
        try:
            gains = _product_of_gains(stages, frequency)
        except _Unusable as reason:
            missing = "no InstrumentSensitivity" if stated is None else f"InstrumentSensitivity is {stated.value}"
            raise _Unusable(f"{missing}, and {reason}") from None
        remarks.append(f"{missing}: the product of the stage gains, {gains:.6g} at {frequency:g} Hz, is used")
        return gains
    try:
        product: float | None = _product_of_gains(stages, frequency)
    except _Unusable:
        product = None
    if not is_counts(stated.output_units or stages[-1].output_units or "COUNTS"):
        raise _Unusable(f"InstrumentSensitivity is in {stated.output_units or stages[-1].output_units}, not in counts")
    whole, first = (ground_motion_unit(name) for name in units.values())
    if whole and first and whole.factor != first.factor:
        if product is None or _differ(value / whole.factor, product / first.factor):
            names = " and ".join(f"{name} ({where})" for where, name in units.items())
            raise _Unusable(f"input units contradict one another: {names}; the stage gains leave it open")
    elif product is not None and _differ(value, product):
        ratio = abs(math.log10(abs(value / product)))
        remarks.append(
            f"InstrumentSensitivity {value:.6g} is used; the product of the stage gains is {product:.6g}, "
            f"with which ML differs by {ratio:.2f}"
        )
    return value


def _product_of_gains(stages: Sequence[ResponseStage], frequency: float | None) -> float:
    """Gain of all stages together at a frequency (Hz), in output units of the last per input unit of the first.

    An analogue stage's gain is brought from its own frequency to that one by its poles and zeros; digital stages are
    taken as flat.
    """
    from obspy.core.inventory.response import PolesZerosResponseStage

    numbers = [stage.stage_sequence_number for stage in stages]
    missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
    if missing:
        raise _Unusable(f"stage {missing[0]} is missing")
    last, units = stages[-1], stages[-1].output_units
    # a stage of a gain alone has no units in StationXML, and ObsPy gives it those of the one before: a digitiser
    unstated = type(last).__name__ == "ResponseStage" and last.input_units == units
    if units and not unstated and not is_counts(units):
        raise _Unusable(f"the stages end in {units}, not in counts")
    if frequency is None:
        raise _Unusable("no frequency is stated at which the stage gains hold")
    product = 1.0
    for stage in stages:
        if stage.stage_gain is None and is_counts(stage.input_units):  # a filter or a decimation of samples
            continue
        if not _usable(stage.stage_gain):
            raise _Unusable(f"stage {stage.stage_sequence_number} has no gain")
        product *= float(stage.stage_gain)
        at = stage.stage_gain_frequency
        if isinstance(stage, PolesZerosResponseStage) and stage.pz_transfer_function_type.startswith("LAPLACE") and at:
            own = _size(stage, float(at))
            if _usable(own):
                product *= _size(stage, frequency) / own
    return product


def response_remarks(channels: Iterable[ChannelDocument]) -> list[str]:
    """One line for each thing that is odd in responses, with the channels that it is true of.

    Args:
        channels: `channel` documents.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for channel in channels:
        response = channel.get("response") or {}
        if reason := response.get("unusable"):
            found[f"no magnitudes from it: {reason}"].append(channel_code(channel))
        for remark in response.get("remarks", ()):
            found[remark].append(channel_code(channel))
    return by_channels(found)


def by_channels(found: Mapping[str, Iterable[str]], of: str = "response") -> list[str]:
    """Lines from what is said of responses, or of what `of` names, and the codes (NET.STA.LOC.CHAN) of the channels."""
    lines = []
    for text, codes in found.items():
        distinct = list(dict.fromkeys(codes))
        more = len(distinct) - CHANNELS_NAMED
        named = ", ".join(distinct[:CHANNELS_NAMED]) + (f" and {more} more channels" if more > 0 else "")
        lines.append(f"{named}: {of}: {text}")
    return lines


@dataclass(frozen=True)
class EpochOverlap:
    """Two epochs of one channel that are valid at the same time.

    Attributes:
        code: NET.STA.LOC.CHAN.
        starttime, endtime: when both are valid (epoch seconds UTC).
        differs: names of the fields in which they differ; empty where the two say the same.
        earlier, later: the two documents, by start, the one with the earlier end last among equal starts.
    """

    code: str
    starttime: float
    endtime: float
    differs: tuple[str, ...]
    earlier: ChannelDocument
    later: ChannelDocument

    @property
    def text(self) -> str:
        """What is wrong, without the channel."""
        from obspy import UTCDateTime

        end = "now" if self.endtime >= OPEN_END else str(UTCDateTime(self.endtime))[:19]
        span = f"two epochs are valid from {str(UTCDateTime(self.starttime))[:19]} to {end}"
        what = f"differ in {', '.join(self.differs)}" if self.differs else "say the same"
        one, other = ((epoch.get("response") or {}) for epoch in (self.earlier, self.later))
        values = [part["sensitivity"] for part in (one, other) if _usable(part.get("sensitivity"))]
        if len(set(values)) == 2 and one.get("input_units") == other.get("input_units"):
            ratio = abs(math.log10(abs(values[0] / values[1])))
            what += f" (sensitivity {values[0]:g} and {values[1]:g}: ML differs by {ratio:.2f})"
        return f"{span} and {what}; the one that starts later is used"

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


def overlapping_epochs(channels: Iterable[ChannelDocument]) -> list[EpochOverlap]:
    """Pairs of `channel` documents of one channel whose epochs overlap, by channel and time.

    Epochs hold their start and not their end, so one that starts when the other ends does not overlap it.

    Args:
        channels: `channel` documents of any number of channels, in any order.
    """
    by_channel: dict[str, list[ChannelDocument]] = defaultdict(list)
    for epoch in channels:
        by_channel[channel_code(epoch)].append(epoch)
    found = []
    for code, epochs in sorted(by_channel.items()):
        for earlier, later in combinations(sorted(epochs, key=precedence), 2):
            start = max(earlier["starttime"], later["starttime"])
            end = min(earlier["endtime"], later["endtime"])
            if start < end:
                differs = tuple(name for name in DESCRIBES if earlier.get(name) != later.get(name))
                found.append(EpochOverlap(code, start, end, differs, earlier, later))
    return found


def precedence(epoch: ChannelDocument) -> tuple[float, float, bytes]:
    """Sort key of epochs that are valid at one time: the last one counts.

    The epoch that starts last is the newest statement: as a rule the one before was never closed. Of equal starts the
    shorter one counts, and then the content decides, so that the order in which epochs come never does.
    """
    content = {name: value for name, value in epoch.items() if name in DESCRIBES}
    return epoch["starttime"], -epoch["endtime"], canonical_json(content)


def channel_code(channel: ChannelDocument) -> str:
    """NET.STA.LOC.CHAN of a `channel` document."""
    return f"{channel['net']}.{channel['sta']}.{channel.get('loc') or ''}.{channel['chan']}"
