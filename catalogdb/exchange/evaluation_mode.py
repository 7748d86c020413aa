"""QuakeML's words for who made a pick or an event, and how far it was checked."""

from typing import get_args

from catalogdb.documents.data import EvaluationMode as EvaluationMode
from catalogdb.documents.data import EvaluationStatus as EvaluationStatus

EVALUATION_STATUSES: tuple[EvaluationStatus, ...] = get_args(EvaluationStatus)
