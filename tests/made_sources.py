"""Made records of two classes of sources: the same magnitudes and places, other spectra.

P and S are noise under an envelope that rises at once and decays, with Brune's (1970) spectrum. A class is a corner
frequency; amplitudes are scaled so that the largest one between 1 and 10 Hz, which magnitudes are made from, is the
same for both. Stations differ in distance, site response (a resonance), attenuation, and noise of their own colour.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfiltfilt

from catalogdb.features.spectrograms import Arrival, Record, make_spectrogram

RATE = 100.0
BEFORE, AFTER = 8.0, 22.0
STATIONS = ("AAA", "BBB", "CCC")
CORNERS_HZ = (4.0, 10.0)


@dataclass(frozen=True)
class Site:
    """One station: S minus P (s), resonance (Hz), t* (s), exponent of the noise's power."""

    delay: float
    resonance: float
    t_star: float
    colour: float


SITES = {
    "AAA": Site(2.0, 3.0, 0.02, 0.5),
    "BBB": Site(3.5, 8.0, 0.03, 1.0),
    "CCC": Site(5.0, 15.0, 0.04, 0.2),
}


def _coloured(generator, size, amplitude):
    """Gaussian noise of an amplitude spectrum given as a function of frequency."""
    spectrum = np.fft.rfft(generator.standard_normal(size))
    frequency = np.fft.rfftfreq(size, 1.0 / RATE)
    return np.fft.irfft(spectrum * amplitude(np.maximum(frequency, 0.2)), size)


def made_record(generator, corner_hz, sta, magnitude):
    """Samples from `BEFORE` s before P to `AFTER` s after it, of rms noise 1."""
    site, size = SITES[sta], round((BEFORE + AFTER) * RATE)
    time = np.arange(size) / RATE - BEFORE

    def wave(onset, decay, corner):
        def amplitude(frequency):
            resonance = 1.0 + 1.5 * np.exp(-0.5 * (np.log(frequency / site.resonance) / 0.2) ** 2)
            return frequency * resonance * np.exp(-np.pi * frequency * site.t_star) / (1.0 + (frequency / corner) ** 2)

        lag = np.maximum(time - onset, 0.0)
        return _coloured(generator, size, amplitude) * (time >= onset) * np.exp(-lag / decay)

    corner = corner_hz * np.exp(0.1 * generator.standard_normal())
    signal = 0.4 * wave(0.0, 1.0, 1.3 * corner) + wave(site.delay, 1.5, corner)
    band = sosfiltfilt(butter(3, (1.0, 10.0), "bandpass", fs=RATE, output="sos"), signal)
    signal *= 10.0**magnitude / np.abs(band).max()
    noise = _coloured(generator, size, lambda frequency: frequency**-site.colour)
    return signal + noise / noise.std()


def made_events(seed, number, config, magnitudes=(1.3, 2.3)):
    """Spectrograms of events of both classes in turn, with their classes; magnitudes are those of the amplitude over
    the noise, drawn alike for both."""
    generator = np.random.default_rng(seed)
    spectrograms, classes = [], []
    for event in range(number):
        kind = event % 2
        magnitude = generator.uniform(*magnitudes)
        classes.append(kind)
        for sta in STATIONS:
            samples = made_record(generator, CORNERS_HZ[kind], sta, magnitude)
            p_time = 1e9 + 60.0 * event
            arrival = Arrival(f"event{event:04d}", p_time - 3.0, "XX", sta, p_time)
            spectrograms.append(make_spectrogram([Record("", "HHZ", RATE, p_time - BEFORE, samples)], arrival, config))
    return spectrograms, np.array(classes)
