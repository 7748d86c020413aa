"""The matching job, the views and the analysts' queries on two random catalogs of a given size.

    python -m benchmarks.evaluation [--picks 200000] [--live 60000] [--json] [--data FOLDER]

Two catalogs of `--picks` picks each (the year 2024, 300 stations, one event for 40 picks with 16 of its own; the judged
one has nine of ten of the reference's picks, jittered, some as the other phase, and others of its own) are entered into
an embedded server. Then, each measured for itself: the matching job in a process of its own (seconds, peak memory),
every stored view of evaluation, filtered by the pair's names and read as `catalogdb query` does or, where it holds
scores, whole, the queries of docs/how-to/query-examples.md, five times each, and the pipeline `match_picks` on `--live`
picks of each set.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

CATALOG, REFERENCE = "mine", "analysts"
YEAR = 1704067200.0, 1735689600.0
STATIONS = ["BAD", "BOO", *(f"S{number:03d}" for number in range(298))]
EVENT_PICKS, PICKS_PER_EVENT = 16, 40
SLICE = 40_000
ROWS = 100


def hexadecimal(generator: np.random.Generator, number: int) -> list[str]:
    """Ids as content ids look."""
    return [row.tobytes().hex() for row in generator.integers(0, 256, (number, 16), np.uint8)]


class Maker:
    """Makes both catalogs, slice by slice in order of time."""

    def __init__(self, seed: int = 1):
        self.random = np.random.default_rng(seed)
        self.places = self.random.uniform((45.4, 11.5), (46.8, 14.2), (len(STATIONS), 2))

    def slice(self, start: float, end: float, picks: int) -> dict[str, list[dict[str, Any]]]:
        """Documents by collection, for both catalogs."""
        random = self.random
        events = max(1, picks // PICKS_PER_EVENT)
        origin = np.sort(random.uniform(start, end, events))
        place = random.uniform((45.4, 11.5), (46.8, 14.2), (events, 2))
        magnitude = np.round(random.exponential(0.5, events) + 0.3, 2)
        station = random.integers(0, len(STATIONS), (events, EVENT_PICKS // 2))
        km = 111.0 * np.hypot(*np.moveaxis((self.places[station] - place[:, None]) * (1, 0.69), -1, 0))
        time_of = np.concatenate([origin[:, None] + km / 5.85, origin[:, None] + km / 3.28], axis=1).ravel()
        station_of = np.concatenate([station, station], axis=1).ravel()
        phase_of = np.tile(np.repeat([0, 1], EVENT_PICKS // 2), events)
        alone = picks - events * EVENT_PICKS
        times = np.r_[time_of, random.uniform(start, end, alone)]
        stations = np.r_[station_of, random.integers(0, len(STATIONS), alone)]
        phases = np.r_[phase_of, random.integers(0, 2, alone)]
        owner = np.r_[np.repeat(np.arange(events), EVENT_PICKS), np.full(alone, -1)]
        made = self._catalog(REFERENCE, origin, place, magnitude, times, stations, phases, owner)

        kept = random.random(len(times)) < 0.9
        extra = len(times) // 3 - int(np.count_nonzero(~kept))
        swapped = random.random(int(kept.sum())) < 0.02
        times = np.r_[times[kept] + random.normal(0, 0.1, len(swapped)), random.uniform(start, end, max(extra, 0))]
        stations = np.r_[stations[kept], random.integers(0, len(STATIONS), len(times) - len(swapped))]
        phases = np.r_[phases[kept] ^ swapped, random.integers(0, 2, len(times) - len(swapped))]
        owner = np.r_[owner[kept], np.full(len(times) - len(swapped), -1)]
        found = random.random(events) < 0.95
        owner = np.where((owner >= 0) & np.r_[found, False][owner], owner, -1)
        mine = self._catalog(
            CATALOG,
            origin + random.normal(0, 0.4, events),
            place + random.normal(0, 0.015, place.shape),
            np.round(magnitude + random.normal(0, 0.2, events), 2),
            *(times, stations, phases, owner),
            wanted=found,
        )
        return {name: made[name] + mine[name] for name in made}

    def _catalog(self, name, origin, place, magnitude, times, stations, phases, owner, wanted=None):
        random = self.random
        task = {"config_id": name, "task_id": f"task-{name}"}
        probability = np.round(random.uniform(0.1, 1.0, len(times)), 4)
        identities = hexadecimal(random, len(times))
        picks = [
            {
                "_id": identity,
                "pick_set": name,
                "channel_group": f"OX.{STATIONS[sta]}..HH",
                "net": "OX",
                "sta": STATIONS[sta],
                "loc": "",
                "chan": "HHZ",
                "phase": "PS"[phase],
                "time": moment,
                "uncertainty": 0.1,
                "probability": share,
                "quality": share,
                "snr": 4.0,
                "evaluation_mode": "automatic",
                **task,
            }
            for identity, sta, phase, moment, share in zip(
                identities, stations, phases.tolist(), times.tolist(), probability.tolist(), strict=True
            )
        ]
        arrivals: dict[int, list[dict[str, Any]]] = {}
        for at in np.flatnonzero(owner >= 0):
            row = picks[at]
            arrival = {
                "pick_id": row["_id"],
                "phase": row["phase"],
                "net": "OX",
                "sta": row["sta"],
                "time": row["time"],
            }
            arrivals.setdefault(int(owner[at]), []).append(arrival)
        events = []
        for number, identity in enumerate(hexadecimal(random, len(origin))):
            if wanted is not None and not wanted[number]:
                continue
            latitude, longitude = place[number].tolist()
            where = {"time": float(origin[number]), "latitude": latitude, "longitude": longitude, "depth_km": 8.0}
            own = arrivals.get(number, [])
            events.append(
                {
                    "_id": identity,
                    "catalog": name,
                    **where,
                    "point": {"type": "Point", "coordinates": [longitude, latitude]},
                    "magnitude": float(magnitude[number]),
                    "n_picks": len(own),
                    "evaluation_mode": "automatic",
                    "evaluation_status": "preliminary",
                    "preferred_origin_id": f"o{identity}",
                    "origins": [{"_id": f"o{identity}", "method": "made", **where, "arrivals": own}],
                    "magnitudes": [],
                    **task,
                }
            )
        return {"pick": picks, "event": events}


def fill(db: Any, picks: int) -> float:
    """Enter both catalogs; returns the seconds."""
    began = time.perf_counter()
    maker = Maker()
    slices = max(1, round(picks / SLICE))
    borders = np.linspace(*YEAR, slices + 1)
    for start, end in zip(borders[:-1], borders[1:], strict=True):
        for name, documents in maker.slice(start, end, picks // slices).items():
            # the documents are as the validators want them, a test says so; checking them here is not what is measured
            db[name].insert_many(documents, ordered=False, bypass_document_validation=True)
    db.site.insert_many(
        {"net": "OX", "sta": code, "loc": "", "lat": lat, "lon": lon, "elev": 0.5, "starttime": 0.0, "endtime": 4e9}
        for code, (lat, lon) in zip(STATIONS, maker.places.tolist(), strict=True)
    )
    for name in (CATALOG, REFERENCE):
        kind = "automatic" if name == CATALOG else "reference"
        db.pick_set.insert_one({"_id": name, "kind": kind, "config_id": name})
        period = {"starttime": YEAR[0], "endtime": YEAR[1]}
        db.catalog.insert_one({"_id": name, "kind": kind, "config_id": name, "pick_set": name, **period})
    return time.perf_counter() - began


def matching_job(settings: Any, connection: Any) -> None:
    """Run the job in this process and send what it took."""
    from catalogdb.comparisons import evaluate
    from catalogdb.database.connection import connect

    db = connect(settings, start=False)
    before = time.perf_counter(), time.process_time()
    result = evaluate(db, CATALOG, REFERENCE)
    seconds, cpu = time.perf_counter() - before[0], time.process_time() - before[1]
    steps = db.comparison.find_one({"_id": result["comparison"]})["seconds"]
    before_again = time.perf_counter()
    evaluate(db, CATALOG, REFERENCE)
    connection.send(
        {
            "seconds": round(seconds, 2),
            "cpu_seconds": round(cpu, 2),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0, 1),
            "steps": steps,
            "seconds_when_current": round(time.perf_counter() - before_again, 2),
            "picks": {name: result["both_phases"][name] for name in ("matched", "missed", "wrong_phase", "proposed")},
            "events": {name: result["events"][name] for name in ("matched", "missed", "proposed")},
        }
    )


def view_seconds(db: Any) -> dict[str, float]:
    """Seconds of reading each view of evaluation for the pair: whole where it holds scores, else the first rows."""
    from catalogdb.schema import views

    pair = {"catalog": CATALOG, "reference": REFERENCE}
    found = {}
    for name, view in views().items():
        if view.parameters or view.on not in ("score", "event_match", "pick_match", "comparison"):
            continue
        began = time.perf_counter()
        limit = 0 if view.on in ("score", "comparison") else ROWS
        list(db[name].find(pair).limit(limit))
        found[name] = round(time.perf_counter() - began, 4)
    return found


def query_milliseconds(db: Any, rounds: int = 5) -> dict[str, float]:
    """Median milliseconds of each of the listed queries."""
    from benchmarks._queries import listed, run

    found = {}
    for query in listed():
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            run(db, query)
            times.append(1000 * (time.perf_counter() - began))
        found[query.title] = round(statistics.median(times), 2)
    return found


def live_seconds(db: Any, picks: int, total: int) -> dict[str, Any]:
    """Seconds of the pipeline `match_picks` on a part of the year that holds about so many picks of each set."""
    from catalogdb.comparisons import filled_pipeline

    end = YEAR[0] + (YEAR[1] - YEAR[0]) * min(1.0, picks / total)
    span = {"reference": REFERENCE, "catalog": CATALOG, "starttime": YEAR[0], "endtime": end, "max_dt": 0.5}
    pipeline = [*filled_pipeline("match_picks", **span), {"$group": {"_id": "$outcome", "n": {"$sum": 1}}}]
    began = time.perf_counter()
    counts = {row["_id"]: row["n"] for row in db.pick.aggregate(pipeline, allowDiskUse=True)}
    return {"picks": min(picks, total), "seconds": round(time.perf_counter() - began, 2), "counts": counts}


def measure(picks: int, live: int, folder: Path) -> dict[str, Any]:
    """All figures, on a server of its own in the folder."""
    import psutil

    from catalogdb.database.connection import connect, embedded
    from catalogdb.database.initialise import initialise
    from catalogdb.settings import Settings

    settings = Settings(data_dir=folder, database="benchmark")
    server = embedded(settings)
    try:
        db = connect(settings)
        initialise(db)
        filled = fill(db, picks)
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        worker = context.Process(target=matching_job, args=(settings, sender))
        worker.start()
        sender.close()
        job = receiver.recv()
        worker.join()
        job["server_mb"] = round(psutil.Process(server.status().pid).memory_info().rss / 2**20, 1)
        views, queries = view_seconds(db), query_milliseconds(db)
        ordered = sorted(queries.values())
        return {
            "picks": picks,
            "fill_seconds": round(filled, 1),
            "job": job,
            "views": views,
            "slowest_view_seconds": max(views.values()),
            "queries": queries,
            "query_p95_ms": ordered[int(0.95 * (len(ordered) - 1))],
            "live": live_seconds(db, live, picks),
        }
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--picks", type=int, default=200_000, help="picks of each catalog")
    parser.add_argument("--live", type=int, default=60_000, help="picks of each set for the live pipeline")
    parser.add_argument("--data", type=Path, help="folder of the server; default a temporary one")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        result = measure(arguments.picks, arguments.live, arguments.data or Path(temporary))
    if arguments.json:
        print(json.dumps({"benchmark": "evaluation"} | result))
        return
    job = result["job"]
    print(f"{result['picks']} picks in each catalog, entered in {result['fill_seconds']} s")
    print(f"matching job   {job['seconds']} s ({job['cpu_seconds']} s of CPU), {job['peak_mb']} MB: {job['steps']}")
    print(f"  picks {job['picks']}, events {job['events']}; the server came to {job['server_mb']} MB")
    print(f"  when current {job['seconds_when_current']} s")
    print(f"views          slowest {result['slowest_view_seconds']} s: {_largest(result['views'])}")
    print(f"queries        p95 {result['query_p95_ms']} ms of {len(result['queries'])}: {_largest(result['queries'])}")
    print(f"live pipeline  {result['live']}")


def _largest(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(figures.items(), key=lambda item: -item[1])[:5])


if __name__ == "__main__":
    main()
