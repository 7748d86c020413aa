"""A small FDSN service on loopback: two stations, waveforms made when asked for, a few events."""

import io
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
import obspy
from obspy import UTCDateTime
from obspy.clients import fdsn
from obspy.core.event import Catalog, Event, Magnitude, Origin
from obspy.core.inventory import Channel, Inventory, Network, Response, Site, Station

WADLS = Path(fdsn.__file__).parent / "tests" / "data"
PLACES = {"BAD": (46.2, 12.9), "BOO": (46.3, 13.1)}
RATE_HZ = 10.0
EPOCH = UTCDateTime(2010, 1, 1), UTCDateTime(2040, 1, 1)
EVENT_TIMES = [UTCDateTime("2024-03-27T01:00:00") + 86400 * number for number in range(40)]


def inventory():
    stations = []
    for code, (latitude, longitude) in PLACES.items():
        channels = [
            Channel(f"HH{c}", "", latitude, longitude, 500.0, 0.0, azimuth=a, dip=d, sample_rate=RATE_HZ,
                    start_date=EPOCH[0], end_date=EPOCH[1], response=Response())
            for c, a, d in (("Z", 0, -90), ("N", 0, 0), ("E", 90, 0))
        ]  # fmt: skip
        stations.append(
            Station(code, latitude, longitude, 500.0, channels, Site("x"), start_date=EPOCH[0], end_date=EPOCH[1])
        )
    return Inventory([Network("OX", stations)])


def event(time):
    origin = Origin(time=time, latitude=46.25, longitude=13.0, depth=8000.0)
    return Event(f"smi:test/{time.date}", origins=[origin], magnitudes=[Magnitude(mag=1.5, magnitude_type="ML")])


class Service:
    """What was asked, and how it is to fail: `busy` requests are turned away first; `most` events are given at once,
    `too_many` is the answer to a request for more."""

    def __init__(self):
        self.requests, self.busy, self.most, self.silent = Counter(), 0, 1000, set()
        self.too_many = 413, b"too many"

    def answer(self, path, query, body):
        """Status and content."""
        name = path.split("/")[2] if path.startswith("/fdsnws/") else ""
        if path.endswith("application.wadl"):
            return 200, (WADLS / f"{name}.wadl").read_bytes()
        if not path.endswith("/query"):
            return 404, b""
        self.requests[name] += 1
        if self.busy:
            self.busy -= 1
            return 503, b"later"
        return getattr(self, f"_{name}")(query, body)

    def _station(self, query, body):
        stream = io.BytesIO()
        if query.get("format") == "text":
            text = io.StringIO()
            inventory().select(station=query.get("station", "*")).write(text, format="STATIONTXT", level="channel")
            return 200, text.getvalue().encode()
        wanted = {line.split()[1] for line in body.splitlines() if len(line.split()) == 6}
        found = inventory()
        found.networks[0].stations = [s for s in found[0] if s.code in wanted]
        found.write(stream, format="STATIONXML")
        return 200, stream.getvalue()

    def _dataselect(self, query, body):
        stream = obspy.Stream()
        for line in body.splitlines():
            cells = line.split()
            if len(cells) != 6 or cells[1] in self.silent:
                continue
            net, sta, loc, chan, start, end = cells
            npts = int((UTCDateTime(end) - UTCDateTime(start)) * RATE_HZ)
            header = {"network": net, "station": sta, "location": loc.strip("-"), "channel": chan}
            header |= {"sampling_rate": RATE_HZ, "starttime": UTCDateTime(start)}
            stream += obspy.Trace(np.zeros(npts, dtype="int32"), header)
        if not stream:
            return 204, b""
        text = io.BytesIO()
        stream.write(text, format="MSEED")
        return 200, text.getvalue()

    def _event(self, query, body):
        low, high = UTCDateTime(query["starttime"]), UTCDateTime(query["endtime"])
        times = [time for time in EVENT_TIMES if low <= time <= high]
        if len(times) > self.most:
            return self.too_many
        if not times:
            return 204, b""
        text = io.BytesIO()
        Catalog([event(time) for time in times]).write(text, format="QUAKEML")
        return 200, text.getvalue()


@contextmanager
def running():
    """The service, and its address."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlparse(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            self._send(*service.answer(parts.path, query, ""))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(*service.answer(urlparse(self.path).path, {}, body))

        def _send(self, status, content):
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
