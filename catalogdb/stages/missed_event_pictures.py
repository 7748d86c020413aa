"""Waveforms of a missed event with what the picker saw, for the report."""

from __future__ import annotations

from collections.abc import Callable

from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.plots.waveform import event_figure_svg
from catalogdb.report import Picture
from catalogdb.stages.read_waveform import Choice
from catalogdb.stages.read_waveform_event import filtered_event_view

STATIONS = 3


def missed_event_pictures(db: Database, catalog: str, reference: str) -> Callable[[Json], list[Picture]]:
    """Gives the pictures of a missed event: its nearest stations that have waveforms; none where no station has any."""
    judged = db.catalog.find_one({"_id": catalog}, {"pick_set": 1}) or {}
    pick_sets = tuple(name for name in (judged.get("pick_set"),) if name)
    has_picks = db.pick.find_one({"pick_set": reference}, {"_id": 1}) is not None
    choice = Choice(pick_sets=pick_sets, references=(reference,) if has_picks else ())

    def pictures_of(event: Json) -> list[Picture]:
        try:
            view = filtered_event_view(db, event["event_id"], choice, STATIONS, reference)
        except InputError:  # no station has waveforms: the reason stands in the table
            return []
        how = f"{view.band[0]:g} to {view.band[1]:g} Hz" if view.band else "not filtered"
        caption = f"The nearest stations with waveforms, {how}"
        return [Picture(caption, event_figure_svg(view).encode())]

    return pictures_of
