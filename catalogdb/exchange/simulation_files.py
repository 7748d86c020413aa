"""Sources and stations for programs that simulate or invert: SPECFEM3D, SeisSol, MTUQ, NoisePy.

Sources: the manuals of SPECFEM3D (CMTSOLUTION, STATIONS) and SeisSol (receivers), CAP's weight files as MTUQ reads
them, NoisePy's station table.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from catalogdb.documents.data import Event, OriginArrival, Pick
from catalogdb.errors import InputError
from catalogdb.exchange.event_parts import preferred_origin
from catalogdb.exchange.writer_words import NO_ARRIVALS, NO_DEPTH, NO_MAGNITUDE, UNLOCATED
from catalogdb.geo import Projection
from catalogdb.phases import phase_type
from catalogdb.stations.places import Place
from catalogdb.times import utc_datetime

Events = Iterable[tuple[Event, list[Pick]]]
Places = Mapping[tuple[str, str], Place]
"""Places of stations by network and station code."""
NO_MECHANISM = "moment tensors: none is known, an explosion of the magnitude stands in the file"
NO_DISTANCE = "distances: unknown, 0 stands in the file"
NO_NETWORK = "--"
NOISEPY_COLUMNS = ("network", "station", "channel", "latitude", "longitude", "elevation")


def write_cmtsolution(events: Events, stream: BinaryIO, left_out: Counter[str]) -> int:
    """A CMTSOLUTION for each event, one after the other.

    A catalog knows no mechanism, so the tensor is an isotropic one of the magnitude's moment (Hanks and Kanamori, 1979,
    JGR 84(B5), M0 = 10^(1.5 M + 16.1) dyn cm, taken for any type of magnitude; each diagonal element is sqrt(2/3) M0),
    which is counted in `left_out`. The half duration is 1.05e-8 M0^(1/3) s (Ekstrom et al., 2012, PEPI 200, eq. 3).
    """
    number = 0
    for event, _ in events:
        reasons = {UNLOCATED: "latitude", NO_DEPTH: "depth_km", NO_MAGNITUDE: "magnitude"}
        if reason := next((reason for reason, name in reasons.items() if name not in event), None):
            left_out[reason] += 1
            continue
        left_out[NO_MECHANISM] += 1
        stream.write(_cmtsolution(event).encode())
        number += 1
    return number


def _cmtsolution(event: Event) -> str:
    moment_dyn_cm = 10.0 ** (1.5 * event["magnitude"] + 16.1)
    diagonal = math.sqrt(2.0 / 3.0) * moment_dyn_cm
    when = utc_datetime(round(event["time"], 2))
    depth_km, magnitude = event["depth_km"], event["magnitude"]
    place = " ".join((event.get("place") or "unknown place").split())[:24]
    tensor = {name: diagonal for name in ("Mrr", "Mtt", "Mpp")} | dict.fromkeys(("Mrt", "Mrp", "Mtp"), 0.0)
    lines = [
        f" PDE {when:%Y %m %d %H %M} {when.second + when.microsecond / 1e6:5.2f} {event['latitude']:9.4f} "
        f"{event['longitude']:10.4f} {depth_km:6.1f} {magnitude:.1f} {magnitude:.1f} {place}",
        f"event name:       {event['_id'][:16]}",
        f"time shift:       {0.0:.4f}",
        f"half duration:    {1.05e-8 * moment_dyn_cm ** (1.0 / 3.0):.4f}",
        f"latitude:         {event['latitude']:.6f}",
        f"longitude:        {event['longitude']:.6f}",
        f"depth:            {depth_km:.4f}",
        *(f"{name}:      {value:14.6e}" for name, value in tensor.items()),
    ]
    return "\n".join(lines) + "\n"


def write_mtuq_weights(events: Events, stream: BinaryIO, left_out: Counter[str], written: Counter[str]) -> int:
    """CAP's weight file of one event, as MTUQ reads it: a line for each station with an arrival, nearest first.

    Columns: event.NET.STA.LOC.BI, distance (km), weights of body waves (vertical, radial) and surface waves (vertical,
    radial, transverse), seconds from the origin to the P, 0, to the S, 0, 0; 0 for an arrival that is not there.

    Raises:
        InputError: for more than one event: a file has no room for a second one.
    """
    number = 0
    for event, picks in events:
        if number:
            raise InputError("a weight file is of one event", hint="choose it: --eventid ID")
        lines = _weights(event, {pick["_id"]: pick for pick in picks}, left_out)
        if not lines:
            left_out[UNLOCATED if "latitude" not in event else NO_ARRIVALS] += 1
            continue
        stream.write("".join(lines).encode())
        written["picks"] += len(preferred_origin(event)["arrivals"])
        number += 1
    return number


def _weights(event: Event, picks: Mapping[str, Pick], left_out: Counter[str]) -> list[str]:
    origin = preferred_origin(event)
    stations: dict[tuple[str, str], dict[str | None, OriginArrival]] = {}
    for arrival in sorted(origin.get("arrivals", []), key=lambda arrival: arrival["time"]):
        phases = stations.setdefault((arrival.get("net") or "", arrival["sta"]), {})
        phases.setdefault(phase_type(arrival["phase"]), arrival)
    rows = []
    for (net, sta), phases in stations.items():
        first = next(iter(phases.values()))
        pick = picks.get(first["pick_id"])
        name = ".".join((event["_id"], net, sta, pick["loc"] if pick else "", pick["chan"][:2] if pick else ""))
        after = {phase: arrival["time"] - origin["time"] for phase, arrival in phases.items()}
        if (distance := first.get("distance_km")) is None:
            left_out[NO_DISTANCE] += 1
            distance = 0.0
        rows.append(
            (distance, f"{name} {distance:.3f} 1 1 1 1 1 {after.get('P', 0.0):.4f} 0 {after.get('S', 0.0):.4f} 0 0\n")
        )
    return [line for _, line in sorted(rows)]


def write_specfem_stations(places: Places, stream: BinaryIO) -> int:
    """STATIONS of SPECFEM: station before network, latitude, longitude, elevation (m), burial (m)."""
    for (net, sta), place in sorted(places.items()):
        elevation_m = 1000.0 * place.elevation_km
        where = f"{place.latitude:11.6f} {place.longitude:11.6f} {elevation_m:8.1f} {0.0:6.1f}"
        stream.write(f"{sta:<8s} {net or NO_NETWORK:<4s} {where}\n".encode())
    return len(places)


def write_seissol_receivers(places: Places, stream: BinaryIO) -> int:
    """Receivers of SeisSol: x (east), y (north) and z (up), in metres, in the UTM zone of the stations' middle.

    Lines stand in the order of network and station code, as those of the other station files do: the format has no
    names. The mesh must lie in the same zone, which `utm_zone` tells.
    """
    if not places:
        return 0
    projection = Projection(utm_zone(places))
    for _, place in sorted(places.items()):
        x_km, y_km = projection.to_xy(place.longitude, place.latitude)
        stream.write(f"{1000 * float(x_km):.3f} {1000 * float(y_km):.3f} {1000 * place.elevation_km:.3f}\n".encode())
    return len(places)


def utm_zone(places: Places) -> str:
    """The EPSG code of the UTM zone (WGS 84) of the middle of the stations."""
    latitudes = [place.latitude for place in places.values()]
    east = [math.radians(place.longitude) for place in places.values()]
    middle = math.degrees(math.atan2(sum(map(math.sin, east)), sum(map(math.cos, east))))
    zone = min(int((middle + 180.0) // 6.0) + 1, 60)
    return f"EPSG:{(326 if sum(latitudes) >= 0.0 else 327) * 100 + zone}"


def write_noisepy_stations(places: Places, stream: BinaryIO) -> int:
    """NoisePy's station table: all channels of each station."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(NOISEPY_COLUMNS)
    for (net, sta), place in sorted(places.items()):
        where = (f"{place.latitude:.6f}", f"{place.longitude:.6f}", f"{1000 * place.elevation_km:.1f}")
        writer.writerow((net or NO_NETWORK, sta, "*", *where))
    text.detach()
    return len(places)
