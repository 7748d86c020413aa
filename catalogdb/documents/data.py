"""Types of documents: what stages make: picks, origins, events.

Made by `python docs/reference/generate.py` from `schemas/*.yaml`, which say more of every field. A field that is
not known is not there (`NotRequired`), and never None. Types named `...Fields` are what
science makes: documents before the fields are added that they are stored with. `...Draft` is one in the
making, with None for what is not known.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from catalogdb.documents.free import Json

Branch = Literal["g", "n"]
Decision = Literal["decided", "unsure", "too_few_stations", "no_station"]
EvaluationMode = Literal["automatic", "manual"]
EvaluationStatus = Literal["preliminary", "confirmed", "reviewed", "final", "rejected"]
EventTypeCertainty = Literal["known", "suspected"]
EventTypeRule = Literal["waveforms"]
Onset = Literal["emergent", "impulsive", "questionable"]
Polarity = Literal["positive", "negative", "undecidable"]
TimeFrom = Literal["first_arrival", "minute"]
Zone = Literal["A", "C", "E", "F", "G", "L", "O", "R", "S", "T", "V"]


class MagnitudeStationMagnitude(TypedDict):
    """One entry per station."""

    net: NotRequired[str]  # Network code
    sta: str  # Station code
    value: float  # The station's magnitude
    weight: NotRequired[float]  # 0 for a station that the source leaves out of the mean
    amplitude_mm: NotRequired[float]  # mm: Wood-Anderson amplitude, half peak to peak
    distance_km: NotRequired[float]  # km: Hypocentral distance
    response_remarks: NotRequired[list[Any]]  # What is odd about the responses used


class MagnitudeFields(TypedDict):
    """One magnitude of one event."""

    event_id: str  # event._id
    type: str  # ML, MD, Mw
    value: float  # The magnitude
    uncertainty: NotRequired[float]  # Standard deviation of the station magnitudes (1.4826 MAD)
    evaluation_mode: NotRequired[EvaluationMode]  # QuakeML evaluationMode, where the source gives one of the magnitude
    evaluation_status: NotRequired[EvaluationStatus]  # QuakeML evaluationStatus, likewise
    origin_id: NotRequired[str]  # _id of that of the event's origins that it was determined with (QuakeML ...
    assumed: NotRequired[list[Any]]  # origin_id, where the source names no origin that is there
    comments: NotRequired[list[Any]]  # The source's comments, as those of events
    creation_info: NotRequired[Json]  # agency_id, author, version and creation time (epoch seconds), where the ...
    n_stations: NotRequired[int]  # Number of stations used
    given_as: NotRequired[Json]  # Value by format, of OGS files
    source_file: NotRequired[str]  # File that the magnitude is from, where several give one
    station_magnitudes: NotRequired[list[MagnitudeStationMagnitude]]  # One entry per station


class MagnitudeDraft(TypedDict, total=False):
    """`Magnitude` in the making."""

    _id: str | None
    event_id: str | None
    type: str | None
    value: float | None
    uncertainty: float | None
    evaluation_mode: EvaluationMode | None
    evaluation_status: EvaluationStatus | None
    origin_id: str | None
    assumed: list[Any] | None
    comments: list[Any] | None
    creation_info: Json | None
    n_stations: int | None
    given_as: Json | None
    source_file: str | None
    station_magnitudes: list[MagnitudeStationMagnitude] | None


class Magnitude(MagnitudeFields):
    """The same as it is stored in `magnitude`."""

    _id: str  # Content id of (config_id, event_id, type)
    catalog: str  # Name of the catalog
    config_id: str  # Identity of the configuration
    task_id: str  # The ledger row that wrote it


class OriginArrival(TypedDict):
    """One entry per pick used."""

    pick_id: str  # pick._id
    phase: str  # Phase that the associator took it for
    net: NotRequired[str]  # Network code
    sta: str  # Station code
    time: float  # s: The pick's time
    residual: NotRequired[float]  # s: Observed minus predicted
    distance_km: NotRequired[float]  # km: Epicentral distance
    azimuth: NotRequired[float]  # degree: Event to station, clockwise from north
    takeoff_angle: NotRequired[float]  # degree: Of the ray at the source, from the downward vertical (HYPO71's AIN)
    station_delay: NotRequired[float]  # s: Station correction that the location used, where there is one
    weight: NotRequired[float]  # Weight of the arrival in the location, 0..1


class OriginArrivalDraft(TypedDict, total=False):
    """`OriginArrival` in the making."""

    pick_id: str | None
    phase: str | None
    net: str | None
    sta: str | None
    time: float | None
    residual: float | None
    distance_km: float | None
    azimuth: float | None
    takeoff_angle: float | None
    station_delay: float | None
    weight: float | None


class OriginFields(TypedDict):
    """One origin of one event by one method."""

    method: str  # gamma, pyocto, scan, nonlinear (the stage locate), double difference (the stage relocate), or ...
    time: float  # s: Origin time (epoch seconds UTC)
    latitude: float  # degree: WGS84
    longitude: float  # degree: WGS84
    depth_km: NotRequired[float]  # km: Below sea level, positive down
    depth_type: NotRequired[str]  # QuakeML depthType, by what the depth was found, for example from location or ...
    time_uncertainty: NotRequired[float]  # s: One standard deviation
    horizontal_uncertainty_km: NotRequired[float]  # km: Largest horizontal standard deviation
    depth_uncertainty_km: NotRequired[float]  # km: One standard deviation
    limits: NotRequired[list[Any]]  # What set the location besides its arrivals
    expected: NotRequired[Json]  # Expectation of the place and time by the probability density
    covariance_km2: NotRequired[list[Any]]  # km2: Covariance of (east, north, down) around the expectation, three ...
    ellipsoid: NotRequired[Json]  # One standard deviation along each axis of the covariance, as QuakeML has it
    depth_68_km: NotRequired[list[Any]]  # km: Depths between which the event lies by 68 %, as likely above as below
    depth_90_km: NotRequired[list[Any]]  # km: The same by 90 %
    epicentre_68_km: NotRequired[float]  # km: Radius around the epicentre within which the event lies by 68 %
    epicentre_90_km: NotRequired[float]  # km: The same by 90 %
    bimodal: NotRequired[bool]  # True where the probability density has several maxima apart from one another
    cluster: NotRequired[str]  # Of method double difference
    cluster_events: NotRequired[int]  # Events of that cluster
    n_differences: NotRequired[int]  # Differential times of picks that it was relocated by
    n_correlated: NotRequired[int]  # Differential times by cross-correlation that it was relocated by
    rms: NotRequired[float]  # s: Root-mean-square of arrival residuals
    azimuthal_gap: NotRequired[float]  # degree: Largest azimuth without a station
    minimum_distance_km: NotRequired[float]  # km: Epicentral distance of the nearest station
    evaluation_mode: NotRequired[EvaluationMode]  # QuakeML evaluationMode, where the source gives one of the origin
    evaluation_status: NotRequired[EvaluationStatus]  # QuakeML evaluationStatus, likewise
    comments: NotRequired[list[Any]]  # The source's comments, as those of events
    creation_info: NotRequired[Json]  # agency_id, author, version and creation time (epoch seconds), where the ...
    score: NotRequired[float]  # The associator's own score (GaMMA
    n_picks: NotRequired[int]  # Number of arrivals
    n_p: NotRequired[int]  # Number of P arrivals
    n_s: NotRequired[int]  # Number of S arrivals
    n_stations: NotRequired[int]  # Number of stations with an arrival
    quality: NotRequired[str]  # HYPO71 quality letter, in .pun with a digit behind
    quality_sqd: NotRequired[str]  # HYPO71's two grades behind the quality
    earth_model_id: NotRequired[str]  # Velocity model that the travel times of the location are from, named by its ...
    velocity_model: NotRequired[str]  # Which of HYPO71's crustal models was used
    source_file: NotRequired[str]  # File that the origin is from, where several give one
    source_format: NotRequired[str]  # Format of that file
    arrivals: NotRequired[list[OriginArrival]]  # One entry per pick used


class OriginDraft(TypedDict, total=False):
    """`Origin` in the making."""

    _id: str | None
    method: str | None
    time: float | None
    latitude: float | None
    longitude: float | None
    depth_km: float | None
    depth_type: str | None
    time_uncertainty: float | None
    horizontal_uncertainty_km: float | None
    depth_uncertainty_km: float | None
    limits: list[Any] | None
    expected: Json | None
    covariance_km2: list[Any] | None
    ellipsoid: Json | None
    depth_68_km: list[Any] | None
    depth_90_km: list[Any] | None
    epicentre_68_km: float | None
    epicentre_90_km: float | None
    bimodal: bool | None
    cluster: str | None
    cluster_events: int | None
    n_differences: int | None
    n_correlated: int | None
    rms: float | None
    azimuthal_gap: float | None
    minimum_distance_km: float | None
    evaluation_mode: EvaluationMode | None
    evaluation_status: EvaluationStatus | None
    comments: list[Any] | None
    creation_info: Json | None
    score: float | None
    n_picks: int | None
    n_p: int | None
    n_s: int | None
    n_stations: int | None
    quality: str | None
    quality_sqd: str | None
    earth_model_id: str | None
    velocity_model: str | None
    source_file: str | None
    source_format: str | None
    arrivals: list[OriginArrival] | None


class Origin(OriginFields):
    """The same as it is stored in `origin`."""

    _id: str  # Content id of (config_id, event_id)
    catalog: str  # Name of the catalog
    config_id: str  # Identity of the configuration
    task_id: str  # The ledger row that wrote it
    event_id: str  # event._id, content id of (association's config_id, sorted pick ids)


class DetectionFields(TypedDict):
    """A stretch of time in which EQTransformer sees an earthquake at one station."""

    starttime: float  # s: First sample at or above half the threshold (epoch seconds UTC)
    endtime: float  # s: Last sample at or above half the threshold
    probability: float  # Largest detection probability in it, 0..1


class Detection(DetectionFields):
    """The same as it is stored in `detection`."""

    _id: str  # Content id of (config_id, channel_group, starttime in ms)
    pick_set: str  # Name of the pick set that it was made with
    config_id: str  # Identity of the configuration
    task_id: str  # The ledger row that wrote it
    channel_group: str  # net.sta.loc.BI, the sensor that was picked
    net: str  # Network code
    sta: str  # Station code
    loc: str  # Location code


class DifferentialTimeTime(TypedDict):
    """One entry per station, phase and kind."""

    net: str  # Network code
    sta: str  # Station code
    phase: str  # P or S
    kind: str  # catalog
    dt: float  # s: Travel time of the first event minus that of the second one, both after the origin times that ...
    cc: NotRequired[float]  # Correlation coefficient, of waveforms
    weight: float  # Weight in the last solution, over the largest one of the cluster
    residual: float  # s: Observed minus predicted, of the relocated events


class DifferentialTimeFields(TypedDict):
    """How much later two events arrived, one than the other, at the stations that have both."""

    first_event_id: str  # event._id
    second_event_id: str  # event._id
    separation_km: float  # km: Of the two hypocentres, relocated
    n_times: int  # Number of differential times
    times: list[DifferentialTimeTime]  # One entry per station, phase and kind


class DifferentialTime(DifferentialTimeFields):
    """The same as it is stored in `differential_time`."""

    _id: str  # Content id of (config_id, cluster, first_event_id, second_event_id)
    catalog: str  # Name of the catalog
    config_id: str  # Identity of the configuration
    task_id: str  # The ledger row that wrote it


class EventDescription(TypedDict):
    """What the source's descriptions of the event say, place among them."""

    text: str  # As the source has it
    type: NotRequired[str]  # QuakeML's type of it


