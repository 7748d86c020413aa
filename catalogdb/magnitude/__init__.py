"""Magnitudes of located events. Only the settings are loaded here; `catalogdb.magnitude.local` does the work."""

from catalogdb.magnitude.config import HuttonBooreConfig, MagnitudeConfig

__all__ = ["HuttonBooreConfig", "MagnitudeConfig"]
