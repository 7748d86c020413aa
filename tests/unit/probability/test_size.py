"""What stored probability traces take, on traces that a network made."""

import numpy as np
import pytest

from benchmarks.probability import default_records, measure, probability_of

MOST_PERCENT = 0.5
LARGEST_ERROR = 1 / 255


@pytest.mark.slow
def test_a_quiet_station_takes_a_small_part_of_its_miniseed(tmp_path, monkeypatch):
    monkeypatch.delenv("CATALOGDB_REALDATA", raising=False)
    ((_, files),) = default_records(tmp_path).items()
    trace, miniseed_bytes = probability_of(files, "phasenet", "demo")
    sparse, full = (measure(trace, miniseed_bytes, floor, rounds=1) for floor in (0.05, 0.0))
    assert 0 < sparse["size_percent"] <= MOST_PERCENT
    assert sparse["size_percent"] < full["size_percent"]
    assert 0 < max(sparse["largest_error"], full["largest_error"]) <= LARGEST_ERROR


@pytest.mark.realdata
@pytest.mark.slow
def test_an_earthquake_every_six_minutes_takes_no_more(realdata, real_weights):
    files = sorted(str(path) for path in realdata.glob("oklahoma_2013/mseed/SIO.HH*"))
    trace, miniseed_bytes = probability_of(files, "phasenet", "original")
    row = measure(trace, miniseed_bytes, 0.05, rounds=1)
    assert np.nanmax(trace.values) > 0.5  # the earthquake is seen
    assert 0 < row["size_percent"] <= MOST_PERCENT and 0 < row["largest_error"] <= LARGEST_ERROR
