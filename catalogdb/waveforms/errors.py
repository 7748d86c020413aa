"""What can be wrong with a waveform file: for good, or just now."""

from __future__ import annotations

from catalogdb.errors import InputError


class UnreadableWaveform(InputError):
    """A waveform file holds nothing that can be used."""


class WaveformUnavailable(InputError):
    """A waveform file can't be had now, or isn't the one that was indexed: try again, or ingest it again."""