class EventSource(TypedDict):
    """One entry per file that the event stands in."""

    file: str  # The file's name
    format: str  # Its format
    line: NotRequired[int]  # Line where the event begins
    id: NotRequired[str]  # The event's id in the file
    number: NotRequired[int]  # The event's running number in the file
    is_located: NotRequired[bool]  # Whether the phase cards say that the event is located
    first_station: NotRequired[str]  # Station of the first pick, as the bulletin names it for events that are not ...


class EventFields(TypedDict):
    """One earthquake, assembled from its origins and magnitudes."""

    time: float  # s: Preferred origin's time (epoch seconds UTC)
    latitude: NotRequired[float]  # degree: WGS84
    longitude: NotRequired[float]  # degree: WGS84
    depth_km: NotRequired[float]  # km: Below sea level, positive down
    point: NotRequired[Json]  # GeoJSON point [longitude, latitude] for geospatial queries
    magnitude: NotRequired[float]  # Preferred magnitude
    magnitude_type: NotRequired[str]  # Its type
    event_type: NotRequired[str]  # QuakeML event type, for example earthquake or explosion
    event_type_certainty: NotRequired[EventTypeCertainty]  # QuakeML's typeCertainty
    event_type_rule: NotRequired[EventTypeRule]  # By what the type was chosen
    event_type_probability: NotRequired[float]  # Of the type, where the waveforms say it
    place: NotRequired[str]  # Place or region name
    descriptions: NotRequired[list[EventDescription]]  # What the source's descriptions of the event say, place ...
    zone: NotRequired[Zone]  # OGS zone
    remarks: NotRequired[str]  # The source's remarks on the event, for example that it is not localized
    comments: NotRequired[list[Any]]  # The source's comments (QuakeML comment)
    time_from: NotRequired[TimeFrom]  # Where no origin gives the time
    n_picks: NotRequired[int]  # Arrivals of the preferred origin
    n_p: NotRequired[int]  # P arrivals of the preferred origin
    n_s: NotRequired[int]  # S arrivals of the preferred origin
    rms: NotRequired[float]  # s: Of the preferred origin
    azimuthal_gap: NotRequired[float]  # degree: Of the preferred origin
    evaluation_mode: EvaluationMode  # QuakeML evaluationMode
    evaluation_status: EvaluationStatus  # QuakeML evaluationStatus
    assumed: NotRequired[list[Any]]  # Which of evaluation_mode and evaluation_status the source does not give
    preferred_origin_id: NotRequired[str]  # _id of the preferred entry of origins
    preferred_origin_rule: NotRequired[str]  # By what the preferred origin was chosen, where there are several
    preferred_magnitude_id: NotRequired[str]  # _id of the preferred entry of magnitudes
    limits: NotRequired[list[Any]]  # What set the preferred origin's location besides its arrivals, as in origins
    origins: list[Origin]  # All origins with their arrivals, as in the origin collection
    magnitudes: list[Magnitude]  # All magnitudes, as in the magnitude collection
    source_id: NotRequired[str]  # The source's own id (QuakeML publicID, bulletin number)
    sources: NotRequired[list[EventSource]]  # One entry per file that the event stands in
    creation_info: NotRequired[Json]  # agency_id, author, version and creation time (epoch seconds) of the ...


