"""The stopwatch of a task: steps are its own time, nest, and add up to the whole."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from catalogdb import profile
from catalogdb.profile import profiled, timed, timed_each


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by hand."""

    class Clock:
        now = 0.0

        def add(self, seconds):
            self.now += seconds

        def perf_counter(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(profile, "time", made)
    return made


def test_a_step_inside_another_is_counted_once(clock):
    with profiled() as seconds, timed("process"):
        clock.add(1)
        with timed("network"):
            clock.add(10)
            with timed("stack"):
                clock.add(100)
            clock.add(10)
        clock.add(1)
    assert seconds == {"process": 2, "network": 20, "stack": 100}


def test_steps_add_up_to_the_whole_and_repeat(clock):
    with profiled() as seconds:
        for part in (1, 2, 3):
            with timed("read"):
                clock.add(part)
            with timed("write"):
                clock.add(10 * part)
    assert seconds == {"read": 6, "write": 60}
    assert sum(seconds.values()) == clock.now


def test_time_outside_of_steps_belongs_to_none(clock):
    with profiled() as seconds:
        clock.add(5)
        with timed("read"):
            clock.add(1)
        clock.add(5)
    assert seconds == {"read": 1}


def test_a_step_that_fails_is_counted_and_left(clock):
    with profiled() as seconds, timed("process"):
        with pytest.raises(ValueError, match="bad"), timed("read"):
            clock.add(3)
            raise ValueError("bad")
        clock.add(1)
    assert seconds == {"read": 3, "process": 1}


def test_items_are_timed_but_not_what_is_done_with_them(clock):
    def made():
        for number in range(3):
            clock.add(10)
            yield number
        clock.add(5)  # what it takes to find that there are no more

    with profiled() as seconds, timed("process"):
        for _ in timed_each("network", made()):
            clock.add(1)
    assert seconds == {"network": 35, "process": 3}


def test_generators_that_feed_each_other_keep_their_own_time(clock):
    def windows():
        for number in range(2):
            clock.add(1)
            yield number

    def network(batches):
        for batch in batches:
            clock.add(10)
            yield batch

    with profiled() as seconds:
        given = list(timed_each("network", network(timed_each("windows", windows()))))
    assert given == [0, 1]
    assert seconds == {"network": 20, "windows": 2}


def test_a_generator_left_half_way_leaves_the_stopwatch_in_order(clock):
    def made():
        while True:
            clock.add(1)
            yield 0

    with profiled() as seconds, timed("process"):
        items = timed_each("network", made())
        next(items)
        items.close()
        clock.add(7)
    assert seconds == {"network": 1, "process": 7}


def test_without_a_stopwatch_nothing_is_counted_and_values_pass():
    with timed("read"):
        assert list(timed_each("windows", iter([1, 2]))) == [1, 2]
    with profiled() as seconds:
        pass
    assert seconds == {}


def test_the_innermost_stopwatch_counts_and_the_outer_one_goes_on(clock):
    with profiled() as outer, timed("run"):
        clock.add(1)
        with profiled() as inner, timed("task"):
            clock.add(10)
        clock.add(1)
    assert inner == {"task": 10}
    assert outer == {"run": 12}


def test_threads_have_stopwatches_of_their_own():
    def task(name):
        with profiled() as seconds, timed(name):
            time.sleep(0.01)
        return set(seconds)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(task, "abcd")) == [{"a"}, {"b"}, {"c"}, {"d"}]


def test_steps_add_up_on_the_real_clock():
    began = time.perf_counter()
    with profiled() as seconds, timed("process"):
        for _ in timed_each("network", iter(range(1000))):
            with timed("stack"):
                pass
    whole = time.perf_counter() - began
    assert set(seconds) == {"process", "network", "stack"}
    assert 0 < sum(seconds.values()) <= whole
