"""The `catalogdb` command and its verbs."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from catalogdb import __version__
from catalogdb.cli import association, common, db, demo, export, ingest, plot, query, repick, report, run

INTERRUPTED = 130

app = typer.Typer(
    help="Earthquake catalogs in MongoDB: ingest waveforms, pick, associate, evaluate, export.",
    epilog="A first run: catalogdb demo. A job of your own: catalogdb ingest stations FILE, "
    "catalogdb ingest waveforms PATH, catalogdb run JOB.yaml.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(db.app, name="db")
app.add_typer(ingest.app, name="ingest")
app.command("run", epilog="Example: catalogdb run ridgecrest-2019 --set pick.p_threshold=0.2 --name sensitive")(run.run)
app.command("repick", epilog="Example: catalogdb repick --pick-set demo --name demo-strict --p-threshold 0.5")(
    repick.repick
)
app.command("jobs", epilog="Example: catalogdb jobs")(run.jobs)
app.command("status", epilog="Example: catalogdb status --json")(query.status)
app.command("query")(query.query)
app.command("count")(query.count)
app.command("evaluate", epilog="Example: catalogdb evaluate --catalog ridgecrest-2019 --reference comcat")(
    query.evaluate
)
app.command("report")(report.report)
app.add_typer(export.app, name="export")
app.add_typer(plot.app, name="plot")
app.command(
    "compare-associators",
    epilog="Example: catalogdb compare-associators ogs-2024-manual-picks --start 2024-03-27 --end 2024-03-31",
)(association.compare_associators)
app.command(
    "tune",
    epilog="Example: catalogdb tune ogs-2024-manual-picks-scan --train 2024-01-01 2024-03-01 "
    "--test 2024-03-01 2024-05-01",
)(association.tune)
app.command("demo")(demo.demo)


def _print_version(value: bool) -> None:
    if value:
        print(f"catalogdb {__version__}")
        raise typer.Exit


@app.callback()
def options(
    uri: Annotated[
        str | None,
        typer.Option(
            help="mongodb:// URI without a password in it; better CATALOGDB_URI. None: the embedded server.",
            show_default=False,
        ),
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="Name of the database (CATALOGDB_DATABASE).", show_default="catalogdb")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every verb."""
    common.arguments.update(uri=uri, database=database)


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 failed, 2 wrong input or usage, 3 no database, 130 interrupted."""
    try:
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stderr.close()
        code = 0
    except Exception as error:
        if isinstance(error, _usage_errors()):
            error.show()
            code = error.exit_code
        else:
            code = common.report_error(error)
    if code == INTERRUPTED:  # newer versions of Typer give this code themselves
        common.err.print("interrupted: what was finished is kept; run the same command again to go on")
        _end_interrupted()
    sys.exit(code if isinstance(code, int) else 0)


def _end_interrupted() -> NoReturn:
    """End with the exit code of an interrupt.

    `sys.exit` would not do: once an interrupt has come out of an `exec` of source text, by which modules define their
    dataclasses while they are imported, Python ends itself with SIGINT whatever code it is asked for.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _usage_errors() -> tuple[type[Exception], ...]:
    """What a wrong command line raises; newer versions of Typer have it from a copy of Click of their own."""
    return tuple(kind for kind in typer.BadParameter.__mro__ if hasattr(kind, "exit_code") and hasattr(kind, "show"))
