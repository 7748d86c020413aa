"""What a location by its density says goes into QuakeML and tables."""

import io

import pytest
from obspy import read_events
from obspy.io.quakeml.core import _validate
from quakeml_documents import EVENT, PICKS

from catalogdb.exchange.quakeml_writer import write_quakeml
from catalogdb.exchange.tables import EVENT_COLUMNS, event_row

FOUND = {
    "horizontal_uncertainty_km": 2.0,
    "covariance_km2": [[1.0, 0.0, 0.2], [0.0, 4.0, 0.0], [0.2, 0.0, 9.0]],
    "ellipsoid": {
        "major_km": 3.0, "intermediate_km": 2.0, "minor_km": 1.0, "azimuth": 90.0, "plunge": 80.0, "rotation": 10.0,
    },
    "depth_68_km": [7.0, 12.0],
    "depth_90_km": [5.0, 14.0],
    "epicentre_68_km": 2.5,
    "epicentre_90_km": 4.0,
    "bimodal": True,
}  # fmt: skip
LOCATED = EVENT | {"origins": [origin | FOUND for origin in EVENT["origins"]]}


def test_quakeml_has_the_ellipse_and_the_ellipsoid():
    stream = io.BytesIO()
    write_quakeml([(LOCATED, PICKS)], stream)
    assert _validate(io.BytesIO(stream.getvalue()))
    found = read_events(io.BytesIO(stream.getvalue()))[0].origins[0].origin_uncertainty
    assert found.preferred_description == "confidence ellipsoid" and found.confidence_level == 68.0
    assert found.horizontal_uncertainty == 2000.0
    assert found.max_horizontal_uncertainty == pytest.approx(2000.0 * 1.5096, rel=1e-4)
    assert found.min_horizontal_uncertainty == pytest.approx(1000.0 * 1.5096, rel=1e-4)
    assert found.azimuth_max_horizontal_uncertainty == pytest.approx(0.0)
    ellipsoid = found.confidence_ellipsoid
    assert ellipsoid.semi_major_axis_length == pytest.approx(3000.0 * 1.8724)
    assert (ellipsoid.major_axis_azimuth, ellipsoid.major_axis_plunge, ellipsoid.major_axis_rotation) == (90, 80, 10)


def test_tables_have_the_intervals_and_the_covariance():
    row = event_row(LOCATED)
    assert list(row) == list(EVENT_COLUMNS)
    assert (row["depth_68_low_km"], row["depth_90_high_km"], row["epicentre_68_km"]) == (7.0, 14.0, 2.5)
    assert (row["covariance_ee_km2"], row["covariance_ed_km2"], row["covariance_dd_km2"]) == (1.0, 0.2, 9.0)
    assert row["bimodal"] == "yes"
    assert event_row(EVENT)["covariance_nn_km2"] is None
