"""Staleness: each change makes its dependants stale and no others, the query says why, and a run does just that.

The changes and what is measured of them are those of benchmarks/staleness.py, whose table is in the documentation.
"""

import shutil

import obspy
import pytest
from databases import copy_documents

import catalogdb
from benchmarks._season import DAYS, STAGES, Season
from benchmarks.staleness import label, measure, steps
from catalogdb.errors import InputError
from catalogdb.runs.stale import stale_of_all, stale_of_catalog, stale_of_job

MIDNIGHTS = {f"{day}T00:00" for day in DAYS}
COMPARISON = ("evaluate", "truth", "2024-03-27T23:40")


@pytest.fixture(scope="module")
def archive(server, tmp_path_factory):
    season = Season(server, tmp_path_factory.mktemp("season"))
    yield season
    season.drop()


@pytest.fixture(scope="module")
def outcomes(archive):
    """Every change of the table, one after the other."""
    return {what: measured() for what, measured in steps(archive)}


@pytest.fixture
def ingested(archive):
    """The archive as it was made, ingested; for tests that come after the table's."""
    archive.reset()
    return archive


@pytest.fixture(scope="module")
def done(archive, databases):
    """Settings of a database with what the job makes of the archive as it was made; left as it is."""
    own = databases.take()
    archive.reset()
    archive.run()
    copy_documents(archive.place.settings, own)
    yield own
    databases.give_back(own)


@pytest.fixture
def season(archive, done):
    """The archive as it was made, after a run of the job; for tests that come after the table's."""
    archive.restore()
    copy_documents(done, archive.place.settings)
    return archive


def picks(station, *days):
    return {("pick", station, f"{day}T00:00") for day in days}


def label_of(task):
    return label(task.model_dump())


def of_stage(tasks, stage):
    return {name for name in tasks if name[0] == stage}


def near(name, day):
    """True for a window of the day, or within its reach beyond midnight."""
    time, start = obspy.UTCDateTime(name[2]), obspy.UTCDateTime(day)
    return start - 720 <= time < start + 86400 + 120


# -- the table


def test_after_a_run_nothing_is_stale_and_all_is_as_from_scratch(outcomes):
    assert len(outcomes) == 14
    assert {what: outcome.left for what, outcome in outcomes.items() if outcome.left} == {}
    assert [what for what, outcome in outcomes.items() if not outcome.equal] == []


def test_what_ran_was_announced_and_what_was_stale_ran(outcomes):
    for what, outcome in outcomes.items():
        new = {name for name in outcome.ran if "new file" in outcome.stale.get(name, ())}
        assert outcome.ran <= outcome.stale.keys() | outcome.waiting.keys() | new, what
        assert outcome.stale.keys() - {COMPARISON} <= outcome.ran, what
        assert outcome.compared == (COMPARISON in outcome.stale) or COMPARISON in outcome.waiting, what


def test_nothing_ran_whose_inputs_were_as_before(outcomes):
    for what, outcome in outcomes.items():
        assert outcome.ran == outcome.new_inputs, what


def test_untouched_and_touched_files_make_nothing_stale(outcomes):
    for what in ("nothing", "every file touched"):
        outcome = outcomes[what]
        assert (outcome.stale, outcome.waiting, outcome.ran, outcome.compared) == ({}, {}, set(), False)


def test_a_new_day_of_one_station(outcomes):
    outcome = outcomes["new day of one station"]
    late, new = picks("BAD", DAYS[1]), picks("BAD", DAYS[2])
    windows = {name: why for name, why in outcome.stale.items() if name[0] == "associate"}
    assert windows and set().union(*windows.values()) == {"new station"}  # it has data in what they read
    assert all(near(name, DAYS[2]) for name in windows)
    others = {name: why for name, why in outcome.stale.items() if name not in windows}
    assert others == {**dict.fromkeys(late, {"late file"}), **dict.fromkeys(new, {"new file"})} | {
        COMPARISON: {"waveforms changed"}
    }
    assert of_stage(outcome.ran, "pick") == late | new
    assert all(near(name, DAYS[2]) for name in outcome.ran - late)


