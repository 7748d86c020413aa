"""Learning curves of a model of the registry."""

from __future__ import annotations

from pathlib import Path

from pymongo.database import Database

from catalogdb.database.named import require_model
from catalogdb.plots.picture_files import check_picture
from catalogdb.training.curves import draw_losses


def draw_curves(db: Database, name: str, path: Path) -> None:
    """Draw the losses of a model's seeds by epoch.

    Raises:
        InputError: for a model that isn't there, and as `check_picture`.
    """
    check_picture(path)
    require_model(db, name)
    rows = db.model_weights.find({"model": name}, {"seed": 1, "curves": 1, "best_epoch": 1}).sort("seed", 1)
    draw_losses([(row["seed"], row["curves"], row["best_epoch"]) for row in rows], name, path)
