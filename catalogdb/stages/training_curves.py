"""Learning curves of a model of the registry."""

from __future__ import annotations

from pathlib import Path

from pymongo.database import Database

from catalogdb.database.named import require_model
from catalogdb.errors import InputError
from catalogdb.training.curves import draw_losses

FORMATS = (".png", ".svg", ".pdf")


def check_picture(path: Path) -> None:
    """Refuse a picture that couldn't be written.

    Raises:
        InputError: for another format, and a folder that isn't there.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: a picture is one of {', '.join(FORMATS)}")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")


def draw_curves(db: Database, name: str, path: Path) -> None:
    """Draw the losses of a model's seeds by epoch.

    Raises:
        InputError: for a model that isn't there, and as `check_picture`.
    """
    check_picture(path)
    require_model(db, name)
    rows = db.model_weights.find({"model": name}, {"seed": 1, "curves": 1, "best_epoch": 1}).sort("seed", 1)
    draw_losses([(row["seed"], row["curves"], row["best_epoch"]) for row in rows], name, path)
