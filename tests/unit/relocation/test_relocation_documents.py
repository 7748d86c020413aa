"""Origins and pairs as documents: fields, counts, and events that can't be relocated."""

import numpy as np
import pytest

from catalogdb.errors import InputError
from catalogdb.exchange.hypodd_times import read_times
from catalogdb.geo import Region
from catalogdb.relocation.config import RelocateConfig
from catalogdb.relocation.documents import Arrival, Correlated, linked_events, relocate_origins
from catalogdb.stages.relocation_files import read_given
from catalogdb.traveltimes import eikonal
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

REGION = Region(minlatitude=45.5, maxlatitude=46.5, minlongitude=11.5, maxlongitude=12.5, maxdepth_km=20)
MODEL = VelocityConfig(vp=6.0, vs=3.4)
CONFIG = RelocateConfig(bootstrap=20)
KM = 1 / 111.19
COSINE = np.cos(np.radians(46.0))


def stations(number=8):
    angle = np.arange(number) * 2 * np.pi / number
    return [(f"S{row}", 46 + 0.15 * np.cos(a), 12 + 0.2 * np.sin(a)) for row, a in enumerate(angle)]


def event(row, north_km, depth_km=8.0, places=None, phases="PS"):
    """An origin and its arrivals; the origin is 300 m off."""
    time, latitude = 1000.0 * row, 46 + north_km * KM
    arrivals = []
    for sta, station_latitude, longitude in places or stations():
        flat = np.hypot((station_latitude - latitude) / KM, (longitude - 12) * COSINE / KM)
        for phase in phases:
            travel = np.hypot(flat, depth_km) / (6.0 if phase == "P" else 3.4)
            arrivals.append(
                Arrival(f"{row}{sta}{phase}", phase, "XX", sta, time + travel, 1.0, station_latitude, longitude, 0.0)
            )
    shift = 0.3 * KM * (-1) ** row
    return {
        "event_id": f"e{row}",
        "time": time,
        "latitude": latitude + shift,
        "longitude": 12.0,
        "depth_km": depth_km,
    }, arrivals


def catalog(*events):
    return [origin for origin, _ in events], [arrivals for _, arrivals in events]


def test_origins_and_pairs_have_the_fields_of_their_schemas():
    origins, arrivals = catalog(*(event(row, 0.2 * row) for row in range(6)))
    found = relocate_origins(origins, arrivals, REGION, MODEL, CONFIG)
    assert found.counts["relocated"] == len(found.origins) == 6
    latitudes = np.array([origin["latitude"] for origin in found.origins])
    assert np.diff(latitudes) == pytest.approx(0.2 * KM, rel=0.03)
    first = found.origins[0]
    assert (first["cluster"], first["cluster_events"], first["method"]) == ("e0", 6, "double difference")
    assert 70 < first["n_differences"] <= 5 * 16 and first["n_correlated"] == 0 and first["n_picks"] == 16
    assert first["horizontal_uncertainty_km"] >= 0 and np.shape(first["covariance_km2"]) == (3, 3)
    assert len(found.pairs) == 15 and found.counts["differential_times"] == 15 * 16
    pair = found.pairs[0]
    assert (pair["first_event_id"], pair["second_event_id"], pair["n_times"]) == ("e0", "e1", 16)
    assert {time["kind"] for time in pair["times"]} == {"catalog"}


