"""Why a task is stale: changes of its inputs, of configurations and of comparisons, in words."""

import pytest

from catalogdb.ledger.parts import changes, documents_digest, fingerprint
from catalogdb.runs.stale_reasons import config_reasons, reasons_of
from catalogdb.stages.associate import AssociateStage
from catalogdb.stages.evaluate import EvaluateStage
from catalogdb.stages.pick import PickStage


def test_a_fingerprint_differs_where_a_part_does():
    parts = {"file": {"a": "1 x y"}, "sensor": {"choice": "c"}}
    other = {"file": {"a": "1 x y", "b": "2 x y"}, "sensor": {"choice": "d"}}
    assert fingerprint(parts) != fingerprint(other) and list(changes(parts, parts)) == []
    assert [(change.kind, change.name) for change in changes(parts, other)] == [("file", "b"), ("sensor", "choice")]
    (reason,) = reasons_of(PickStage, changes(parts, other))
    assert (reason.reason, reason.what) == ("late file", "b")


@pytest.mark.parametrize(
    ("before", "now", "reason", "what"),
    [
        ("5 a p", "6 b p", "changed file", "f: 5 -> 6 bytes"),
        ("5 a p", "5 b p", "changed file", "f: same size, other content"),
        ("5 a p", "5 a q", "changed index", "f: other segments of the same bytes"),
        (None, "5 a p", "late file", "f"),
        ("5 a p", None, "vanished file", "f"),
    ],
)
def test_changes_of_files_in_words(before, now, reason, what):
    states = [{"file": {"f": state} if state else {}} for state in (before, now)]
    (found,) = reasons_of(PickStage, changes(*states))
    assert (found.reason, found.what) == (reason, what)


def test_changes_of_stations_in_words():
    before = {"station": {"OX.A": "46.0 13.0 0.5", "OX.B": "46.0 13.0 0.5", "OX.C": "46.0 13.0 0.5"}}
    now = {"station": {"OX.A": "46.01 13.0 0.5", "OX.B": "46.0 13.0 0.52", "OX.D": "46.0 13.0 0.5"}}
    found = {reason.reason: reason.what for reason in reasons_of(AssociateStage, changes(before, now))}
    assert (
        found["coordinates"].startswith("OX.A moved 1.11") and "OX.B moved +20 m of elevation" in found["coordinates"]
    )
    assert found["new station"] == "OX.D" and found["station gone"] == "OX.C"


def test_changes_of_periods_in_words():
    before, now = {"period": {"0.0 1200.0": ""}}, {"period": {"0.0 1800.0": ""}}
    (found,) = reasons_of(AssociateStage, changes(before, now))
    assert found.reason == "other period"
    assert (
        found.what
        == "1970-01-01T00:00:00 to 1970-01-01T00:20:00 (gone), 1970-01-01T00:00:00 to 1970-01-01T00:30:00 (new)"
    )


def test_changes_of_configurations_in_words():
    before, now = (
        {"revision": n, "picker": {"networks": [{"weights_sha256": n}], "seisbench": f"0.{n}"}, "settings": {"p": n}}
        for n in (1, 2)
    )
    found = {reason.reason: reason.what for reason in config_reasons(before, now)}
    assert found == {
        "revision": "revision: 1 -> 2",
        "weights": "picker.networks.0.weights_sha256: 1 -> 2",
        "library version": "picker.seisbench: 0.1 -> 0.2",
        "settings": "settings.p: 1 -> 2",
    }


def test_changes_of_comparisons_in_words():
    before = {"input": {"catalog": "5 a", "reference": "7 a", "revision": "1"}, "gate": {"max_dt": "2.0"}}
    now = {"input": {"catalog": "6 b", "reference": "7 b", "revision": "2"}, "gate": {"max_dt": "3.0"}}
    stored = now | {"stored": {"comparison": "none"}}
    found = {reason.reason: reason.what for reason in reasons_of(EvaluateStage, changes(before, stored))}
    assert found == {
        "catalog changed": "5 -> 6",
        "reference changed": "7, other content",
        "revision changed": "1 -> 2",
        "settings": "max_dt: 2.0 -> 3.0",
    }
    (gone,) = reasons_of(EvaluateStage, changes(now, stored))
    assert (gone.reason, gone.what) == ("new", "not compared yet")


def test_documents_have_one_digest_in_any_order():
    rows = [{"_id": "a", "time": 1.0}, {"_id": "b", "time": 2.0}]
    turned = [{"time": 2.0, "_id": "b"}, {"_id": "a", "time": 1.0}]
    assert documents_digest(rows) == documents_digest(turned) != documents_digest(rows[:1])
    assert documents_digest([]) == ""
