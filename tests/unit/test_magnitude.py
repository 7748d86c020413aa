"""Local magnitudes: known ground motion through known instruments, and everything that must be left out."""

import math
import subprocess
import sys

import numpy as np
import obspy
import pytest
from obspy import Trace, UTCDateTime
from obspy.core.inventory.response import Response
from obspy.signal.invsim import paz_to_freq_resp
from pydantic import ValidationError

from catalogdb.magnitude import MagnitudeConfig
from catalogdb.magnitude.local import local_magnitudes, minus_log_a0
from catalogdb.magnitude.windows import station_windows
from catalogdb.magnitude.wood_anderson import UnusableResponse, sensor_response, wood_anderson_mm
from catalogdb.stations.response import response_document

ORIGIN_TIME = 1_700_000_000.0
P_TIME, S_TIME = ORIGIN_TIME + 10.0, ORIGIN_TIME + 17.5
ONE_STATION = MagnitudeConfig(min_stations=1)

# 1 s velocity sensor, 120 s velocity sensor, 100 Hz accelerometer, each with a sensitivity of its own
SENSORS = {
    "short": {
        "sensitivity": 4.0e8,
        "sensitivity_frequency": 5.0,
        "input_units": "M/S",
        "normalization_factor": 1.0,
        "poles": [[-4.44, 4.44], [-4.44, -4.44]],
        "zeros": [[0.0, 0.0], [0.0, 0.0]],
    },
    "broad": {
        "sensitivity": 6.0e8,
        "sensitivity_frequency": 1.0,
        "input_units": "M/S",
        "normalization_factor": 1.0,
        "poles": [[-0.037, 0.037], [-0.037, -0.037]],
        "zeros": [[0.0, 0.0], [0.0, 0.0]],
    },
    "accelerometer": {
        "sensitivity": 4.0e5,
        "sensitivity_frequency": 1.0,
        "input_units": "M/S**2",
        "normalization_factor": 394784.0,
        "poles": [[-444.0, 444.0], [-444.0, -444.0]],
        "zeros": [],
    },
}


def magnification(frequency):
    """Size of the Wood-Anderson's response (Uhrhammer and Collins, 1990), written as the textbook has it."""
    ratio = frequency * 0.8
    return 2080.0 * ratio**2 / math.sqrt((1 - ratio**2) ** 2 + (2 * 0.7 * ratio) ** 2)


def wave_packet(frequency, amplitude_m, rate=100.0, start=P_TIME - 60.0, seconds=150.0, at=S_TIME + 6.0):
    """Ground displacement in m: a sinusoid under a smooth, long envelope around the S waves."""
    time = start + np.arange(round(seconds * rate)) / rate - at
    return amplitude_m * np.exp(-0.5 * (time / 2.0) ** 2) * np.cos(2 * np.pi * frequency * time)


def record(displacement_m, response, rate=100.0):
    """Counts that a sensor writes, by ObsPy's own evaluation of poles and zeros."""
    poles, zeros = ([complex(*pair) for pair in response[name]] for name in ("poles", "zeros"))
    size = 2 * displacement_m.size
    transfer, frequency = paz_to_freq_resp(poles, zeros, 1.0, 1 / rate, size, freq=True)
    at = response["sensitivity_frequency"]
    s = 2j * np.pi * at
    transfer = transfer / abs(np.prod([s - zero for zero in zeros]) / np.prod([s - pole for pole in poles]))
    derivatives = {"M": 0, "M/S": 1, "M/S**2": 2}[response["input_units"]]
    spectrum = np.fft.rfft(displacement_m, size) * transfer * (2j * np.pi * frequency) ** derivatives
    return response["sensitivity"] * np.fft.irfft(spectrum, size)[: displacement_m.size]


def trace(counts, chan="HHN", sta="AAA", rate=100.0, start=P_TIME - 60.0, loc=""):
    header = {
        "network": "XX",
        "station": sta,
        "location": loc,
        "channel": chan,
        "sampling_rate": rate,
        "starttime": UTCDateTime(start),
    }
    return Trace(np.asarray(counts), header)


