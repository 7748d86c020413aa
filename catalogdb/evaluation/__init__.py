"""Comparing a catalog with a reference: what both have, what one alone has, and how far those of both differ.

The matching job (`job`) pairs events and picks one to one and writes what it found to `pick_match`, `event_match` and
`score`; every figure is a plain query of `schemas/views/` on these. Terms as OGS has them: matched, missed and
*proposed*, since an event that no analyst listed is not thereby false.
"""

from catalogdb.evaluation.gates import MARGIN_GATES, Gates
from catalogdb.evaluation.pipelines import filled_pipeline
from catalogdb.evaluation.scores import residuals
from catalogdb.evaluation.summary import evaluate, match_events

__all__ = ["MARGIN_GATES", "Gates", "evaluate", "filled_pipeline", "match_events", "residuals"]
