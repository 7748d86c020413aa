"""`catalogdb demo`: the whole system on one synthetic day."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalogdb.cli import common


def demo(
    folder: Annotated[Path, typer.Option(help="Folder for waveforms, catalog and page.")] = Path("catalogdb-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Decides the synthetic day.")] = 1,
    hours: Annotated[float, typer.Option(min=0.1, max=24, help="How much of the day to synthesise.")] = 24.0,
    stations: Annotated[int | None, typer.Option(min=4, help="How many stations; default all.")] = None,
    json: common.JsonOption = False,
) -> None:
    """Synthesise a day of the North-East Italy network and make its catalog: the main job from waveforms to QuakeML.

    Works in the database `demo` unless --database or CATALOGDB_DATABASE names another. Run again, it does only what is
    missing. Example: catalogdb demo --folder /tmp/demo
    """
    from catalogdb.cli.evaluate import print_evaluation
    from catalogdb.cli.run import StageProgress, print_outcome
    from catalogdb.demo.run import run_demo

    settings = common.settings(database="demo")
    common.end_cleanly_on_sigterm()
    with StageProgress(common.progress_allowed(json), quiet=json) as progress:
        say = (lambda text: None) if json else (lambda text: common.out.print(text, markup=False, soft_wrap=True))
        result = run_demo(settings, folder, seed, hours, stations, say=say, progress=progress)
    if json:
        common.print_json(result.model_dump(mode="json"))
        return
    print_evaluation(result.evaluation)
    common.out.print(f"QuakeML  {result.quakeml}\npage     {result.page}", markup=False, soft_wrap=True)
    common.arguments["database"] = settings.database if settings.database != "catalogdb" else None
    print_outcome(result.run)
