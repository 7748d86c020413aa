"""One made event of a known type, as miniSEED files, origins and picks."""

from functools import cache

from obspy import Stream, UTCDateTime

from catalogdb.demo.typed_records import typed_records


@cache
def records_of(kind, seed=77, stations=2):
    """The first made event of a type that has so many stations or more."""
    found = []
    for record in typed_records(seed, 24, (kind,)):
        if found and record.event != found[0].event:
            if len(found) >= stations:
                break
            found = []
        found.append(record)
    return found


def at(records, start, prefix="A"):
    """The records at another time, on stations XX.A0, XX.A1, ...: (station, stream, P, S)."""
    found = []
    for number, record in enumerate(records):
        station, shift = f"{prefix}{number}", start - record.starttime
        stream = Stream([trace.copy() for trace in record.traces])
        for trace in stream:
            trace.stats.network, trace.stats.station = "XX", station
            trace.stats.starttime = UTCDateTime(start)
        found.append((station, stream, *(onset.time + shift for onset in record.onsets)))
    return found


def write(made, folder):
    """One miniSEED file for each station."""
    folder.mkdir(parents=True, exist_ok=True)
    for station, stream, _, _ in made:
        stream.write(str(folder / f"{station}.mseed"), format="MSEED", encoding="FLOAT32")
    return folder


def origin_of(made, event_id, config_id, with_s=True):
    """A document of `origin`, P and S of each station its arrivals."""
    first = min(p - (s - p) / 0.73 for _, _, p, s in made)
    arrivals = [
        {"pick_id": f"{event_id}{station}{phase}", "net": "XX", "sta": station, "phase": phase, "time": time}
        | {"distance_km": 8.0 * (s - p)}
        for station, _, p, s in made
        for phase, time in (("P", p), *([("S", s)] if with_s else []))
    ]
    place = {"latitude": 46.3, "longitude": 13.0, "depth_km": 5.0, "time": first, "method": "gamma"}
    about = {
        "_id": f"origin-{event_id}",
        "event_id": event_id,
        "catalog": "test",
        "config_id": config_id,
        "task_id": "a",
    }
    return about | place | {"arrivals": arrivals}