class EventDraft(TypedDict, total=False):
    """`Event` in the making."""

    _id: str | None
    time: float | None
    latitude: float | None
    longitude: float | None
    depth_km: float | None
    point: Json | None
    magnitude: float | None
    magnitude_type: str | None
    event_type: str | None
    event_type_certainty: EventTypeCertainty | None
    event_type_rule: EventTypeRule | None
    event_type_probability: float | None
    place: str | None
    descriptions: list[EventDescription] | None
    zone: Zone | None
    remarks: str | None
    comments: list[Any] | None
    time_from: TimeFrom | None
    n_picks: int | None
    n_p: int | None
    n_s: int | None
    rms: float | None
    azimuthal_gap: float | None
    evaluation_mode: EvaluationMode | None
    evaluation_status: EvaluationStatus | None
    assumed: list[Any] | None
    preferred_origin_id: str | None
    preferred_origin_rule: str | None
    preferred_magnitude_id: str | None
    limits: list[Any] | None
    origins: list[Origin] | None
    magnitudes: list[Magnitude] | None
    source_id: str | None
    sources: list[EventSource] | None
    creation_info: Json | None


class Event(EventFields):
    """The same as it is stored in `event`."""

    _id: str  # The event id
    catalog: str  # Name of the catalog
    config_id: str  # Identity of the catalog's configuration
    task_id: str  # The ledger row that wrote it


