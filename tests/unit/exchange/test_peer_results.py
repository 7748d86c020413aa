"""Locations of NonLinLoc, HypoDD and GrowClust, read as catalogs: every column, ids, and lines that are wrong."""

from pathlib import Path

import obspy
import pytest
from obspy import read_events

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files

RELOC = (
    "       11  37.286145 -121.663306     5.799      325.5     -286.8      899.1      2.3      1.5      4.5"
    " 1984  4 24 21 20 23.480  3.6   182   137   612    11  0.007  0.043   1\n"
)
CLUSTERED = (
    "2000 12 13 15 00 01.205        12  35.96614 -117.67316   5.111  1.00       1       3     400    80   868"
    "   582  0.04  0.07   0.080   0.131   0.011  35.96330 -117.67100   4.920\n"
)
NLLOC = Path(obspy.__file__).parent / "io" / "nlloc" / "tests" / "data"


def test_hypodd_locations_keep_ids_and_errors_in_kilometres(tmp_path):
    (tmp_path / "hypoDD.reloc").write_text(RELOC)
    (tmp_path / "event_ids.csv").write_text("number,event_id,time\n11,abc,451689623.48\n")
    (event,) = read_catalog_files([tmp_path / "hypoDD.reloc"]).events
    (origin,) = event["origins"]
    assert (event["source_id"], event["magnitude"], origin["method"]) == ("abc", 3.6, "hypoDD")
    assert (origin["latitude"], origin["longitude"], origin["depth_km"]) == (37.286145, -121.663306, 5.799)
    assert origin["time"] == obspy.UTCDateTime("1984-04-24T21:20:23.48").timestamp
    assert (origin["horizontal_uncertainty_km"], origin["depth_uncertainty_km"]) == (0.0023, 0.0045)
    assert (origin["n_correlated"], origin["n_differences"], origin["rms"]) == (319, 623, 0.007)


def test_growclust_locations_are_read_and_a_number_is_an_id(tmp_path):
    (tmp_path / "out.growclust_cat").write_text(CLUSTERED + CLUSTERED.replace("35.96614", "NaN"))
    catalog = read_catalog_files([tmp_path / "out.growclust_cat"])
    (event,) = catalog.events
    (origin,) = event["origins"]
    assert (event["source_id"], origin["cluster"], origin["cluster_events"]) == ("12", "3", 400)
    assert (origin["horizontal_uncertainty_km"], origin["depth_uncertainty_km"], origin["time_uncertainty"]) == (
        0.08, 0.131, 0.011,
    )  # fmt: skip
    assert catalog.rejected == [f"{tmp_path / 'out.growclust_cat'}: line 2: NaN is no number"]


@pytest.mark.parametrize("name", ["nlloc.hyp", "nlloc_v7.hyp", "vanua.sum.grid0.loc.hyp"])
def test_nonlinloc_locations_are_those_that_obspy_reads(name):
    found = read_catalog_files([NLLOC / name]).events
    for event, other in zip(found, read_events(str(NLLOC / name)), strict=True):
        (origin,), expected = event["origins"], other.origins[0]
        assert origin["latitude"] == pytest.approx(expected.latitude)
        assert origin["longitude"] == pytest.approx(expected.longitude)
        assert origin["depth_km"] == pytest.approx(expected.depth / 1000.0)
        assert origin["time"] == pytest.approx(expected.time.timestamp, abs=1e-4)
        assert origin["rms"] == pytest.approx(expected.quality.standard_error)


def test_rejected_and_impossible_locations_are_named():
    (event,) = read_catalog_files([NLLOC / "nlloc_rejected.hyp"]).events
    assert event["evaluation_status"] == "rejected"
    (reason,) = read_catalog_files([NLLOC / "nlloc_custom.hyp"]).rejected
    assert "latitude 5323.28 is outside" in reason


def test_a_line_cut_short_and_a_second_location_are_rejected(tmp_path):
    (tmp_path / "hypoDD.reloc").write_text(RELOC + RELOC[:90] + "\n" + RELOC)
    catalog = read_catalog_files([tmp_path / "hypoDD.reloc"], "hypodd-reloc")
    assert len(catalog.events) == 1
    assert [text.split(": ", 1)[1] for text in catalog.rejected] == [
        "line 2: 8 columns, not 24", "line 3: a second location of event 11",
    ]  # fmt: skip


def test_a_depth_where_no_earthquake_can_be_is_rejected(tmp_path):
    (tmp_path / "hypoDD.reloc").write_text(RELOC + RELOC.replace("       11", "       12").replace("5.799", "5799."))
    catalog = read_catalog_files([tmp_path / "hypoDD.reloc"])
    assert len(catalog.events) == 1 and "line 2: depth 5799 km is outside" in catalog.rejected[0]


def test_a_list_of_ids_without_its_columns_is_named(tmp_path):
    (tmp_path / "hypoDD.reloc").write_text(RELOC)
    (tmp_path / "event_ids.csv").write_text("no,id\n1,a\n")
    with pytest.raises(InputError, match="event_ids.csv: no numbers of events"):
        read_catalog_files([tmp_path / "hypoDD.reloc"])
