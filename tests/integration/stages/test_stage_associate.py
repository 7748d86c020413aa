"""Association from and to the database: tasks per window, identities, and the commands that compare and tune."""

import json
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from catalogdb.database.connection import connect, connection_uri
from catalogdb.errors import InputError
from catalogdb.geo import distance_azimuth
from catalogdb.jobs import Job, StationSelection
from catalogdb.runs.run import run_job
from catalogdb.stages.associate import AssociateStage
from catalogdb.stages.association_task import read_task
from catalogdb.stages.recording import Recording
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes

T0 = 1711584000.0  # 2024-03-28
STATIONS = [
    ("AAA", 46.26, 13.28), ("BBB", 46.46, 12.88), ("CCC", 46.20, 13.05), ("DDD", 46.32, 13.10),
    ("EEE", 46.26, 12.71), ("FFF", 46.43, 12.74), ("GGG", 46.41, 13.00), ("HHH", 46.55, 13.15),
]  # fmt: skip
# Seconds after T0, latitude, longitude; two of them 12 s apart across the border of two hours.
EVENTS = [(600.0, 46.36, 12.90), (3594.0, 46.30, 13.15), (3606.0, 46.42, 12.80), (9000.0, 46.36, 13.00)]
JOB = {
    "name": "mine",
    "catalog": "mine",
    "pick_set": "people",
    "stages": ["associate", "evaluate"],
    "region": {"minlatitude": 45.5, "maxlatitude": 47.0, "minlongitude": 11.5, "maxlongitude": 14.0},
    "associate": {"associator": "scan", "velocity": {"vp": 5.85, "vs": 3.28}, "overlap_seconds": 300.0},
    "evaluate": {"reference": "people"},
}


@pytest.fixture
def filled(db):
    times = HomogeneousTimes(5.85, 3.28)
    random = np.random.default_rng(1)
    db.site.insert_many(
        {"net": "OX", "sta": sta, "loc": "", "lat": lat, "lon": lon, "elev": 0.5, "starttime": 0.0, "endtime": 4e9}
        for sta, lat, lon in STATIONS
    )
    picks, events = [], []
    for number, (time, latitude, longitude) in enumerate(EVENTS):
        arrivals = []
        for sta, lat, lon in STATIONS:
            distance, _ = distance_azimuth(latitude, longitude, lat, lon)
            for phase in "PS":
                travel = float(times(distance, 8.0, -0.5, phase == "S")) + random.normal(0.0, 0.03)
                pick = {"_id": f"{number}.{sta}.{phase}", "pick_set": "people", "channel_group": f"OX.{sta}..HH"}
                picks.append(
                    pick
                    | {"net": "OX", "sta": sta, "loc": "", "chan": "HHZ", "phase": phase, "time": T0 + time + travel}
                    | {"config_id": "people", "task_id": "people", "evaluation_mode": "manual"}
                )
                arrivals.append({"pick_id": pick["_id"], "phase": phase, "sta": sta})
        origin = {"_id": f"o{number}", "method": "people", "arrivals": arrivals}
        events.append(
            {"_id": f"e{number}", "event_id": f"e{number}", "catalog": "people", "time": T0 + time}
            | {"latitude": latitude, "longitude": longitude, "origins": [origin]}
        )
    options = {"bypass_document_validation": True}
    db.pick.insert_many(picks, **options)
    db.event.insert_many(events, **options)
    return db


def job(**changes):
    return Job.model_validate(JOB | {"associate": JOB["associate"] | changes})


def run_stage(db, job, order=1):
    stage = AssociateStage(job, "config")
    documents = []
    for task in list(stage.plan(db))[::order]:
        inputs = stage.read(db, task.shard)
        assert inputs.fingerprint == task.fingerprint
        documents += stage.process(task.shard, inputs).documents["origin"]
    return sorted(documents, key=lambda origin: origin["time"])


@pytest.mark.parametrize("associator", ["gamma", "pyocto", "scan"])
def test_origins_and_identities_do_not_depend_on_windows_and_order(filled, associator):
    hourly = run_stage(filled, job(associator=associator))
    assert [origin["time"] - T0 for origin in hourly] == pytest.approx([time for time, *_ in EVENTS], abs=0.3)
    assert len({origin["_id"] for origin in hourly}) == len(EVENTS)
    identities = [origin["_id"] for origin in hourly]
    assert [origin["_id"] for origin in run_stage(filled, job(associator=associator), order=-1)] == identities
    other = run_stage(filled, job(associator=associator, window_seconds=10000.0))
    assert [origin["_id"] for origin in other] == identities


