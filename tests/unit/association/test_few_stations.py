"""Networks too small for an event make none, and no error."""

import pytest

from catalogdb.association.associate import associate
from catalogdb.association.config import AssociateConfig
from catalogdb.geo import Region


@pytest.mark.parametrize("associator", ["gamma", "pyocto", "scan"])
@pytest.mark.parametrize("number", [1, 2])
def test_too_few_stations_make_no_event(associator, number):
    stations = [
        {"net": "XX", "sta": sta, "latitude": 46.0 + 0.1 * n, "longitude": 13.0, "elevation_km": 0.2}
        for n, sta in enumerate("AB"[:number])
    ]
    picks = [
        {"_id": f"{sta['sta']}{phase}{t}", "net": "XX", "sta": sta["sta"], "phase": phase, "time": t + delay}
        for t in range(0, 600, 60)
        for sta in stations
        for phase, delay in (("P", 2.0), ("S", 3.4))
    ]
    picks = [pick | {"probability": 0.9, "uncertainty": 0.05} for pick in picks]
    result = associate(picks, stations, Region(), AssociateConfig(associator=associator), (0.0, 3600.0))
    assert result.origins == []
    assert result.counts["stations"] == number
    assert result.counts["picks_unassociated"] == len(picks)
