"""Events of two catalogs pair by pair, with nothing stored."""

from __future__ import annotations

from pymongo.database import Database

from catalogdb.comparisons.readers import read_events
from catalogdb.documents.free import Json
from catalogdb.evaluation.gates import Gates
from catalogdb.evaluation.pairing import pair_events


def match_events(
    db: Database, catalog: str, reference: str, starttime: float, endtime: float, max_dt: float, max_km: float
) -> list[Json]:
    """Pair the events of two catalogs of [starttime, endtime) one to one, without storing anything.

    Returns:
        Rows by time of the reference: reference_id, catalog_id, reference_time, catalog_time, reference_magnitude, dt,
        distance_km, depth_difference_km, magnitude_difference, weight; what is not known is left out.
    """
    gates = Gates(max_dt=max_dt, max_km=max_km)
    first = read_events(db, reference, starttime, endtime)
    second = read_events(db, catalog, starttime - max_dt, endtime + max_dt)
    pairs = pair_events(first, second, gates)
    columns = {
        "reference_id": first.identity[pairs.reference],
        "catalog_id": second.identity[pairs.catalog],
        "reference_time": first.time[pairs.reference],
        "catalog_time": second.time[pairs.catalog],
        "reference_magnitude": first.magnitude[pairs.reference],
        "dt": pairs.dt,
        "distance_km": pairs.distance_km,
        "depth_difference_km": second.depth_km[pairs.catalog] - first.depth_km[pairs.reference],
        "magnitude_difference": second.magnitude[pairs.catalog] - first.magnitude[pairs.reference],
        "weight": pairs.weight,
    }
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return [
        {name: value for name, value in zip(columns, row, strict=True) if isinstance(value, str) or value == value}
        for row in rows
    ]
