"""The demo: one synthetic day through the whole system, from waveforms to QuakeML and a page to look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from catalogdb.database.connection import connect, mspass_database
from catalogdb.database.initialise import initialise
from catalogdb.documents.free import Json
from catalogdb.errors import CatalogdbError, InputError
from catalogdb.jobs import load_job
from catalogdb.runs.run import Progress, RunReport, run_job
from catalogdb.settings import Settings
from catalogdb.stages.export import export_catalog
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

TRUTH = "demo-truth"
RECIPE = "recipe.json"


class DemoResult(BaseModel):
    """What the demo made."""

    run: RunReport
    evaluation: Json
    quakeml: Path
    page: Path


def run_demo(
    settings: Settings,
    folder: Path,
    seed: int,
    hours: float,
    stations: int | None,
    say: Callable[[str], None],
    progress: Progress,
) -> DemoResult:
    """Synthesise the day unless the folder holds it, then ingest, run, evaluate and export.

    Raises:
        InputError: when the folder holds the day of another recipe.
        CatalogdbError: when a task failed.
    """
    from catalogdb.stages.report_page import report_data, write_report

    recipe = {"seed": seed, "hours": hours, "stations": stations}
    _synthesise(folder, recipe, say)
    db = connect(settings)
    initialise(db)
    say("ingest: stations, waveforms, true catalog")
    ingest_stations(db, mspass_database(settings), [folder / "stations.xml"])
    ingest_waveforms(db, [folder / "waveforms"])
    ingest_catalog(db, [folder / "truth.xml"], TRUTH, format="quakeml")
    say("run: pick, associate, magnitude, assemble, evaluate")
    report = run_job(settings, load_job(Path("demo")), progress=progress)
    if report.status != "done" or report.evaluation is None:
        failures = [line for stage in report.stages.values() for line in stage.failures]
        raise CatalogdbError(f"the demo's run ended as {report.status}: {'; '.join(failures[:3])}")
    quakeml, page = folder / "catalog.xml", folder / "report.html"
    export_catalog(db, report.catalog, quakeml)
    write_report(db, page, report_data(db, report.catalog, report.evaluation))
    return DemoResult(run=report, evaluation=report.evaluation, quakeml=quakeml.absolute(), page=page.absolute())


def _synthesise(folder: Path, recipe: Json, say: Callable[[str], None]) -> None:
    from catalogdb.demo.dataset import write_demo_day

    marker = folder / RECIPE
    if marker.exists():
        if json.loads(marker.read_text()) != recipe:
            raise InputError(
                f"{folder}: holds a demo day of another recipe", hint="choose another --folder, or remove that one"
            )
        return
    say(f"synthesise: waveforms, stations and true catalog in {folder}")
    try:
        write_demo_day(folder, seed=recipe["seed"], duration_s=recipe["hours"] * 3600, stations=recipe["stations"])
    except ValueError as error:
        raise InputError(f"demo: {error}") from error
    marker.write_text(json.dumps(recipe))  # last: a broken-off synthesis starts afresh
