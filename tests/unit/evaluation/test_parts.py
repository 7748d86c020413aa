"""Classes, coverage, statistics and chunks of the comparison, without a database."""

from types import SimpleNamespace

import numpy as np
import pytest

from catalogdb.errors import InputError
from catalogdb.evaluation.classes import (
    DISTANCE_EDGES_KM,
    UNKNOWN,
    availability_label,
    class_fields,
    day_text,
    days_of,
    edge_classes,
    edge_label,
    hours_of,
    magnitude_classes,
    magnitude_label,
    month_text,
    months_of,
)
from catalogdb.evaluation.coverage import Coverage
from catalogdb.evaluation.gates import Gates, event_weights, pick_weights
from catalogdb.evaluation.pairing import pair_picks, unfinished
from catalogdb.evaluation.scores import histogram, residuals

T = 1_711_574_377.3  # 2024-03-27T21:19:37.3


def picks(rows):
    """Columns of (station, phase, time, probability)."""
    columns = np.array(rows, float).reshape(-1, 4).T
    return SimpleNamespace(
        station=columns[0].astype(np.int32), phase=columns[1].astype(np.int8), time=columns[2], probability=columns[3]
    )


def test_classes_and_their_names():
    label = edge_label(DISTANCE_EDGES_KM)
    classes = edge_classes(np.array([0.0, 9.99, 10.0, 250.0, np.nan]), DISTANCE_EDGES_KM)
    assert [class_fields(label, number)["value"] for number in classes] == ["0-10", "0-10", "10-20", "200+", "unknown"]
    assert class_fields(label, 1) == {"value": "10-20", "low": 10.0, "high": 20.0}
    magnitudes = magnitude_classes(np.array([0.5, 0.49999999, -0.2, 1.9999, 0.1 + 0.2 + 0.7, np.nan]))
    assert [magnitude_label(number).value for number in magnitudes[:-1]] == [
        "0.5-1.0",
        "0.0-0.5",
        "-0.5-0.0",
        "1.5-2.0",
        "1.0-1.5",
    ]
    assert magnitudes[-1] == UNKNOWN
    assert [availability_label(number).value for number in (0, 3, 4)] == ["0-25 %", "75-100 %", "all"]
    times = np.array([T, T - 86400 * 27, -1.0])
    assert [day_text(day) for day in days_of(times)] == ["2024-03-27", "2024-02-29", "1969-12-31"]
    assert [month_text(month) for month in months_of(times)] == ["2024-03", "2024-02", "1969-12"]
    assert hours_of(times).tolist() == [21, 21, 23]


def test_coverage_joins_what_touches_and_knows_its_ends():
    coverage = Coverage({0: [(0.0, 10.0), (5.0, 7.0), (9.0, 20.0), (30.0, 40.0)], 2: [(0.0, 100.0)]})
    stations = np.array([0, 0, 0, 0, 0, 2, 1], np.int32)
    times = np.array([0.0, 8.0, 20.0, 25.0, 40.1, 25.0, 5.0])
    assert coverage.has_data(stations, times).tolist() == [True, True, True, False, False, True, False]
    assert coverage.stations_at(np.array([15.0, 25.0, 200.0])).tolist() == [2, 1, 0]
    assert coverage.has_data(np.zeros(0, np.int32), np.zeros(0)).tolist() == []


def test_statistics_are_of_the_definition():
    values = np.random.default_rng(0).normal(0.3, 1, 1001)
    found = residuals(values)
    assert found["mean"] == pytest.approx(values.mean())
    assert found["median"] == pytest.approx(np.median(values))
    assert found["mad"] == pytest.approx(np.median(np.abs(values - np.median(values))))
    assert np.mean(np.abs(values) <= found["p95"]) == pytest.approx(0.95, abs=0.001)
    drawn = histogram(values, -1.0, 1.0, 20)
    assert sum(drawn["counts"]) + drawn["below"] + drawn["above"] == 1001
    assert drawn["counts"][10] == np.count_nonzero((values >= 0) & (values < 0.1))


def test_weights_are_those_of_the_definition():
    weight = pick_weights(np.array([0.0, -0.25, 0.5]), np.array([True, False, False]), np.array([1, np.nan, 0]), 0.5)
    assert weight == pytest.approx([1.0, 0.485, 0.0], abs=1e-6) and (weight > 0).all()
    weight = event_weights(np.array([0.0, 2.0]), np.array([8.0, 8.0]), 2.0, 8.0)
    assert weight == pytest.approx([0.99, 0.0], abs=1e-6) and (weight > 0).all()
    assert str(Gates()) == "2 s, 8 km, picks 0.5 s"
    with pytest.raises(InputError, match="max_km 0 is not a positive number"):
        Gates(max_km=0)


def test_of_ties_the_one_that_crosses_nothing_wins():
    reference = picks([(0, 0, 0.0, np.nan), (0, 0, 0.1, np.nan)])
    catalog = picks([(0, 0, 0.2, 0.5), (0, 0, 0.3, 0.5)])
    pairs = pair_picks(reference, catalog, 0.5)
    assert list(zip(pairs.reference, pairs.catalog, strict=True)) == [(0, 0), (1, 1)]


@pytest.mark.parametrize("chunks", [1, 2, 7, 60])
def test_pairs_do_not_depend_on_where_chunks_end(chunks):
    random = np.random.default_rng(3)

    def made(number):
        rows = np.column_stack(
            [random.integers(0, 3, number), random.integers(0, 2, number), np.sort(random.uniform(0, 300, number))]
        )
        return picks(np.column_stack([rows, random.random(number)]))

    def part(table, chosen):
        return SimpleNamespace(**{name: column[chosen] for name, column in vars(table).items()})

    def times(reference, catalog):
        pairs = pair_picks(reference, catalog, 0.5)
        return set(zip(reference.time[pairs.reference], catalog.time[pairs.catalog], strict=True))

    reference, catalog = made(400), made(500)
    found, done = set(), [np.zeros(400, bool), np.zeros(500, bool)]
    for watermark in [*np.linspace(0, 300, chunks), np.inf]:
        ahead = [(table.time <= watermark + 3) & ~over for table, over in zip((reference, catalog), done, strict=True)]
        waiting = [part(reference, ahead[0]), part(catalog, ahead[1])]
        later = unfinished(*waiting, watermark, 0.5)
        found |= times(*(part(table, ~wait) for table, wait in zip(waiting, later, strict=True)))
        for over, mask, wait in zip(done, ahead, later, strict=True):
            over[np.flatnonzero(mask)[~wait]] = True
    assert found == times(reference, catalog) and all(over.all() for over in done)
