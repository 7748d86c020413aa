"""What a location by its density says goes into QuakeML and tables."""

import io
import re
from collections import Counter

import numpy as np
import pytest
from obspy import read_events
from obspy.io.quakeml.core import _validate
from quakeml_documents import EVENT, PICKS, assert_equal, read_back, written

from catalogdb.exchange.confidence import ellipsoid_deviations
from catalogdb.exchange.obspy_events import read_by_obspy
from catalogdb.exchange.quakeml_ellipsoid import covariance_of
from catalogdb.exchange.quakeml_writer import write_quakeml
from catalogdb.exchange.tables import EVENT_COLUMNS, event_row
from catalogdb.exchange.through_obspy import write_nordic
from catalogdb.location.ellipsoid import confidence_ellipsoid

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


RELOCATED = {
    "expected": {"time": 1711574377.25, "latitude": 46.36, "longitude": 12.81, "depth_km": 10.1},
    **{"cluster": "c" * 32, "cluster_events": 12, "n_differences": 345, "n_correlated": 67},
}


def test_quakeml_gives_back_what_a_location_says(tmp_path):
    event = LOCATED | {"preferred_origin_rule": "covariance"}
    event |= {"origins": [origin | RELOCATED for origin in event["origins"]]}
    text = written([(event, PICKS)])
    catalog = read_back(text, tmp_path)
    (found,) = catalog.events
    assert found["preferred_origin_rule"] == "covariance" and catalog.repaired == []
    for origin, expected in zip(found["origins"], event["origins"], strict=True):
        said = FOUND | RELOCATED
        assert_equal({name: origin[name] for name in said}, said)
        assert origin["method"] == expected["method"]
    origins = [origin | {"_id": origin["_id"].rsplit("/", 1)[-1]} for origin in found["origins"]]
    again = written([(event | {"origins": origins}, PICKS)])
    names = "originUncertainty|comment"
    parts = [re.findall(rf"<(?:{names})>.*?</(?:{names})>", one.decode(), re.DOTALL) for one in (text, again)]
    assert parts[0] == parts[1] and len(parts[0]) > 4


def test_an_ellipsoid_without_a_note_becomes_ellipsoid_and_covariance(tmp_path):
    covariance = np.array(FOUND["covariance_km2"])
    own = FOUND | {"ellipsoid": confidence_ellipsoid(covariance)}
    event = EVENT | {"origins": [origin | own for origin in EVENT["origins"]]}
    text = re.sub(rb"<text>catalogdb: [^<]*</text>", b"<text>none of ours</text>", written([(event, PICKS)]))
    origin = read_back(text, tmp_path).events[0]["origins"][0]
    assert origin["ellipsoid"] == pytest.approx(own["ellipsoid"], rel=1e-6)
    assert np.allclose(origin["covariance_km2"], covariance, atol=1e-5)


@pytest.mark.parametrize(
    ("was", "instead"),
    [
        (b"<confidenceLevel>68.0</confidenceLevel>", b""),
        (b"<semiMajorAxisLength>", b"<semiMajorAxisLength>0.000"),
        (b"<majorAxisRotation>10.0</majorAxisRotation>", b""),
    ],
)
def test_an_ellipsoid_of_unknown_size_or_direction_is_counted(tmp_path, was, instead):
    text = re.sub(rb"<text>catalogdb: [^<]*</text>", b"<text>none of ours</text>", written([(LOCATED, PICKS)]))
    assert was in text
    catalog = read_back(text.replace(was, instead), tmp_path)
    assert all("ellipsoid" not in origin for origin in catalog.events[0]["origins"])
    assert any("2 confidence ellipsoids left out" in line for line in catalog.repaired)
    assert any("2 ellipses of which the larger axis alone is kept" in line for line in catalog.repaired)


