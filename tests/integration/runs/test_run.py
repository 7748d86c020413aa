"""The main job on a small synthetic day: what it finds, and that nothing but the science decides the result."""

import functools
import shutil
import uuid
from types import SimpleNamespace

import obspy
import pytest
from databases import dump

from catalogdb.database.connection import connect, mspass_database
from catalogdb.database.initialise import initialise
from catalogdb.demo.dataset import write_demo_day
from catalogdb.errors import InputError, NameTaken
from catalogdb.jobs import load_job
from catalogdb.runs.run import run_job
from catalogdb.stages import registry
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

START = "2024-03-27T05:00:00"  # the day's data lie on both sides of a border of six-hour shards
HOURS = 2
EDGE_SECONDS = 60.0  # picks this near to the data's ends may depend on what lies beyond
MAIN_JOB = """
name: main
catalog: main
region: {minlatitude: 45.5, maxlatitude: 47.0, minlongitude: 11.5, maxlongitude: 14.5, maxdepth_km: 40}
pick: {picker: phasenet, weights: demo}
associate: {associator: gamma, velocity: {vp: 5.85, vs: 3.287}, min_picks: 5, min_p: 3, min_s: 2}
magnitude: {form: ogs}
evaluate: {reference: truth}
"""
QUICK_JOB = """
name: quick
catalog: quick
stages: [pick, associate, magnitude]
pick: {picker: stalta, shard_hours: 1}
associate: {associator: pyocto, window_seconds: 1200, min_picks: 4, min_p: 2, min_s: 0}
"""


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("day")
    day = write_demo_day(folder, 3, START, duration_s=HOURS * 3600, stations=5, events=8, lowest_ml=1.5, gaps=0)
    (folder / "main.yaml").write_text(MAIN_JOB)
    (folder / "quick.yaml").write_text(QUICK_JOB)
    return day


@pytest.fixture(scope="module")
def fill(server, day):
    """Makes a database of its own with the day's stations, true catalog and given waveforms."""
    made = []

    def fill(waveforms):
        settings = server.model_copy(update={"database": f"test_{uuid.uuid4().hex[:12]}"})
        made.append(settings)
        db = connect(settings)
        initialise(db)
        ingest_stations(db, mspass_database(settings), [day.stations_path])
        ingest_catalog(db, [day.truth_path], "truth")
        assert ingest_waveforms(db, [waveforms]).problems == []
        return SimpleNamespace(settings=settings, db=db)

    yield fill
    for settings in made:
        connect(settings).client.drop_database(settings.database)


def run(place, day, job, *overrides, **options):
    return run_job(place.settings, load_job(day.folder / f"{job}.yaml", overrides), **options)


def science(db):
    """The quick job's documents, ids and all."""
    kept = {name: list(db[name].find({"catalog": "quick"}).sort("_id")) for name in registry.outputs("catalog")}
    return kept | {"pick": list(db.pick.find({"pick_set": "quick"}).sort("_id"))}


def picks_of(db, pick_set, first, last):
    rows = db.pick.find({"pick_set": pick_set, "time": {"$gte": first, "$lt": last}})
    return {(row["channel_group"], row["phase"], round(row["time"] * 100)): row["probability"] for row in rows}


def away_from_edges(day):
    return day.start.timestamp + EDGE_SECONDS, day.start.timestamp + day.duration_s - EDGE_SECONDS


def same_picks(ours, theirs):
    assert len(theirs) > 40
    assert ours.keys() == theirs.keys()
    assert max(abs(ours[key] - theirs[key]) for key in theirs) < 1e-3


@pytest.fixture(scope="module")
def main(fill, day):
    """The main job, run once; tests that use it leave its documents alone."""
    place = fill(day.waveforms_dir)
    place.report = run(place, day, "main")
    return place


@pytest.fixture
def quick(fill, tmp_path, day):
    """A copy of three stations' waveforms in a database of its own, for tests that change them."""
    waveforms = tmp_path / "waveforms"
    for station in ("VINO", "CLUD", "BOO"):
        shutil.copytree(next(day.waveforms_dir.rglob(station)), waveforms / station)
    place = fill(waveforms)
    place.waveforms = waveforms
    place.run = functools.partial(run, place, day, "quick")
    return place


# -- the main job


def test_main_job_finds_the_days_events(main, day):
    report = main.report
    assert report.status == "done" and not report.notes
    assert list(report.stages) == ["pick", "associate", "magnitude", "assemble", "evaluate"]
    assert all(stage.planned == stage.done > 0 and not stage.problems for stage in report.stages.values())
    events = report.evaluation["events"]
    assert events["matched"] >= len(day.earthquakes) - 1 and events["proposed"] <= 2
    assert events["residuals"]["distance_km"]["median"] < 3
    assert abs(events["residuals"]["magnitude"]["median"]) < 0.3
    for phase in ("P", "S"):
        assert report.evaluation["picks"][phase]["recall"] > 0.85
        assert report.evaluation["picks"][phase]["precision"] > 0.7
    assert main.db.event.count_documents({"catalog": "main", "magnitude": {"$exists": True}}) >= events["matched"]
    row = main.db.run.find_one({"_id": report.run_id})
    assert row["status"] == "done" and row["stages"]["pick"]["done"] == report.stages["pick"].done


