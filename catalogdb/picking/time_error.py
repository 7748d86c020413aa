"""How exact a pick's time is: the distribution of its error, from what the table of peaks holds.

The error, pick minus true onset, of one set of weights and one phase is taken to be

    bias + scale x T,  T by Student's t distribution of some degrees of freedom,

since most errors are a sample or two and some are tenths of a second. The bias is their median. A pick's
``uncertainty`` is the half-width of the interval about the bias that holds 68.27 % of the errors (`CENTRAL_SHARE`): of
Gaussian errors, one standard deviation. Its logarithm is linear in the `FEATURES`. The bias, the degrees of freedom and
the coefficients are a *time calibration*, estimated from picks whose onsets are known. All of it holds for picks that
are right, within 0.5 s of their onset; whether one is right is what ``quality`` says.
docs/explanation/pick-quality.md has figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, ValidationError

from catalogdb.errors import InputError
from catalogdb.picking.peak_table import PHASES
from catalogdb.picking.quality import USUAL_WIDTH_SECONDS, odds_snr_width
from catalogdb.strict_model import StrictModel

FEATURES = ("probability", "snr", "width")
"""Log odds of the probability, ln snr, ln(width / 0.1 s), limited as those of `quality`."""
CENTRAL_SHARE = 0.6827
LIMITS_SECONDS = (0.005, 0.5)
"""Of uncertainties: half a sample of what most pickers work at, and the farthest error of a pick that is right."""
PACKAGED = Path(__file__).parent / "time_calibrations"
ANY_NETWORK = "any-network"
STALTA = "stalta"
PENALTY = 1e-3
FREEDOM_LIMITS = (1.1, 30.0)
CONSTANT_LIMITS = (-7.0, 1.0)
STEEPEST = 5.0
"""Bounds of what is fitted."""


class ErrorModel(StrictModel):
    """Errors of the picks of one phase."""

    bias_seconds: float = Field(description="Median error (s); positive: picks are late.")
    degrees_of_freedom: float = Field(gt=1, description="Of Student's t distribution.")
    constant: float = Field(description="ln(uncertainty / 1 s) where all features are 0.")
    slopes: tuple[float, float, float] = Field(description="Of `FEATURES`, in their order.")
    picks: int = Field(ge=0, description="How many picks it was estimated from.")

    def uncertainty(self, probability: np.ndarray, snr: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Uncertainty (s) of each pick, as the module's text defines it.

        Args:
            probability: 0..1, (picks,).
            snr: signal-to-noise ratio, NaN where unknown, (picks,).
            width: of the probability's peak (s), see `quality`, (picks,).
        """
        exponent = self.constant + time_features(probability, snr, width) @ np.array(self.slopes)
        return np.clip(np.exp(exponent), *LIMITS_SECONDS)

    def factor(self, share: float) -> float:
        """Half-width of the interval that holds a share of the errors, in units of the uncertainty."""
        from scipy.stats import t

        inner, outer = (t.ppf((1 + part) / 2, self.degrees_of_freedom) for part in (CENTRAL_SHARE, share))
        return float(outer / inner)


class TimeCalibration(StrictModel):
    """Errors of the picks of one set of weights.

    Attributes:
        estimated_from: the picks whose onsets were known.
        weights_sha256, window_samples: which weights on which windows; None for a picker without weights, or for any.
    """

    name: str
    estimated_from: str
    weights_sha256: str | None = None
    window_samples: int | None = None
    P: ErrorModel
    S: ErrorModel

    def of(self, phase: str) -> ErrorModel:
        """The model of a phase, P or S."""
        return self.P if phase == "P" else self.S


WIDTH_ITSELF = ErrorModel(
    bias_seconds=0.0, degrees_of_freedom=30.0, constant=float(np.log(USUAL_WIDTH_SECONDS)), slopes=(0, 0, 1), picks=0
)
UNCALIBRATED = TimeCalibration(name="uncalibrated", estimated_from="nothing", P=WIDTH_ITSELF, S=WIDTH_ITSELF)
"""The width as uncertainty: what pick sets have that were made before there were calibrations."""


