"""The scheduler: APScheduler wakes it when a job is due; each firing runs in a process of its own."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from pymongo.database import Database
from pymongo.errors import PyMongoError

from catalogdb.database.connection import connect
from catalogdb.database.initialise import initialise
from catalogdb.database.lease import server_now
from catalogdb.database.owner import owner
from catalogdb.documents.free import Json
from catalogdb.documents.records import Schedule
from catalogdb.errors import CatalogdbError, DatabaseError
from catalogdb.interrupts import interrupt, raise_what_was_swallowed
from catalogdb.scheduling.schedule import (
    Firing,
    block_of,
    claim,
    due_now,
    give_back,
    job_of,
    kept,
    settle,
)
from catalogdb.settings import Settings

LOOK_SECONDS = 10.0
"""How often the stored schedules are looked at: for new ones, and for firings that nobody was woken for."""
INTERRUPTED = 130
ERROR_LENGTH = 2000

Tell = Callable[[Json], None]


class Scheduler:
    """Runs what is due until it is interrupted.

    Args:
        parallel: different jobs that may run at a time; of one job one runs at a time, on all hosts together.
        tell: called with what happens: event (started, ended, problem, scheduled), name, due, ...; from
            several threads.
    """

    def __init__(self, settings: Settings, parallel: int = 4, tell: Tell = lambda event: None):
        self._settings, self._parallel, self._tell = settings, parallel, tell
        self._stopping = threading.Event()
        self._children: dict[str, Any] = {}
        self._times: dict[str, tuple[str, str]] = {}
        self._clock: Any = None
        self._problems: dict[tuple[str, str | None], str] = {}

    def run(self) -> None:
        """Run until KeyboardInterrupt; then end the runs that are going on, each cleanly, and return.

        Raises:
            DatabaseError: when the database can't be used at the start; later it is waited for.
        """
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # what matters is told in our words
        initialise(connect(self._settings))
        executors = {"default": ThreadPoolExecutor(self._parallel), "look": ThreadPoolExecutor(1)}
        self._clock = BackgroundScheduler(timezone=UTC, executors=executors)
        try:
            self._clock.start()
            self._clock.add_job(
                self._look, "interval", seconds=LOOK_SECONDS, executor="look", next_run_time=datetime.now(UTC)
            )
            while not self._stopping.wait(3600):
                pass
        except KeyboardInterrupt:
            pass
        finally:
            self._stop()

    def run_once(self) -> bool:
        """Run all that is due now, one job after the other; False where one failed."""
        db = connect(self._settings)
        initialise(db)
        names = [row["_id"] for row in db.schedule.find({}, {"_id": 1}).sort("_id")]
        return all([self._attend(name) for name in names])

    def _stop(self) -> None:
        self._stopping.set()
        if self._clock and self._clock.running:
            self._clock.pause()
        for process in list(self._children.values()):
            with suppress(AttributeError, ValueError):  # not started yet, or over
                process.terminate()
        if self._clock and self._clock.running:
            self._clock.shutdown(wait=True)

    # -- in threads of the clock

    def _look(self) -> None:
        """Follow the stored schedules, and wake jobs with a firing that nobody runs."""
        try:
            db = connect(self._settings)
            now = server_now(db)
            rows = {row["_id"]: row for row in db.schedule.find()}
        except (DatabaseError, PyMongoError) as error:
            self._problem("look", error)
            return
        self._solved("look")
        for name in self._times.keys() - rows.keys():
            del self._times[name]
            self._clock.remove_job(name)
        for where, of in list(self._problems):
            if of is not None and of not in rows:
                self._solved(where, of)
        for name, row in rows.items():
            try:
                self._follow(name, row, now)
            except Exception as error:  # one bad document must not hide the others
                self._problem("follow", error, name)
            else:
                self._solved("follow", name)

    def _follow(self, name: str, row: Schedule, now: datetime) -> None:
        from catalogdb.scheduling.clock import ScheduleTrigger

        times = row["cron"], row["timezone"]
        if self._times.get(name) != times:
            block = block_of(row)
            self._clock.add_job(
                *(self._attend, ScheduleTrigger(block), [name]),
                **{"id": name, "replace_existing": True, "coalesce": True, "misfire_grace_time": None},
            )
            self._times[name] = times
            self._tell({"event": "scheduled", "name": name, "next": block.next_after(now)})
        verdict = due_now(row, now)
        if (verdict.run or verdict.missed) and name not in self._children:
            self._clock.modify_job(name, next_run_time=datetime.now(UTC))

    def _attend(self, name: str) -> bool:
        """Run the firings of a job that are due, one after the other; False where one failed."""
        good, lost = True, False
        while not self._stopping.is_set():
            try:
                db = connect(self._settings)
                firing = claim(db, name)
                row = self._carry_out(db, firing) if firing else None
            except Exception as error:  # whatever happens to one job, the scheduler goes on
                self._problem("attend", error, name)
                return False
            self._solved("attend", name)
            if row is None:
                break
            lost = row.get("status") == "lost"  # and claimed again, but not for ever
            good &= lost or row.get("status") == "done"
            if row.get("status") == "interrupted":
                break  # due again; the next look finds it
        return good and not lost

    def _carry_out(self, db: Database, firing: Firing) -> Json:
        """Run a firing in a process of its own and wait for it; gives the firing's document."""
        # spawned: a process made by fork would share the locks of our threads
        process = multiprocessing.get_context("spawn").Process(
            target=carry_out, args=(self._settings, firing), name=f"catalogdb {firing.schedule}"
        )
        self._children[firing.schedule] = process
        try:
            process.start()
            self._tell({"event": "started", "name": firing.schedule, "due": firing.due, "process": process.pid})
            if self._stopping.is_set():
                process.terminate()
            process.join()
        except KeyboardInterrupt:
            process.terminate()
            process.join()
            settle(db, firing, "interrupted", exit=INTERRUPTED)
            raise
        finally:
            del self._children[firing.schedule]
        if self._stopping.is_set():
            settle(db, firing, "interrupted", exit=INTERRUPTED)
        elif process.exitcode == DatabaseError.exit_code:
            settle(db, firing, "interrupted", exit=process.exitcode, error="the database was lost")
        elif process.exitcode:
            give_back(db, firing)
            died = f"the process of its run died: exit {process.exitcode}"
            self._tell({"event": "problem", "name": firing.schedule, "error": died})
            return {"status": "lost"}
        row = db.firing.find_one({"_id": firing.identity}, {"token": 0, "_id": 0}) or {}
        self._tell({"event": "ended", "name": row.pop("schedule", firing.schedule), **row})
        return row

    def _problem(self, where: str, error: Exception, name: str | None = None) -> None:
        """Tell what went wrong at one place, once until it is something else."""
        text = str(error) if isinstance(error, CatalogdbError) else f"{type(error).__name__}: {error}"
        known = text in [held for (_, of), held in list(self._problems.items()) if of == name]
        self._problems[where, name] = text
        if not known:
            hint = getattr(error, "hint", None)
            told = {"event": "problem", "name": name, "error": text, "hint": hint}
            self._tell({key: value for key, value in told.items() if value})

    def _solved(self, where: str, name: str | None = None) -> None:
        self._problems.pop((where, name), None)


