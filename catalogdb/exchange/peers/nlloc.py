"""Files of NonLinLoc: observations, stations, and the control file of its programs Vel2Grid, Grid2Time and NLLoc (its
documentation, Formats and Control File)."""

from __future__ import annotations

import math

import numpy as np

from catalogdb.exchange.peers.events import PeerEvent, PeerInput, moment
from catalogdb.geo import KM_PER_DEGREE, longitude_span, turned
from catalogdb.phases import phase_type
from catalogdb.traveltimes.nonlinloc_models import layer_lines

GRID_KM = 1.0
AROUND_KM = 20.0
DEFAULT_UNCERTAINTY = 0.1
"""Of picks that have none, s."""


def nlloc_files(given: PeerInput) -> dict[str, str]:
    """The files by name."""
    stations = "".join(
        f"GTSRCE {sta:<6s} LATLON {latitude:11.6f} {longitude:11.6f} 0.0 {elevation_km:7.3f}\n"
        for sta, (latitude, longitude, elevation_km) in sorted(given.stations.items())
    )
    return {
        "events.obs": "".join(_observations(event) for event in given.events),
        "stations.in": stations,
        "nlloc.in": _control(given),
    }


def _observations(event: PeerEvent) -> str:
    """An event with its id as PUBLIC_ID, a blank line behind it."""
    lines = [f"PUBLIC_ID {event.event_id}\n"]
    for arrival, uncertainty in zip(event.arrivals, event.uncertainties, strict=True):
        date, seconds = moment(arrival["time"], 4)
        phase = phase_type(arrival["phase"])
        lines.append(
            f"{arrival['sta']:<6s} ?    ?    ? {phase:<6s} ? {date:%Y%m%d %H%M} {seconds:9.4f} "
            f"GAU {uncertainty or DEFAULT_UNCERTAINTY:9.2e} {-1:9.2e} {-1:9.2e} {-1:9.2e} {1:9.4f}\n"
        )
    return "".join(lines) + "\n"


def _control(given: PeerInput) -> str:
    """`Vel2Grid nlloc.in`, `Grid2Time nlloc.in` (once more with S for P in GTFILES), `NLLoc nlloc.in`.

    The ratio of the speeds in LOCMETH is negative, so that NLLoc takes the times of S from their own grids.
    """
    latitudes = [event.origin["latitude"] for event in given.events] or [0.0]
    west, eastern = longitude_span(np.array([event.origin["longitude"] for event in given.events] or [0.0]))
    latitude, longitude = (min(latitudes) + max(latitudes)) / 2.0, turned((west + eastern) / 2.0)
    high = max([position[2] for position in given.stations.values()] + [0.0])
    top, bottom = -math.ceil(high + 1.0), math.ceil(given.deepest_km)
    wide = KM_PER_DEGREE * math.cos(math.radians(latitude)) * (eastern - west) + 2.0 * AROUND_KM
    long = KM_PER_DEGREE * (max(latitudes) - min(latitudes)) + 2.0 * AROUND_KM
    east, north, down = (math.ceil(size / GRID_KM) + 1 for size in (wide, long, bottom - top))
    far = math.ceil(given.farthest_km / GRID_KM) + 1
    grid = f"{far} {down} 0.0 0.0 {top:.1f} {GRID_KM} {GRID_KM} {GRID_KM}"
    return f"""CONTROL 1 54321
TRANS SIMPLE {latitude:.6f} {longitude:.6f} 0.0

VGOUT ./model/layer
VGTYPE P
VGTYPE S
VGGRID 2 {grid} SLOW_LEN
{layer_lines(given.velocity)}# Grid2Time runs twice: with P here, and with S
GTFILES ./model/layer ./time/layer P
GTMODE GRID2D ANGLES_NO
INCLUDE stations.in
GT_PLFD 1.0e-3 0

LOCSIG catalogdb
LOCCOM catalog
LOCFILES events.obs NLLOC_OBS ./time/layer ./loc/catalog
LOCHYPOUT SAVE_NLLOC_ALL
LOCSEARCH OCT 10 10 4 0.01 20000 5000 0 1
LOCGRID {east} {north} {down} {-wide / 2:.1f} {-long / 2:.1f} {top:.1f} {GRID_KM} {GRID_KM} {GRID_KM} PROB_DENSITY SAVE
LOCMETH EDT_OT_WT 9999.0 4 -1 -1 -1.0 6 -1.0 1
LOCGAU 0.1 0.0
LOCGAU2 0.02 0.05 2.0
LOCPHASEID P P p Pg Pn
LOCPHASEID S S s Sg Sn
LOCQUAL2ERR 0.1 0.5 1.0 2.0 99999.9
LOCANGLES ANGLES_NO 5
"""
