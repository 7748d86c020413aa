"""`catalogdb train` and `catalogdb models`: pickers and classifiers trained from labels, and which there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalogdb.cli import common
from catalogdb.documents.free import Json, Row


def train(
    config: Annotated[Path, typer.Argument(help="YAML file of a training, or the name of a packaged one.")],
    name: Annotated[str | None, typer.Option(help="Name of the model instead of the file's.")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", help="Change a key, such as optimise.epochs=20. May be repeated.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the learning curves into this file: .png, .svg or .pdf.")
    ] = None,
    replace: Annotated[
        bool, typer.Option(help="Replace a model, or a training set, of that name that is another one.")
    ] = False,
    json: common.JsonOption = False,
) -> None:
    """Train a picker from labelled records, one set of weights for each seed, and let the gate judge it.

    With task: event_type it is the network that tells earthquakes from explosions and what happens at the surface.

    The gate picks the test part with the candidate and with its parent, as a job would. It accepts the model only if
    nothing is significantly worse and something is better; what is refused says why. Broken off, the same command goes
    on from the last epoch to the same weights. Exit code 1 where no seed could be trained.

    An accepted model picks by weights: model:NAME in a job.
    """
    from catalogdb.ledger.tasks import LeaseTerms
    from catalogdb.plots.picture_files import check_picture
    from catalogdb.stages.training_curves import draw_curves
    from catalogdb.stages.training_run import load_training, run_training

    settings = common.settings()
    training = load_training(config, [*(set or ()), *([f"name={name}"] if name else [])])
    if picture is not None:
        check_picture(picture)
    db = common.database()
    terms = LeaseTerms(settings.lease_seconds, settings.task_attempts)
    with common.progress_bar(f"train {training.name}", json) as progress:
        model = run_training(db, training, replace, terms, progress)
    if picture is not None:
        draw_curves(db, training.name, picture)
    if json:
        common.print_json(model)
    else:
        _print_model(model)


def models(json: common.JsonOption = False) -> None:
    """List the models of the registry: what they were made from, what the gate said, and why it refused.

    In a job: weights: model:NAME, which stands for the chosen seed of an accepted model, or model:NAME-SEED.
    """
    from catalogdb.stages.models import models as listed

    rows = listed(common.database())
    if json:
        common.print_json({"models": rows})
        return
    if not rows:
        common.out.print("no models: catalogdb train FILE makes one")
        return
    common.print_rows([_row(model) for model in rows])
    for model in rows:
        for reason in model.get("reasons", []):
            common.err.print(f"{model['name']} was refused: {reason}", markup=False, soft_wrap=True)


def _row(model: Json) -> Row:
    chosen: Json = next((each for each in model["weights"] if each["seed"] == model.get("chosen")), {})
    scores = {row["figure"]: row for row in model.get("scores", []) if row["on"] == model["training_set"]["name"]}
    return {
        "name": model["name"],
        "architecture": model["architecture"],
        "parent": (model.get("parent") or {}).get("weights", "none"),
        "training set": model["training_set"]["name"],
        "status": model["status"],
        "seeds": ", ".join(str(each["seed"]) for each in model["weights"]),
        "chosen": model.get("chosen"),
        "sha256": chosen.get("sha256", "")[:12],
        **{figure: _change(row) for figure, row in scores.items() if figure.startswith(("f1_", "right_"))},
    }


def _change(row: Row) -> str:
    return f"{row['parent']:.3f} -> {row['candidate']:.3f}"


def _print_model(model: Json) -> None:
    done, planned = model["tasks"]["done"], model["tasks"]["planned"]
    text = f"model {model['_id']}: {model['status']}; {done} of {planned} seeds trained now"
    common.out.print(text, markup=False)
    columns = ("on", "figure", "parent", "candidate", "difference", "interval", "verdict", "onsets", "events")
    rows = [{key: row[key] for key in columns} for row in model.get("scores", [])]
    if rows:
        common.print_rows([row | {"interval": " to ".join(f"{x:+.3f}" for x in row["interval"])} for row in rows])
    for reason in model.get("reasons", []):
        common.out.print(f"refused: {reason}", markup=False, soft_wrap=True)
    for failure in model["failures"]:
        common.err.print(failure, markup=False, soft_wrap=True)
    if model["status"] == "accepted":
        block = "event_type: {weights: " if model["task"] == "event_type" else "weights: "
        end = "}" if model["task"] == "event_type" else ""
        text = f"in a job: {block}model:{model['_id']}{end} (seed {model['chosen']})"
        common.out.print(text, markup=False)
