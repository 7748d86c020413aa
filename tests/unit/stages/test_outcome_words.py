"""What runs say of their results, and of slow associators."""

import pytest

from catalogdb.picking.unpicked import picking_outcome
from catalogdb.runs.run_report import RunReport, StageReport
from catalogdb.stages.association_notes import association_outcome, time_notes
from catalogdb.stages.magnitude import MagnitudeStage


def test_picking_says_what_it_found_and_left_out():
    counts = {"P_picks": 3, "S_picks": 2, "picked_seconds": 7200, "near_edge": 1, "dead_seconds": 60}
    found, lost = picking_outcome(counts)
    assert found == "5 picks (P 3, S 2) in 2.0 h of records"
    assert len(lost) == 2 and lost[0].startswith("1 picks so close to a gap") and lost[1].startswith("60 s not picked")
    assert picking_outcome({}) == ("", [])


def test_association_says_why_candidates_were_dropped():
    counts = {"picks": 30, "picks_used": 28, "picks_associated": 20, "events": 2}
    found, lost = association_outcome(counts | {"picks_rejected_no_station": 2, "origin_by_chance": 4})
    assert found == "2 events from 20 of 28 picks"
    assert lost[0] == "picks left out: 2 at stations without coordinates"
    assert "4 that false picks would make" in lost[1]
    assert association_outcome({}) == ("", [])


def test_magnitudes_say_what_took_stations_away():
    found, lost = MagnitudeStage.outcome({"events": 4, "no_response": 9})
    assert found == "0 of 4 events have a magnitude"
    assert lost == ["station amplitudes: 9 without an instrument response"]


def test_magnitudes_of_deep_events_are_mistrusted():
    (note,) = MagnitudeStage.notes({"events": 4, "magnitudes": 4, "deep": 3, "no_response": 1}, 1, 1)
    assert note.startswith("3 magnitudes are of events deeper than 80 km") and "crustal" in note
    assert MagnitudeStage.notes({"events": 4, "magnitudes": 4}, 1, 1) == []


@pytest.mark.parametrize(("associator", "said"), [("gamma", True), ("pyocto", True), ("scan", False)])
def test_a_slow_associator_names_the_quicker_one(associator, said):
    lines = time_notes(associator, to_do=500)
    assert bool(lines) is said and all("associate.associator: scan" in line and "500" in line for line in lines)
    assert time_notes(associator, to_do=2) == []  # it is soon done in any case


def report(**stage):
    report = RunReport(run_id="r", job="j", pick_set="p", catalog="c", status="failed")
    report.stages["toy"] = StageReport(planned=2, **stage)
    return report


def test_a_run_that_waits_for_others_has_no_failures():
    assert report(held=1).is_held_up
    assert not report(held=1, failed=1, failures=["x"]).is_held_up
    assert not report().is_held_up  # the failures of other participants
