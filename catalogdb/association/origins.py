"""From an associator's candidate to an origin document: one pick per phase, location, quality, what may be kept."""

from __future__ import annotations

import contextlib
import math
from bisect import insort
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from catalogdb.association.config import AssociateConfig
from catalogdb.association.fit import BACKGROUND_SECONDS, EventFitter
from catalogdb.association.locate import Hypocentre
from catalogdb.association.prepared import Candidate, PreparedPicks, PreparedStations, Volume
from catalogdb.association.scan import Search
from catalogdb.association.support import SUPPORT, SUPPORTED_PER_DAY, is_at_source, supported_times, within_minutes
from catalogdb.documents.data import OriginArrival, OriginFields
from catalogdb.geo import azimuthal_gap, distance_azimuth
from catalogdb.traveltimes.first_arrivals import TravelTimes

# An event whose picks all lie this close to what a larger one predicts, at stations that it lacks, is part of it.
PART_SECONDS = 3.0
PART_SHARE = 0.05
NEAR_SECONDS = 30.0
LEAST_CHANCE = 1e-200
# A location this close to a limit stands on it.
LIMIT_KM = 0.02
# The best place lies outside of what was searched: no error that is computed at the limit holds.
BEYOND_LIMIT = {"maxdepth", "edge"}
# Events that chance would make so many times more often than is allowed may lack but one pick less.
WORTH_A_LOOK = 100.0
# So many times rarer by chance than is allowed: an event beyond doubt.
BEYOND_DOUBT = 1e-6
# Where more than FEW_EVENTS lie within minutes, chance may have made this share of them.
FALSE_SHARE = 0.03
FEW_EVENTS = 2
# In a swarm, an event whose residuals are so many times as wide as is typical there mixes others.
MIXED = 2.5
# So many events of a swarm say what is typical.
SWARM_EVENTS = 5
# Of the search, once more each time as long as events are found.
MAXIMUM_PASSES = 4


@dataclass(frozen=True, eq=False)
class _Accepted:
    here: Hypocentre
    rows: np.ndarray
    method: str
    score: float | None


