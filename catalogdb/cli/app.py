"""The `catalogdb` command and its verbs."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from catalogdb import __version__, logs
from catalogdb.cli import (
    association,
    common,
    copying,
    db,
    demo,
    deploy,
    diff,
    embed,
    evaluate,
    export,
    fetch,
    formats,
    ingest,
    init,
    metrics,
    plot,
    query,
    rename,
    repick,
    report,
    run,
    runs,
    schedule,
    status,
    sweep,
    tomography,
    train,
    upkeep,
    watch,
    why,
    work,
)
from catalogdb.cli.called import with_options_of_called
from catalogdb.cli.console import StandardStream
from catalogdb.cli.help_order import InOrder, put_under_headings
from catalogdb.interrupts import INTERRUPTED, end_interrupted, has_interrupted, ignore_signals

app = typer.Typer(
    cls=InOrder,
    help="Earthquake catalogs in MongoDB: ingest waveforms, pick, associate, evaluate, export.",
    epilog="A first run: catalogdb demo. A job of your own: catalogdb ingest stations FILE, "
    "catalogdb ingest waveforms PATH, catalogdb run JOB.yaml.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(db.app, name="db")
app.add_typer(fetch.app, name="fetch")
app.add_typer(ingest.app, name="ingest")
app.add_typer(init.app, name="init")
app.command("run", epilog="Example: catalogdb run ridgecrest-2019 --set pick.p_threshold=0.2 --name sensitive")(run.run)
app.command("work", epilog="Example: catalogdb work ogs-2024 --run-id season-2024")(work.work)
app.add_typer(deploy.app, name="deploy")
app.command("repick", epilog="Example: catalogdb repick --pick-set demo --name demo-strict --p-threshold 0.5")(
    repick.repick
)
app.command("sweep", epilog="Example: catalogdb sweep ogs-2024-sweep --dry-run")(sweep.sweep)
app.command("tomography", epilog="Example: catalogdb tomography ogs-2024 --name ogs-3d")(tomography.tomography)
app.add_typer(schedule.app, name="schedule")
app.command("jobs", epilog="Example: catalogdb jobs")(run.jobs)
app.command("status", epilog="Example: catalogdb status --stale ridgecrest-2019")(status.status)
app.command("runs", epilog="Example: catalogdb runs --status failed")(runs.runs)
app.command("watch", epilog="Example: catalogdb watch")(watch.watch)
app.command("tasks", epilog="Example: catalogdb tasks --failed --catalog ridgecrest-2019")(runs.tasks)
app.command("retry", epilog="Example: catalogdb retry --pick-set ridgecrest-2019")(runs.retry)
app.command("reset", epilog="Example: catalogdb reset --catalog ridgecrest-2019 --stage magnitude --dry-run")(
    runs.reset
)
app.command("why", epilog="Example: catalogdb why 3f2a9c")(why.why)
app.command("diff", epilog="Example: catalogdb diff ridgecrest-2019 sensitive")(diff.diff)
app.add_typer(upkeep.remove, name="remove")
app.add_typer(rename.app, name="rename")
app.add_typer(copying.app, name="copy")
app.command("move-archive", epilog="Example: catalogdb move-archive /disk1/archive /disk2/archive --dry-run")(
    upkeep.move_archive
)
app.command("prune", epilog="Example: catalogdb prune --dry-run")(upkeep.prune)
app.command("metrics", epilog="Example: catalogdb metrics --serve 9464")(metrics.metrics)
app.command("query", cls=query.FieldsAlone)(query.query)
app.command("count")(query.count)
app.command("evaluate", epilog="Example: catalogdb evaluate --catalog ridgecrest-2019 --reference comcat")(
    evaluate.evaluate
)
app.command("report")(report.report)
app.add_typer(export.app, name="export")
app.command("formats")(formats.formats)
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
app.command("train", epilog="Example: catalogdb train my-region.yaml")(train.train)
app.command("models", epilog="Example: catalogdb models --json")(train.models)
app.command("embed", epilog="Example: catalogdb embed labels --weights model:pretrained --picture map.png")(embed.embed)
app.command("demo")(demo.demo)
put_under_headings(app)


def _print_version(value: bool) -> None:
    if value:
        print(f"catalogdb {__version__}")
        raise typer.Exit


@app.callback()
def options(
    uri: Annotated[
        str | None,
        typer.Option(
            help="mongodb:// URI, without a password (CATALOGDB_URI may have one). None: the embedded server.",
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
    logs.show = common.print_notice


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 failed, 2 wrong input or usage, 3 no database, 130 interrupted."""
    StandardStream.replace()
    try:
        called = with_options_of_called(app, sys.argv[1:])
        code = called(standalone_mode=False, prog_name="catalogdb")  # of `python -m catalogdb`, too
        if sys.stdout is not None:
            sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        usage: Any = error if isinstance(error, _usage_errors()) else None
        if has_interrupted():
            code = INTERRUPTED
        elif usage:
            usage.show()
            code = usage.exit_code
        else:
            code = common.report_error(error)
    if code == INTERRUPTED:  # newer versions of Typer give this code themselves
        end_interrupted()
    ignore_signals()
    sys.exit(code if isinstance(code, int) else 0)


def _usage_errors() -> tuple[type[Exception], ...]:
    """What a wrong command line raises; newer versions of Typer have it from a copy of Click of their own."""
    return tuple(kind for kind in typer.BadParameter.__mro__ if hasattr(kind, "exit_code") and hasattr(kind, "show"))
