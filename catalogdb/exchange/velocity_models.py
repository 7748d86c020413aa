"""Velocity models as files: NonLinLoc's LAYER lines and 3-D grids, and csv; `read_velocity_model` reads all of them.

NonLinLoc's programs take grids of cubic cells as slowness times length (SLOW_LEN), on map planes of their own (its
documentation, Vel2Grid and Grid2Time). A csv has its nodes on a lattice of degrees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np

from catalogdb.geo import KM_PER_DEGREE, turned
from catalogdb.traveltimes.nonlinloc_models import Transform, layer_lines, plane_of
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import DEGREES, MapPlane, VelocityGrid

Model = VelocityConfig | VelocityGrid
MOST_CELLS = 1_500_000
"""Of a grid that is resampled to cubic ones; a document holds as many."""
PARTS = 4
"""Depths within a cell that its slowness is the mean of."""
SPHERICAL = "that the layers are shells of a round Earth"
GRADIENT = "that speeds vary linearly between the depths (catalogdb ingest velocity-model --gradient)"
RESOLUTION = "the resolution"


def write_nlloc(model: Model, name: str) -> dict[str, bytes]:
    """Files by name: of layers one of LAYER lines; of a grid its headers and values, and lines for Grid2Time."""
    if isinstance(model, VelocityConfig):
        return {f"{name}.in": layer_lines(model).encode()}
    grid = as_cells(model)
    transform = cast(Transform, Transform.of(grid.plane))
    step, shape = grid.spacing[0], [number + 1 for number in grid.vp.shape]
    head = " ".join(f"{value:.9g}" for value in (*shape, *grid.origin, step, step, step))
    files = {
        "nlloc.in": f"{transform.statement}\nGTFILES ./{name} ./{name} P\nGTMODE GRID3D ANGLES_NO\n"
        f"# once more with S for P in GTFILES; stations: catalogdb export catalog --format nlloc-obs\n".encode()
    }
    for phase, speeds in (("P", grid.vp), ("S", grid.vs)):
        values = np.pad(step / speeds.astype(float), (0, 1), mode="edge")
        files[f"{name}.{phase}.mod.hdr"] = f"{head} SLOW_LEN FLOAT\n{' '.join(transform.words)}\n".encode()
        files[f"{name}.{phase}.mod.buf"] = values.astype("<f4").tobytes()
    return files


def write_csv(model: Model, name: str) -> dict[str, bytes]:
    """One file: depth_km, vp, vs of layers, or of the nodes of a gradient; of a grid with longitude and latitude."""
    if isinstance(model, VelocityConfig):
        rows = [f"{depth!r},{vp!r},{vs!r}" for depth, vp, vs in model.rows]
        return {f"{name}.csv": "\n".join(["depth_km,vp,vs", *rows, ""]).encode()}
    grid = as_degrees(model)
    axes = [np.round(first + step * np.arange(count), 9).astype(str) for first, step, count in
            zip(grid.origin, grid.spacing, grid.vp.shape, strict=True)]  # fmt: skip
    columns = [axis.ravel().tolist() for axis in np.meshgrid(*axes, indexing="ij")]
    columns += [speeds.astype(np.float32).ravel().astype(str).tolist() for speeds in (grid.vp, grid.vs)]
    lines = map(",".join, zip(*columns, strict=True))
    return {f"{name}.csv": "\n".join(["longitude,latitude,depth_km,vp,vs", *lines, ""]).encode()}


def lost(model: Model, format: str) -> list[str]:
    """What a model says that files of a format can't hold, in words."""
    if isinstance(model, VelocityGrid):
        return [RESOLUTION] if model.resolution is not None else []
    flags: Mapping[str, bool] = {SPHERICAL: model.spherical, GRADIENT: model.gradient and format == "csv"}
    return [words for words, is_so in flags.items() if is_so]


