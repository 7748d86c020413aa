"""Fetching from an FDSN service on loopback: what comes, what is asked again, and what a failing service does."""

import os

import fdsn_service
import obspy
import pytest
from fdsn_service import running

from catalogdb.errors import CatalogdbError, InputError
from catalogdb.geo import Box
from catalogdb.stages import fetch as module
from catalogdb.stages.fetch import FetchArea, fetch_events, fetch_waveforms
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.times import parse_time

BOX = Box(south=45.5, north=47.0, west=12.0, east=14.0)


@pytest.fixture(scope="module")
def loopback():
    with running() as found:
        yield found


@pytest.fixture
def service(loopback, monkeypatch):
    monkeypatch.setattr(module, "PAUSES_SECONDS", (0.01, 0.02))
    monkeypatch.setattr(module, "BETWEEN_SECONDS", 0.0)
    service, address = loopback
    service.requests.clear()
    service.busy, service.most, service.silent = 0, 1000, set()
    service.too_many = 413, b"too many"
    return service, address


def area(start="2024-03-27T06:00", end="2024-03-28T12:00", box=BOX, **more):
    return FetchArea(parse_time(start), parse_time(end), box, **more)


def test_waveforms_come_by_channel_and_day_with_their_stations(db, service, tmp_path):
    asked, address = service
    waveforms, stations = fetch_waveforms([address], area(), tmp_path)
    assert (waveforms.new, waveforms.failed, stations.new) == (12, 0, 2) and waveforms.bytes > 0
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.mseed"))
    assert names[0] == "waveforms/OX/BAD/OX.BAD..HHE.2024-03-27.mseed" and len(names) == 12
    trace = obspy.read(str(tmp_path / names[0]))[0]
    assert trace.stats.starttime == obspy.UTCDateTime("2024-03-27")
    summary = ingest_waveforms(db, [tmp_path / "waveforms"])
    assert (summary.files, summary.unreadable) == (12, 0)

    before = asked.requests["dataselect"]
    again, again_stations = fetch_waveforms([address], area(), tmp_path)
    assert (again.new, again.kept, again_stations.kept) == (0, 12, 2)
    assert asked.requests["dataselect"] == before
    (tmp_path / names[3]).unlink()
    assert fetch_waveforms([address], area(), tmp_path)[0].new == 1


def test_codes_of_a_service_lead_to_no_other_folder(service, tmp_path, monkeypatch):
    monkeypatch.setattr(fdsn_service, "PLACES", {"../../../BAD": (46.2, 12.9)})
    fetch_waveforms([service[1]], area(), tmp_path / "a" / "b" / "c")
    outside = [
        path for path in tmp_path.rglob("*") if path.is_file() and tmp_path / "a" / "b" / "c" not in path.parents
    ]
    assert outside == []


def test_days_that_had_not_ended_are_fetched_again(service, tmp_path):
    _, address = service
    fetch_waveforms([address], area(stations="BAD"), tmp_path)
    path = tmp_path / "waveforms/OX/BAD/OX.BAD..HHZ.2024-03-27.mseed"
    os.utime(path, (parse_time("2024-03-27T20:00"),) * 2)
    waveforms, _ = fetch_waveforms([address], area(stations="BAD"), tmp_path)
    assert (waveforms.new, waveforms.kept) == (1, 5) and "had not ended" in waveforms.problems[-1]


def test_days_that_are_not_asked_for_stay_as_they_are(service, tmp_path):
    folder = tmp_path / "waveforms/OX/BAD"
    folder.mkdir(parents=True)
    other = folder / "OX.BAD..HHZ.2024-05-01.mseed"
    other.write_bytes(b"a part of a day")
    os.utime(other, (parse_time("2024-05-01T20:00"),) * 2)
    waveforms, _ = fetch_waveforms([service[1]], area(stations="BAD"), tmp_path)
    assert other.exists() and waveforms.new == 6 and waveforms.problems == []


def test_stations_without_data_are_counted_and_named(service, tmp_path):
    asked, address = service
    asked.silent = {"BOO"}
    waveforms, _ = fetch_waveforms([address], area(), tmp_path)
    assert (waveforms.new, waveforms.failed) == (6, 6) and "OX.BOO" in waveforms.problems[0]


