"""Running a job's matrix: each network once, thresholds from its peaks, then every catalog, and their ranking."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace as changed

from pydantic import BaseModel, Field
from pymongo.database import Database
from pymongo.errors import PyMongoError

from catalogdb.database.connection import connect
from catalogdb.database.initialise import initialise
from catalogdb.documents.free import Json, Row
from catalogdb.errors import CatalogdbError, DatabaseError
from catalogdb.jobs import Job
from catalogdb.matrix import Cell
from catalogdb.runs.run import Progress, RunReport, run_job
from catalogdb.runs.run_report import tasks_are
from catalogdb.settings import Settings
from catalogdb.stages import registry
from catalogdb.stages.repick import repick
from catalogdb.stages.resolve import resolve
from catalogdb.stages.results import ResultName, claim_names

Watch = Callable[[str], AbstractContextManager[Progress]]


class CellReport(BaseModel):
    """What one cell came to."""

    catalog: str
    pick_set: str
    inference: str | None = Field(None, description="Pick set whose network run it shares; none: it makes no picks.")
    values: Json = Field({}, description="Keys of the job that it sets.")
    status: str = Field("planned", description="planned, done or failed.")
    tasks: int = Field(0, description="Tasks done for it now, shared inference left out; 0 where all was up to date.")
    run_id: str | None = None
    problems: list[str] = Field([], description="Why it failed, and what failed in it.")
    evaluation: Json | None = None


class SweepReport(BaseModel):
    """What a sweep came to."""

    job: str
    cells: list[CellReport]
    inferences: dict[str, int] = Field({}, description="Picking tasks of each shared inference, done now.")
    ranking: list[Json] = Field([], description="The catalogs, best F1 of events first, of equals that of picks.")

    @property
    def failed(self) -> list[CellReport]:
        """The cells that failed, or in which a task did."""
        return [cell for cell in self.cells if cell.status == "failed"]


def plan_sweep(name: str, cells: list[Cell]) -> SweepReport:
    """What a sweep of a matrix would do; no database is asked."""
    return SweepReport(job=name, cells=[_planned(cell) for cell in cells])


def sweep(
    settings: Settings,
    name: str,
    cells: list[Cell],
    engine: str = "local",
    workers: int | None = None,
    scheduler: str | None = None,
    replace: bool = False,
    watch: Watch = lambda title: nullcontext(lambda stage, total, report: None),
) -> SweepReport:
    """Run the cells of a matrix. What fails is reported and stops no other cell.

    Args:
        name: of the job.
        replace: write over results of other settings under the cells' names.
        watch: gives, for the title of a step, what is called with the step's progress.

    Raises:
        InputError: when results that are to be written over are in use; nothing is removed then.
        DatabaseError, PyMongoError: when the database can't be used.
    """
    db = connect(settings)
    initialise(db)
    if replace:
        _claim_names(db, cells)
    report = plan_sweep(name, cells)
    options: Json = {"engine": engine, "workers": workers, "scheduler": scheduler, "replace": replace}
    broken: dict[str, str] = {}
    for source in {cell.source.pick_set_name: cell.source for cell in cells if cell.source}.values():
        with watch(f"inference {source.pick_set_name}") as progress:
            try:
                run = run_job(settings, source, progress=progress, **options)
                report.inferences[source.pick_set_name] = sum(stage.done for stage in run.stages.values())
            except (DatabaseError, PyMongoError):
                raise
            except Exception as error:  # the other inferences may succeed
                broken[source.pick_set_name] = _message(error)
    for number, (cell, row) in enumerate(zip(cells, report.cells, strict=True), 1):
        with watch(f"{number} of {len(cells)}: {row.catalog}") as progress:
            try:
                if cell.source and cell.source.pick_set_name in broken:
                    raise CatalogdbError(f"inference failed: {broken[cell.source.pick_set_name]}")
                _run_cell(settings, cell, row, progress, options)
            except (DatabaseError, PyMongoError):
                raise
            except Exception as error:  # the other cells may succeed
                row.status, row.problems = "failed", [*row.problems, _message(error)]
    report.ranking = _ranking(report.cells)
    return report


def _claim_names(db: Database, cells: list[Cell]) -> None:
    """Write over all cells' names together: none can be replaced alone while others of the sweep are made from it."""
    names: list[ResultName] = []
    for job in {cell.source.pick_set_name: cell.source for cell in cells if cell.source}.values():
        names += resolve(db, job)[1]
    for cell in cells:
        for name in resolve(db, cell.job)[1]:
            chosen = cell.source and name.kind == "pick_set"
            fields = {"repicked_from": cell.source.pick_set_name} if cell.source else {}
            names.append(changed(name, fields=fields) if chosen else name)
    claim_names(db, names, replace=True)


def _planned(cell: Cell) -> CellReport:
    job = cell.job
    inference = (cell.source or job).pick_set_name if registry.makes(job.stages, "pick_set") else None
    return CellReport(catalog=job.catalog, pick_set=job.pick_set_name, inference=inference, values=cell.values)


def _run_cell(settings: Settings, cell: Cell, row: CellReport, progress: Progress, options: Json) -> None:
    if cell.source:
        row.tasks += _choose_picks(settings, cell.job, cell.source, options["replace"])
    run = run_job(settings, cell.job, progress=progress, **options)
    row.tasks += sum(stage.done for stage in run.stages.values())
    row.run_id, row.status, row.evaluation = run.run_id, run.status, run.evaluation
    row.problems = _failures(run) + run.notes


def _choose_picks(settings: Settings, job: Job, source: Job, replace: bool) -> int:
    """Make the cell's pick set from the source's peaks; what fails there is met again, and reported, by its run."""
    pick = job.pick
    made = repick(
        connect(settings),
        source.pick_set_name,
        job.pick_set_name,
        pick.p_threshold,
        pick.s_threshold,
        pick.station_thresholds,
        replace,
    )
    return made["tasks"]["done"]


def _failures(run: RunReport) -> list[str]:
    held = [f"{name}: {tasks_are(stage.held)} in other hands" for name, stage in run.stages.items() if stage.held]
    return [f"{name}: {line}" for name, stage in run.stages.items() for line in stage.failures] + held


def _message(error: Exception) -> str:
    if isinstance(error, CatalogdbError):
        return f"{error} ({error.hint})" if error.hint else str(error)
    return f"{type(error).__name__}: {error}"


def _ranking(cells: list[CellReport]) -> list[Json]:
    """The evaluated catalogs by the F1 of their events, of equals by that of picks; what is undefined comes last."""
    rows = []
    for cell in cells:
        if cell.evaluation is None:
            continue
        events, picks = cell.evaluation["events"], cell.evaluation["both_phases"]
        counts = {name: events[name] for name in ("matched", "missed", "proposed")}
        shares = {name: events[name] for name in ("recall", "precision", "f1")}
        of_picks = {f"pick {name}": picks[name] for name in ("recall", "precision", "f1")}
        rows.append({"catalog": cell.catalog, **counts, **shares, **of_picks})
    rows.sort(key=lambda row: row["catalog"])
    rows.sort(key=_merit, reverse=True)
    ranks = [1 + sum(_merit(other) > _merit(row) for other in rows) for row in rows]
    return [{"rank": rank, **row} for rank, row in zip(ranks, rows, strict=True)]


def _merit(row: Row) -> tuple[float, float]:
    events, picks = (-1.0 if row[name] is None else row[name] for name in ("f1", "pick f1"))
    return events, picks
