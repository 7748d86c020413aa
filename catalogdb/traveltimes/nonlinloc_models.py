"""Velocity models of NonLinLoc: LAYER lines of a control file, and 3-D grids of Vel2Grid (.hdr and .buf).

Both as NonLinLoc's documentation has them (http://alomax.free.fr/nlloc, control file and file formats).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import compress, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from catalogdb.decoding import decode, read_bytes
from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.traveltimes.velocity import FASTEST, HIGHEST_KM, VelocityConfig
from catalogdb.traveltimes.velocity_grid import SLOWEST, MapPlane, VelocityGrid

LAYER = re.compile(r"^[ \t]*LAYER[ \t]+(.*)$", re.MULTILINE)
STEP_KM = 0.001
"""Below an interface and above it stand two nodes of a gradient, so far apart."""
LAST_KM = 100.0
"""A gradient of the last layer goes on for so long."""
KM_PER_DEGREE = 10000.0 / 90.0
"""NonLinLoc's own, in its SIMPLE transformation."""
SPHERE_KM = float(np.degrees(KM_PER_DEGREE))
ELLIPSOIDS = {
    "WGS-84": "WGS84", "GRS-80": "GRS80", "WGS-72": "WGS72", "WGS-66": "WGS66", "Krasovsky": "krass",
    "International": "intl", "Hayford-1909": "intl", "Clarke-1880": "clrk80", "Clarke-1866": "clrk66", "Airy": "airy",
    "Bessel": "bessel", "Sphere": "sphere",
}  # fmt: skip
NAMES = {"sinu": "SIMPLE", "lcc": "LAMBERT", "tmerc": "TRANS_MERC", "aeqd": "AZIMUTHAL_EQUIDIST"}
"""Of transformations, by PROJ's."""
SPEEDS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "VELOCITY": lambda values, step: values,
    "VELOCITY_METERS": lambda values, step: values / 1000.0,
    "SLOWNESS": lambda values, step: 1.0 / values,
    "VEL2": lambda values, step: np.sqrt(values),
    "SLOW2": lambda values, step: 1.0 / np.sqrt(values),
    "SLOW2_METERS": lambda values, step: 0.001 / np.sqrt(values),
    "SLOW_LEN": lambda values, step: step / values,
}
"""Speed in km/s by the type of a grid, from its values and its spacing in km."""


class _Place(NamedTuple):
    """Where a grid lies, see `VelocityGrid`; and its number of nodes."""

    plane: MapPlane
    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]
    shape: tuple[int, int, int]


def has_layer_lines(text: str) -> bool:
    """Whether a text has LAYER lines."""
    return LAYER.search(text) is not None


def read_layer_lines(path: Path, text: str) -> Json:
    """`LAYER depth VpTop VpGrad VsTop VsGrad rhoTop rhoGrad`, km, km/s and km/s/km: what `VelocityConfig` takes."""
    rows = []
    for match in LAYER.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        try:
            numbers = [float(word) for word in match[1].split("#")[0].split()[:5]]
        except ValueError:
            numbers = []
        if len(numbers) < 5:
            raise InputError(
                f"{path}: line {line}: LAYER has depth, VpTop, VpGrad, VsTop and VsGrad, not {match[0].strip()!r}"
            )
        rows.append(numbers)
    if not any(row[2] or row[4] for row in rows):
        return {"layers": [{"depth_km": row[0], "vp": row[1], "vs": row[3]} for row in rows]}
    nodes = []
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        depth, vp, vp_grad, vs, vs_grad = row
        bottom = after[0] - STEP_KM if after else depth + LAST_KM
        for at in (depth, bottom):
            nodes.append({"depth_km": at, "vp": vp + vp_grad * (at - depth), "vs": vs + vs_grad * (at - depth)})
    return {"layers": nodes, "gradient": True}


