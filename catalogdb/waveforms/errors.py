"""What can be wrong with a waveform file: for good, or just now."""

from __future__ import annotations

from pathlib import Path

from catalogdb.errors import InputError


class UnreadableWaveform(InputError):
    """A waveform file holds nothing that can be used."""


class WaveformUnavailable(InputError):
    """A waveform file can't be had now, or isn't the one that was indexed: try again, or ingest it again."""


class ChangedWaveform(WaveformUnavailable):
    """A waveform file is not what was indexed.

    Attributes:
        path: the file.
        difference: in what it differs.
    """

    def __init__(self, path: Path, difference: str):
        super().__init__(
            f"{path}: the file has changed ({difference}); ingest it again, then run again: "
            f"catalogdb ingest waveforms {path}"
        )
        self.path, self.difference = path, difference

    def __reduce__(self) -> tuple[type[ChangedWaveform], tuple[Path, str]]:
        return type(self), (self.path, self.difference)