def test_a_late_file_makes_its_day_and_padded_neighbours_stale(outcomes):
    outcome = outcomes["late file of a day already done"]
    wanted = picks("CLUD", *DAYS)
    assert {name: outcome.stale[name] for name in wanted} == dict.fromkeys(wanted, {"late file"})
    assert outcome.stale.keys() - wanted - {COMPARISON} <= of_stage(outcome.waiting.keys() | outcome.ran, "magnitude")
    assert of_stage(outcome.ran, "pick") == wanted
    assert len(of_stage(outcome.ran, "associate")) < outcome.planned["associate"]
    changed = {day for _, station, day in of_stage(outcome.new_outputs, "pick")}
    for stage in STAGES[1:]:
        assert all(any(near(name, day[:10]) for day in changed) for name in of_stage(outcome.ran, stage))


def test_a_rewritten_file_of_the_same_size_is_seen(outcomes):
    outcome = outcomes["file rewritten, same size"]
    assert outcome.stale == dict.fromkeys(picks("BOO", *DAYS), {"changed file"})
    # the neighbours read its edge, found the same picks, and the wave stopped there
    assert of_stage(outcome.new_outputs, "pick") == picks("BOO", DAYS[1])
    assert all(near(name, DAYS[1]) for name in outcome.ran - of_stage(outcome.ran, "pick"))
    assert 0 < len(of_stage(outcome.ran, "associate")) < outcome.planned["associate"]


def test_same_samples_in_other_bytes_leave_later_stages_current(outcomes):
    outcome = outcomes["files recompressed, same samples"]
    assert of_stage(outcome.ran, "pick") == picks("VINO", *DAYS)
    assert outcome.new_outputs == set() and not outcome.compared
    assert of_stage(outcome.ran, "associate") == of_stage(outcome.ran, "assemble") == set()


def test_a_removed_file(outcomes):
    outcome = outcomes["file removed"]
    wanted = picks("VINO", *DAYS[:2])
    assert {name: outcome.stale[name] for name in wanted} == dict.fromkeys(wanted, {"vanished file"})
    assert of_stage(outcome.ran, "pick") == wanted
    assert of_stage(outcome.ran, "assemble") and all(near(name, DAYS[0]) for name in of_stage(outcome.ran, "assemble"))


def test_a_moved_station_makes_every_window_stale_and_no_picks(outcomes):
    outcome = outcomes["station moved by 3 km"]
    windows = {name: why for name, why in outcome.stale.items() if name[0] == "associate"}
    assert len(windows) == outcome.planned["associate"] and set(map(tuple, windows.values())) == {("coordinates",)}
    assert not of_stage(outcome.ran, "pick") and outcome.compared
    assert len(of_stage(outcome.ran, "assemble")) < outcome.planned["assemble"]  # windows without events


def test_a_corrected_response_makes_magnitudes_stale_alone(outcomes):
    outcome = outcomes["response corrected"]
    assert {name[0] for name in outcome.stale} == {"magnitude"}
    assert set(map(tuple, outcome.stale.values())) == {("response",)}
    assert {name[0] for name in outcome.ran} == {"magnitude", "assemble"} and outcome.compared


def test_another_reference_makes_the_comparison_stale_alone(outcomes):
    outcome = outcomes["one event of the reference"]
    assert outcome.stale.keys() == {COMPARISON} and "reference changed" in outcome.stale[COMPARISON]
    assert outcome.ran == set() and outcome.compared


@pytest.mark.parametrize(
    ("what", "reason", "picks_too"),
    [
        ("association: min_picks 5", "settings", False),
        ("picking: stalta.p_on 7", "settings", True),
        ("code after picking revised", "revision", False),
        ("code of picking revised", "revision", True),
    ],
)
def test_another_way_of_making_it_is_refused_until_it_is_asked_for(outcomes, what, reason, picks_too):
    outcome = outcomes[what]
    assert "made with other settings than these" in outcome.refused
    assert any("--replace" in note for note in outcome.notes)
    first = "pick" if picks_too else "associate"
    assert {why for name in of_stage(outcome.stale, first) for why in outcome.stale[name]} == {reason}
    if picks_too:
        assert {why for name in of_stage(outcome.stale, "assemble") for why in outcome.stale[name]} == {
            "other pick set"
        }
    stages = STAGES if picks_too else STAGES[1:]
    assert {stage: len(of_stage(outcome.ran, stage)) for stage in STAGES if of_stage(outcome.ran, stage)} == {
        stage: outcome.planned[stage] for stage in stages
    }


