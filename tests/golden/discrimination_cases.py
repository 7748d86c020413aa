"""Features of stations, and what events are found to be by a network of fixed numbers."""

import numpy as np
from labelled_records import P_SAMPLE, RATE, S_SAMPLE, START, record
from pinning import Case

from catalogdb.discrimination.classifier import HIDDEN, Classifier
from catalogdb.discrimination.config import EventTypeConfig, WorkingHours
from catalogdb.discrimination.decide import StationRecord, decide
from catalogdb.discrimination.features import NAMES, Onsets, station_features
from catalogdb.discrimination.vote import Calibration

REVISION = "catalogdb/discrimination/config.py:REVISION"
ONSETS = Onsets(START + P_SAMPLE / RATE, START + S_SAMPLE / RATE)
CONFIG = EventTypeConfig(working_hours=WorkingHours(from_hour=6, to_hour=18))


def features():
    return [
        [round(float(value), 3) for value in station_features(record(number).traces, ONSETS)] for number in range(3)
    ]


def decisions():
    rng = np.random.default_rng(5)
    tensors = {
        "mean": np.zeros(len(NAMES)),
        "scale": np.ones(len(NAMES)),
        "limit": np.array(50.0),
        "first.weight": rng.normal(0, 0.4, (HIDDEN, len(NAMES))),
        "first.bias": rng.normal(0, 0.4, HIDDEN),
        "second.weight": rng.normal(0, 0.4, (3, HIDDEN)),
        "second.bias": rng.normal(0, 0.4, 3),
    }
    stations = [StationRecord("XX", f"S{number}", ONSETS, 50.0, record(number).traces) for number in range(3)]
    stations.append(StationRecord("XX", "S9", ONSETS))
    classifier = Classifier(tensors, Calibration(1.7, 0.4))
    found = decide(classifier, {"event_id": "e", "time": START + 7200.0}, stations, CONFIG)
    return _coarse(found.document), sorted(found.reasons.items())


def _coarse(value):
    if isinstance(value, dict):
        return {key: _coarse(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_coarse(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


CASES = (
    Case("features of a station", REVISION, features, decimals=2),
    Case("types of events by votes", REVISION, decisions, decimals=2),
)
