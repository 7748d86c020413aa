"""QuakeML says how an origin was made: its velocity model, and at which limit of its search it stands."""

import io

from catalogdb.exchange.quakeml import read_quakeml
from catalogdb.exchange.quakeml_writer import write_quakeml
from catalogdb.traveltimes.velocity import VelocityConfig


def test_limits_of_an_origin_are_comments_and_come_back(tmp_path):
    origin = {"_id": "o", "method": "gamma", "time": 1.7e9, "latitude": 46.0, "longitude": 13.0, "depth_km": 40.0}
    origin |= {"limits": ["edge", "maxdepth"], "arrivals": []}
    event = {"_id": "e", "time": 1.7e9, "evaluation_mode": "automatic", "evaluation_status": "preliminary"}
    event |= {"preferred_origin_id": "o", "origins": [origin], "magnitudes": []}
    stream = io.BytesIO()
    write_quakeml([(event, [])], stream)
    assert b"the depth stands at the lower limit of the search" in stream.getvalue()
    assert b"the epicentre stands at the edge of the area searched" in stream.getvalue()
    assert b"uncertainty" not in stream.getvalue()
    (tmp_path / "e.xml").write_bytes(stream.getvalue())
    (read,) = read_quakeml(tmp_path / "e.xml").events
    assert read["origins"][0]["limits"] == ["edge", "maxdepth"]


def test_limits_that_nobody_knows_are_not_taken(tmp_path):
    origin = {"_id": "o", "method": "gamma", "time": 1.7e9, "latitude": 46.0, "longitude": 13.0, "arrivals": []}
    event = {"_id": "e", "time": 1.7e9, "evaluation_mode": "automatic", "evaluation_status": "preliminary"}
    event |= {"preferred_origin_id": "o", "origins": [origin | {"limits": ["nonsense"]}], "magnitudes": []}
    stream = io.BytesIO()
    write_quakeml([(event, [])], stream)
    (tmp_path / "e.xml").write_bytes(stream.getvalue())
    assert "limits" not in read_quakeml(tmp_path / "e.xml").events[0]["origins"][0]


def test_origins_name_their_velocity_model(tmp_path):
    model = VelocityConfig(vp=5.85, vs=3.28).earth_model_id
    origin = {"_id": "o", "method": "scan", "time": 1.7e9, "latitude": 46.0, "longitude": 13.0, "arrivals": []}
    event = {"_id": "e", "time": 1.7e9, "evaluation_mode": "automatic", "evaluation_status": "preliminary"}
    event |= {"preferred_origin_id": "o", "origins": [origin | {"earth_model_id": model}], "magnitudes": []}
    stream = io.BytesIO()
    write_quakeml([(event, [])], stream)
    assert f"<earthModelID>smi:local/catalogdb/earth_model/{model}</earthModelID>".encode() in stream.getvalue()
    (tmp_path / "e.xml").write_bytes(stream.getvalue())
    assert read_quakeml(tmp_path / "e.xml").events[0]["origins"][0]["earth_model_id"] == model
