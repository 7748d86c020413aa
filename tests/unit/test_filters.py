"""Filters of the command line."""

import contextlib
import re
from datetime import UTC, datetime

import bson
import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis.strategies import sampled_from
from hypothesis.strategies import text as strings

from catalogdb.errors import InputError
from catalogdb.filters import OPERATORS, parse_columns, read_filter, readable_name
from catalogdb.selection import select


def parse_filters(name, filters):
    """The filter of `key=value`, ... on the documents themselves."""
    conditions = select(name, [read_filter(text) for text in filters]).of_rows
    return {"$and": [*conditions]} if conditions else {}


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


@pytest.mark.parametrize(
    "text",
    [
        *("$where=1", "$expr=1", "$or=[]", "a.$where=1", "a.b.$gt=1", "a..b=1", ".a=1", "a.=1", "a\n$where=1"),
        *('{"$where": "1"}=1', "a\x00=1", "a$b=1", "$$ROOT=1", "a b=1"),
    ],
)
def test_operators_are_no_keys_where_any_key_goes(text):
    with pytest.raises(InputError):
        parse_filters("wf_miniseed", [text])


@pytest.mark.parametrize(
    "hostile",
    [
        *('{"$gt": ""}', '{"$where": "sleep(1e9)"}', "$expr", "$$ROOT", "$sta", "[]", '[{"$ne": 1}]', "/.*/", "null"),
        *("function() { return true }", "1\n$where=1", "a\x00b", "__proto__", '{"$code": "x"}', "undefined"),
    ],
)
@pytest.mark.parametrize("operator", ["=", "!=", ">=", "<"])
@pytest.mark.parametrize(("name", "key"), [("pick", "sta"), ("wf_miniseed", "any.key"), ("events", "source_id")])
def test_a_hostile_value_is_compared_as_the_text_that_it_is(name, key, operator, hostile):
    ((field, condition),) = parse_filters(name, [f"{key}{operator}{hostile}"])["$and"][0].items()
    assert field == key
    assert list(condition.values()) == [hostile] and set(condition) <= {"$eq", "$ne", "$gte", "$lt"}


@settings(max_examples=300)
@given(name=sampled_from(["pick", "wf_miniseed", "events", "run", "site", "task"]), text=strings())
def test_whatever_is_typed_is_refused_or_a_plain_comparison(name, text):
    for filters in ([text], [f"_id={text}"], [f"sta={text}"], [f"time>={text}"], [f"started<{text}"]):
        try:
            made = parse_filters(name, filters)
        except InputError:
            continue
        bson.encode(made)
        ((key, condition),) = made["$and"][0].items()
        ((operator, value),) = condition.items()
        assert "$" not in key and "\x00" not in key
        if operator == "$in":  # of codes with commas between
            assert "," in text and not any(isinstance(item, (dict, list, re.Pattern)) for item in value)
        elif operator == "$regex":  # of codes with wildcards: letters, and what stands for any of them
            assert set(text) & set("*?") and re.fullmatch(r"\^(\(\?:)?(\w|\\[.-]|\.\*?|\|)*\)?\$", value, re.ASCII)
        else:
            assert operator in OPERATORS.values() and not isinstance(value, (dict, list, re.Pattern))


@pytest.mark.parametrize("size", [10_000, 100_000])
@pytest.mark.parametrize("form", ["{a}", "{a}=1", "{dots}x=1", "{dots}", "x={a}", "time>={nines}", "started<{nines}"])
def test_long_filters_do_not_hang(form, size):
    text = form.format(a="a" * size, dots="a." * size, nines="9" * size)
    with contextlib.suppress(InputError):
        parse_filters("wf_miniseed" if form.startswith("{") else "run", [text])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("pick", f"time>={'9' * size}") for size in (20, 400, 5000)),
        *(("pick", f"hypo71_weight={number}") for number in (2**63, -(2**63) - 1, "1_000")),
        *(("run", text) for text in ("started>9999-12-31T23:59:59-10:00", "started<0001-01-01T00:00:00+10:00")),
        ("pick", "sta=\udcff"),
    ],
)
def test_values_that_mongodb_cannot_hold_are_refused(name, text):
    with pytest.raises(InputError):
        parse_filters(name, [text])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sta=BAD,BOO", {"sta": {"$in": ["BAD", "BOO"]}}),
        ("sta!=BAD,BOO", {"sta": {"$nin": ["BAD", "BOO"]}}),
        ("sta=LSK*", {"sta": {"$regex": "^LSK.*$"}}),
        ("sta!=LSK?", {"sta": {"$not": {"$regex": "^LSK.$"}}}),
        ("sta=A.B*,C", {"sta": {"$regex": r"^(?:A\.B.*|C)$"}}),
        ("hypo71_weight=0,1", {"hypo71_weight": {"$in": [0, 1]}}),
        ("source_id=Udine, Friuli*", {"source_id": {"$eq": "Udine, Friuli*"}}),
    ],
)
def test_codes_may_be_lists_and_have_wildcards(text, expected):
    assert parse_filters("pick", [text])["$and"] == [expected]


