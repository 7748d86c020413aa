"""A catalog's arrivals -> a named 3-D velocity model."""

from __future__ import annotations

from collections.abc import Callable

from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.names import checked_name
from catalogdb.stages.arrival_places import associated_origins, described
from catalogdb.stages.velocity_models import check_name_is_free, keep_model, velocity_model
from catalogdb.traveltimes.model_files import NAMED, PLACES_IN_A_JOB, model_setting
from catalogdb.traveltimes.velocity import AS_FLAT, VelocityConfig

AT_SEA_LEVEL = "stations at sea level"
LOCATED_BY = tuple(keys for keys in PLACES_IN_A_JOB if keys[0] != "relocate")


def make_velocity_model(
    db: Database,
    catalog: str,
    name: str,
    spacing_km: float | None = None,
    replace: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Json:
    """Invert the arrivals of a catalog for a 3-D velocity model, and give it a name.

    It begins with the 1-D model of the catalog's job and reaches over its region. Stations stand where location had
    them: at sea level where the job's `locate` has `elevations: false`.

    Args:
        spacing_km: of nodes, horizontally; left out: 4 km, or as many more as their number asks for.
        replace: take the place of another model of that name.
        progress: called with the rounds done, and how many there are.

    Returns:
        As `keep_model`, facts as of `model_of_arrivals`, and `notes`: sentences on what was not taken as it is.

    Raises:
        InputError: for an unknown catalog, one without a job's settings, too few events, or a 3-D model to begin with.
        NameTaken: where there is a model of that name.
    """
    checked_name(name, "velocity model")
    if not replace:
        check_name_is_free(db, name)
    row = db.catalog.find_one({"_id": catalog}, {"config": 1})
    if row is None:
        raise InputError(f"no catalog {catalog!r} in database {db.name!r}", hint="catalogdb query catalogs")
    config = row.get("config") or {}
    if "associate" not in config:
        raise InputError(
            f"catalog {catalog!r} is of no job that associates: it has neither a region nor a velocity model",
            hint="name a catalog that catalogdb run has made",
        )
    from catalogdb.geo import Region
    from catalogdb.location.documents import Placed, at_sea_level
    from catalogdb.tomography.documents import model_of_arrivals

    velocity = _velocity(db, catalog, config)
    origins, placed = associated_origins(db, {"catalog": catalog})
    arrivals = [[Placed(**described(own)) for own in event] for event in placed]
    notes, source = [AS_FLAT] if velocity.spherical else [], f"tomography of catalog {catalog}"
    if not (config.get("locate") or {}).get("elevations", True):
        arrivals, source = at_sea_level(arrivals), f"{source}, {AT_SEA_LEVEL}"
        notes.append(f"{AT_SEA_LEVEL}, as the catalog was located (locate.elevations: false)")
    region = Region.model_validate(config.get("region") or {})
    margin_km = float(config["associate"]["search_margin_km"])
    model, facts = model_of_arrivals(origins, arrivals, region, margin_km, velocity, spacing_km, progress)
    return keep_model(db, name, model, source, replace) | facts | {"notes": notes}


def _velocity(db: Database, catalog: str, config: Json) -> VelocityConfig:
    """The 1-D model that a catalog was located in."""
    setting, found = model_setting(config, LOCATED_BY)
    model = velocity_model(db, found) if setting == NAMED else VelocityConfig.model_validate(found)
    if isinstance(model, VelocityConfig):
        return model
    raise InputError(
        f"catalog {catalog!r} was located in {found!r}, a 3-D model: tomography begins with a 1-D one",
        hint="name a catalog that was located in layers",
    )
