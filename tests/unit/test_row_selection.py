"""Conditions on the rows of views and collections."""

import pytest

from catalogdb.api.keywords import filters_of
from catalogdb.errors import InputError
from catalogdb.filters import Filter
from catalogdb.selection import select


@pytest.mark.parametrize("operator", [">=", "<=", ">", "<"])
def test_stations_have_no_order(operator):
    with pytest.raises(InputError, match="stations have no order"):
        select("pick", [Filter("station", operator, ("OX.BAD",))])


def test_a_pair_of_stations_is_no_range():
    with pytest.raises(InputError, match="stations have no order"):
        select("pick", filters_of("pick", {"station": ("OX.BAD", "OX.BOO")}))
    (either,) = select("pick", filters_of("pick", {"station": ["OX.BAD", "OX.BOO"]})).of_rows
    assert len(either["$or"]) == 2


ACROSS = {"$or": [{"longitude": {"$gte": 179.5}}, {"longitude": {"$lte": -179.5}}]}


@pytest.mark.parametrize("ends", [(179.5, 180.5), (179.5, -179.5), (-180.5, -179.5)])
def test_longitudes_across_the_date_line_are_on_either_side(ends):
    for keywords in ({"longitude": ends}, {"longitude": ends, "magnitude": (1, None)}):
        assert ACROSS in select("event", filters_of("event", keywords)).of_rows


def test_longitudes_beyond_the_date_line_are_those_of_the_other_side():
    rows = select("event", filters_of("event", {"longitude": (181, 185)})).of_rows
    assert list(rows) == [{"longitude": {"$gte": -179}}, {"longitude": {"$lte": -175}}]


@pytest.mark.parametrize("ends", [(10, 20), (-180, 180), (170, 180), (-180, 180.5), (None, 180.5), (10, None)])
def test_other_longitudes_stay_as_they_are(ends):
    rows = select("event", filters_of("event", {"longitude": ends})).of_rows
    given = [{"longitude": {name: end}} for name, end in zip(("$gte", "$lte"), ends, strict=True) if end is not None]
    assert list(rows) == given


def test_longitudes_of_stations_cross_the_date_line_too():
    (either,) = select("site", filters_of("site", {"lon": (170, 190)})).of_rows
    assert either == {"$or": [{"lon": {"$gte": 170.0}}, {"lon": {"$lte": -170.0}}]}


def test_longitudes_of_what_a_view_is_made_of_cross_the_date_line():
    selection = select("events_per_day", filters_of("events_per_day", {"longitude": (179.5, 180.5)}))
    assert selection.of_source == (ACROSS,) and selection.of_rows == ()
