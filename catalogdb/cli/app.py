"""The `catalogdb` command and its verbs."""

from __future__ import annotations

import sys
from typing import Annotated

import click
import typer

from catalogdb import __version__
from catalogdb.cli import common, db, demo, export, ingest, query, run

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
app.command("run")(run.run)
app.command("jobs")(run.jobs)
app.command("status")(query.status)
app.command("query")(query.query)
app.command("count")(query.count)
app.command("evaluate")(query.evaluate)
app.command("export")(export.export)
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
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        common.err.print("interrupted: what was finished is kept; run the same command again to go on")
        code = 130
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stderr.close()
        code = 0
    except Exception as error:
        code = common.report_error(error)
    sys.exit(code if isinstance(code, int) else 0)
