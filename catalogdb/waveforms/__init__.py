"""miniSEED files: which contiguous segments they hold (index.py), and the samples of such segments (read.py)."""

from catalogdb.waveforms.errors import ChangedWaveform, UnreadableWaveform, WaveformUnavailable
from catalogdb.waveforms.file_state import FileState
from catalogdb.waveforms.index import REVISION, ScanResult, scan_miniseed
from catalogdb.waveforms.other_formats import scan_waveforms
from catalogdb.waveforms.read import read_traces

__all__ = [
    "REVISION",
    "ChangedWaveform",
    "FileState",
    "ScanResult",
    "UnreadableWaveform",
    "WaveformUnavailable",
    "read_traces",
    "scan_miniseed",
    "scan_waveforms",
]
