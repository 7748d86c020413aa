"""Structured logs: off unless asked for, one JSON object per line, with the run and the task."""

import json
import logging

import pytest

from catalogdb import logs


@pytest.fixture(autouse=True)
def as_before():
    logger = logs.logger
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_nothing_is_written_unless_asked_for(capsys):
    logs.configure(None)
    logs.event("task failed", logging.ERROR, error="reason")
    assert capsys.readouterr() == ("", "")


def test_a_line_is_a_json_object_with_what_is_bound(capsys):
    logs.configure("json")
    logs.configure("json")  # a second time changes nothing
    with logs.bound(run_id="r", stage="pick"), logs.bound(task_id="t", shard=None):
        logs.event("task done", seconds={"read": 0.5}, name="a field that logging has, too")
        logs.event("not worth a line", logging.DEBUG)
    logs.event("run ended", logging.WARNING, error="x" * 10_000, text='line\n"two"')
    first, second = lines(capsys)
    assert first["event"] == "task done" and first["level"] == "INFO" and first["time"]
    assert {key: first[key] for key in ("run_id", "task_id", "stage", "seconds")} == {
        "run_id": "r",
        "task_id": "t",
        "stage": "pick",
        "seconds": {"read": 0.5},
    }
    assert "shard" not in first and first["name_"].startswith("a field")
    assert second["level"] == "WARNING" and "run_id" not in second and second["text"] == 'line\n"two"'
    assert len(second["error"]) == logs.SHORTENED


def test_text_for_people(capsys):
    logs.configure("text", "WARNING")
    with logs.bound(run_id="r"):
        logs.event("task done")
        logs.event("task failed", logging.ERROR, error="no such file")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("ERROR task failed run_id=r error=no such file")