def channel(chan="HHN", sta="AAA", response=SENSORS["broad"], loc="", **other):
    document = {
        "net": "XX",
        "sta": sta,
        "loc": loc,
        "chan": chan,
        "lat": 46.0,
        "lon": 13.0,
        "elev": 0.0,
        "starttime": 0.0,
        "endtime": 2.5e9,
    }
    return document | ({"response": response} if response else {}) | other


def origin(event_id="e1", time=ORIGIN_TIME, stations=("AAA",), distance_km=60.0, depth_km=0.0, p=P_TIME, s=S_TIME):
    arrivals = []
    for sta in stations:
        for phase, at in (("P", p), ("S", s)):
            if at is not None:
                arrival = {"pick_id": f"{event_id}{sta}{phase}", "net": "XX", "sta": sta, "phase": phase, "time": at}
                arrivals.append(arrival | ({} if distance_km is None else {"distance_km": distance_km}))
    return {
        "event_id": event_id,
        "time": time,
        "latitude": 46.5,
        "longitude": 13.0,
        "depth_km": depth_km,
        "arrivals": arrivals,
    }


def standard(amplitude_m=1e-6, frequency=4.0, noise_m=1e-11, stations=("AAA",), response=SENSORS["broad"]):
    """Records and channels of stations with both horizontals, faint noise under the packet."""
    generator = np.random.default_rng(1)
    records, channels = {}, []
    for sta in stations:
        records["XX", sta] = []
        for chan in ("HHE", "HHN"):
            ground = wave_packet(frequency, amplitude_m)
            ground = ground + noise_m * generator.standard_normal(ground.size)
            records["XX", sta].append(trace(record(ground, response), chan, sta))
            channels.append(channel(chan, sta, response))
    return records, channels


def only(result):
    (magnitude,) = result.magnitudes
    return magnitude


# -- the distance correction


def test_hutton_boore_is_the_published_curve():
    config = MagnitudeConfig()
    assert minus_log_a0(100.0, config) == pytest.approx(3.0)
    # IASPEI's ML: log10 A(nm) + 1.11 log10 R + 0.00189 R - 2.09, for amplitudes without the magnification of 2080
    for distance in (10.0, 60.0, 300.0, 600.0):
        iaspei = 1.11 * math.log10(distance) + 0.00189 * distance - 2.09 + math.log10(1e6 / 2080)
        assert minus_log_a0(distance, config) == pytest.approx(iaspei, abs=0.005)


def test_ogs_form():
    config = MagnitudeConfig(form="ogs")
    assert minus_log_a0(100.0, config) == pytest.approx(3.0, abs=0.005)
    assert minus_log_a0(17.0, config) < minus_log_a0(50.0, config) < minus_log_a0(200.0, config)


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


def test_mean_of_horizontals_is_of_their_magnitudes():
    records, channels = standard()
    records["XX", "AAA"][0].data = records["XX", "AAA"][0].data * 100.0
    both = only(local_magnitudes([origin()], records, channels, ONE_STATION))
    records["XX", "AAA"][0].data = records["XX", "AAA"][0].data / 100.0
    equal = only(local_magnitudes([origin()], records, channels, ONE_STATION))
    assert both["value"] - equal["value"] == pytest.approx(1.0, abs=0.01)


def test_unoriented_horizontals_will_do():
    records, channels = standard()
    expected = only(local_magnitudes([origin()], records, channels, ONE_STATION))["value"]
    for item, document, chan in zip(records["XX", "AAA"], channels, ("HH2", "HH1"), strict=True):
        item.stats.channel = document["chan"] = chan
    assert only(local_magnitudes([origin()], records, channels, ONE_STATION))["value"] == pytest.approx(expected)


