"""What a file is, by its first bytes, where it is not what was asked for; and the command that leads on.

Own signatures stand for what people hold most and for what other readers would take for theirs; formats beyond these
are told by ObsPy's own tests of a format.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

START = 4096  # bytes that tell a format
Content = Literal["catalog", "stations", "waveforms"]

_VERBS = {
    "catalog": "catalogdb ingest catalog",
    "stations": "catalogdb ingest stations",
    "waveforms": "catalogdb ingest waveforms",
}
_OF_SEVERAL_FILES = {"CSS", "NNSA_KB_CORE", "Q"}
"""ObsPy's formats of waveforms that lie in a second file; catalogdb reads each file by itself."""
_PLUGINS: dict[Content, str] = {"catalog": "event", "stations": "inventory", "waveforms": "waveform"}


@dataclass(frozen=True)
class FileFormat:
    """A known format of files.

    Attributes:
        name: for people, with its article: "a NonLinLoc location".
        content: what such files hold, where it is something that catalogdb keeps.
        obspy: ObsPy's name of a format that it reads.
        advice: another way to go on.
    """

    name: str
    content: Content | None = None
    obspy: str | None = None
    advice: str | None = None

    def way_out(self, path: Path) -> str | None:
        """What to do with the file, as commands where there are any."""
        if self.content is None or self.advice is not None:
            return self.advice
        if self.obspy not in _OF_SEVERAL_FILES:
            return f"{_VERBS[self.content]} {shlex.quote(str(path))}"
        target = path.with_suffix(".mseed")
        if target == path:
            target = path.with_name(f"{path.stem}-converted.mseed")
        code = f"import obspy; obspy.read({str(path)!r}, format={self.obspy!r}).write({str(target)!r}, 'MSEED')"
        return f"convert it: python -c {shlex.quote(code)}; then {_VERBS[self.content]} {shlex.quote(str(target))}"


_SAVE_AS_CSV = "save the table in it as csv with a header line"
QUAKEML_OR_CSV = "write it as QuakeML, or as csv with a header line, with the program that made it"
_MINISEED = FileFormat("miniSEED", "waveforms")

GEOJSON = FileFormat("GeoJSON", "catalog")
REAL = FileFormat("REAL's associations", "catalog")
HYPOINVERSE = FileFormat("a HypoInverse archive", "catalog")

_BINARY: tuple[tuple[bytes, FileFormat], ...] = (
    (rb"\d{6}[DRQM][ \0]|MS\x03", _MINISEED),
    (rb"\d{6}V ", FileFormat("a SEED volume", "stations", "SEED")),
    (rb"%PDF", FileFormat("a PDF document", advice="get its data as QuakeML or csv")),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|II\*\0|MM\0\*|BM....\0\0\0\0", FileFormat("an image", advice="get its data instead")),
    (rb"PAR1", FileFormat("a Parquet table", advice="make csv of it: pandas.read_parquet(FILE).to_csv(CSV)")),
    (rb"\x89HDF", FileFormat("an HDF5 file", advice="export its tables as csv, its waveforms as miniSEED")),
    (rb"\x93NUMPY", FileFormat("a NumPy array", advice="catalogs are read as QuakeML or csv")),
    (rb"SQLite format 3", FileFormat("an SQLite database", advice="export its tables as csv")),
    (rb"\xd0\xcf\x11\xe0", FileFormat("an office document", advice=_SAVE_AS_CSV)),
    (rb"PK\x03\x04", FileFormat("a zip archive", advice="unpack it and give the files in it")),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|\x28\xb5\x2f\xfd", FileFormat("a compressed file", advice="unpack it first")),
    (rb"\x7fELF|MZ.{58}", FileFormat("a program")),
    (rb"\{\\rtf", FileFormat("an RTF document", advice=_SAVE_AS_CSV)),
    (rb".{304}(\x06\0\0\0|\0\0\0\x06).{28}", FileFormat("a SAC file", "waveforms", "SAC")),
)  # fmt: skip

