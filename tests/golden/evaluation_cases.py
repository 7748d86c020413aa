"""Comparison of catalogs: pairs of picks and events, coverage, classes and scores."""

import random
from types import SimpleNamespace

import numpy as np
from made_inputs import START
from pinning import Case

from catalogdb.evaluation.columns import Events
from catalogdb.evaluation.coverage import Coverage
from catalogdb.evaluation.events import EventComparison
from catalogdb.evaluation.gates import Gates, event_weights, pick_weights
from catalogdb.evaluation.pairing import pair_events, pair_picks, unfinished
from catalogdb.evaluation.picks import EventTally
from catalogdb.evaluation.scores import counted, grouped, histogram, residuals

EVALUATION = "catalogdb/evaluation/revision.py:REVISION"


def picks(seed: int, number: int, jitter: float = 0.0):
    generator, scatter = random.Random(9), random.Random(seed)
    rows = [(generator.randrange(4), generator.randrange(2), 400.0 * generator.random()) for _ in range(number)]
    rows = [(sta, ph, time + jitter * (scatter.random() - 0.5), scatter.random()) for sta, ph, time in rows]
    rows = sorted((row for row in rows if scatter.random() > 0.1), key=lambda row: row[2])
    station, phase, time, probability = np.array(rows).T
    return SimpleNamespace(
        station=station.astype(np.int32), phase=phase.astype(np.int8), time=START + time, probability=probability
    )


def events(seed: int, number: int, jitter: float) -> Events:
    generator, scatter = random.Random(21), random.Random(seed)
    rows = []
    for place in range(number):
        time, latitude, longitude = 3600.0 * generator.random(), 46 + generator.random(), 13 + generator.random()
        off = [jitter * (scatter.random() - 0.5) for _ in range(4)]
        if scatter.random() > 0.15:
            where = (latitude + off[1] / 40, longitude + off[2] / 40, 8 + 4 * off[3], 1.5 + off[3])
            rows.append((time + off[0], *(where if place != 5 else [np.nan] * 4), f"{seed}.{place}"))
    rows.sort()
    numbers = np.array([row[:-1] for row in rows])
    of_counting_type = np.arange(len(rows)) % 7 != 3
    identity = np.array([row[-1] for row in rows], object)
    return Events(identity, START + numbers[:, 0], *numbers[:, 1:].T, of_counting_type)


def pairs_of_picks():
    reference, catalog = picks(1, 300), picks(2, 300, 0.7)
    pairs = pair_picks(reference, catalog, 0.5)
    dt, share = np.array([-0.4, 0.0, 0.1, 0.5]), np.array([0.9, np.nan, 0.4, 0.2])
    weights = pick_weights(dt, dt > 0.0, share, 0.5), event_weights(dt, 10.0 * share, 2.0, 8.0)
    return [weights, pairs.reference, pairs.catalog, unfinished(reference, catalog, START + 200.0, 0.5)]


def compared_events():
    reference, catalog, gates = events(1, 60, 0.0), events(2, 60, 3.0), Gates()
    pairs = pair_events(reference, catalog, gates)
    coverage = Coverage({0: [(START, START + 1800.0)], 1: [(START + 900.0, START + 3600.0)]})
    tally = EventTally(len(reference))
    for place, name in enumerate(EventTally.NAMES):
        tally.counts[name] = np.arange(len(reference)) * (place + 1) % 5
    comparison = EventComparison(reference, catalog, pairs, (START + 100.0, START + 3000.0), gates, tally, coverage)
    return [comparison.counts(), list(comparison.documents()), list(comparison.scores())]


def coverage_and_statistics():
    coverage = Coverage({0: [(0.0, 10.0), (5.0, 7.0), (10.0, 20.0), (30.0, 40.0)], 2: [(0.0, 100.0)]})
    station = np.repeat([0, 1, 2], 7).astype(np.int32)
    times = np.tile([0.0, 10.0, 20.0, 25.0, 30.0, 40.0, 40.1], 3)
    values = np.array([0.1, -0.4, 0.25, 3.0, -1.0, 0.0])
    groups, outcomes = np.array([1, 1, 4, 4, 4, 9]), np.array([0, 1, 0, 2, 3, 4], np.int8)
    of_groups = list(counted(groups, outcomes)), grouped(groups, values)
    covered = coverage.has_data(station, times), coverage.stations_at(times)
    return [covered, residuals(values), of_groups, histogram(values, -1.0, 1.0, 8)]


CASES = (
    Case("weights-and-pairs", EVALUATION, pairs_of_picks),
    Case("compared-events-of-types", EVALUATION, compared_events),
    Case("coverage-and-statistics", EVALUATION, coverage_and_statistics),
)
