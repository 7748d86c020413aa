"""Documents of an event with all that QuakeML holds, and of one that is not located."""

import io

import pytest

from catalogdb.exchange.quakeml import read_quakeml
from catalogdb.exchange.quakeml_writer import write_quakeml


def pick(number: int, phase: str, time: float, **more) -> dict:
    return {
        "_id": f"{number:032x}",
        "channel_group": "OX.BAD..HH",
        "net": "OX",
        "sta": "BAD",
        "loc": "",
        "chan": "HHZ" if phase == "P" else "HHN",
        "phase": phase,
        "time": time,
        "uncertainty": 0.06,
        "evaluation_mode": "automatic",
        "event_key": "x",
    } | more


PICKS = [
    pick(
        1,
        "P",
        1711574380.123457,
        probability=0.91,
        quality=0.7,
        snr=12.5,
        amplitude=88.25,
        components="ZNE",
        polarity="positive",
        first_motion="U",
        branch="n",
        duration=48.0,
    ),
    pick(2, "S", 1711574383.000001, onset="emergent", hypo71_weight=3, loc="00", evaluation_mode="manual"),
]


EVENT = {
    "_id": "e" * 32,
    "catalog": "northeast",
    "time": 1711574377.300001,
    "latitude": 46.363,
    "longitude": 12.805,
    "depth_km": 10.537,
    "point": {"type": "Point", "coordinates": [12.805, 46.363]},
    "magnitude": 4.61,
    "magnitude_type": "ML",
    "event_type": "earthquake",
    "place": "TRAMONTI & <Friuli>",
    "zone": "F",
    "remarks": "felt -- <IV>",
    "n_picks": 2,
    "n_p": 1,
    "n_s": 1,
    "rms": 0.23,
    "azimuthal_gap": 59.0,
    "evaluation_mode": "automatic",
    "evaluation_status": "preliminary",
    "preferred_origin_id": "b" * 32,
    "preferred_magnitude_id": "d" * 32,
    "source_id": "2024000123",
    "creation_info": {"agency_id": "OGS", "creation_time": 1711600000.25},
    "origins": [
        {
            "_id": "a" * 32,
            "method": "gamma",
            "time": 1711574377.1,
            "latitude": 46.37,
            "longitude": 12.8,
            "score": 17.25,
            "n_picks": 1,
            "n_stations": 1,
            "n_p": 1,
            "n_s": 0,
            "arrivals": [
                {"pick_id": PICKS[0]["_id"], "phase": "P", "net": "OX", "sta": "BAD", "time": PICKS[0]["time"]}
            ],
        },
        {
            "_id": "b" * 32,
            "method": "locator",
            "time": 1711574377.300001,
            "latitude": 46.363,
            "longitude": 12.805,
            "depth_km": 10.537,
            "time_uncertainty": 0.11,
            "horizontal_uncertainty_km": 0.75,
            "depth_uncertainty_km": 1.25,
            "rms": 0.23,
            "azimuthal_gap": 59.0,
            "minimum_distance_km": 8.4,
            "quality": "B",
            "quality_sqd": "B/C",
            "velocity_model": "1",
            "source_file": "year.hpl",
            "source_format": "ogs-hpl",
            "n_picks": 2,
            "n_p": 1,
            "n_s": 1,
            "n_stations": 1,
            "arrivals": [
                {
                    "pick_id": item["_id"],
                    "phase": phase,
                    "net": "OX",
                    "sta": "BAD",
                    "time": item["time"],
                    "residual": -0.017,
                    "distance_km": 36.9,
                    "azimuth": 113.25,
                    "takeoff_angle": 95.5,
                    "station_delay": -0.05,
                    "weight": 0.88,
                }
                for item, phase in zip(PICKS, ("Pg", "Sg"), strict=True)
            ],
        },
    ],
    "magnitudes": [
        {"_id": "c" * 32, "type": "MD", "value": 4.2},
        {
            "_id": "d" * 32,
            "type": "ML",
            "value": 4.61,
            "uncertainty": 0.2,
            "n_stations": 2,
            "station_magnitudes": [
                {"net": "OX", "sta": "BAD", "value": 4.5, "amplitude_mm": 21.5, "distance_km": 38.0},
                {"net": "NI", "sta": "VINO", "value": 4.7, "weight": 0.0},
            ],
        },
    ],
}


def assert_equal(document: dict, expected: dict):
    """Equal, but for the last bit of lengths that went through degrees."""
    assert document.keys() == expected.keys()
    for key, value in expected.items():
        assert document[key] == (pytest.approx(value, rel=1e-12) if key.endswith("_km") else value), key


def written(pairs, name="northeast") -> bytes:
    stream = io.BytesIO()
    write_quakeml(pairs, stream, name)
    return stream.getvalue()


def read_back(text: bytes, tmp_path):
    path = tmp_path / "events.xml"
    path.write_bytes(text)
    return read_quakeml(path)


UNLOCATED = {
    "_id": "f" * 32,
    "time": PICKS[0]["time"],
    "time_from": "first_arrival",
    "source_id": "2024_00008",
    "zone": "V",
    "event_type": "unknown",
    "remarks": "Not localized",
    "evaluation_mode": "manual",
    "evaluation_status": "final",
    "origins": [],
    "magnitudes": [{"_id": "1", "type": "MD", "value": 1.5}],
    "preferred_magnitude_id": "1",
    "magnitude": 1.5,
    "magnitude_type": "MD",
}
