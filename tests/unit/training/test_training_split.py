"""No event is on both sides of a split, and what is unknown is not taken for noise."""

from datetime import UTC, datetime

import pytest
from labelled_records import START, record

from catalogdb.errors import InputError
from catalogdb.training.config import SplitConfig, TrainConfig
from catalogdb.training.records import PARTS, Onset, known_phases, with_events
from catalogdb.training.split import parted, share_of_events


def parts_of(records, **split):
    result = parted(records, SplitConfig(**split))
    return result, {name: [each.name for each in result.parts[name]] for name in PARTS}


def test_time_parts_events_with_a_gap_between_them():
    records = [record(number, event=f"e{number}") for number in range(20)]
    result, parts = parts_of(records, guard_seconds=2 * 3600)
    last = {name: max(each.endtime for each in result.parts[name]) for name in PARTS}
    first = {name: min(each.starttime for each in result.parts[name]) for name in PARTS}
    assert first["validation"] - last["train"] > 2 * 3600 and first["test"] - last["validation"] > 2 * 3600
    assert sum(map(len, parts.values())) + sum(result.left_out.values()) == 20
    assert parts["test"] == [f"r{number}" for number in range(15, 20)]


def test_an_event_across_a_border_is_on_neither_side():
    border = START + 5 * 3600
    records = [record(number, event=f"e{number}") for number in range(20)]
    records += [record(4.9, event="both"), record(5.1, event="both")]
    borders = datetime.fromtimestamp(border, UTC), datetime.fromtimestamp(START + 10 * 3600, UTC)
    result, parts = parts_of(records, borders=borders, guard_seconds=0)
    assert not {"r4.9", "r5.1"} & {name for names in parts.values() for name in names}
    assert result.left_out == {"too close to a border in time": 2}


def test_six_events_leave_no_part_empty():
    _, parts = parts_of([record(number, event=f"e{number}") for number in range(6)], guard_seconds=0)
    assert [len(parts[name]) for name in PARTS] == [4, 1, 1]


def test_stations_are_each_on_one_side():
    records = [record(number, station=f"XX.S{number % 10}") for number in range(40)]
    result, _ = parts_of(records, by="station")
    stations = [{each.station for each in result.parts[name]} for name in PARTS]
    assert not (stations[0] & stations[1] or stations[0] & stations[2] or stations[1] & stations[2])


def test_parts_of_the_source_are_taken_as_given():
    records = [record(0, given="train"), record(1, given="validation"), record(2, given="test"), record(3)]
    result, parts = parts_of(records, by="given")
    assert parts == {"train": ["r0"], "validation": ["r1"], "test": ["r2"]} and sum(result.left_out.values()) == 1


def test_an_empty_part_is_refused_by_name():
    with pytest.raises(InputError, match="leaves validation and test without"):
        parts_of([record(0, given="train")], by="given")
    with pytest.raises(InputError, match="no labelled record"):
        parts_of([])


def test_close_records_without_an_event_share_one():
    records = with_events([record(0), record(0.01), record(1), record(2, event="named")], gap_seconds=60)
    events = {each.name: each.event for each in records}
    assert events["r0"] == events["r0.01"] != events["r1"] and events["r2"] == "named"


def test_a_model_is_not_its_own_parent():
    for parent in ("model:mine", "model:mine-2"):
        with pytest.raises(ValueError, match="is this model"):
            TrainConfig(name="mine", parent=parent, training_set="labels")


def test_a_larger_share_of_events_holds_the_smaller_one():
    records = [record(number, event=f"e{number}") for number in range(20)]
    small, large = ({each.name for each in share_of_events(records, share, seed=1)} for share in (0.25, 0.5))
    assert len(small) == 5 and small < large
    assert small != {each.name for each in share_of_events(records, 0.25, seed=2)}


def test_an_unpicked_phase_is_unknown_unless_said():
    only_p = [Onset("P", 1.0)]
    assert known_phases(only_p, "unknown") == "P" and known_phases(only_p, "noise") == "PS"
    assert known_phases([], "unknown") == "PS", "a window of noise"


def test_how_a_model_is_judged_decides_nothing_of_its_weights():
    config = {"name": "m", "training_set": "s"}
    plain = TrainConfig(**config).scientific()
    assert plain == TrainConfig(**config, gate={"p_threshold": 0.5}, seeds=(7,), threads=2).scientific()
    assert plain != TrainConfig(**config, optimise={"epochs": 3}).scientific()
