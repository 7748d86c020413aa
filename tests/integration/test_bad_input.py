"""Bad files, bad settings, a lost database, a full disk: one clear message each, and nothing else is stopped."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import obspy
import pytest

from catalogdb.cli import common
from catalogdb.cli.app import main
from catalogdb.database.connection import connect, embedded, mspass_database
from catalogdb.database.initialise import initialise
from catalogdb.demo.dataset import write_demo_day
from catalogdb.errors import InputError
from catalogdb.jobs import load_job
from catalogdb.runs.run import run_job
from catalogdb.settings import Settings, load_settings
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

QUAKEML = Path(obspy.__file__).parent / "io" / "quakeml" / "tests" / "data"
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system is for root")
JOB = """
name: bad
catalog: bad
stages: [pick, associate, magnitude]
pick: {picker: stalta, shard_hours: 1}
associate: {associator: pyocto, window_seconds: 600, min_picks: 4, min_p: 2, min_s: 0}
"""


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("day")
    write_demo_day(folder, 5, "2024-03-27T11:40:00", duration_s=1800, stations=4, events=2, lowest_ml=2, gaps=0)
    (folder / "job.yaml").write_text(JOB)
    return folder


def fill(settings, day, *waveforms):
    db = connect(settings)
    initialise(db)
    ingest_stations(db, mspass_database(settings), [day / "stations.xml"])
    return db, ingest_waveforms(db, waveforms)


def channels(folder, station):
    return {path.name.split(".")[3]: path for path in folder.rglob(f"OX.{station}.*HH*")}


def picks(db, station, pick_set="bad"):
    fields = {"_id": 0, "phase": 1, "time": 1, "probability": 1}
    return list(db.pick.find({"pick_set": pick_set, "sta": station}, fields).sort("time"))


# -- waveforms


def write_bad_waveforms(day, folder):
    """Of four stations one keeps its data; into those of the others all goes that goes wrong with files."""
    shutil.copytree(day / "waveforms", folder)
    clud, bad, boo = (channels(folder, name) for name in ("CLUD", "BAD", "BOO"))
    with open(clud["HHN"], "rb+") as stream:  # cut inside a record
        stream.truncate(clud["HHN"].stat().st_size - 700)
    with open(clud["HHE"], "rb+") as stream:  # garbage where samples were
        stream.seek(512 * 20 + 100)
        stream.write(np.random.default_rng(1).bytes(300))
    boo["HHN"].write_text("not waveforms at all\n" * 100)
    boo["HHE"].write_bytes(b"")
    original = obspy.read(bad["HHZ"])[0]
    copy = original.copy()
    copy.trim(original.stats.starttime + 100, original.stats.starttime + 900)
    copy.write(str(bad["HHZ"]) + ".copy", "MSEED")  # equal samples twice
    other = obspy.read(bad["HHN"])[0]
    other.trim(other.stats.starttime + 300, other.stats.starttime + 600)
    other.data = other.data + 7
    other.write(str(bad["HHN"]) + ".other", "MSEED")  # two versions of the same time
    return clud, bad, boo


def test_bad_waveform_files_spoil_nothing_else(settings, day, tmp_path):
    clud, bad, boo = write_bad_waveforms(day, tmp_path / "waveforms")
    db, summary = fill(settings, day, tmp_path / "waveforms")
    assert (summary.unreadable, db.wf_file.count_documents({"state": "unreadable"})) == (2, 2)
    for path, reason in ((boo["HHN"], "no miniSEED record"), (boo["HHE"], "empty"), (clud["HHN"], "truncated")):
        assert any(str(path) in problem and reason in problem for problem in summary.problems)
    report = run_job(settings, load_job(day / "job.yaml"))
    assert report.status == "done"
    problems = report.stages["pick"].problems
    assert any(str(clud["HHE"]) in problem and "passed over" in problem for problem in problems)
    assert any("OX.BAD..HHN" in problem and "two versions" in problem for problem in problems)
    assert not any("OX.BAD..HHZ" in problem or "VINO" in problem for problem in problems)
    assert db.task.find_one({"problems": {"$elemMatch": {"$regex": "passed over"}}})["status"] == "done"

    sound = settings.model_copy(update={"database": settings.database + "_sound"})
    try:
        good, _ = fill(sound, day, day / "waveforms")
        run_job(sound, load_job(day / "job.yaml", ["stages=[pick]"]))
        assert picks(db, "VINO") == picks(good, "VINO") != []
        p_picks = [[pick["time"] for pick in picks(each, "BAD") if pick["phase"] == "P"] for each in (db, good)]
        assert p_picks[0] == p_picks[1] != []
        assert len(picks(db, "CLUD")) >= 2
    finally:
        good.client.drop_database(sound.database)


def odd_traces():
    header = {"network": "OX", "sampling_rate": 100.0, "starttime": obspy.UTCDateTime("2024-03-27T11:40:00")}
    noise = np.random.default_rng(3).normal(0, 100, (3, 120_000))
    cases = {
        "NAN": np.where(np.arange(120_000) % 40_000 < 5, np.nan, noise),
        "INF": np.where(np.arange(120_000) == 50_000, np.inf, noise),
        "HUGE": np.full((3, 120_000), 1e300) * np.sign(noise),
        "FLAT": np.full((3, 120_000), 42.0),
        "ZERO": np.zeros((3, 120_000)),
        "ONE": noise[:, :1],
        "TWO": noise[:, :2],
        "SLOW": noise[:, :200],
        "FINE": noise,
    }
    for station, rows in cases.items():
        rate = 0.1 if station == "SLOW" else 100.0
        for row, letter in zip(rows, "ZNE", strict=True):
            yield obspy.Trace(
                row.copy(), header | {"station": station, "channel": f"HH{letter}", "sampling_rate": rate}
            )


@pytest.mark.parametrize("pick", ["{picker: stalta}", "{picker: phasenet, weights: demo}"])
def test_odd_samples_run_through(settings, day, tmp_path, pick):
    for trace in odd_traces():
        trace.write(str(tmp_path / trace.id), "MSEED", encoding="FLOAT64")
    db, summary = fill(settings, day, tmp_path)
    assert (summary.unreadable, summary.segments) == (0, 27)
    report = run_job(settings, load_job(day / "job.yaml", ["stages=[pick]", f"pick={pick}"]))
    assert report.status == "done" and report.stages["pick"].failures == []
    assert report.stages["pick"].planned == db.task.count_documents({"status": "done"})
    for row in db.pick.find():
        assert all(np.isfinite(value) for value in row.values() if isinstance(value, float))
    assert db.pick.count_documents({"sta": {"$in": ["FLAT", "ZERO", "ONE", "TWO"]}}) == 0
    assert any("NAN" in problem for problem in report.stages["pick"].problems)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read(settings, day, tmp_path):
    shutil.copytree(day / "waveforms", tmp_path / "waveforms")
    path = channels(tmp_path, "BOO")["HHN"]
    path.chmod(0)
    db, summary = fill(settings, day, tmp_path / "waveforms")
    assert summary.unreadable == 1 and "Permission denied" in summary.problems[0] and str(path) in summary.problems[0]
    assert run_job(settings, load_job(day / "job.yaml")).status == "done"
    assert picks(db, "VINO")


# -- stations and catalogs


def test_stations_without_coordinates_are_left_out(settings, mspass_db, day, tmp_path):
    text = (day / "stations.xml").read_text()
    latitude = re.compile(r"<Latitude[^>]*>[^<]*</Latitude>")  # also of its channels, whose places would stand for it
    elements = re.compile(r'<Station code="CLUD".*?</Station>', re.DOTALL)
    without = elements.sub(lambda element: latitude.sub("", element[0]), text)
    path = tmp_path / "stations.xml"
    path.write_text(without)
    db = connect(settings)
    try:
        summary = ingest_stations(db, mspass_db, [path])
    except InputError as error:  # ObsPy can't read such a file at all
        assert str(path) in str(error)
        assert db.site.count_documents({}) == 0
    else:
        assert any("CLUD" in line and str(path) in line for line in summary.problems)
        assert set(db.site.distinct("sta")) == {"VINO", "BAD", "BOO"}


def test_stations_out_of_range_are_left_out(settings, mspass_db, tmp_path):
    path = tmp_path / "stations.csv"
    path.write_text(
        "network,station,latitude,longitude,elevation\n"
        "OX,GOOD,46.1,13.2,300\nOX,POLE,96,13,0\nOX,NONE,,13,0\nOX,TEXT,north,13,0\n"
    )
    db = connect(settings)
    initialise(db)
    summary = ingest_stations(db, mspass_db, [path])
    assert db.site.distinct("sta") == ["GOOD"]
    assert all(any(name in line for line in summary.problems) for name in ("POLE", "NONE", "TEXT"))


@pytest.mark.parametrize("name", ["invalid_enum.xml", "invalid_id.xml"])
def test_invalid_quakeml(db, name):
    try:
        summary = ingest_catalog(db, [QUAKEML / name], "odd")
    except InputError as error:
        assert name in str(error)
        assert db.catalog.count_documents({}) == 0
    else:
        assert summary["counts"]["events"] == db.event.count_documents({"catalog": "odd"})
        assert summary["counts"]["events"] or summary["problems"]


@pytest.mark.parametrize("content", ["", "<xml", "<a/>", "time,latitude\nnever,46\n"])
def test_files_that_are_no_catalog(db, tmp_path, content):
    path = tmp_path / ("catalog.csv" if "," in content else "catalog.xml")
    path.write_text(content)
    with pytest.raises(InputError, match=re.escape(str(path))):
        ingest_catalog(db, [path], "odd")
    assert db.catalog.count_documents({}) == db.event.count_documents({}) == 0


# -- settings and weights


@pytest.mark.parametrize(
    ("extra", "named"),
    [("colour: red", "colour"), ("region: {north: 1}", "region.north"), ("stages: [guess]", "stages"), ("x", "YAML")],
)
def test_unknown_keys_of_a_job(tmp_path, extra, named):
    path = tmp_path / "job.yaml"
    path.write_text(f"name: a\ncatalog: a\n{extra}\n")
    with pytest.raises(InputError, match=re.escape(named)) as caught:
        load_job(path)
    assert str(path) in str(caught.value)


def test_unknown_keys_of_the_configuration_file(tmp_path, monkeypatch):
    path = tmp_path / "config.toml"
    path.write_text('databse = "x"\n')
    monkeypatch.setenv("CATALOGDB_CONFIG", str(path))
    with pytest.raises(InputError, match="databse") as caught:
        load_settings()
    assert str(path) in caught.value.hint


def test_absent_weights_without_network(settings, day, tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text('{"remote_root": "http://127.0.0.1:9/"}')
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    with pytest.raises(InputError, match=r"wanted nowhere\.pt\.v1 and nowhere\.json\.v1") as caught:
        run_job(settings, load_job(day / "job.yaml", ["pick={picker: phasenet, weights: nowhere}"]))
    assert str(tmp_path / "models" / "v3" / "phasenet") in str(caught.value)
    assert connect(settings).pick_set.count_documents({}) == 0


def test_weights_that_are_no_model(settings, day, tmp_path):
    db, _ = fill(settings, day, day / "waveforms")
    path = tmp_path / "text.pt"
    job = load_job(day / "job.yaml", [f"pick={{picker: phasenet, weights: {path}}}"])
    with pytest.raises(InputError, match=re.escape(f"{path}")):
        run_job(settings, job)
    path.write_text("no tensors")
    path.with_suffix(".json").write_text("{}")
    report = run_job(settings, job)
    assert report.status == "failed" and report.stages["pick"].done == 0
    assert all(str(path) in line for line in report.stages["pick"].failures)
    assert db.pick.count_documents({}) == 0


# -- a database that goes away


def start_run(settings, day, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CATALOGDB_")}
    environment |= {"CATALOGDB_DATA_DIR": str(settings.data_dir), "CATALOGDB_DATABASE": settings.database}
    environment |= {"CATALOGDB_TIMEOUT_SECONDS": "1"}
    many_tasks = ["--set", "associate.window_seconds=20"]  # seconds of work, so that there is a middle to hit
    command = [sys.executable, "-m", "catalogdb", "run", str(day / "job.yaml"), *many_tasks, *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_work(settings, process):
    db = connect(settings)
    while not db.task.count_documents({"status": {"$in": ["running", "done"]}}):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def is_one_clear_error(process, *named):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert err.startswith("error:") and err.count("error:") == 1 and "Traceback" not in err
    assert all(text in err for text in named), err
    assert len(err.splitlines()) <= 2 and len(err) < 600
    return err


@pytest.mark.parametrize("engine", ["local", "dask"])
def test_database_gone_in_mid_run(day, tmp_path, engine):
    settings = Settings(data_dir=tmp_path / "data", database="bad")
    fill(settings, day, day / "waveforms")
    process = start_run(settings, day, "--engine", engine)
    try:
        wait_for_work(settings, process)
        embedded(settings).stop()
        # what is said depends on whether a worker process was connected already
        err = is_one_clear_error(process, str(settings.data_dir), "run the same command again")
        assert "no answer" in err or "is not running" in err
        process = start_run(settings, day)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert connect(settings).task.count_documents({"status": {"$ne": "done"}}) == 0
    finally:
        process.kill()
        embedded(settings).stop()


@ROOT
@pytest.mark.slow
def test_database_on_a_full_disk(day, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", disk], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mount.stderr.strip()}")
    settings = Settings(data_dir=disk / "data", database="bad")
    process = None
    try:
        fill(settings, day, day / "waveforms")
        process = start_run(settings, day)
        wait_for_work(settings, process)
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(OSError, match="No space left"), open(disk / "ballast", "wb", buffering=0) as stream:
            while True:
                stream.write(bytes(2**16))
        # a mongod without space aborts once its journal has to grow; when that is depends on what it has in reserve
        os.kill(embedded(settings).status().pid, signal.SIGKILL)
        process.send_signal(signal.SIGCONT)
        is_one_clear_error(process, str(settings.data_dir), "the disk is full", "free some space")
        (disk / "ballast").unlink()
        process = start_run(settings, day)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        db = connect(settings)
        assert db.task.count_documents({"status": "done"}) == db.task.count_documents({}) > 0
        assert db.event.count_documents({}) >= 1
    finally:
        if process:
            process.kill()
        embedded(settings).stop()
        subprocess.run(["umount", "-l", disk], check=True)


def test_errors_that_nobody_foresaw_are_shown_in_full(monkeypatch, capsys):
    """A fault of the program itself is not dressed up as the user's."""

    def broken():
        raise ZeroDivisionError("a fault of the program")

    monkeypatch.setattr(sys, "argv", ["catalogdb", "status"])
    monkeypatch.setattr(common, "database", broken)
    with pytest.raises(ZeroDivisionError):
        main()
