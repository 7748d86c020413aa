"""What can be asked for: views and collections by subject, and their fields."""

from __future__ import annotations

from catalogdb.documents.free import Row
from catalogdb.filters import fields_of
from catalogdb.schema import SchemaField, collections, views
from catalogdb.view_fields import Fields

SUBJECTS = {
    "events": ("event", "origin", "magnitude", "feature", "feature_model", "fingerprint", "catalog"),
    "picks": ("pick", "pick_set", "peak", "probability", "detection"),
    "waveforms": ("wf_miniseed", "wf_file"),
    "stations": ("site", "channel"),
    "comparisons": ("comparison", "score", "event_match", "pick_match"),
}
"""Subjects of collections; a view has that of its collection. What stands in none is about the work."""
WORK = "work"


def subject_of(collection: str) -> str:
    """The subject of a collection."""
    return next((subject for subject, names in SUBJECTS.items() if collection in names), WORK)


def listed() -> list[Row]:
    """Views and collections: subject, name, kind, and what it is in one sentence; by subject, views first."""
    found = [
        {"subject": subject_of(view.on), "name": name, "kind": "view", "what": view.concept}
        for name, view in views().items()
        if not view.parameters
    ]
    found += [
        {"subject": subject_of(name), "name": name, "kind": "collection", "what": schema.concept}
        for name, schema in collections().items()
    ]
    order = [*SUBJECTS, WORK]
    return sorted(found, key=lambda row: order.index(row["subject"]))


def listed_fields(name: str) -> list[Row]:
    """Fields of a view or collection: field, type, unit and meaning; those inside of objects by dots."""
    return list(_rows(fields_of(name)[0]))


def _rows(fields: Fields, prefix: str = "") -> list[Row]:
    found = []
    for key, field in fields.items():
        if isinstance(field, dict):
            found += _rows(field, f"{prefix}{key}.")
            continue
        known = field if isinstance(field, SchemaField) else None
        row = {"field": prefix + key, "type": None, "unit": None, "meaning": None}
        if known:
            row |= {"type": known.type, "unit": known.unit, "meaning": known.concept}
        found.append(row)
        if known and known.fields:
            found += _rows(known.fields, f"{prefix}{key}.")
    return found
