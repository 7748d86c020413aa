"""Every count that a stage of a run can give is explained in docs/reference/counts.md."""

import ast
import re
from pathlib import Path

import pytest

from catalogdb.association import origins
from catalogdb.discrimination.classes import CLASSES
from catalogdb.discrimination.features import REASONS as NO_FEATURES
from catalogdb.picking.selection import SELECTION_COUNTS
from catalogdb.picking.unpicked import REASONS
from catalogdb.runs.run_report import OF_THE_NETWORK
from catalogdb.stages.association_notes import LIMITS, WHY_NO_ORIGIN, WHY_NO_PICK

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "counts.md").read_text()
EXPLAINED = {
    name for line in PAGE.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line.split("|")[1])
}
SCIENCE = ("association", "discrimination", "picking", "magnitude", "features")
STAGES = ("pick", "associate", "magnitude", "event_type", "assemble", "features", "repick")
SOURCES = [
    *(path for folder in SCIENCE for path in (ROOT / "catalogdb" / folder).rglob("*.py")),
    *(ROOT / "catalogdb" / "stages" / f"{name}.py" for name in STAGES),
]  # fmt: skip


def names_in_code():
    """Names of counts as literals: `counts["a"]`, `Counter(a=...)`, `LeftOut("a")`, reasons that `_lacks` gives."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Subscript) and re.search(r"(^|\.)(\w*counts|found)$", ast.unparse(node.value)):
                names = [node.slice.body, node.slice.orelse] if isinstance(node.slice, ast.IfExp) else [node.slice]
                yield from (_text(name) for name in names)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Counter":
                yield from (keyword.arg for keyword in node.keywords)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("_LeftOut", "LeftOut"):
                yield from (_text(argument) for argument in node.args)
            elif isinstance(node, ast.FunctionDef) and node.name == "_lacks":
                returned = [_text(inner.value) for inner in ast.walk(node) if isinstance(inner, ast.Return)]
                yield from (f"origin_{reason}" for reason in returned if reason)


def _text(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


IN_CODE = {name for name in names_in_code() if name}
LISTED = {
    *SELECTION_COUNTS,
    *REASONS,
    *OF_THE_NETWORK,
    *WHY_NO_ORIGIN,
    *WHY_NO_PICK,
    *(f"events_at_{x}" for x in LIMITS),
    *NO_FEATURES,
    *(f"found_{name}" for name in CLASSES),
    *("decided", "unsure", "too_few_stations", "no_station"),
}


@pytest.mark.parametrize("name", sorted(IN_CODE | LISTED | {"runs", "picked_seconds", "with_magnitude", "events"}))
def test_count_is_explained(name):
    assert name in EXPLAINED, f"docs/reference/counts.md has no line for {name}"


def test_names_are_found_in_the_code():
    assert {"jumps", "arrival_collected", "origin_too_few_stations", "fast_traces", "low_snr", "places"} <= IN_CODE


def test_every_reason_why_there_is_no_event_is_listed():
    reasons = {name for name in IN_CODE if name.startswith("origin_")}
    assert reasons <= set(WHY_NO_ORIGIN)
    assert set(LIMITS) >= origins.BEYOND_LIMIT


def test_the_page_explains_nothing_that_is_not_counted():
    code = "".join(path.read_text() for path in SOURCES) + "".join(f"events_at_{name} " for name in LIMITS)
    code += "".join(f"found_{name} " for name in CLASSES)
    stems = {
        name: name.removeprefix("picks_rejected_").removeprefix("origin_").removesuffix("_picks") for name in EXPLAINED
    }
    assert [name for name, stem in stems.items() if stem not in code] == []