def counted(db, **stations):
    """Counts of all windows together; plan and read agree on the inputs of each."""
    stage = AssociateStage(job().model_copy(update={"stations": StationSelection(**stations)}), "config")
    counts = Counter()
    for task in stage.plan(db):
        inputs = stage.read(db, task.shard)
        assert inputs.fingerprint == task.fingerprint
        counts.update(stage.process(task.shard, inputs).counts)
    return counts


def test_picks_without_network_take_part(filled):
    named = run_stage(filled, job(), order=1)
    filled.pick.update_many({}, {"$set": {"net": ""}})
    counts = counted(filled, include=("OX.*",))
    assert counts["picks_used"] == counts["picks_resolved_by_code"] == counts["picks"] == counted(filled)["picks"] > 0
    assert counts["events"] == len(named)
    assert counted(filled, include=("OX.*",), exclude=("OX.AAA",))["picks"] == counts["picks"] * 7 // 8
    assert counted(filled, include=("IV.*",)) == {}


def test_no_pick_without_network_is_lost_uncounted(filled):
    filled.pick.update_many({}, {"$set": {"net": ""}})
    every = counted(filled)["picks"]
    site = filled.site.find_one({"sta": "BBB"}, {"_id": 0})
    filled.site.insert_one(site | {"net": "IV"})
    ambiguous = counted(filled, include=("OX.*", "IV.*"))
    assert (ambiguous["picks"], ambiguous["picks_rejected_station_ambiguous"]) == (every, every // 8)
    assert counted(filled, include=("OX.*",))["picks_resolved_by_code"] == every
    filled.site.delete_many({"sta": "AAA"})
    filled.site.update_many({"sta": "CCC"}, {"$set": {"net": ""}})
    without = counted(filled, include=("OX.*",))
    assert (without["picks"], without["picks_rejected_no_station"]) == (every, every // 4)
    assert counted(filled, include=("OX.B*", "OX.C*"))["picks"] == every // 4
    assert counted(filled, include=("OX.*",), exclude=("AAA", "*.CCC"))["picks"] == every * 6 // 8


def test_a_station_that_becomes_known_makes_its_windows_stale(filled):
    filled.pick.update_many({}, {"$set": {"net": ""}})
    stage = AssociateStage(job().model_copy(update={"stations": StationSelection(include=("OX.*",))}), "config")
    before = [task.fingerprint for task in stage.plan(filled)]
    filled.site.update_many({"sta": "AAA"}, {"$set": {"net": "IV"}})
    assert [task.fingerprint for task in stage.plan(filled)] != before
    filled.site.update_many({"sta": "AAA"}, {"$set": {"net": "OX"}})
    assert [task.fingerprint for task in stage.plan(filled)] == before


def test_stations_of_another_network_are_named_as_problems(filled):
    filled.pick.update_many({"sta": "AAA"}, {"$set": {"net": "IV"}})
    stage = AssociateStage(job(), "config")
    task = next(iter(stage.plan(filled)))
    output = stage.process(task.shard, stage.read(filled, task.shard))
    assert output.problems == [
        "pick's station IV.AAA has no coordinates in reach; those of OX.AAA are not taken for it"
    ]


def test_task_holds_what_is_judged(filled):
    task = read_task(filled, job(), "people", T0, T0 + 3600.0)
    assert [event["time"] - T0 for event in task.reference] == [600.0, 3594.0]
    assert all(len(event["picks"]) == 16 for event in task.reference)
    assert len(task.stations) == 8
    assert len(task.picks) == 48  # the third event's picks lie in the margin


def test_task_says_what_is_missing(filled):
    for period, reference, match in (
        ((0.0, 10.0), "people", "pick set people has no pick"),
        ((T0, T0 + 3600.0), "nobody", "catalog nobody has no located event"),
    ):
        with pytest.raises(InputError, match=match):
            read_task(filled, job(), reference, *period)


def run_command(settings, *arguments):
    environment = os.environ | {"CATALOGDB_URI": connection_uri(settings), "CATALOGDB_DATABASE": settings.database}
    command = [sys.executable, "-m", "catalogdb", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_commands_compare_and_tune(filled, settings, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(JOB))
    done = run_command(
        settings, "compare-associators", path, "--start", "2024-03-28", "--end", "2024-03-28T04:00:00", "--json"
    )
    assert done.returncode == 0, done.stderr
    rows = {row["method"]: row for row in json.loads(done.stdout)["associators"]}
    assert set(rows) == {"gamma", "pyocto", "scan"}
    assert rows["scan"]["recall"] == rows["scan"]["precision"] == rows["scan"]["picks_right"] == 1.0
    assert all(row["peak_mb"] > 30 for row in rows.values())
    periods = ("--train", "2024-03-28", "2024-03-28T01:00:00", "--test", "2024-03-28T01:00:00", "2024-03-28T04:00:00")
    done = run_command(settings, "tune", path, *periods, "--trials", "2", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert len(result["trials"]) == 3
    assert result["test"]["best"]["recall"] == 1.0
    done = run_command(settings, "compare-associators", path, "--associator", "x", "--start", "2024", "--end", "2025")
    assert done.returncode != 0
    assert "--associator x: not an associator" in done.stderr


@pytest.mark.parametrize("associator", ["gamma", "pyocto", "scan"])
def test_a_job_runs_with_each_associator(filled, settings, associator):
    for collection in (filled.pick_set, filled.catalog):
        row = {"_id": "people", "kind": "reference", "config_id": "people", "pick_set": "people"}
        collection.insert_one(row, bypass_document_validation=True)
    report = run_job(settings, job(associator=associator))
    assert report.status == "done" and report.evaluation["events"]["matched"] == len(EVENTS)
    again = run_job(settings, job(associator=associator))
    assert again.stages["associate"].up_to_date == again.stages["associate"].planned > 0


def test_stations_without_data_change_nothing(filled):
    before = run_stage(filled, job())
    prints = [task.fingerprint for task in AssociateStage(job(), "config").plan(filled)]
    silent = [{"net": "XX", "sta": sta, "lat": lat, "lon": lon} for sta, lat, lon in (*STATIONS, ("FAR", -20.0, -70.0))]
    silent += [{"net": "", "sta": sta, "lat": lat, "lon": lon} for sta, lat, lon in STATIONS[:3]]
    filled.site.insert_many(row | {"loc": "", "elev": 0.5, "starttime": 0.0, "endtime": 4e9} for row in silent)
    assert [task.fingerprint for task in AssociateStage(job(), "config").plan(filled)] == prints
    assert run_stage(filled, job()) == before


def waveform(sta, starttime, endtime, net="OX"):
    codes = {"net": net, "sta": sta, "loc": "", "chan": "HHZ", "channel_group": f"{net}.{sta}..HH"}
    return codes | {"starttime": starttime, "endtime": endtime, "dir": "/d", "dfile": f"{net}.{sta}", "foff": starttime}


def taken(db, picks, starttime, endtime, *codes):
    stations = [{"net": net, "sta": sta} for net, sta in codes]
    alone = Recording(db, "people").take(stations, picks, starttime, endtime)
    assert Recording(db, "people", whole=True).take(stations, picks, starttime, endtime) == alone
    return [f"{station['net']}.{station['sta']}" for station in alone]


def test_data_are_waveforms_or_picks_around_the_window(filled):
    every = waveform("AAA", T0, T0 + 600.0), waveform("NOP", T0, T0 + 600.0), waveform("BBB", T0 - 9e5, T0 - 8e5)
    filled.wf_miniseed.insert_many(every, bypass_document_validation=True)
    codes = ("OX", "AAA"), ("OX", "BBB"), ("OX", "CCC"), ("OX", "NOP"), ("OX", "GAP")
    assert taken(filled, [], T0, T0 + 3600.0, *codes) == ["OX.AAA", "OX.CCC", "OX.NOP"]
    # waveforms say when AAA recorded; of CCC none are indexed, and a pick within a day counts
    assert taken(filled, [], T0 + 40000.0, T0 + 43600.0, *codes) == ["OX.CCC"]
    assert taken(filled, [{"net": "OX", "sta": "AAA"}], T0 + 40000.0, T0 + 43600.0, *codes) == ["OX.AAA", "OX.CCC"]
    assert taken(filled, [], T0 + 400000.0, T0 + 403600.0, *codes) == []


def test_picks_without_network_go_to_the_network_with_data(filled):
    filled.wf_miniseed.insert_one(waveform("ZZZ", T0, T0 + 600.0, "IV"), bypass_document_validation=True)
    pick = {"net": "", "sta": "ZZZ"}
    codes = ("IV", "ZZZ"), ("XX", "ZZZ")
    assert taken(filled, [pick], T0, T0 + 3600.0, *codes) == ["IV.ZZZ"]
    assert taken(filled, [pick], T0 + 90000.0, T0 + 93600.0, *codes) == ["IV.ZZZ"]
    assert taken(filled, [pick], T0, T0 + 3600.0, ("XX", "ZZZ")) == ["XX.ZZZ"]
    assert taken(filled, [pick], T0, T0 + 3600.0, *codes, ("", "ZZZ")) == ["IV.ZZZ", ".ZZZ"]
    filled.wf_miniseed.delete_many({})
    assert taken(filled, [pick], T0, T0 + 3600.0, *codes) == ["IV.ZZZ", "XX.ZZZ"]


def of_period(settings, start, end, **options):
    period = {"starttime": T0 + start, "endtime": T0 + end}
    report = run_job(settings, Job.model_validate(JOB | {"stages": ["associate"], "period": period}), **options)
    times = [row["time"] - T0 for row in connect(settings).event.find({"catalog": "mine"}).sort("time", 1)]
    return [round(time) for time in times], report


def test_a_catalog_holds_the_events_of_its_period(filled, settings):
    filled.pick_set.insert_one({"_id": "people", "kind": "reference", "config_id": "people"})
    assert of_period(settings, 0.0, 3600.0)[0] == [600, 3594]
    assert of_period(settings, 0.0, 3598.0)[1].nothing_to_do
    held, report = of_period(settings, 0.0, 3000.0)
    assert held == [600, 3594] and any("--replace" in note for note in report.notes)
    assert of_period(settings, 0.0, 3000.0, replace=True)[0] == [600]
    held, report = of_period(settings, 3000.0, 3600.0)
    assert held == [600, 3594] and not report.nothing_to_do
    held, report = of_period(settings, 8000.0, 9900.0)
    assert held == [600, 3594, 9000] and not report.notes
    assert filled.catalog.find_one({"_id": "mine"})["periods"] == [[T0, T0 + 3600.0], [T0 + 8000.0, T0 + 9900.0]]
    report = run_job(settings, Job.model_validate(JOB | {"stages": ["associate"]}))
    assert filled.event.count_documents({"catalog": "mine"}) == 4
    assert of_period(settings, 0.0, 3600.0)[1].nothing_to_do


def test_a_run_counts_each_pick_once(filled, settings):
    filled.pick_set.insert_one({"_id": "people", "kind": "reference", "config_id": "people"})
    counts = run_job(settings, Job.model_validate(JOB | {"stages": ["associate"]})).stages["associate"].counts
    assert counts["picks"] == counts["picks_used"] == counts["picks_associated"] == filled.pick.count_documents({})
    assert counts["stations"] == len(STATIONS)


def test_a_run_without_events_says_why(filled, settings):
    filled.pick_set.insert_one({"_id": "people", "kind": "reference", "config_id": "people"})
    changed = JOB | {"stages": ["associate"], "stations": {"include": ["OX.AAA", "OX.BBB", "OX.NONE"]}}
    notes = run_job(settings, Job.model_validate(changed)).notes
    assert "stations.include: OX.NONE: there is no such station" in notes
    assert any(note.startswith("no event in the") and "2 stations have data" in note for note in notes)
    with pytest.raises(InputError, match="no coordinates"):
        run_job(settings, Job.model_validate(changed | {"stations": {"include": ["OX.NONE"]}}))
    site = filled.site.find_one({"sta": "AAA"}, {"_id": 0})
    filled.site.insert_one(site | {"sta": "QUIET"})
    with pytest.raises(InputError, match="none of the job's stations"):
        run_job(settings, Job.model_validate(changed | {"stations": {"include": ["OX.QUIET"]}}))
