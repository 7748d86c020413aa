"""Results of fixed inputs are what they were when their revision was raised last; see pinning.py."""

import pytest
from all_cases import CASES
from pinning import COMMAND, Case, Rounding, difference, pins, refusal, revision, revisions_in_code

PINS = pins()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_result_is_that_of_its_revision(case: Case):
    path, name = case.constant.split(":")
    of_constant = PINS.get(case.constant, {"revision": None, "cases": {}})
    now = revision(case.constant)
    pinned = of_constant["cases"].get(case.name)
    assert pinned, f"{case.name} is not pinned: {COMMAND}"
    assert now == of_constant["revision"], (
        f"{name} in {path} is {now}, and the results are pinned for {of_constant['revision']}: {COMMAND}"
    )
    if pinned["versions"] != case.versions():
        pytest.skip(f"pinned with {pinned['versions']}; {case.versions()} give results of another identity")
    found, _ = case.pinned()
    what = difference(pinned, found)
    assert what != "settings", f"the settings of {case.name} changed, and its identity with them: {COMMAND}"
    assert what is None, (
        f"the result of {case.name} changed under the same revision: raise {name} in {path} to {now + 1}, "
        f"then pin the new result: {COMMAND}"
    )


@pytest.mark.parametrize("constant", revisions_in_code())
def test_every_revision_has_a_pinned_case(constant):
    assert any(case.constant == constant for case in CASES), f"no case in tests/golden stands under {constant}"


def test_names_of_cases_are_unique_and_their_constants_exist():
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.constant for case in CASES} <= set(revisions_in_code())


def test_digest_sees_what_rounding_leaves():
    def digest(value):
        return Case("x", "y", lambda: value, decimals=4).pinned()[0]["digest"]

    assert digest([1.0, {"a": 0.123456}]) == digest([1.00000001, {"a": 0.12345600001}])
    assert digest([1.0]) != digest([1.0002])
    assert digest([1e-7]) != digest([1.001e-7])
    assert digest(["a"]) != digest(["b"])
    assert digest([-0.0]) == digest([0.0])


def test_numbers_near_an_edge_of_rounding_are_noticed():
    rounding = Rounding(2)
    rounding.plain([1.5, 2.71])
    assert rounding.nearest_edge > 0.4
    rounding.plain([3.1450000001])
    assert rounding.nearest_edge < 1e-6


def test_pinning_a_changed_result_needs_a_raised_revision():
    case = Case("x", "catalogdb/a.py:REVISION", lambda: 1.0)
    assert refusal(case, "result", 4, 4, "HEAD") == (
        "x: its result changed, and REVISION in catalogdb/a.py is 4, at HEAD it was 4: raise it to 5, "
        "or make the result what it was"
    )
    assert refusal(case, "result", 3, 4, "HEAD")
    assert refusal(case, "result", 5, 4, "HEAD") is None
    assert all(refusal(case, what, 4, 4, "HEAD") is None for what in (None, "new", "versions", "settings"))
    assert refusal(case, "result", 1, None, "HEAD") is None  # a constant that is new


def test_what_differs_from_a_pin_is_named():
    pinned = {"digest": "a", "settings": "b", "versions": {"GMMA": "1"}}
    assert difference(None, pinned) == "new"
    assert difference(pinned, pinned) is None
    assert difference(pinned, pinned | {"digest": "c"}) == "result"
    assert difference(pinned, pinned | {"digest": "c", "settings": "d"}) == "settings"
    assert difference(pinned, pinned | {"digest": "c", "versions": {"GMMA": "2"}}) == "versions"
