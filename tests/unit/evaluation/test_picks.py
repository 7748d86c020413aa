"""Pick sets compared without a database: picks come in batches, and a function tells their events."""

import random
from collections import Counter

import numpy as np
import pytest

from catalogdb.evaluation.columns import PHASES, Codes, Events, Picks
from catalogdb.evaluation.coverage import Coverage
from catalogdb.evaluation.picks import PickComparison
from catalogdb.evaluation.sites import Sites

T = 1_711_574_000.0
SITES = [{"net": "OX", "sta": "AAA", "loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.5, "starttime": 0, "endtime": 9e9}]


def picks(stations, networks, name, rows):
    """Rows of (seconds after T, station, phase)."""
    rows = sorted(rows)
    return Picks(
        np.array([f"{name}{at}" for at in range(len(rows))], object),
        np.array([stations[sta] for _, sta, _ in rows], np.int32),
        np.array([networks["OX"] for _ in rows], np.int32),
        np.array([PHASES.index(phase) for _, _, phase in rows], np.int8),
        np.array([T + time for time, _, _ in rows]),
        np.full(len(rows), 0.9),
    )


def events(*rows):
    """Rows of (id, seconds after T) at 46.1, 13.0."""
    number = len(rows)
    columns = np.full(number, 46.1), np.full(number, 13.0), np.full(number, 5.0), np.full(number, 1.5)
    identity = np.array([name for name, _ in rows], object)
    return Events(identity, np.array([T + time for _, time in rows], float), *columns, np.ones(number, bool))


def of(uses):
    """Positions of the events of picks, by a dictionary."""
    return lambda identity, time: np.array([uses.get(name, -1) for name in identity], np.int64)


def compared(catalog, reference, batch=None, uses=({}, {}), coverage=None):
    """The comparison, and outcome and id of each pick that counts."""
    stations, networks = Codes(), Codes()
    sets = [picks(stations, networks, name, rows) for name, rows in (("c", catalog), ("r", reference))]
    comparison = PickComparison(
        events=(events(("ce", 0.0)), events(("re", 0.5))),
        events_of=(of(uses[0]), of(uses[1])),
        matched_event=np.array([0]),
        stations=stations,
        networks=networks,
        sites=Sites.of(SITES, [("OX", "BBB")], stations, networks),
        coverage=coverage,
        max_dt=0.5,
        period=(T, T + 100.0),
    )
    batches = [[own[at : at + (batch or len(own))] for at in range(0, len(own), batch or len(own))] for own in sets]
    documents = [document for _, chunk in comparison.chunks(*batches) for document in chunk]
    return comparison, documents


def outcomes(documents):
    return {pick["pick_id"]: document["outcome"] for document in documents for pick in document["picks"]}


CATALOG = [(10.1, "AAA", "P"), (20.0, "AAA", "P"), (50.0, "BBB", "S"), (200.0, "AAA", "P")]
REFERENCE = [(10.0, "AAA", "P"), (20.2, "AAA", "S"), (30.0, "AAA", "P"), (40.0, "BBB", "P")]


def test_each_pick_of_the_period_has_one_outcome():
    coverage = Coverage({0: [(T, T + 100.0)]})  # of AAA alone
    _, documents = compared(CATALOG, REFERENCE, coverage=coverage)
    expected = {"r0": "matched", "r1": "wrong_phase", "r2": "missed", "r3": "no_data", "c2": "proposed"}
    assert outcomes(documents) == expected
    assert {document["net"] for document in documents} == {"OX"}


def test_picks_are_counted_at_their_events():
    uses = {"c0": 0}, {"r0": 0, "r1": 0, "r2": 0}
    comparison, documents = compared(CATALOG, REFERENCE, uses=uses)
    counts = {name: int(row[0]) for name, row in comparison.tally.counts.items()}
    assert (counts["picks"], counts["matched"], counts["wrong_phase"], counts["missed"]) == (3, 1, 1, 1)
    assert (counts["associated"], counts["not_associated"]) == (1, 1)
    (matched,) = [pick for row in documents if row["outcome"] == "matched" for pick in row["picks"]]
    assert (matched["event_id"], matched["partner_event_id"]) == ("re", "ce")
    assert matched["distance_km"] == pytest.approx(11.12, abs=0.01)


@pytest.mark.parametrize("batch", [1, 3, 50])
def test_batches_change_nothing(batch):
    generator = random.Random(4)
    rows = [[(100 * generator.random(), generator.choice(["AAA", "BBB"]), "P") for _ in range(200)] for _ in range(2)]
    whole, in_batches = (outcomes(compared(*rows, batch=size)[1]) for size in (None, batch))
    assert in_batches == whole
    assert Counter(whole.values())["matched"] > 50


def test_of_one_pick_set_events_alone_are_counted():
    comparison, _ = compared(CATALOG, REFERENCE)
    own = picks(comparison.stations, comparison.networks, "x", REFERENCE)
    comparison.events_of = of({"x0": 0}), of({"x0": 0, "x1": 0})
    assert list(comparison.chunks([own], None)) == []
    assert comparison.tally.counts["associated"].tolist() == [1]
    assert comparison.tally.counts["not_associated"].tolist() == [1]
