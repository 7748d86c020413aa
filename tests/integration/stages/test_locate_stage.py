"""Location in a job: further origins by their density, station terms, and nothing else where a job has none."""

import numpy as np
import pytest

from catalogdb.database.connection import connect
from catalogdb.errors import InputError
from catalogdb.jobs import load_job
from catalogdb.runs.run import run_job
from catalogdb.runs.stale import stale_of_job
from catalogdb.stages.preferred import RULE, preferred_origin
from catalogdb.stages.resolve import catalog_config
from catalogdb.upkeep.removal import remove

BLOCK = "locate={min_events: 3}"


@pytest.fixture(scope="module")
def located(engine_day):
    """Settings of a database with the results of a job that locates; left as it is."""
    settings = engine_day.filled()
    report = run_job(settings, engine_day.job(BLOCK))
    assert report.status == "done", report
    assert list(report.stages) == ["pick", "associate", "locate", "magnitude", "assemble", "evaluate"]
    return settings


@pytest.fixture
def place(engine_day, located):
    """The same in a database that the test may change."""
    return engine_day.copy_of(located)


def test_a_block_is_enough_to_have_it(engine_day):
    assert engine_day.job(BLOCK).stages == ("pick", "associate", "locate", "magnitude", "evaluate")
    assert "locate" not in engine_day.job().stages
    with pytest.raises(InputError, match="locate: a block of a stage that this job does not run"):
        engine_day.job(BLOCK, "stages=[pick]")
    assert engine_day.job("stages=[associate, locate]").locate.terms == "source"


def test_a_job_without_it_has_the_configuration_that_it_had(engine_day):
    assert "locate" not in catalog_config(engine_day.job(), "picks")
    assert catalog_config(engine_day.job(BLOCK), "picks")["locate"] == {
        "revision": 3, "velocity": None, "velocity_model": None, "terms": "source", "elevations": True,
        "errors": "estimated", "min_events": 3,
    }  # fmt: skip


def test_events_have_a_further_origin_with_its_uncertainties(located):
    db = connect(located)
    events = list(db.event.find({"catalog": "engines"}))
    assert len(events) > 2
    for event in events:
        first, located = event["origins"]
        assert (first["method"], located["method"]) == ("pyocto", "nonlinear")
        assert event["preferred_origin_rule"] == RULE
        assert event["preferred_origin_id"] == preferred_origin(event["origins"])["_id"]
        if not located.get("limits"):
            covariance = np.array(located["covariance_km2"])
            assert np.linalg.eigvalsh(covariance).min() > 0
            assert located["depth_uncertainty_km"] == pytest.approx(covariance[2, 2] ** 0.5)
            low, high = located["depth_68_km"]
            assert located["depth_90_km"][0] < low < high < located["depth_90_km"][1]
            assert 0 < located["epicentre_68_km"] < located["epicentre_90_km"]
            assert located["ellipsoid"]["major_km"] ** 2 == pytest.approx(np.linalg.eigvalsh(covariance).max())
        assert {arrival["pick_id"] for arrival in located["arrivals"]} == {
            arrival["pick_id"] for arrival in first["arrivals"]
        }
    assert db.origin.count_documents({"catalog": "engines"}) == 2 * len(events)
    assert db.magnitude.count_documents({"catalog": "engines"}) <= len(events)


def test_station_terms_are_kept_by_station_and_phase(located):
    terms = list(connect(located).station_term.find({"catalog": "engines"}))
    assert {term["phase"] for term in terms} == {"P", "S"} or {term["phase"] for term in terms} == {"P"}
    assert all(term["count"] > 0 and abs(term["value"]) < 1.0 for term in terms)


def test_it_runs_again_for_changed_coordinates_alone(place, engine_day):
    job, db = engine_day.job(BLOCK), connect(place)
    assert run_job(place, job).nothing_to_do
    assert stale_of_job(db, job).tasks == []
    db.origin.update_one({"method": "pyocto"}, {"$inc": {"depth_km": 0.5}})
    stale = {task.stage: task.state for task in stale_of_job(db, job).tasks}
    assert stale["locate"] == "stale"


def test_it_is_removed_with_its_catalog(place):
    db = connect(place)
    assert remove(db, "catalog", "engines")["station_term"] > 0
    assert db.station_term.count_documents({}) == db.origin.count_documents({}) == 0


def test_a_job_file_may_vary_it(engine_day):
    assert load_job(engine_day.job_file, [BLOCK, "locate.terms=none"]).locate.terms == "none"
