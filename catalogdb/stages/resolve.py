"""A job -> its stages, each bound to a configuration whose identity names everything that decides the result."""

from __future__ import annotations

import math
from typing import Any

from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.identity import canonical
from catalogdb.jobs import Job
from catalogdb.ledger.stage import Stage
from catalogdb.stages import registry
from catalogdb.stages.models import provide_models
from catalogdb.stages.pick_selection import PickSelection
from catalogdb.stages.results import ResultName, as_made

CATALOG_REVISION = 11
"""Raise this number whenever a change of the code after picking changes catalogs."""


def build_stage(name: str, job: Job, config_id: str | None = None) -> Stage:
    """Make a stage of a job; heavy libraries are imported here and not before."""
    stage: Any = registry.stage_type(name)
    return stage(job, config_id or "")


def resolve(db: Database, job: Job) -> tuple[list[Stage], list[ResultName]]:
    """The job's stages in order, and the names that their results are to stand under.

    Raises:
        InputError: where the database holds nothing that the job could work on, and where a stage of the job reads what
            none of its others makes.
    """
    _check_all_run(job)
    provide_models(db, job)
    stages, names = pick_set_stages(job, db)
    if registry.makes(job.stages, "catalog"):
        held = db.pick_set.find_one({"_id": job.pick_set_name}, {"config_id": 1}) or {}
        config = catalog_config(job, names[0].config_id if names else held.get("config_id", ""))
        config, config_id = as_made(db, "catalog", job.catalog, config)
    else:  # what there is to be done with a catalog that is there
        config, config_id = {}, (db.catalog.find_one({"_id": job.catalog}, {"config_id": 1}) or {}).get("config_id", "")
    of_catalog = [stage(job, config_id) for stage in stages_in(job, "catalog")]
    for stage in (*stages, *of_catalog):
        stage.check(db)
    if config:
        extent = _extent(db, job)
        period = extent and (extent if job.period else _whole_windows(job, *extent))
        fields = {"pick_set": job.pick_set_name}
        config_and_fields = config_id, canonical(config), fields
        names.append(ResultName("catalog", job.catalog, *config_and_fields, extent, period, bool(job.period)))
    return [*stages, *of_catalog], names


def stages_in(job: Job, kind: str) -> list[type[Stage]]:
    """The stages of a job that make one kind of result, in order, without those whose block is null."""
    chosen = registry.stages_of(job.stages, kind)
    return [stage for stage in chosen if stage.settings is None or job.block(stage.name) is not None]


def _check_all_run(job: Job) -> None:
    """Refuse a stage that reads, of its own kind of result, what no other stage of the job makes."""
    for kind in ("pick_set", "catalog"):
        run = registry.stages_of(job.stages, kind)
        for stage in registry.run_stages():
            if stage.kind == kind and stage.name in job.stages and stage not in run:
                wanted = {*job.stages, *registry.makers(kind)}
                named = ", ".join(name for name in registry.names_in_order() if name in wanted)
                raise InputError(
                    f"job {job.name}: stages: {stage.name} needs {', '.join(registry.makers(kind))} in the same job",
                    hint=f"stages: [{named}], with all others that the {kind.replace('_', ' ')} is to have; what is "
                    "done with the same settings is not done again",
                )


def pick_set_stages(job: Job, db: Database | None = None) -> tuple[list[Stage], list[ResultName]]:
    """The stages that make the job's pick set, whose configuration is that of the first of them, and its name.

    Args:
        db: says whether the pick set was renamed; none: it was not.
    """
    if not registry.makes(job.stages, "pick_set"):
        return [], []
    first, *others = stages_in(job, "pick_set")
    stage: Any = first(job, "")
    if db is not None:
        keep_identity(db, stage)
    name = ResultName("pick_set", job.pick_set_name, stage.config_id, canonical(stage.config))
    return [stage, *(other(job, stage.config_id) for other in others)], [name]


def keep_identity(db: Database, stage: Any) -> None:
    """Give a stage that makes a renamed pick set the identity that this was made with."""
    config, config_id = as_made(db, "pick_set", stage.result, stage.config)
    if config is not stage.config:
        stage.config, stage.config_id = config, config_id


def renamed(db: Database, job: Job, name: str) -> Job:
    """The job with another catalog name.

    Its picks are shared: the pick set keeps its name where it stands in the database with the job's own settings, or
    where the job makes no picks. Else it takes the new name too, and so it does where that catalog stands already and
    was made from a pick set of its own name.
    """
    pick_set = job.pick_set_name
    provide_models(db, job)
    for made in pick_set_stages(job, db)[1]:
        held = db.pick_set.find_one({"_id": pick_set}, {"config_id": 1})
        shared = held and held["config_id"] == made.config_id
        if not shared or db.catalog.find_one({"_id": name, "pick_set": name}, {"_id": 1}):
            pick_set = name
    return Job.model_validate(job.model_dump() | {"catalog": name, "pick_set": pick_set})


def catalog_config(job: Job, pick_set_config_id: str) -> Json:
    """Everything that decides a catalog, once its picks are given."""
    config = {
        "catalog": job.catalog,
        "revision": CATALOG_REVISION,
        "pick_set": pick_set_config_id,
        "region": job.region.model_dump(mode="json"),
        "stations": job.stations.model_dump(mode="json"),
    }
    for stage in registry.run_stages():
        if stage.kind == "catalog":
            config |= stage.identity(job)
    return config


def _extent(db: Database, job: Job) -> tuple[float, float] | None:
    """What the catalog covers: the job's period, or its stations' waveforms or picks (epoch seconds).

    An event precedes its picks, by as much as windows of association overlap.
    """
    if job.period:
        return job.period.starttime.timestamp(), job.period.endtime.timestamp()
    picked = registry.makes(job.stages, "pick_set")
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