# -- in the process of a firing


def carry_out(settings: Settings, firing: Firing) -> None:
    """Run one firing and record what came of it. Where the database is lost it stays due, and is run again."""
    os.setpgrp()  # Ctrl-C in the terminal is for the scheduler, which ends us once and cleanly
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        raise_what_was_swallowed()
        db = connect(settings, start=False)
        with kept(db, firing, lambda: os.kill(os.getpid(), signal.SIGTERM)) as is_ours:
            outcome = _run(settings, db, firing) if is_ours else None
        if outcome is not None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            settle(db, firing, **outcome)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (DatabaseError, PyMongoError):
        sys.exit(DatabaseError.exit_code)


def _run(settings: Settings, db: Database, firing: Firing) -> Json:
    from catalogdb.runs.run import run_job
    from catalogdb.stages.bring_in import bring_in

    row = db.schedule.find_one({"_id": firing.schedule})
    if row is None:
        return {"status": "failed", "error": "the schedule was removed before it started"}
    unread: list[str] = []
    try:
        job_file = job_of(row)
        bring_in(db, job_file.ingest_at_firing, unread)
        report = run_job(settings, job_file.at(firing.due), **row.get("options", {}))
    except KeyboardInterrupt:
        return _broken_off(db, unread, "interrupted", INTERRUPTED)
    except (DatabaseError, PyMongoError) as error:
        return _broken_off(db, unread, "interrupted", DatabaseError.exit_code, str(error))
    except CatalogdbError as error:
        return _broken_off(db, unread, "failed", error.exit_code, str(error))
    except Exception as error:  # it is recorded, and must not look like a lost process
        return _broken_off(db, unread, "failed", 1, f"{type(error).__name__}: {error}")
    failed = report.status != "done"
    failures = [line for stage in report.stages.values() for line in stage.failures]
    if failed and not failures:
        failures = ["tasks are in other hands"]
    said = _in_short(failures, unread)
    return {"status": report.status, "exit": int(failed), "run_id": report.run_id, "error": said}


def _broken_off(db: Database, unread: list[str], status: str, code: int, error: str = "") -> Json:
    """The outcome of a firing whose run raised an exception, with that run where it was entered."""
    outcome = {"status": status, "exit": code, "error": _in_short([error] if error else [], unread)}
    with suppress(PyMongoError):
        run = db.run.find_one({"owner": owner()}, {"_id": 1}, sort=[("started", -1)])
        outcome["run_id"] = run and run["_id"]
    return outcome


def _in_short(failures: list[str], unread: list[str]) -> str | None:
    """What failed of the job, then what of the ingest before it."""
    return "; ".join([*failures, *(f"ingest: {line}" for line in unread)])[:ERROR_LENGTH] or None


def _interrupt(signum: int, frame: FrameType | None) -> None:
    try:
        interrupt(signum, frame)
    except KeyboardInterrupt:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: the end must not be interrupted
        raise
