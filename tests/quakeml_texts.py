"""QuakeML written by hand for tests: events, origins, picks and magnitudes as texts."""

from __future__ import annotations

from pathlib import Path

from catalogdb.exchange.quakeml import read_quakeml
from catalogdb.exchange.reference_catalog import ReferenceCatalog

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" '
    'xmlns="http://quakeml.org/xmlns/bed/1.2"><eventParameters publicID="smi:x/all">'
)
TAIL = "</eventParameters></q:quakeml>"


def origin(name: str, *parts: str, time: str = "2024-03-27T21:19:36.5Z", said: str = "", created: str = "") -> str:
    """said: mode and status, as "manual reviewed"."""
    return (
        f'<origin publicID="smi:x/o/{name}"><time><value>{time}</value></time><latitude><value>46.3</value></latitude>'
        f"<longitude><value>12.8</value></longitude>{''.join(parts)}{review(said)}{creation(created)}</origin>"
    )


def review(said: str) -> str:
    mode, _, status = said.partition(" ")
    return (f"<evaluationMode>{mode}</evaluationMode>" if mode else "") + (
        f"<evaluationStatus>{status}</evaluationStatus>" if status else ""
    )


def creation(time: str) -> str:
    return f"<creationInfo><creationTime>{time}</creationTime></creationInfo>" if time else ""


def depth(metres: float | str) -> str:
    return f"<depth><value>{metres}</value></depth>"


def arrival(pick: str, phase: str) -> str:
    return f'<arrival publicID="smi:x/a/{pick}"><pickID>smi:x/k/{pick}</pickID><phase>{phase}</phase></arrival>'


def pick(name: str, phase: str, said: str = "manual", sta: str = "AAA", second: float = 40, uncertainty="0.1") -> str:
    return (
        f'<pick publicID="smi:x/k/{name}"><time><value>2024-03-27T21:19:{second:05.2f}Z</value>'
        f"<uncertainty>{uncertainty}</uncertainty></time>"
        f'<waveformID networkCode="XX" stationCode="{sta}" channelCode="HHZ"/><phaseHint>{phase}</phaseHint>'
        f"{review(said)}</pick>"
    )


def magnitude(name: str, value: float, of: str = "", said: str = "", created: str = "", kind: str = "ML") -> str:
    source = f"<originID>smi:x/o/{of}</originID>" if of else ""
    return (
        f'<magnitude publicID="smi:x/m/{name}"><mag><value>{value}</value></mag><type>{kind}</type>{source}'
        f"{review(said)}{creation(created)}</magnitude>"
    )


def event(name: str, *parts: str, kind: str | None = "earthquake") -> str:
    type_text = "" if kind is None else f"<type>{kind}</type>"
    return f'<event publicID="smi:x/e/{name}">{type_text}{"".join(parts)}</event>'


def document(*parts: str) -> str:
    return HEAD + "".join(parts) + TAIL


def read(folder: Path, *parts: str) -> ReferenceCatalog:
    path = folder / "events.xml"
    path.write_text(document(*parts))
    return read_quakeml(path)
