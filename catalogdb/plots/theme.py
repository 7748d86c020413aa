"""The look of figures and pages, for light and dark paper; phases are told apart by colour-blind readers (Okabe and
Ito, 2008)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Theme:
    """Colours as #rrggbb."""

    background: str
    text: str
    waveform: str
    muted: str
    gap: str
    p: str
    s: str
    detection: str
    panel: str
    extra: str
    station: str
    land: str
    water: str
    coast: str

    def of_phase(self, phase: str) -> str:
        """Colour of a phase or of a row of probability, by its first letter."""
        return {"P": self.p, "S": self.s, "D": self.detection}.get(phase[:1], self.text)


LIGHT = Theme(
    background="#ffffff",
    text="#1a1a1a",
    waveform="#404040",
    muted="#5f6873",
    gap="#dfe3e8",
    p="#0072b2",
    s="#c95800",
    detection="#a0528a",
    panel="#f5f6f8",
    extra="#00805b",
    station="#5b6675",
    land="#fbfaf6",
    water="#e3ecf3",
    coast="#9aa7b4",
)
DARK = Theme(
    background="#14171a",
    text="#e8e8e8",
    waveform="#c0c4c8",
    muted="#9aa3ad",
    gap="#343a42",
    p="#56b4e9",
    s="#ff9a3c",
    detection="#d58ec0",
    panel="#1c2026",
    extra="#3ccf9b",
    station="#98a4b3",
    land="#22272e",
    water="#171d26",
    coast="#5a6673",
)
THEMES = {"light": LIGHT, "dark": DARK}


def page_style() -> str:
    """The styles that all pages have in common: colours by the reader's system or by data-theme, text, tables."""
    return _colours() + (FOLDER / "page.css").read_text(encoding="utf-8")


def theme_script() -> str:
    """JavaScript of the function `switchTheme`, by which a reader turns a page from light to dark and back."""
    return (FOLDER / "theme.js").read_text(encoding="utf-8")


def _colours() -> str:
    def variables(theme: Theme) -> str:
        return "".join(f"--{name}:{value};" for name, value in asdict(theme).items())

    return (
        f":root{{{variables(LIGHT)}color-scheme:light dark}}"
        f"@media (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
        f":root[data-theme=light]{{{variables(LIGHT)}color-scheme:light}}"
        f":root[data-theme=dark]{{{variables(DARK)}color-scheme:dark}}\n"
    )
