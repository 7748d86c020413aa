"""What still pictures have in common: their style, and their bytes; a picture as a page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from typing import Any

from matplotlib.figure import Figure

from catalogdb.documents.free import Row
from catalogdb.plots.svg import page_svg
from catalogdb.plots.theme import Theme, page_style, theme_script

DPI = 130
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><h1>{title}</h1><p><button id="theme">light / dark</button></p>
{svg}
<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>
<script>{script}document.getElementById("theme").onclick = switchTheme;</script></body></html>
"""


def style(theme: Theme) -> dict[str, Any]:
    """Matplotlib's settings."""
    colours = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")
    found: dict[str, Any] = dict.fromkeys(colours, theme.text) | {"font.size": 8, "axes.edgecolor": theme.muted}
    found |= dict.fromkeys(("axes.facecolor", "figure.facecolor", "legend.facecolor"), theme.background)
    return found | {"svg.fonttype": "none", "svg.hashsalt": "catalogdb"}


def saved(figure: Figure, format: str, theme: Theme, title: str) -> bytes:
    """The content of a file: png, svg or pdf."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=format, dpi=DPI, facecolor=theme.background, metadata={"Title": title})
    return buffer.getvalue()


def page(figure: Figure, title: str, rows: Sequence[Row]) -> str:
    """A page of a figure that was drawn in the light theme, which follows its reader's, and of a table below it."""
    figure.suptitle("")  # it is the page's
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", dpi=DPI, transparent=True, metadata=nothing)
    cells = ("".join(f"<td>{escape(str(value))}</td>" for value in row.values()) for row in rows)
    return PAGE.format(
        title=escape(title),
        style=page_style() + "body{padding:1rem}",
        svg=page_svg(buffer.getvalue(), title),
        heads="".join(f"<th>{escape(head)}</th>" for head in (rows[0] if rows else ())),
        rows="".join(f"<tr>{row}</tr>" for row in cells),
        script=theme_script(),
    )
