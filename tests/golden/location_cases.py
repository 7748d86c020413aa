"""Location by density with station terms, and double differences."""

import math
import random

import numpy as np
from made_inputs import REGION, START, STATIONS
from pinning import Case

from catalogdb.geo import distance_azimuth
from catalogdb.location.config import LocateConfig
from catalogdb.location.documents import Placed, locate_origins
from catalogdb.relocation.config import RelocateConfig
from catalogdb.relocation.documents import Arrival, relocate_origins
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

LOCATE, RELOCATE = "catalogdb/stages/locate.py:REVISION", "catalogdb/stages/relocate.py:REVISION"
MODEL = VelocityConfig(
    layers=(VelocityLayer(depth_km=0.0, vp=5.85, vs=3.29), VelocityLayer(depth_km=22.0, vp=6.8, vs=3.82))
)
EVENTS, KM = 24, 111.2
LATE = {"AAA": 0.15, "FFF": -0.1}
CONFIGS = (LocateConfig(terms="none"), LocateConfig(terms="source"), LocateConfig(terms="none", errors="hypo71"))


def catalog() -> tuple[list[dict], list[list[tuple[dict, str, float]]]]:
    """Origins, and for each of them rows of station, phase and time: readings off by 0.05 s, some stations late."""
    draw = random.Random(11)
    depths = [-row["elevation_km"] for row in STATIONS]
    times = travel_times(MODEL, 200.0, 0.0, 30.0, (min(depths), max(depths)))
    origins, arrivals = [], []
    for number in range(EVENTS):
        place = {"latitude": 46.36 + 0.02 * draw.gauss(0, 1), "longitude": 13.0 + 0.03 * draw.gauss(0, 1)}
        place |= {"depth_km": 9.0 + draw.gauss(0, 1), "time": START + 500.0 * number, "event_id": f"e{number:02d}"}
        origins.append(place)
        own = []
        for row, depth in zip(STATIONS, depths, strict=True):
            far, _ = distance_azimuth(place["latitude"], place["longitude"], [row["latitude"]], [row["longitude"]])
            for phase in "PS":
                travel = times(np.array([far[0]]), place["depth_km"], depth, phase == "S")[0]
                if draw.random() < 0.85:
                    late = LATE.get(row["sta"], 0.0) + 0.05 * draw.gauss(0, 1)
                    own.append((row, phase, place["time"] + float(travel) + late))
        arrivals.append(own)
    return origins, arrivals


def _offset(origin: dict, start: dict) -> list[float]:
    """East, north and down of where the event was made, km, and its delay, s."""
    scale = math.cos(math.radians(start["latitude"]))
    return [
        KM * scale * (origin["longitude"] - start["longitude"]), KM * (origin["latitude"] - start["latitude"]),
        origin["depth_km"] - start["depth_km"], origin["time"] - start["time"],
    ]  # fmt: skip


def located() -> list:
    origins, arrivals = catalog()
    placed = [
        [
            Placed(f"{row['sta']}{phase}", phase, "XX", row["sta"], time, f"weight {number % 2}", row["latitude"],
                   row["longitude"], row["elevation_km"])
            for number, (row, phase, time) in enumerate(own)
        ]
        for own in arrivals
    ]  # fmt: skip
    found = []
    for config in CONFIGS:
        result = locate_origins(origins, placed, REGION, 50.0, MODEL, config)
        names = ("time_uncertainty", "horizontal_uncertainty_km", "depth_68_km", "epicentre_90_km", "limits", "bimodal")
        rows = [
            [_offset(origin, start), [origin.get(name) for name in names]]
            for origin, start in zip(result.origins, origins, strict=True)
        ]
        terms = [[term["sta"], term["phase"], term["value"], term["count"]] for term in result.terms]
        found.append([rows, terms, result.counts])
    return found


def relocated() -> list:
    origins, arrivals = catalog()
    placed = [
        [
            Arrival(f"{row['sta']}{phase}", phase, "XX", row["sta"], time, 1.0, row["latitude"], row["longitude"],
                    row["elevation_km"])
            for row, phase, time in own
        ]
        for own in arrivals
    ]  # fmt: skip
    result = relocate_origins(origins, placed, REGION, MODEL, RELOCATION)
    by_id = {origin["event_id"]: origin for origin in origins}
    rows = [[_offset(o, by_id[o["event_id"]]), o["n_differences"], o["covariance_km2"]] for o in result.origins]
    return [rows, len(result.pairs), result.counts["pairs"]]


RELOCATION = RelocateConfig(bootstrap=20)

CASES = (
    Case("locations", LOCATE, located, [config.model_dump(mode="json") for config in CONFIGS], decimals=2),
    Case("relocations", RELOCATE, relocated, RELOCATION.model_dump(mode="json"), decimals=2),
)