def test_covariance_of_an_ellipsoid_is_the_one_it_was_made_from():
    random = np.random.default_rng(1)
    for _ in range(50):
        axes = random.normal(size=(3, 3))
        assert np.allclose(covariance_of(confidence_ellipsoid(axes @ axes.T)), axes @ axes.T)
    assert ellipsoid_deviations(68) == pytest.approx(1.8724, abs=1e-5)
    assert ellipsoid_deviations(90) == pytest.approx(2.5003, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "value"),
    [("covariance_km2", [[1.0, 2.0], [3.0, 4.0]]), ("ellipsoid", {"major_km": 1.0}), ("depth_68_km", ["a", 2.0])],
)
def test_a_note_of_another_shape_is_left_out(tmp_path, name, value):
    event = EVENT | {"origins": [origin | {name: value} for origin in EVENT["origins"]]}
    assert all(name not in origin for origin in read_back(written([(event, PICKS)]), tmp_path).events[0]["origins"])


def test_quakeml_has_the_ellipse_and_the_ellipsoid():
    stream = io.BytesIO()
    write_quakeml([(LOCATED, PICKS)], stream)
    assert _validate(io.BytesIO(stream.getvalue()))
    found = read_events(io.BytesIO(stream.getvalue()))[0].origins[0].origin_uncertainty
    assert found.preferred_description == "confidence ellipsoid" and found.confidence_level == 68.0
    assert found.horizontal_uncertainty == pytest.approx(2000.0 * 1.5096, rel=1e-4)  # the level is of it too
    assert found.max_horizontal_uncertainty == pytest.approx(2000.0 * 1.5096, rel=1e-4)
    assert found.min_horizontal_uncertainty == pytest.approx(1000.0 * 1.5096, rel=1e-4)
    assert found.azimuth_max_horizontal_uncertainty == pytest.approx(0.0)
    ellipsoid = found.confidence_ellipsoid
    assert ellipsoid.semi_major_axis_length == pytest.approx(3000.0 * 1.8724)
    assert (ellipsoid.major_axis_azimuth, ellipsoid.major_axis_plunge, ellipsoid.major_axis_rotation) == (90, 80, 10)


def test_nordic_errors_are_one_standard_deviation(tmp_path):
    covariance = [[1.0, 0.8, 0.2], [0.8, 4.0, 0.0], [0.2, 0.0, 9.0]]
    located = {"depth_uncertainty_km": 3.0, "covariance_km2": covariance}
    (*_, origin) = LOCATED["origins"]
    event = LOCATED | {"origins": [origin | located], "preferred_origin_id": origin["_id"]}
    stream = io.BytesIO()
    write_nordic([(event, PICKS)], stream, Counter(), Counter())
    (line,) = [line for line in stream.getvalue().decode().splitlines() if line[79:] == "E"]
    assert (float(line[24:30]), float(line[32:38]), float(line[38:43])) == (2.0, 1.0, 3.0)  # latitude, longitude, depth
    assert float(line[43:55]) == pytest.approx(0.8, rel=1e-3)  # covariance of x and y
    (tmp_path / "e.out").write_bytes(stream.getvalue())
    found = read_by_obspy(tmp_path / "e.out", "manual", "NORDIC").events[0]["origins"][0]
    assert found["horizontal_uncertainty_km"] == pytest.approx(np.sqrt(2.5 + np.hypot(1.5, 0.8)), rel=1e-3)


def test_tables_have_the_intervals_and_the_covariance():
    row = event_row(LOCATED)
    assert list(row) == list(EVENT_COLUMNS)
    assert (row["depth_68_low_km"], row["depth_90_high_km"], row["epicentre_68_km"]) == (7.0, 14.0, 2.5)
    assert (row["covariance_ee_km2"], row["covariance_ed_km2"], row["covariance_dd_km2"]) == (1.0, 0.2, 9.0)
    assert row["bimodal"] == "yes"
    assert event_row(EVENT)["covariance_nn_km2"] is None
