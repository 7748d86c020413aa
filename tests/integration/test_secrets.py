"""A known password, looked for in all that a run prints, logs, stores or shows; and what the database holds is data."""

import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest
from commands import environment_of
from pydantic import SecretStr

from catalogdb.comparisons.pipelines import filled_pipeline
from catalogdb.database.connection import connect, embedded
from catalogdb.database.initialise import initialise
from catalogdb.database.users import add_user
from catalogdb.demo.dataset import write_demo_day
from catalogdb.settings import Settings, load_settings

WORD = "Sesame7Open"
PASSWORD = f"{WORD}/?@: %"
JOB = """
name: quick
catalog: quick
stages: [pick, associate]
pick: {picker: stalta, shard_hours: 1}
associate: {associator: pyocto, min_picks: 4, min_p: 2, min_s: 0}
"""
PACKAGE = Path(__file__).parent.parent.parent / "catalogdb"
RUNS_WHAT_IT_READS = "S102,S301,S302,S307,S506,S602,S604,S605,S611"
"""Ruff's (bandit's) rules on exec, pickle, marshal, eval, yaml.load and shells."""


@pytest.fixture(scope="module")
def place(server):
    """Settings of a database whose worker's URI holds the password, as a URI in the environment may."""
    root = server.model_copy(update={"database": "test_secrets"})
    db = connect(root)
    initialise(db)
    add_user(db, "secretive", "worker", PASSWORD)
    port = embedded(root).status().port
    uri = f"mongodb://secretive:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/?authSource={db.name}"
    yield root.model_copy(update={"uri": SecretStr(uri)})
    db.command("dropAllUsersFromDatabase")
    db.command("dropAllRolesFromDatabase")
    db.client.drop_database(db.name)


@pytest.fixture(scope="module")
def environment(place):
    return environment_of(place) | {"CATALOGDB_URI": place.uri.get_secret_value()}


@pytest.fixture(scope="module")
def dask_cluster(environment, tmp_path_factory):
    """A scheduler with its dashboard, and one worker; addresses of both, and the log."""
    folder = tmp_path_factory.mktemp("dask")
    file, log = folder / "scheduler.json", folder / "log"
    dask = [sys.executable, "-m", "dask"]
    own = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"]
    with open(log, "w") as stream:
        start = {"env": environment, "stdout": stream, "stderr": stream}
        scheduler = subprocess.Popen([*dask, "scheduler", *own, "--scheduler-file", str(file)], **start)
        while not file.exists() or not file.read_text():
            assert scheduler.poll() is None, log.read_text()
            time.sleep(0.1)
        arguments = ["--scheduler-file", str(file), "--nthreads", "1", "--local-directory", str(folder)]
        worker = subprocess.Popen([*dask, "worker", *arguments, "--dashboard-address", "127.0.0.1:0"], **start)
        document = json.loads(file.read_text())
        yield document["address"], f"http://127.0.0.1:{document['services']['dashboard']}", log
        for process in (worker, scheduler):
            process.terminate()
            process.wait(30)


class CommandLines:
    """The command lines of all processes, looked at again and again."""

    def __init__(self):
        self.seen: set[bytes] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self):
        while not self._stop.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes())
                except OSError:
                    continue

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def tell_nothing(place, *texts):
    """No text holds the password, as it is or percent-encoded, or the embedded server's own."""
    own = (place.data_dir / "password").read_text()
    for text in texts:
        assert text, "nothing to look into"
        assert WORD not in text and own not in text


def test_a_run_on_dask_gives_no_password_away(place, environment, dask_cluster, tmp_path):
    from distributed import Client

    scheduler, dashboard, log = dask_cluster
    day = write_demo_day(tmp_path, 5, "2024-03-27T11:30:00", duration_s=1800, stations=4, events=2, lowest_ml=1.5)
    (tmp_path / "quick.yaml").write_text(JOB)
    said = []
    with CommandLines() as command_lines, Client(scheduler, set_as_default=False) as client:
        for arguments in (
            ["ingest", "stations", day.stations_path],
            ["ingest", "waveforms", day.waveforms_dir, "--json"],
            ["run", tmp_path / "quick.yaml", "--engine", "dask", "--scheduler", scheduler, "--json"],
            ["status", "--json"],
            ["db", "status", "--json"],
        ):
            command = [sys.executable, "-m", "catalogdb", *map(str, arguments)]
            process = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert process.returncode == 0, process.stderr
            said += [process.stdout + process.stderr]
        with pytest.raises(TypeError):  # the worker logs the arguments of calls that failed
            client.submit(int, place, pure=False).result()
        pages = list(_pages(dashboard))
        streams = [repr(client.get_task_stream()), repr(client.scheduler_info()), repr(client.get_worker_logs())]
    assert any(b"catalogdb\0run" in line for line in command_lines.seen)
    assert "Compute Failed" in log.read_text()
    tell_nothing(place, *said, *streams, *pages, log.read_text())
    tell_nothing(place, *(line.decode(errors="replace") for line in command_lines.seen if line))
    tell_nothing(place, embedded(place).log_path.read_text())
    db = connect(place)
    assert db.run.count_documents({}) == 1 and db.pick.count_documents({}) > 0
    names = [name for name in db.list_collection_names() if not name.startswith("system.")]
    tell_nothing(place, *(repr(list(db[name].find())) for name in names))


