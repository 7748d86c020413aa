"""Wood-Anderson amplitudes of known ground motion, and the responses that they are made with."""

import math

import numpy as np
import obspy
import pytest
from magnitude_records import (
    ONE_STATION,
    P_TIME,
    S_TIME,
    SENSORS,
    channel,
    magnification,
    only,
    origin,
    record,
    standard,
    trace,
    wave_packet,
    with_epochs,
)
from obspy import UTCDateTime
from obspy.core.inventory.response import Response

from catalogdb.magnitude import MagnitudeConfig
from catalogdb.magnitude.local import local_magnitudes, minus_log_a0
from catalogdb.magnitude.wood_anderson import UnusableResponse, sensor_response, wood_anderson_mm
from catalogdb.stations.response import response_document

# -- amplitude


@pytest.mark.parametrize("sensor", SENSORS)
@pytest.mark.parametrize("frequency", [1.0, 4.0, 12.0])
def test_known_displacement_gives_known_magnitude(sensor, frequency):
    response = SENSORS[sensor]
    records = {("XX", "AAA"): [trace(record(wave_packet(frequency, 2e-6), response), chan) for chan in ("HHE", "HHN")]}
    channels = [channel(chan, response=response) for chan in ("HHE", "HHN")]
    result = local_magnitudes([origin()], records, channels, ONE_STATION)
    amplitude_mm = 2e-6 * 1000 * magnification(frequency)
    expected = math.log10(amplitude_mm) + minus_log_a0(60.0, ONE_STATION)
    assert only(result)["value"] == pytest.approx(expected, abs=0.02)
    (station,) = only(result)["station_magnitudes"]
    assert station["amplitude_mm"] == pytest.approx(amplitude_mm, rel=0.03)
    assert station["distance_km"] == pytest.approx(60.0)
    assert result.counts == {"events": 1, "magnitudes": 1, "stations_used": 1}


def test_zero_to_peak_agrees_for_a_symmetric_wave():
    records, channels = standard()
    half = local_magnitudes([origin()], records, channels, ONE_STATION)
    peak = local_magnitudes([origin()], records, channels, MagnitudeConfig(min_stations=1, amplitude="zero_to_peak"))
    assert only(peak)["value"] == pytest.approx(only(half)["value"], abs=0.02)


def test_ten_times_the_amplitude_is_one_magnitude_more():
    values = [
        only(local_magnitudes([origin()], *standard(amplitude_m), ONE_STATION))["value"] for amplitude_m in (1e-7, 1e-6)
    ]
    assert values[1] - values[0] == pytest.approx(1.0, abs=0.005)


def test_magnitude_does_not_depend_on_how_much_data_lie_around():
    records, channels = standard()
    whole = only(local_magnitudes([origin()], records, channels, ONE_STATION))
    cut = [item.slice(UTCDateTime(P_TIME - 17), UTCDateTime(S_TIME + 26)) for item in records["XX", "AAA"]]
    again = only(local_magnitudes([origin()], {("XX", "AAA"): cut}, channels, ONE_STATION))
    assert again["value"] == pytest.approx(whole["value"], abs=1e-9)


def test_agrees_with_obspy_on_a_real_record():
    """BW.RJOB, the local event of ObsPy's example: full StationXML response there, poles and zeros here."""
    stream = obspy.read()
    inventory = obspy.read_inventory()
    config = MagnitudeConfig(
        min_stations=1, noise_seconds=2.0, before_p_seconds=0.2, margin_seconds=1.0, after_s_seconds=10.0, freqmin=1.0
    )
    start = stream[0].stats.starttime.timestamp
    event = origin(time=start + 2.0, stations=(), depth_km=5.0)
    for phase, at in (("P", start + 4.3), ("S", start + 6.2)):
        event["arrivals"].append(
            {"pick_id": phase, "net": "BW", "sta": "RJOB", "phase": phase, "time": at, "distance_km": 12.0}
        )
    channels, expected = [], []
    for item in stream:
        metadata = inventory.select(channel=item.stats.channel, time=item.stats.starttime, station="RJOB")[0][0][0]
        place = {"net": "BW", "sta": "RJOB", "lat": metadata.latitude, "lon": metadata.longitude, "elev": 0.86}
        channels.append(channel(item.stats.channel, response=response_document(metadata)) | place)
        ground = item.copy()
        ground.stats.response = metadata.response
        ground.remove_response(output="DISP", pre_filt=(0.5, 1.0, 30.0, 37.5), water_level=60)
        wood_anderson = {
            "poles": [-5.49779 + 5.60886j, -5.49779 - 5.60886j],
            "zeros": [0j, 0j],
            "gain": 1.0,
            "sensitivity": 2080.0,
        }
        ground.simulate(paz_simulate=wood_anderson, simulate_sensitivity=True)
        samples = ground.slice(UTCDateTime(start + 4.1), UTCDateTime(start + 16.2)).data
        if item.stats.channel[-1] != "Z":
            expected.append(math.log10(np.ptp(samples) / 2 * 1000))
    result = local_magnitudes([event], {("BW", "RJOB"): list(stream)}, channels, config)
    (station,) = only(result)["station_magnitudes"]
    assert math.log10(station["amplitude_mm"]) == pytest.approx(np.mean(expected), abs=0.03)
    assert station["distance_km"] == pytest.approx(math.hypot(12.0, 5.86))
    assert -1.0 < only(result)["value"] < 3.0


