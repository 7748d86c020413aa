"""What settings are made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Values that people write: unknown keys are refused, and so are infinite numbers and what is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
