"""Comparing a catalog with a reference: what both have, what one alone has, and how far those of both differ.

Events and picks come as columns and are paired one to one; what is found leaves as documents of `pick_match`,
`event_match` and `score`. `catalogdb.comparisons` reads and writes them. Terms as OGS has them: matched, missed and
*proposed*, since an event that no analyst listed is not thereby false.
"""

from catalogdb.evaluation.gates import MARGIN_GATES, Gates
from catalogdb.evaluation.scores import residuals

__all__ = ["MARGIN_GATES", "Gates", "residuals"]
