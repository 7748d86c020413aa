"""Responses of StationXML as channels keep them: right values by ObsPy's own evaluation, else a reason."""

import math
import warnings
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy.core.inventory import Channel
from obspy.core.inventory.response import (
    CoefficientsTypeResponseStage,
    InstrumentPolynomial,
    InstrumentSensitivity,
    PolesZerosResponseStage,
    PolynomialResponseStage,
    Response,
    ResponseListResponseStage,
    ResponseStage,
)

from catalogdb.magnitude.wood_anderson import UnusableResponse, sensor_response
from catalogdb.stations.epochs import OPEN_END
from catalogdb.stations.response import overlapping_epochs, response_document, response_remarks
from catalogdb.stations.units import ground_motion_unit, is_counts

OBSPY = Path(obspy.__file__).parent
RADIANS, HERTZ = "LAPLACE (RADIANS/SECOND)", "LAPLACE (HERTZ)"
POLES, ZEROS = [-4.44 + 4.44j, -4.44 - 4.44j], [0j, 0j]
POLYNOMIAL = InstrumentPolynomial("M/S", "COUNTS", 0, 1, 0, 1, 0.1, [1.0])
EVALRESPS = {"M": "DISP", "M/S": "VEL", "M/S**2": "ACC"}


def sensor(gain=1500.0, unit="M/S", kind=RADIANS, poles=POLES, zeros=ZEROS, a0=None, at=5.0, number=1, output="V"):
    factor = 2 * math.pi if kind == HERTZ else 1.0
    if a0 is None:
        s = 2j * math.pi * at / factor
        a0 = abs(np.prod([s - pole for pole in poles]) / np.prod([s - zero for zero in zeros]))
    return PolesZerosResponseStage(number, gain, at, unit, output, kind, at, zeros, poles, normalization_factor=a0)


def recorder(gain=4e5, output="COUNTS", number=2):
    return ResponseStage(number, gain, 5.0, "V", output)


def document(*stages, value=6e8, unit="M/S", output="COUNTS", frequency=5.0, **fields):
    channel = Channel("HHN", "", 46.0, 13.0, 0.0, 0.0)
    sensitivity = None if value is None else InstrumentSensitivity(value, frequency, unit, output)
    channel.response = Response(instrument_sensitivity=sensitivity, response_stages=list(stages), **fields)
    return response_document(channel)


def evalresps(channel, frequency, unit):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.abs(channel.response.get_evalresp_response_for_frequencies(frequency, output=EVALRESPS[unit]))


# -- beside ObsPy


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("core/tests/data/IU_ANMO_00_BHZ.xml", 1),
        ("core/tests/data/IU_ANMO_BH.xml", 4),
        ("core/tests/data/Modified_IRIS_response_level_station.xml", 4),
        ("core/tests/data/XM.05.xml", 1),
        ("io/arclink/tests/data/arclink_inventory.xml", 100),
        ("io/xseed/tests/data/dataless.seed.BW_RJOB", 3),
        ("io/xseed/tests/data/dataless.seed.BW_ZUGS", 3),
        ("io/xseed/tests/data/dataless.seed.II_COCO", 3),
        ("io/xseed/tests/data/RESP.XX.NR008..HHZ.130.1.100", 1),
        ("io/xseed/tests/data/RESP.JM.NMIA0.00.HHN", 1),
        ("io/xseed/tests/data/RESP.BW.FURT..EHZ", 1),
        ("io/xseed/tests/data/nied.dataless.gz", 3),
    ],
)
def test_sensor_follows_evalresp(name, channels):
    """Half a Hz to 0.7 Nyquist, to 0.01 of a magnitude where the file says one thing only."""
    compared = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inventory = obspy.read_inventory(str(OBSPY / name))
    for channel in (channel for network in inventory for station in network for channel in station):
        found = response_document(channel) if channel.sample_rate and channel.sample_rate >= 20.0 else None
        if not found or "unusable" in found:
            continue
        frequency = np.geomspace(0.5, 0.35 * channel.sample_rate, 12)
        expected = evalresps(channel, frequency, found["input_units"])
        ratio = np.log10(np.abs(sensor_response(frequency, found)) / expected)
        said = " ".join(found.get("remarks", ()))
        doubt = 0.05 if "normalisation factor" in said or "product of the stage gains" in said else 0.0
        assert np.ptp(ratio) < 0.012, (channel.code, ratio)
        # evalresp goes by the product of the stage gains, which may be 5 % off the sensitivity without a remark
        assert abs(np.median(ratio)) < 0.022 + doubt, (channel.code, ratio)
        compared += 1
    assert compared >= min(channels, 30)


