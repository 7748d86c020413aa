"""The report with what needs waveforms: the record section of an event, and the waveforms of missed events."""

from __future__ import annotations

from pathlib import Path

from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.report import gather, gather_catalog, write_page
from catalogdb.stages.missed_event_pictures import missed_event_pictures
from catalogdb.stages.record_section import record_section, section_of_largest


def report_data(
    db: Database,
    catalog: str,
    evaluation: Json | None = None,
    starttime: float | None = None,
    endtime: float | None = None,
    missed_shown: int = 50,
    waveforms: bool = True,
    event_id: str | None = None,
) -> Json:
    """All numbers of the report of a catalog, alone or against a reference.

    Args:
        evaluation: what `catalogdb.comparisons.evaluate` gave; None for the catalog alone.
        starttime, endtime: of the period (epoch seconds UTC), of a catalog alone.
        missed_shown: most missed events with their picks, the largest first.
        waveforms: whether to add the record section of an event, where waveforms are indexed.
        event_id: of the event of the record section; None for the largest that has waveforms.

    Raises:
        InputError: for an unknown catalog, an empty period, or an event without waveforms.
    """
    if evaluation is None:
        data = gather_catalog(db, catalog, starttime, endtime)
    else:
        data = gather(db, evaluation, missed_shown=missed_shown)
    section = None
    if event_id is not None:
        section = record_section(db, catalog, event_id)
    elif waveforms:
        section = section_of_largest(db, catalog, data["of_catalog"]["map"]["events"])
    return data | {"record_section": section}


def write_report(db: Database, path: Path, data: Json, waveforms: bool = True) -> None:
    """Write the page of what `report_data` gave; with `waveforms`, those of missed events are in it."""
    pictures_of = None
    if waveforms and data.get("missed_events"):
        pictures_of = missed_event_pictures(db, data["catalog"], data["reference"])
    write_page(path, data, pictures_of)
