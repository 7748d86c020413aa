"""`catalogdb remove`, `prune` and `move-archive`: taking results away, and the index along with its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from catalogdb.cli import common, completion
from catalogdb.documents.free import Json

LINES_SHOWN = 20

YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Count what would go, and remove nothing.")]

remove = typer.Typer(
    help="Remove a catalog, a pick set or a model with all that was made for it, or stations.", no_args_is_help=True
)


@remove.command("catalog", epilog="Example: catalogdb remove catalog strict --dry-run")
def remove_catalog(
    name: Annotated[str, typer.Argument(help="Name of the catalog.", autocompletion=completion.catalogs)],
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    json: common.JsonOption = False,
) -> None:
    """Remove a catalog: its events, origins, magnitudes, tasks and comparisons. Its pick set stays, which is said where
    no other catalog is made from it.

    Refused while a run works on it. Broken off, the same command goes on.
    """
    _remove("catalog", name, yes, dry_run, json)


@remove.command("pick-set", epilog="Example: catalogdb remove pick-set strict --yes")
def remove_pick_set(
    name: Annotated[str, typer.Argument(help="Name of the pick set.", autocompletion=completion.pick_sets)],
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    json: common.JsonOption = False,
) -> None:
    """Remove a pick set: its picks, peaks, probability, detections and tasks.

    Refused while a run works on it, or a catalog or another pick set is made from it.
    """
    _remove("pick_set", name, yes, dry_run, json)


@remove.command("model", epilog="Example: catalogdb remove model my-region --yes")
def remove_model(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    json: common.JsonOption = False,
) -> None:
    """Remove a model: its weights of all seeds and its tasks. Pick sets made with it stay, and say so themselves.

    A job that names it is refused from then on.
    """
    _remove("model", name, yes, dry_run, json)


def move_archive(
    old: Annotated[Path, typer.Argument(help="Folder that the files were indexed in.")],
    new: Annotated[Path, typer.Argument(help="Folder that they are in now.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file and compare digests, not only size and time.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count, and change nothing.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Take the index along with waveform files that were moved or copied to another folder.

    Each file must be there with the same content. No result becomes stale. Broken off, the same command goes on. Exit
    code 1 where files were left behind.
    """
    from rich.progress import Progress

    from catalogdb.upkeep.move_archive import move_archive as move

    db = common.database()
    with Progress(console=common.err, disable=not common.progress_allowed(json), transient=True) as bar:
        task = bar.add_task("checking" if dry_run else "moving", total=None)
        result = move(
            db, old, new, dry_run, verify, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    if json:
        common.print_json(result.model_dump())
    else:
        counts = {name: value for name, value in result.model_dump().items() if isinstance(value, int)}
        common.print_rows([{"what": name.replace("_", " "), "number": int(value)} for name, value in counts.items()])
        for line in result.problems[:LINES_SHOWN]:
            common.err.print(line, markup=False, soft_wrap=True)
        if len(result.problems) > LINES_SHOWN:
            common.err.print(f"... and {len(result.problems) - LINES_SHOWN} more (--json lists all)")
    if result.absent or result.different:
        raise typer.Exit(1)


@remove.command("station", epilog="Example: catalogdb remove station OX.BAD 'XX.*' --dry-run")
def remove_station(
    stations: Annotated[
        list[str],
        typer.Argument(
            help="NET.STA, with * and ?; .STA has no network, STA alone means any network's.",
            autocompletion=completion.stations,
        ),
    ],
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    json: common.JsonOption = False,
) -> None:
    """Remove stations from the metadata (`site` and `channel`). Waveforms, picks and results stay.

    Catalogs that were made with them go stale: catalogdb status --stale names what a run would do again.
    """
    from catalogdb.upkeep.station_removal import COLLECTIONS, remove_stations, stations_matching

    db = common.database()
    found = stations_matching(db, stations)
    counts = {name: sum(row[name] for row in found) for name in COLLECTIONS}
    if not json:
        common.print_rows(found, title="would be removed" if dry_run else "stations")
    if not dry_run:
        common.confirm(f"Remove {len(found)} stations ({listed(counts)})?", yes)
        counts = remove_stations(db, found)
    if json:
        common.print_json({"stations": found, "dry_run": dry_run, "removed": counts})
        return
    print_counts(counts, removed_title(dry_run), "nothing was there")
    if not dry_run:
        common.err.print("catalogs made with them are stale now: catalogdb status --stale names their tasks")


def prune(
    missing_files: Annotated[
        bool, typer.Option("--missing-files", help="Also forget waveform files that are marked as missing.")
    ] = False,
    unclaimed: Annotated[
        bool,
        typer.Option(
            "--unclaimed",
            help="Also remove documents that no task in the ledger wrote, as a broken-off ingestion leaves them.",
        ),
    ] = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    json: common.JsonOption = False,
) -> None:
    """Remove what no pick set and no catalog stands for any more: results, tasks, comparisons.

    What a worker holds now is left out, so it can be done while runs go on.
    """
    from catalogdb.stages.models import drop_files
    from catalogdb.upkeep import prune as pruning

    db = common.database()
    found = pruning.find_leftovers(db)
    counts, others = pruning.count_leftovers(db, found, missing_files)
    going = _sum(counts, others) if unclaimed else counts
    result: Json = {"dry_run": dry_run, "removed": going, "unclaimed": others, "held": found.held}
    result["named_again"] = []
    if going and not dry_run:
        common.confirm(f"Remove {sum(going.values())} documents ({listed(going)})?", yes)
        with counting_bar("prune", sum(going.values()), json) as progress:
            removed, named = pruning.prune(db, found, missing_files, unclaimed, progress)
        result |= {"removed": removed, "named_again": named}
    files = 0 if dry_run else drop_files(db)
    if json:
        common.print_json(result)
        return
    print_counts(result["removed"], removed_title(dry_run), "nothing to prune")
    if files:
        common.err.print(f"removed {files} files of weights and checkpoints that no model names")
    if others and not unclaimed:
        common.err.print(f"left alone, since no task in the ledger wrote them: {listed(others)}; --unclaimed")
    for config_id, owner in found.held.items():
        common.err.print(f"left alone, since {owner} works on it: config {config_id}", markup=False)
    for config_id in result["named_again"]:
        common.err.print(f"config {config_id} has got a name meanwhile: run its job again", markup=False)


def _sum(counts: dict[str, int], others: dict[str, int]) -> dict[str, int]:
    return {key: counts.get(key, 0) + others.get(key, 0) for key in counts | others}


def _remove(kind: Literal["pick_set", "catalog", "model"], name: str, yes: bool, dry_run: bool, json: bool) -> None:
    from catalogdb.stages.models import drop_files
    from catalogdb.upkeep.removal import pick_set_left, removal_counts
    from catalogdb.upkeep.removal import remove as remove_result

    db = common.database()
    counts = removal_counts(db, kind, name)
    left = pick_set_left(db, name) if kind == "catalog" else None
    if not dry_run:
        total = sum(counts.values())
        common.confirm(f"Remove {kind.replace('_', ' ')} {name}, {total} documents ({listed(counts)})?", yes)
        with counting_bar(f"remove {name}", total, json) as progress:
            counts = remove_result(db, kind, name, progress)
        if kind == "model":
            drop_files(db)
    if json:
        common.print_json({"kind": kind, "name": name, "dry_run": dry_run, "removed": counts, "pick_set_left": left})
        return
    print_counts(counts, removed_title(dry_run), "nothing was there")
    if left is not None:
        verb = "would stay" if dry_run else "stays"
        text = f"pick set {left} {verb}, and no catalog is made from it then: catalogdb remove pick-set {left}"
        common.err.print(text, markup=False, soft_wrap=True)


@contextmanager
def counting_bar(title: str, total: int, as_json: bool) -> Iterator[Callable[[str, int], None]]:
    """A bar of documents; what is given takes a collection and how many of its documents went."""
    from rich.progress import Progress

    with Progress(console=common.err, disable=not common.progress_allowed(as_json)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda collection, number: bar.update(task, advance=number, description=f"{title} {collection}")


def removed_title(dry_run: bool) -> str:
    """Title of a table of what goes."""
    return "would be removed" if dry_run else "removed"


def print_counts(counts: dict[str, int], title: str, none: str) -> None:
    """Print documents by collection, or `none` where there are none."""
    rows = [{"collection": collection, "documents": number} for collection, number in sorted(counts.items()) if number]
    if not rows:
        common.out.print(none)
        return
    common.print_rows(rows, title=title)


def listed(counts: dict[str, int]) -> str:
    """Documents by collection, as a phrase."""
    return ", ".join(f"{collection} {number}" for collection, number in sorted(counts.items()) if number)
