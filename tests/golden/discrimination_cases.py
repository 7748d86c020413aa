"""Features of stations, and what events are found to be by a network of fixed numbers."""

import numpy as np
from labelled_records import START, record
from pinning import Case

from catalogdb.discrimination.classifier import HIDDEN, Classifier
from catalogdb.discrimination.config import EventTypeConfig, WorkingHours
from catalogdb.discrimination.decide import StationRecord, decide
from catalogdb.discrimination.features import NAMES, Onsets, station_features
from catalogdb.discrimination.vote import Calibration

REVISION = "catalogdb/discrimination/config.py:REVISION"
RECORDS = [record(number) for number in range(3)]
CONFIG = EventTypeConfig(working_hours=WorkingHours(from_hour=6, to_hour=18))


def onsets(one):
    return Onsets(*(onset.time for onset in one.onsets))


def features():
    return [station_features(one.traces, onsets(one)).tolist() for one in RECORDS]


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
    stations = [StationRecord("XX", f"S{n}", onsets(one), 50.0, one.traces) for n, one in enumerate(RECORDS)]
    stations.append(StationRecord("XX", "S9", onsets(RECORDS[0])))
    classifier = Classifier(tensors, Calibration(1.7, 0.4))
    found = decide(classifier, {"event_id": "e", "time": START + 7200.0}, stations, CONFIG)
    return found.document, sorted(found.reasons.items())


CASES = (
    Case("features of a station", REVISION, features, decimals=2),
    Case("types of events by votes", REVISION, decisions),
)