def test_a_grid_of_one_speed_relocates_as_that_speed_does(tmp_path, monkeypatch):
    pytest.importorskip("eikonalfm")
    monkeypatch.setenv("CATALOGDB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(eikonal, "MOST_NODES", 20_000)
    speeds = np.full((4, 4, 4), 6.0, dtype=np.float32)
    grid = VelocityGrid("", 0.0, (0.0, 0.0), False, (11.0, 45.0, -4.0), (0.7, 0.7, 10.0), speeds, speeds * 3.4 / 6.0)
    origins, arrivals = catalog(*(event(row, 0.2 * row, 8.0 + 0.1 * row) for row in range(6)))
    config = RelocateConfig(bootstrap=0, centroid="arrivals")
    layers, of_grid = (relocate_origins(origins, arrivals, REGION, model, config).origins for model in (MODEL, grid))
    for name, precision in (("latitude", 0.02 * KM), ("longitude", 0.02 * KM), ("depth_km", 0.04)):
        found, expected = ([origin[name] for origin in own] for own in (of_grid, layers))
        assert found == pytest.approx(expected, abs=precision)
    assert max(origin["rms"] for origin in of_grid) < 0.01
    shallow = VelocityGrid("", 0.0, (0.0, 0.0), False, (11.0, 45.0, 2.0), (0.7, 0.7, 10.0), speeds, speeds * 3.4 / 6.0)
    with pytest.raises(InputError, match="region.mindepth_km is 0 km"):
        relocate_origins(origins, arrivals, REGION, shallow, config)


def test_correlated_times_are_told_apart():
    origins, arrivals = catalog(*(event(row, 0.2 * row) for row in range(4)))
    times = {(a.pick_id): a.time - o["time"] for o, own in zip(origins, arrivals, strict=True) for a in own}
    correlated = [Correlated(0, 1, "XX", "S0", "P", times["0S0P"] - times["1S0P"], -0.93)]
    found = relocate_origins(origins, arrivals, REGION, MODEL, CONFIG, correlated)
    (entry,) = (time for pair in found.pairs for time in pair["times"] if time["kind"] == "cross-correlation")
    assert (entry["cc"], entry["sta"], entry["phase"]) == (-0.93, "S0", "P")
    assert [origin["n_correlated"] for origin in found.origins] == [1, 1, 0, 0]


def test_events_without_a_pair_are_in_no_cluster():
    few = event(6, 0.1, places=stations()[:2])  # 4 picks
    one = event(7, 0.2, places=stations()[:1] * 8)  # all picks of one station
    far = event(8, 40.0)
    origins, arrivals = catalog(*(event(row, 0.2 * row) for row in range(6)), few, one, far)
    assert linked_events(origins, arrivals, CONFIG) == [[0, 1, 2, 3, 4, 5]]
    assert linked_events([], [], CONFIG) == []
    alone = relocate_origins(*catalog(few, one), REGION, MODEL, CONFIG)
    assert alone.origins == alone.pairs == [] and alone.counts == {"no_pairs": 2}


def test_an_air_quake_is_counted_and_has_no_depth_uncertainty():
    origins, arrivals = catalog(*(event(row, 0.2 * row, depth_km=0.1 if row else -0.8) for row in range(6)))
    origins[0]["depth_km"] = 0.3
    found = relocate_origins(origins, arrivals, REGION, MODEL, CONFIG)
    held = [origin for origin in found.origins if "mindepth" in origin.get("limits", ())]
    assert len(held) == found.counts["events_at_mindepth"] > 0
    assert all(origin["depth_km"] == 0.0 and "depth_uncertainty_km" not in origin for origin in held)


def test_phases_that_are_neither_p_nor_s_are_not_differenced():
    origins, arrivals = catalog(*(event(row, 0.2 * row) for row in range(4)))
    arrivals[0].append(Arrival("x", "T", "XX", "S0", origins[0]["time"] + 90.0, 1.0, 46.15, 12.0, 0.0))
    found = relocate_origins(origins, arrivals, REGION, MODEL, CONFIG)
    assert found.counts["differential_times"] == 6 * 16
    assert "residual" not in found.origins[0]["arrivals"][-1]


def test_files_of_hypodd_are_read_and_a_wrong_line_is_named(tmp_path):
    path = tmp_path / "dt.cc"
    path.write_text("# 12 13 0.05\nAAA 0.010 0.81 P\n\n#  14 15 0\nBBB -0.2 0.9 S\n")
    found = list(read_times(path, "cc"))
    assert [(time.first, time.second, time.station, time.phase, time.line) for time in found] == [
        (12, 13, "AAA", "P", 2), (14, 15, "BBB", "S", 5),
    ]  # fmt: skip
    assert [time.time for time in found] == pytest.approx([-0.04, -0.2])
    path.write_text("# 1 2\nAAA 3.5 3.25 1.0 P\n")
    (time,) = read_times(path, "ct")
    assert (time.time, time.weight) == (0.25, 1.0)
    for text, line in (("AAA 1 1 P\n", 1), ("# 1 2\nAAA 3.5 x 1.0 P\n", 2), ("# 1 2\nAAA 1 1 1 Q\n", 2)):
        path.write_text(text)
        with pytest.raises(InputError, match=f"dt.cc: line {line}: no differential time"):
            list(read_times(path, "ct"))


def test_of_two_numbers_near_one_event_the_nearer_is_it(tmp_path):
    (tmp_path / "event_ids.csv").write_text("number,time\n1,99.0\n2,100.1\n3,500.0\n")
    (tmp_path / "dt.ct").write_text("# 1 3\nAAA 2.0 1.0 1.0 P\n# 2 3\nAAA 3.0 1.0 1.0 P\n")
    origins = [{"event_id": "a", "time": 100.0}, {"event_id": "b", "time": 500.0}]
    given = read_given({"ct": [str(tmp_path / "dt.ct")]}, origins)
    assert given.number == 1 and given.counts == {"dt_ct_of_other_events": 1}
    (((time, kind),),) = given.times.values()
    assert kind == "ct" and time.time == pytest.approx(2.0 + 0.1)


@pytest.mark.parametrize("line", ["AAA nan 1.0 1.0 P", "AAA 2.0 1.0 nan P", "AAA 2.0 1.0 -0.5 P", "AAA inf 1.0 1.0 P"])
def test_times_and_weights_that_are_none_are_refused(tmp_path, line):
    (tmp_path / "dt.ct").write_text(f"# 1 2\n{line}\n")
    with pytest.raises(InputError, match="line 2: no differential time"):
        list(read_times(tmp_path / "dt.ct", "ct"))
