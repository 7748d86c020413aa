"""The demo's stations: real OGS positions, synthetic instruments, and their StationXML.

Positions are public registry facts of network OX (North-East Italy Seismic Network, doi:10.7914/SN/OX).
Instruments, noise levels and site terms are made up: they give the demo the variety that real networks have
(a location code, unoriented horizontals, a vertical-only station, two sensors at one site).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from obspy import UTCDateTime
from obspy.core.inventory import Channel, Inventory, Network, Station
from obspy.core.inventory import Site as SiteName
from obspy.core.inventory.response import (
    CoefficientsTypeResponseStage,
    InstrumentSensitivity,
    PolesZerosResponseStage,
    Response,
)

NETWORK_CODE = "OX"
SAMPLING_RATE_HZ = 100.0
EPOCH_START = UTCDateTime("2016-01-01")
CLIP_COUNTS = 2**23 - 1
"""A 24-bit digitiser reaches no further."""

_REPEATED_STATION = "CLUD"
_REFERENCE_HZ = 5.0
_DIGITISER_COUNTS_PER_VOLT = 400_000.0


@dataclass(frozen=True)
class Instrument:
    """One sensor and digitiser: a channel group.

    Attributes
    ----------
    band : band and instrument code, such as "HH" or "EH"
    orientations : last letters of the channels, vertical first
    azimuth_deg : azimuth of the first horizontal, from north; the second is 90 degrees on
    corner_hz, damping : of the sensor's second-order high pass
    volts_per_m_s : sensor's output in its flat band
    """

    band: str = "HH"
    orientations: str = "ZNE"
    location: str = ""
    azimuth_deg: float = 0.0
    corner_hz: float = 1.0 / 40.0
    damping: float = 0.707
    volts_per_m_s: float = 1500.0

    @property
    def counts_per_m_s(self) -> float:
        """Overall sensitivity in the flat band (counts per m/s)."""
        return self.volts_per_m_s * _DIGITISER_COUNTS_PER_VOLT

    @property
    def poles_rad_s(self) -> tuple[complex, complex]:
        """Poles of the high pass (rad/s); both zeros are 0."""
        omega, imaginary = 2 * np.pi * self.corner_hz, np.sqrt(1 - self.damping**2)
        return complex(-omega * self.damping, omega * imaginary), complex(-omega * self.damping, -omega * imaginary)

    def response(self, frequency_hz: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Complex response to ground velocity, 1 in the flat band: s^2 / ((s - p1)(s - p2)), s = 2 pi i f."""
        s = 2j * np.pi * np.asarray(frequency_hz)
        first, second = self.poles_rad_s
        return s**2 / ((s - first) * (s - second))


@dataclass(frozen=True)
class Site:
    """A station: where it stands, what stands there, and how noisy and how soft the ground is.

    Attributes
    ----------
    noise_weight : 0 for Peterson's low-noise model, 1 for the high-noise model
    cultural_db : how far cultural noise rises above the natural noise by day (dB at 5 Hz)
    kappa_s : near-surface attenuation kappa (s)
    p_delay_s : site term of P (s); that of S is Vp/Vs times larger
    """

    code: str
    latitude: float
    longitude: float
    elevation_m: float
    instruments: tuple[Instrument, ...] = (Instrument(),)
    noise_weight: float = 0.40
    cultural_db: float = 8.0
    kappa_s: float = 0.02
    p_delay_s: float = 0.0


_SHORT_PERIOD = Instrument("EH", location="10", corner_hz=1.0, volts_per_m_s=400.0)

# fmt: off
SITES: tuple[Site, ...] = (
    Site("VINO", 46.2564, 13.2814, 608.0, noise_weight=0.39, p_delay_s=0.02),
    Site("CLUD", 46.4569, 12.8814, 635.0, noise_weight=0.38, kappa_s=0.015, p_delay_s=-0.03),
    Site("BAD", 46.2340, 13.2438, 590.0, (Instrument(), _SHORT_PERIOD),
         noise_weight=0.43, cultural_db=10.0, p_delay_s=0.03),
    Site("BOO", 46.3200, 13.1000, 444.0, noise_weight=0.45, cultural_db=12.0, kappa_s=0.025, p_delay_s=0.04),
    Site("STAL", 46.2601, 12.7104, 625.0, noise_weight=0.40, p_delay_s=-0.01),
    Site("CADS", 46.2280, 13.7369, 700.0, noise_weight=0.39, p_delay_s=-0.02),
    Site("FUSE", 46.4142, 13.0011, 520.0, noise_weight=0.42, cultural_db=10.0, p_delay_s=0.01),
    Site("PRED", 46.4428, 13.5650, 902.0, noise_weight=0.38, cultural_db=6.0, kappa_s=0.012, p_delay_s=-0.04),
    Site("PLRO", 46.5497, 13.1481, 1420.0, noise_weight=0.36, cultural_db=4.0, p_delay_s=-0.03),
    Site("MPRI", 46.2417, 12.9883, 762.0, (Instrument(location="00"),), noise_weight=0.41, p_delay_s=0.02),
    Site("ZOU", 46.5567, 12.9733, 1896.0, (Instrument(orientations="Z12", azimuth_deg=37.0),),
         noise_weight=0.36, cultural_db=3.0, kappa_s=0.015, p_delay_s=-0.05),
    Site("COLI", 46.1333, 13.3783, 250.0, noise_weight=0.51, cultural_db=14.0, kappa_s=0.035, p_delay_s=0.09),
    Site("MLN", 46.1495, 12.6154, 814.0, noise_weight=0.41, p_delay_s=0.03),
    Site("CSM", 46.5125, 12.6515, 1635.0, (Instrument("EH", "Z", corner_hz=1.0, volts_per_m_s=400.0),),
         noise_weight=0.37, cultural_db=3.0, p_delay_s=-0.02),
    Site("DRE", 46.1733, 13.6433, 810.0, noise_weight=0.40),
)
# fmt: on
"""Fifteen stations of network OX around the Friuli seismicity."""