# -- further cases


def test_other_weights_in_the_same_place(ingested, tmp_path):
    import torch

    packaged = shutil.copytree(f"{catalogdb.__path__[0]}/demo/weights", tmp_path / "weights")
    weights = packaged / "phasenet_demo.pt.v1"
    ingested.overrides = ["pick.picker=phasenet", f"pick.weights={weights}", "stations.include=[OX.VINO]"]
    ingested.overrides += ["associate.associator=pyocto", "evaluate.reference=truth"]
    ingested.run()

    def lower_bias():
        tensors = torch.load(weights)
        tensors["out.bias"][0] += 0.5
        torch.save(tensors, weights)

    before = ingested.db.pick.distinct("probability", {"pick_set": "season"})
    outcome = measure(ingested, "weights", lower_bias, replace=True)
    assert {why for name in of_stage(outcome.stale, "pick") for why in outcome.stale[name]} == {
        *("weights", "time calibration")  # these weights have one of their own
    }
    assert of_stage(outcome.ran, "pick") == picks("VINO", *DAYS)
    assert outcome.equal and outcome.left == 0
    # the process that had the old weights loaded took the new ones
    assert before and set(before).isdisjoint(ingested.db.pick.distinct("probability", {"pick_set": "season"}))


def test_failed_and_unfinished_tasks_are_told_apart(ingested):
    path = ingested.files("BOO", DAYS[1])[0]
    kept = path.read_bytes()
    path.unlink()
    report = ingested.run()
    assert report.status == "failed"
    ingested.db.task.update_one({"stage": "pick", "shard.sta": "VINO"}, {"$set": {"status": "pending"}})
    why = {task.shard["sta"]: task.why[0] for task in ingested.stale().tasks if task.stage == "pick"}
    assert why["BOO"].reason == "failed" and str(path) in why["BOO"].what
    assert why["VINO"].reason == "unfinished"
    path.write_bytes(kept)
    ingested.ingest()
    ingested.run()
    assert ingested.stale().tasks == []


def test_rows_of_an_older_version_are_stale_without_a_reason(season):
    season.db.task.update_many(
        {"stage": "pick"}, {"$unset": dict.fromkeys(("inputs", "glance"), ""), "$set": {"fingerprint": "old"}}
    )
    tasks = [task for task in season.stale().tasks if task.state == "stale"]
    assert {(task.stage, why.reason) for task in tasks for why in task.why} == {("pick", "not recorded")}


def test_a_file_of_an_unpicked_sensor_makes_no_pick_stale(season):
    season.file("BAD", DAYS[0], "EHE").unlink()  # the station has HH too
    season.ingest()
    stale = {task.stage for task in season.stale().tasks if task.state == "stale"}
    assert stale == {"magnitude"}  # amplitudes are of every sensor; its other channels cover the same time
    season.run()
    assert season.stale().tasks == []


def test_other_peaks_under_the_same_picks_make_the_comparison_stale(season):
    task = {"stage": "pick", "shard.sta": "VINO", "outputs.peak": {"$ne": ""}}
    assert season.db.task.update_one(task, {"$set": {"outputs.peak": "others"}}).modified_count == 1
    (task,) = season.stale().tasks
    assert task.stage == "evaluate" and [why.reason for why in task.why] == ["catalog peaks changed"]


