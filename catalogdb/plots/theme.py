"""Colours of figures, for light and dark paper; phases are told apart by colour-blind readers (Okabe and Ito, 2008)."""

from __future__ import annotations

from dataclasses import dataclass


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

    def of_phase(self, phase: str) -> str:
        """Colour of a phase or of a row of probability, by its first letter."""
        return {"P": self.p, "S": self.s, "D": self.detection}.get(phase[:1], self.text)


LIGHT = Theme("#ffffff", "#1a1a1a", "#404040", "#707070", "#e4e4e4", "#0072b2", "#d55e00", "#a0528a")
DARK = Theme("#14171a", "#e8e8e8", "#c0c4c8", "#909498", "#2c3136", "#56b4e9", "#ff9a3c", "#d58ec0")
THEMES = {"light": LIGHT, "dark": DARK}