class EventTypeWeights(TypedDict):
    """Of the network."""

    name: str  # As the job names them
    sha256: str  # Of the tensors' file


class EventTypeStation(TypedDict):
    """One entry per station that was asked, nearest first."""

    net: str  # Network code
    sta: str  # Station code
    distance_km: NotRequired[float]  # km: From the epicentre
    vote: NotRequired[str]  # The class that it holds for the most probable
    probabilities: NotRequired[Json]  # Of each class, of this station alone and without the prior
    reason: NotRequired[str]  # Why it doesn't vote


class EventTypeFields(TypedDict):
    """What the waveforms of its stations say that one event was, with the votes."""

    event_id: str  # event._id
    time: float  # s: The origin's time (epoch seconds UTC)
    hour: float  # h: Hour of the day, UTC
    decision: Decision  # decided
    type: NotRequired[str]  # QuakeML's type, of decided ones alone
    most_probable: NotRequired[str]  # The most probable class
    probability: NotRequired[float]  # Of that class
    probabilities: NotRequired[Json]  # Of each class
    votes: NotRequired[Json]  # Stations that hold each class for the most probable
    prior: NotRequired[Json]  # How common each class was taken to be
    least_probability: float  # Probability from which the most probable class is decided
    n_stations: int  # Stations that vote
    weights: EventTypeWeights  # Of the network
    stations: list[EventTypeStation]  # One entry per station that was asked, nearest first


