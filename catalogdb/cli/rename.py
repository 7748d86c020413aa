"""`catalogdb rename`: another name for a catalog or a pick set."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from catalogdb.cli import common, completion, upkeep

app = typer.Typer(help="Give a catalog or a pick set another name.", no_args_is_help=True)

NewName = Annotated[str, typer.Argument(help="Name that it is to have; it must stand for nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask before comparisons are removed.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Count what would change, and change nothing.")]


@app.command("catalog", epilog="Example: catalogdb rename catalog nightly nightly-2024 --yes")
def rename_catalog(
    old: Annotated[str, typer.Argument(help="Name of the catalog.", autocompletion=completion.catalogs)],
    new: NewName,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    json: common.JsonOption = False,
) -> None:
    """Give a catalog another name; its events keep their ids. A pick set that was ingested with it goes along.

    Its comparisons are removed: catalogdb evaluate makes them again. A job that is to go on with it names it anew.
    Broken off, the same command goes on.
    """
    _rename("catalog", old, new, yes, dry_run, json)


@app.command("pick-set", epilog="Example: catalogdb rename pick-set nightly nightly-2024")
def rename_pick_set(
    old: Annotated[str, typer.Argument(help="Name of the pick set.", autocompletion=completion.pick_sets)],
    new: NewName,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    json: common.JsonOption = False,
) -> None:
    """Give a pick set another name; its picks keep their ids, and catalogs made from it name it anew.

    A catalog that was ingested with it goes along. Broken off, the same command goes on.
    """
    _rename("pick_set", old, new, yes, dry_run, json)


def _rename(kind: Literal["catalog", "pick_set"], old: str, new: str, yes: bool, dry_run: bool, json: bool) -> None:
    from catalogdb.upkeep.rename import rename, rename_counts

    db = common.database()
    changed, gone = rename_counts(db, kind, old, new)
    result = {"renamed": changed, "removed": gone}
    if not dry_run:
        if gone:
            common.confirm(f"Rename {old}, and remove its comparisons ({upkeep.listed(gone)})?", yes)
        with upkeep.counting_bar(f"rename {old}", sum(changed.values()) + sum(gone.values()), json) as progress:
            result = rename(db, kind, old, new, progress)
    if json:
        common.print_json({"kind": kind, "old": old, "new": new, "dry_run": dry_run} | result)
        return
    upkeep.print_counts(result["renamed"], "would be renamed" if dry_run else "renamed", "nothing was there")
    if result["removed"]:
        upkeep.print_counts(result["removed"], "would be removed" if dry_run else "removed", "")
