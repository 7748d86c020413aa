"""Local magnitude ML: origins and waveforms -> magnitudes, by Richter's definition on simulated Wood-Anderson traces.

    station magnitude = log10 A + (-log10 A0(R)) + station term

with A the trace amplitude in mm (geometric mean of the horizontals, so the mean of their magnitudes) and R the
hypocentral distance in km. An event's ML is the median of its station magnitudes.

Sources: Richter (1935, BSSA 25, 1-32); -log10 A0 of Hutton and Boore (1987, BSSA 77, 2074-2094) or as OGS uses it in
North-East Italy.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from catalogdb.channels import sensor_rank
from catalogdb.components import Axis, component_slots
from catalogdb.documents.archive import Channel, ChannelResponse
from catalogdb.documents.data import MagnitudeFields, MagnitudeStationMagnitude, Origin
from catalogdb.geo import distance_azimuth
from catalogdb.magnitude.amplitude_windows import StationWindow, station_windows
from catalogdb.magnitude.config import DEEP_KM, MagnitudeConfig
from catalogdb.magnitude.wood_anderson import UnusableResponse, band_hz, wood_anderson_mm
from catalogdb.stations.response import by_channels, channel_code, overlapping_epochs, precedence
from catalogdb.waveforms.faults import is_clipped

if TYPE_CHECKING:
    from obspy import Trace

MAD_TO_SIGMA = 1.4826

HORIZONTALS = (("N", "E"), ("1", "2"), ("2", "3"), ("1", "3"))


@dataclass
class MagnitudeResult:
    """What came of it.

    Attributes:
        magnitudes: documents as in `schemas/magnitude.yaml`, without `_id`, `catalog`, `config_id` and `task_id`.
        counts: `events`, of which `magnitudes` and `too_few_stations`; `stations_used`, and among them
            `one_horizontal` and `response_remarks` (something is odd about a response that was used); stations of
            events left out, by reason: `no_response`, `unusable_response`, `no_waveform`, `other_channels`
            (waveforms, but none in `channel_priority`), `no_horizontal`, `gap`, `clipped`, `low_rate`, `low_snr`,
            `overlapping`, `too_near`, `too_far`. `no_depth`: events taken at sea level. `deep`: magnitudes of events
            below `DEEP_KM`.
        problems: what is odd about responses, or why they are of no use, each with its channels.
    """

    magnitudes: list[MagnitudeFields]
    counts: dict[str, int]
    problems: list[str] = field(default_factory=list)


class _LeftOut(Exception):
    """A station, or a channel of it, gives no amplitude; the argument is the reason's name in the counts."""


def local_magnitudes(
    origins: Sequence[Origin],
    records: Mapping[tuple[str, str], Sequence[Trace]],
    channels: Iterable[Channel],
    config: MagnitudeConfig,
    neighbours: Iterable[Origin] = (),
) -> MagnitudeResult:
    """Compute ML of events.

    Args:
        origins: origin documents (`event_id`, `time`, `latitude`, `longitude`, `depth_km`, `arrivals`). Only stations
            with an arrival take part; where it has no `distance_km`, the channel's coordinates give the distance.
        records: contiguous traces in counts by (net, sta); of several the first that covers the window counts.
        channels: `channel` documents: `net sta loc chan starttime endtime lat lon elev response`, all epochs.
        config: settings.
        neighbours: origins of other events, which end a window but get no magnitude.
    """
    counts: Counter[str] = Counter(events=len(origins))
    epochs: dict[tuple[str, str], list[Channel]] = defaultdict(list)
    for channel in channels:
        epochs[channel["net"], channel["sta"]].append(channel)
    by_event = {origin["event_id"]: origin for origin in origins}
    station_magnitudes: dict[str, list[MagnitudeStationMagnitude]] = defaultdict(list)
    remarks: dict[str, list[str]] = defaultdict(list)
    for window in station_windows(origins, config, neighbours):
        key = window.net, window.sta
        inputs = records.get(key, ()), epochs.get(key, ())
        station = _Station(by_event[window.event_id], window, *inputs, config, remarks)
        try:
            station_magnitudes[window.event_id].append(station.magnitude(counts))
            counts["stations_used"] += 1
        except _LeftOut as reason:
            counts[str(reason)] += 1
    magnitudes = []
    for origin in origins:
        counts["no_depth"] += origin.get("depth_km") is None
        entries = station_magnitudes[origin["event_id"]]
        if len(entries) < config.min_stations:
            counts["too_few_stations"] += 1
        else:
            magnitudes.append(_event_magnitude(origin["event_id"], entries))
            counts["deep"] += (origin.get("depth_km") or 0.0) > DEEP_KM
    counts["magnitudes"] = len(magnitudes)
    counts_by_name = {name: number for name, number in sorted(counts.items()) if number}
    return MagnitudeResult(magnitudes, counts_by_name, by_channels(remarks))


