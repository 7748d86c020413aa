"""Comparisons of two catalogs in the database.

`compare` reads both, has `catalogdb.evaluation` pair them and writes what it found to `pick_match`, `event_match` and
`score`; every figure is a plain query of `schemas/views/` on these, and `evaluate` gives the overall ones.
"""

from catalogdb.comparisons.match import match_events
from catalogdb.comparisons.pipelines import filled_pipeline
from catalogdb.comparisons.summary import evaluate

__all__ = ["evaluate", "filled_pipeline", "match_events"]
