"""Files of VELEST: events with travel times (.cnv), stations (.sta) and the model (.mod) (Kissling, Kradolfer and
Maurer, 1995, Program VELEST user's guide, ETH Zurich)."""

from __future__ import annotations

from catalogdb.exchange.peers.events import PeerEvent, PeerInput
from catalogdb.phases import phase_type

PHASES_IN_A_LINE = 6
LONGEST_CODE = 4
CODE_TOO_LONG = f"arrivals of stations with a code of more than {LONGEST_CODE} letters"
NO_DAMPING = 1.0


def velest_files(given: PeerInput) -> dict[str, str]:
    """The files by name."""
    stations = {sta: place for sta, place in sorted(given.stations.items()) if len(sta) <= LONGEST_CODE}
    given.left_out[CODE_TOO_LONG] += sum(
        arrival["sta"] not in stations for event in given.events for arrival in event.arrivals
    )
    rows = [
        f"{sta:<4s}{abs(latitude):7.4f}{'S' if latitude < 0 else 'N'} {abs(longitude):8.4f}"
        f"{'W' if longitude < 0 else 'E'} {elevation_km * 1000:4.0f} 1 {number:3d} {0.0:5.2f}  {0.0:5.2f}\n"
        for number, (sta, (latitude, longitude, elevation_km)) in enumerate(stations.items(), 1)
    ]
    return {
        "catalog.cnv": "".join(_event(event, stations) for event in given.events) + "9999\n",
        "stations.sta": "(a4,f7.4,a1,1x,f8.4,a1,1x,i4,1x,i1,1x,i3,1x,f5.2,2x,f5.2)\n" + "".join(rows) + "\n",
        "model.mod": _model(given),
        "event_ids.csv": given.ids(),
    }


def _event(event: PeerEvent, stations: dict[str, tuple[float, float, float]]) -> str:
    """Head (3i2,1x,2i2,1x,f5.2,1x,f7.4,a1,1x,f8.4,a1,1x,f7.2,2x,f5.2) and six phases to the line (a4,a1,i1,f6.2)."""
    date, seconds = event.written_time
    latitude, longitude = event.origin["latitude"], event.origin["longitude"]
    head = (
        f"{date:%y%m%d} {date:%H%M} {seconds:5.2f} {abs(latitude):7.4f}{'S' if latitude < 0 else 'N'} "
        f"{abs(longitude):8.4f}{'W' if longitude < 0 else 'E'} {event.depth_km:7.2f}  {event.magnitude:5.2f}"
    )
    phases = [
        f"{arrival['sta']:<4s}{phase_type(arrival['phase'])}{weight:1d}{arrival['time'] - event.started:6.2f}"
        for arrival, weight in zip(event.arrivals, event.weights, strict=True)
        if arrival["sta"] in stations
    ]
    lines = ["".join(phases[first : first + PHASES_IN_A_LINE]) for first in range(0, len(phases), PHASES_IN_A_LINE)]
    return "\n".join([f"{head} {event.number:10d}", *lines]) + "\n\n"


def _model(given: PeerInput) -> str:
    """P layers, then S layers: speed, top, damping (f5.2,5x,f7.2,2x,f7.3)."""
    text, layers = "model of the catalog\n", given.in_steps(given.layers)
    for phase, column in (("P", 1), ("S", 2)):
        text += f"{len(layers):3d}        vel,depth,vdamp,phase (f5.2,5x,f7.2,2x,f7.3,3x,a1)\n"
        for layer in layers:
            text += f"{layer[column]:5.2f}     {layer[0]:7.2f}  {NO_DAMPING:7.3f}   {phase}\n"
    return text
