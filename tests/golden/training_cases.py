"""Which records train, the windows that they give, and what the gate says of made outcomes."""

import numpy as np
from labelled_records import record
from pinning import Case

from catalogdb.training.config import GateConfig, SplitConfig
from catalogdb.training.gate import compared, decide
from catalogdb.training.records import with_events
from catalogdb.training.score import Outcome
from catalogdb.training.split import parted

REVISION = "catalogdb/training/config.py:REVISION"


def parts():
    records = with_events([record(number) for number in range(40)], gap_seconds=60.0)
    found = {}
    for by in ("time", "station"):
        made = parted(records, SplitConfig(by=by))
        found[by] = {name: [row.name for row in rows] for name, rows in made.parts.items()}
    return found


def outcome(share, seed):
    rng = np.random.default_rng(seed)
    hit = rng.random((60, 2)) < share
    errors = np.where(hit, rng.normal(0, 0.02, hit.shape), np.nan)
    number = np.repeat(np.arange(60), 2)
    return Outcome(hit * 1.0, np.ones((60, 2)), hit * 1.0, number, np.tile([0, 1], 60), errors.ravel())


def decision():
    events = [f"e{number // 2}" for number in range(60)]
    rows = compared("mine", events, outcome(0.6, 0), [outcome(0.9, 1), outcome(0.85, 2)], GateConfig(resamples=200))
    made = decide(rows, "mine")
    return {"status": made.status, "rows": [(row.figure, row.verdict, row.onsets, row.events) for row in rows]}


CASES = (
    Case("parts of labelled records", REVISION, parts),
    Case("decision of the gate", REVISION, decision),
)
