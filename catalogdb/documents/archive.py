"""Types of documents: the index of waveforms, stations and channels.

Made by `python docs/reference/generate.py` from `schemas/*.yaml`, which say more of every field. A field that is
not known is not there (`NotRequired`), and never None. Types named `...Fields` are what
science makes: documents before the fields are added that they are stored with.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

State = Literal["indexed", "unreadable", "missing", "stale"]


class ChannelResponse(TypedDict):
    """Poles and zeros of the analogue stages and overall sensitivity, as plain numbers."""

    sensitivity: NotRequired[float]  # Overall sensitivity in counts per input unit
    sensitivity_frequency: NotRequired[float]  # Hz: Frequency of the sensitivity
    input_units: NotRequired[str]  # M, M/S or M/S**2, whatever multiple of it the source has
    normalization_factor: NotRequired[float]  # A0 of the poles and zeros at the frequency of the sensitivity
    poles: NotRequired[list[Any]]  # Pairs [real, imaginary] in rad/s
    zeros: NotRequired[list[Any]]  # Pairs [real, imaginary] in rad/s
    unusable: NotRequired[str]  # Why no ground motion can be computed with it
    remarks: NotRequired[list[Any]]  # What was repaired or converted, and where the source contradicts itself


class Channel(TypedDict):
    """One epoch of one channel, written by MsPASS from StationXML or a table of channels."""

    _id: NotRequired[Any]  # ObjectId given by MongoDB
    net: str  # FDSN network code
    sta: str  # FDSN station code
    loc: NotRequired[str]  # Location code
    chan: str  # SEED channel code
    lat: float  # degree: Latitude, WGS84
    lon: float  # degree: Longitude, WGS84
    elev: float  # km: Elevation of the sensor above sea level
    edepth: NotRequired[float]  # km: Burial depth of the sensor
    hang: NotRequired[float]  # degree: Azimuth clockwise from north
    vang: NotRequired[float]  # degree: Angle from the upward vertical (MsPASS)
    starttime: float  # s: Start of the epoch (epoch seconds UTC)
    endtime: float  # s: End of the epoch (epoch seconds UTC)
    sampling_rate: NotRequired[float]  # Hz: Nominal sampling rate of the metadata
    response: NotRequired[ChannelResponse]  # Poles and zeros of the analogue stages and overall sensitivity, as ...
    source: NotRequired[str]  # Name of the file that it came from


class Site(TypedDict):
    """One time that a station (and location code) keeps one place, from StationXML, fdsnws-station text or a ...."""

    _id: NotRequired[Any]  # ObjectId given by MongoDB
    net: str  # FDSN network code
    sta: str  # FDSN station code
    loc: NotRequired[str]  # Location code
    lat: float  # degree: Latitude, WGS84
    lon: float  # degree: Longitude, WGS84
    elev: float  # km: Elevation of the sensor above sea level in km, MsPASS's unit
    edepth: NotRequired[float]  # km: Burial depth of the sensor
    starttime: float  # s: Start of the place (epoch seconds UTC)
    endtime: float  # s: End of the place (epoch seconds UTC)
    source: NotRequired[str]  # Name of the file that it came from


class WfFile(TypedDict):
    """One waveform file that was seen by `catalogdb ingest waveforms`, readable or not."""

    _id: str  # Content id of (dir, dfile)
    dir: str  # Absolute folder of the file
    dfile: str  # File name inside dir
    size: NotRequired[int]  # byte: Size when it was indexed
    mtime_ns: NotRequired[int]  # ns: Modification time when it was indexed (nanoseconds since 1970)
    ctime_ns: NotRequired[int]  # ns: Time of the last change to its inode when it was indexed (nanoseconds since 1970)
    digest: NotRequired[str]  # SHA-256 (its first 128 bits) of its bytes when it was indexed
    revision: NotRequired[int]  # Revision of the readers that read it
    state: State  # What came of the file
    error: NotRequired[str]  # Why it could not be read
    warnings: NotRequired[list[Any]]  # Things worth knowing that did not stop it, such as a truncated last record
    n_pieces: NotRequired[int]  # Number of wf_miniseed documents made from it
    earlier_ids: NotRequired[list[Any]]  # Its _id in the folders that it was in before `catalogdb move-archive` ...
    indexed_at: NotRequired[datetime]  # Server time of the last look


class WfMiniseedFields(TypedDict):
    """One segment (contiguous samples of one channel in one file), written by MsPASS's indexer where the file ...."""

    net: str  # FDSN network code
    sta: str  # FDSN station code
    loc: str  # Location code
    chan: str  # SEED channel code, for example HHZ
    channel_group: str  # net.sta.loc.BI, the three components of one sensor, for example OX.BAD..HH
    starttime: float  # s: Time of the first sample (epoch seconds UTC)
    endtime: float  # s: Time of the last sample (epoch seconds UTC)
    last_packet_time: NotRequired[float]  # s: Start of the last miniSEED record of the segment
    npts: int  # Number of samples
    delta: float  # s: Sample interval
    sampling_rate: float  # Hz: Nominal sampling rate
    dir: str  # Folder of the file
    dfile: str  # File name
    foff: int  # byte: Offset of the segment in the file
    nbytes: int  # byte: Length of the segment in the file
    format: NotRequired[str]  # mseed, MsPASS's name of the format
    storage_mode: NotRequired[str]  # file, MsPASS's name for data outside the database
    time_standard: NotRequired[str]  # UTC


class WfMiniseed(WfMiniseedFields):
    """The same as it is stored in `wf_miniseed`."""

    _id: NotRequired[Any]  # ObjectId given by MongoDB
    file_id: str  # wf_file._id of the file that holds the segment
    content: NotRequired[str]  # Size (bytes) and digest of the file, as in wf_file
    extent: NotRequired[str]  # What is read of which content
    extent_number: NotRequired[int]  # Number from a digest of extent
