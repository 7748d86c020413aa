"""A job -> its stages, each bound to a configuration whose identity names everything that decides the result."""

from __future__ import annotations

import math
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pymongo.database import Database

from catalogdb.association.config import AssociateConfig
from catalogdb.database.named import require_pick_set
from catalogdb.errors import InputError
from catalogdb.identity import canonical, content_id
from catalogdb.jobs import Job
from catalogdb.ledger.stage import Stage
from catalogdb.stages.results import ResultName
from catalogdb.stages.station_notes import require_picks

CATALOG_REVISION = 6
"""Raise this number whenever a change of the code after picking changes catalogs."""
ASSOCIATOR_PACKAGES = {"gamma": ("GMMA", "scikit-learn"), "pyocto": ("pyocto",)}


def build_stage(name: str, job: Job, config_id: str | None = None) -> Stage:
    """Make a stage of a job; heavy libraries are imported here and not before."""
    if name == "pick":
        from catalogdb.stages.pick import PickStage

        return PickStage(job)
    if name == "associate":
        from catalogdb.stages.associate import AssociateStage

        return AssociateStage(job, config_id)
    if name == "magnitude":
        from catalogdb.stages.magnitude import MagnitudeStage

        return MagnitudeStage(job, config_id)
    from catalogdb.stages.assemble import AssembleStage

    return AssembleStage(job, config_id)


def resolve(db: Database, job: Job) -> tuple[list[Stage], list[ResultName]]:
    """The job's stages in order, and the names that their results are to stand under.

    Raises:
        InputError: where the database holds nothing that the job could work on.
    """
    stages: list[Stage] = []
    names: list[ResultName] = []
    if "pick" in job.stages:
        stage = build_stage("pick", job)
        if not stage.has_waveforms(db):
            raise InputError(
                f"job {job.name}: no waveforms of its stations and period are indexed in database {db.name!r}",
                hint="catalogdb ingest waveforms PATH; then check the job's stations and period",
            )
        names.append(ResultName("pick_set", job.pick_set_name, stage.config_id, canonical(stage.config)))
        stages.append(stage)
    if "associate" in job.stages:
        if not any(job.stations.takes(row["net"], row["sta"]) for row in db.site.find({}, {"net": 1, "sta": 1})):
            raise InputError(
                f"job {job.name}: database {db.name!r} has no coordinates of its stations",
                hint="catalogdb ingest stations FILE; then check the job's stations",
            )
        pick_set_id = names[0].config_id if names else require_pick_set(db, job.pick_set_name)["config_id"]
        if not names:
            require_picks(db, job)
        config = catalog_config(job, pick_set_id)
        config_id = content_id(config)
        fields = {"pick_set": job.pick_set_name}
        extent = _extent(db, job)
        period = extent and (extent if job.period else _whole_windows(job, *extent))
        config_and_fields = config_id, canonical(config), fields
        names.append(ResultName("catalog", job.catalog, *config_and_fields, extent, period, bool(job.period)))
        later = ["associate", *(["magnitude"] if "magnitude" in job.stages else []), "assemble"]
        stages += [build_stage(name, job, config_id) for name in later]
    return stages, names


def renamed(db: Database, job: Job, name: str) -> Job:
    """The job with another catalog name.

    Its picks are shared: the pick set keeps its name where it stands in the database with the job's own settings, or
    where the job makes no picks. Else it takes the new name too, and so it does where that catalog stands already and
    was made from a pick set of its own name.
    """
    pick_set = job.pick_set_name
    if "pick" in job.stages:
        held = db.pick_set.find_one({"_id": pick_set}, {"config_id": 1})
        shared = held and held["config_id"] == build_stage("pick", job).config_id
        if not shared or db.catalog.find_one({"_id": name, "pick_set": name}, {"_id": 1}):
            pick_set = name
    return Job.model_validate(job.model_dump() | {"catalog": name, "pick_set": pick_set})


def catalog_config(job: Job, pick_set_config_id: str) -> dict[str, Any]:
    """Everything that decides a catalog, once its picks are given."""
    return {
        "catalog": job.catalog,
        "revision": CATALOG_REVISION,
        "pick_set": pick_set_config_id,
        "region": job.region.model_dump(mode="json"),
        "stations": job.stations.model_dump(mode="json"),
        "associate": _used_settings(job.associate),
        "magnitude": job.magnitude.model_dump(mode="json") if "magnitude" in job.stages else None,
        "versions": installed_versions(ASSOCIATOR_PACKAGES.get(job.associate.associator, ())),
    }


def installed_versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _used_settings(config: AssociateConfig) -> dict[str, Any]:
    """The settings without those of associators that aren't used."""
    unused = set(ASSOCIATOR_PACKAGES) - {config.associator}
    return config.model_dump(mode="json", exclude=unused)


def _extent(db: Database, job: Job) -> tuple[float, float] | None:
    """What the catalog covers: the job's period, or its stations' waveforms or picks (epoch seconds).

    An event precedes its picks, by as much as windows of association overlap.
    """
    from catalogdb.stages.associate import PickSelection

    if job.period:
        return job.period.starttime.timestamp(), job.period.endtime.timestamp()
    picked = "pick" in job.stages
    source, query = (db.wf_miniseed, {}) if picked else (db.pick, {"pick_set": job.pick_set_name})
    first, last = ("$starttime", "$endtime") if picked else ("$time", "$time")
    stations = job.stations if picked else PickSelection(db, job.stations)
    station = {"_id": {"net": "$net", "sta": "$sta"}, "first": {"$min": first}, "last": {"$max": last}}
    extents = [
        (row["first"], row["last"] + 1e-6)
        for row in source.aggregate([{"$match": query}, {"$group": station}])
        if stations.takes(**row["_id"])
    ]
    if not extents:
        return None
    before = 0.0 if picked else job.associate.overlap_seconds
    return min(first for first, _ in extents) - before, max(last for _, last in extents)


def _whole_windows(job: Job, starttime: float, endtime: float) -> tuple[float, float]:
    """What a job without a period covers: all windows that may read its data."""
    length, overlap = job.associate.window_seconds, job.associate.overlap_seconds
    return math.floor((starttime - overlap) / length) * length, math.ceil((endtime + overlap) / length) * length