class EventType(EventTypeFields):
    """The same as it is stored in `event_type`."""

    _id: str  # Content id of (config_id, event_id, event_type)
    catalog: str  # Name of the catalog
    config_id: str  # Identity of the configuration
    task_id: str  # The ledger row that wrote it


class FeatureStation(TypedDict):
    """One entry per station."""

    net: str  # Network code
    sta: str  # Station code
    channel_group: str  # The sensor, net.sta.loc.BI
    p_time: float  # s: P arrival that the window is counted from (epoch seconds UTC)
    snr: float  # Amplitude of the loudest frame over that of the noise before P, in the band


class FeatureFields(TypedDict):
    """Spectral features of one event - its cluster, and the stations that have a fingerprint of it."""

    event_id: str  # event._id
    time: float  # s: Origin time (epoch seconds UTC)
    cluster: int  # Number of its cluster in the catalog's feature_model
    silhouette: float  # By the clusters' centres
    map: list[Any]  # Its first two principal components among the catalog's events
    n_stations: int  # Number of stations with a fingerprint
    stations: list[FeatureStation]  # One entry per station


class Feature(FeatureFields):
    """The same as it is stored in `feature`."""

    _id: str  # Content id of (config_id, event_id)
    catalog: str  # Name of the catalog
    config_id: str  # Identity of the catalog's configuration
    task_id: str  # The ledger row that wrote it


class FeatureModelStation(TypedDict):
    """One entry per station."""

    net: str  # Network code
    sta: str  # Station code
    n_spectrograms: int  # Number of its spectrograms


class FeatureModelSilhouette(TypedDict):
    """Mean silhouette by number of clusters, of those that were tried."""

    clusters: int  # Number of clusters
    silhouette: float  # Mean silhouette of the events


class FeatureModelCluster(TypedDict):
    """One entry per cluster, the largest first."""

    cluster: int  # Its number, from 1 on
    n_events: int  # Number of its events
    fingerprint: list[Any]  # Mean of its events' fingerprints at all stations, as in fingerprint
    activations: list[Any]  # Mean activation of each pattern, likewise (dB)


class FeatureModelFields(TypedDict):
    """What the spectral features of one catalog's events are made with - spectral patterns, states of a hidden ...."""

    frequencies_hz: list[Any]  # Hz: Frequencies of spectrograms and patterns
    frame_starts: list[Any]  # s: Start of each frame of a spectrogram after the P arrival
    patterns: list[Any]  # One array per pattern, by its centre
    initial: list[Any]  # Probability of each state in the first frame
    transition: list[Any]  # One array per state
    means: list[Any]  # One array per state
    variances: list[Any]  # One array per state
    log_likelihoods: list[Any]  # Mean log-likelihood of a frame after each step of learning
    n_spectrograms: int  # Number of spectrograms that were described
    n_learned_from: int  # Number of those that patterns and states were learned from
    stations: list[FeatureModelStation]  # One entry per station
    variance_explained: list[Any]  # Part of the events' variance that each principal component has
    snr_correlation: NotRequired[float]  # Rank correlation (Spearman) of the events' first principal component ...
    silhouettes: list[FeatureModelSilhouette]  # Mean silhouette by number of clusters, of those that were tried
    clusters: list[FeatureModelCluster]  # One entry per cluster, the largest first


class FeatureModel(FeatureModelFields):
    """The same as it is stored in `feature_model`."""

    _id: str  # Content id of (config_id, "feature_model")
    catalog: str  # Name of the catalog
    config_id: str  # Identity of the catalog's configuration
    task_id: str  # The ledger row that wrote it