# -- responses


def test_sensor_response_follows_the_full_stationxml_response():
    metadata = obspy.read_inventory().select(station="RJOB", channel="EHZ", time=UTCDateTime(2009, 8, 24))[0][0][0]
    response: Response = metadata.response
    frequency = np.array([0.5, 1.0, 5.0, 20.0])
    whole = np.abs(response.get_evalresp_response_for_frequencies(frequency, output="VEL"))
    ours = np.abs(sensor_response(frequency, response_document(metadata)))
    assert ours == pytest.approx(whole, rel=0.02)


def test_normalisation_stands_in_for_a_sensitivity_s_frequency():
    response = SENSORS["accelerometer"] | {"sensitivity_frequency": 0.0}
    poles = [complex(*pair) for pair in response["poles"]]
    response["normalization_factor"] = abs(np.prod(poles))
    assert abs(sensor_response(np.array([1.0]), response)[0]) == pytest.approx(4.0e5, rel=1e-3)


def test_an_accelerometer_is_not_bent_by_the_water_level():
    counts = record(wave_packet(1.0, 1e-6), SENSORS["accelerometer"])
    low = wood_anderson_mm(counts, 100.0, SENSORS["accelerometer"], MagnitudeConfig(water_level_db=20.0))
    high = wood_anderson_mm(counts, 100.0, SENSORS["accelerometer"], MagnitudeConfig(water_level_db=120.0))
    assert low == pytest.approx(high, abs=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        {"poles": None},
        {"sensitivity": 0.0},
        {"input_units": "PA"},
        {"sensitivity_frequency": None, "normalization_factor": None},
        {"poles": [[0.0, 2 * math.pi]], "sensitivity_frequency": 1.0},
    ],
)
def test_unusable_responses_are_told(change):
    response = {key: value for key, value in (SENSORS["broad"] | change).items() if value is not None}
    with pytest.raises(UnusableResponse):
        wood_anderson_mm(np.ones(1000), 100.0, response, MagnitudeConfig())
    records, channels = standard()
    for document in channels:
        document["response"] = response
    result = local_magnitudes([origin()], records, channels, ONE_STATION)
    assert result.magnitudes == []
    assert result.counts == {"events": 1, "too_few_stations": 1, "unusable_response": 1}


def test_of_overlapping_epochs_the_later_counts_and_it_is_said():
    expected = only(local_magnitudes([origin()], *standard(), ONE_STATION))["value"]
    records, epochs = with_epochs(6.0e9, 6.0e8)
    for order in (epochs, epochs[::-1]):
        result = local_magnitudes([origin()], records, order, ONE_STATION)
        assert only(result)["value"] == pytest.approx(expected)
        assert result.counts["response_remarks"] == 1
        (problem,) = result.problems
        assert problem.startswith("XX.AAA..HHE, XX.AAA..HHN: response: two epochs are valid from 2001-09-09T01:46:41")
        assert "ML differs by 1.00" in problem
        (station,) = only(result)["station_magnitudes"]
        assert problem.endswith(station["response_remarks"][0])


def test_overlapping_epochs_with_one_response_are_no_remark():
    result = local_magnitudes([origin()], *with_epochs(6.0e8, 6.0e8), ONE_STATION)
    assert result.problems == [] and "response_remarks" not in only(result)["station_magnitudes"][0]


def test_remarks_of_a_response_stand_with_its_magnitude():
    records, channels = standard()
    channels[0]["response"] = channels[0]["response"] | {"remarks": ["odd"]}
    result = local_magnitudes([origin()], records, channels, ONE_STATION)
    assert result.problems == ["XX.AAA..HHE: response: odd"]
    assert only(result)["station_magnitudes"][0]["response_remarks"] == ["odd"]
    assert result.counts == {"events": 1, "magnitudes": 1, "response_remarks": 1, "stations_used": 1}


def test_reason_of_an_unusable_response_is_said():
    records, channels = standard()
    for document in channels:
        document["response"] = {"unusable": "the response is a polynomial"}
    result = local_magnitudes([origin()], records, channels, ONE_STATION)
    assert result.counts == {"events": 1, "too_few_stations": 1, "unusable_response": 1}
    assert result.problems == [
        "XX.AAA..HHN, XX.AAA..HHE: response: no magnitudes from it: the response is a polynomial"
    ]


def test_multiples_of_units_count():
    records, channels = standard()
    expected = only(local_magnitudes([origin()], records, channels, ONE_STATION))["value"]
    for document in channels:
        response = document["response"]
        document["response"] = response | {"input_units": "nm/s", "sensitivity": response["sensitivity"] * 1e-9}
    assert only(local_magnitudes([origin()], records, channels, ONE_STATION))["value"] == pytest.approx(expected)


def test_water_level_is_in_decibels_of_amplitude():
    """A response that rises with frequency is a tenth of its maximum (37.5 Hz) at 3.75 Hz: 20 dB raise 1 Hz to that."""
    response = SENSORS["broad"] | {"poles": [], "zeros": [[0.0, 0.0]], "sensitivity_frequency": 1.0}
    counts = wave_packet(1.0, 100.0)
    low, high = (
        np.abs(wood_anderson_mm(counts, 100.0, response, MagnitudeConfig(water_level_db=level))).max()
        for level in (20.0, 60.0)
    )
    assert high / low == pytest.approx(3.75, rel=0.02)
