"""Matplotlib's SVG -> a small <svg> element that follows the page's colours."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from catalogdb.plots.theme import DARK, LIGHT

CLASS = "catalogdb-waveform"
NAMES = ("background", "text", "waveform", "muted", "gap", "p", "s", "detection")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
TAG = re.compile(r"<[^>]+>")
FONT = re.compile(r"font-family: [^;\"]*")
IDENTIFIER = re.compile(r' id="([^"]*)"')


def page_svg(document: str, title: str) -> str:
    """Cut down an SVG document that was drawn in the light theme.

    Coordinates are rounded to a tenth of a point, names that nothing refers to go, and colours become CSS variables
    with values for light and for dark: by the reader's system, or by data-theme="light" or "dark" on the root element.

    Args:
        document: Matplotlib's SVG, its texts as text.
        title: what the picture shows, for those who can't see it.
    """
    body = document[document.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'<style type="text/css">.*?</style>', "", body, flags=re.DOTALL)
    referred = set(re.findall(r"#([A-Za-z][\w-]*)", body))
    body = IDENTIFIER.sub(lambda match: match[0] if match[1] in referred else "", body)
    body = TAG.sub(lambda match: _short_tag(match[0]), body)
    body = re.sub(r">\s*\n\s*<", "><", body)
    head = (
        f'<svg class="{CLASS}" role="img" aria-label={quoteattr(title)} style="max-width:100%;height:auto"'
        f"{body[4 : body.index('>')]}><title>{escape(title)}</title><style>{_style()}</style>"
    )
    return head + body[body.index(">") + 1 :].strip()


def _short_tag(tag: str) -> str:
    """A tag with coordinates and blanks cut down and colours by name; what is between tags is text for people."""
    tag = LONG_NUMBER.sub(lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), tag)
    tag = FONT.sub("font-family: system-ui, sans-serif", re.sub(r"\s+", " ", tag).replace(' "', '"'))
    if tag.startswith("<path"):
        tag = re.sub(r" ?([MLz]) ?", r"\1", tag.replace("<path ", "<path\0")).replace("<path\0", "<path ")
    for name in NAMES:
        tag = re.sub(getattr(LIGHT, name), f"var(--cdb-{name})", tag, flags=re.IGNORECASE)
    return tag


def _style() -> str:
    light, dark = ("".join(f"--cdb-{name}:{getattr(theme, name)};" for name in NAMES) for theme in (LIGHT, DARK))
    return (
        f".{CLASS}{{{light}}}.{CLASS} *{{stroke-linejoin:round;stroke-linecap:butt}}"
        f"@media (prefers-color-scheme:dark){{.{CLASS}{{{dark}}}}}"
        f":root[data-theme=light] .{CLASS}{{{light}}}:root[data-theme=dark] .{CLASS}{{{dark}}}"
    )