@pytest.mark.parametrize("unit", ["M/S", "NM/S", "nm/s", "M", "m", "CM/S", "M/S**2", "m/s^2", "cm/s/s", "MM/S**2"])
@pytest.mark.parametrize("frequency", [5.0, 0.3])
def test_sensitivity_comes_from_the_stage_gains(unit, frequency):
    parsed = ground_motion_unit(unit)
    stage = sensor(1500.0 * parsed.factor, unit, at=frequency)
    found = document(stage, recorder(), value=None)
    assert found["input_units"] == parsed.si and found["sensitivity"] == pytest.approx(6e8)
    assert "no InstrumentSensitivity: the product of the stage gains" in found["remarks"][0]
    channel = Channel("HHN", "", 46.0, 13.0, 0.0, 0.0)
    plain = sensor(1500.0, parsed.si, at=frequency)
    channel.response = Response(
        instrument_sensitivity=InstrumentSensitivity(6e8, frequency, parsed.si, "COUNTS"),
        response_stages=[plain, recorder()],
    )
    band = np.array([0.5, 2.0, 10.0])
    assert np.abs(sensor_response(band, found)) == pytest.approx(evalresps(channel, band, parsed.si), rel=1e-3)


def test_a_stage_of_a_gain_alone_needs_no_units():
    """As StationXML has it; a sensor alone still ends in V."""
    for unit in (None, "V"):  # ObsPy's guess
        alone = ResponseStage(2, 4e5, 5.0, unit, unit)
        assert document(sensor(), alone, value=None)["sensitivity"] == pytest.approx(6e8)
    assert "end in V, not in counts" in document(sensor(), value=None)["unusable"]


def test_gains_at_other_frequencies_are_brought_to_one():
    """A geophone whose gain is stated at 20 Hz, with a low-pass of the amplifier: 5 Hz is between."""
    amplifier = sensor(10.0, "V", poles=[-60.0 + 0j], zeros=[], at=1.0, number=2)
    stages = sensor(30.0, at=20.0), amplifier, recorder(number=3)
    found = document(*stages, value=None)
    channel = Channel("HHN", "", 46.0, 13.0, 0.0, 0.0)
    total = InstrumentSensitivity(1.0, 20.0, "M/S", "COUNTS")
    channel.response = Response(instrument_sensitivity=total, response_stages=list(stages))
    band = np.array([0.5, 5.0, 20.0, 30.0])
    assert np.abs(sensor_response(band, found)) == pytest.approx(evalresps(channel, band, "M/S"), rel=1e-3)


@pytest.mark.parametrize(("poles", "zeros"), [(POLES, ZEROS), ([-0.7 + 0.7j, -0.7 - 0.7j, -9.0 + 0j], [0j])])
def test_poles_in_hertz_are_those_in_radians(poles, zeros):
    turned = [2 * math.pi * pole for pole in poles], [2 * math.pi * zero for zero in zeros]
    in_hertz = document(sensor(kind=HERTZ, poles=poles, zeros=zeros), recorder())
    in_radians = document(sensor(poles=turned[0], zeros=turned[1]), recorder())
    assert "remarks" not in in_hertz and "remarks" not in in_radians
    assert np.allclose(in_hertz["poles"], in_radians["poles"]) and np.allclose(in_hertz["zeros"], in_radians["zeros"])
    assert in_hertz["normalization_factor"] == pytest.approx(in_radians["normalization_factor"])


def test_stated_a0_in_hertz_is_used_where_no_frequency_can_be():
    """The sensitivity is of 0 Hz, where the zero lies: A0 of poles in Hz, which have two more than zeros, scales."""
    poles, zeros, a0, frequency = [-0.7 + 0.7j, -0.7 - 0.7j, -9.0 + 0j], [0j], 8.5, np.array([0.5, 3.0])
    stage = sensor(kind=HERTZ, poles=poles, zeros=zeros, a0=a0)
    stage.normalization_frequency = stage.stage_gain_frequency = 0.0
    found = document(stage, recorder(), frequency=0.0)
    s = 1j * frequency
    expected = 6e8 * a0 * np.abs(s / np.prod([s - pole for pole in poles], axis=0))
    assert np.abs(sensor_response(frequency, found)) == pytest.approx(expected)


def test_sensitivity_at_zero_frequency_counts_for_an_accelerometer():
    stage = sensor(1.5, "M/S**2", poles=[-444.0 + 444j, -444.0 - 444j], zeros=[], a0=7.0)  # A0 is wrong
    found = document(stage, recorder(), unit="M/S**2", value=6e5, frequency=0.0)
    assert np.abs(sensor_response(np.array([0.01]), found)) == pytest.approx([6e5])