def test_horizontals_of_123_are_those_that_lie_level():
    packet = record(wave_packet(2.0, 1e-4), SENSORS["broad"])
    loud = [trace(1000 * packet, "HH1"), trace(packet, "HH2"), trace(packet, "HH3")]
    level = [channel("HH2", vang=90.0, hang=0.0), channel("HH3", vang=90.0, hang=90.0)]
    found = local_magnitudes([origin()], {("XX", "AAA"): loud}, [channel("HH1", vang=0.0), *level], ONE_STATION)
    plain = [trace(packet, "HHN"), trace(packet, "HHE")]
    usual = local_magnitudes([origin()], {("XX", "AAA"): plain}, [channel("HHN"), channel("HHE")], ONE_STATION)
    assert found.magnitudes[0]["value"] == pytest.approx(usual.magnitudes[0]["value"], abs=1e-6)
    assert "one_horizontal" not in found.counts
    unknown = [channel(code) for code in ("HH1", "HH2", "HH3")]
    lost = local_magnitudes([origin()], {("XX", "AAA"): loud}, unknown, ONE_STATION)
    assert lost.magnitudes == [] and lost.counts["no_horizontal"] == 1


def test_horizontals_of_z23_are_both_used():
    packet = record(wave_packet(2.0, 1e-4), SENSORS["broad"])
    data = [trace(packet, "HH2"), trace(4 * packet, "HH3")]
    channels = [channel("HHZ"), channel("HH2"), channel("HH3")]
    found = local_magnitudes([origin()], {("XX", "AAA"): data}, channels, ONE_STATION)
    alone = local_magnitudes([origin()], {("XX", "AAA"): data[:1]}, channels, ONE_STATION)
    assert found.magnitudes[0]["value"] - alone.magnitudes[0]["value"] == pytest.approx(math.log10(4) / 2, abs=1e-6)


def test_the_sensor_is_the_best_that_records_in_the_window():
    packet = record(wave_packet(2.0, 1e-4), SENSORS["broad"])
    earlier = [trace(packet, "HHN", start=P_TIME - 5000.0), trace(packet, "HHE", start=P_TIME - 5000.0)]
    here = [trace(packet, "ENN"), trace(packet, "ENE")]
    channels = [channel(code) for code in ("HHN", "HHE", "ENN", "ENE")]
    found = local_magnitudes([origin()], {("XX", "AAA"): [*earlier, *here]}, channels, ONE_STATION)
    assert found.counts["stations_used"] == 1
    lost = local_magnitudes([origin()], {("XX", "AAA"): earlier}, channels, ONE_STATION)
    assert lost.counts["no_waveform"] == 1


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


def test_normalisation_factor_is_used_where_the_sensitivity_has_no_frequency():
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


# -- distance, stations, event


def test_hypocentral_distance_includes_depth_and_elevation():
    records, channels = standard()
    for document in channels:
        document["elev"] = 1.5
    event = origin(distance_km=3.0, depth_km=2.5)
    (station,) = only(local_magnitudes([event], records, channels, ONE_STATION))["station_magnitudes"]
    assert station["distance_km"] == pytest.approx(5.0)


def test_distance_comes_from_coordinates_where_the_arrival_has_none():
    records, channels = standard()
    event = origin(distance_km=None)
    (station,) = only(local_magnitudes([event], records, channels, ONE_STATION))["station_magnitudes"]
    assert station["distance_km"] == pytest.approx(55.58, abs=0.05)


def test_event_magnitude_is_the_median_and_its_scatter():
    stations = ("AAA", "BBB", "CCC")
    config = MagnitudeConfig(station_terms={"XX.BBB": 0.1, "CCC": 0.5})
    magnitude = only(local_magnitudes([origin(stations=stations)], *standard(stations=stations), config))
    values = [station["value"] for station in magnitude["station_magnitudes"]]
    assert values[1] - values[0] == pytest.approx(0.1, abs=0.01)
    assert magnitude["value"] == pytest.approx(values[1])
    assert magnitude["uncertainty"] == pytest.approx(1.4826 * 0.1, abs=0.02)
    assert magnitude["n_stations"] == 3
    assert (magnitude["event_id"], magnitude["type"]) == ("e1", "ML")


def test_one_station_has_no_scatter():
    assert "uncertainty" not in only(local_magnitudes([origin()], *standard(), ONE_STATION))


def test_too_few_stations_give_no_magnitude():
    result = local_magnitudes([origin()], *standard(), MagnitudeConfig(min_stations=2))
    assert result.magnitudes == []
    assert result.counts == {"events": 1, "stations_used": 1, "too_few_stations": 1}


