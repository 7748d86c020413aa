"""What the commands promise: help, JSON, exit codes, and errors that name what is wrong and nothing secret."""

import json
import os
import subprocess
import sys
import uuid

import pytest
import typer
from commands import environment_of

from catalogdb.cli.app import app
from catalogdb.database.connection import connect, connection_uri, embedded
from catalogdb.database.initialise import initialise
from catalogdb.demo.dataset import write_demo_day

HEAVY = ("torch", "obspy", "mspasspy", "pandas", "numpy", "scipy", "seisbench", "gamma", "pyocto", "pymongo", "dask")
JOB = """
name: quick
catalog: quick
stages: [pick, associate, magnitude, evaluate]
pick: {picker: stalta, shard_hours: 1}
associate: {associator: pyocto, min_picks: 4, min_p: 2, min_s: 0}
evaluate: {reference: truth}
"""


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("day")
    write_demo_day(folder, 5, "2024-03-27T11:30:00", duration_s=3600, stations=4, events=4, lowest_ml=1.5, gaps=0)
    (folder / "quick.yaml").write_text(JOB)
    return folder


@pytest.fixture(scope="module")
def filled(server, day):
    """Settings of a database with the day and its catalog, made by the commands themselves; no test changes it."""
    settings = server.model_copy(update={"database": f"test_{uuid.uuid4().hex[:12]}"})
    for arguments in (
        ["ingest", "stations", day / "stations.xml"],
        ["ingest", "waveforms", day / "waveforms"],
        ["ingest", "catalog", day / "truth.xml", "--name", "truth"],
        ["run", day / "quick.yaml"],
    ):
        process = subprocess.run(_command(*arguments), env=environment_of(settings), capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
    yield settings
    connect(settings).client.drop_database(settings.database)


def _command(*arguments):
    return [sys.executable, "-m", "catalogdb", *map(str, arguments)]


def _leaves(command=None, path=()):
    command = command or typer.main.get_command(app)
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _leaves(child, (*path, name))
    else:
        yield path


# -- help


ASKED = [["--help"], ["--version"], *([*path, "--help"] for path in _leaves())]
HELPED = f"""
import json, os, sys, traceback
import catalogdb.cli.app
from catalogdb.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.stdout.flush()
    if not os.fork():
        sys.argv[1:] = arguments
        code = "did not exit"
        try:
            main()
        except SystemExit as end:
            code = end.code
        except BaseException:
            traceback.print_exc()
        loaded = [name for name in {HEAVY} if name in sys.modules]
        print()
        print("RESULT", json.dumps([arguments, code, loaded]), flush=True)
        os._exit(0)
    os.wait()
"""
"""Each command line in a process of its own, which begins as one that has loaded `catalogdb.cli.app` alone."""


@pytest.fixture(scope="module")
def helped():
    """Of each command line its exit code and the heavy modules that it loaded."""
    command = [sys.executable, "-c", HELPED, json.dumps(ASKED)]
    process = subprocess.run(command, capture_output=True, text=True)
    rows = [json.loads(line[7:]) for line in process.stdout.splitlines() if line.startswith("RESULT ")]
    return {tuple(arguments): (code, loaded, process.stderr) for arguments, code, loaded in rows}


@pytest.mark.parametrize("arguments", ASKED, ids=" ".join)
def test_help_loads_nothing_heavy(helped, arguments):
    code, loaded, errors = helped[tuple(arguments)]
    assert (code or 0, loaded) == (0, []), errors


@pytest.mark.parametrize("path", list(_leaves()), ids=" ".join)
def test_every_command_explains_itself_with_an_example(path, command, server):
    shown = command(server, *path, "--help")
    text = " ".join(shown.out.split())
    assert shown.code == 0
    assert f"catalogdb {' '.join(path)}" in text.partition("xample: ")[2] or "catalogdb db uri" in text
    assert "--json" in text
    command = typer.main.get_command(app)
    for name in path:
        command = command.commands[name]
    for parameter in command.params:
        assert parameter.help or parameter.name in ("minmagnitude", "maxmagnitude") or "filter" in text.lower()


# -- JSON


def test_json_of_looking(command, filled):
    status = command(filled, "status", "--json").json
    assert status.keys() == {"documents", "files", "pick_sets", "catalogs", "tasks", "last_run"}
    assert {row["name"] for row in status["catalogs"]} == {"quick", "truth"}
    assert status["documents"]["pick"] > 0 and status["last_run"]["status"] == "done"
    assert all(row["status"] == "done" and row["tasks"] > 0 for row in status["tasks"])

    rows = command(filled, "query", "events", "catalog=quick", "--json").json
    assert rows["name"] == "events" and rows["documents"]
    assert {row["catalog"] for row in rows["documents"]} == {"quick"}
    queries = command(filled, "query", "--json").json["queries"]
    assert {"events", "pick", "tasks_failed"} <= {row["name"] for row in queries}

    counted = command(filled, "count", "event", "catalog=quick", "--json").json
    assert counted == {"collection": "event", "filters": ["catalog=quick"], "count": len(rows["documents"])}
    assert len(command(filled, "jobs", "--json").json["jobs"]) >= 3


def test_every_query_answers(command, filled):
    for row in command(filled, "query", "--json").json["queries"]:
        assert command(filled, "query", row["name"], "--limit", 5, "--json").code == 0
        assert command(filled, "query", row["name"], "--limit", 5).code == 0


def test_columns_of_a_query_are_those_asked_for(command, filled):
    shown = command(filled, "query", "task", "stage=pick", "--fields", "shard.sta,status")
    assert shown.code == 0 and "shard.sta" in shown.out and "done" in shown.out
    wrong = command(filled, "query", "events", "--fields", "time,foo")
    assert wrong.code == 2 and "no field 'foo'" in wrong.err


def test_json_of_evaluate(command, filled):
    result = command(filled, "evaluate", "--catalog", "quick", "--reference", "truth", "--json").json
    scores = {"matched", "missed", "proposed", "recall", "precision"}
    assert scores <= result["events"].keys()
    assert result["picks"].keys() == {"P", "S"}
    assert all(scores <= result["picks"][phase].keys() for phase in "PS")
    events = result["events"]
    assert events["matched"] + events["missed"] == 4 and 0 <= events["recall"] <= 1
    text = command(filled, "evaluate", "--catalog", "quick", "--reference", "truth").out
    assert "P picks" in text and "precision" in text


def test_json_of_db(command, server):
    facts = command(server, "db", "status", "--json").json
    assert facts["running"] is True and facts["port"] == embedded(server).status().port
    assert command(server, "db", "start", "--json").json == facts
    assert command(server, "db", "uri", "--json").json == {"uri": connection_uri(server)}


def test_json_of_ingest_and_run(command, settings, day):
    assert command(settings, "db", "init", "--json").json["database"] == settings.database
    stations = command(settings, "ingest", "stations", day / "stations.xml", "--json").json
    waveforms = command(settings, "ingest", "waveforms", day / "waveforms", "--json").json
    truth = command(settings, "ingest", "catalog", day / "truth.xml", "--name", "truth", "--json").json
    assert stations and truth
    assert waveforms["files"] == waveforms["new"] == waveforms["segments"] > 0 == waveforms["unreadable"]
    planned = command(settings, "run", day / "quick.yaml", "--dry-run", "--json").json
    assert planned["status"] == "planned" and planned["stages"]["pick"]["planned"] == 4 * 2
    assert connect(settings).pick_set.count_documents({"kind": "automatic"}) == 0

    report = command(settings, "run", day / "quick.yaml", "--json")
    assert (report.code, report.err) == (0, "")
    assert report.json.keys() == {
        *("run_id", "job", "pick_set", "catalog", "status", "stages", "evaluation", "notes"),
        *("found", "lost", "next_commands"),
        "nothing_to_do",
    }
    assert report.json["stages"]["pick"]["done"] == 4 * 2
    assert report.json["evaluation"]["events"]["matched"] >= 1
    again = command(settings, "run", day / "quick.yaml")
    assert again.code == 0 and "nothing to do: everything is up to date" in again.out


def test_name_and_settings_from_the_command_line(command, settings, day):
    initialise(connect(settings))
    command(settings, "ingest", "waveforms", day / "waveforms" / "2024" / "OX" / "VINO")
    arguments = ("run", day / "quick.yaml", "--set", "stages=[pick]", "--json")
    assert command(settings, *arguments).code == 0
    taken = command(settings, *arguments, "--set", "pick.stalta.p_on=4")
    assert taken.code == 2
    assert "settings.stalta.p_on: 6 there, 4 here" in taken.err and "--name" in taken.err
    other = command(settings, *arguments, "--set", "pick.stalta.p_on=4", "--name", "other")
    assert other.code == 0 and other.json["pick_set"] == "other"
    assert command(settings, *arguments, "--set", "pick.stalta.p_on=5", "--replace").code == 0
    assert connect(settings).pick_set.find_one({"_id": "quick"})["config"]["settings"]["stalta"]["p_on"] == 5


# -- filters


def test_filters(command, filled):
    db = connect(filled)
    times = sorted(pick["time"] for pick in db.pick.find({"pick_set": "quick", "phase": "P"}))
    middle = times[len(times) // 2]
    arguments = ("count", "pick", "pick_set=quick", "phase=P")
    assert int(command(filled, *arguments).out) == len(times)
    assert int(command(filled, *arguments, f"time>={middle!r}").out) == len(times) - times.index(middle)
    assert int(command(filled, *arguments, "time<2024-03-27").out) == 0
    assert int(command(filled, *arguments, "sta!=VINO").out) < len(times)
    assert int(command(filled, "count", "pick", 'pick_set={"$ne": null}').out) == 0
    assert len(command(filled, "query", "pick", "--limit", 3, "--json").json["documents"]) == 3


@pytest.mark.parametrize("text", ["phase", "=P", "colour=red", "time>=yesterday"])
def test_filters_that_make_no_sense(command, filled, text):
    refused = command(filled, "count", "pick", text)
    assert refused.code == 2 and "filter" in refused.err and "Traceback" not in refused.err


# -- exit codes


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["query", "quakes"], "quakes"),
        (["count", "system.users"], "system.users"),
        (["evaluate", "--catalog", "quick", "--reference", "nobody"], "nobody"),
        (["evaluate", "--catalog", "quick", "--reference", "truth", "--starttime", "noon"], "noon"),
        (["export", "--catalog", "nobody", "-o", "never.xml"], "nobody"),
        (["export", "--catalog", "quick", "-o", "never.doc"], "never.doc"),
        (["export", "--catalog", "quick", "-o", "never.xml", "--minlatitude", "95"], "minlatitude"),
        (["ingest", "waveforms", "/no/such/folder"], "/no/such/folder"),
        (["ingest", "stations", "/no/such.xml"], "/no/such.xml"),
        (["ingest", "catalog", "/no/such.xml", "--name", "x"], "/no/such.xml"),
        (["run", "no-such-job"], "no-such-job"),
        (["run", "demo", "--set", "pick.colour=red"], "pick.colour"),
        (["run", "demo", "--set", "pick.p_threshold"], "key=value"),
        (["run", "demo", "--engine", "steam"], "steam"),
        (["run", "demo", "--workers", "0"], "--workers"),
        (["run"], "Missing argument"),
        (["--database", "a/b", "status"], "database"),
        (["--uri", "postgres://x", "status"], "mongodb://"),
        (["fly"], "fly"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(command, filled, tmp_path, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    refused = command(filled, *arguments)
    assert refused.code == 2, refused.err
    assert named in refused.err and "Traceback" not in refused.err
    assert refused.out == "" and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["status"], ["run", "demo"], ["query", "events"], ["db", "status"]], ids=" ".join
)
def test_absent_server_is_exit_code_3(command, filled, monkeypatch, arguments):
    monkeypatch.setenv("CATALOGDB_TIMEOUT_SECONDS", "0.5")
    nowhere = filled.model_copy()
    refused = command(nowhere, "--uri", "mongodb://127.0.0.1:9/", *arguments)
    assert refused.code == 3 and refused.out == ""
    assert "127.0.0.1:9" in refused.err and "no answer" in refused.err and "Traceback" not in refused.err


def test_stopped_embedded_server_is_exit_code_3_for_status_only(command, filled, tmp_path):
    stopped = filled.model_copy(update={"data_dir": tmp_path / "never"})
    refused = command(stopped, "db", "status", "--json")
    assert refused.code == 3 and refused.json["running"] is False
    assert not (tmp_path / "never").exists()


def test_wrong_password_is_told_without_the_password(command, filled):
    port = embedded(filled).status().port
    uri = f"mongodb://catalogdb:sesame-open@127.0.0.1:{port}/?authSource=admin"
    for arguments in (["status"], ["run", "demo"]):
        refused = command(filled, *arguments, CATALOGDB_URI=uri, CATALOGDB_TIMEOUT_SECONDS="1")
        assert refused.code == 3
        assert "password refused" in refused.err and f"127.0.0.1:{port}" in refused.err
        assert "sesame" not in refused.err + refused.out


def test_a_folder_of_junk_is_exit_code_1(command, settings, tmp_path):
    (tmp_path / "junk").write_text("nothing")
    result = command(settings, "ingest", "waveforms", tmp_path, "--json")
    assert result.code == 1 and result.json["unreadable"] == 1
    assert str(tmp_path / "junk") in result.json["problems"][0] and "nothing usable" in result.err


def test_a_failed_task_is_exit_code_1(command, settings, day, tmp_path):
    for name in ("OX.VINO..HHZ", "OX.VINO..HHN"):
        (tmp_path / name).write_bytes(next((day / "waveforms").rglob(f"{name}*")).read_bytes())
    command(settings, "ingest", "waveforms", tmp_path)
    (tmp_path / "OX.VINO..HHZ").unlink()
    arguments = ("run", day / "quick.yaml", "--set", "stages=[pick]")
    failed = command(settings, *arguments)
    assert failed.code == 1 and str(tmp_path / "OX.VINO..HHZ") in failed.err and "Traceback" not in failed.err
    assert "the same command does what is missing" in failed.err
    assert command(settings, *arguments, "--json").json["status"] == "failed"
    rows = command(settings, "query", "tasks_failed", "--json").json["documents"]
    assert rows and all("No such file" in row["error"] for row in rows)


def test_brackets_in_values_are_printed_as_they_are(command, settings):
    db = connect(settings)
    initialise(db)
    db.pick_set.insert_one({"_id": "[/red] [bold]x", "kind": "reference", "config_id": "1", "source": "[link]"})
    shown = command(settings, "query", "pick_set")
    assert shown.code == 0 and "[/red] [bold]x" in shown.out and "[link]" in shown.out
    assert "[/red] [bold]x" in command(settings, "status").out


def test_a_closed_pipe_ends_a_command_in_silence(filled):
    process = subprocess.Popen(
        _command("query", "pick", "--limit", "0", "--json"),
        env=environment_of(filled),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) in (0, 1)
    process.stderr.close()


# -- export


def test_export(command, filled, tmp_path):
    for name in ("all.xml", "all.csv", "all.parquet"):
        summary = command(filled, "export", "--catalog", "quick", "-o", tmp_path / name, "--json").json
        counts = {"selected", "events", "picks", "picks_of_no_event", "bytes", "left_out"}
        assert summary.keys() == {"catalog", "output", "format"} | counts
        assert summary["bytes"] == (tmp_path / name).stat().st_size and summary["events"] > 0
    none = command(filled, "export", "--catalog", "quick", "-o", tmp_path / "x.csv", "--minmagnitude", 9, "--json")
    assert none.code == 0 and none.json["events"] == 0


def test_exports_of_picks_and_stations_and_a_proposed_job(command, filled, tmp_path):
    found = command(
        filled, "export", "picks", "--pick-set", "quick", "-o", tmp_path / "p.csv", "phase=P", "--json"
    ).json
    assert found["picks"] == len((tmp_path / "p.csv").read_text().splitlines()) - 1 > 0
    found = command(filled, "export", "stations", "--format", "specfem", "-o", tmp_path / "STATIONS", "--json").json
    assert found["stations"] == 4
    assert command(filled, "init", "job", "mine", "-o", tmp_path / "mine.yaml").code == 0
    again = command(filled, "init", "job", "mine", "-o", tmp_path / "mine.yaml")
    assert (again.code, "exists already" in again.err) == (2, True)
    assert command(filled, "run", tmp_path / "mine.yaml", "--dry-run").code == 0


def test_export_leaves_nothing_behind(command, filled, tmp_path):
    (tmp_path / "file").touch()
    for output in (tmp_path / "nowhere" / "a.xml", tmp_path / "file" / "a.xml"):
        refused = command(filled, "export", "--catalog", "quick", "-o", output)
        assert refused.code == 2 and str(output) in refused.err and "Traceback" not in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system is for root")
def test_export_to_a_full_disk(command, filled, tmp_path):
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", tmp_path], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mount.stderr.strip()}")
    try:
        output = tmp_path / "a.xml"
        output.write_text("what was there before")
        refused = command(filled, "export", "--catalog", "quick", "-o", output)
        assert refused.code in (1, 2) and "No space left" in refused.err and "Traceback" not in refused.err
        assert [path.name for path in tmp_path.iterdir()] == ["a.xml"]
        assert output.read_text() == "what was there before"
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)
