"""`catalogdb metrics`: figures for Prometheus."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalogdb.cli import common

if TYPE_CHECKING:
    from pymongo.database import Database


def metrics(
    serve: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Answer scrapes on this port until ended.", show_default=False)
    ] = None,
    address: Annotated[
        str, typer.Option(help="Address to listen on; others than this host's own show the figures to the network.")
    ] = "127.0.0.1",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for the node exporter's textfile collector (.prom).")
    ] = None,
    json: common.JsonOption = False,
) -> None:
    """Print figures of the ledger, the runs and what there is, in the form that Prometheus reads; or serve them."""
    from catalogdb.errors import InputError
    from catalogdb.metrics import Collector, exposition
    from catalogdb.runs.figures import content_figures, ledger_figures

    if sum((serve is not None, output is not None, json)) > 1:
        raise InputError("metrics are printed, written or served", hint="one of --json, --output and --serve")
    db = common.database()
    if json:
        common.print_json(ledger_figures(db) | content_figures(db))
        return
    if serve is not None:
        _serve(db, serve, address)
        return
    text = exposition(Collector(lambda: ledger_figures(db), lambda: content_figures(db)))
    if output is None:
        print(text.decode(), end="")
        return
    from catalogdb.output_file import write_atomically

    size = write_atomically(output, lambda stream: stream.write(text))
    common.out.print(f"{output}: {size} bytes", markup=False, soft_wrap=True)


def _serve(db: Database, port: int, address: str) -> None:
    from pymongo.errors import PyMongoError

    from catalogdb.metrics import Collector
    from catalogdb.metrics import serve as serve_metrics
    from catalogdb.runs.figures import content_figures, ledger_figures

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda signum, frame: ended.set())
    collector = Collector(lambda: ledger_figures(db), lambda: content_figures(db), unavailable=(PyMongoError,))
    server, _ = serve_metrics(collector, port, address)
    common.err.print(f"metrics on http://{address}:{server.server_port}/metrics", markup=False)
    while not ended.wait(1.0):
        pass
    server.shutdown()
