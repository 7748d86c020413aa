"""From an associator's candidate to an origin document: one pick per phase, location, quality, what may be kept."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from catalogdb.association.config import AssociateConfig
from catalogdb.association.locate import Hypocentre, Observations, locate
from catalogdb.association.prepared import Candidate, PreparedPicks, PreparedStations, Volume
from catalogdb.geo import azimuthal_gap, distance_azimuth

LOCATION_ROUNDS = 4
PARAMETERS = 4


class OriginBuilder:
    """Turns candidates into origins; `counts` says what became of what it was given."""

    def __init__(
        self, picks: PreparedPicks, stations: PreparedStations, volume: Volume, times, config: AssociateConfig
    ):
        self._picks, self._stations, self._volume, self._times, self._config = picks, stations, volume, times, config
        self.counts: Counter[str] = Counter()

    def build_all(self, candidates: list[Candidate]) -> list[dict]:
        """Give the origins in order of time; where candidates share a pick, the one with more picks has it."""
        taken: set[int] = set()
        origins = []
        for candidate in sorted(candidates, key=lambda found: (-len(found.picks), found.time, found.picks)):
            rows = np.array([row for row in candidate.picks if row not in taken], dtype=int)
            self.counts["arrival_in_other_event"] += len(candidate.picks) - rows.size
            origin, rows = self._build(candidate, rows)
            if origin is not None:
                taken.update(rows.tolist())
                origins.append(origin)
        self.counts["picks_associated"] = len(taken)
        self.counts["picks_unassociated"] = len(self._picks) - len(taken)
        self.counts["origins"] = len(origins)
        return sorted(origins, key=lambda origin: (origin["time"], origin["arrivals"][0]["pick_id"]))

    def _build(self, candidate: Candidate, rows: NDArray) -> tuple[dict | None, NDArray]:
        here = Hypocentre(candidate.x_km, candidate.y_km, candidate.depth_km, candidate.time)
        rows = self._one_per_phase(rows, here)
        rows = self._s_after_p(rows, here)
        if not self._enough(rows):
            self.counts["origin_too_few_picks"] += 1
            return None, rows
        if self._config.relocate and rows.size >= PARAMETERS:
            here, rows = self._locate(here, rows)
            if not self._enough(rows):
                self.counts["origin_too_few_picks"] += 1
                return None, rows
        longitude, latitude = self._volume.projection.to_lonlat(here.x_km, here.y_km)
        if not self._volume.region.contains(latitude, longitude, here.depth_km):
            self.counts["origin_outside_region"] += 1
            return None, rows
        return self._document(candidate, here, float(latitude), float(longitude), rows), rows

    def _observations(self, rows: NDArray) -> Observations:
        station = self._picks.station[rows]
        return Observations(
            time=self._picks.time[rows],
            sigma=self._picks.sigma[rows],
            is_s=self._picks.is_s[rows],
            x_km=self._stations.x_km[station],
            y_km=self._stations.y_km[station],
            station_depth_km=self._stations.depth_km[station],
        )

    def _misfit(self, rows: NDArray, here: Hypocentre) -> NDArray:
        return np.abs(here.residuals(self._observations(rows), self._times))

    def _one_per_phase(self, rows: NDArray, here: Hypocentre) -> NDArray:
        """Keep, of each station and phase, the pick that fits best (then the more probable, then the earlier)."""
        best: dict[tuple[int, bool], tuple] = {}
        for row, misfit in zip(rows.tolist(), self._misfit(rows, here), strict=True):
            key = (int(self._picks.station[row]), bool(self._picks.is_s[row]))
            rank = (round(float(misfit), 6), -float(self._picks.probability[row]), row)
            best[key] = min(best.get(key, rank), rank)
        kept = np.array(sorted(rank[-1] for rank in best.values()), dtype=int)
        self.counts["arrival_duplicate_station_phase"] += rows.size - kept.size
        return kept

    def _s_after_p(self, rows: NDArray, here: Hypocentre) -> NDArray:
        """Where a station's S isn't later than its P, keep the one that fits better."""
        misfit = dict(zip(rows.tolist(), self._misfit(rows, here), strict=True))
        p_rows = {int(self._picks.station[row]): row for row in rows.tolist() if not self._picks.is_s[row]}
        wrong = set()
        for row in rows.tolist():
            p_row = p_rows.get(int(self._picks.station[row]))
            if self._picks.is_s[row] and p_row is not None and self._picks.time[row] <= self._picks.time[p_row]:
                wrong.add(row if misfit[row] > misfit[p_row] else p_row)
        self.counts["arrival_s_before_p"] += len(wrong)
        return np.array([row for row in rows.tolist() if row not in wrong], dtype=int)

    def _locate(self, here: Hypocentre, rows: NDArray) -> tuple[Hypocentre, NDArray]:
        """Locate, leave out what doesn't fit, and again."""
        for _ in range(LOCATION_ROUNDS):
            here = locate(here, self._observations(rows), self._times, self._volume.bounds)
            fits = self._misfit(rows, here) <= self._config.max_residual
            if fits.all() or np.count_nonzero(fits) < max(PARAMETERS, self._config.min_picks):
                break
            self.counts["arrival_large_residual"] += rows.size - np.count_nonzero(fits)
            rows = rows[fits]
        fits = self._misfit(rows, here) <= self._config.max_residual
        self.counts["arrival_large_residual"] += rows.size - np.count_nonzero(fits)
        return here, rows[fits]

    def _enough(self, rows: NDArray) -> bool:
        is_s, station = self._picks.is_s[rows], self._picks.station[rows]
        n_s = int(np.count_nonzero(is_s))
        both = np.intersect1d(station[is_s], station[~is_s]).size
        config = self._config
        return (
            rows.size >= config.min_picks
            and rows.size - n_s >= config.min_p
            and n_s >= config.min_s
            and both >= config.min_p_and_s
            and np.unique(station).size >= config.min_stations
        )

    def _document(
        self, candidate: Candidate, here: Hypocentre, latitude: float, longitude: float, rows: NDArray
    ) -> dict:
        observed = self._observations(rows)
        residuals = here.residuals(observed, self._times)
        station = self._picks.station[rows]
        distance_km, azimuth = distance_azimuth(
            latitude, longitude, self._stations.latitude[station], self._stations.longitude[station]
        )
        weights = arrival_weights(residuals, observed.sigma, self._config.time_error)
        arrivals = [
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
        origin = {
            "method": self._config.associator,
            "time": float(here.time),
            "latitude": latitude,
            "longitude": longitude,
            "depth_km": float(here.depth_km),
            "time_uncertainty": here.time_uncertainty,
            "horizontal_uncertainty_km": here.horizontal_uncertainty_km,
            "depth_uncertainty_km": here.depth_uncertainty_km,
            "rms": float(np.sqrt(np.mean(residuals**2))),
            "azimuthal_gap": azimuthal_gap(azimuth[np.unique(station, return_index=True)[1]]),
            "minimum_distance_km": float(distance_km.min()),
            "score": candidate.score,
            "n_picks": int(rows.size),
            "n_p": int(rows.size - n_s),
            "n_s": n_s,
            "n_stations": int(np.unique(station).size),
            "arrivals": arrivals,
        }
        return {name: value for name, value in origin.items() if value is not None}


def arrival_weights(residuals: NDArray, sigma: NDArray, time_error: float) -> NDArray:
    """Weight of each arrival in the location, 0..1: by its pick's uncertainty, lowered as soft-L1 does misfits."""
    return (time_error / sigma) ** 2 / np.sqrt(1.0 + (residuals / sigma) ** 2)
