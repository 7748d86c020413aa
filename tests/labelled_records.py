"""Small labelled records: noise with a P and an S onset, as files and as records."""

import csv

import numpy as np
from obspy import UTCDateTime

from catalogdb.training.formats import traces_of
from catalogdb.training.records import LabelledRecord, Onset

START = UTCDateTime("2020-01-01").timestamp
RATE = 100.0
P_SAMPLE, S_SAMPLE, SAMPLES = 2000, 2600, 6000


def samples_of(seed):
    """Counts of Z, N, E: noise, and wavelets that decay from P and S on."""
    rng = np.random.default_rng(seed)
    data = rng.normal(0, 10, (3, SAMPLES))
    for onset, rows, size in ((P_SAMPLE, (0, 1, 2), 150), (S_SAMPLE, (1, 2), 400)):
        time = np.arange(SAMPLES - onset) / RATE
        for row in rows:
            wave = np.sin(2 * np.pi * rng.uniform(3, 8) * time + rng.uniform(0, 6)) * np.exp(-time / 1.5)
            data[row, onset:] += size * wave
    return data.astype(np.float32)


def record(number, phases="PS", station=None, known=None, **fields):
    """A record an hour after the one of the number before."""
    start = START + 3600 * number
    samples = {"P": P_SAMPLE, "S": S_SAMPLE}
    onsets = tuple(Onset(phase, start + samples[phase] / RATE) for phase in phases)
    station = station or f"XX.S{int(number) % 4}"
    traces = traces_of(samples_of(round(100 * number)), station, ["HHZ", "HHN", "HHE"], start, RATE)
    return LabelledRecord(f"r{number}", station, traces, onsets, known or phases or "PS", **fields)


def write_arrays(folder, numbers, without_s=()):
    """`traces.npz` and `traces.csv`, an hour apart."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "traces.npz", data=np.stack([samples_of(number).T for number in numbers]))
    with open(folder / "traces.csv", "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "network", "station", "channels", "p_sample", "s_sample"])
        for number in numbers:
            name = f"XX_S_{UTCDateTime(START + 3600 * number).strftime('%Y%m%d%H%M%S')}00"
            s_sample = "" if number in without_s else S_SAMPLE
            writer.writerow([name, "XX", f"S{number % 4}", "HHZ_HHN_HHE", P_SAMPLE, s_sample])
    return folder
