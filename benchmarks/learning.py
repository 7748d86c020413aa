"""What is gained by training on, and does the gate see it? Labelled traces held out, three seeds, intervals.

    python -m benchmarks.learning [--json] [--png FILE] [--cases NAME ...]

With `CATALOGDB_REALDATA`: `labelled/ncedc_phasenet` (three components, P and S) and `labelled/usarray_teleseismic`
(vertical, P alone). Each is parted in time (60 % training, 15 % validation, 25 % test); nothing was chosen on the test
part. Rows have `case`, `model`, `f1_p` and `f1_s` (mean over the seeds), `interval` (95 % of candidate less parent, by
bootstrap of the events), and of candidates `status` and `reasons`, the gate's.

- `ncedc N %`: the demo's weights, trained on with that share of the labels;
- `ncedc original`: PhaseNet's published weights, which were probably made with these traces already;
- `teleseismic original`: trained on with teleseismic P alone; it must not be worse on ncedc either, and is refused.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._real_data import real_data
from catalogdb.picking.weights import resolve
from catalogdb.training import networks
from catalogdb.training.config import OptimiseConfig, SplitConfig, TrainConfig
from catalogdb.training.formats import read_folder
from catalogdb.training.gate import GateRow, compared, decide
from catalogdb.training.records import with_events
from catalogdb.training.result import Training
from catalogdb.training.score import Outcome, score
from catalogdb.training.split import Parted, parted
from catalogdb.training.train import pick_config, train

SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
SEEDS = (1, 2, 3)
NCEDC, TELESEISMIC = "ncedc_phasenet", "usarray_teleseismic"
EVENT_GAP_SECONDS = {NCEDC: 60.0, TELESEISMIC: 600.0}


@dataclass(frozen=True)
class Case:
    """A training: its name, the set, the parent's weights, the share of the labels, and where else it is judged."""

    name: str
    on: str
    parent: str
    share: float = 1.0
    also_on: tuple[str, ...] = ()


CASES = (
    *(Case(f"ncedc {share:.0%}".replace("%", " %"), NCEDC, "demo", share) for share in SHARES),
    Case("ncedc original", NCEDC, "original"),
    Case("teleseismic original", TELESEISMIC, "original", also_on=(NCEDC,)),
)


class Sets:
    """Labelled sets, read and parted once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._parted: dict[str, Parted] = {}

    def of(self, name: str) -> Parted:
        """A set by its name."""
        if name not in self._parted:
            records = with_events(read_folder(self.folder / name, "unknown").records, EVENT_GAP_SECONDS[name])
            self._parted[name] = parted(records, SplitConfig())
        return self._parted[name]


def rows_of(case: Case, sets: Sets) -> list[dict[str, Any]]:
    """Parent and candidate of a case, on its own test part and on others."""
    config = TrainConfig(
        name=case.name.replace(" ", "-").replace("%", "percent"),
        parent=case.parent,
        training_set=case.on,
        share=case.share,
        optimise=OptimiseConfig(windows_per_record=round(1 / case.share)),
    )
    parent = resolve(config.picker, case.parent)
    began = time.process_time()
    results = [train(sets.of(case.on).parts, Training(parent, config, seed)) for seed in SEEDS]
    seconds = (time.process_time() - began) / len(SEEDS)
    rows, judged = [], []
    for on in (case.on, *case.also_on):
        records = sets.of(on).parts["test"]
        before = score(records, pick_config(config, str(parent.pt)), config.gate.max_dt).outcome
        outcomes = [outcome_of(result.weights, config, records) for result in results]
        found = compared(on, [record.event for record in records], before, outcomes, config.gate)
        judged += found
        where = case.name if on == case.on else f"{case.name}, on {on}"
        rows += [_row(where, case.parent, found, "parent"), _row(where, "candidate", found, "candidate")]
    decision = decide(judged, case.on)
    epochs = [result.trained.best_epoch for result in results]
    about = {"status": decision.status, "reasons": decision.reasons, "best_epochs": epochs}
    return [
        row | (about | {"cpu_s_per_seed": round(seconds, 1)} if row["model"] == "candidate" else {}) for row in rows
    ]


def outcome_of(weights: networks.Weights, config: TrainConfig, records: Sequence[Any]) -> Outcome:
    """What trained weights come to on records, picked as the gate does."""
    with tempfile.TemporaryDirectory() as folder:
        files = networks.written(weights, config.picker, Path(folder), "candidate")
        return score(records, pick_config(config, str(files.pt)), config.gate.max_dt).outcome


def _row(case: str, model: str, found: Sequence[GateRow], side: str) -> dict[str, Any]:
    by_figure = {row.figure: row for row in found}
    row: dict[str, Any] = {"case": case, "model": model}
    for figure in ("f1_p", "f1_s"):
        row[figure] = round(getattr(by_figure[figure], side), 3) if figure in by_figure else None
    if side == "candidate":
        row["interval"] = {name: list(each.interval) for name, each in by_figure.items()}
    else:
        row["interval"] = None
    return row


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the learning curves: F1 by share of the labels, with the interval of the gain."""
    from matplotlib.figure import Figure

    from catalogdb.plots.theme import LIGHT

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    names = {case.name: 100 * case.share for case in CASES if case.parent == "demo"}
    for name, label, colour in (("f1_p", "P", LIGHT.p), ("f1_s", "S", LIGHT.s)):
        parent = next(row[name] for row in rows if row["case"] in names and row["model"] == "demo")
        found = [row for row in rows if row["case"] in names and row["model"] == "candidate"]
        shares = [names[row["case"]] for row in found]
        axes.plot(shares, [row[name] for row in found], "o-", color=colour, label=f"{label}, trained on")
        low, high = zip(*(row["interval"][name] for row in found), strict=True)
        axes.fill_between(shares, [parent + x for x in low], [parent + x for x in high], color=colour, alpha=0.15)
        axes.axhline(parent, color=colour, ls=":", label=f"{label}, demo's weights")
    axes.set(xscale="log", xlabel="share of the labels (%)", ylabel="F1 on the test part", ylim=(0, 1))
    axes.set_xticks(list(names.values()), [f"{share:g}" for share in names.values()], minor=False)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--png", type=Path, help="draw the learning curves into this file")
    names = ", ".join(case.name for case in CASES)
    parser.add_argument("--cases", nargs="+", metavar="NAME", help=names.replace("%", "%%"))
    arguments = parser.parse_args()
    sets = Sets(real_data(parser, "labelled") / "labelled")
    rows = []
    for case in CASES:
        if arguments.cases is None or case.name in arguments.cases:
            of_case = rows_of(case, sets)
            rows += of_case
            if not arguments.json:
                for row in of_case:
                    print(json.dumps(row), flush=True)
    if arguments.png:
        draw(rows, arguments.png)
    if arguments.json:
        print(json.dumps({"rows": rows}, indent=2))


if __name__ == "__main__":
    main()
