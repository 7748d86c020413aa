"""Which sensor is best at each time: by priority among those that record, whatever period is looked at."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from catalogdb.channels import Turn, best_sensors, reach_seconds, turns_within
from catalogdb.intervals import common, union, without

PRIORITY = ("HH", "EH", "HN")
HH, EH, HN, OTHER_HH = "XX.A..HH", "XX.A..EH", "XX.A..HN", "XX.A.10.HH"


def turns(recorded, **terms):
    terms = {"least_seconds": 30.0, "guard_seconds": 1.0} | terms
    return [(turn.channel_group[-2:], turn.start, turn.end) for turn in best_sensors(recorded, PRIORITY, **terms)]


def test_a_sensor_that_takes_over_is_chosen_from_there_on():
    assert turns({HH: [(0, 100)], EH: [(100, 300)]}) == [("HH", 0, 100), ("EH", 100, 300)]


def test_a_better_sensor_that_returns_is_chosen_again():
    found = turns({HH: [(0, 100), (200, 300)], EH: [(0, 300)]})
    assert found == [("HH", 0, 99), ("EH", 99, 201), ("HH", 201, 300)]


def test_of_two_sensors_throughout_only_the_best_is_chosen():
    assert turns({HN: [(0, 300)], HH: [(0, 300)]}) == [("HH", 0, 300)]
    assert [turn.channel_group for turn in best_sensors({OTHER_HH: [(0, 9)], HH: [(0, 9)]}, PRIORITY, 1.0)] == [HH]


def test_an_outage_of_all_sensors_brings_no_other_one_in():
    assert turns({HH: [(0, 100), (200, 300)], HN: [(0, 100.5), (199.5, 300)]}) == [("HH", 0, 100), ("HH", 200, 300)]


def test_a_stretch_too_short_to_be_picked_takes_nothing_from_another():
    assert turns({HH: [(100, 102)], HN: [(0, 300)]}) == [("HN", 0, 300)]
    assert turns({HH: [(100, 102)], HN: [(0, 90)]}) == [("HN", 0, 90), ("HH", 100, 102)]


def test_sensors_that_the_priority_does_not_name_are_never_chosen():
    assert turns({"XX.A..LH": [(0, 300)]}) == []


def test_no_sensor_follows_another_at_a_whole_hour_while_both_record():
    found = turns({HH: [(0, 3601.2)], EH: [(0, 7200)]}, clear_of_hours_seconds=0.5)
    assert found == [("HH", 0, 3599.5), ("EH", 3599.5, 7200)]


SPANS = st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 400)), max_size=6).map(
    lambda rows: union((start, start + length) for start, length in rows)
)


@settings(max_examples=150)
@given(SPANS, SPANS, SPANS, st.integers(200, 2800))
def test_the_choice_does_not_depend_on_the_period_looked_at(one, two, three, border):
    recorded = {HH: one, EH: two, HN: three}
    whole = best_sensors(recorded, PRIORITY, 30.0, 1.0, 0.5)
    reach = reach_seconds(30.0, 1.0, 0.5)
    parts = []
    for begin, end in ((0, border), (border, 4000)):
        seen = {name: common(spans, [(begin - reach, end + reach)]) for name, spans in recorded.items()}
        parts += turns_within(best_sensors(seen, PRIORITY, 30.0, 1.0, 0.5), begin, end)
    for name in recorded:
        together = union((turn.start, turn.end) for turn in parts if turn.channel_group == name)
        assert together == union((turn.start, turn.end) for turn in whole if turn.channel_group == name)


@given(SPANS, SPANS)
def test_turns_never_overlap_and_leave_little_out(one, two):
    found = best_sensors({HH: one, EH: two}, PRIORITY, 30.0, 1.0)
    assert all(first.end <= second.start for first, second in zip(found[:-1], found[1:], strict=True))
    left = without(union([*one, *two]), union((turn.start, turn.end) for turn in found))
    assert all(end - start < 5.0 for start, end in left)
    assert found == sorted(found, key=lambda turn: turn.start) and all(isinstance(turn, Turn) for turn in found)
