"""Every file that ObsPy brings for its own tests: read rightly, or refused with its format or a reason."""

import warnings
from pathlib import Path

import obspy
import pytest
from obspy import read_events

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import READ, read_catalog_files

ROOT = Path(obspy.__file__).parent
TABLES = {"external.csv": 1}  # whose columns ObsPy wants to be told of, with their numbers of events
MORE_THAN_OBSPY = {"usgs_event.xml"}  # of its two events ObsPy leaves out the one whose type it does not know
FILES = sorted(path for path in ROOT.rglob("tests/data/**/*") if path.is_file())


def groups():
    folders = sorted({path.relative_to(ROOT).parts[:3] for path in FILES})
    return ["/".join(parts) for parts in folders]


@pytest.mark.parametrize("folder", groups())
def test_files_of_obspy_are_read_rightly_or_refused(folder):
    for path in (path for path in FILES if "/".join(path.relative_to(ROOT).parts[:3]) == folder):
        try:
            catalog = read_catalog_files([path])
        except InputError as error:
            check_refusal(path, error)
        else:
            check_events(path, catalog)


def check_refusal(path, error):
    text = str(error)
    assert str(path) in text and "Error(" not in text and "Traceback" not in text, text
    assert error.hint or "it is empty" in text, text
    assert any(
        reason in text for reason in ("it is ", "no known format", "its columns are", "not XML", "archive", "fails: ")
    )


def check_events(path, catalog):
    """As many events as ObsPy finds, at its times and places; what is missing is reported."""
    if path.name in TABLES:
        assert len(catalog.events) == TABLES[path.name] and 0 <= catalog.events[0]["time"] < 2e9, path
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = read_events(str(path), format=READ[catalog.files[0].format].obspy)
    assert len(catalog.events) + len(catalog.rejected) >= len(found), path
    if path.name in MORE_THAN_OBSPY:
        catalog.events = catalog.events[:1]
    assert len(catalog.events) <= len(found), path
    times = [origin.time.timestamp for event in found for origin in event.origins if origin.time]
    times += [pick.time.timestamp for event in found for pick in event.picks if pick.time]
    places = {
        (round(origin.latitude, 3), round((origin.longitude + 180) % 360 - 180, 3))
        for event in found
        for origin in event.origins
        if None not in (origin.latitude, origin.longitude)
    }
    for event in catalog.events:
        assert any(abs(event["time"] - time) < 0.005 for time in times), path
        if "latitude" in event:
            assert (round(event["latitude"], 3), round(event["longitude"], 3)) in places, path
        assert event["time"] > 0 or min(times) < 0, path
    picks = sorted(pick.time.timestamp for event in found for pick in event.picks if pick.time)
    assert all(any(abs(pick["time"] - time) < 0.005 for time in picks) for pick in catalog.picks), path


NAMES = ("pde/tests/data/mchedr.dat", "nordic/tests/data/select.out", "ndk/tests/data/multiple_events.ndk")


@pytest.mark.parametrize("name", NAMES)
def test_two_readings_give_the_same_ids(name):
    first, second = (read_catalog_files([ROOT / "io" / name]) for _ in range(2))
    assert first.events == second.events and first.picks == second.picks
    assert len({event["source_id"] for event in first.events}) == len(first.events)


def test_codes_and_places_are_those_of_the_file():
    read = {name: read_catalog_files([ROOT / "io" / name]) for name in (*NAMES, "hypodd/tests/data/example.pha")}
    assert {pick["net"] for catalog in read.values() for pick in catalog.picks} == {""}
    assert {pick["chan"] for pick in read["hypodd/tests/data/example.pha"].picks} == {""}  # ObsPy has Z and N
    assert all("place" not in event for event in read["nordic/tests/data/select.out"].events)
    assert read["pde/tests/data/mchedr.dat"].events[0]["place"] == "SOUTHEAST OF HONSHU, JAPAN"
