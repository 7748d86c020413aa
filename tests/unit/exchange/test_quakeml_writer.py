"""What is written as QuakeML is, value by value, what ObsPy's own objects and writer make of the same documents."""

import io

import psutil
import pytest
from lxml import etree
from obspy import read_events
from obspy.io.quakeml.core import _validate
from quakeml_documents import EVENT, PICKS, UNLOCATED, pick, written

from benchmarks._obspy_quakeml import write_by_obspy
from catalogdb.exchange.quakeml_writer import write_quakeml

ELLIPSOID = {
    "horizontal_uncertainty_km": 0.8,
    "covariance_km2": [[0.4, 0.1, 0.0], [0.1, 0.6, 0.05], [0.0, 0.05, 1.2]],
    "ellipsoid": {
        **{"major_km": 1.1, "intermediate_km": 0.8, "minor_km": 0.6},
        **{"azimuth": 30.0, "plunge": 80.0, "rotation": 12.0},
    },
}
LOCATED = EVENT | {"origins": [EVENT["origins"][0] | ELLIPSOID | {"limits": ["maxdepth"]}, EVENT["origins"][1]]}
OTHERS = [pick(3, "S", PICKS[1]["time"] + 1, sta="VINO", net=""), pick(4, "P", PICKS[1]["time"], sta="VINO")]
CASES = {
    "whole": (EVENT, PICKS),
    "ellipsoid and limits": (LOCATED, PICKS),
    "unlocated": (UNLOCATED, PICKS),
    "without its picks": (EVENT, []),
    "picks in no arrival": (EVENT, [*OTHERS, *PICKS]),
    "odd characters": (EVENT | {"place": "bell \x07 \ud800 <&> end", "_id": "odd: à"}, PICKS),
    "whole numbers": (EVENT | {"origins": [EVENT["origins"][1] | {"latitude": 46, "depth_km": 0}]}, PICKS),
    "before 1970": (EVENT | {"origins": [EVENT["origins"][1] | {"time": -1.5}]}, PICKS),
    "nothing known": ({"_id": "a", "origins": [], "magnitudes": []}, []),
}  # fmt: skip


def by_obspy(pairs) -> bytes:
    stream = io.BytesIO()
    write_by_obspy(pairs, stream, "northeast")
    return stream.getvalue()


def canonical(text: bytes) -> bytes:
    """The text without the blanks between elements."""
    root = etree.fromstring(text, etree.XMLParser(remove_blank_text=True))
    return etree.tostring(root, method="c14n")


@pytest.mark.parametrize("case", CASES)
def test_elements_equal_those_of_obspys_writer(case):
    assert canonical(written([CASES[case]])) == canonical(by_obspy([CASES[case]]))


def test_every_case_is_valid_and_read_equal_by_obspy():
    pairs = [
        (event | {"_id": f"{event['_id']}{number}"}, picks) for number, (event, picks) in enumerate(CASES.values())
    ]
    text = written(pairs)
    assert _validate(io.BytesIO(text))
    ours, theirs = read_events(io.BytesIO(text)), read_events(io.BytesIO(by_obspy(pairs)))
    assert len(ours) == len(CASES) and ours == theirs


def test_memory_does_not_grow_with_the_number_of_events():
    class Sink(io.RawIOBase):
        def write(self, text):
            return len(text)

    memory = psutil.Process().memory_info
    write_quakeml(((EVENT, PICKS) for _ in range(50)), Sink())
    before = memory().rss
    write_quakeml(((EVENT, PICKS) for _ in range(4000)), Sink())  # 17 MB of text
    assert memory().rss - before < 4e6
