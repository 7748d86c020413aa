"""Made records of horizontal seismometers with known ground motion, and the origins that they belong to."""

import math

import numpy as np
from obspy import Trace, UTCDateTime
from obspy.signal.invsim import paz_to_freq_resp

from catalogdb.magnitude import MagnitudeConfig

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


def with_epochs(*sensitivities):
    """Records of one station, and channel epochs that all are valid: each starts later than the one before."""
    records, channels = standard()
    epochs = [
        document | {"response": document["response"] | {"sensitivity": value}, "starttime": 1e9 + number}
        for document in channels
        for number, value in enumerate(sensitivities)
    ]
    return records, epochs
