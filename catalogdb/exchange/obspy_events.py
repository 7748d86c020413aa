"""Read events in formats that ObsPy knows, as if it had converted the file to QuakeML before.

What its readers give goes through QuakeML as every other QuakeML file does, so it is judged by the same rules. Ids that
ObsPy draws by chance become numbers: two readings of a file are equal.
"""

from __future__ import annotations

import io
import re
import tempfile
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from catalogdb.decoding import read_bytes, unpacked_name
from catalogdb.errors import InputError
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.quakeml import read_parameters
from catalogdb.exchange.reference_catalog import ReferenceCatalog
from catalogdb.file_formats import QUAKEML_OR_CSV

LOCAL = b"smi:local/"
WITHOUT_PLACES = ("NORDIC", "CMTSOLUTION", "SCARDEC")
"""ObsPy describes their events by the letters of distance and type, or by the event's name, and neither is a place."""
WITHOUT_CHANNELS = ("HYPODDPHA",)
"""ObsPy makes channels of the phases, which the file has not."""
ONE_PLACE_KM = 1.0
"""Distances of a station's arrivals from one origin differ by no more; files round them all alike."""
ERRORS_IN_KM = ("ZMAP",)
LARGEST_ERROR_KM = 100.0
OF_REGIONS = ("region name", "Flinn-Engdahl region")
_DRAWN = re.compile(rb"(smi:local/|/)([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")


def read_by_obspy(path: Path, evaluation_mode: EvaluationMode, obspy_format: str) -> ReferenceCatalog:
    """Read a file, packed or not, by ObsPy's reader of a format.

    Args:
        obspy_format: as `obspy.read_events` has it.

    Raises:
        InputError: naming the file and the reason, when ObsPy can't read it.
    """
    from lxml import etree

    path = Path(path)
    content = read_bytes(path)
    catalog, said = _read(path, content, obspy_format)
    if not len(catalog) and said:
        raise InputError(
            f"{path}: ObsPy's reader of {obspy_format} finds no event in it: {said[0][:300]}", hint=QUAKEML_OR_CSV
        )
    root = etree.fromstring(_with_numbers(_as_quakeml(catalog), path.name, content))
    lost = [text for text in said if "skipped" in text.lower()]
    others = [f"{path}: {text}" for text in said if text not in lost]
    result = read_parameters(path, root[0], others, evaluation_mode)
    result.rejected = [f"{path}: {text}" for text in lost] + result.rejected
    if merged := _codes_of_two_stations(result):
        result.notes.append(
            f"{path}: without networks, picks of two stations stand under one code, by their distances, in events with "
            f"{', '.join(f'{code} ({number})' for code, number in merged.items())}"
        )
    return result


def _codes_of_two_stations(catalog: ReferenceCatalog) -> Counter[str]:
    """Events by station code without a network under which arrivals of one origin have different distances."""
    found: Counter[str] = Counter()
    for event in catalog.events:
        distances: dict[tuple[str, str], list[float]] = defaultdict(list)
        for origin in event["origins"]:
            for arrival in origin.get("arrivals", []):
                if not arrival["net"] and "distance_km" in arrival:
                    distances[origin["_id"], arrival["sta"]].append(arrival["distance_km"])
        found.update({sta for (_, sta), of_code in distances.items() if max(of_code) - min(of_code) > ONE_PLACE_KM})
    return found


def _read(path: Path, content: bytes, obspy_format: str) -> tuple[Any, list[str]]:
    """ObsPy's `Catalog`, and what it warned of."""
    from obspy import read_events

    name = unpacked_name(path).name
    with tempfile.TemporaryDirectory(prefix="catalogdb-") as folder, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        copy = Path(folder) / name  # some readers take no stream, and none unpacks as safely
        copy.write_bytes(content)
        try:
            catalog = read_events(str(copy), format=obspy_format)
        except Exception as error:  # its readers have no common error
            reason = str(error).replace(str(copy), name) or type(error).__name__
            raise InputError(
                f"{path}: ObsPy's reader of {obspy_format} fails: {reason[:300]}", hint=QUAKEML_OR_CSV
            ) from error
    beyond = 0
    for event in catalog:
        if obspy_format in ERRORS_IN_KM:
            beyond += sum(_errors_to_metres(origin) for origin in event.origins)
        event.event_descriptions = _places(event.event_descriptions, obspy_format)
        for pick in event.picks:
            if pick.waveform_id:
                _tidy(pick.waveform_id, obspy_format)
    said = dict.fromkeys(_short(str(one.message).replace(str(copy), name)) for one in caught if _is_of_data(one))
    if beyond:
        said[
            f"{beyond} horizontal errors above {LARGEST_ERROR_KM:g} left out: the format has km, ObsPy writes metres"
        ] = None
    return catalog, list(said)


def _errors_to_metres(origin: Any) -> bool:
    """Correct an origin's horizontal error, which ObsPy's reader gives as the file has it, in km instead of metres.

    Returns:
        Whether it was left out, as it can't be km: ObsPy's own writer gives metres.
    """
    uncertainty = origin.origin_uncertainty
    if uncertainty is None or uncertainty.horizontal_uncertainty is None:
        return False
    if uncertainty.horizontal_uncertainty > LARGEST_ERROR_KM:
        origin.origin_uncertainty = None
        return True
    uncertainty.horizontal_uncertainty *= 1000.0
    return False


def _places(descriptions: list[Any], obspy_format: str) -> list[Any]:
    """Descriptions that name a place, regions before names of the event."""
    if obspy_format in WITHOUT_PLACES:
        return []
    return sorted(descriptions, key=lambda one: one.type not in OF_REGIONS)


def _tidy(codes: Any, obspy_format: str) -> None:
    """Take off what a waveform's codes have of a file's blank columns, or from nowhere."""
    for name in ("network_code", "station_code", "location_code", "channel_code"):
        if code := getattr(codes, name):
            setattr(codes, name, code.strip())
    if obspy_format in WITHOUT_CHANNELS:
        codes.channel_code = None


def _short(text: str) -> str:
    """The first line, and the last one of a traceback, which says why."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{lines[0]} {lines[-1].split(': ', 1)[-1]}" if "Traceback" in text else " ".join(lines)


def _is_of_data(warning: warnings.WarningMessage) -> bool:
    return not issubclass(warning.category, DeprecationWarning | PendingDeprecationWarning | FutureWarning)


def _as_quakeml(catalog: Any) -> bytes:
    text = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        catalog.write(text, format="QUAKEML")
    return text.getvalue()


def _with_numbers(text: bytes, name: str, content: bytes) -> bytes:
    """Ids that were drawn by chance as numbers, in the order in which they occur; those that the file has stay."""
    numbers: dict[bytes, bytes] = {}
    plain = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII).encode()

    def numbered(match: re.Match[bytes]) -> bytes:
        drawn = match[2]
        if drawn in content:
            return match[0]
        number = numbers.setdefault(drawn, str(len(numbers) + 1).encode())
        return match[1] + (plain + b"/" if match[1] == LOCAL else b"") + number

    return _DRAWN.sub(numbered, text)