_ROOTS = {
    "seiscomp": FileFormat("SeisComP XML", "catalog", "SCML"),
    "fdsnstationxml": FileFormat("StationXML", "stations"),
    "xseed": FileFormat("XML-SEED", "stations", "XSEED"),
    "inventory": FileFormat("Arclink inventory XML", "stations", "INVENTORYXML"),
    "html": FileFormat("a web page", advice="get the data themselves; is it a web service's error message?"),
    "application": FileFormat("a web service's description (WADL)", advice="ask the service's query address"),
    "kml": FileFormat("KML, drawings for a map", advice="get the data as QuakeML or csv"),
    "schema": FileFormat("an XML schema"),
}  # fmt: skip

_NUMBER = r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"
_LINE_STARTS: tuple[tuple[str, FileFormat], ...] = (
    (r'NLLOC "', FileFormat("a NonLinLoc location", "catalog", "NLLOC_HYP")),
    (
        r"(\S{1,8} +){4,6}\d{8} +\d{4} +[\d.]+ +(GAU|BOX|FIX|NONE)\b",
        FileFormat(
            "NonLinLoc phase observations", "catalog",
            advice="NonLinLoc's locations of them (.hyp) can be converted; or write a csv with station,phase,time",
        ),
    ),
    (r"BEGIN +IMS", FileFormat("an IMS bulletin", "catalog", "IMS10BULLETIN")),
    (r"BEGIN +GSE2", FileFormat("a GSE bulletin", "catalog", "GSE2")),
    (r"(?![^,]*\n.*EVENTID *,)(EVENT +\d+|DATA_TYPE +(BULLETIN|ORIGIN|EVENT|ARRIVAL)|ISC:? .*BULLETIN|"
     r"INTERNATIONAL SEISMOLOGICAL CENTRE)",
     FileFormat("an ISF, IMS or GSE bulletin", "catalog", advice=QUAKEML_OR_CSV)),
    (r"WID2 ", FileFormat("GSE2 waveforms", "waveforms", "GSE2")),
    (r"WID1 |XW01 ", FileFormat("GSE1 waveforms", "waveforms", "GSE1")),
    (r"TIMESERIES .*TSPAIR", FileFormat("an ASCII time series", "waveforms", "TSPAIR")),
    (r"TIMESERIES .*SLIST", FileFormat("an ASCII time series", "waveforms", "SLIST")),
    (r"HY ?(19|20)\d{6}", FileFormat("a PDE bulletin (mchedr)", "catalog", "MCHEDR")),
    (r"# +(19|20)\d\d +\d\d? +\d\d? +\d\d? +\d\d? +[\d.]+ +-?[\d.]+ +-?[\d.]+ ",
     FileFormat("hypoDD phases", "catalog", "HYPODDPHA")),
    (r"# +\d+ +\d+( +-?[\d.]+)? *$", FileFormat("hypoDD differential times", advice="give these events' catalog")),
    (r"(19|20)\d{6} +\d{5,8} +-?\d+\.\d+ +-?\d+\.\d+ +-?\d+\.\d+ ",
     FileFormat("a hypoDD event list", "catalog", advice=QUAKEML_OR_CSV)),
    (r" *\d+( +-?\d+\.\d+){9} +(19|20)\d\d +\d+ +\d+ +\d+ +\d+ +",
     FileFormat("hypoDD relocations", "catalog", advice=QUAKEML_OR_CSV)),
    (r"(19|20)\d{10}[ \d]{6}[ NSns][ \d]{4}[ \d]{3}[ EWew][ \d]{4}[ \d.-]{5}",
     HYPOINVERSE),
    (r" ?[A-Z]{3,4} {0,3}(19|20)\d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d",
     FileFormat("an NDK catalog of moment tensors", "catalog", "NDK")),
    (r" ?[A-Z]{2,5} ?(19|20)\d\d +\d+ +\d+ +\d+ +\d+ +[\d.]+ +-?[\d.]+ +-?[\d.]+ +[\d.]+ .*\n *event name:",
     FileFormat("a CMTSOLUTION", "catalog", "CMTSOLUTION")),
    (r" {0,2}(PDE|GS|US)[-QWG ]* {1,6}(19|20)\d\d +\d\d? +\d\d? ",
     FileFormat("a PDE listing", "catalog", advice="get the same search from USGS as QuakeML or csv")),
    (r"# ?network *\| *station", FileFormat("fdsnws-station text", "stations")),
    (r"\* NETWORK +\(KNETWK\)", FileFormat("SAC poles and zeros", advice="get StationXML")),
    (r"#? *B05[0F]F03|#\t\t<", FileFormat("a RESP file", advice="it has no places of stations: get StationXML")),
    (rf" *\d+ +\d{{4}} +\d\d? +\d\d? +\d+:\d\d:\d\d\.\d+( +({_NUMBER}|-?inf|-?nan)){{12}} *$", REAL),
    (r"GTSRCE ", FileFormat("NonLinLoc's stations (GTSRCE)", "stations")),
    (r"%!PS", FileFormat("a PostScript document", advice="get its data as QuakeML or csv")),
)  # fmt: skip