def test_the_query_writes_nothing(season):
    shutil.rmtree(season.waveforms / DAYS[2])
    season.ingest()
    before = {name: list(season.db[name].find().sort("_id")) for name in ("task", "run", "catalog", "comparison")}
    assert season.stale().tasks
    assert stale_of_all(season.db)[0].tasks == stale_of_catalog(season.db, "season").tasks
    assert {name: list(season.db[name].find().sort("_id")) for name in before} == before


def test_picks_of_another_job_are_followed(season):
    season.overrides += ["catalog=strict", "pick_set=season", "stages=[associate]", "associate.min_picks=6"]
    season.run()
    season.files("BOO", DAYS[0])[0].unlink()
    season.ingest()
    found = stale_of_job(season.db, season.job())
    assert {task.shard["sta"] for task in found.tasks if task.stage == "pick"} == {"BOO"}
    assert {task.state for task in found.tasks if task.stage == "associate"} == {"waiting"}
    assert any("not made by this job" in note for note in found.notes)
    both = {result.catalog: result.tasks for result in stale_of_all(season.db)}
    assert both["season"] and both["strict"]


def test_a_catalog_of_many_periods_is_looked_at_whole(season):
    season.overrides = [f"period.starttime={DAYS[2]}T00:00:00Z", "period.endtime=2024-03-30T00:00:00Z"]
    assert season.run().stages["pick"].planned == 4
    season.files("BOO", DAYS[0])[0].unlink()
    season.ingest()
    assert [task for task in season.stale().tasks if task.stage == "pick"] == []
    whole = stale_of_catalog(season.db, "season")
    assert {label_of(task) for task in whole.tasks if task.stage == "pick"} == picks("BOO", *DAYS[:2])
    assert any("the catalog covers more" in note for note in whole.notes)


def test_a_later_run_of_picks_alone_hides_nothing(season):
    season.overrides = ["stages=[pick]"]
    season.run()
    season.files("BOO", DAYS[0])[0].unlink()
    season.ingest()
    found = stale_of_catalog(season.db, "season")
    assert {label_of(task) for task in found.tasks if task.stage == "pick"} == picks("BOO", *DAYS[:2])
    assert {task.stage for task in found.tasks} > {"pick", "associate"}
    assert [result.tasks for result in stale_of_all(season.db) if result.catalog == "season"] == [found.tasks]


def test_tasks_that_were_reset_are_no_new_files(season, command):
    chosen = season.db.task.count_documents({"result": "season", "stage": "pick"})
    answer = command(season.place.settings, "reset", "--pick-set", "season", "--stage", "pick", "--yes", "--json")
    assert answer.json["tasks"] == chosen > 0
    why = [why for task in season.stale().tasks if task.stage == "pick" for why in task.why]
    assert {(reason.reason, reason.what) for reason in why} == {("reset", "marked to be done again")}
    assert len(why) == chosen
    season.run()
    assert season.stale().tasks == []


def test_status_tells_it_on_the_command_line(season, command):
    answer = command(season.place.settings, "status", "--stale", season.job_file)
    assert answer.code == 0 and "nothing is stale" in answer.out
    season.files("CLUD", DAYS[1])[0].unlink()
    season.ingest()
    answer = command(season.place.settings, "status", "--stale", "--catalog", "season", "--limit", "1")
    assert "vanished file" in answer.out and "OX.CLUD..HHE" in answer.out and "--limit 0" in answer.err
    (result,) = command(season.place.settings, "status", "--stale", season.job_file, "--json").json["results"]
    ours = season.stale()
    assert len(result["tasks"]) == len(ours.tasks) and result["counts"] == ours.counts
    other = command(
        season.place.settings, "status", "--stale", season.job_file, "--set", "pick.stalta.p_on=9", "--json"
    )
    assert {"stage": "pick", "state": "stale", "reason": "settings", "tasks": 12} in other.json["results"][0]["counts"]
    assert command(season.place.settings, "status", season.job_file).code == 2
    assert command(season.place.settings, "status", "--stale", "--catalog", "nobody").code == 2


def test_an_unknown_catalog_is_said(db):
    with pytest.raises(InputError, match="no catalog 'nobody'"):
        stale_of_catalog(db, "nobody")
    assert stale_of_all(db) == []
