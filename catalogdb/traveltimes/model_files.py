"""Velocity models from files: NonLinLoc's control lines and grids, csv, and the velocity of a job file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from catalogdb.decoding import decode, read_bytes
from catalogdb.errors import InputError
from catalogdb.table_header import column_name
from catalogdb.traveltimes.nonlinloc_models import has_layer_lines, read_grid, read_layer_lines
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import DEGREES, VelocityGrid
from catalogdb.yaml_text import parse_yaml

Model = VelocityConfig | VelocityGrid
COLUMNS = {
    "depth_km": ("depth_km", "depth", "depth(km)"),
    "vp": ("vp", "vp_km_s", "vp(km/s)"),
    "vs": ("vs", "vs_km_s", "vs(km/s)"),
    "longitude": ("longitude", "lon"),
    "latitude": ("latitude", "lat"),
}
NAMED = "velocity_model"
PLACES_IN_A_JOB = (
    *(("relocate", "velocity"), ("locate", NAMED), ("locate", "velocity")),
    *(("associate", "location_velocity"), ("associate", "velocity")),
)
"""Blocks and settings of a job that hold the model of its last locations, or name it; the first one there counts."""
EVEN = 1e-4  # of a spacing


def model_setting(config: Mapping[str, Any], places: Sequence[tuple[str, str]] = PLACES_IN_A_JOB) -> tuple[str, Any]:
    """Name and value of the first of a job's settings that hold a velocity model, or name it; "" and {} without any."""
    for block, name in places:
        if found := (config.get(block) or {}).get(name):
            return name, found
    return "", {}


def read_velocity_model(paths: Sequence[Path], vp_vs: float | None = None, gradient: bool = False) -> Model:
    """Read one velocity model.

    Args:
        paths: one file, or the `.hdr` of P and of S.
        vp_vs: ratio of the speeds where a file holds P alone.
        gradient: the speeds of a csv of layers vary linearly between the depths.

    Raises:
        InputError: naming the file, the line and the reason.
    """
    paths = list(map(Path, paths))
    if any(path.suffix.lower() == ".hdr" for path in paths):
        return read_grid(paths, vp_vs)
    if len(paths) != 1:
        raise InputError(
            f"{len(paths)} files for one velocity model: {', '.join(map(str, paths))}",
            hint="give one file, or the .hdr of P and of S",
        )
    path = paths[0]
    if path.suffix.lower() == ".buf":
        raise InputError(f"{path}: values without their header", hint=f"give {path.with_suffix('.hdr')}")
    text = decode(path, read_bytes(path))
    if path.suffix.lower() in (".yaml", ".yml"):
        return _checked(path, _of_job(path, text))
    if has_layer_lines(text):
        return _checked(path, read_layer_lines(path, text))
    return _of_table(path, text, vp_vs, gradient)


def _checked(path: Path, values: Any) -> VelocityConfig:
    """Layers, or the first of what is wrong with them."""
    try:
        return VelocityConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {where + ': ' if where else ''}{first['msg']}") from None


def _of_job(path: Path, text: str) -> Any:
    values = parse_yaml(text, str(path))
    if isinstance(values, dict):
        for keys in (*PLACES_IN_A_JOB, ("velocity",)):
            found: Any = values
            for key in keys:
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None and keys[-1] == NAMED:
                raise InputError(
                    f"{path}: locate.{NAMED} is {found!r}: that model stands in the database, not in this file",
                    hint="give the file that it was read from",
                )
            if found is not None:
                return found
        if "layers" in values or "vp" in values:
            return values
    raise InputError(
        f"{path}: no velocity model",
        hint="it stands at associate.velocity, as in a job file, or is layers: [...] alone",
    )


def _of_table(path: Path, text: str, vp_vs: float | None, gradient: bool) -> Model:
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    heads = [column_name(cell) for cell in rows[0]] if rows else []
    column = {name: next((heads.index(head) for head in known if head in heads), None)
              for name, known in COLUMNS.items()}  # fmt: skip
    missing = [name for name in ("depth_km", "vp") if column[name] is None]
    if missing or (column["longitude"] is None) != (column["latitude"] is None):
        raise InputError(
            f"{path}: no velocity model: no column {missing[0] if missing else 'longitude and latitude'}",
            hint="a csv has depth_km, vp, vs and, of a 3-D grid, longitude and latitude; a control file of NonLinLoc "
            "LAYER lines; its grids are given by their .hdr",
        )
    if column["vs"] is None and vp_vs is None:
        raise InputError(f"{path}: no column vs", hint="give the ratio of the speeds: --vp-vs 1.75")
    names = [name for name, number in column.items() if number is not None]
    values = np.array([_numbers(path, line, row, [column[name] for name in names])
                       for line, row in enumerate(rows[1:], 2) if any(row)], dtype=float)  # fmt: skip
    if len(values) == 0:
        raise InputError(f"{path}: no rows below the heading")
    table = dict(zip(names, values.T, strict=True))
    if "vs" not in table and vp_vs is not None:
        table["vs"] = table["vp"] / vp_vs
    if "longitude" in table:
        return _grid(path, table)
    layers = [{key: float(table[key][row]) for key in ("depth_km", "vp", "vs")} for row in range(len(values))]
    return _checked(path, {"layers": layers, "gradient": gradient})


def _numbers(path: Path, line: int, row: list[str], columns: list[int | None]) -> list[float]:
    found = []
    for number in columns:
        text = row[number].strip() if number is not None and number < len(row) else ""
        try:
            value = float(text.replace(",", "."))  # a decimal comma, where another mark separates columns
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise InputError(f"{path}: line {line}: {text!r} is no number")
        found.append(value)
    return found


def _grid(path: Path, table: dict[str, np.ndarray]) -> VelocityGrid:
    """Nodes in any order, one for each longitude, latitude and depth, all evenly spaced."""
    axes, places = zip(*(np.unique(table[name], return_inverse=True) for name in ("longitude", "latitude", "depth_km")),
                       strict=True)  # fmt: skip
    shape = tuple(len(axis) for axis in axes)
    for name, axis in zip(("longitude", "latitude", "depth_km"), axes, strict=True):
        steps = np.diff(axis)
        if len(axis) < 2 or np.ptp(steps) > EVEN * steps.mean():
            raise InputError(
                f"{path}: {name}: a 3-D grid needs two or more values at even spacing; there are {len(axis)}, "
                f"{axis.min():g} to {axis.max():g}",
                hint="resample the model to even spacing",
            )
    row = np.ravel_multi_index(places, shape)
    times = np.bincount(row, minlength=int(np.prod(shape)))
    if (times != 1).any():
        worst = int(np.abs(times - 1).argmax())
        numbers = np.unravel_index(worst, shape)
        at = ", ".join(f"{axis[number]:g}" for axis, number in zip(axes, numbers, strict=True))
        raise InputError(f"{path}: the node at longitude, latitude, depth {at} is there {times[worst]} times, not once")
    order = np.argsort(row)
    vp, vs = (table[name][order].reshape(shape).astype(np.float32) for name in ("vp", "vs"))
    origin, spacing = zip(*((float(axis[0]), float(np.ptp(axis) / (len(axis) - 1))) for axis in axes), strict=True)
    try:
        return VelocityGrid(DEGREES, 0.0, (0.0, 0.0), False, origin, spacing, vp, vs)
    except InputError as error:
        raise InputError(f"{path}: {error}", hint=error.hint) from None