class FingerprintFields(TypedDict):
    """The fingerprint of one event at one station, as the features of the catalog have it."""

    mark: str  # Of the attempt that wrote it, as in task
    event_id: str  # event._id
    net: str  # Network code
    sta: str  # Station code
    activations: list[Any]  # Mean activation of each pattern of the feature_model (dB)
    fingerprint: list[Any]  # Part that each transition has of all between frames, row by row


class Fingerprint(FingerprintFields):
    """The same as it is stored in `fingerprint`."""

    _id: str  # Content id of (config_id, event_id, net, sta), and the mark
    catalog: str  # Name of the catalog
    config_id: str  # Identity of the catalog's configuration
    task_id: str  # The ledger row that wrote it


class ModelWeightsCurve(TypedDict):
    """By epoch."""

    epoch: int  # From 1 on
    training_loss: float  # Mean over the epoch's windows
    validation_loss: float  # After the epoch, always on the same windows
    learning_rate: float  # Of the epoch
    accuracy: NotRequired[float]  # Of pretraining
    words_in_use: NotRequired[float]  # Of pretraining


class ModelWeightsFields(TypedDict):
    """Weights of one model that one seed led to."""

    model: str  # Name of the model
    seed: int  # Seed of windows, order and dropout
    sha256: str  # SHA-256 of the tensors' file, and its id in the bucket
    bytes: int  # Size of the tensors' file
    metadata: Json  # SeisBench's JSON file, with window length and time calibration under catalogdb
    epochs: int  # Epochs that were trained
    best_epoch: int  # The epoch whose weights these are
    validation_loss: float  # Smallest loss on the validation part
    curves: list[ModelWeightsCurve]  # By epoch
    time_calibration: NotRequired[Json]  # Of the times of its picks, from the validation part
    records: Json  # Records that trained and validated


class ModelWeights(ModelWeightsFields):
    """The same as it is stored in `model_weights`."""

    _id: str  # Name of the model, a hyphen and the seed
    config_id: str  # Identity of the configuration
    task_id: str  # The ledger row that wrote it


class PeakFields(TypedDict):
    """The peaks of the probability traces of one sensor and shard, measured."""

    starttime: float  # s: Start of the shard (epoch seconds UTC)
    endtime: float  # s: End of the shard
    turns: NotRequired[list[Any]]  # When the sensor is the one that is picked, pairs of start and end (epoch ...
    floor: float  # Probability from which on peaks are kept
    codec: str  # How the blob is made, with its version
    count: int  # Number of peaks
    runs: list[Any]  # For each stretch without a gap its components and, by phase, the channel that picks are ...
    blob: bytes  # The peaks, encoded by the codec


class Peak(PeakFields):
    """The same as it is stored in `peak`."""

    _id: str  # Content id of (config_id, channel_group, starttime of the shard in ms)
    pick_set: str  # Name of the pick set
    config_id: str  # Identity of the configuration
    task_id: str  # The ledger row that wrote it
    channel_group: str  # net.sta.loc.BI, the sensor that was picked
    net: str  # Network code
    sta: str  # Station code
    loc: str  # Location code


class PickFields(TypedDict):
    """One phase arrival at one station."""

    channel_group: str  # net.sta.loc.BI
    net: str  # Network code
    sta: str  # Station code
    loc: str  # Location code
    chan: str  # Channel that the pick is reported on, as it is at its time
    phase: str  # P or S
    time: float  # s: Arrival time (epoch seconds UTC)
    uncertainty: NotRequired[float]  # s: Half-width (s) of the interval that holds 68.27 % of the time errors, one ...
    probability: NotRequired[float]  # Peak value of the picker's characteristic function in 0..1
    quality: NotRequired[float]  # Estimated probability that a direct arrival of the phase lies within 0.5 s
    snr: NotRequired[float]  # Root-mean-square amplitude after over before the pick, band-passed
    amplitude: NotRequired[float]  # count: Largest absolute band-passed amplitude in the seconds after the pick
    components: NotRequired[str]  # Components that the picker had at its time, for example ZNE, Z12 or Z
    evaluation_mode: EvaluationMode  # QuakeML evaluationMode
    evaluation_status: NotRequired[EvaluationStatus]  # QuakeML evaluationStatus, where the source gives one of the pick
    assumed: NotRequired[list[Any]]  # Which of evaluation_mode and uncertainty the source does not give
    comments: NotRequired[list[Any]]  # The source's comments, as those of events
    creation_info: NotRequired[Json]  # agency_id, author, version and creation time (epoch seconds), where the ...
    is_counted: NotRequired[bool]  # False for what never counts in evaluation
    hypo71_weight: NotRequired[int]  # Analyst's weight class
    polarity: NotRequired[Polarity]  # QuakeML polarity of the onset
    first_motion: NotRequired[str]  # The analyst's own mark of the first motion, as HYPO71 has them
    onset: NotRequired[Onset]  # QuakeML onset
    branch: NotRequired[Branch]  # Branch of the travel time that the analyst gave the phase
    duration: NotRequired[float]  # s: Duration of the signal at the station that the analyst read for MD
    event_key: NotRequired[str]  # Event that the source file puts the pick in
    other_event_keys: NotRequired[list[Any]]  # More events that the source puts this same reading in
    source_id: NotRequired[str]  # The source file's own id (QuakeML publicID)


