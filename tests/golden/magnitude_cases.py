"""Local magnitudes and the responses that they are made with."""

import numpy as np
from association_cases import CATALOG
from made_inputs import START, noise, trace
from obspy.core.inventory import Channel
from obspy.core.inventory.response import InstrumentSensitivity, PolesZerosResponseStage, Response, ResponseStage
from pinning import Case

from catalogdb.magnitude.config import MagnitudeConfig
from catalogdb.magnitude.local import local_magnitudes, minus_log_a0
from catalogdb.stations.response import response_document

STATIONS = ("AAA", "BBB", "CCC")
SENSORS = {
    "AAA": ("LAPLACE (RADIANS/SECOND)", [-4.44 + 4.44j, -4.44 - 4.44j], [0j, 0j], "M/S"),
    "BBB": ("LAPLACE (HERTZ)", [-0.7 + 0.7j, -0.7 - 0.7j], [0j, 0j], "NM/S"),
    "CCC": ("LAPLACE (RADIANS/SECOND)", [-444 + 444j, -444 - 444j], [], "M/S**2"),
}


def response(sta: str) -> dict:
    kind, poles, zeros, unit = SENSORS[sta]
    scale = 1e-9 if unit.startswith("N") else 1.0
    sensor = PolesZerosResponseStage(
        1, 1500.0 * scale, 5.0, unit, "V", kind, 5.0, zeros, poles, normalization_factor=1.0
    )
    recorder = ResponseStage(2, 4e5, 5.0, "V", "COUNTS")
    sensitivity = None if sta == "BBB" else InstrumentSensitivity(6e8, 5.0, unit, "COUNTS")
    channel = Channel("HHN", "", 46.0, 13.0, 0.0, 0.0)
    channel.response = Response(instrument_sensitivity=sensitivity, response_stages=[sensor, recorder])
    return response_document(channel)


def magnitudes():
    p_time, s_time = START + 40.0, START + 47.5
    time = np.arange(12_000) / 100.0 - 53.0
    records, channels, arrivals = {}, [], []
    for number, sta in enumerate(STATIONS):
        records["XX", sta] = []
        for place, chan in enumerate(("HHE", "HHN")):
            ground = (number + 1) * 4e3 * np.exp(-0.5 * (time / 2.0) ** 2) * np.cos(2 * np.pi * (3 + place) * time)
            records["XX", sta].append(trace(ground + noise(number, time.size, 3.0), chan, 100.0, sta=sta))
            epoch = {"lat": 46.0, "lon": 13.0, "elev": 0.5, "starttime": 0.0, "endtime": 2.5e9}
            codes = {"net": "XX", "sta": sta, "loc": "", "chan": chan}
            channels.append(codes | epoch | {"response": response(sta)})
        for phase, at in (("P", p_time), ("S", s_time)):
            where = {"net": "XX", "sta": sta, "distance_km": 30.0 + 20.0 * number}
            arrivals.append(where | {"pick_id": f"{sta}{phase}", "phase": phase, "time": at})
    origin = {"event_id": "e", "time": START + 30.0, "latitude": 46.5, "longitude": 13.0, "depth_km": 9.0}
    origin["arrivals"] = arrivals
    found = []
    for config in CONFIGS:
        result = local_magnitudes([origin], records, channels, config)
        found.append([result.magnitudes, result.counts, result.problems])
        found.append([minus_log_a0(distance, config) for distance in (5.0, 17.0, 100.0, 420.0)])
    return found


CONFIGS = (
    MagnitudeConfig(min_stations=2, station_terms={"BBB": 0.15}),
    MagnitudeConfig(min_stations=2, form="ogs", amplitude="zero_to_peak", water_level_db=12.0),
)

CASES = (Case("magnitudes", CATALOG, magnitudes, [config.model_dump(mode="json") for config in CONFIGS]),)