def test_a_second_run_changes_nothing(main, day):
    before = dump(main.db, "run")
    assert before["event"] and before["pick"]
    report = run(main, day, "main")
    assert dump(main.db, "run") == before
    assert report.status == "done"
    assert all(stage.up_to_date == stage.planned and stage.done == 0 for stage in report.stages.values())
    assert report.evaluation == main.report.evaluation


def test_other_settings_need_another_name(main, day):
    before = dump(main.db, "run")
    with pytest.raises(NameTaken, match=r"pick set 'main'.*settings\.p_threshold: 0\.3 there, 0\.4 here"):
        run(main, day, "main", "pick.p_threshold=0.4")
    with pytest.raises(NameTaken, match=r"catalog 'main'.*associate\.min_picks: 5 there, 6 here"):
        run(main, day, "main", "associate.min_picks=6")
    assert dump(main.db, "run") == before


def test_another_catalog_of_the_same_picks(main, day):
    before = dump(main.db, "run")
    report = run(main, day, "main", "associate.min_picks=6", name="strict")
    assert (report.catalog, report.pick_set) == ("strict", "main")
    assert report.stages["pick"].up_to_date == report.stages["pick"].planned
    assert report.stages["associate"].done > 0
    after = dump(main.db, "run")
    for name, documents in before.items():
        kept = {document["_id"] for document in documents}
        assert [document for document in after[name] if document["_id"] in kept] == documents
    assert (
        0 < main.db.event.count_documents({"catalog": "strict"}) <= main.db.event.count_documents({"catalog": "main"})
    )


def test_a_dry_run_writes_nothing(main, day):
    before = dump(main.db)
    report = run(main, day, "main", "pick.p_threshold=0.4", name="other", dry_run=True)
    assert report.status == "planned" and report.stages["pick"].planned == 5
    assert run(main, day, "main", dry_run=True).stages["pick"].up_to_date == 5
    assert dump(main.db) == before


def test_picks_do_not_depend_on_shards(main, day):
    report = run(main, day, "main", "pick.shard_hours=6", "catalog=shifted", "stages=[pick]")
    assert report.stages["pick"].done == 2 * main.report.stages["pick"].done
    limits = away_from_edges(day)
    same_picks(picks_of(main.db, "shifted", *limits), picks_of(main.db, "main", *limits))


def test_picks_do_not_depend_on_files(main, fill, day, tmp_path):
    borders = [day.start + seconds for seconds in (0, 1234.5, 1300, 4321.07, day.duration_s + 1)]
    for number, path in enumerate(day.waveform_files):
        stream = obspy.read(path)
        for part, (first, last) in enumerate(zip(borders[:-1], borders[1:], strict=True)):
            part_of_file = stream.slice(first, last - 0.005)
            part_of_file.write(str(tmp_path / f"{(number * 7 + part) % 11}-{number}-{part}"), "MSEED", reclen=4096)
    place = fill(tmp_path)
    assert place.db.wf_file.count_documents({}) == 4 * len(day.waveform_files)
    assert run(place, day, "main", "stages=[pick]").status == "done"
    limits = away_from_edges(day)
    same_picks(picks_of(place.db, "main", *limits), picks_of(main.db, "main", *limits))


def test_a_catalog_can_be_replaced(main, day):
    run(main, day, "main", "associate.min_picks=7", "catalog=passing", "pick_set=main")
    before = dump(main.db, "run")
    report = run(main, day, "main", "associate.min_picks=8", "catalog=passing", "pick_set=main", replace=True)
    assert report.status == "done" and report.stages["pick"].done == 0
    passing = main.db.catalog.find_one({"_id": "passing"})
    assert passing["config"]["associate"]["min_picks"] == 8
    for name in registry.outputs("catalog"):
        assert set(main.db[name].distinct("config_id", {"catalog": "passing"})) <= {passing["config_id"]}
        others = [document for document in before[name] if document["catalog"] != "passing"]
        assert others == list(main.db[name].find({"catalog": {"$ne": "passing"}}).sort("_id"))
    with pytest.raises(InputError, match="pick set 'main': catalogs? .*passing.* made from it"):
        run(main, day, "main", "pick.p_threshold=0.4", replace=True)
    assert main.db.pick_set.find_one({"_id": "main"})["config"]["settings"]["p_threshold"] == 0.3


