"""Files of HYPOINVERSE-2000: phases in the archive format of the year 2000, stations of format 2, crustal models
(Klein, 2002, User's Guide to HYPOINVERSE-2000, USGS Open-File Report 02-171, sections on the formats)."""

from __future__ import annotations

from itertools import pairwise

from catalogdb.errors import InputError
from catalogdb.exchange.peers.events import MOST_STEPS, PeerEvent, PeerInput, minutes, moment
from catalogdb.phases import phase_type

LONGEST_CODE = 5
CODE_TOO_LONG = f"arrivals of stations with a code of more than {LONGEST_CODE} letters"


def hypoinverse_files(given: PeerInput) -> dict[str, str]:
    """The files by name: phases, stations, one model of P and one of S, and a file of commands.

    Raises:
        InputError: for a model that HYPOINVERSE stops at, with a layer slower than the one above it, or of which it
            leaves out the deepest layers, there being too many.
    """
    networks = {arrival["sta"]: arrival.get("net") or "" for event in given.events for arrival in event.arrivals}
    phases = "".join(_event(event) for event in given.events)
    layers = given.in_steps(given.below_sea_level)
    if len(layers) > MOST_STEPS:
        raise InputError(
            f"a model of {len(layers)} layers: HYPOINVERSE reads the first {MOST_STEPS} and leaves out the deeper ones",
            hint=f"--velocity-model NAME takes one of up to {MOST_STEPS} layers",
        )
    for above, below in pairwise(layers):
        if below[1] < above[1] or below[2] < above[2]:
            raise InputError(
                f"the layer below {below[0]:g} km is slower than the one above it: HYPOINVERSE refuses such a model",
                hint="--velocity-model NAME takes one whose speeds don't fall with depth",
            )
    stations = "".join(
        _station(sta, networks.get(sta, ""), *position)
        for sta, position in sorted(given.stations.items())
        if len(sta) <= LONGEST_CODE
    )
    given.left_out[CODE_TOO_LONG] += sum(
        len(arrival["sta"]) > LONGEST_CODE for event in given.events for arrival in event.arrivals
    )
    return {
        "catalog.phs": phases,
        "stations.sta": stations,
        "p.crh": _model("P", [(top, vp) for top, vp, _ in layers]),
        "s.crh": _model("S", [(top, vs) for top, _, vs in layers]),
        "catalog.hyp": COMMANDS,
        "event_ids.csv": given.ids(),
    }


COMMANDS = """* Commands of HYPOINVERSE-2000: run as `hyp2000 < catalog.hyp`
200 T 1900 0
H71 1 1 3
STA 'stations.sta'
CRH 1 'p.crh'
CRH 2 's.crh'
SAL 1 2
COP 3
CAR 3
PHS 'catalog.phs'
ARC 'catalog.arc'
SUM 'catalog.sum'
PRT 'catalog.prt'
LOC
STO
"""


def _event(event: PeerEvent) -> str:
    """Head, a line for each station, and the end with the number in columns 63 to 72."""
    date, seconds = event.written_time
    latitude, longitude = event.origin["latitude"], event.origin["longitude"]
    (north, north_minutes), (east, east_minutes) = minutes(latitude), minutes(longitude)
    head = (
        f"{date:%Y%m%d%H%M}{seconds * 100:4.0f}{north:2d}{'S' if latitude < 0 else ' '}{north_minutes * 100:4.0f}"
        f"{east:3d}{'E' if longitude >= 0 else ' '}{east_minutes * 100:4.0f}{event.depth_km * 100:5.0f}"
    )
    stations: dict[str, dict[str, tuple[float, int, str]]] = {}
    for arrival, weight in zip(event.arrivals, event.weights, strict=True):
        if len(arrival["sta"]) > LONGEST_CODE:
            continue
        phase = phase_type(arrival["phase"]) or "P"
        stations.setdefault(arrival["sta"], {})[phase] = arrival["time"], weight, arrival.get("net") or ""
    lines = [_readings(sta, found) for sta, found in stations.items()]
    return "\n".join([f"{head:<136s}{event.number:10d}", *lines, f"{'':62s}{event.number:10d}"]) + "\n"


def _readings(sta: str, found: dict[str, tuple[float, int, str]]) -> str:
    """P in columns 14 to 34, S in 42 to 50; both count from the minute of the first one."""
    date, _ = moment(min(time for time, _, _ in found.values()), 2)
    net = next(iter(found.values()))[2]
    seconds = {phase: f"{(time - date.timestamp()) * 100:5.0f}" for phase, (time, _, _) in found.items()}
    p_weight = found["P"][1] if "P" in found else 4
    p = f"{'IP' if 'P' in found else '  '} {p_weight:1d}{date:%Y%m%d%H%M}{seconds.get('P', '    0')}"
    s = f"{seconds['S']}ES {found['S'][1]:1d}" if "S" in found else ""
    return f"{sta:<5s}{net:<2.2s}{'':6s}{p:<21s}{'':7s}{s}".rstrip()


def _station(sta: str, net: str, latitude: float, longitude: float, elevation_km: float) -> str:
    (north, north_minutes), (east, east_minutes) = minutes(latitude), minutes(longitude)
    return (
        f"{sta:<5s} {net:<2.2s} {'':5s} {north:2d} {north_minutes:7.4f}{'S' if latitude < 0 else 'N'}"
        f"{east:3d} {east_minutes:7.4f}{'W' if longitude < 0 else 'E'}{max(elevation_km, 0.0) * 1000:4.0f}\n"
    )


def _model(name: str, layers: list[tuple[float, float]]) -> str:
    """Speed and top of each layer; the first one begins at 0."""
    rows = [f"{speed:5.2f}{top:5.2f}\n" for top, speed in layers]
    return f"{name + ' speeds':<30s}\n" + "".join(rows)
