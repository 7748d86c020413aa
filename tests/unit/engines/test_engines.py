"""Engines without a database: what is in flight, what is refused, what is said of a lost worker."""

from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from catalogdb.engines import BatchOptions, EngineOptions, executor, map_unordered, worker_was_lost
from catalogdb.engines.flow import IN_FLIGHT_PER_WORKER
from catalogdb.errors import InputError
from catalogdb.settings import Settings


class CountingExecutor(Executor):
    """Finishes one call whenever it holds `room` of them."""

    def __init__(self, room):
        self.room = room
        self.held = []
        self.most = 0

    def submit(self, function, item):
        future = Future()
        self.held.append((future, item))
        self.most = max(self.most, len(self.held))
        if len(self.held) == self.room:
            first, item = self.held.pop(0)
            first.set_result(item)
        return future


def test_calls_in_flight_are_bounded_and_items_taken_as_needed():
    taken = []

    def items():
        for number in range(50):
            taken.append(number)
            yield number

    workers = 3
    pool = CountingExecutor(workers * IN_FLIGHT_PER_WORKER)
    results = map_unordered(pool, workers, str, items())
    for count, (item, future) in enumerate(results, 1):
        assert future.result() == item
        assert len(taken) <= count + workers * IN_FLIGHT_PER_WORKER
        if count == 40:
            break
    results.close()
    assert pool.most <= workers * IN_FLIGHT_PER_WORKER
    assert pool.held and all(future.cancelled() for future, _ in pool.held), "what had not begun is called off"


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_comes_back_once_with_what_it_raised(workers):
    def reciprocal(number):
        return 1 / number

    with ThreadPoolExecutor(workers) as pool:
        outcomes = dict(map_unordered(pool, workers, reciprocal, range(20)))
    assert sorted(outcomes) == list(range(20))
    assert isinstance(outcomes.pop(0).exception(), ZeroDivisionError)
    assert all(future.result() == 1 / number for number, future in outcomes.items())


def test_local_engine_lets_interrupts_through():
    def interrupted(item):
        raise KeyboardInterrupt

    with executor(EngineOptions()) as (pool, capacity), pytest.raises(KeyboardInterrupt):
        list(map_unordered(pool, capacity, interrupted, [1]))


def test_only_what_takes_a_process_down_is_a_lost_worker():
    from distributed.scheduler import KilledWorker

    assert worker_was_lost(BrokenExecutor()) and worker_was_lost(KilledWorker.__new__(KilledWorker))
    assert not worker_was_lost(TypeError("no")) and not worker_was_lost(MemoryError())


@pytest.mark.parametrize(
    "options, said",
    [
        (EngineOptions("steam"), "not an engine"),
        (EngineOptions("local", scheduler="tcp://localhost:1"), "--scheduler"),
        (EngineOptions("local", workers=2), "--workers"),
        (EngineOptions("mpi", workers=2), "--workers"),
        (EngineOptions("dask", batch=BatchOptions(walltime="1:00")), "--walltime"),
        (EngineOptions("dask", scheduler="tls://10.0.0.5:8786"), "embedded MongoDB"),
        (EngineOptions("slurm"), "embedded MongoDB"),
    ],
)
def test_what_does_not_go_together_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        options.check(Settings())


@pytest.mark.parametrize(
    "options",
    [EngineOptions("dask", scheduler="tls://10.0.0.5:8786"), EngineOptions("slurm", 4, batch=BatchOptions("q"))],
)
def test_workers_elsewhere_are_for_a_server_that_they_can_reach(options):
    options.check(Settings(uri=SecretStr("mongodb://db.example.org/")))


def test_mpi_is_for_commands_whose_ranks_serve():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    with pytest.raises(InputError, match="is for catalogdb run"), executor(EngineOptions("mpi")):
        pass


def test_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr("catalogdb.engines.dask_clusters.SCHEDULER_TIMEOUT", 1)
    address = "tcp://127.0.0.1:9"
    with pytest.raises(InputError, match=address), executor(EngineOptions("dask", scheduler=address)):
        pass
