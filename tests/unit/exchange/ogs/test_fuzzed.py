"""Any bytes, and sound files with characters changed: nothing is lost unsaid, and nothing falls over."""

import json
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ogs_lines import END, PUN_HEADER, SEPARATED_HEADER, TXT_HEADER, card, event_line, station_line, txt_line

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.ogs.bulletin_txt import read_txt
from catalogdb.exchange.ogs.listing_hpl import read_hpl
from catalogdb.exchange.ogs.merge import Part, merge
from catalogdb.exchange.ogs.phases_dat import read_dat
from catalogdb.exchange.ogs.summary_pun import read_pun

SOUND = {
    ".dat": (read_dat, [card("ABCD", "iPC2", s="eS 3", s_seconds=" 6553", branches="gn"), card("EFG"), END]),
    ".hpl": (
        read_hpl,
        ["^PLACE (FRIULI)", "", event_line(), station_line("ABCD", s="iS 1", s_seconds="12.50"), "* remark"],
    ),
    ".pun": (
        read_pun,
        [PUN_HEADER, "12402030405  8.50 46-20.50  13- 6.25   8.25   1.50 12 117  4.1 0.21  0.6  1.3 B1"],
    ),
    ".txt": (
        read_txt,
        [
            TXT_HEADER,
            txt_line(),
            SEPARATED_HEADER,
            "1;2024_00001;2024-02-03T04:05:08.500; 0.12;46.3417;13.1042;0.5;8.2;0.9;120;1.3;1.5;A;[earthquake]",
        ],
    ),
}


def assert_sound(catalog, path):
    """Every record is accounted for, and all that was read can be stored."""
    (report,) = catalog.files
    assert report.read == report.kept + report.rejected and report.rejected == len(catalog.rejected)
    for text in catalog.rejected:
        file, line, reason = text.removeprefix(str(path)).split(": ", 2)
        assert file == "" and line.startswith("line ") and int(line[5:]) > 0 and reason
    json.dumps([catalog.events, catalog.picks], allow_nan=False).encode("utf-8")


@pytest.mark.parametrize("suffix", SOUND)
@settings(max_examples=100)
@given(st.binary(max_size=400))
def test_any_bytes(suffix, content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(content)
        try:
            assert_sound(SOUND[suffix][0](path), path)
            read_catalog_files([path])
        except InputError as error:
            assert str(path) in str(error)


def mutated(lines, chance: random.Random, mutations: int) -> bytes:
    """The lines with characters changed, lost, doubled and overwritten, in one encoding or another."""
    text = list("\n".join(lines * 2) + "\n")
    alphabet = "0123456789 .-*PSeiCD+gn;[]^\t\n\r\0²٣é_xX"
    for _ in range(mutations):
        place = chance.randrange(len(text))
        what = chance.randrange(4)
        if what == 0:
            text[place] = chance.choice(alphabet)
        elif what == 1:
            del text[place]
        elif what == 2:
            text.insert(place, chance.choice(alphabet))
        else:
            end = min(place + chance.randrange(1, 40), len(text))
            text[place:end] = chance.choice(["", " " * (end - place), "9" * (end - place), "*" * (end - place)])
    return "".join(text).encode(chance.choice(["utf-8", "utf-16-le", "utf-8"]))


@pytest.mark.parametrize("suffix", SOUND)
@settings(max_examples=250)
@given(st.randoms(use_true_random=False), st.integers(0, 12))
def test_mutated_lines(suffix, chance, mutations):
    read, lines = SOUND[suffix]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(mutated(lines, chance, mutations))
        assert_sound(read(path), path)


@settings(max_examples=100)
@given(st.randoms(use_true_random=False), st.integers(0, 8))
def test_mutated_files_are_merged_with_nothing_lost(chance, mutations):
    with tempfile.TemporaryDirectory() as folder:
        alone = []
        for suffix, (read, lines) in SOUND.items():
            path = Path(folder) / f"file{suffix}"
            path.write_bytes(mutated(lines, chance, mutations))
            alone.append(read(path))
        parts = [
            Part(f"file{suffix}", catalog.files[0].format, catalog)
            for suffix, catalog in zip(SOUND, alone, strict=True)
        ]
        origins = sum(len(event["origins"]) for catalog in alone for event in catalog.events)
        records = sum(len(catalog.events) for catalog in alone)
        readings = {(pick["sta"], pick["phase"]) for catalog in alone for pick in catalog.picks}
        catalog = merge(parts)
        assert sum(len(event["origins"]) for event in catalog.events) == origins
        assert sum(len(event["sources"]) for event in catalog.events) == records
        assert {(pick["sta"], pick["phase"]) for pick in catalog.picks} == readings
        keys = [event["source_id"] for event in catalog.events]
        assert len(keys) == len(set(keys))
        assert {pick["event_key"] for pick in catalog.picks if "event_key" in pick} <= set(keys)
        known = {pick["source_id"] for pick in catalog.picks}
        arrivals = [
            arrival for event in catalog.events for origin in event["origins"] for arrival in origin.get("arrivals", [])
        ]
        assert {arrival["pick_id"] for arrival in arrivals} <= known
        json.dumps([catalog.events, catalog.picks], allow_nan=False)