# -- reasons


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: document(sensor(unit="PA"), recorder(), unit="PA"), "input units PA of InstrumentSensitivity are not"),
        (lambda: document(sensor(unit="V"), recorder(), unit="V"), "input units V of"),
        (lambda: document(sensor(unit="COUNTS"), recorder(), unit="counts"), "input units counts of"),
        (lambda: document(sensor(unit="M/S"), recorder(), unit="V"), "input units V of InstrumentSensitivity are not"),
        (lambda: document(sensor(unit="RAD/S"), recorder(), unit="RAD/S"), "input units RAD/S of"),
        (lambda: document(sensor(unit=None), recorder(), unit=None), "no input units"),
        (lambda: document(), "a sensitivity without stages"),
        (lambda: document(sensor(unit="M/S"), recorder(), unit="M/S**2"), "input units contradict one another: M/S**2"),
        (lambda: document(sensor(unit="M/S"), recorder(), unit="NM/S"), "the stage gains leave it open"),
        (lambda: document(sensor(), recorder(output="V"), output="V"), "InstrumentSensitivity is in V, not in counts"),
        (lambda: document(sensor(), value=None), "and the stages end in V, not in counts"),
        (lambda: document(sensor(), recorder(None), value=None), "no InstrumentSensitivity, and stage 2 has no gain"),
        (lambda: document(sensor(), recorder(0.0), value=0.0), "InstrumentSensitivity is 0.0, and stage 2 has no gain"),
        (lambda: document(sensor(), recorder(number=3), value=None), "and stage 2 is missing"),
        (lambda: document(sensor(kind="DIGITAL (Z-TRANSFORM)"), recorder()), "stage 1 has no analogue poles and zeros"),
        (
            lambda: document(ResponseListResponseStage(1, 1.0, 5.0, "M/S", "V"), recorder()),
            "stage 1 has no analogue poles and zeros, but is a ResponseList",
        ),
        (
            lambda: document(PolynomialResponseStage(1, 1.0, 5.0, "M/S", "V", 0, 1, 0, 1, 0.1, [0.0, 1.0]), recorder()),
            "the response is a polynomial",
        ),
        (
            lambda: document(recorder(), value=None, instrument_polynomial=POLYNOMIAL),
            "the response is a polynomial",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_says_why(made, reason):
    found = made()
    assert reason in found["unusable"]
    with pytest.raises(UnusableResponse, match="."):
        sensor_response(np.array([1.0]), found)


# -- remarks


@pytest.mark.parametrize(
    ("made", "remarks"),
    [
        (lambda: document(sensor(), recorder()), []),
        (lambda: document(sensor(), recorder(), value=-6e8), ["negative"]),
        (lambda: document(sensor(), recorder(), value=0.0), ["InstrumentSensitivity is 0: the product"]),
        (lambda: document(sensor(), recorder(), value=float("nan")), ["InstrumentSensitivity is nan: the product"]),
        (lambda: document(sensor(), recorder(), value=1.2e9), ["product of the stage gains is 6e+08, with which ML "
                                                               "differs by 0.30"]),
        (lambda: document(sensor(), recorder(), value=6.2e8), []),
        (lambda: document(sensor(unit="nm/s", gain=1.5e-6), recorder(), unit="nm/s", value=0.6), ["per nm/s"]),
        (lambda: document(sensor(unit="M/S"), recorder(), unit="NM/S", value=0.6), ["sensitivity per NM/S"]),
        (lambda: document(sensor(a0=3.0), recorder()), ["the normalisation factor is 3, but its poles and zeros give"]),
        (lambda: document(sensor(kind=HERTZ, a0=3.0), recorder()), ["normalisation factor is 3, but its"]),
        (lambda: document(ResponseStage(1, 1500.0, 5.0, "M/S", "V"), recorder()), ["has a gain and no poles"]),
        (lambda: document(CoefficientsTypeResponseStage(1, 1500.0, 5.0, "M/S", "V", "DIGITAL", numerator=[1.0],
                                                        denominator=[]), recorder()), ["has a gain and no poles"]),
        (lambda: document(sensor(poles=[], zeros=[]), recorder()), ["neither poles nor zeros: taken as flat"]),
    ],
)  # fmt: skip
def test_what_is_odd_is_said(made, remarks):
    found = made()
    assert "unusable" not in found
    said = found.get("remarks", [])
    assert len(said) == len(remarks), said
    assert all(text in remark for text, remark in zip(remarks, said, strict=True)), said
    assert abs(found["sensitivity"]) == pytest.approx(6e8, rel=1.01)
    assert found["input_units"] == "M/S"


def test_poles_in_another_unit_than_stated_are_suspected():
    in_hertz = [-0.7 + 0.7j, -0.7 - 0.7j, -9.0 + 0j]
    right = sensor(kind=HERTZ, poles=in_hertz)
    wrong = sensor(kind=RADIANS, poles=in_hertz, a0=right.normalization_factor)
    (remark,) = document(wrong, recorder())["remarks"]
    assert "it would fit them in Hz, so the unit may be stated wrongly" in remark
    turned = sensor(kind=HERTZ, poles=POLES + [-80.0 + 0j], a0=sensor(poles=POLES + [-80.0 + 0j]).normalization_factor)
    (remark,) = document(turned, recorder())["remarks"]
    assert "it would fit them in rad/s" in remark


def test_remarks_are_lines_with_their_channels():
    odd = document(sensor(), recorder(), value=-6e8)
    dumb = document(sensor(unit="PA"), recorder(), unit="PA")
    codes = {"net": "XX", "sta": "AAA", "loc": ""}
    channels = [codes | {"chan": f"HH{letter}", "response": odd} for letter in "ABCDEFGH"]
    channels += [codes | {"chan": "BDF", "response": dumb}, codes | {"chan": "HHZ"}]
    one, other = response_remarks(channels)
    assert one.startswith("XX.AAA..HHA, XX.AAA..HHB, ") and " and 2 more channels: response: the sens" in one
    assert other == (
        "XX.AAA..BDF: response: no magnitudes from it: input units PA of InstrumentSensitivity are not of ground motion"
    )


# -- units


def test_units_of_ground_motion():
    expected = {
        "M": (0, 1), "NM": (0, 1e-9), "um": (0, 1e-6), "MM": (0, 1e-3), "m/sec": (1, 1), "M*S**-1": (1, 1),
        "m s-1": (1, 1), "METERS/SECOND": (1, 1), "M/S/S": (2, 1), "M/(S**2)": (2, 1), "m/s²": (2, 1), "M/S^2": (2, 1),
        "M/SEC**2": (2, 1), "CM/S**2": (2, 1e-2), "m s^-2": (2, 1), "nanometers/s": (1, 1e-9), "µm/s": (1, 1e-6),
        "meters per second": (1, 1),
    }  # fmt: skip
    for text, (derivatives, factor) in expected.items():
        unit = ground_motion_unit(text)
        assert unit and (unit.derivatives, unit.factor) == (derivatives, factor), text
    for text in ("V", "PA", "HPA", "COUNTS", "RAD/S", "M/M", "M**3/M**3", "C", "T", "S", "", None, "MS", "M/S**3", "G"):
        assert ground_motion_unit(text) is None, text
    assert all(map(is_counts, ("COUNTS", "count", "Counts", "DIGITAL COUNTS"))) and not is_counts("V")


# -- overlapping epochs


def epoch(start, end, sensitivity=1.9e9, chan="HHN", **fields):
    codes = {"net": "XX", "sta": "AAA", "loc": "", "chan": chan, "lat": 46.0, "lon": 13.0, "elev": 0.3}
    response = {"sensitivity": sensitivity, "input_units": "M/S"}
    return codes | {"starttime": start, "endtime": end, "response": response} | fields


def test_epochs_that_overlap_are_found_whatever_their_order():
    first, second = epoch(0.0, OPEN_END), epoch(1.5e9, OPEN_END, 7.7e8)
    for order in ([first, second], [second, first]):
        (found,) = overlapping_epochs(order)
        assert (found.code, found.starttime, found.endtime) == ("XX.AAA..HHN", 1.5e9, OPEN_END)
        assert found.later is second and found.differs == ("response",)
    assert str(found) == (
        "XX.AAA..HHN: two epochs are valid from 2017-07-14T02:40:00 to now and differ in response (sensitivity 1.9e+09 "
        "and 7.7e+08: ML differs by 0.39); the one that starts later is used"
    )


def test_epochs_that_follow_one_another_do_not_overlap():
    assert overlapping_epochs([epoch(0.0, 1.5e9), epoch(1.5e9, OPEN_END)]) == []
    assert overlapping_epochs([epoch(0.0, OPEN_END), epoch(0.0, OPEN_END, chan="HHE")]) == []


def test_of_epochs_that_start_together_the_shorter_counts():
    (found,) = overlapping_epochs([epoch(0.0, 1.6e9, elev=0.5), epoch(0.0, OPEN_END)])
    assert found.later["endtime"] == 1.6e9 and found.differs == ("elev",)
    assert "and differ in elev;" in str(found)
