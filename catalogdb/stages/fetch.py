"""Stations, waveforms and events from FDSN web services -> files in a folder, as the ingests read them.

Waveforms and stations by ObsPy's mass downloader (Krischer et al., 2015, CSD 8, 014003), events a month at a time.
What lies in the folder is not asked for again, but where it was fetched before its period had ended.
"""

from __future__ import annotations

import io
import logging
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalogdb import logs
from catalogdb.documents.free import Json
from catalogdb.errors import CatalogdbError, InputError
from catalogdb.geo import Box
from catalogdb.output_file import make_folder, write_atomically
from catalogdb.times import format_time, parse_time
from catalogdb.version import __version__

if TYPE_CHECKING:
    from obspy.clients.fdsn import Client

DAY, MONTH = 86_400.0, 30 * 86_400.0
SHORTEST_SLICE = 3600.0
CHANNELS = ("HH?", "EH?", "BH?", "SH?", "HN?")
USER_AGENT = f"catalogdb/{__version__} (ObsPy)"
THREADS = 2
"""Requests to one service at a time."""
CHUNK_MB = 20
TIMEOUT_SECONDS = 120.0
PAUSES_SECONDS = (5.0, 30.0, 120.0)
"""Before a request that a busy service has turned away is made again."""
BETWEEN_SECONDS = 0.5
"""Between two requests for events."""
NAMED = 8
GOES_ON = "the same command goes on later"
TOO_MANY = re.compile(r"exceeds (the )?(search )?limit", re.IGNORECASE)
"""How services say with status 400 that a request finds too much (USGS: "... exceeds search limit of 20000")."""
NOT_IN_A_CODE = re.compile(r"[^A-Za-z0-9_-]")
DAY_IN_A_NAME = re.compile(r"\.(\d{4}-\d\d-\d\d)\.mseed$")


@dataclass(frozen=True)
class FetchArea:
    """What to ask for: epoch seconds UTC, degrees; codes with wildcards, several with commas."""

    starttime: float
    endtime: float
    box: Box
    networks: str = "*"
    stations: str = "*"
    channels: Sequence[str] = CHANNELS

    def __post_init__(self) -> None:
        if not self.starttime < self.endtime:
            raise InputError(
                f"{format_time(self.starttime)} to {format_time(self.endtime)}: the period is empty",
                hint="--starttime lies before --endtime",
            )
        if not (self.box.south < self.box.north and self.box.west < self.box.east):
            raise InputError(f"the box {tuple(self.box)} is empty", hint="south,north,west,east in degrees")
        if self.box.west < -180.0 or self.box.east > 180.0 or abs(self.box.south) > 90.0 or abs(self.box.north) > 90.0:
            raise InputError(
                f"the box {tuple(self.box)} reaches beyond the globe",
                hint="longitudes are -180 to 180; over the date line fetch both sides",
            )


@dataclass
class FetchSummary:
    """What came of it, in files; `files` are those of events that were asked for, new and kept."""

    folder: str
    new: int = 0
    kept: int = 0
    failed: int = 0
    bytes: int = 0
    files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def service(provider: str) -> Client:
    """The client of a provider: an address, or one of ObsPy's names (INGV, ORFEUS, USGS, ...).

    Raises:
        CatalogdbError: saying why it can't be had.
    """
    from obspy.clients.fdsn import Client
    from obspy.clients.fdsn.header import URL_MAPPINGS, FDSNException

    if "://" not in provider and provider.upper() not in URL_MAPPINGS:
        raise InputError(
            f"provider {provider!r} is not known", hint=f"an address, or {', '.join(sorted(URL_MAPPINGS))}"
        )
    name = provider if "://" in provider else provider.upper()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Client(name, user_agent=USER_AGENT, timeout=TIMEOUT_SECONDS)
        except (FDSNException, ValueError, OSError) as error:
            raise CatalogdbError(
                f"{provider}: no FDSN service answers: {_short(error)}",
                hint="check the address and the network",
            ) from error


