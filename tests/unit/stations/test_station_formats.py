"""Station files of other programs: the same numbers of stations and channels as ObsPy finds, at the same places."""

import warnings
from pathlib import Path

import obspy
import pytest

from catalogdb.errors import InputError
from catalogdb.stations.read import read_stations

ROOT = Path(obspy.__file__).parent
FILES = {
    "io/xseed/tests/data": ("SEED", "dataless.seed.*"),
    "io/arclink/tests/data": ("INVENTORYXML", "arclink_inventory.xml"),
    "io/seiscomp/tests/data": ("SCML", "channel_level.sc3ml"),
}
GTSRCE = """CONTROL 1 54321
GTSRCE BAD LATLON 46.5 12.75 0.1 0.6
 GTSRCE  BOO  LATLONDM  46 30.0 N  12 45.0 W  0.0  0.25
GTSRCE LSK LATLONDS 46 30 36 S 12 45 0 E 0 1.0
GTSRCE XYZ XYZ 10 20 0 0.5
GTSRCE FAR LATLON 95.0 12.0 0 0.1
GTSRCE CUT LATLON 46.0
"""


def places(inventory):
    rows = [(station.code, station.latitude, station.longitude) for network in inventory for station in network]
    return sorted((code, round(latitude, 5), round(longitude, 5)) for code, latitude, longitude in rows)


@pytest.mark.parametrize("folder", FILES)
def test_counts_and_places_are_those_of_obspy(folder):
    format, pattern = FILES[folder]
    paths = sorted((ROOT / folder).glob(pattern))
    assert paths
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = obspy.read_inventory(str(path), format=format)
        found = read_stations(path).inventory
        assert places(found) == places(expected), path
        channels = [sum(len(s.channels) for n in one for s in n) for one in (found, expected)]
        assert channels[0] == channels[1], path


def test_gtsrce_lines_are_read_in_every_form_of_angle(tmp_path):
    path = tmp_path / "run.in"
    path.write_text(GTSRCE)
    metadata = read_stations(path, default_network="OX")
    assert places(metadata.inventory) == [("BAD", 46.5, 12.75), ("BOO", 46.5, -12.75), ("LSK", -46.51, 12.75)]
    (network,) = metadata.inventory.networks
    assert network.code == "OX"
    assert {s.code: s.elevation for s in network} == pytest.approx({"BAD": 500.0, "BOO": 250.0, "LSK": 1000.0})
    said = [line.removeprefix(f"{path}: ") for line in metadata.rejected]
    assert [line.split(":")[0] for line in said] == ["line 5", "line 6", "line 7"]
    assert "projection" in said[0] and "95" in said[1] and "missing" in said[2]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("GTSRCE TWO LATLONDM 46 30.0 E 12 45.0 N 0 0", "E is none of N, S"),
        ("GTSRCE TWO LATLONDM 46 75.0 N 12 45.0 E 0 0", "no degrees"),
        ("GTSRCE ONE LATLON 47.0 12.0 0 0", "another place"),
    ],
)
def test_odd_angles_and_second_places_are_rejected(tmp_path, line, reason):
    (tmp_path / "run.in").write_text(f"GTSRCE ONE LATLON 46.0 12.0 0 0\n{line}\n")
    metadata = read_stations(tmp_path / "run.in")
    assert places(metadata.inventory) == [("ONE", 46.0, 12.0)]
    assert "line 2" in metadata.rejected[0] and reason in metadata.rejected[0]


def test_a_control_file_without_usable_stations_is_refused(tmp_path):
    (tmp_path / "run.in").write_text("GTSRCE XYZ XYZ 10 20 0 0.5\n")
    with pytest.raises(InputError, match="no usable GTSRCE line: .*line 1"):
        read_stations(tmp_path / "run.in")


def test_a_cut_seed_volume_is_refused_with_its_name(tmp_path):
    (tmp_path / "x.seed").write_bytes(b"000001V 010009302.3121970,001,00:00:00.0000~")
    with pytest.raises(InputError, match=r"x\.seed: ObsPy can't read it as SEED"):
        read_stations(tmp_path / "x.seed")
