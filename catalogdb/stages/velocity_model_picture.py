"""A figure of a named velocity model, with stations and events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pymongo.database import Database

from catalogdb.database.named import require_catalog
from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.event_types import EXISTS
from catalogdb.output_file import write_atomically
from catalogdb.stages.plot import figure_format
from catalogdb.stages.station_places import stations_in_operation
from catalogdb.stages.velocity_models import velocity_model
from catalogdb.times import ALWAYS
from catalogdb.traveltimes.velocity import VelocityConfig


def write_velocity_model(
    db: Database,
    name: str,
    output: Path,
    catalog: str | None = None,
    depths_km: Sequence[float] = (),
    values: Literal["difference", "speed"] = "difference",
    theme: Literal["light", "dark"] = "light",
) -> Json:
    """Draw a velocity model: map slices of a grid, speeds of layers by depth.

    Args:
        output: .png, .svg, .pdf, or .html, which follows its reader's theme.
        catalog: whose events are shown, but for those without a depth and those that never count.
        depths_km: of slices; none: some round ones.
        values: of slices: difference from the mean at each depth, per cent, or speed, km/s.

    Returns:
        What was drawn, as plain data.

    Raises:
        InputError: for an unknown model or catalog, depths that the model hasn't, or a file that can't be written.
    """
    from catalogdb.plots import velocity_model as figures
    from catalogdb.plots.theme import THEMES
    from catalogdb.plots.velocity_slices import profile_of, slices_of

    format, rows = figure_format(output), []
    model = velocity_model(db, name, "plot velocity-model")
    events = _events(db, catalog)
    title = f"{name}: velocity model" + (f", {len(events)} events of {catalog}" if catalog else "")
    if isinstance(model, VelocityConfig):
        if depths_km:
            raise InputError(f"{name} is a model of layers: depths are those of slices through a 3-D model")
        content = figures.profile_picture(profile_of(title, model, events[:, 2]), format, THEMES[theme])
    else:
        view = slices_of(title, model, depths_km, _stations(db), events)
        rows = figures.slice_rows(view)
        content = figures.slices_picture(view, format, THEMES[theme], values)
    size = write_atomically(output, lambda stream: stream.write(content))
    return {"output": str(output), "format": format, "bytes": size, "title": title, "slices": rows}


def _stations(db: Database) -> np.ndarray:
    """Longitude and latitude of all that there are."""
    rows = [(row["longitude"], row["latitude"]) for row in stations_in_operation(db, *ALWAYS)]
    return np.array(rows, dtype=float).reshape(-1, 2)


def _events(db: Database, catalog: str | None) -> np.ndarray:
    """Longitude, latitude and depth (km) of the events that have one."""
    if catalog is None:
        return np.empty((0, 3))
    require_catalog(db, catalog)
    fields = ("longitude", "latitude", "depth_km")
    query = {"catalog": catalog, **EXISTS, **{field: {"$type": "number"} for field in fields}}
    rows = [tuple(row[field] for field in fields) for row in db.event.find(query, dict.fromkeys(fields, 1))]
    return np.array(rows, dtype=float).reshape(-1, 3)
