"""The packaged jobs on real waveforms with real weights: Ridgecrest against ComCat, Hengill and Oklahoma."""

from pathlib import Path

import pytest

from catalogdb.database.connection import mspass_database
from catalogdb.jobs import load_job
from catalogdb.runs.run import run_job
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


def run_packaged(settings, db, folder, stations, job):
    ingest_stations(db, mspass_database(settings), [folder / stations])
    summary = ingest_waveforms(db, [folder / "mseed"])
    assert summary.files > 0 and summary.unreadable == 0
    report = run_job(settings, load_job(Path(job)))
    assert report.status == "done"
    assert all(stage.planned == stage.done and not stage.failures for stage in report.stages.values())
    assert db.task.count_documents({"status": {"$ne": "done"}}) == 0
    return report


@pytest.mark.parametrize(("job", "least_matched"), [("ridgecrest-2019", 14), ("ridgecrest-2019-eqt", 15)])
def test_ridgecrest_aftershocks_are_found(settings, db, realdata, real_weights, job, least_matched):
    folder = realdata / "ridgecrest_2019"
    ingest_catalog(db, [folder / "reference_comcat_reviewed.csv"], "comcat")
    events = run_packaged(settings, db, folder, "stations.xml", job).evaluation["events"]
    assert events["matched"] + events["missed"] == 16
    assert events["matched"] >= least_matched
    assert abs(events["residuals"]["dt"]["median"]) < 1
    assert events["residuals"]["distance_km"]["median"] < 8


def test_hengill_swarm_is_seen(settings, db, realdata, real_weights):
    report = run_packaged(settings, db, realdata / "hengill_2018", "stations.csv", "hengill-2018")
    assert report.stages["pick"].done == 20
    assert db.event.count_documents({"catalog": "hengill-2018"}) >= 1
    rates = db.wf_miniseed.distinct("sampling_rate")
    assert len(db.pick.distinct("sta")) > 10 and set(rates) == {100.0, 200.0}


def test_oklahoma_event_is_found(settings, db, realdata, real_weights):
    report = run_packaged(settings, db, realdata / "oklahoma_2013", "stations.csv", "oklahoma-2013")
    assert report.stages["pick"].done >= 7
    assert db.event.count_documents({"catalog": "oklahoma-2013"}) >= 1
    assert all(len(groups) == 1 for groups in _groups_by_station(db).values())


def _groups_by_station(db):
    """Sensors that were picked, by station: one each, though one of the stations has two."""
    rows = db.pick.aggregate([{"$group": {"_id": "$sta", "groups": {"$addToSet": "$channel_group"}}}])
    return {row["_id"]: row["groups"] for row in rows}
