"""Where things are: the study region, its map projection, and distances and azimuths on the ellipsoid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pydantic import AfterValidator, Field, model_validator

from catalogdb.errors import InputError
from catalogdb.strict_model import StrictModel

EARTH_RADIUS_KM = 6371.0
KM_PER_DEGREE = math.radians(EARTH_RADIUS_KM)
"""Of arc, 111.1949, as ObsPy and QuakeML's users convert."""
ROUND_KM_PER_DEGREE = 111.19
"""For margins of regions, and for the demo: part of results on record, which the longer number would change."""

Latitude = Annotated[float, Field(ge=-90.0, le=90.0)]
# Up to 360, so that a region across the date line is written 170..190.
Longitude = Annotated[float, Field(ge=-180.0, le=360.0)]


HIGHEST_KM, DEEPEST_KM = -10.0, 800.0
MOST_STRETCH = 0.05
"""Of distances on a map plane that a region names; a plane centred on a region of 500 km stays below 0.1 %."""
STEP_DEGREES = 0.01


def _event_depth(value: float) -> float:
    if not HIGHEST_KM <= value <= DEEPEST_KM:
        raise ValueError(
            f"{value:g} km is no depth of an earthquake ({HIGHEST_KM:g} to {DEEPEST_KM:g}): depths are in km below sea "
            "level, not metres"
        )
    return value


DepthKm = Annotated[float, AfterValidator(_event_depth)]


class Box(NamedTuple):
    """Limits in degrees; east may exceed 180 past the date line."""

    south: float
    north: float
    west: float
    east: float


