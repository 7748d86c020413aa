"""The truth of a synthetic day as QuakeML: events with origin, magnitude, picks and arrivals."""

from dataclasses import dataclass

from obspy import UTCDateTime
from obspy.core.event import (
    Arrival,
    Catalog,
    CreationInfo,
    Event,
    EventDescription,
    Magnitude,
    Origin,
    OriginQuality,
    Pick,
    QuantityError,
    ResourceIdentifier,
    WaveformStreamID,
)

from catalogdb.demo.catalog import Earthquake
from catalogdb.demo.network import NETWORK_CODE
from catalogdb.geo import ROUND_KM_PER_DEGREE

AGENCY_ID = "catalogdb-demo"


@dataclass(frozen=True)
class TruePick:
    """One visible onset.

    Attributes
    ----------
    event : index of the earthquake in the day's list
    time_s : seconds after the day's start
    snr : as :func:`catalogdb.demo.visibility.onset_snr`
    """

    event: int
    phase: str
    station: str
    location: str
    channel: str
    time_s: float
    snr: float
    distance_km: float
    azimuth_deg: float
    takeoff_deg: float


def truth_catalog(seed: int, start: UTCDateTime, events: list[Earthquake], picks: list[TruePick]) -> Catalog:
    """ObsPy Catalog of ``events`` with ``picks``; resource ids depend on ``seed``, day and order only."""
    prefix = f"smi:local/{AGENCY_ID}/seed{seed}/{start.strftime('%Y%m%d')}"
    info = CreationInfo(agency_id=AGENCY_ID, author="synthetic truth", creation_time=start)
    catalog = Catalog(resource_id=ResourceIdentifier(prefix), creation_info=info)
    catalog.description = "Synthetic earthquakes: none of them happened"
    for index, earthquake in enumerate(events):
        own = [pick for pick in picks if pick.event == index]
        catalog.append(_event(f"{prefix}/event{index + 1:03d}", start, earthquake, own, info))
    return catalog


def _event(name: str, start: UTCDateTime, earthquake: Earthquake, own: list[TruePick], info: CreationInfo) -> Event:
    picks, arrivals = [], []
    for pick in own:
        label = f"{pick.station}{pick.location}{pick.phase}"
        pick_id = ResourceIdentifier(f"{name}/pick/{label}")
        picks.append(
            Pick(
                resource_id=pick_id,
                time=start + pick.time_s,
                time_errors=QuantityError(uncertainty=0.01),
                waveform_id=WaveformStreamID(NETWORK_CODE, pick.station, pick.location, pick.channel),
                phase_hint=pick.phase,
                evaluation_mode="manual",
                evaluation_status="final",
                creation_info=info,
            )
        )
        arrivals.append(
            Arrival(
                resource_id=ResourceIdentifier(f"{name}/arrival/{label}"),
                pick_id=pick_id,
                phase=pick.phase,
                azimuth=pick.azimuth_deg,
                distance=pick.distance_km / ROUND_KM_PER_DEGREE,
                takeoff_angle=pick.takeoff_deg,
                time_residual=0.0,
                time_weight=1.0,
            )
        )
    origin = Origin(
        resource_id=ResourceIdentifier(f"{name}/origin"),
        time=start + earthquake.origin_s,
        latitude=earthquake.latitude,
        longitude=earthquake.longitude,
        depth=1000.0 * earthquake.depth_km,
        depth_type="other",
        arrivals=arrivals,
        quality=OriginQuality(
            used_phase_count=len(own), used_station_count=len({pick.station for pick in own}), standard_error=0.0
        ),
        evaluation_mode="manual",
        evaluation_status="final",
        creation_info=info,
    )
    magnitude = Magnitude(
        resource_id=ResourceIdentifier(f"{name}/magnitude"),
        mag=earthquake.ml,
        magnitude_type="ML",
        origin_id=origin.resource_id,
        evaluation_mode="manual",
        creation_info=info,
    )
    event = Event(
        resource_id=ResourceIdentifier(name),
        event_type="earthquake",
        event_descriptions=[EventDescription(text="SYNTHETIC, FRIULI", type="region name")],
        picks=picks,
        origins=[origin],
        magnitudes=[magnitude],
        creation_info=info,
    )
    event.preferred_origin_id = origin.resource_id
    event.preferred_magnitude_id = magnitude.resource_id
    return event