def fetch_waveforms(providers: Sequence[str], area: FetchArea, folder: Path) -> tuple[FetchSummary, FetchSummary]:
    """Fetch waveforms as miniSEED, a file for each channel and UTC day, and StationXML of their stations.

    The period is widened to whole days. Of a station the first of `area.channels` that it has is taken. Of providers
    that have the same station, the one named first is asked.

    Returns:
        What came of the waveforms (below `folder`/waveforms) and of the stations (`folder`/stations).

    Raises:
        CatalogdbError: where a provider can't be had, or has not both services.
    """
    from obspy import UTCDateTime
    from obspy.clients.fdsn.mass_downloader import MassDownloader, RectangularDomain, Restrictions

    clients = [service(provider) for provider in providers]
    for provider, client in zip(providers, clients, strict=True):
        if lacking := [name for name in ("dataselect", "station") if name not in client.services]:
            raise InputError(f"{provider} has no service {' and no '.join(lacking)}", hint="name another provider")
    waveforms, stations = folder / "waveforms", folder / "stations"
    make_folder(folder)
    start, end = DAY * (area.starttime // DAY), DAY * -(-area.endtime // DAY)
    loader = MassDownloader(providers=clients, configure_logging=False)
    restrictions = Restrictions(
        starttime=UTCDateTime(start),
        endtime=UTCDateTime(end),
        chunklength_in_sec=DAY,
        network=area.networks,
        station=area.stations,
        channel_priorities=tuple(area.channels),
        location_priorities=("*",),
        reject_channels_with_gaps=False,
        minimum_length=0.0,
        minimum_interstation_distance_in_m=0.0,
        sanitize=False,
    )
    box = area.box
    domain = RectangularDomain(box.south, box.north, box.west, box.east)

    asked: dict[Path, str] = {}
    there: set[Path] = set()
    unfinished: set[Path] = set()

    def path_of(network: str, station: str, location: str, channel: str, begin: Any, until: Any) -> Any:
        net, sta, loc, chan = map(_plain, (network, station, location, channel))
        path = waveforms / net / sta / f"{net}.{sta}.{loc}.{chan}.{begin.date}.mseed"
        if path.exists():
            if not _is_unfinished(path):
                there.add(path)
                return True
            path.unlink()
            unfinished.add(path)
        asked[path] = f"{network}.{station}"
        return str(path)

    def path_of_station(network: str, station: str, *_: Any) -> str:
        return str(stations / f"{_plain(network)}.{_plain(station)}.xml")

    known = set(stations.glob("*.xml"))
    with warnings.catch_warnings(), _complaints() as complaints:
        warnings.simplefilter("ignore")
        loader.download(
            domain,
            restrictions,
            path_of,
            path_of_station,
            CHUNK_MB,
            THREADS,
            print_report=False,
        )
    of_waveforms = _summary(waveforms, [path for path in asked if path.exists()], len(there))
    new = set(stations.glob("*.xml")) - known
    of_stations = _summary(stations, new, len(known))
    lost = Counter(name for path, name in asked.items() if not path.exists())
    of_waveforms.failed = lost.total()
    if lost:
        more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
        of_waveforms.problems.append(
            f"{lost.total()} files could not be had, of {', '.join(sorted(lost)[:NAMED])}{more}: the services hold no "
            "data there, or failed; the same command asks again"
        )
    if unfinished:
        of_waveforms.problems.append(f"{len(unfinished)} files of days that had not ended were asked for again")
    of_waveforms.problems += complaints[:NAMED]
    if len(complaints) > NAMED:
        of_waveforms.problems.append(f"and {len(complaints) - NAMED} more complaints")
    return of_waveforms, of_stations


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What the mass downloader warns of meanwhile, each once; it prints nothing."""
    logger, said = logging.getLogger("obspy.clients.fdsn.mass_downloader"), dict[str, None]()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said[_short(record.getMessage())] = None

    collector, found = Collector(logging.WARNING), list[str]()
    before = logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield found
    finally:
        logger.removeHandler(collector)
        logger.propagate = before
        found += said


def _is_unfinished(path: Path) -> bool:
    """Whether the day of a file had not ended when it was fetched."""
    day = DAY_IN_A_NAME.search(path.name)
    return day is not None and path.stat().st_mtime < parse_time(day[1]) + DAY


def _plain(code: str) -> str:
    """A code as a part of a file's name, whatever a service says."""
    return NOT_IN_A_CODE.sub("_", code)


def _summary(folder: Path, new: Iterable[Path], kept: int) -> FetchSummary:
    sizes = [path.stat().st_size for path in new]
    return FetchSummary(str(folder), len(sizes), kept, bytes=sum(sizes))


def fetch_events(
    providers: Sequence[str],
    area: FetchArea,
    folder: Path,
    minmagnitude: float | None = None,
    progress: Callable[[str], None] = logs.notice,
) -> FetchSummary:
    """Fetch events as QuakeML with all origins, magnitudes and arrivals that a service gives, a file a month.

    A service that finds a month too much is asked for halves of it; one that is busy is asked again after a while.

    Args:
        minmagnitude: least magnitude.
        progress: is told of each request that waits.

    Raises:
        CatalogdbError: where a provider can't be had, or fails for good.
    """
    target = folder / "events"
    make_folder(target)
    summary = FetchSummary(str(target))
    area_name = "_".join(f"{limit:.10g}" for limit in (area.box.south, area.box.north, area.box.west, area.box.east))
    for provider in providers:
        client = service(provider)
        if "event" not in client.services:
            raise InputError(f"{provider} has no service event", hint="name another provider")
        address = provider.split("://")[-1].rpartition("@")[2]  # names of files hold no passwords
        label = "".join(letter if letter.isalnum() else "_" for letter in address).strip("_")
        for start, end in _slices(area.starttime, area.endtime):
            least = "" if minmagnitude is None else f"_M{minmagnitude:g}"
            path = target / f"{label}_{_stamp(start)}_{_stamp(end)}_{area_name}{least}.xml"
            summary.files.append(str(path))
            if path.exists() and path.stat().st_mtime >= end:
                summary.kept += 1
                continue
            content = _events(client, provider, area, start, end, minmagnitude, progress)
            summary.new += 1
            summary.bytes += write_atomically(path, methodcaller("write", content))
    return summary


def _slices(start: float, end: float) -> Iterator[tuple[float, float]]:
    """The period cut at multiples of 30 days since 1970, so that calls for other periods have the same pieces."""
    while start < end:
        until = min(MONTH * (start // MONTH + 1.0), end)
        yield start, until
        start = until


def _stamp(time_: float) -> str:
    return format_time(time_)[:19].replace(":", "").replace("-", "")


def _events(
    client: Client,
    provider: str,
    area: FetchArea,
    start: float,
    end: float,
    minmagnitude: float | None,
    progress: Callable[[str], None],
) -> bytes:
    """The QuakeML of one slice, put together where it had to be asked for in parts."""
    from obspy import Catalog, UTCDateTime
    from obspy.clients.fdsn.header import (
        FDSNBadRequestException,
        FDSNNoDataException,
        FDSNRequestTooLargeException,
    )

    asked: Json = {
        **{"minlatitude": area.box.south, "maxlatitude": area.box.north},
        **{"minlongitude": area.box.west, "maxlongitude": area.box.east, "orderby": "time-asc"},
    }
    known = client.services["event"]
    asked |= {name: True for name in ("includearrivals", "includeallmagnitudes", "includeallorigins") if name in known}
    if minmagnitude is not None:
        asked["minmagnitude"] = minmagnitude

    def ask(low: float, high: float) -> Catalog:
        asked.update(starttime=UTCDateTime(low), endtime=UTCDateTime(high - 1e-6))
        try:
            return _patiently(lambda: client.get_events(**asked), provider, progress)
        except FDSNNoDataException:
            return Catalog()
        except (FDSNRequestTooLargeException, FDSNBadRequestException) as error:
            if isinstance(error, FDSNBadRequestException) and not TOO_MANY.search(str(error)):
                raise CatalogdbError(f"{provider}: {_short(error)}", hint=GOES_ON) from error
            if high - low < 2 * SHORTEST_SLICE:
                raise CatalogdbError(f"{provider}: refuses {format_time(low)} as too much: {_short(error)}") from error
            middle = (low + high) / 2.0
            return ask(low, middle) + ask(middle, high)

    text = io.BytesIO()
    ask(start, end).write(text, format="QUAKEML")
    return text.getvalue()


def _patiently(request: Callable[[], Any], provider: str, progress: Callable[[str], None]) -> Any:
    """The answer to a request, made again where the service is busy.

    Raises:
        CatalogdbError: where it fails for good.
    """
    from obspy.clients.fdsn import header

    busy = (
        header.FDSNTooManyRequestsException,
        header.FDSNServiceUnavailableException,
        header.FDSNTimeoutException,
        header.FDSNBadGatewayException,
        header.FDSNInternalServerException,
    )
    for pause in (*PAUSES_SECONDS, None):
        time.sleep(BETWEEN_SECONDS)
        try:
            return request()
        except (header.FDSNNoDataException, header.FDSNRequestTooLargeException, header.FDSNBadRequestException):
            raise
        except busy as error:
            if pause is None:
                raise CatalogdbError(f"{provider}: {_short(error)}", hint=GOES_ON) from error
            progress(f"{provider} is busy ({_short(error)}): asked again in {pause:g} s")
            time.sleep(pause)
        except (header.FDSNException, OSError, ValueError) as error:
            raise CatalogdbError(f"{provider}: {_short(error)}", hint=GOES_ON) from error
    raise AssertionError("the last attempt returns or raises")


def _short(error: object) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