def test_the_likeliest_field_is_suggested():
    with pytest.raises(InputError) as caught:
        parse_filters("pick", ["probabilty>=0.5"])
    assert caught.value.hint.startswith("did you mean probability?")


def test_wildcards_are_not_without_end():
    with pytest.raises(InputError, match="more than"):
        parse_filters("pick", [f"sta={'a*' * 1000}"])


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


def value(name: str, text: str):
    ((_, condition),) = parse_filters(name, [text])["$and"][0].items()
    return next(iter(condition.values()))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("stations", "sta=1001", "1001"),
        ("stations", "sta=1E5", "1E5"),
        ("stations", "net=00", "00"),
        ("stations", "elevation_km>=1", 1),
        ("picks_per_station_day", "day=2024-03-20", "2024-03-20"),
        ("picks_per_station_day", "phase=1", "1"),
        ("picks_per_station_day", "sta=true", "true"),
        ("events_per_day", "catalog=2024", "2024"),
        ("events_per_day", "events>=3", 3),
        ("unassociated_picks", "pick_set=2024", "2024"),
        ("unassociated_picks", "_id=12e4", "12e4"),
        ("events", "source_id=20240001", "20240001"),
        ("tasks_failed", "result=1", "1"),
        ("wf_miniseed", "sta=1E5", "1E5"),
    ],
)
def test_values_for_views_take_the_types_of_their_collection(name, text, expected):
    found = value(name, text)
    assert found == expected and type(found) is type(expected)


def test_unknown_fields_of_views_are_named():
    with pytest.raises(InputError, match="stations has no field 'code'") as caught:
        parse_filters("stations", ["code=BAD"])
    assert "sta" in caught.value.hint


def test_columns_are_fields():
    assert parse_columns("event", "time, magnitude,") == ["time", "magnitude"]
    assert parse_columns("task", "shard.sta") == ["shard.sta"]
    with pytest.raises(InputError, match="--fields: event has no field 'foo'"):
        parse_columns("event", "time,foo")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", 1704067200),
        ("2024-03", 1709251200),
        ("2024-03-20", 1710892800),
        ("2024-03-20T01:00", 1710896400),
        ("2024-03-20T01:00:00+01:00", 1710892800),
        ("1710892800.5", 1710892800.5),
        ("0", 0),
        ("-86400", -86400),
    ],
)
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("event", "time"),
        ("events", "time"),
        ("stations", "starttime"),
        ("wf_miniseed", "last_packet_time"),
        ("event", "origins.arrivals.time"),
        ("event", "creation_info.creation_time"),
    ],
)
def test_forms_of_times(name, key, text, expected):
    assert value(name, f"{key}>={text}") == expected


@pytest.mark.parametrize(("name", "key"), [("run", "started"), ("events", "date"), ("tasks_failed", "start")])
def test_dates_are_dates_whatever_their_form(name, key):
    expected = datetime(2024, 1, 1, tzinfo=UTC)
    assert all(value(name, f"{key}>={text}") == expected for text in ("2024", "2024-01-01", "1704067200"))


def test_numbers_that_are_no_times_stay_numbers():
    assert value("pick", "uncertainty<2024") == 2024
    assert value("event", "n_picks=2024") == 2024
    with pytest.raises(InputError, match="not a number"):
        parse_filters("event", ["magnitude>=2024-03-20"])


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("event", "time>=yesterday", "not a time"),
        ("event", "time>=2024-13", "not a time"),
        ("event", "magnitude>=nan", "not a number"),
        ("event", "time<inf", "not a time"),
        ("run", "started>1e300", "not a time"),
        ("site", "_id=1", "not an ObjectId"),
    ],
)
def test_values_of_the_wrong_type_are_refused(name, text, reason):
    with pytest.raises(InputError, match=reason):
        parse_filters(name, [text])


def test_object_ids():
    assert value("site", "_id=65f000000000000000000001") == ObjectId("65f000000000000000000001")