def test_events_come_a_month_at_a_time_and_are_ingested(db, service, tmp_path):
    asked, address = service
    month = area("2024-03-27", "2024-05-10")
    summary = fetch_events([address], month, tmp_path)
    assert summary.new == len(list((tmp_path / "events").glob("*.xml"))) == 2 == asked.requests["event"]
    again = fetch_events([address], month, tmp_path)
    assert (again.new, again.kept) == (0, 2) and asked.requests["event"] == 2
    found = ingest_catalog(db, sorted((tmp_path / "events").glob("*.xml")), "fetched")
    assert found["counts"]["events"] == 40


def test_events_of_another_box_are_files_of_their_own(cli, db, service, tmp_path):
    asked, address = service
    first = fetch_events([address], area(), tmp_path)
    other = fetch_events([address], area(box=Box(45.5, 47.0, 12.0, 14.000001)), tmp_path)
    assert (other.new, other.kept) == (1, 0) and asked.requests["event"] == 2 and first.files != other.files
    period = ("--starttime", "2024-04-01", "--endtime", "2024-04-03", "--box", "45.5,47,12,14")
    found = cli("fetch", "events", "--provider", address, *period, "-o", tmp_path, "--name", "april")
    assert found.code == 0 and "2 events" in found.err and db.event.count_documents({"catalog": "april"}) == 2


@pytest.mark.parametrize("too_many", [(413, b"too many"), (400, b"7 matching events exceeds search limit of 4.")])
def test_a_service_that_refuses_much_is_asked_for_less(service, tmp_path, too_many):
    asked, address = service
    asked.most, asked.too_many = 4, too_many
    fetch_events([address], area("2024-03-27", "2024-04-10"), tmp_path)
    events = [event for path in (tmp_path / "events").glob("*.xml") for event in obspy.read_events(str(path))]
    assert len(events) == 14 and asked.requests["event"] > 4


def test_a_busy_service_is_asked_again_and_then_given_up(service, tmp_path):
    asked, address = service
    said = []
    asked.busy = 2
    assert fetch_events([address], area(), tmp_path, progress=said.append).new == 1
    assert len(said) == 2 and "is busy" in said[0]
    asked.busy = 99
    with pytest.raises(CatalogdbError, match=r"127\.0\.0\.1"):
        fetch_events([address], area("2025-01-01", "2025-01-02"), tmp_path)
    assert len(list((tmp_path / "events").iterdir())) == 1


def test_a_month_without_events_is_an_empty_catalog(db, service, tmp_path):
    _, address = service
    fetch_events([address], area("2023-01-01", "2023-01-02"), tmp_path)
    found = ingest_catalog(db, sorted((tmp_path / "events").glob("*.xml")), "none")
    assert found["counts"]["events"] == 0


def test_a_request_that_a_service_finds_bad_fails_at_once(service, tmp_path):
    asked, address = service
    asked.most, asked.too_many = 0, (400, b"minmagnitude: not here")
    with pytest.raises(CatalogdbError, match="Bad request"):
        fetch_events([address], area(), tmp_path)
    assert asked.requests["event"] == 1


@pytest.mark.parametrize(("provider", "reason"), [("NOWHERE", "not known"), ("http://127.0.0.1:9", "no FDSN service")])
def test_providers_that_cant_be_had_are_named(tmp_path, provider, reason):
    with pytest.raises(CatalogdbError, match=reason):
        fetch_events([provider], area(), tmp_path)


@pytest.mark.parametrize("fetch", [fetch_events, fetch_waveforms])
def test_a_folder_that_cant_be_is_named(service, tmp_path, fetch):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file.*can't be made"):
        fetch([service[1]], area(), tmp_path / "file")


@pytest.mark.parametrize("box", [Box(46, 45, 12, 14), Box(45, 46, 170, 190), Box(45, 96, 12, 14)])
def test_boxes_that_cant_be_are_refused(box):
    with pytest.raises(InputError, match="the box"):
        FetchArea(0.0, 1.0, box)


@pytest.mark.parametrize("change", [{"end": "2024-03-27"}, {"start": "2024-03-29"}])
def test_an_empty_period_is_refused(change):
    with pytest.raises(InputError, match="period is empty"):
        area(**change)