def layer_lines(model: VelocityConfig) -> str:
    """LAYER lines: top, P speed and its gradient, S speed and its gradient, density and its gradient."""
    rows = model.rows
    slopes = [(0.0, 0.0)] * len(rows)
    if model.gradient:
        slopes[:-1] = [((p - vp) / (at - top), (s - vs) / (at - top)) for (top, vp, vs), (at, p, s) in pairwise(rows)]
        # nodes that stand for an interface go, and above the first node NonLinLoc would go on with its gradient
        keeps = [below[0] - above[0] > 1.5 * STEP_KM for above, below in pairwise(rows)] + [True]
        rows, slopes = list(compress(rows, keeps)), list(compress(slopes, keeps))
        if rows[0][0] > HIGHEST_KM:
            rows, slopes = [(HIGHEST_KM, *rows[0][1:]), *rows], [(0.0, 0.0), *slopes]
    return "".join(
        f"LAYER {top:.9g} {vp:.9g} {of_p:.9g} {vs:.9g} {of_s:.9g} 2.7 0.0\n"
        for (top, vp, vs), (of_p, of_s) in zip(rows, slopes, strict=True)
    )


def read_grid(paths: Sequence[Path], vp_vs: float | None) -> VelocityGrid:
    """The grid of P and of S, or of P alone with the ratio of speeds.

    NonLinLoc's travel times take a value for all of the cell that begins at its node, so the model has one cell less
    than nodes along each axis.
    """
    of_phase: dict[str, Path] = {}
    for path in paths:
        phase = next((name for name in ("P", "S") if f".{name}." in path.name), None)
        if path.suffix.lower() != ".hdr" or phase is None or phase in of_phase:
            raise InputError(
                f"{path}: a grid is given by the .hdr of P and of S, as Vel2Grid calls them: NAME.P.mod.hdr, "
                "NAME.S.mod.hdr"
            )
        of_phase[phase] = path
    if "P" not in of_phase or ("S" not in of_phase and vp_vs is None):
        raise InputError(
            f"{', '.join(map(str, paths))}: no grid of {'S' if 'P' in of_phase else 'P'}",
            hint="give the .hdr of both, or that of P and --vp-vs",
        )
    grid, vp = _read(of_phase["P"])
    if "S" in of_phase:
        of_s, vs = _read(of_phase["S"])
        if of_s != grid:
            raise InputError(f"{of_phase['S']}: its nodes lie elsewhere than those of {of_phase['P']}")
    else:
        vs = vp / np.float32(vp_vs or 1.0)
    try:
        cells = (slice(None, -1),) * 3
        return VelocityGrid(*grid.plane, True, grid.origin, grid.spacing, vp[cells], vs[cells])
    except InputError as error:
        raise InputError(f"{of_phase['P']}: {error}", hint=error.hint) from None


def _read(path: Path) -> tuple[_Place, np.ndarray]:
    """Where a grid lies, and its speeds, km/s."""
    lines = decode(path, read_bytes(path)).splitlines()
    words = lines[0].split() if lines else []
    try:
        nx, ny, nz = (int(word) for word in words[:3])
        x, y, z, dx, dy, dz = (float(word) for word in words[3:9])
        kind = words[9]
    except (ValueError, IndexError):
        raise InputError(f"{path}: line 1: no header of a grid: nodes, origin, spacing and type") from None
    shape = nx, ny, nz
    if kind not in SPEEDS:
        raise InputError(f"{path}: {kind} is no grid of speeds", hint=f"types are {', '.join(SPEEDS)}")
    if min(shape) < 3:
        raise InputError(
            f"{path}: {' x '.join(map(str, shape))} nodes are no 3-D grid", hint="give its LAYER lines instead"
        )
    transform = next((line.split() for line in lines[1:] if line.startswith("TRANSFORM")), [])
    buffer = path.with_suffix(".buf")
    content = read_bytes(buffer)
    expected = 4 * int(np.prod(shape))
    if len(content) != expected:
        raise InputError(
            f"{buffer}: {len(content)} bytes, where {path.name} asks for {expected}: cut short, or another grid's"
        )
    with np.errstate(all="ignore"):
        speeds = SPEEDS[kind](np.frombuffer(content, "<f4").reshape(shape).astype(float), dx)
        # written on a machine of the other byte order
        if not (np.isfinite(speeds).all() and speeds.min() > SLOWEST and speeds.max() < FASTEST):
            speeds = SPEEDS[kind](np.frombuffer(content, ">f4").reshape(shape).astype(float), dx)
    return _Place(plane_of(path, transform), (x, y, z), (dx, dy, dz), shape), speeds.astype(np.float32)


