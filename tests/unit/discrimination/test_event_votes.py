"""Votes of stations: together, against a prior, calibrated, and when they do not suffice."""

import numpy as np
import pytest
from labelled_records import P_SAMPLE, RATE, S_SAMPLE, START, record

from catalogdb.discrimination.classes import CLASSES, class_of
from catalogdb.discrimination.classifier import PACKAGED, check_weights, find_weights, load_classifier
from catalogdb.discrimination.config import EventTypeConfig, PriorConfig, WorkingHours
from catalogdb.discrimination.decide import StationRecord, decide, station_records
from catalogdb.discrimination.features import Onsets
from catalogdb.discrimination.vote import Calibration, combined, fit_calibration
from catalogdb.errors import InputError
from catalogdb.picking.weights import resolve

ORIGIN = {"event_id": "e", "time": START}
EXPLOSION = np.log([0.2, 0.7, 0.1])


def stations(*changes):
    traces = [change(record(0).traces) for change in changes]
    onsets = Onsets(START + P_SAMPLE / RATE, START + S_SAMPLE / RATE)
    return [StationRecord("XX", f"S{number}", onsets, 50.0, own) for number, own in enumerate(traces)]


def test_one_station_says_what_it_says():
    vote = combined(EXPLOSION[None], Calibration(1.0, 0.5))
    assert vote.probabilities == pytest.approx([0.2, 0.7, 0.1]) and vote.best == "explosion"


@pytest.mark.parametrize(("together", "expected"), [(0.0, 0.7), (1.0, 0.7**4 / (0.2**4 + 0.7**4 + 0.1**4))])
def test_stations_add_up_as_far_as_they_are_independent(together, expected):
    vote = combined(np.tile(EXPLOSION, (4, 1)), Calibration(1.0, together))
    assert vote.probability == pytest.approx(expected) and vote.votes["explosion"] == 4


def test_a_prior_weighs_against_the_stations():
    assert combined(EXPLOSION[None], Calibration(), (10.0, 1.0, 1.0)).best == "earthquake"


def test_calibration_finds_how_sure_stations_may_be():
    rng = np.random.default_rng(3)
    events = {}
    for number in range(300):  # they say 0.98 and are right in two of three cases
        truth = number % 3
        said = truth if rng.random() < 2 / 3 else (truth + rng.integers(1, 3)) % 3
        row = np.full(3, np.log(0.01))
        row[said] = np.log(0.98)
        events[str(number)] = (row[None], truth)
    calm = fit_calibration(events)
    told = combined(events["0"][0], calm).probability
    assert told == pytest.approx(2 / 3, abs=0.05)


@pytest.mark.parametrize(("hour", "odds"), [(10.0, 1.0), (22.0, 10.0), (4.9, 10.0)])
def test_explosions_are_rarer_outside_of_working_hours(hour, odds):
    config = EventTypeConfig(working_hours=WorkingHours(from_hour=5, to_hour=18))
    assert config.prior_at(hour) == (1.0, pytest.approx(1 / odds), 1.0)


def test_working_hours_may_span_midnight_and_are_not_used_unasked():
    assert WorkingHours(from_hour=22, to_hour=6).hold(23.5) and not WorkingHours(from_hour=22, to_hour=6).hold(12)
    assert EventTypeConfig().prior_at(3.0) == (1.0, 1.0, 1.0)


def test_types_that_quakeml_does_not_know_are_refused():
    with pytest.raises(ValueError, match="no type of QuakeML"):
        EventTypeConfig(explosion_type="boom")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("earthquake", "earthquake"),
        ("Quarry_Blast", "explosion"),
        ("su", "surface"),
        ("landslide", "surface"),
        ("sonic boom", None),
        ("", None),
    ],
)
def test_types_belong_to_classes(text, expected):
    assert class_of(text) == expected


def test_a_station_without_waveforms_is_counted_and_the_others_vote():
    found = decide(
        load_classifier(find_weights(PACKAGED)), ORIGIN, stations(list, lambda traces: []), EventTypeConfig()
    )
    assert found.reasons == {"no_waveform": 1} or set(found.reasons) == {"no_waveform", "unlike_training"}
    assert found.document["stations"][1]["reason"] == "no_waveform" and "vote" not in found.document["stations"][1]


def test_no_station_at_all_leaves_the_event_open():
    found = decide(load_classifier(find_weights(PACKAGED)), ORIGIN, [], EventTypeConfig())
    assert found.document["decision"] == "no_station" and "type" not in found.document
    assert found.document["hour"] == START % 86400 / 3600


class OfOneMind:
    """A classifier that says the same of all stations."""

    calibration = Calibration(1.0, 1.0)

    def __init__(self, row):
        self.row = row

    def is_unlike(self, features):
        return np.zeros(len(features), dtype=bool)

    def log_probabilities(self, features):
        return np.tile(self.row, (len(features), 1))


def test_what_is_not_probable_enough_is_left_open():
    one, many = stations(list), stations(list, list, list, list)
    unsure = decide(OfOneMind(EXPLOSION), ORIGIN, one, EventTypeConfig()).document
    assert (unsure["decision"], unsure["most_probable"]) == ("unsure", "explosion") and "type" not in unsure
    config = EventTypeConfig(explosion_type="quarry blast")
    sure = decide(OfOneMind(EXPLOSION), ORIGIN, many, config).document
    assert (sure["decision"], sure["type"], sure["votes"]["explosion"]) == ("decided", "quarry blast", 4)


def test_an_earthquake_is_decided_from_a_probability_of_its_own():
    rows = {name: np.log(np.full(3, 0.07) + 0.79 * (np.arange(3) == number)) for number, name in enumerate(CLASSES)}
    found = {name: decide(OfOneMind(row), ORIGIN, stations(list), EventTypeConfig()) for name, row in rows.items()}
    decisions = {name: each.document["decision"] for name, each in found.items()}
    assert decisions == {"earthquake": "decided", "explosion": "unsure", "surface": "unsure"}
    config = EventTypeConfig(earthquake_probability=0.9)
    assert decide(OfOneMind(rows["earthquake"]), ORIGIN, stations(list), config).document["decision"] == "unsure"


def test_too_few_stations_leave_the_event_open():
    config = EventTypeConfig(min_stations=2, least_probability=0.5)
    assert decide(OfOneMind(EXPLOSION), ORIGIN, stations(list), config).document["decision"] == "too_few_stations"


def test_a_prior_turns_a_decision():
    config = EventTypeConfig(prior=PriorConfig(earthquake=1e4), least_probability=0.9)
    assert decide(OfOneMind(EXPLOSION), ORIGIN, stations(list), config).document["type"] == "earthquake"


def test_the_nearest_stations_are_asked():
    picked = {("XX", name): {"P": START + 5.0} for name in "ABC"}
    distances = {("XX", "A"): 50.0, ("XX", "B"): 20.0, ("XX", "C"): float("inf")}
    found = station_records(START, picked, distances, 2)
    assert [(one.sta, one.distance_km) for one in found] == [("B", 20.0), ("A", 50.0)]


def test_weights_of_a_picker_are_refused():
    with pytest.raises(InputError, match="not weights for types of events"):
        check_weights(resolve("phasenet", "demo"))
    with pytest.raises(InputError, match="no weights 'original'"):
        find_weights("original")
