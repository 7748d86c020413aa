"""The order of the commands in the help: that of the work, under a heading for each of its steps."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

PANELS = {
    "Begin": ("demo", "db", "init", "jobs", "formats"),
    "Bring data in": ("fetch", "ingest", "move-archive"),
    "Make catalogs": ("run", "sweep", "repick", "tomography", "schedule", "work", "deploy"),
    "Train pickers": ("train", "models", "embed"),
    "Watch the work": ("status", "watch", "runs", "tasks", "metrics"),
    "Look and take away": ("query", "count", "plot", "export"),
    "Judge and compare": ("evaluate", "report", "diff", "compare-associators", "tune"),
    "Repair and tidy": ("why", "retry", "reset", "rename", "copy", "remove", "prune"),
}
OTHERS = "More"
"""Commands that no panel names."""


class InOrder(TyperGroup):
    """Lists the commands by their panels."""

    def list_commands(self, ctx: Any) -> list[str]:
        order = [name for names in PANELS.values() for name in names]
        known = super().list_commands(ctx)
        return [name for name in order if name in known] + [name for name in known if name not in order]


def put_under_headings(app: typer.Typer) -> None:
    """Give each command of an app the heading of its panel."""
    panel_of = {name: panel for panel, names in PANELS.items() for name in names}
    for command in app.registered_commands:
        command.rich_help_panel = panel_of.get(command.name or "", OTHERS)
    for group in app.registered_groups:
        group.rich_help_panel = panel_of.get(group.name or "", OTHERS)
