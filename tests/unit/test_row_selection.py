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