class OriginBuilder:
    """Turns candidates into origins; `counts` says what became of what it was given."""

    def __init__(
        self,
        picks: PreparedPicks,
        stations: PreparedStations,
        volume: Volume,
        times: TravelTimes,
        config: AssociateConfig,
        core: tuple[float, float] = (-math.inf, math.inf),
    ):
        self._picks, self._stations, self._volume, self._times, self._config = picks, stations, volume, times, config
        self._core = core
        self.fitter = EventFitter(picks, stations, volume, times, config)
        self.counts: Counter[str] = Counter()
        # GaMMA and PyOcto locate by themselves in the model that they search in.
        is_own = not config.relocate and config.associator != "scan"
        velocity = config.velocity if is_own else config.location_velocity or config.velocity
        self._earth_model_id = velocity.earth_model_id
        self._accepted: list[_Accepted] = []
        self._accepted_times: list[float] = []
        # Root mean square of residuals in a swarm, s, once it is known.
        self._typical: float | None = None
        # What was refused though chance makes it SUPPORTED_PER_DAY at most.
        self._doubtful: list[Hypocentre] = []
        # What chance makes too often, by its picks: a later pass may keep it, or give its picks to another event.
        self._by_chance: dict[tuple[int, ...], Hypocentre] = {}

    def consider_all(self, candidates: list[Candidate]) -> None:
        """Consider candidates that are all known, the one with most picks first: it has those that are shared."""
        for candidate in sorted(candidates, key=lambda found: (-len(found.picks), found.time, found.picks)):
            self.consider(candidate, self._config.associator, self._config.max_chance_per_day)

    def consider(self, candidate: Candidate, method: str, max_chance_per_day: float | None) -> tuple[bool, float]:
        """Fit a candidate to the picks that are free, and keep it if it is an event.

        Args:
            candidate: first guess.
            method: the associator that made it; the scan's score is minus log10 of the chance events per day.
            max_chance_per_day: see `chance`; None: no test.

        Returns:
            whether picks were taken, and how many such events chance would make in a day; infinite for one that is no
            event whatever is allowed.
        """
        counts: Counter[str] = Counter()
        here, is_taken, chance_per_day = self._consider(candidate, method, max_chance_per_day, counts)
        if self._owns(here.time):
            self.counts.update(counts)
        return is_taken, chance_per_day

    def consider_best_first(self, search: Search, max_chance_per_day: float) -> None:
        """Consider what the scan finds: events beyond doubt first, so that lesser ones don't take their picks.

        Each pass sees fewer picks that belong to nothing than the one before. The last ones ask for less where events
        are frequent: of those there, chance may have made FALSE_SHARE.
        """
        self._consider_unmixed(search, BEYOND_DOUBT * max_chance_per_day)
        self._consider_unmixed(search, max_chance_per_day)
        self._consider_supported(search, max_chance_per_day)
        self._consider_frequent(search, max_chance_per_day)
        if self._typical is not None:
            self.fitter.narrow(None)
            self._consider_found(search, lambda _: max_chance_per_day)

    def _consider_unmixed(self, search: Search, allowed: float) -> None:
        """Consider what is allowed everywhere; once more where events that mix others may have been given back."""
        self._consider_found(search, lambda _: allowed)
        if self._dissolve_mixed():
            self._consider_found(search, lambda _: allowed)

    def _dissolve_mixed(self) -> bool:
        """Where events are frequent, learn how wide their residuals are, and give back the picks of far wider ones.

        Returns:
            whether there are events enough to learn from.
        """
        swarm = [event for event in self._accepted if self._events_per_day(event.here.time) > 0.0]
        if len(swarm) < SWARM_EVENTS:
            return False
        self._typical = float(np.median([self._rms(event.here, event.rows) for event in swarm]))
        self.fitter.narrow(self._typical)
        mixed = [event for event in swarm if self._is_mixed(event.here, event.rows)]
        self._give_back(mixed)
        return True

    def _is_mixed(self, here: Hypocentre, rows: np.ndarray) -> bool:
        """Whether the residuals are wider than those of one event of the swarm."""
        if self._typical is None or self._events_per_day(here.time) == 0.0:
            return False
        return self._rms(here, rows) > MIXED * self._typical

    def _rms(self, here: Hypocentre, rows: np.ndarray) -> float:
        return float(np.sqrt(np.mean(self.fitter.misfit(rows, here) ** 2)))

    def _consider_supported(self, search: Search, max_chance_per_day: float) -> None:
        """Consider doubtful events that others support; those that turn out to be alone give back their picks."""
        before = list(self._accepted)
        sure = [event.here for event in before]
        times = supported_times(self._doubtful, sure)
        if not times or max_chance_per_day >= SUPPORTED_PER_DAY:
            return
        self._consider_found(
            search, lambda time: SUPPORTED_PER_DAY if within_minutes(times, time) else max_chance_per_day
        )
        while alone := [
            event
            for event in self._accepted
            if event not in before
            and within_minutes(self._accepted_times, event.here.time) <= SUPPORT
            and not is_at_source(event.here, sure)
        ]:
            self._give_back(alone)
            self._by_chance |= {tuple(event.rows.tolist()): event.here for event in alone}

    def _give_back(self, events: list[_Accepted]) -> None:
        for event in events:
            self.fitter.give_back(event.rows)
            self._accepted.remove(event)
            self._accepted_times.remove(event.here.time)

    def _consider_frequent(self, search: Search, max_chance_per_day: float) -> None:
        """Consider, as long as there is more, what is allowed where events are frequent."""
        for _ in range(MAXIMUM_PASSES):
            if not self._consider_found(
                search, lambda time: max(max_chance_per_day, FALSE_SHARE * self._events_per_day(time))
            ):
                break

    def _consider_found(self, search: Search, allowed: Callable[[float], float]) -> int:
        """One pass over what the scan finds; how many candidates took picks."""
        taken = 0
        chance_per_day: float | None = None
        candidates = search.candidates(allowed)
        with contextlib.suppress(StopIteration):
            while True:
                candidate = candidates.send(chance_per_day)
                is_taken, chance_per_day = self.consider(candidate, "scan", allowed(candidate.time))
                taken += is_taken
        return taken

    def _events_per_day(self, time: float) -> float:
        """Of the minutes around, where there are more than FEW_EVENTS."""
        near = within_minutes(self._accepted_times, time)
        return max(near - FEW_EVENTS, 0) * 86400.0 / (2.0 * BACKGROUND_SECONDS)

    def _owns(self, time: float) -> bool:
        return self._core[0] <= time < self._core[1]

    def _consider(
        self, candidate: Candidate, method: str, max_chance_per_day: float | None, counts: Counter[str]
    ) -> tuple[Hypocentre, bool, float]:
        free, config = self.fitter.free, self._config
        rows = np.array([row for row in candidate.picks if free[row]], dtype=int)
        counts["arrival_in_other_event"] += len(candidate.picks) - rows.size
        here = Hypocentre(candidate.x_km, candidate.y_km, candidate.depth_km, candidate.time)
        rows = self.fitter.one_per_phase(rows, here, counts)
        if config.relocate:
            fit = self.fitter.fit(here, rows)
            if max_chance_per_day is not None and fit.chance_per_day < WORTH_A_LOOK * max_chance_per_day:
                fit = self.fitter.without_strangers(fit)
            before, now = set(rows.tolist()), set(fit.rows.tolist())
            counts["arrival_large_residual"] += len(before - now)
            counts["arrival_collected"] += len(now - before)
            here, rows, chance_per_day = fit.here, fit.rows, fit.chance_per_day
        else:
            chance_per_day = self.fitter.chance_per_day(here, rows)
        if reason := self._lacks(rows):
            counts[f"origin_{reason}"] += 1
            return here, False, math.inf
        if max_chance_per_day is not None and chance_per_day > max_chance_per_day:
            self._by_chance[tuple(rows.tolist())] = here
            if chance_per_day <= SUPPORTED_PER_DAY:
                self._doubtful.append(here)
            return here, False, chance_per_day
        if max_chance_per_day is not None and self._is_mixed(here, rows):
            counts["origin_mixed"] += 1
            return here, False, chance_per_day
        # From here on the picks are explained, be it by an event that isn't kept.
        self.fitter.take(rows)
        longitude, latitude = self._volume.projection.to_lonlat(here.x_km, here.y_km)
        if not self._volume.region.contains(latitude, longitude, here.depth_km):
            counts["origin_outside_region"] += 1
        elif self._is_part(here, rows):
            counts["origin_part_of_other"] += 1
        else:
            if config.relocate:
                here = self.fitter.with_uncertainties(here, rows)
            self._accepted.append(_Accepted(here, rows, method, candidate.score))
            insort(self._accepted_times, here.time)
        return here, True, chance_per_day

    def _could_be(self, rows: tuple[int, ...]) -> bool:
        """Whether enough of these picks belong to no event to be one."""
        return not self._lacks(np.array([row for row in rows if self.fitter.free[row]], dtype=int))

    def origins(self) -> list[OriginFields]:
        """Give the origins of the core in order of time, and complete `counts`."""
        owned = [accepted for accepted in self._accepted if self._owns(accepted.here.time)]
        origins = [self._document(accepted) for accepted in owned]
        for accepted, origin in zip(owned, origins, strict=True):
            if accepted.method == "scan":
                # Only now are the picks known that belong to no event.
                per_day = self.fitter.chance_per_day(accepted.here, accepted.rows)
                origin["score"] = -math.log10(max(per_day, LEAST_CHANCE))
        by_chance = sum(self._owns(here.time) and self._could_be(rows) for rows, here in self._by_chance.items())
        if by_chance:
            self.counts["origin_by_chance"] = by_chance
        in_event = np.zeros(len(self._picks), dtype=bool)
        for accepted in self._accepted:
            in_event[accepted.rows] = True
        in_event = in_event[(self._picks.time >= self._core[0]) & (self._picks.time < self._core[1])]
        self.counts["picks_associated"] = int(np.count_nonzero(in_event))
        self.counts["picks_unassociated"] = int(np.count_nonzero(~in_event))
        self.counts["origins"] = len(origins)
        return sorted(origins, key=lambda origin: (origin["time"], origin["arrivals"][0]["pick_id"]))

    def _is_part(self, here: Hypocentre, rows: np.ndarray) -> bool:
        """True for what a larger event left: hardly a station and phase twice, no pick far from its predictions."""
        slots = self._picks.station[rows] * 2 + self._picks.is_s[rows]
        for other in self._accepted:
            if abs(other.here.time - here.time) > NEAR_SECONDS or other.rows.size < rows.size:
                continue
            taken = self._picks.station[other.rows] * 2 + self._picks.is_s[other.rows]
            if np.isin(slots, taken).sum() > 0.2 * rows.size:
                continue
            travel = self._picks.time[rows] - other.here.time
            if np.all(self.fitter.misfit(rows, other.here) <= PART_SECONDS + PART_SHARE * np.abs(travel)):
                return True
        return False

    def _lacks(self, rows: np.ndarray) -> str | None:
        """What of the minima an event falls short of."""
        is_s, config = self._picks.is_s[rows], self._config
        n_s = int(np.count_nonzero(is_s))
        if rows.size < config.min_picks:
            return "too_few_picks"
        if rows.size - n_s < config.min_p or n_s < config.min_s:
            return "too_few_of_a_phase"
        place = self._stations.place[self._picks.station[rows]]
        with_p, with_s = set(place[~is_s].tolist()), set(place[is_s].tolist())
        if len(with_p | with_s) < config.min_stations:
            return "too_few_stations"
        if len(with_p & with_s) < config.min_p_and_s:
            return "too_few_stations_with_p_and_s"
        return None

    def _document(self, accepted: _Accepted) -> OriginFields:
        here, rows = accepted.here, accepted.rows
        longitude, latitude = map(float, self._volume.projection.to_lonlat(here.x_km, here.y_km))
        observed = self.fitter.observations(rows)
        residuals = here.residuals(observed, self._times)
        station = self._picks.station[rows]
        distance_km, azimuth = distance_azimuth(
            latitude, longitude, self._stations.latitude[station], self._stations.longitude[station]
        )
        weights = arrival_weights(residuals, observed.sigma, self._config.time_error)
        arrivals: list[OriginArrival] = [
            {
                "pick_id": self._picks.documents[row]["_id"],
                "phase": "S" if self._picks.is_s[row] else "P",
                "net": self._stations.codes[station[number]][0],
                "sta": self._stations.codes[station[number]][1],
                "time": float(self._picks.time[row]),
                "residual": float(residuals[number]),
                "distance_km": float(distance_km[number]),
                "azimuth": float(azimuth[number]),
                "weight": float(weights[number]),
            }
            for number, row in enumerate(rows)
        ]
        n_s = int(np.count_nonzero(observed.is_s))
        limits = self._limits(here, station)
        if limits & BEYOND_LIMIT:
            here = replace(here, time_uncertainty=None, horizontal_uncertainty_km=None)
        if limits & {"mindepth", "maxdepth", "edge"}:
            here = replace(here, depth_uncertainty_km=None)
        origin = {
            "method": accepted.method,
            "earth_model_id": self._earth_model_id,
            "time": float(here.time),
            "latitude": latitude,
            "longitude": longitude,
            "depth_km": float(here.depth_km),
            "time_uncertainty": here.time_uncertainty,
            "horizontal_uncertainty_km": here.horizontal_uncertainty_km,
            "depth_uncertainty_km": here.depth_uncertainty_km,
            "rms": float(np.sqrt(np.mean(residuals**2))),
            "azimuthal_gap": azimuthal_gap(azimuth[np.unique(self._stations.place[station], return_index=True)[1]]),
            "minimum_distance_km": float(distance_km.min()),
            "limits": sorted(limits) or None,
            "score": accepted.score,
            "n_picks": int(rows.size),
            "n_p": int(rows.size - n_s),
            "n_s": n_s,
            "n_stations": int(np.unique(station).size),
            "arrivals": arrivals,
        }
        return cast(OriginFields, {name: value for name, value in origin.items() if value is not None})

    def _limits(self, here: Hypocentre, station: np.ndarray) -> set[str]:
        """What besides the arrivals has set a location; see `limits` in schemas/origin.yaml."""
        region, config = self._volume.region, self._config
        cell = LIMIT_KM
        if not config.relocate and config.associator == "pyocto":
            cell = config.pyocto.min_node_size_location  # it gives the middle of its last cell
        lower, upper = self._volume.bounds
        prior, deviation = config.depth_prior, here.depth_uncertainty_km
        limits = {
            "mindepth": here.depth_km - region.mindepth_km <= cell,
            "maxdepth": region.maxdepth_km - here.depth_km <= cell,
            "edge": not all(
                low + cell < value < high - cell
                for value, low, high in zip((here.x_km, here.y_km), lower[:2], upper[:2], strict=True)
            ),
            "depth_prior": config.relocate and prior is not None and (deviation is None or deviation > prior.sigma_km),
            "above_stations": here.depth_km < self._stations.depth_km[station].min() - LIMIT_KM,
        }
        return {name for name, is_met in limits.items() if is_met}


def arrival_weights(residuals: np.ndarray, sigma: np.ndarray, time_error: float) -> np.ndarray:
    """Weight of each arrival in the location, 0..1: by its pick's uncertainty, lowered as soft-L1 does misfits."""
    return (time_error / sigma) ** 2 / np.sqrt(1.0 + (residuals / sigma) ** 2)