def as_cells(model: VelocityGrid) -> VelocityGrid:
    """A model as NonLinLoc takes it: cubic cells on one of its map planes. One that is so already stays as it is.

    Others get the mean slowness of each cell in depth, in its middle horizontally; cells are as large as the model's
    closest nodes are apart, or larger for their number.
    """
    plane = model.plane if Transform.of(model.plane) else _plane_around(model)
    if model.cells and plane == model.plane and np.ptp(model.spacing) < 1e-6:
        return model
    x, y = plane.to_xy(*model.outline)
    west, south = round(float(x.min()), 6), round(float(y.min()), 6)
    size = np.array([x.max() - west, y.max() - south, model.bottom_km - model.top_km])
    step = max(min(model.spacing_km), float(size.prod() / MOST_CELLS) ** (1 / 3))
    step = math.ceil(round(100.0 * step, 6)) / 100.0
    nx, ny, nz = np.maximum(np.ceil(np.round(size / step, 6)), 2).astype(int).tolist()
    x, y = (low + step * (np.arange(count) + 0.5) for low, count in ((west, nx), (south, ny)))
    depth = model.top_km + step / PARTS * (np.arange(nz * PARTS) + 0.5)
    longitude, latitude = plane.to_lonlat(*np.meshgrid(x, y, indexing="ij"))
    vp, vs = (
        1.0 / model.slowness(longitude, latitude, depth, is_s).reshape(nx, ny, nz, PARTS).mean(axis=3)
        for is_s in (False, True)
    )
    return VelocityGrid(*plane, True, (west, south, model.top_km), (step, step, step), *_as_kept(vp, vs))


def _plane_around(model: VelocityGrid) -> MapPlane:
    """A transverse Mercator projection from the model's middle."""
    south, north, west, east = model.box
    latitude, longitude = (repr(round(value, 6)) for value in ((south + north) / 2.0, turned((west + east) / 2.0)))
    given = {"RefEllipsoid": "WGS-84", "LatOrig": latitude, "LongOrig": longitude, "RotCW": "0.0"}
    return plane_of(Path(), Transform("TRANS_MERC", given).words)


def as_degrees(model: VelocityGrid) -> VelocityGrid:
    """A model at nodes of a lattice of degrees, as a csv has it. One that is so already stays as it is.

    Others are sampled at nodes half as far apart horizontally as theirs, so that little is lost between them, or as far
    where they are too many; over the degrees that hold their outline, with the values of the sides beyond these.
    """
    if model.projection == DEGREES and not model.cells:
        return model
    south, north, west, east = model.box
    dx, dy, dz = model.spacing_km
    apart = min(dx, dy) / KM_PER_DEGREE / (2.0 if 4 * model.vp.size <= MOST_CELLS else 1.0)
    west, step_x, nx = _axis(west, east, apart / math.cos(math.radians((south + north) / 2.0)))
    south, step_y, ny = _axis(south, north, apart)
    nz = round((model.bottom_km - model.top_km) / dz)
    depth = model.top_km + dz * np.arange(nz + 1)
    longitude, latitude = np.meshgrid(
        west + step_x * np.arange(nx + 1), south + step_y * np.arange(ny + 1), indexing="ij"
    )
    vp, vs = (1.0 / model.slowness(longitude, latitude, depth, is_s) for is_s in (False, True))
    first, spacing = (west, south, model.top_km), (step_x, step_y, dz)
    return VelocityGrid(DEGREES, 0.0, (0.0, 0.0), False, first, spacing, *_as_kept(vp, vs))


def _axis(low: float, high: float, apart: float) -> tuple[float, float, int]:
    """First node, spacing and number of spacings, degrees to six digits, that reach over two limits."""
    low = math.floor(1e6 * low) / 1e6
    count = max(math.ceil(round((high - low) / apart, 4)), 1)
    return low, math.ceil(1e6 * (high - low) / count) / 1e6, count


def _as_kept(vp: np.ndarray, vs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As documents keep them."""
    return vp.astype(np.float32), vs.astype(np.float32)
