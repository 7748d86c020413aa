"""Three-component ground velocity of a local earthquake.

A far-field double couple in a layered Earth: Brune (1970) source spectrum, radiation pattern of
Aki & Richards (2002, eqs. 4.89-4.91), 1/R spreading, causal constant-Q attenuation, the free surface's factor
of two, near-surface kappa, converted phases, and scattered P and S coda. The coda is Gaussian noise under an envelope:
forward scattering that broadens with distance, then single back-scattering (Aki & Chouet 1975).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from obspy.geodetics import gps2dist_azimuth
from scipy import fft

from catalogdb.demo.catalog import Earthquake
from catalogdb.demo.earth import LayeredEarth, Rays, direct_wave, first_arrival
from catalogdb.demo.network import SAMPLING_RATE_HZ, Site

_SURFACE_VP_KM_S = 3.5
_SURFACE_VS_KM_S = 1.9
_SEDIMENT_KM = 1.2
_HEAD_WAVE_AMPLITUDE = 0.25
_CONVERSION_AMPLITUDE = 0.18
_REFERENCE_HZ = 100.0
_MEAN_RADIATION = {"P": np.sqrt(4.0 / 15.0), "S": np.sqrt(2.0 / 5.0)}
# Share of scattered amplitude on Z, R and T: P stays mostly vertical, S mostly horizontal.
_SCATTERED_SHARE = {"P": np.array([1.0, 0.65, 0.55]), "S": np.array([0.6, 1.0, 1.0])}
_MOMENT_OFFSET = 0.69


@dataclass(frozen=True)
class Receivers:
    """Where stations lie as seen from one source, and their site terms; all arrays have shape (n,)."""

    distance_km: NDArray[np.float64]
    azimuth_deg: NDArray[np.float64]
    back_azimuth_deg: NDArray[np.float64]
    elevation_m: NDArray[np.float64]
    kappa_s: NDArray[np.float64]
    p_delay_s: NDArray[np.float64]


@dataclass(frozen=True)
class Seismograms:
    """Ground velocity of one earthquake at n stations.

    Attributes
    ----------
    velocity_m_s : float32, shape (n, 3, samples), components Z (up), N, E; the first sample is at origin time
    p_time_s, s_time_s : first P and S onsets after origin time (s), shape (n,)
    """

    velocity_m_s: NDArray[np.float32]
    p_time_s: NDArray[np.float64]
    s_time_s: NDArray[np.float64]


def receivers(event: Earthquake, sites: tuple[Site, ...]) -> Receivers:
    """Distances and azimuths (WGS84) from ``event`` to ``sites``."""
    geodesics = np.array(
        [gps2dist_azimuth(event.latitude, event.longitude, site.latitude, site.longitude) for site in sites]
    ).reshape(-1, 3)
    return Receivers(
        geodesics[:, 0] / 1000.0,
        geodesics[:, 1],
        geodesics[:, 2],
        np.array([site.elevation_m for site in sites]),
        np.array([site.kappa_s for site in sites]),
        np.array([site.p_delay_s for site in sites]),
    )


def seismic_moment(ml: float) -> float:
    """Seismic moment (N m) of local magnitude ``ml``.

    Mw = 2/3 ML + C for small earthquakes (slope after Munafo et al. 2016) and
    M0 = 10^(1.5 Mw + 9.05) (Hanks & Kanamori 1979). C is set so that station magnitudes measured on these
    synthetics with the North-East Italy attenuation agree with ``ml`` on average.
    """
    return float(10.0 ** (1.5 * (2.0 / 3.0 * ml + _MOMENT_OFFSET) + 9.05))


def corner_frequency(moment_n_m: float, stress_drop_pa: float, vs_m_s: float) -> float:
    """Brune (1970) corner frequency of S (Hz): 0.49 vs (stress drop / M0)^(1/3), SI units."""
    return float(0.49 * vs_m_s * (stress_drop_pa / moment_n_m) ** (1.0 / 3.0))


def radiation_pattern(
    event: Earthquake, azimuth_deg: NDArray[np.float64], takeoff_deg: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Far-field P, SV and SH radiation of a double couple (Aki & Richards 2002, eqs. 4.89-4.91)."""
    phi = np.radians(azimuth_deg - event.strike_deg)
    i, dip, rake = np.radians(takeoff_deg), np.radians(event.dip_deg), np.radians(event.rake_deg)
    sr, cr, sd, cd = np.sin(rake), np.cos(rake), np.sin(dip), np.cos(dip)
    s2d, c2d = np.sin(2 * dip), np.cos(2 * dip)
    p = (
        cr * sd * np.sin(i) ** 2 * np.sin(2 * phi)
        - cr * cd * np.sin(2 * i) * np.cos(phi)
        + sr * s2d * (np.cos(i) ** 2 - np.sin(i) ** 2 * np.sin(phi) ** 2)
        + sr * c2d * np.sin(2 * i) * np.sin(phi)
    )
    sv = (
        sr * c2d * np.cos(2 * i) * np.sin(phi)
        - cr * cd * np.cos(2 * i) * np.cos(phi)
        + 0.5 * cr * sd * np.sin(2 * i) * np.sin(2 * phi)
        - 0.5 * sr * s2d * np.sin(2 * i) * (1 + np.sin(phi) ** 2)
    )
    sh = (
        cr * cd * np.cos(i) * np.sin(phi)
        + cr * sd * np.sin(i) * np.cos(2 * phi)
        + sr * c2d * np.cos(i) * np.cos(phi)
        - 0.5 * sr * s2d * np.sin(i) * np.sin(2 * phi)
    )
    return p, sv, sh