def _pages(dashboard):
    """Texts of the scheduler's and worker's pages, found by following their links."""
    to_see, seen = ["/info/main/workers.html", "/info/main/tasks.html", "/metrics", "/json/counts.json"], set()
    while to_see:
        path = to_see.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            text = urllib.request.urlopen(dashboard + path, timeout=20).read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
        yield text or "empty"
        for link in re.findall(r'href="([^"]+)"', text):
            if link.startswith(("/info", "../")) and link.endswith(".html"):
                to_see.append("/info/" + link.removeprefix("/info/").replace("../", ""))
    assert len(seen) > 4


@pytest.mark.parametrize(
    "tail",
    [
        "@127.0.0.1:1/",
        "@127.0.0.1:x/",
        "@/",
        "@127.0.0.1/?tls=maybe",
        "@127.0.0.1/?foo=1&tlsCAFile=/nowhere",
        "/@h",
        "",
    ],
)
@pytest.mark.parametrize(
    "password", [f"{WORD}", f"{WORD}/a", f"a?{WORD}", f"a@{WORD}", f"a:{WORD}", f"%{WORD}", f"#{WORD}"]
)
def test_no_error_about_a_uri_repeats_the_password(command, place, password, tail):
    uri = {"CATALOGDB_URI": f"mongodb://me:{password}{tail}", "CATALOGDB_TIMEOUT_SECONDS": "0.05"}
    result = command(place.model_copy(update={"uri": None}), "status", "--json", **uri)
    assert result.code in (2, 3)
    assert WORD not in result.out + result.err
    assert result.json["error"]


def test_settings_show_no_password_however_they_are_printed(place):
    shown = [repr(place), str(place), place.model_dump_json(), repr(place.model_dump()), f"{place!r:>500}"]
    assert all(WORD not in text for text in shown)
    with pytest.raises(ValueError) as caught:
        Settings(uri=f"mongodb://me:{WORD}/a@host")
    assert WORD not in str(caught.value) and WORD not in repr(caught.value)


def test_configuration_file_with_a_mistake_is_not_repeated(tmp_path, monkeypatch):
    from catalogdb.errors import InputError

    file = tmp_path / "config.toml"
    monkeypatch.setenv("CATALOGDB_CONFIG", str(file))
    monkeypatch.delenv("CATALOGDB_URI", raising=False)
    for text in (f'uri = "mongodb://me:{WORD}@h', f'url = "mongodb://me:{WORD}@h"', f'uri = ["mongodb://me:{WORD}@h"]'):
        file.write_text(text)
        with pytest.raises(InputError) as caught:
            load_settings()
        assert WORD not in str(caught.value)


# -- what the database holds is data


def test_names_that_look_like_fields_are_compared_as_text(db):
    for name, time_s in (("$pick_set", 100.0), ("other", 100.1)):
        pick = {"net": "XX", "sta": "A", "loc": "", "phase": "P", "time": time_s, "pick_set": name}
        rest = {"chan": "HHZ", "channel_group": "XX.A..HH", "task_id": "t", "evaluation_mode": "automatic"}
        db.pick.insert_one(pick | rest | {"_id": name, "config_id": name})
    span = {"starttime": 0.0, "endtime": 1000.0, "max_dt": 0.5}
    rows = list(db.pick.aggregate(filled_pipeline("match_picks", reference="$pick_set", catalog="other", **span)))
    assert [row["outcome"] for row in rows] == ["matched"]


@pytest.mark.parametrize("value", [{"$ne": ""}, [{"$gt": 0}]])
def test_pipelines_take_no_operators_as_values(value):
    with pytest.raises(ValueError, match="plain"):
        filled_pipeline("match_picks", reference=value, catalog="b", starttime=0.0, endtime=1.0, max_dt=0.5)


def test_nothing_that_is_read_is_run():
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--isolated", "--select", RUNS_WHAT_IT_READS]
    process = subprocess.run([*command, str(PACKAGE)], capture_output=True, text=True)
    assert process.returncode == 0, process.stdout
    assert "All checks passed" in process.stdout


def test_the_check_on_what_is_run_finds_a_pickle(tmp_path):
    (tmp_path / "bad.py").write_text("import pickle, yaml\npickle.loads(b'')\neval('1')\nyaml.load('a', yaml.Loader)\n")
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--isolated", "--select", RUNS_WHAT_IT_READS]
    found = subprocess.run(
        [*command, "--output-format", "concise", str(tmp_path)], capture_output=True, text=True
    ).stdout
    assert {"S301", "S307", "S506"} <= set(re.findall(r"S\d{3}", found))