def calibration_for(
    path: str | None, networks: Sequence[tuple[str, int]], own: Mapping[str, Any] | None = None
) -> TimeCalibration:
    """The calibration of a picker: that of a file, else the one that came with its weights or the package, else that
    of any network.

    Args:
        path: of the file; None for none.
        networks: SHA-256 of the weights and length of the windows (samples) of each; none for the classical picker.
        own: the calibration in the metadata of the weights, if there is one; it counts for their windows alone.

    Raises:
        InputError: for a file that can't be read, and for one that is of other weights or windows.
    """
    if path:
        given = read_calibration(path)
        if given.weights_sha256 and [(given.weights_sha256, given.window_samples)] != list(networks):
            raise InputError(f"{path}: the calibration {given.name} is of other weights or windows than this picker's")
        return given
    if not networks:
        return packaged()[STALTA]
    if own:
        of_weights = TimeCalibration.model_validate(own)
        if [of_weights.window_samples] == [window for _, window in networks]:
            return of_weights
    fitting = (each for each in packaged().values() if [(each.weights_sha256, each.window_samples)] == list(networks))
    return next(fitting, packaged()[ANY_NETWORK])


@cache
def packaged() -> dict[str, TimeCalibration]:
    """The calibrations that come with the package, by name."""
    found = [read_calibration(str(path)) for path in sorted(PACKAGED.glob("*.json"))]
    return {calibration.name: calibration for calibration in found}


def read_calibration(path: str) -> TimeCalibration:
    """A calibration from its file.

    Raises:
        InputError: for a file that can't be read or isn't one.
    """
    try:
        return TimeCalibration.model_validate_json(Path(path).expanduser().read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(
            f"{path}: not readable as a time calibration: {error}",
            hint="docs/explanation/pick-quality.md says how to make one: python -m benchmarks.uncertainty --fit",
        ) from error


def bias_in_words(config: Mapping[str, Any]) -> str:
    """How late a pick set's picks are, from its `config`: "P +21 ms, S +24 ms, not corrected"; empty where not said."""
    calibration = (config.get("picker") or {}).get("time_calibration")
    if not calibration:
        return ""
    if calibration["name"] == ANY_NETWORK:
        return "unknown"
    biases = [f"{phase} {calibration[phase]['bias_seconds'] * 1000:+.0f} ms" for phase in PHASES]
    return ", ".join([*biases, "corrected" if config.get("settings", {}).get("correct_bias") else "not corrected"])


def time_features(probability: np.ndarray, snr: np.ndarray, width: np.ndarray) -> np.ndarray:
    """`FEATURES` of each pick, (picks, features)."""
    return np.column_stack(odds_snr_width(probability, snr, width))


def fit_errors(
    error: np.ndarray, features: np.ndarray, weight: np.ndarray | None = None, with_bias: bool = True
) -> ErrorModel:
    """Estimate the model of a phase: the median for the bias, all else by maximum likelihood about it.

    The uncertainty never falls with width and never rises with probability or snr; a small ridge penalty on the slopes
    keeps few picks from giving wild ones.

    Args:
        error: pick minus true onset (s), of picks that are right, (picks,).
        features: what `time_features` gives.
        weight: of each pick; default all equal.
        with_bias: whether to estimate a bias; else it is 0, and what there is of it adds to the uncertainty.
    """
    from scipy.optimize import minimize
    from scipy.stats import t

    share = np.ones(error.size) if weight is None else weight
    share = share / share.sum()

    bias = weighted_median(error, share) if with_bias else 0.0

    def loss(values: np.ndarray) -> float:
        log_freedom, constant, *slopes = values
        freedom = np.exp(log_freedom)
        scale = np.exp(constant + features @ np.array(slopes)) / t.ppf((1 + CENTRAL_SHARE) / 2, freedom)
        likelihood = t.logpdf((error - bias) / scale, freedom) - np.log(scale)
        return float(-(share * likelihood).sum() + PENALTY * np.square(slopes).sum())

    spread = max(1e-3, float(np.quantile(np.abs(error - bias), CENTRAL_SHARE)))
    start = [np.log(4.0), np.log(spread), 0.0, 0.0, 0.0]
    bounds = [tuple(np.log(FREEDOM_LIMITS)), CONSTANT_LIMITS, (-STEEPEST, 0.0), (-STEEPEST, 0.0), (0.0, STEEPEST)]
    log_freedom, constant, *slopes = minimize(loss, start, bounds=bounds, method="L-BFGS-B").x
    return ErrorModel(
        bias_seconds=round(bias, 4),
        degrees_of_freedom=round(float(np.exp(log_freedom)), 2),
        constant=round(float(constant), 3),
        slopes=tuple(round(float(slope), 3) + 0.0 for slope in slopes),
        picks=int(error.size),
    )


def weighted_median(values: np.ndarray, weight: np.ndarray) -> float:
    """Median, interpolated between the values that occur: times are multiples of a sample, and many are equal."""
    distinct, place = np.unique(values, return_inverse=True)
    share = np.bincount(place, weight) / weight.sum()
    return float(np.interp(0.5, np.cumsum(share) - share / 2, distinct))
