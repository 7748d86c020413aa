"""Catalogs that locators are measured on, as arrays: Ridgecrest's synthetic events, and the OGS half-year."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from catalogdb.geo import Projection, Region
from catalogdb.location.arrivals import Arrivals, Network, pad
from catalogdb.location.solve import Earth
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

OGS_REGION = Region(
    minlatitude=44.3, maxlatitude=47.5, minlongitude=9.5, maxlongitude=15.0, mindepth_km=0, maxdepth_km=40,
    projection="+proj=sterea +lon_0=12 +lat_0=46 +units=km",
)  # fmt: skip
OGS_MODEL = VelocityConfig(
    layers=tuple(
        VelocityLayer(depth_km=top, vp=vp, vs=vp / 1.78) for top, vp in ((0.0, 5.85), (22.0, 6.8), (39.5, 8.0))
    )
)
RIDGECREST_REGION = Region(
    minlatitude=35.4, maxlatitude=36.3, minlongitude=-118.0, maxlongitude=-117.2, mindepth_km=-1, maxdepth_km=20
)
FEWEST_ARRIVALS = 4


@dataclass(frozen=True)
class Case:
    """A catalog's arrivals; `grade` of each is twice its weight, and one more for S."""

    earth: Earth
    arrivals: Arrivals
    names: np.ndarray
    plane: Projection


def epoch(times: pd.Series) -> np.ndarray:
    """Epoch seconds."""
    return pd.to_datetime(times, format="ISO8601", utc=True).astype("datetime64[ns, UTC]").astype("int64") / 1e9


def ridgecrest(folder: Path) -> Case:
    """1,000 events made in a 3-D model, with the 1-D model that all peers used."""
    stations = pd.read_csv(folder / "station.csv").rename(columns={"elevation": "elevation_km"})
    picks = pd.read_csv(folder / "phase.csv").rename(columns={"evid": "event_id"})
    model = pd.read_csv(folder / "vel.csv")
    stations["station"], picks["station"] = stations.station.str.strip(), picks.station.str.strip()
    picks["weight"] = 0
    return _case(stations, picks, RIDGECREST_REGION, ridgecrest_model(model), 10.0)


def ridgecrest_model(table: pd.DataFrame) -> VelocityConfig:
    """The 1-D model of a table with depth, vp and vs."""
    layers = tuple(VelocityLayer(depth_km=row.depth, vp=row.vp, vs=row.vs) for row in table.itertuples())
    return VelocityConfig(layers=layers, gradient=True)


def ogs(folder: Path) -> Case:
    """777 events located by analysts with Hypo71, from the manual picks."""
    stations = pd.read_csv(folder / "stations.csv").dropna(subset=["latitude", "longitude"])
    stations["elevation_km"] = stations.elevation_m.fillna(0.0) / 1000.0
    picks = pd.read_csv(folder / "picks_manual.csv")
    picks["weight"] = picks.hypo71_weight.fillna(0).astype(int).clip(0, 4)
    return _case(stations, picks, OGS_REGION, OGS_MODEL, 100.0)


def hypo71(folder: Path, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the events that the analysts located, and their (x, y, depth) in km."""
    table = pd.read_csv(folder / "events_ogs_hypo71.csv").dropna(subset=["latitude", "longitude", "depth_km"])
    table = table.drop_duplicates("event_id").set_index("event_id")
    rows = np.flatnonzero(np.isin(case.names, table.index))
    table = table.loc[case.names[rows]]
    x, y = case.plane.to_xy(table.longitude.to_numpy(), table.latitude.to_numpy())
    return rows, np.column_stack([x, y, table.depth_km.to_numpy()])


def _case(
    stations: pd.DataFrame, picks: pd.DataFrame, region: Region, velocity: VelocityConfig, margin_km: float
) -> Case:
    plane = region.map_projection()
    x, y = plane.to_xy(stations.longitude.to_numpy(), stations.latitude.to_numpy())
    network = Network(x, y, -stations.elevation_km.to_numpy())
    minx, maxx, miny, maxy = region.bounds_xy(plane)
    lower = np.array([minx - margin_km, miny - margin_km, region.mindepth_km])
    upper = np.array([maxx + margin_km, maxy + margin_km, region.maxdepth_km])
    depths = float(network.depth_km.min()), float(network.depth_km.max())
    times = travel_times(velocity, float(np.hypot(*(upper - lower)[:2])), lower[2], upper[2], depths)
    number = {code: row for row, code in enumerate(stations.station)}
    picks = picks[picks.station.isin(number)].assign(
        epoch=epoch(picks.time), row=picks.station.map(number), is_s=picks.phase == "S"
    )
    picks = picks.sort_values("epoch", kind="stable").drop_duplicates(["event_id", "station", "phase"])
    events = [(name, rows) for name, rows in picks.groupby("event_id") if len(rows) >= FEWEST_ARRIVALS]
    reference = np.array([rows.epoch.min() for _, rows in events])
    time = pad([rows.epoch.to_numpy() - first for (_, rows), first in zip(events, reference, strict=True)], 0.0)
    arrivals = Arrivals(
        time,
        pad([rows.row.to_numpy(dtype=int) for _, rows in events], 0),
        pad([rows.is_s.to_numpy() for _, rows in events], False),
        pad([2 * rows.weight.to_numpy() + rows.is_s.to_numpy() for _, rows in events], 0),
        pad([np.ones(len(rows), dtype=bool) for _, rows in events], False),
        np.zeros_like(time),
        reference,
    )
    return Case(Earth(network, times, lower, upper), arrivals, np.array([name for name, _ in events]), plane)
