"""Local magnitudes: known ground motion through known instruments, and everything that must be left out."""

import math
import subprocess
import sys

import numpy as np
import pytest
from magnitude_records import (
    ONE_STATION,
    ORIGIN_TIME,
    P_TIME,
    S_TIME,
    SENSORS,
    channel,
    only,
    origin,
    record,
    standard,
    trace,
    wave_packet,
)
from obspy import UTCDateTime
from pydantic import ValidationError

from catalogdb.magnitude import MagnitudeConfig
from catalogdb.magnitude.amplitude_windows import station_windows
from catalogdb.magnitude.local import local_magnitudes, minus_log_a0

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


# -- distance, stations, event


def test_hypocentral_distance_includes_depth_and_elevation():
    records, channels = standard()
    for document in channels:
        document["elev"] = 1.5
    event = origin(distance_km=3.0, depth_km=2.5)
    (station,) = only(local_magnitudes([event], records, channels, ONE_STATION))["station_magnitudes"]
    assert station["distance_km"] == pytest.approx(5.0)


@pytest.mark.parametrize(("depth_km", "deep"), [(150.0, 1), (79.0, None), (None, None)])
def test_magnitudes_of_deep_events_are_counted(depth_km, deep):
    result = local_magnitudes([origin(depth_km=depth_km)], *standard(), ONE_STATION)
    assert len(result.magnitudes) == 1 and result.counts.get("deep") == deep


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