def synthesize(
    event: Earthquake,
    stations: Receivers,
    rng: np.random.Generator,
    *,
    earth: LayeredEarth = LayeredEarth(),
    samples: int | None = None,
) -> Seismograms:
    """Seismograms of ``event`` at ``stations``, 100 Hz.

    Parameters
    ----------
    rng : draws the scattered field, so the same state gives the same seismograms
    samples : length; by default 164 s, or 328 s from magnitude 3
    """
    samples = samples or (32768 if event.ml >= 3.0 else 16384)
    frequency = fft.rfftfreq(samples, 1.0 / SAMPLING_RATE_HZ).astype(np.float32)
    vs_m_s = 1000.0 * earth.velocity_km_s("S")[earth.layer_at(event.depth_km)]
    corner_s = corner_frequency(seismic_moment(event.ml), event.stress_drop_pa, vs_m_s)
    onsets, ground = {}, np.zeros((len(stations.distance_km), 3, len(frequency)), np.complex64)
    times = {phase: arrival_times(earth, phase, event, stations) for phase in "PS"}
    for phase in "PS":
        first, direct, delay = times[phase]
        onsets[phase] = first.time_s + delay
        # Forward scattering takes energy from the first pulse, at some stations more than at others: emergent onsets.
        impulsive = rng.uniform(0.3, 1.0, len(delay))[:, None]
        pulses = [
            (time, impulsive * amplitude) for time, amplitude in _pulses(phase, event, stations, first, direct, delay)
        ]
        green = sum(amplitude[:, :, None].astype(np.float32) * shift(frequency, time) for time, amplitude in pulses)
        lapse = direct.time_s + delay
        green += scattered(phase, event, stations, rng, lapse, times["S"][1].time_s - times["P"][1].time_s, samples)
        corner = corner_s * (1.5 if phase == "P" else 1.0)
        spectrum = brune(frequency, corner) * attenuation(frequency, direct.t_star_s + stations.kappa_s)
        ground += green * (far_field_scale(phase, event, earth, stations)[:, None] * spectrum)[:, None, :]
    ground *= np.complex64(2j * np.pi) * frequency
    rotated = to_zne(fft.irfft(ground, samples, axis=-1), stations.back_azimuth_deg)
    tail = samples // 5
    rotated[..., -tail:] *= (0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, tail))).astype(np.float32)
    return Seismograms(rotated, onsets["P"], onsets["S"])


def arrival_times(
    earth: LayeredEarth, phase: str, event: Earthquake, stations: Receivers
) -> tuple[Rays, Rays, NDArray[np.float64]]:
    geometry = (earth, phase, stations.distance_km, event.depth_km, stations.elevation_m)
    delay = stations.p_delay_s * (earth.vp_vs if phase == "S" else 1.0)
    return first_arrival(*geometry), direct_wave(*geometry), delay


