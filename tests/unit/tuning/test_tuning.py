"""Associators side by side, and the search for settings."""

import os
import signal

import numpy as np
import pytest
from test_association_associate import EVENTS, REGION, STATIONS, config, synthetic_picks

from benchmarks._false_picks import false_picks
from catalogdb.errors import InputError
from catalogdb.tuning.compare import Task, compare, score, through_windows
from catalogdb.tuning.search import SPACES, changed, tune

FIRST, SECOND = (0.0, 2000.0), (2000.0, 4000.0)


def task(noise=0.0):
    picks = synthetic_picks()
    reference = [
        {"time": time, "latitude": latitude, "longitude": longitude,
         "picks": [pick["_id"] for pick in picks if pick["_id"].startswith(f"{number}.")]}
        for number, (time, latitude, longitude, _) in enumerate(EVENTS)
    ]  # fmt: skip
    picks += false_picks(STATIONS, 0.0, 4000.0, noise, "bursts", seed=3)
    return Task(picks, STATIONS, REGION, 0.0, 4000.0, reference)


def test_scores_of_a_perfect_an_empty_and_a_wrong_result():
    whole = task()
    perfect = score(through_windows(whole, config("scan")), whole.reference)
    assert perfect["recall"] == perfect["precision"] == perfect["picks_right"] == 1.0
    assert perfect["arrivals_wrong"] == 0.0
    assert score([], whole.reference) == {
        "reference_events": 3, "events": 0, "matched": 0, "recall": 0.0, "precision": None, "f1": 0.0
    }  # fmt: skip
    late = [event | {"time": event["time"] + 2.5, "arrivals": [{"pick_id": "0.AAA.P"}]} for event in whole.reference]
    assert score(late, whole.reference)["matched"] == 0


def test_wrong_arrivals_are_told_from_right_ones():
    event = task().reference[0]
    arrivals = [{"pick_id": pick} for pick in (*event["picks"][:12], "1.AAA.P", "x", "y", "z")]
    result = score([event | {"arrivals": arrivals}], [event])
    assert result["picks_right"] == pytest.approx(12 / 16)
    assert result["arrivals_wrong"] == pytest.approx(4 / 16)


def test_each_method_is_measured_in_a_process_of_its_own():
    methods = {name: (through_windows, config(name)) for name in ("scan", "pyocto")}
    rows = compare(task(), methods)
    assert [row["method"] for row in rows] == ["scan", "pyocto"]
    assert [row["recall"] for row in rows] == [1.0, 1.0]
    assert all(row["seconds"] > 0 and row["cpu_seconds"] > 0 and 30 < row["peak_mb"] < 4000 for row in rows)


def test_a_method_that_fails_is_named():
    with pytest.raises(InputError, match="associator short: .*overlap_seconds"):
        compare(task(), {"short": (through_windows, config("scan", overlap_seconds=10.0))})
    with pytest.raises(InputError, match="associator killed: its process ended early"):
        compare(task(), {"killed": (ends_at_once, config("scan"))})
    with pytest.raises(ZeroDivisionError, match="of its own"):
        compare(task(), {"raises": (raises, config("scan"))})


def ends_at_once(task, config):
    os.kill(os.getpid(), signal.SIGKILL)


def raises(task, config):
    raise ZeroDivisionError("of its own")


def test_a_method_beyond_its_cpu_time_is_given_up():
    methods = {"endless": (never_ends, config("scan")), "scan": (through_windows, config("scan"))}
    endless, scan = compare(task(), methods, workers=2, most_cpu_seconds=1.0)
    assert endless == {"method": "endless", "given_up_after_cpu_seconds": 1.0}
    assert scan["recall"] == 1.0


def never_ends(task, config):
    while True:
        pass


def test_search_finds_the_settings_that_see_the_events():
    blind = config("scan", min_picks=20)
    space = {"min_picks": [6, 30], "scan.tolerance": (1.0, 2.0), "max_chance_per_day": (-5.0, -2.0, "log")}
    seen = []
    result = tune(task(noise=50.0), blind, FIRST, SECOND, space, trials=2, seed=1, progress=seen.append)
    assert len(seen) == len(result["trials"]) == 3
    assert result["best"]["min_picks"] == 6 and 1e-5 <= result["best"]["max_chance_per_day"] <= 1e-2
    assert result["test"]["base"]["recall"] == 0.0
    assert result["test"]["best"]["recall"] == result["test"]["best"]["f1"] == 1.0
    again = tune(task(noise=50.0), blind, FIRST, SECOND, space, trials=2, seed=1, workers=2)
    assert [without_times(trial["train"]) for trial in again["trials"]] == [
        without_times(trial["train"]) for trial in result["trials"]
    ]
    assert again["best"] == result["best"]


def without_times(row):
    return {name: value for name, value in row.items() if name not in ("seconds", "cpu_seconds", "peak_mb")}


def test_search_refuses_what_it_cannot_do():
    for train, test, match in (
        (FIRST, (1000.0, 3000.0), "overlap"),
        ((3000.0, 3900.0), FIRST, "training period holds no reference event"),
    ):
        with pytest.raises(InputError, match=match):
            tune(task(), config("scan"), train, test, trials=0)
    with pytest.raises(InputError, match="associate: scan.node_spacing: unknown key; did you mean node_spacing_km"):
        changed(config("scan"), {"scan.node_spacing": 5.0})
    with pytest.raises(InputError, match="associate: min_picks: Input should be greater"):
        changed(config("scan"), {"min_picks": 1})


@pytest.mark.parametrize("associator", SPACES)
def test_packaged_spaces_name_settings_of_today(associator):
    for key, values in SPACES[associator].items():
        for value in values if isinstance(values, list) else [10.0 ** values[0] if "log" in values else values[0]]:
            assert changed(config(associator), {key: value}) is not None


def test_part_of_a_period_has_its_events_and_the_picks_around():
    part = task().during(900.0, 1050.0, margin=60.0)
    assert [event["time"] for event in part.reference] == [1000.0]
    assert np.ptp([pick["time"] for pick in part.picks]) < 270.0 and len(part.picks) == 32 - sum(
        pick["time"] >= 1110.0 for pick in synthetic_picks(EVENTS[:2])
    )