class PickDraft(TypedDict, total=False):
    """`Pick` in the making."""

    _id: str | None
    channel_group: str | None
    net: str | None
    sta: str | None
    loc: str | None
    chan: str | None
    phase: str | None
    time: float | None
    uncertainty: float | None
    probability: float | None
    quality: float | None
    snr: float | None
    amplitude: float | None
    components: str | None
    evaluation_mode: EvaluationMode | None
    evaluation_status: EvaluationStatus | None
    assumed: list[Any] | None
    comments: list[Any] | None
    creation_info: Json | None
    is_counted: bool | None
    hypo71_weight: int | None
    polarity: Polarity | None
    first_motion: str | None
    onset: Onset | None
    branch: Branch | None
    duration: float | None
    event_key: str | None
    other_event_keys: list[Any] | None
    source_id: str | None


class Pick(PickFields):
    """The same as it is stored in `pick`."""

    _id: str  # Content id of (config_id, channel_group, phase, time in ms)
    pick_set: str  # Name of the pick set
    config_id: str  # Identity of the configuration
    task_id: str  # The ledger row that wrote it


class ProbabilitySegment(TypedDict):
    """Stretches of data without a gap, in the order of their samples in the blob."""

    start_ns: int  # ns: Time of the first sample (nanoseconds since 1970, UTC)
    rate: float  # Hz: Samples per second by the data's own clock
    npts: int  # Number of samples
    components: str  # Components that the network had, for example ZNE, Z12 or Z


class ProbabilityFields(TypedDict):
    """Probability of each phase at each sample of one UTC hour of one sensor."""

    starttime: float  # s: Start of the UTC hour (epoch seconds)
    endtime: float  # s: End of the UTC hour, not part of it
    labels: list[Any]  # What the rows are
    floor: float  # Lowest probability kept
    codec: str  # How the blob is made, with its version
    segments: list[ProbabilitySegment]  # Stretches of data without a gap, in the order of their samples in the blob
    blob: bytes  # The probabilities, encoded by the codec
    seconds: NotRequired[float]  # s: How much of the hour the network says something about
    seconds_above_floor: NotRequired[Json]  # s: By label
    largest: NotRequired[Json]  # By label


class Probability(ProbabilityFields):
    """The same as it is stored in `probability`."""

    _id: str  # Content id of (config_id, channel_group, hour)
    pick_set: str  # Name of the pick set
    config_id: str  # Identity of the configuration
    task_id: str  # The ledger row that wrote it
    channel_group: str  # net.sta.loc.BI, the sensor that was picked
    net: str  # Network code
    sta: str  # Station code
    loc: str  # Location code


class StationTermFields(TypedDict):
    """How much later than predicted one phase comes at one station, for the events of one catalog."""

    net: str  # Network code
    sta: str  # Station code
    phase: str  # P or S
    value: float  # s: Median of what the location took off the arrival times
    count: int  # Number of arrivals
    mad: float  # s: Median absolute deviation of the arrivals' delays, without terms, from their median


class StationTerm(StationTermFields):
    """The same as it is stored in `station_term`."""

    _id: str  # Content id of (config_id, net, sta, phase)
    catalog: str  # Name of the catalog
    config_id: str  # Identity of the configuration
    task_id: str  # The ledger row that wrote it