class Region(StrictModel):
    """The volume that events are looked for and kept in: a box, optionally cut by a polygon, between two depths.

    A limit left out is taken from the stations (`completed`).
    """

    minlatitude: Latitude | None = Field(None, description="Southern limit, degrees.")
    maxlatitude: Latitude | None = Field(None, description="Northern limit, degrees.")
    minlongitude: Longitude | None = Field(None, description="Western limit, degrees.")
    maxlongitude: Longitude | None = Field(None, description="Eastern limit, degrees; above 180 past the date line.")
    polygon: tuple[tuple[Longitude, Latitude], ...] | None = Field(
        None, description="Corners as [longitude, latitude], degrees; an event must lie inside the polygon and the box."
    )
    mindepth_km: DepthKm = Field(0.0, description="Shallowest event, km below sea level (negative above it).")
    maxdepth_km: DepthKm = Field(40.0, gt=0.0, description="Deepest event, km below sea level.")
    margin_km: float = Field(50.0, ge=0.0, le=5000.0, description="Added around the stations for limits left out, km.")
    projection: str | None = Field(
        None, description="PROJ string or EPSG code of the map plane; left out: stereographic, centred on the region."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Region:
        for low, high in (
            ("minlatitude", "maxlatitude"),
            ("minlongitude", "maxlongitude"),
            ("mindepth_km", "maxdepth_km"),
        ):
            below, above = getattr(self, low), getattr(self, high)
            if below is not None and above is not None and below >= above:
                over = "; over the date line write 170 to 190" if low == "minlongitude" else ""
                raise ValueError(f"{low} ({below}) must be below {high} ({above}){over}")
        if self.is_complete and self.box.east - self.box.west > 360.0:
            raise ValueError(f"the longitudes span more than 360 degrees: {self.minlongitude} to {self.maxlongitude}")
        if self.polygon is not None:
            if len(self.polygon) < 3:
                raise ValueError("polygon needs three corners or more")
            self._check_polygon_meets_box(np.array(self.polygon))
        return self

    def _check_polygon_meets_box(self, corners: np.ndarray) -> None:
        longitudes, latitudes = corners[:, 0], corners[:, 1]
        west, east = longitude_span(longitudes)
        south, north = latitudes.min(), latitudes.max()
        apart = (self.maxlatitude is not None and south > self.maxlatitude) or (
            self.minlatitude is not None and north < self.minlatitude
        )
        if self.minlongitude is not None and self.maxlongitude is not None:
            offset = float(_wrapped(west, self.minlongitude))
            apart |= offset > self.maxlongitude and offset + east - west < self.minlongitude + 360.0
        if apart:
            raise ValueError("polygon and box have nothing in common: corners are [longitude, latitude]")

    @property
    def is_complete(self) -> bool:
        """True when every limit is set."""
        return None not in self._limits

    @property
    def _limits(self) -> tuple[float | None, ...]:
        return self.minlatitude, self.maxlatitude, self.minlongitude, self.maxlongitude

    @property
    def box(self) -> Box:
        """The limits, all of which must be set.

        Raises:
            ValueError: when the region isn't complete.
        """
        limits = [limit for limit in self._limits if limit is not None]
        if len(limits) < len(Box._fields):
            raise ValueError("complete the region with its stations first")
        return Box(*limits)

    def completed(self, stations: Sequence[Mapping[str, Any]]) -> Region:
        """Give the region with every limit set: those left out come from the polygon, else the stations plus a margin.

        Args:
            stations: dicts with `latitude` and `longitude` in degrees; rows with NaN are passed over.

        Raises:
            InputError: when a limit is missing and no station has coordinates.
        """
        if self.is_complete:
            return self
        if self.polygon is not None:
            longitudes, latitudes = (np.array(column) for column in zip(*self.polygon, strict=True))
            margin_km = 0.0
        else:
            latitudes = np.array([station["latitude"] for station in stations], dtype=float)
            longitudes = np.array([station["longitude"] for station in stations], dtype=float)
            usable = np.isfinite(latitudes) & np.isfinite(longitudes)
            latitudes, longitudes, margin_km = latitudes[usable], longitudes[usable], self.margin_km
        if latitudes.size == 0:
            raise InputError(
                "region: limits are missing and no station has coordinates to derive them from",
                hint="Set minlatitude, maxlatitude, minlongitude and maxlongitude.",
            )
        south, north = float(latitudes.min()), float(latitudes.max())
        north_margin = margin_km / ROUND_KM_PER_DEGREE
        west, east = _longitudes_around(longitudes, max(abs(south), abs(north)) + north_margin, margin_km)
        derived = {
            "minlatitude": max(south - north_margin, -90.0),
            "maxlatitude": min(north + north_margin, 90.0),
            "minlongitude": west,
            "maxlongitude": east,
        }
        limits = {
            name: value if getattr(self, name) is None else getattr(self, name) for name, value in derived.items()
        }
        try:
            return Region.model_validate(self.model_dump() | limits)
        except ValueError as error:
            raise InputError(f"region: the given limits leave out every station: {error}") from error

    def contains(self, latitude: ArrayLike, longitude: ArrayLike, depth_km: ArrayLike | None = None) -> np.ndarray:
        """Tell which points lie inside (limits included): boolean array of the shape of the arguments.

        Raises:
            ValueError: when the region isn't complete.
        """
        box = self.box
        latitude = np.asarray(latitude, dtype=float)
        longitude = _wrapped(np.asarray(longitude, dtype=float), box.west)
        inside = (latitude >= box.south) & (latitude <= box.north) & (longitude <= box.east)
        if depth_km is not None:
            depth_km = np.asarray(depth_km, dtype=float)
            inside &= (depth_km >= self.mindepth_km) & (depth_km <= self.maxdepth_km)
        if self.polygon is not None:
            corners = np.array(self.polygon)
            inside &= _inside_polygon(longitude, latitude, _wrapped(corners[:, 0], box.west), corners[:, 1])
        return inside

    def map_projection(self) -> Projection:
        """Give the region's map plane; the region must be complete unless it names a projection."""
        if self.projection is not None:
            plane = Projection(self.projection)
            if self.is_complete:
                self._check_scale(plane)
            return plane
        box = self.box
        latitude = (box.south + box.north) / 2.0
        longitude = (box.west + box.east) / 2.0
        return Projection(f"+proj=sterea +lat_0={latitude:.6f} +lon_0={longitude:.6f} +ellps=WGS84 +units=km")

    def _check_scale(self, plane: Projection) -> None:
        """Refuse a plane whose kilometres are none here: distances on it become travel times.

        Raises:
            InputError: where a step to the north or east is longer or shorter by more than `MOST_STRETCH`.
        """
        box = self.box
        latitude, longitude = np.meshgrid(np.linspace(box.south, box.north, 3), np.linspace(box.west, box.east, 3))
        latitude = np.clip(latitude, -89.9, 89.9)
        x, y = plane.to_xy(longitude, latitude)
        stretch = []
        for north, east in ((STEP_DEGREES, 0.0), (0.0, STEP_DEGREES)):
            to_x, to_y = plane.to_xy(longitude + east, latitude + north)
            true_km, _ = distance_azimuth(latitude, longitude, latitude + north, longitude + east)
            stretch.append(np.hypot(to_x - x, to_y - y) / true_km - 1.0)
        worst = max(np.ravel(stretch), key=lambda value: abs(value) if math.isfinite(value) else math.inf)
        if not abs(worst) <= MOST_STRETCH:
            raise InputError(
                f"region.projection stretches distances by {100.0 * worst:.0f} % in the region, and travel times with "
                f"them: {self.projection!r}",
                hint="Leave region.projection out: a plane centred on the region is made.",
            )

    def bounds_xy(self, projection: Projection) -> tuple[float, float, float, float]:
        """Give the box's limits on the map plane: minimum x, maximum x, minimum y, maximum y, km."""
        side = np.linspace(0.0, 1.0, 21)
        box = self.box
        longitude = box.west + (box.east - box.west) * side
        latitude = box.south + (box.north - box.south) * side
        edge_longitude = np.concatenate([longitude, longitude, np.full(21, longitude[0]), np.full(21, longitude[-1])])
        edge_latitude = np.concatenate([np.full(21, latitude[0]), np.full(21, latitude[-1]), latitude, latitude])
        x, y = projection.to_xy(edge_longitude, edge_latitude)
        return float(x.min()), float(x.max()), float(y.min()), float(y.max())


class Projection:
    """A map plane in kilometres.

    Args:
        definition: a PROJ string ("+proj=sterea +lon_0=12 +lat_0=46 +units=km") or any definition that PROJ knows.

    Raises:
        InputError: when PROJ doesn't understand it, or it isn't a plane.
    """

    def __init__(self, definition: str):
        self.definition = definition
        self._transformer, self._km_per_unit = _transformer(definition)

    def to_xy(self, longitude: ArrayLike, latitude: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Project degrees to x (east) and y (north) in km; arrays of any one shape."""
        x, y = self._transformer.transform(np.asarray(longitude, dtype=float), np.asarray(latitude, dtype=float))
        return np.asarray(x) * self._km_per_unit, np.asarray(y) * self._km_per_unit

    def to_lonlat(self, x_km: ArrayLike, y_km: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Give longitude (-180..180) and latitude in degrees of points on the plane."""
        longitude, latitude = self._transformer.transform(
            np.asarray(x_km, dtype=float) / self._km_per_unit,
            np.asarray(y_km, dtype=float) / self._km_per_unit,
            direction="INVERSE",
        )
        return np.asarray(longitude), np.asarray(latitude)


@lru_cache(maxsize=16)
def _transformer(definition: str) -> tuple[Any, float]:
    import pyproj

    try:
        plane = pyproj.CRS.from_user_input(definition)
        if not plane.is_projected:
            raise InputError(f"projection {definition!r} is not a map plane")
        transformer = pyproj.Transformer.from_crs("OGC:CRS84", plane, always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise InputError(f"projection {definition!r} is not understood by PROJ: {error}") from error
    return transformer, plane.axis_info[0].unit_conversion_factor / 1000.0


@lru_cache(maxsize=1)
def _geod() -> Any:
    from pyproj import Geod

    return Geod(ellps="WGS84")


def distance_azimuth(
    latitude: ArrayLike, longitude: ArrayLike, to_latitude: ArrayLike, to_longitude: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Give the geodesic distance (km) and the azimuth (degrees, 0..360 clockwise from north) from points to points.

    Arguments in degrees broadcast together; the ellipsoid is WGS84 (Karney, 2013, as in PROJ).
    """
    arrays = np.broadcast_arrays(
        *(np.asarray(a, dtype=float) for a in (longitude, latitude, to_longitude, to_latitude))
    )
    azimuth, _, metres = _geod().inv(*(np.array(a) for a in arrays))
    return np.asarray(metres) / 1000.0, np.asarray(azimuth) % 360.0


def azimuthal_gap(azimuths: ArrayLike) -> float:
    """Give the largest angle (degrees) without a station, from azimuths in degrees; 360 for one station or none."""
    azimuths = np.sort(np.asarray(azimuths, dtype=float).ravel() % 360.0)
    if azimuths.size < 2:
        return 360.0
    return float(np.diff(azimuths, append=azimuths[0] + 360.0).max())


def turned(longitude: float) -> float:
    """A longitude as one of -180..180; both ends stay."""
    return math.remainder(longitude, 360.0)


def coordinates(latitude: float, longitude: float) -> tuple[float, float]:
    """Check a position in degrees; longitudes of 180..360 are brought to -180..180.

    Raises:
        ValueError: naming the value that is out of range.
    """
    if not -90 <= latitude <= 90:
        raise ValueError(f"latitude {latitude:g} is outside -90..90")
    if not -180 <= longitude <= 360:
        raise ValueError(f"longitude {longitude:g} is outside -180..360")
    return latitude, turned(longitude)


def _wrapped(longitude: ArrayLike, west: float) -> np.ndarray:
    """Bring longitudes into [west, west + 360)."""
    return west + np.mod(np.subtract(longitude, west), 360.0)


def longitude_span(longitudes: np.ndarray) -> tuple[float, float]:
    """Give the shortest arc that holds all longitudes, as (west in -180..180, east >= west)."""
    ordered = np.sort(_wrapped(longitudes, -180.0))
    gaps = np.diff(ordered, append=ordered[0] + 360.0)
    widest = int(gaps.argmax())
    west = ordered[(widest + 1) % ordered.size]
    return float(west), float(west + 360.0 - gaps[widest])


def _longitudes_around(longitudes: np.ndarray, latitude: float, margin_km: float) -> tuple[float, float]:
    """Give the arc that holds all longitudes and a margin at a latitude (0..90 and beyond, degrees), as (west, east) of
    a `Region`: the whole circle where the margin reaches over the pole, or where an arc leaves -180..360."""
    west, east = longitude_span(longitudes)
    if latitude < 90.0:
        margin = margin_km / (ROUND_KM_PER_DEGREE * math.cos(math.radians(latitude)))
        west, east = west - margin, east + margin
        if west < -180.0:
            west, east = west + 360.0, east + 360.0
        if west >= -180.0 and east <= 360.0 and east - west < 360.0:
            return west, east
    return -180.0, 180.0


def _inside_polygon(x: np.ndarray, y: np.ndarray, corner_x: np.ndarray, corner_y: np.ndarray) -> np.ndarray:
    """Even-odd rule: a point is inside when a ray to the east crosses the outline an odd number of times."""
    inside = np.zeros(np.broadcast(x, y).shape, dtype=bool)
    for x1, y1, x2, y2 in zip(corner_x, corner_y, np.roll(corner_x, -1), np.roll(corner_y, -1), strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > y) != (y2 > y)
        inside ^= crosses & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return inside
