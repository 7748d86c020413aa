"""Picks of any pick set with their waveforms -> a SeisBench data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pymongo.database import Database

from catalogdb.database.named import require_pick_set
from catalogdb.documents.free import Json
from catalogdb.errors import CatalogdbError, InputError
from catalogdb.stages.picked_records import record_of, spans
from catalogdb.training.config import TrainingSetConfig
from catalogdb.training.formats import write_seisbench
from catalogdb.training.records import LabelledRecord, Part

NO_WAVEFORMS = "stretches of picks whose waveforms can't be had"
LINES_KEPT = 20


def export_seisbench_dataset(db: Database, pick_set: str, folder: Path) -> Json:
    """Write metadata.csv and waveforms.hdf5: a record for each station and stretch of first P and S picks that follow
    one another within 60 s, from 30 s before the first one to 30 s after the last one.

    It has no split: a training set is described by itself, from reference picks.

    Args:
        folder: empty, or not there yet.

    Returns:
        pick_set, output, format, records, left_out (by reason), problems (the first lines of why).

    Raises:
        InputError: for an unknown pick set, a folder that holds files, and a set that gives no record.
    """
    require_pick_set(db, pick_set)
    config = TrainingSetConfig(name=pick_set, pick_sets=(pick_set,))
    left_out: Counter[str] = Counter()
    problems: list[str] = []

    def records() -> Iterator[tuple[LabelledRecord, Part | None]]:
        for span in spans(db, config):
            try:
                yield record_of(db, span, config)[0], None
            except CatalogdbError as error:
                left_out[NO_WAVEFORMS] += 1
                if len(problems) < LINES_KEPT:
                    problems.append(f"{span.net}.{span.sta} {span.onsets[0].time:.2f}: {error}")

    counts = write_seisbench(records(), folder)
    written = counts.pop("written")
    if not written:
        for path in folder.iterdir():  # made just now
            path.unlink()
        raise InputError(
            f"pick set {pick_set!r}: none of its picks has waveforms to write"
            + "".join(f"; {p}" for p in problems[:1]),
            hint="catalogdb query availability shows which there are",
        )
    return {
        **{"pick_set": pick_set, "output": str(folder), "format": "seisbench-dataset", "records": written},
        **{"left_out": dict(left_out) | counts, "problems": problems},
    }
