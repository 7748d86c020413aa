"""QuakeML's words for who made a pick or an event, and how far it was checked."""

from typing import Literal

EVALUATION_STATUSES = ("preliminary", "confirmed", "reviewed", "final", "rejected")

EvaluationMode = Literal["automatic", "manual"]