_SIGNATURES = tuple(
    (re.compile(pattern, re.ASCII | re.IGNORECASE | re.MULTILINE), found) for pattern, found in _LINE_STARTS
)
_BINARIES = tuple((re.compile(pattern, re.DOTALL), found) for pattern, found in _BINARY)
_ROOT = re.compile(r"<\s*(?:[\w.-]+:)?([A-Za-z][\w.-]*)")
_NOT_THE_ROOT = re.compile(r"\s*(<\?.*?\?>|<!--.*?-->|<!DOCTYPE\s+(?!html)[^>]*>)", re.DOTALL | re.IGNORECASE)
_NORDIC = re.compile(r" (19|20)\d\d [ \d]\d[ \d]\d [ \d]\d[ \d]\d ", re.ASCII)
_STATION_LINE = re.compile(rf"\s*[A-Za-z][\w.-]{{0,8}}(\s+{_NUMBER}){{2,4}}\s*", re.ASCII)
_STATION_NAMES = {"station", "sta", "station_code", "stationcode"}


def identify(start: bytes) -> FileFormat | None:
    """The format that a file's first bytes tell, of those that are read only elsewhere, or not at all.

    None for QuakeML, for text that no signature fits, such as csv and phase cards, and for unknown bytes.
    """
    found = next((found for pattern, found in _BINARIES if pattern.match(start)), None)
    if found is not None or (b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff"))):
        return found
    text = _decoded(start).replace("\r\n", "\n").replace("\r", "\n")
    if text.lstrip().startswith("<"):
        return _xml(text)
    if text.lstrip()[:1] in ("{", "["):
        return _json(text)
    lines = [line for line in text.split("\n") if line.strip()]
    if len(start) >= START and len(lines) > 1:
        lines.pop()  # it may be cut
    if not lines:
        return None
    beginning = "\n".join(lines)
    return next((found for pattern, found in _SIGNATURES if pattern.match(beginning)), None) or _by_lines(lines)


def misplaced(path: Path, wanted: Content) -> FileFormat | None:
    """The format of a file that certainly holds something else than what is wanted; None where it may hold that."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(START)
    except OSError:  # who reads it says so
        return None
    if start.startswith(_PACKED):  # who reads it unpacks it
        return None
    found = identify(start)
    if found is None and b"\0" not in start:
        found = _catalog(_decoded(start))
    return found if found is not None and found.content != wanted else None


def _catalog(text: str) -> FileFormat | None:
    """Catalogs as they are read here, for those who give them to another reader."""
    text = text.lstrip()
    if text.startswith("<"):
        return FileFormat("QuakeML", "catalog")
    names = {name.strip(' #"').lower() for name in re.split(r"[,;|\t]", text.split("\n", 1)[0])}
    if names & _EVENT_TIMES and names & {"latitude", "lat"} and not names & _STATION_NAMES:
        return FileFormat("a table of events", "catalog")
    return None


def identify_by_obspy(path: Path, of: Content | None = None) -> FileFormat | None:
    """The format of a file by ObsPy's own tests of events, stations and waveforms; None where none of them knows it.

    Args:
        of: only tests of this content.
    """
    from obspy.core.util.base import ENTRY_POINTS

    for content, kind in _PLUGINS.items():
        if of not in (None, content):
            continue
        for name in ENTRY_POINTS[kind]:
            if name not in _LOOSE and _is_format(path, kind, name):
                return FileFormat(f"{name}, as ObsPy calls it", content, name)
    return None


_LOOSE = {"PICKLE", "CSV", "MSEED", "QUAKEML", "STATIONXML", "WAV", "STATIONTXT", "EVENTTXT"}
"""ObsPy's formats that are read here or told otherwise, or that hold no earthquakes."""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what ObsPy prints and warns of."""
    sink = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        warnings.simplefilter("ignore")
        yield


def _is_format(path: Path, kind: str, name: str) -> bool:
    from obspy.core.util.base import buffered_load_entry_point

    with _quiet():
        try:
            test = buffered_load_entry_point("obspy", f"obspy.plugin.{kind}.{name}", "isFormat")
            return bool(test(str(path)))
        except Exception:  # the tests fail in ways of their own on files of other formats
            return False


def _decoded(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return start[: len(start) // 2 * 2].decode("utf-16", errors="replace")
    return start.decode("utf-8-sig", errors="replace")


def _xml(text: str) -> FileFormat | None:
    while skipped := _NOT_THE_ROOT.match(text):
        text = text[skipped.end() :]
    if re.match(r"\s*<!doctype html", text, re.IGNORECASE):
        return _ROOTS["html"]
    root = _ROOT.search(text)
    if root is None or root[1].lower() in ("quakeml", "eventparameters"):
        return None
    known = _ROOTS.get(root[1].lower())
    if root[1] == "seiscomp" and "<Inventory" in text and "<EventParameters" not in text:
        return FileFormat("a SeisComP inventory", "stations", "SC3ML" if "seiscomp3-schema" in text else "SCML")
    return known or FileFormat(f"XML with the root element {root[1]}", advice="catalogs are read as QuakeML or csv")


def _json(text: str) -> FileFormat | None:
    if re.search(r'"type"\s*:\s*"Feature(Collection)?"', text):
        return GEOJSON
    if re.match(r"\s*(\{\s*\"|\{\s*\}|\[\s*[\[{\"\d-])", text):
        return FileFormat("JSON", advice="get the same data as QuakeML or csv")
    return None


def _by_lines(lines: list[str]) -> FileFormat | None:
    """Formats that have no word of their own at the beginning."""
    if _is_nordic(lines):
        return FileFormat("a Nordic file (SEISAN)", "catalog", "NORDIC")
    names = {name.strip(' #"').lower() for name in re.split(r"[,;|\t]", lines[0])}
    if names & _STATION_NAMES and names & {"latitude", "lat"} and not any("time" in name for name in names - _EPOCHS):
        return FileFormat("a table of stations", "stations")
    if all(_STATION_LINE.fullmatch(line) for line in lines):
        return FileFormat(
            "a list of station places, or another table without a header",
            "stations",
            advice="give its columns names in a first line",
        )
    return None


_PACKED = (b"\x1f\x8b", b"BZh", b"PK\x03\x04")
_EVENT_TIMES = {"time", "origin_time", "origintime", "datetime", "eventid", "event_id"}
_EPOCHS = {"starttime", "endtime", "start_time", "end_time"}


def _is_nordic(lines: list[str]) -> bool:
    """An event begins with a line of type 1; line types stand in column 80, and may be blank on that line."""
    types = [line[79:80] for line in lines]
    return bool(_NORDIC.match(lines[0])) and (
        types[0] == "1" or any(kind in ("3", "7", "E", "F", "I") for kind in types)
    )
