"""Association of analysts' picks and of PyOcto's own test set: events found, and windows that change nothing."""

import numpy as np
import pandas as pd
import pytest

from catalogdb.association.associate import associate
from catalogdb.association.config import AssociateConfig
from catalogdb.association.windows import association_windows, owned
from catalogdb.geo import Region

pytestmark = pytest.mark.realdata

OGS_REGION = Region(
    minlatitude=44.3,
    maxlatitude=47.5,
    minlongitude=9.5,
    maxlongitude=15.0,
    projection="+proj=sterea +lon_0=12 +lat_0=46 +units=km",
)


def epoch(times):
    return pd.to_datetime(times, format="ISO8601", utc=True).astype("datetime64[ns, UTC]").astype("int64") / 1e9


def through_windows(picks, stations, region, config):
    times = np.array([pick["time"] for pick in picks])
    origins = []
    for window in association_windows(times[0] - 60.0, times[-1], config.window_seconds, config.overlap_seconds):
        inside = (times >= window.read_starttime) & (times < window.read_endtime)
        read = [pick for pick, keep in zip(picks, inside, strict=True) if keep]
        origins += owned(associate(read, stations, region, config).origins, window)
    return origins


def pick_sets(origins):
    """Of each event, in order of time."""
    return [
        frozenset(arrival["pick_id"] for arrival in origin["arrivals"])
        for origin in sorted(origins, key=lambda origin: origin["time"])
    ]


@pytest.fixture(scope="module")
def ogs(realdata):
    folder = realdata / "ogs_2024_h1"
    picks = pd.read_csv(folder / "picks_manual.csv").assign(epoch=lambda rows: epoch(rows.time))
    picks = picks[picks.time.str[:10] == "2024-03-28"].sort_values("epoch", kind="stable")
    stations = pd.read_csv(folder / "stations.csv")
    return (
        [
            {"_id": f"{n:05d}", "net": "", "sta": r.station, "phase": r.phase, "time": r.epoch, "event": r.event_id}
            for n, r in enumerate(picks.itertuples())
        ],
        [
            {"net": "", "sta": r.station, "latitude": r.latitude, "longitude": r.longitude,
             "elevation_km": r.elevation_m / 1e3}
            for r in stations.itertuples()
        ],
    )  # fmt: skip


@pytest.mark.parametrize("associator", ["gamma", "pyocto"])
def test_events_do_not_depend_on_the_windows(ogs, associator):
    picks, stations = ogs
    settings = {"associator": associator, "velocity": {"vp": 5.85, "vs": 3.28}, "min_p": 3, "min_s": 2}
    settings |= {"gamma": {"dbscan_eps": 8.1, "max_sigma11": 1.5}}
    hourly = through_windows(picks, stations, OGS_REGION, AssociateConfig(**settings))
    longer = through_windows(picks, stations, OGS_REGION, AssociateConfig(**settings, window_seconds=10000.0))
    # What is usual in a window counts in the test of chance, so a pick may be a stranger in one and not in the other.
    pairs = list(zip(pick_sets(hourly), pick_sets(longer), strict=True))
    assert all(len(one ^ other) <= 1 for one, other in pairs)
    assert sum(one == other for one, other in pairs) >= 0.95 * len(pairs)
    used = [arrival["pick_id"] for origin in hourly for arrival in origin["arrivals"]]
    assert len(used) == len(set(used))
    true_event = {pick["_id"]: pick["event"] for pick in picks}
    found = {frozenset(true_event[pick] for pick in members) for members in pick_sets(hourly)}
    whole = {event for members in found if len(members) == 1 for event in members}
    assert len(whole) >= 0.9 * len(set(true_event.values()))


def test_northern_chile_with_noise_picks(realdata):
    folder = realdata / "chile_pyocto"
    table = pd.read_csv(folder / "picks.csv").assign(epoch=lambda rows: epoch(rows.time)).sort_values("epoch")
    picks = [
        {"_id": f"{n:05d}", "net": "CX", "sta": r.station, "phase": r.phase, "time": r.epoch, "event": r.event}
        for n, r in enumerate(table.itertuples())
    ]
    stations = [
        {"net": "CX", "sta": r.id, "latitude": r.latitude, "longitude": r.longitude, "elevation_km": r.elevation / 1e3}
        for r in pd.read_csv(folder / "stations.csv").itertuples()
    ]
    region = Region(minlatitude=-25, maxlatitude=-18, minlongitude=-71.5, maxlongitude=-68, maxdepth_km=200)
    config = AssociateConfig(
        associator="pyocto", velocity={"vp": 7.0, "vs": 4.0}, min_picks=10, min_p=3, min_s=3, window_seconds=86400.0
    )
    origins = through_windows(picks, stations, region, config)
    true_event = {pick["_id"]: pick["event"] for pick in picks}
    found = set()
    for members in pick_sets(origins):
        events = [true_event[pick] for pick in members]
        best = max(set(events), key=events.count)
        if best >= 0 and events.count(best) >= 0.9 * len(events):
            found.add(best)
    assert len(found) >= 48
    assert len(origins) <= 52
