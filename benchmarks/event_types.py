"""What kind of event was it? Recorded earthquakes, and made blasts and slides, beside QuakeXNet on the same records.

    python -m benchmarks.event_types [--json] [--made N] [--cases NAME ...]

With `CATALOGDB_REALDATA`: `labelled/ncedc_phasenet` (a station for each event) and `ridgecrest_2019` (up to four; P
and S by PhaseNet near the arrivals that a dense catalog predicts). The packaged weights have seen none of them. The
spread of the made records, and the limits, were chosen by the other half of NCEDC's stations and by Ridgecrest before
08:30: the cases that say "looked at". *Made* cases have seeds and stations of their own, and flatter: what was made to
train is like what was made to judge, and unlike what is recorded.

Rows have `case`, `method`, `events`, and shares of them: `kept` (called right, or left as they are; for blasts and
slides that is no merit), `right`, `abstained`, `wrong`. QuakeXNet never abstains as its authors use it (`QuakeXNet`:
most probable class; noise is wrong); `QuakeXNet >= 0.9` does so below the probability at which catalogdb does.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _quakexnet, _typed_records
from benchmarks._real_data import real_data
from catalogdb.discrimination.classes import CLASSES, class_of
from catalogdb.discrimination.classifier import PACKAGED, Classifier, find_weights, load_classifier
from catalogdb.discrimination.config import LEAST_PROBABILITY
from catalogdb.training.records import LabelledRecord
from catalogdb.training.type_score import score_types
from catalogdb.training.type_table import type_table

MADE_SEED = 30_101
MADE = 60
"""Events of each made case."""


def cases(folder: Path, made: int) -> dict[str, Callable[[], list[LabelledRecord]]]:
    """Records of each case, by its name."""
    kept: dict[str, list[LabelledRecord]] = {}

    def ridgecrest(late: bool) -> list[LabelledRecord]:
        if "ridgecrest" not in kept:
            kept["ridgecrest"] = _typed_records.ridgecrest(folder)
        return [record for record in kept["ridgecrest"] if (record.event >= _typed_records.RIDGECREST_BORDER) == late]

    def of(number: int, kind: str) -> Callable[[], list[LabelledRecord]]:
        return lambda: _typed_records.made(MADE_SEED + number, made, [kind])

    return {
        "ncedc earthquakes": lambda: _typed_records.halves(_typed_records.ncedc(folder))[1],
        "ncedc earthquakes, looked at": lambda: _typed_records.halves(_typed_records.ncedc(folder))[0],
        "ridgecrest earthquakes": lambda: ridgecrest(late=True),
        "ridgecrest earthquakes, looked at": lambda: ridgecrest(late=False),
        "made earthquakes": of(0, "earthquake"),
        "made blasts": of(1, "quarry blast"),
        "made slides": of(2, "slide"),
    }


def rows_of(case: str, records: Sequence[LabelledRecord], classifier: Classifier, peer: Any) -> list[dict[str, Any]]:
    """What each method comes to on a case."""
    truth = {record.event: class_of(record.event_type) for record in records}
    table, problems = type_table(records)
    outcome = score_types(classifier, table)
    decided = dict(zip(outcome.events, outcome.decided, strict=True))
    best = dict(zip(outcome.events, outcome.probabilities.argmax(axis=1), strict=True))
    own = {event: CLASSES[best[event]] if decided.get(event) else None for event in truth}
    rows = [_row(case, "catalogdb", truth, own) | {"records": len(records), "records_not_used": len(problems)}]
    if peer is not None:
        found = _quakexnet.probabilities(peer, records)
        names = {event: _quakexnet.ORDER[int(np.argmax(values))] for event, values in found.items()}
        sure = {event: names[event] if values.max() >= LEAST_PROBABILITY else None for event, values in found.items()}
        rows.append(_row(case, "QuakeXNet", truth, {event: names.get(event) for event in truth}))
        calm = {event: sure.get(event) for event in truth}
        rows.append(_row(case, f"QuakeXNet >= {LEAST_PROBABILITY:g}", truth, calm))
    return rows


def _row(case: str, method: str, truth: dict[str, Any], found: dict[str, str | None]) -> dict[str, Any]:
    right = np.array([found[event] == kind for event, kind in truth.items()])
    left = np.array([found[event] is None for event in truth])
    shares = {"kept": right | left, "right": right, "abstained": left, "wrong": ~right & ~left}
    figures = {name: round(float(values.mean()), 3) for name, values in shares.items()}
    called = {
        name: sum(each == name for each in found.values()) for name in sorted({*found.values()} - {None}, key=str)
    }
    return {"case": case, "method": method, "events": len(truth), **figures, "called": called}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.event_types", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--made", type=int, default=MADE, help="events of each made case")
    parser.add_argument("--weights", default=PACKAGED, help="packaged, or the path of a .pt file")
    parser.add_argument("--cases", nargs="+", metavar="NAME")
    arguments = parser.parse_args()
    folder = real_data(parser, "labelled and ridgecrest_2019")
    classifier = load_classifier(find_weights(arguments.weights))
    path = _quakexnet.weights_path()
    peer = _quakexnet.network(path) if path else None
    rows = []
    for name, records in cases(folder, arguments.made).items():
        if arguments.cases is None or name in arguments.cases:
            found = rows_of(name, records(), classifier, peer)
            rows += found
            if not arguments.json:
                for row in found:
                    print(json.dumps(row), flush=True)
    if arguments.json:
        print(json.dumps({"rows": rows, "peer": str(path.name) if path else None}, indent=2))


if __name__ == "__main__":
    main()