def plane_of(path: Path, words: Sequence[str]) -> MapPlane:
    """The map plane of the words of a TRANSFORM line.

    Raises:
        InputError: naming the file, for a transformation that isn't understood.
    """
    name = words[1] if len(words) > 1 else "none"
    given = dict(zip(words[2::2], words[3::2], strict=False))
    ellipsoid = ELLIPSOIDS.get(given.get("RefEllipsoid", "WGS-84"))
    if ellipsoid is None:
        raise InputError(
            f"{path}: ellipsoid {given['RefEllipsoid']} is not known", hint=f"known: {', '.join(ELLIPSOIDS)}"
        )
    try:
        at = f"+lat_0={float(given['LatOrig'])!r} +lon_0={float(given['LongOrig'])!r} +ellps={ellipsoid} +units=km"
        rotation, latitude = float(given.get("RotCW", 0.0)), float(given["LatOrig"])
        if name == "SIMPLE":
            sphere = f"+proj=sinu +lon_0={float(given['LongOrig'])!r} +R={SPHERE_KM * 1000.0!r} +units=km"
            return MapPlane(sphere, rotation, (0.0, -KM_PER_DEGREE * latitude))
        if name == "LAMBERT":
            parallels = f"+lat_1={float(given['FirstStdParal'])!r} +lat_2={float(given['SecondStdParal'])!r}"
            return MapPlane(f"+proj=lcc {at} {parallels}", rotation, (0.0, 0.0))
        if name == "TRANS_MERC" and float(given.get("FalseEasting", 0.0)) == 0.0:
            return MapPlane(f"+proj=tmerc {at} +k={float(given.get('ScaleFactor', 1.0))!r}", rotation, (0.0, 0.0))
        if name == "AZIMUTHAL_EQUIDIST":
            return MapPlane(f"+proj=aeqd {at}", rotation, (0.0, 0.0))
    except (KeyError, ValueError):
        raise InputError(f"{path}: TRANSFORM line can't be read: {' '.join(words)}") from None
    raise InputError(
        f"{path}: transformation {name} says not where the grid lies",
        hint="SIMPLE, LAMBERT, TRANS_MERC and AZIMUTHAL_EQUIDIST are understood",
    )


class Transform(NamedTuple):
    """A map plane as NonLinLoc calls it: its transformation and the parameters, in the order of a TRANS line."""

    name: str
    parameters: dict[str, str]

    @property
    def words(self) -> list[str]:
        """Of the second line of a grid's header."""
        return ["TRANSFORM", self.name, *(word for pair in self.parameters.items() for word in pair)]

    @property
    def statement(self) -> str:
        """Of a control file."""
        return " ".join(["TRANS", self.name, *self.parameters.values()])

    @classmethod
    def of(cls, plane: MapPlane) -> Transform | None:
        """That of a map plane; None where NonLinLoc has none."""
        given = dict(part.lstrip("+").partition("=")[::2] for part in plane.projection.split())
        ellipsoid = next((name for name, proj in ELLIPSOIDS.items() if proj == given.get("ellps")), "")
        name = NAMES.get(given.get("proj", ""), "")
        latitude, longitude = given.get("lat_0", ""), given.get("lon_0", "")
        parameters = {"RefEllipsoid": ellipsoid, "LatOrig": latitude, "LongOrig": longitude}
        if name == "SIMPLE":
            parameters = {"LatOrig": repr(round(-plane.shift_km[1] / KM_PER_DEGREE, 9)), "LongOrig": longitude}
        elif name == "LAMBERT":
            parameters |= {"FirstStdParal": given.get("lat_1", ""), "SecondStdParal": given.get("lat_2", "")}
        parameters["RotCW"] = repr(plane.rotation_degree)
        if (scale := given.get("k", "1.0")) != "1.0":
            parameters |= {"UseFalseEasting": "0", "FalseEasting": "0.0", "ScaleFactor": scale}
        found = cls(name, parameters)
        try:
            again = plane_of(Path(), found.words)
        except InputError:
            return None
        same = again[:2] == plane[:2] and np.allclose(again.shift_km, plane.shift_km, 0.0, 1e-6)
        return found if same else None