def select_sites(stations: int | list[str] | None = None) -> tuple[Site, ...]:
    """All demo sites, the first ``stations`` of them, or those with the given codes.

    Raises
    ------
    ValueError for a code or a number of stations that the demo does not have.
    """
    if stations is None:
        return SITES
    if isinstance(stations, int):
        if not 1 <= stations <= len(SITES):
            raise ValueError(f"the demo has 1 to {len(SITES)} stations, not {stations}")
        return SITES[:stations]
    by_code = {site.code: site for site in SITES}
    unknown = sorted(set(stations) - set(by_code))
    if unknown:
        raise ValueError(f"no such demo station: {', '.join(unknown)}")
    return tuple(by_code[code] for code in stations)


def inventory(sites: tuple[Site, ...] = SITES) -> Inventory:
    """StationXML inventory of ``sites``: full responses, ground velocity (m/s) to counts.

    As in files that OGS and INGV publish, one station (CLUD) comes once per channel.
    """
    stations: list[Station] = []
    for site in sites:
        channels = [channel for instrument in site.instruments for channel in _channels(site, instrument)]
        groups = [[channel] for channel in channels] if site.code == _REPEATED_STATION else [channels]
        stations += [
            Station(
                site.code,
                site.latitude,
                site.longitude,
                site.elevation_m,
                channels=group,
                site=SiteName(name=site.code),
                creation_date=EPOCH_START,
                start_date=EPOCH_START,
            )
            for group in groups
        ]
    network = Network(
        NETWORK_CODE,
        stations=stations,
        description="Synthetic instruments at positions of the North-East Italy Seismic Network",
        start_date=EPOCH_START,
    )
    return Inventory(networks=[network], source="catalogdb demo (synthetic)", created=EPOCH_START)


def channel_orientations(instrument: Instrument) -> list[tuple[str, float, float]]:
    """Channel code, azimuth and dip (degrees, SEED convention) of each channel of ``instrument``."""
    angles = [(0.0, -90.0), (instrument.azimuth_deg, 0.0), (instrument.azimuth_deg + 90.0, 0.0)]
    return [(instrument.band + letter, *angle) for letter, angle in zip(instrument.orientations, angles, strict=False)]


def _channels(site: Site, instrument: Instrument) -> list[Channel]:
    return [
        Channel(
            code,
            instrument.location,
            site.latitude,
            site.longitude,
            site.elevation_m,
            depth=0.0,
            azimuth=azimuth,
            dip=dip,
            sample_rate=SAMPLING_RATE_HZ,
            start_date=EPOCH_START,
            response=_response(instrument),
        )
        for code, azimuth, dip in channel_orientations(instrument)
    ]


def _response(instrument: Instrument) -> Response:
    gain_at_reference = abs(instrument.response(np.array([_REFERENCE_HZ]))[0])
    sensor = PolesZerosResponseStage(
        1,
        instrument.volts_per_m_s,
        _REFERENCE_HZ,
        "M/S",
        "V",
        "LAPLACE (RADIANS/SECOND)",
        _REFERENCE_HZ,
        [0j, 0j],
        list(instrument.poles_rad_s),
        normalization_factor=1.0 / gain_at_reference,
    )
    digitiser = CoefficientsTypeResponseStage(
        2,
        _DIGITISER_COUNTS_PER_VOLT,
        _REFERENCE_HZ,
        "V",
        "COUNTS",
        "DIGITAL",
        numerator=[1.0],
        denominator=[],
        decimation_input_sample_rate=SAMPLING_RATE_HZ,
        decimation_factor=1,
        decimation_offset=0,
        decimation_delay=0.0,
        decimation_correction=0.0,
    )
    sensitivity = InstrumentSensitivity(instrument.counts_per_m_s, _REFERENCE_HZ, "M/S", "COUNTS")
    return Response(instrument_sensitivity=sensitivity, response_stages=[sensor, digitiser])