def test_event_without_arrivals_gives_no_magnitude():
    result = local_magnitudes([origin(stations=())], {}, [], ONE_STATION)
    assert result.counts == {"events": 1, "too_few_stations": 1}


# -- what is left out


def left_out(records, channels, config=ONE_STATION, **kwargs):
    result = local_magnitudes([origin(**kwargs)], records, channels, config)
    assert result.magnitudes == []
    counts = dict(result.counts)
    assert counts.pop("events") == counts.pop("too_few_stations") == 1
    return counts


def test_no_response_is_counted():
    records, channels = standard()
    assert left_out(records, []) == {"no_response": 1}
    assert left_out(records, [channel(chan, response=None) for chan in ("HHN", "HHE")]) == {"no_response": 1}
    past = [document | {"endtime": P_TIME - 1.0} for document in channels]
    assert left_out(records, past) == {"no_response": 1}


def test_no_waveform_is_counted():
    records, channels = standard()
    assert left_out({}, channels) == {"no_waveform": 1}
    early = {key: [item.slice(endtime=UTCDateTime(P_TIME - 30)) for item in items] for key, items in records.items()}
    assert left_out(early, channels) == {"no_waveform": 1}


def test_gap_is_counted():
    records, channels = standard()
    middle = UTCDateTime(S_TIME)
    torn = [part for item in records["XX", "AAA"] for part in (item.slice(endtime=middle), item.slice(middle + 0.5))]
    assert left_out({("XX", "AAA"): torn}, channels) == {"gap": 1}
    for item in records["XX", "AAA"]:
        item.data[7000] = np.nan
    assert left_out(records, channels) == {"gap": 1}


def test_low_snr_is_counted():
    assert left_out(*standard(amplitude_m=1e-9, noise_m=1e-8)) == {"low_snr": 1}
    records, channels = standard()
    for item in records["XX", "AAA"]:
        item.data[:] = 0
    assert left_out(records, channels) == {"low_snr": 1}


@pytest.mark.parametrize("full_scale, clip_counts", [(8388607, 8.0e6), (20000, 8.0e6), (4000, 3.9e3)])
def test_clipped_is_counted(full_scale, clip_counts):
    records, channels = standard(amplitude_m=1e-3)
    for item in records["XX", "AAA"]:
        item.data = np.clip(np.round(item.data), -full_scale, full_scale).astype(np.int32)
    config = MagnitudeConfig(min_stations=1, clip_counts=clip_counts)
    assert left_out(records, channels, config) == {"clipped": 1}


def test_quiet_integers_are_not_taken_for_clipped():
    records, channels = standard(amplitude_m=1e-7)
    for item in records["XX", "AAA"]:
        item.data = np.round(item.data).astype(np.int32)
    assert only(local_magnitudes([origin()], records, channels, ONE_STATION))["n_stations"] == 1


def test_distance_limits_are_counted():
    near_and_far = MagnitudeConfig(min_stations=1, min_distance_km=10.0, max_distance_km=100.0)
    assert left_out(*standard(), near_and_far, distance_km=101.0) == {"too_far": 1}
    assert left_out(*standard(), near_and_far, distance_km=9.0) == {"too_near": 1}


def test_low_rate_is_counted():
    response = SENSORS["broad"]
    slow = [trace(record(wave_packet(0.3, 1e-6, rate=1.0), response, 1.0), chan, rate=1.0) for chan in ("HHN", "HHE")]
    assert left_out({("XX", "AAA"): slow}, [channel("HHN"), channel("HHE")]) == {"low_rate": 1}


def test_vertical_is_used_only_where_asked_for():
    records, channels = standard()
    vertical = [trace(records["XX", "AAA"][0].data, "HHZ")]
    documents = [channel("HHZ")]
    assert left_out({("XX", "AAA"): vertical}, documents) == {"no_horizontal": 1}
    config = MagnitudeConfig(min_stations=1, use_vertical=True)
    assert only(local_magnitudes([origin()], {("XX", "AAA"): vertical}, documents, config))["n_stations"] == 1
    # horizontals come first where there are any
    both = {("XX", "AAA"): [trace(100 * vertical[0].data, "HHZ"), *records["XX", "AAA"]]}
    expected = only(local_magnitudes([origin()], records, channels, ONE_STATION))["value"]
    assert only(local_magnitudes([origin()], both, channels + documents, config))["value"] == pytest.approx(expected)


