"""Filters of the command line."""

import pytest

from catalogdb.errors import InputError
from catalogdb.filters import parse_filters, readable_name


def test_values_take_the_schemas_types():
    assert parse_filters("pick", ["sta=0123", "probability>=0.5", "hypo71_weight=1"]) == {
        "$and": [{"sta": {"$eq": "0123"}}, {"probability": {"$gte": 0.5}}, {"hypo71_weight": {"$eq": 1}}]
    }


def test_times_may_be_iso():
    assert parse_filters("event", ["time<2024-03-20T00:00:00Z"]) == {"$and": [{"time": {"$lt": 1710892800.0}}]}


def test_nested_fields():
    assert parse_filters("event", ["origins.arrivals.sta=BAD"])["$and"] == [{"origins.arrivals.sta": {"$eq": "BAD"}}]


def test_no_filter():
    assert parse_filters("pick", []) == {}


@pytest.mark.parametrize("text", ["$where=1", "a.$gt=1", "time", "=3", "pick_set..x=1", "time{$gt}=1"])
def test_operators_cannot_be_passed_in(text):
    with pytest.raises(InputError):
        parse_filters("pick", [text])


def test_values_stay_values():
    assert parse_filters("pick", ['sta={"$gt": ""}'])["$and"] == [{"sta": {"$eq": '{"$gt": ""}'}}]


def test_unknown_fields_are_named():
    with pytest.raises(InputError, match="colour") as caught:
        parse_filters("pick", ["colour=red"])
    assert "probability" in caught.value.hint


def test_words_for_numbers_are_refused():
    with pytest.raises(InputError, match="not a number"):
        parse_filters("pick", ["probability>=high"])


def test_readable_names():
    assert readable_name("event") == "event"
    assert readable_name("events") == "events"
    with pytest.raises(InputError, match="system.users"):
        readable_name("system.users")
