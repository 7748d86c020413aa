"""Reading QuakeML of others: ObsPy's files, odd ones, and what is none."""

from pathlib import Path

import obspy
import pytest
from obspy import read_events

from catalogdb.errors import InputError
from catalogdb.exchange.quakeml import read_quakeml

OBSPY = Path(obspy.__file__).parent


OBSPY_QUAKEML = sorted(
    path
    for path in OBSPY.glob("**/tests/data/*")
    if path.suffix in (".xml", ".qml") and b"quakeml.org/xmlns/quakeml/" in path.read_bytes()[:2000]
)


@pytest.mark.filterwarnings("ignore::UserWarning")  # ObsPy's own reading, for the comparison
@pytest.mark.parametrize("path", OBSPY_QUAKEML, ids=lambda path: f"{path.parents[2].name}-{path.name}")
def test_every_file_of_obspy_is_read_without_loss(path):
    source = read_events(str(path), format="QUAKEML")
    catalog = read_quakeml(path)
    known = {event.resource_id.id for event in source}  # ObsPy passes over events of types that QuakeML has not
    catalog.events = [event for event in catalog.events if event["source_id"] in known]
    without_origin = [event for event in source if not any(o.latitude is not None for o in event.origins)]
    with_nothing = [event for event in without_origin if not event.picks]
    assert len(catalog.events) == len(source) - len(with_nothing)
    assert len(catalog.rejected) >= len(with_nothing)
    assert sum(not document["origins"] for document in catalog.events) == len(without_origin) - len(with_nothing)
    located = [event for event in source if event not in without_origin]
    for event, document in zip(located, [item for item in catalog.events if item["origins"]], strict=True):
        origins = {origin.resource_id.id: origin for origin in reversed(event.origins)}
        origin = origins[document["preferred_origin_id"]]
        assert event.preferred_origin() in (None, origin)
        assert round(document["time"] * 1e6) == round(origin.time.ns / 1000)
        assert (document["latitude"], document["longitude"]) == (origin.latitude, origin.longitude)
        assert document.get("depth_km") == (None if origin.depth is None else origin.depth / 1000)
        assert len(document["origins"]) == len(event.origins)
        assert len(document["magnitudes"]) == len(event.magnitudes)
        assert document["source_id"] == event.resource_id.id
        used = {arrival["pick_id"] for item in document["origins"] for arrival in item.get("arrivals", [])}
        assert used <= {item["source_id"] for item in catalog.picks}
    picks = [item for event in source for item in event.picks]
    refused = [line for line in catalog.rejected if ": pick " in line]
    assert len(catalog.picks) == len(picks) - len(refused)


def test_obspy_has_files_to_read():
    assert len(OBSPY_QUAKEML) > 20


def test_a_type_out_of_the_standard_costs_the_type_alone():
    catalog = read_quakeml(OBSPY / "io/quakeml/tests/data/usgs_event.xml")
    assert [event.get("event_type") for event in catalog.events] == ["quarry blast", None]
    assert catalog.rejected == []
    (line,) = [line for line in catalog.repaired if "event type" in line]
    assert "event type 'quarry' is none of QuakeML's: kept without a type" in line and "event 2" in line


def test_preferred_parts_are_respected():
    catalog = read_quakeml(OBSPY / "io/quakeml/tests/data/preferred.xml")
    (event,) = catalog.events
    (source,) = read_events(str(OBSPY / "io/quakeml/tests/data/preferred.xml"))
    assert event["preferred_origin_id"] == source.preferred_origin_id.id
    assert event["magnitude"] == source.preferred_magnitude().mag


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not XML"),
        (b"time,latitude\n", "not XML"),
        (b"<FDSNStationXML xmlns='http://www.fdsn.org/xml/station/1'/>", "root element is FDSNStationXML"),
        (b"<quakeml/>", "not QuakeML"),
        (b"<q:quakeml xmlns:q='http://quakeml.org/xmlns/quakeml/1.2'></q:quakeml>", "not usable QuakeML"),
        (b"<q:quakeml xmlns:q='http://quakeml.org/xmlns/quakeml/1.2'><event", "not XML"),
    ],
)
def test_other_files_are_refused_with_file_and_reason(tmp_path, content, reason):
    path = tmp_path / "file.xml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        read_quakeml(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere.xml: cannot be read"):
        read_quakeml(tmp_path / "nowhere.xml")
