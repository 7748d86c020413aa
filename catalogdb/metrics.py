"""Figures in the form that Prometheus reads, printed once or served; where they come from is given by the caller."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import start_http_server

from catalogdb.documents.free import Json

Figures = Json
Rows = Iterable[tuple[Sequence[str], float]]

CONTENT_SECONDS = 300.0
"""What there is changes slowly and is dear to count: a served figure of it may be this old."""


class Collector:
    """Metrics of one database.

    Args:
        ledger: gives the figures of `catalogdb.runs.figures.ledger_figures`, or raises where it can't.
        content: likewise those of `content_figures`; asked for at most every `CONTENT_SECONDS`.
        unavailable: exceptions that mean that the database is away; then there is `catalogdb_up 0` and nothing else.
    """

    def __init__(
        self,
        ledger: Callable[[], Figures],
        content: Callable[[], Figures],
        unavailable: tuple[type[Exception], ...] = (),
    ):
        self._ledger, self._content, self._unavailable = ledger, content, unavailable
        self._counted: tuple[float, Figures] | None = None
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """All metrics, as prometheus_client asks for them."""
        try:
            with self._lock:  # several scrapers at once ask the database one after another
                began = time.perf_counter()
                ledger, content = self._ledger(), self._recent_content()
                seconds = time.perf_counter() - began
        except self._unavailable:
            yield _gauge("up", "1 where the database answers.", (), [((), 0.0)])
            return
        yield _gauge("up", "1 where the database answers.", (), [((), 1.0)])
        yield _gauge("scrape_duration_seconds", "Time that these figures took.", (), [((), seconds)])
        yield from _of_ledger(ledger)
        yield from _of_runs(ledger)
        yield from _of_content(content)

    def _recent_content(self) -> Figures:
        if self._counted is None or time.monotonic() - self._counted[0] > CONTENT_SECONDS:
            self._counted = time.monotonic(), self._content()
        return self._counted[1]


def exposition(collector: Collector) -> bytes:
    """The text that a scraper or the node exporter's textfile collector reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry)


def serve(collector: Collector, port: int, address: str) -> tuple[Any, threading.Thread]:
    """Answer scrapes in a thread of its own, until the server that is returned is shut down.

    Raises:
        OSError: where the port is taken or the address isn't this host's.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return start_http_server(port, addr=address, registry=registry)


def _of_ledger(figures: Figures) -> Iterator[Metric]:
    tasks = [((row["stage"], row["status"]), row["tasks"]) for row in figures["tasks"]]
    yield _gauge("tasks", "Tasks in the ledger.", ("stage", "status"), tasks)
    rates = [((row["stage"],), row["per_second"]) for row in figures["rates"]]
    yield _gauge("tasks_done_per_second", "Tasks done per second in the last five minutes.", ("stage",), rates)
    for key, name, what in (
        ("held", "leases_held", "Tasks that a worker holds."),
        ("expired", "leases_expired", "Of them, with a lease that ran out."),
        ("oldest_seconds", "lease_age_seconds", "Time since the task was taken that is held longest."),
    ):
        yield _gauge(name, what, ("stage",), [((row["stage"],), row[key]) for row in figures["leases"]])


def _of_runs(figures: Figures) -> Iterator[Metric]:
    runs = figures["runs"]
    numbers = [((row["job"], status), number) for row in runs for status, number in sorted(row["numbers"].items())]
    yield _gauge("runs", "Runs by the status that they have or ended with.", ("job_name", "status"), numbers)
    started = [((row["job"],), row["started"].timestamp()) for row in runs]
    yield _gauge("run_last_start_timestamp_seconds", "Start of the job's last run.", ("job_name",), started)
    successes = [((row["job"],), row["last_success"].timestamp()) for row in runs if row["last_success"]]
    what = "End of the job's last run that was done."
    yield _gauge("run_last_success_timestamp_seconds", what, ("job_name",), successes)
    seconds = [((row["job"],), row["seconds"]) for row in runs if row["seconds"] is not None]
    yield _gauge("run_duration_seconds", "Duration of the job's last run that was done.", ("job_name",), seconds)
    bad = [((row["job"],), float(row["status"] in ("failed", "lost"))) for row in runs]
    yield _gauge("run_last_failed", "1 where the job's last run failed or is lost.", ("job_name",), bad)


def _of_content(figures: Figures) -> Iterator[Metric]:
    for key, name, what, label in (
        ("picks", "picks", "Picks of a pick set.", "pick_set"),
        ("events", "events", "Events of a catalog.", "catalog"),
        ("newest_event", "newest_event_timestamp_seconds", "Origin time of a catalog's last event.", "catalog"),
        ("files", "waveform_files", "Waveform files by what came of them.", "state"),
    ):
        yield _gauge(name, what, (label,), [((value,), number) for value, number in sorted(figures[key].items())])
    waiting = [((job,), age) for job, age in sorted(figures["waiting"].items())]
    what = "Age of the oldest waveform file that was indexed since the job's last run that was done; 0: none was."
    yield _gauge("waiting_file_age_seconds", what, ("job_name",), waiting)


def _gauge(name: str, what: str, labels: tuple[str, ...], rows: Rows) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"catalogdb_{name}", what, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family
