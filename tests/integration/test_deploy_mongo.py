"""The scripts that set up a deployment's MongoDB, on three real members: from empty servers to a worker's login."""

import os
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pymongo
import pymongo.monitoring
import pytest
from pydantic import SecretStr

from catalogdb.database.connection import connect, embedded
from catalogdb.ledger import tasks
from catalogdb.ledger.stage import Output
from catalogdb.settings import Settings

SCRIPTS = Path(__file__).parent.parent.parent / "deploy" / "mongo"
ROOT_PASSWORD = "root-Password-0"


@pytest.fixture(scope="module")
def members(server, tmp_path_factory):
    """Addresses of three members that are no replica set yet; as in the image, the first has the root user."""
    folder = tmp_path_factory.mktemp("members")
    secrets = folder / "secrets"
    subprocess.run(["bash", str(SCRIPTS / "make_secrets.sh"), str(secrets)], check=True, capture_output=True)
    keyfile = folder / "keyfile"
    keyfile.touch(mode=0o600)
    keyfile.write_text((secrets / "mongo-keyfile").read_text())
    ports = [free_port() for _ in range(3)]
    mongods = []
    try:
        for port in ports:
            data = folder / str(port)
            data.mkdir()
            command = [
                *(str(embedded(server).binary()), "--dbpath", str(data), "--logpath", str(data / "log")),
                *("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket", "--noscripting"),
                *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "50"),
            ]
            if port == ports[0]:
                make_root(command, port, (secrets / "mongo-root-password").read_text())
            command += ["--replSet", "rs0", "--keyFile", str(keyfile)]
            mongods.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        yield [f"127.0.0.1:{port}" for port in ports], secrets
    finally:
        for mongod in mongods:
            mongod.terminate()
        for mongod in mongods:
            mongod.wait(60)


def make_root(command, port, password):
    """What the image does before its server starts for good."""
    mongod = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    with pymongo.MongoClient("127.0.0.1", port, directConnection=True) as client:
        client.admin.command("createUser", "root", pwd=password, roles=["root"])
    mongod.terminate()
    mongod.wait(60)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def set_up(members):
    """Output of the script, run twice."""
    hosts, secrets = members
    variables = {
        "MONGO_MEMBERS": ",".join(hosts),
        "MONGO_ROOT_PASSWORD_FILE": str(secrets / "mongo-root-password"),
        "CATALOGDB_URI": f"mongodb://root@{','.join(hosts)}/?replicaSet=rs0&authSource=admin",
        "CATALOGDB_PASSWORD_FILE": str(secrets / "mongo-root-password"),
        "WORKER_PASSWORD_FILE": str(secrets / "worker-password"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = ["bash", str(SCRIPTS / "set_up.sh")]
    return [
        subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=300)
        for _ in range(2)
    ]


def test_set_up_may_be_run_again(set_up, members):
    first, second = set_up
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    assert "may log in as worker" in first.stdout and "password of worker changed" in second.stdout
    secrets = [path.read_text() for path in members[1].iterdir()]
    assert not any(secret in run.stdout + run.stderr for secret in secrets for run in set_up)


@pytest.fixture
def worker(set_up, members):
    hosts, secrets = members
    uri = SecretStr(f"mongodb://worker@{','.join(hosts)}/?replicaSet=rs0&authSource=catalogdb")
    return Settings(uri=uri, password_file=secrets / "worker-password")


def test_worker_logs_in_to_a_replica_set_of_three(worker):
    db = connect(worker)
    hello = db.client.admin.command("hello")
    assert len(hello["hosts"]) == 3 and hello["setName"] == "rs0"
    assert db.pick.count_documents({}) == 0


class Commands(pymongo.monitoring.CommandListener):
    """Commands as they go to the server."""

    def __init__(self):
        self.seen = []

    def started(self, event):
        self.seen.append(event.command)

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


@pytest.fixture
def commands():
    """What clients that are made from now on send."""
    commands = Commands()
    pymongo.monitoring.register(commands)
    yield commands
    pymongo.monitoring._LISTENERS.command_listeners.remove(commands)


def test_ledger_and_results_are_written_to_a_majority(worker, commands):
    db = connect(worker.model_copy(update={"timeout_seconds": 47.0}))  # a client of its own
    row = {"stage": "pick", "config_id": "c", "shard": {}, "status": "pending", "attempts": 0}
    db.task.insert_one({"_id": "t"} | row)
    lease = tasks.claim(db, "t", "f")
    document = {"_id": "s", "kind": "automatic", "config_id": "c"}
    tasks.commit(db, lease, Output({"pick_set": [document]}), "f", {})
    writes = [command for command in commands.seen if next(iter(command), "") in ("insert", "update", "delete")]
    alone = [command["writeConcern"]["w"] for command in writes if command.get("autocommit", True)]
    (end,) = [command for command in commands.seen if "commitTransaction" in command]
    assert alone and set(alone) == {"majority"}
    assert end["writeConcern"]["w"] == "majority"


CONNECTING = """
import psutil, sys, threading, time
from catalogdb.database.connection import connect
from catalogdb.settings import load_settings
db = connect(load_settings(), start=False)
finished = threading.Event()
def beat():  # as the thread that keeps a lease does
    while not finished.wait(0.05):
        db.task.find_one()
threading.Thread(target=beat).start()
for _ in range(40):
    db.task.count_documents({"status": "pending"})
    time.sleep(0.05)
finished.set()
print(*(c.raddr.port for c in psutil.Process().net_connections("tcp") if c.status == "ESTABLISHED"))
"""


def test_connections_of_a_worker(worker, members):
    """Two to every member to watch it, and one for each thread that is at work to the primary."""
    variables = {"CATALOGDB_URI": worker.uri.get_secret_value(), "CATALOGDB_PASSWORD_FILE": str(worker.password_file)}
    command = [sys.executable, "-c", CONNECTING]
    process = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    opened = Counter(process.stdout.split())
    host, port = connect(worker).client.primary
    primary = opened.pop(str(port))
    print(f"connections of a worker: {primary} to the primary, {list(opened.values())} to the others")
    assert set(opened) < {address.partition(":")[2] for address in members[0]}
    assert 3 <= primary <= 4
    assert set(opened.values()) == {2}
