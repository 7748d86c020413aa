"""`catalogdb query` and `count`: rows of views and collections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from catalogdb.cli import common, completion
from catalogdb.documents.free import Row

FilterArguments = Annotated[
    list[str] | None,
    typer.Argument(
        help="Filters: key=value, also >=, <=, >, <, != (quoted for the shell); lists and wildcards: sta=BAD,LSK*; "
        "near=latitude,longitude,km."
    ),
]
MOST_SHOWN = 100


class FieldsAlone(TyperCommand):
    """`--fields` without a value asks which fields there are."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for at, argument in enumerate(args):
            if argument == "--fields" and (at + 1 == len(args) or args[at + 1].startswith("--")):
                args = [*args[:at], "--fields=", *args[at + 1 :]]
        return super().parse_args(ctx, args)


def query(
    name: Annotated[
        str,
        typer.Argument(help="View or collection; without it, their list by subject.", autocompletion=completion.views),
    ] = "",
    filters: FilterArguments = None,
    fields: Annotated[
        str | None,
        typer.Option(help="Columns, separated by commas; --fields alone lists those there are."),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(help="Fields to sort by, separated by commas; -magnitude: the largest first.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help="Most rows; 0 for all. Default 100, and all with --output.", show_default=False),
    ] = None,
    format: Annotated[
        Literal["table", "csv", "json", "parquet"] | None,
        typer.Option(help="Default: by the ending of --output, else a table."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    json: common.JsonOption = False,
) -> None:
    """Print documents of a view or collection, for example: catalogdb query events catalog=demo 'magnitude>=2'

    Times are shown as ISO 8601, in JSON as epoch seconds. Filters on fields that a view lacks and its collection has
    choose what it is made of: query events_per_day catalog=mine 'magnitude>=1' near=46.3,13.1,30

    In Python: db.view(NAME, ...).
    """
    from catalogdb.api import listing, queries
    from catalogdb.cli import query_output
    from catalogdb.filters import parse_columns, read_filter, readable_name

    if not name:
        _list_queries(json)
        return
    readable_name(name)
    if fields == "":
        found = listing.listed_fields(name)
        common.print_json({"name": name, "fields": found}) if json else common.print_rows(found)
        return
    columns = parse_columns(name, fields or "")
    shape = query_output.format_of("json" if json else format, output)
    most = limit if limit is not None else (0 if output else MOST_SHOWN)
    conditions = [read_filter(text) for text in filters or []]
    db = common.database()
    rows = queries.rows(db, name, conditions, sort, most)
    number = query_output.write(name, rows, columns, shape, output)
    if not number:
        common.err.print(f"no documents: {queries.what_there_is(db, name, conditions)}", markup=False, soft_wrap=True)
    elif output:
        common.out.print(f"{output}: {number} rows", markup=False, soft_wrap=True)
    elif most and number == most and shape == "table":
        common.err.print(f"the first {most}; --limit 0 prints all")


def count(
    collection: Annotated[str, typer.Argument(help="Collection or view.", autocompletion=completion.views)],
    filters: FilterArguments = None,
    json: common.JsonOption = False,
) -> None:
    """Count documents, for example: catalogdb count pick pick_set=demo phase=P

    In Python: db.count(NAME, ...).
    """
    from catalogdb.api import queries
    from catalogdb.filters import read_filter, readable_name

    readable_name(collection)
    number = queries.count(common.database(), collection, [read_filter(text) for text in filters or []])
    common.print_json({"collection": collection, "filters": filters or [], "count": number}) if json else print(number)


def _list_queries(json: bool) -> None:
    from catalogdb.api.listing import listed

    rows = listed()
    if json:
        common.print_json({"queries": rows})
        return
    subjects = dict.fromkeys(row["subject"] for row in rows)
    for subject in subjects:
        of_subject: list[Row] = [row for row in rows if row["subject"] == subject]
        lines = [{"name": row["name"], "what": _one_line(row["what"])} for row in of_subject]
        common.print_rows(lines, title=subject)


def _one_line(text: str) -> str:
    """What a name is for, cut so that it stays on one line."""
    sentence = text.partition(": ")[0].partition(". ")[0]
    return sentence if len(sentence) <= 110 else f"{sentence[:107].rstrip()}..."