def test_a_run_without_its_reference_says_it_is_not_evaluated(main, day):
    report = run(main, day, "main", "evaluate.reference=nobody")
    assert report.status == "done" and report.evaluation is None
    assert any("no catalog 'nobody'" in note for note in report.notes)


# -- changed inputs


def test_late_data_are_taken_in(quick, day):
    late = quick.waveforms / "late"
    quick.run()
    before = science(quick.db)["pick"]
    rows = {row["_id"]: row for row in quick.db.task.find({"stage": "pick"})}
    shutil.copytree(next(day.waveforms_dir.rglob("STAL")), late)
    ingest_waveforms(quick.db, [quick.waveforms])
    report = quick.run()
    assert (report.stages["pick"].up_to_date, report.stages["pick"].done) == (len(rows), HOURS)
    assert {pick["sta"] for pick in science(quick.db)["pick"] if pick not in before} == {"STAL"}
    assert all(pick in science(quick.db)["pick"] for pick in before)
    assert {identity: quick.db.task.find_one({"_id": identity}) for identity in rows} == rows
    assert 0 < report.stages["associate"].done <= report.stages["associate"].planned
    assert quick.run().stages["associate"].done == 0

    shutil.rmtree(late)
    ingest_waveforms(quick.db, [quick.waveforms], prune=True)
    report = quick.run()
    assert report.status == "done" and report.stages["pick"].done == HOURS
    assert science(quick.db)["pick"] == before
    assert quick.db.event.count_documents({"catalog": "quick", "origins.arrivals.sta": "STAL"}) == 0


def test_late_data_give_the_catalog_of_data_in_time(quick, fill, day):
    moved = quick.waveforms.parent / "BOO"
    complete = fill(quick.waveforms)
    run(complete, day, "quick")
    shutil.move(quick.waveforms / "BOO", moved)
    ingest_waveforms(quick.db, [quick.waveforms], prune=True)
    quick.run()
    assert science(quick.db) != science(complete.db)
    shutil.move(moved, quick.waveforms / "BOO")
    ingest_waveforms(quick.db, [quick.waveforms])
    quick.run()
    assert science(quick.db) == science(complete.db)


def test_a_file_gone_unnoticed_fails_its_tasks_alone(quick):
    path = next(path for path in (quick.waveforms / "BOO").rglob("*HHN*") if path.is_file())
    kept = path.read_bytes()
    path.unlink()
    report = quick.run()
    assert report.status == "failed"
    assert (report.stages["pick"].failed, report.stages["pick"].done) == (HOURS, 2 * HOURS)
    assert all(str(path) in line and "OX.BOO 2024" in line for line in report.stages["pick"].failures)
    assert quick.db.task.count_documents({"status": "failed", "error": {"$regex": "No such file"}}) == HOURS
    assert quick.db.tasks_failed.count_documents({}) == HOURS
    assert set(quick.db.pick.distinct("sta", {"pick_set": "quick"})) == {"VINO", "CLUD"}
    assert quick.db.run.find_one({"_id": report.run_id})["status"] == "failed"

    path.write_bytes(kept)
    report = quick.run()
    assert report.status == "done" and report.stages["pick"].done == HOURS
    assert quick.db.task.count_documents({"status": {"$ne": "done"}}) == 0
    assert "BOO" in quick.db.pick.distinct("sta", {"pick_set": "quick"})


def test_dask_makes_the_same_catalog(quick, fill, day):
    other = fill(quick.waveforms)
    quick.run()
    report = run(other, day, "quick", engine="dask", workers=2)
    assert report.status == "done" and report.stages["pick"].done == 3 * HOURS
    ours, theirs = science(quick.db), science(other.db)
    assert ours["event"] and ours == theirs


def test_nothing_ingested_is_said(fill, day, tmp_path):
    place = fill(tmp_path)
    with pytest.raises(InputError, match="no waveforms"):
        run(place, day, "quick")
    assert place.db.pick_set.count_documents({"kind": "automatic"}) == place.db.run.count_documents({}) == 0


def test_a_job_without_its_pick_set_is_refused(fill, day, tmp_path):
    place = fill(tmp_path)
    with pytest.raises(InputError, match="no pick set 'quick'") as caught:
        run(place, day, "quick", "stages=[associate]")
    assert "none yet" in caught.value.hint or "truth" in caught.value.hint


@pytest.mark.parametrize(
    ("stages", "named"),
    [
        ("[features]", "associate, features"),
        ("[pick, magnitude]", "pick, associate, magnitude"),
        ("[event_type, evaluate]", "associate, event_type, evaluate"),
    ],
)
def test_a_stage_without_those_that_it_needs_is_refused(main, day, stages, named):
    with pytest.raises(InputError, match="needs associate in the same job") as caught:
        run(main, day, "main", f"stages={stages}")
    assert f"stages: [{named}]" in caught.value.hint
