"""Files of ph2dt and HypoDD: phases, stations, differential times, and the numbers of the events, which are whole
numbers there (Waldhauser, 2001, hypoDD, USGS Open-File Report 01-113)."""

from __future__ import annotations

from catalogdb.exchange.peers.events import PeerEvent, PeerInput
from catalogdb.exchange.peers.growclust import pair_lines
from catalogdb.phases import phase_type


def hypodd_files(given: PeerInput) -> dict[str, str]:
    """The files by name; dt.ct holds the pairs that the catalog was relocated by, or is not there: ph2dt makes it of
    phase.dat."""
    stations = "".join(
        f"{sta:<7s} {latitude:10.6f} {longitude:11.6f} {elevation_km * 1000.0:7.0f}\n"
        for sta, (latitude, longitude, elevation_km) in sorted(given.stations.items())
    )
    files = {
        "phase.dat": "".join(_phases(event) for event in given.events),
        "station.dat": stations,
        "event_ids.csv": given.ids(),
    }
    if given.linked:
        files["dt.ct"] = _catalog_times(given)
    if given.correlated:
        files["dt.cc"] = "".join(pair_lines(pair) for pair in given.correlated)
    return files


def _phases(event: PeerEvent) -> str:
    date, seconds = event.written_time
    own = event.origin
    head = (
        f"# {date:%Y %m %d %H %M} {seconds:6.2f} {own['latitude']:10.6f} {own['longitude']:11.6f} "
        f"{event.depth_km:8.3f} {event.magnitude:5.2f} {own.get('horizontal_uncertainty_km') or 0.0:7.3f} "
        f"{own.get('depth_uncertainty_km') or 0.0:7.3f} {own.get('rms') or 0.0:6.3f} {event.number:9d}\n"
    )
    return head + "".join(
        f"{sta:<7s} {time:9.4f} {weight:6.3f} {phase}\n" for (sta, phase), (time, weight) in _travel(event).items()
    )


def _travel(event: PeerEvent) -> dict[tuple[str, str], tuple[float, float]]:
    """Travel times (s) and weights (0..1) by station and phase."""
    started = event.started
    return {
        (arrival["sta"], str(phase_type(arrival["phase"]))): (
            arrival["time"] - started,
            min(max(arrival.get("weight", 1.0), 0.0), 1.0),
        )
        for arrival in event.arrivals
    }


def _catalog_times(given: PeerInput) -> str:
    travel = {event.number: _travel(event) for event in given.events}
    text = []
    for first, second in given.linked:
        both = travel[first].keys() & travel[second].keys()
        text.append(f"# {first:9d} {second:9d}\n")
        for sta, phase in sorted(both):
            (one, one_weight), (other, other_weight) = travel[first][sta, phase], travel[second][sta, phase]
            text.append(f"{sta:<7s} {one:9.4f} {other:9.4f} {(one_weight + other_weight) / 2.0:6.4f} {phase}\n")
    return "".join(text)