def _pulses(
    phase: str, event: Earthquake, stations: Receivers, first: Rays, direct: Rays, delay: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Discrete arrivals as (time (n,), amplitude on Z, R, T (n, 3)), free surface included."""
    p, sv, sh = radiation_pattern(event, stations.azimuth_deg, direct.takeoff_deg)
    surface = _SURFACE_VP_KM_S if phase == "P" else _SURFACE_VS_KM_S
    incidence = np.arcsin(np.clip(direct.ray_parameter_s_km * surface, 0.0, 0.95))
    cosine, sine, none = np.cos(incidence), np.sin(incidence), np.zeros_like(incidence)
    if phase == "P":
        amplitude = 2.0 * p[:, None] * np.stack([cosine, sine, none], axis=1)
        converted = 2.0 * _CONVERSION_AMPLITUDE * p[:, None] * np.stack([0.2 * sine, cosine, none], axis=1)
    else:
        amplitude = 2.0 * np.stack([sv * sine, -sv * cosine, sh], axis=1)
        converted = 2.0 * _CONVERSION_AMPLITUDE * sv[:, None] * np.stack([cosine, 0.3 * sine, none], axis=1)
    # Conversion at the base of the sediments: P to S comes after P, S to P before S.
    lag = _SEDIMENT_KM * (1.0 / _SURFACE_VS_KM_S - 1.0 / _SURFACE_VP_KM_S) * (1.0 if phase == "P" else -1.0)
    pulses = [(direct.time_s + delay, amplitude), (direct.time_s + delay + lag, converted)]
    refracted = first.refractor >= 0
    if np.any(refracted):
        head = _HEAD_WAVE_AMPLITUDE * amplitude * refracted[:, None]
        pulses.append((np.where(refracted, first.time_s, 0.0) + delay, head))
    return pulses


def scattered(
    phase: str,
    event: Earthquake,
    stations: Receivers,
    rng: np.random.Generator,
    lapse_s: NDArray[np.float64],
    s_minus_p_s: NDArray[np.float64],
    samples: int,
) -> NDArray[np.complex64]:
    """Spectrum of the scattered wave train on Z, R, T, in units of the direct pulse: (n, 3, frequencies)."""
    count = len(lapse_s)
    after = (np.arange(samples) / SAMPLING_RATE_HZ - lapse_s[:, None]).astype(np.float32)
    positive = np.clip(after, 0.0, None)
    hypocentral = np.hypot(stations.distance_km, event.depth_km)
    broadening = ((0.25 + 0.008 * hypocentral) * rng.lognormal(0.0, 0.3, count)).astype(np.float32)
    forward = np.exp(-positive / broadening[:, None])
    if phase == "P":
        back = np.exp(-positive / (1.0 + 0.6 * s_minus_p_s)[:, None].astype(np.float32))
        energy = 1.0 * rng.lognormal(0.0, 0.4, count), 1.2 * rng.lognormal(0.0, 0.4, count)
    else:
        decay = (0.03 * rng.lognormal(0.0, 0.2, count)).astype(np.float32)
        back = 1.0 / (1.0 + positive / lapse_s[:, None].astype(np.float32)) * np.exp(-decay[:, None] * positive)
        energy = 1.2 * rng.lognormal(0.0, 0.4, count), 1.6 * rng.lognormal(0.0, 0.4, count)
    envelope = np.zeros_like(after)
    for shape, strength in zip((forward, back), energy, strict=True):
        power = np.where(after >= 0, shape**2, 0.0)
        envelope += power * (strength / power.sum(axis=1)).astype(np.float32)[:, None]
    field = rng.standard_normal((count, 3, samples), dtype=np.float32)
    field *= (2.0 * _MEAN_RADIATION[phase] * np.sqrt(envelope)).astype(np.float32)[:, None, :]
    field *= _SCATTERED_SHARE[phase].astype(np.float32)[:, None]
    return fft.rfft(field, axis=-1)


def far_field_scale(phase: str, event: Earthquake, earth: LayeredEarth, stations: Receivers) -> NDArray[np.float32]:
    """M0 / (4 pi rho v^3 R), displacement (m) times time (s): Aki & Richards 2002, eq. 4.32."""
    layer = earth.layer_at(event.depth_km)
    velocity_m_s = 1000.0 * earth.velocity_km_s(phase)[layer]
    distance_m = 1000.0 * np.hypot(stations.distance_km, event.depth_km + stations.elevation_m / 1000.0)
    moment = seismic_moment(event.ml)
    scale = moment / (4.0 * np.pi * earth.density_kg_m3[layer] * velocity_m_s**3 * distance_m) * SAMPLING_RATE_HZ
    return scale.astype(np.float32)


def brune(frequency: NDArray[np.float32], corner_hz: float) -> NDArray[np.complex64]:
    """Brune (1970) omega-squared spectrum with the phase of its causal pulse t exp(-2 pi fc t)."""
    return 1.0 / (1.0 + np.complex64(1j / corner_hz) * frequency) ** 2


def attenuation(frequency: NDArray[np.float32], t_star_s: NDArray[np.float64]) -> NDArray[np.complex64]:
    """exp(-pi f t*) with the dispersion that keeps onsets causal (Aki & Richards 2002, eq. 5.88)."""
    logarithm = np.log(np.maximum(frequency, frequency[1]) / _REFERENCE_HZ)
    exponent = (frequency * (-np.pi + 2j * logarithm)).astype(np.complex64)
    return np.exp(exponent * t_star_s[:, None].astype(np.float32))


def shift(frequency: NDArray[np.float32], time_s: NDArray[np.float64]) -> NDArray[np.complex64]:
    cycles = (frequency * time_s[:, None]).astype(np.float32)
    return np.exp(np.complex64(-2j * np.pi) * cycles)[:, None, :]


def to_zne(zrt: NDArray[np.float32], back_azimuth_deg: NDArray[np.float64]) -> NDArray[np.float32]:
    radial = np.radians(back_azimuth_deg + 180.0)
    cosine, sine = (function(radial).astype(np.float32)[:, None] for function in (np.cos, np.sin))
    north = zrt[:, 1] * cosine - zrt[:, 2] * sine
    east = zrt[:, 1] * sine + zrt[:, 2] * cosine
    return np.stack([zrt[:, 0], north, east], axis=1)