def test_one_horizontal_will_do_and_is_counted():
    records, channels = standard()
    records["XX", "AAA"].pop()
    result = local_magnitudes([origin()], records, channels, ONE_STATION)
    assert result.counts == {"events": 1, "magnitudes": 1, "one_horizontal": 1, "stations_used": 1}


def test_next_sensor_steps_in_where_the_best_is_clipped():
    records, channels = standard()
    expected = only(local_magnitudes([origin()], records, channels, ONE_STATION))["value"]
    strong = [
        trace(record(wave_packet(4.0, 1e-6), SENSORS["accelerometer"]), chan, loc="10") for chan in ("HNE", "HNN")
    ]
    for item in records["XX", "AAA"]:
        item.data[8000] = 8.4e6
    channels += [channel(chan, response=SENSORS["accelerometer"], loc="10") for chan in ("HNE", "HNN")]
    result = local_magnitudes([origin()], {("XX", "AAA"): records["XX", "AAA"] + strong}, channels, ONE_STATION)
    assert only(result)["value"] == pytest.approx(expected, abs=0.01)


def test_other_channels_are_counted():
    assert left_out({("XX", "AAA"): [trace(np.ones(100), "LHN")]}, [channel("LHN")]) == {"other_channels": 1}


# -- windows


def test_missing_phase_is_estimated():
    config = MagnitudeConfig(vp_vs=1.8)
    (from_p,) = station_windows([origin(s=None)], config)
    assert from_p.s_time == pytest.approx(ORIGIN_TIME + 18.0)
    (from_s,) = station_windows([origin(p=None, s=ORIGIN_TIME + 18.0)], config)
    assert from_s.p_time == pytest.approx(P_TIME)


def test_next_event_ends_the_window():
    """A hundred times larger event 15 s later changes nothing; one right after S leaves the first without magnitude."""
    records, channels = standard()
    alone = only(local_magnitudes([origin()], records, channels, ONE_STATION))["value"]
    for item in records["XX", "AAA"]:
        item.data = item.data + record(wave_packet(4.0, 1e-4, at=S_TIME + 36.0), SENSORS["broad"])
    later = origin("e2", ORIGIN_TIME + 15, p=P_TIME + 22.0, s=S_TIME + 30.0)
    result = local_magnitudes([origin()], records, channels, ONE_STATION, [later])
    assert only(result)["value"] == pytest.approx(alone, abs=0.02)
    at_once = origin("e2", ORIGIN_TIME + 5, p=S_TIME + 2.0, s=S_TIME + 9.0)
    result = local_magnitudes([origin()], records, channels, ONE_STATION, [at_once])
    assert result.magnitudes == [] and result.counts["overlapping"] == 1


def test_earlier_event_does_not_end_the_window():
    earlier = origin("e0", ORIGIN_TIME - 8, p=P_TIME - 8.0, s=S_TIME - 8.0)
    (window,) = station_windows([origin()], ONE_STATION, [earlier])
    assert window.end == pytest.approx(S_TIME + 20.0) and not window.overlapped


# -- settings


@pytest.mark.parametrize(
    "settings",
    [
        {"freqmin": 40.0},
        {"min_distance_km": 700.0},
        {"min_after_s_seconds": 30.0},
        {"form": "richter"},
        {"min_stations": 0},
        {"unknown": 1},
    ],
)
def test_senseless_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        MagnitudeConfig(**settings)


def test_settings_load_nothing_heavy():
    code = "import sys; import catalogdb.magnitude; assert not {'numpy', 'scipy', 'obspy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# -- responses that are odd


def with_epochs(*sensitivities):
    """Records of one station, and channel epochs that all are valid: each starts later than the one before."""
    records, channels = standard()
    epochs = [
        document | {"response": document["response"] | {"sensitivity": value}, "starttime": 1e9 + number}
        for document in channels
        for number, value in enumerate(sensitivities)
    ]
    return records, epochs


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
