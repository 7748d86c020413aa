"""A job file, with remarks, from what the database holds: stations, waveforms, pick sets, reference catalogs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pymongo.database import Database

from catalogdb.channels import SENSOR_PRIORITY
from catalogdb.documents.free import Query, Row
from catalogdb.errors import InputError
from catalogdb.geo import Box, Region, distance_azimuth
from catalogdb.jobs import JobFile, load_job_file, packaged_jobs, validated
from catalogdb.names import checked_name
from catalogdb.stages.station_places import stations_in_operation
from catalogdb.times import ALWAYS, format_time
from catalogdb.traveltimes.reference_models import IASP91
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.yaml_text import parse_yaml, yaml_word

HOUR = 3600.0
LEAST_MARGIN_KM, MOST_MARGIN_KM, MARGIN_OF_APERTURE = 10.0, 50.0, 0.3
HARDLY_KM = 0.01
"""Around stations, for a box that has a width even of one."""
MODEL_RATE_HZ = 100.0
SEVERAL = 8


@dataclass(frozen=True)
class _Archive:
    """Waveforms at hand: stations as NET.STA, epoch seconds, segments by sampling rate (Hz) and by family (HH, ...)."""

    stations: frozenset[str]
    starttime: float
    endtime: float
    rates: Counter[float]
    families: Counter[str]


def proposed_job(db: Database, name: str, pick_set: str | None = None) -> str:
    """The text of a job file, which loads as it is.

    Args:
        name: of the job and of its catalog.
        pick_set: begin with the picks of this set instead of with waveforms.

    Raises:
        InputError: where the database has no stations, or neither waveforms nor that pick set.
    """
    checked_name(name, "job")
    archive = None if pick_set else _archive(db)
    if pick_set and not db.pick.find_one({"pick_set": pick_set}, {"_id": 1}):
        raise InputError(f"there are no picks under the name {pick_set!r}", hint="catalogdb query pick_sets")
    if archive is None and not pick_set:
        raise InputError("there are no waveforms to begin with", hint="catalogdb ingest waveforms PATH, or --pick-set")
    starttime, endtime = (archive.starttime, archive.endtime) if archive else _span_of_picks(db, pick_set or "")
    rows = stations_in_operation(db, starttime, endtime) or stations_in_operation(db, *ALWAYS)
    used = archive.stations if archive else _stations_of_picks(db, pick_set or "")
    placed = [row for row in rows if f"{row['net']}.{row['sta']}" in used or row["sta"] in used]
    if not placed:
        raise InputError(
            "none of the stations with data has a place in the database", hint="catalogdb ingest stations FILE"
        )
    missing = sorted(used - {f"{row['net']}.{row['sta']}" for row in placed} - {row["sta"] for row in placed})
    lines = [
        f"# Proposed from what the database held; look it over, then: catalogdb run {name}.yaml",
        f"name: {yaml_word(name)}",
        f"catalog: {yaml_word(name)}  # name of what it writes",
        *_stages(pick_set),
        *_period(starttime, endtime),
        *_region([dict(row) for row in placed]),
        *([f"# without a place, and so without events: {_some(missing)}"] if missing else []),
        *(_pick(archive) if archive else []),
        *_associate([dict(row) for row in placed]),
        *_evaluate(db, starttime, endtime),
    ]
    text = "\n".join(lines) + "\n"
    validated(JobFile, parse_yaml(text, name), name)
    return text


def write_proposed_job(db: Database, name: str, output: Path, pick_set: str | None = None) -> str:
    """Write `proposed_job` to a file, which must not be there yet; the text is returned.

    Raises:
        InputError: also where the file exists or can't be written.
    """
    text = proposed_job(db, name, pick_set)
    try:
        with open(output, "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise InputError(f"{output}: exists already", hint="--output names another file") from None
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror or error}") from error
    return text


def _archive(db: Database) -> _Archive | None:
    by_sensor: list[Query] = [
        {
            "$group": {
                "_id": {
                    "net": "$net",
                    "sta": "$sta",
                    "family": {"$substrCP": ["$chan", 0, 2]},
                    "rate": "$sampling_rate",
                },
                "starttime": {"$min": "$starttime"},
                "endtime": {"$max": "$endtime"},
                "segments": {"$sum": 1},
            }
        }
    ]
    rows = list(db.wf_miniseed.aggregate(by_sensor, allowDiskUse=True))
    if not rows:
        return None
    rates: Counter[float] = Counter()
    families: Counter[str] = Counter()
    for row in rows:
        rates[round(row["_id"]["rate"], 3)] += row["segments"]
        families[row["_id"]["family"]] += row["segments"]
    return _Archive(
        frozenset(f"{row['_id']['net']}.{row['_id']['sta']}" for row in rows),
        min(row["starttime"] for row in rows),
        max(row["endtime"] for row in rows),
        rates,
        families,
    )


def _span_of_picks(db: Database, pick_set: str) -> tuple[float, float]:
    ends: Query = {"_id": None, "low": {"$min": "$time"}, "high": {"$max": "$time"}}
    row = next(iter(db.pick.aggregate([{"$match": {"pick_set": pick_set}}, {"$group": ends}])))
    return row["low"], row["high"]


def _stations_of_picks(db: Database, pick_set: str) -> frozenset[str]:
    groups: list[Query] = [
        {"$match": {"pick_set": pick_set}},
        {"$group": {"_id": {"net": "$net", "sta": "$sta"}}},
    ]
    rows = [row["_id"] for row in db.pick.aggregate(groups)]
    return frozenset(f"{row['net']}.{row['sta']}" if row["net"] else row["sta"] for row in rows)


def _stages(pick_set: str | None) -> list[str]:
    if pick_set is None:
        return []
    return [
        f"pick_set: {yaml_word(pick_set)}  # its picks are taken as they are",
        "stages: [associate, magnitude, evaluate]",
    ]


def _period(starttime: float, endtime: float) -> list[str]:
    start, end = HOUR * (starttime // HOUR), HOUR * (endtime // HOUR + 1.0)
    days = (end - start) / 86400.0
    return [
        f"# {days:.1f} days, all that there is. Try a day first. What comes in later: last_days instead of both.",
        f"period: {{starttime: {_time(start)}, endtime: {_time(end)}}}",
    ]


def _time(time: float) -> str:
    return format_time(time)[:19] + "Z"


def _region(rows: list[Row]) -> list[str]:
    """A box around the stations, a part of their aperture wider on each side."""
    corners = Region(margin_km=HARDLY_KM).completed(rows).box
    distance, _ = distance_azimuth(corners.south, corners.west, corners.north, corners.east)
    aperture_km = float(distance)
    margin_km = min(max(MARGIN_OF_APERTURE * aperture_km, LEAST_MARGIN_KM), MOST_MARGIN_KM)
    box = Region(margin_km=margin_km).completed(rows).box
    limits = {
        "minlatitude": f"{box.south:.2f}",
        "maxlatitude": f"{box.north:.2f}",
        "minlongitude": f"{box.west:.2f}",
        "maxlongitude": f"{box.east:.2f}",
    }
    return [
        f"# {len(rows)} stations with data and a place, {aperture_km:.0f} km across, and {margin_km:.0f} km around.",
        "region:",
        *(f"  {key}: {value}" for key, value in limits.items()),
        "  mindepth_km: 0",
        "  maxdepth_km: 40  # below sea level",
    ]


def _pick(archive: _Archive) -> list[str]:
    rates = ", ".join(f"{rate:g} Hz" for rate, _ in archive.rates.most_common(SEVERAL))
    families = [family for family, _ in archive.families.most_common()]
    unknown = [family for family in families if family not in SENSOR_PRIORITY]
    lines = [
        f"# {len(archive.stations)} stations: {rates}; sensors {', '.join(families[:SEVERAL])}.",
        *([f"# Below {MODEL_RATE_HZ:g} Hz the picker works on interpolated samples, and S suffers first."]
          if min(archive.rates) < MODEL_RATE_HZ else []),
        "pick:",
        "  picker: phasenet",
        "  weights: original  # or instance, stead, ...: docs/how-to/choose-weights.md",
        "  p_threshold: 0.3",
        "  s_threshold: 0.3",
    ]  # fmt: skip
    if unknown:
        order = [family for family in SENSOR_PRIORITY if family in families] + unknown
        words = ", ".join(map(yaml_word, order))
        lines.append(f"  channel_priority: [{words}]  # with {', '.join(unknown)}, which the usual one has not")
    return lines


def _associate(rows: list[Row]) -> list[str]:
    box = Region(margin_km=HARDLY_KM).completed(rows).box
    model, source = _velocity((box.south + box.north) / 2.0, (box.west + box.east) / 2.0)
    if model.layers is None:
        velocity = [f"  velocity: {{vp: {model.vp}, vs: {model.vs}}}"]
    else:
        layers = (f"{{depth_km: {one.depth_km:g}, vp: {one.vp:g}, vs: {one.vs:g}}}" for one in model.layers)
        velocity = [
            "  velocity:",
            *(f"    {name}: true" for name in ("gradient", "spherical") if getattr(model, name)),
            "    layers:",
            *(f"      - {layer}" for layer in layers),
        ]
    least = 4 if len(rows) < 6 else 6
    return [
        "associate:",
        f"  min_picks: {least}  # of an event; more keeps chance out, fewer finds smaller events",
        f"  # {source}",
        *velocity,
    ]


def _velocity(latitude: float, longitude: float) -> tuple[VelocityConfig, str]:
    """The model of a packaged job whose region holds the place, of layers before plain speeds, of a small region before
    a large one; else IASP91. And where it is from."""
    found: list[tuple[bool, float, VelocityConfig, str]] = []
    for path in packaged_jobs():
        job = load_job_file(path)
        model = job.associate.location_velocity or job.associate.velocity
        if not job.region.is_complete or model in (VelocityConfig(), IASP91):  # of a job that gives none
            continue
        box: Box = job.region.box
        inside = box.south <= latitude <= box.north and box.west <= longitude <= box.east
        if inside:
            size = (box.north - box.south) * (box.east - box.west)
            found.append(
                (
                    model.layers is None,
                    size,
                    model,
                    f"Speeds of the packaged job {job.name}, whose region holds these stations.",
                )
            )
    if found:
        _, _, model, source = min(found, key=lambda item: item[:2])
        return model, source
    return IASP91, "IASP91, for want of a model of the place: put yours here (km, km/s)."


def _evaluate(db: Database, starttime: float, endtime: float) -> list[str]:
    meets = {"kind": "reference", "starttime": {"$lt": endtime}, "endtime": {"$gt": starttime}}
    names = [row["_id"] for row in db.catalog.find(meets, {"_id": 1}).sort("_id", 1)]
    if not names:
        return [
            "# No reference catalog of this time is there. catalogdb ingest catalog FILE --name NAME, then:",
            "# evaluate: {reference: NAME}",
        ]
    others = f"  # there are also {_some(names[1:])}" if names[1:] else ""
    return [f"evaluate: {{reference: {yaml_word(names[0])}}}{others}"]


def _some(names: list[str]) -> str:
    return ", ".join(names[:SEVERAL]) + (f" and {len(names) - SEVERAL} more" if len(names) > SEVERAL else "")