def minus_log_a0(distance_km: float, config: MagnitudeConfig) -> float:
    """Give -log10 A0, the distance correction, for a hypocentral distance in km; about 3 at 100 km in either form."""
    if config.form == "ogs":
        return -18.0471 + 1.105 * math.log10(distance_km) + 147.111 * math.log10(4.015e-5 * distance_km + 1.33885)
    form = config.hutton_boore
    absorption = form.absorption_per_km * (distance_km - 100.0)
    return form.spreading * math.log10(distance_km / 100.0) + absorption + form.at_100_km


def _event_magnitude(event_id: str, entries: list[MagnitudeStationMagnitude]) -> MagnitudeFields:
    values = np.array([entry["value"] for entry in entries])
    median = float(np.median(values))
    magnitude: MagnitudeFields = {
        "event_id": event_id,
        "type": "ML",
        "value": median,
        "n_stations": len(entries),
        "station_magnitudes": entries,
    }
    if len(entries) > 1:
        magnitude["uncertainty"] = MAD_TO_SIGMA * float(np.median(np.abs(values - median)))
    return magnitude


@dataclass
class _Station:
    """One station's part in one event.

    Attributes:
        epochs: channel epochs of the station, all of them.
        remarks: filled with what is said of responses, and the channels that it is said of.
    """

    origin: Origin
    window: StationWindow
    traces: Sequence[Trace]
    epochs: Sequence[Channel]
    config: MagnitudeConfig
    remarks: dict[str, list[str]]

    def magnitude(self, counts: Counter[str]) -> MagnitudeStationMagnitude:
        """Entry of `station_magnitudes`."""
        epochs = [epoch for epoch in self.epochs if epoch["starttime"] <= self.window.p_time < epoch["endtime"]]
        epochs.sort(key=precedence, reverse=True)
        if not epochs:
            raise _LeftOut("no_response")
        distance_km = self._distance_km(epochs[0])
        if self.window.overlapped:
            raise _LeftOut("overlapping")
        log_amplitude, horizontals, channels = self._log_amplitude(epochs)
        counts["one_horizontal"] += horizontals == 1
        term = self.config.station_term(self.window.net, self.window.sta)
        remarks = self._response_remarks(channels, epochs)
        counts["response_remarks"] += bool(remarks)
        entry: MagnitudeStationMagnitude = {
            "net": self.window.net,
            "sta": self.window.sta,
            "value": log_amplitude + minus_log_a0(distance_km, self.config) + term,
            "amplitude_mm": 10.0**log_amplitude,
            "distance_km": distance_km,
        }
        if remarks:
            entry["response_remarks"] = remarks
        return entry

    def _response_remarks(self, channels: list[str], epochs: list[Channel]) -> list[str]:
        """What is odd about the responses of the channels that were used, each thing once."""
        found: dict[str, list[str]] = defaultdict(list)
        used = [epoch for epoch in epochs if channel_code(epoch) in channels]
        for code in channels:
            epoch = next(epoch for epoch in used if channel_code(epoch) == code and epoch.get("response"))
            for remark in epoch["response"].get("remarks", ()):
                found[remark].append(code)
        for overlap in overlapping_epochs(used):
            if "response" in overlap.differs:
                found[overlap.text].append(overlap.code)
        for text, codes in found.items():
            self.remarks[text] += codes
        return list(found)

    def _distance_km(self, channel: Channel) -> float:
        """Hypocentral distance; a straight line between focus and sensor."""
        epicentral = self.window.epicentral_km
        if epicentral is None:
            to = channel["lat"], channel["lon"]
            distance, _ = distance_azimuth(self.origin["latitude"], self.origin["longitude"], *to)
            epicentral = distance.item()
        below = (self.origin.get("depth_km") or 0.0) + channel["elev"]
        distance_km = math.hypot(epicentral, below)
        if distance_km > self.config.max_distance_km:
            raise _LeftOut("too_far")
        if distance_km < self.config.min_distance_km or distance_km <= 0.0:
            raise _LeftOut("too_near")
        return distance_km

    def _log_amplitude(self, epochs: list[Channel]) -> tuple[float, int, list[str]]:
        """Mean log10 amplitude (mm) of the best sensor that has one, of how many horizontals, and of which channels."""
        if not self.traces:
            raise _LeftOut("no_waveform")
        priority = self.config.channel_priority
        sensors: dict[tuple[int, str], dict[str, list[Trace]]] = defaultdict(lambda: defaultdict(list))
        for trace in self.traces:
            channel = trace.stats.channel
            if channel[:2] in priority and self._meets_window(trace):
                sensors[sensor_rank(trace.id[:-1], priority)][channel[-1]].append(trace)
        if not sensors:
            named = any(trace.stats.channel[:2] in priority for trace in self.traces)
            raise _LeftOut("no_waveform" if named else "other_channels")
        reasons = []
        for _, components in sorted(sensors.items()):
            try:
                return self._sensor_log_amplitude(components, epochs)
            except _LeftOut as reason:
                reasons.append(reason)
        raise reasons[0]

    def _meets_window(self, trace: Trace) -> bool:
        stats = trace.stats
        window = self.window
        return stats.starttime.timestamp <= window.data_end and stats.endtime.timestamp >= window.data_start

    def _pairs(self, components: Mapping[str, list[Trace]], epochs: list[Channel]) -> list[tuple[str, ...]]:
        """Components that amplitudes may come from, in order; which digits are horizontal is decided as in picking."""
        trace = next(iter(components.values()))[0]
        location, family = trace.stats.location, trace.stats.channel[:2]
        known = {
            epoch["chan"]: Axis.of(epoch)
            for epoch in epochs
            if (epoch.get("loc") or "") == location and epoch["chan"][:2] == family
        }
        # N and E come before others; beside them the metadata tell of channels that were not read
        others = [code for code in {*known, *(family + letter for letter in components)} if code[-1] not in "NE"]
        slots = component_slots(others, known)
        level = {code[-1] for code, slot in slots.items() if slot != 0}
        pairs = [pair for pair in HORIZONTALS[1:] if {*pair} & {*components} <= level]
        pairs.sort(key=lambda pair: -len({*pair} & {*components}))
        vertical = [(code[-1],) for code, slot in slots.items() if slot == 0 and code[-1] in components]
        return [HORIZONTALS[0], *pairs, *(vertical[:1] if self.config.use_vertical else ())]

    def _sensor_log_amplitude(
        self, components: Mapping[str, list[Trace]], epochs: list[Channel]
    ) -> tuple[float, int, list[str]]:
        reason = _LeftOut("no_horizontal")
        pairs = self._pairs(components, epochs)
        for letters in pairs:
            values, channels = [], []
            for letter in letters:
                if letter not in components:
                    continue
                try:
                    values.append(math.log10(self._amplitude_mm(components[letter], epochs)))
                    channels.append(components[letter][0].id)
                except _LeftOut as failure:
                    if str(failure) == "clipped":  # the other component may be clipped in the sensor itself
                        raise
                    reason = failure if str(reason) == "no_horizontal" else reason
            if values:
                return sum(values) / len(values), len(values) if letters in HORIZONTALS else 0, channels
        raise reason

    def _amplitude_mm(self, traces: list[Trace], epochs: list[Channel]) -> float:
        """Wood-Anderson amplitude of one channel."""
        window, config = self.window, self.config
        response = _response(traces[0], epochs)
        data, first, rate = self._segment(traces)
        if is_clipped(data, config.clip_counts):
            raise _LeftOut("clipped")
        low, high = band_hz(rate, config)
        if low >= high:
            raise _LeftOut("low_rate")
        try:
            simulated = wood_anderson_mm(data, rate, response, config)
        except UnusableResponse as reason:
            self.remarks[f"no magnitudes from it: {reason}"].append(traces[0].id)
            raise _LeftOut("unusable_response") from None
        times = window.noise_start, window.start, window.end
        noise_start, start, end = (round((time - first) * rate) for time in times)
        amplitude = _amplitude(simulated[start:end], config)
        if not amplitude > config.min_snr * _amplitude(simulated[noise_start:start], config):
            raise _LeftOut("low_snr")
        return amplitude

    def _segment(self, traces: list[Trace]) -> tuple[np.ndarray, float, float]:
        """Samples of the whole window, the time of the first and the sampling rate."""
        window = self.window
        reason = "no_waveform"
        for trace in traces:
            begin, rate = trace.stats.starttime.timestamp, float(trace.stats.sampling_rate)
            first = math.ceil((window.data_start - begin) * rate - 0.01)
            last = first + math.floor((window.data_end - window.data_start) * rate)
            if first < trace.stats.npts and last > 0:
                reason = "gap"
            if first >= 0 and last <= trace.stats.npts:
                data = np.asarray(trace.data[first:last])
                if not np.ma.is_masked(trace.data[first:last]) and np.isfinite(data).all():
                    return data, begin + first / rate, rate
        raise _LeftOut(reason)


def _response(trace: Trace, epochs: list[Channel]) -> ChannelResponse:
    code = trace.stats.location, trace.stats.channel
    for epoch in epochs:
        if (epoch.get("loc") or "", epoch["chan"]) == code and epoch.get("response"):
            return epoch["response"]
    raise _LeftOut("no_response")


def _amplitude(trace_mm: np.ndarray, config: MagnitudeConfig) -> float:
    if config.amplitude == "zero_to_peak":
        return float(np.abs(trace_mm).max())
    return float(np.ptp(trace_mm)) / 2.0
