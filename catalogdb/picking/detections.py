"""Probability that an earthquake is going on -> detections, as EQTransformer gives them beside its picks."""

from __future__ import annotations

import numpy as np

from catalogdb.documents.data import DetectionFields
from catalogdb.picking.network import DETECTION
from catalogdb.probability.traces import ProbabilityTrace
from catalogdb.spans import true_spans

REACH_SECONDS = 60.0
"""Longest detection. Data this much more on both sides of a shard are looked at, so that no detection depends on it."""


def detections_in(trace: ProbabilityTrace, threshold: float, starttime: float, endtime: float) -> list[DetectionFields]:
    """Detections that start in [starttime, endtime), as documents, ascending in time.

    A detection begins where the probability reaches the threshold and lasts while it stays at or above half of it:
    SeisBench's ``detections_from_annotations``. Unlike there it ends after `REACH_SECONDS` at the latest, and one that
    has not reached the threshold for so long is over.

    Args:
        trace: with a row of detection probability.
        threshold: 0..1.
        starttime, endtime: epoch seconds UTC.
    """
    values = trace.values[trace.labels.index(DETECTION)]
    reaching = np.flatnonzero(values >= np.float32(threshold))
    if reaching.size == 0:
        return []
    begins, ends = true_spans(values >= np.float32(threshold / 2)).T
    span = np.searchsorted(begins, reaching, side="right") - 1
    reach = round(REACH_SECONDS * trace.rate)
    first = np.flatnonzero((np.diff(span, prepend=-1) > 0) | (np.diff(reaching, prepend=reaching[0]) > reach))
    documents: list[DetectionFields] = []
    for begin, end in zip(reaching[first].tolist(), ends[span[first]].tolist(), strict=True):
        last = min(end - 1, begin + reach)
        start = trace.time(begin)
        if starttime <= start < endtime:
            probability = float(values[begin : last + 1].max())
            documents.append({"starttime": start, "endtime": trace.time(last), "probability": probability})
    return documents
