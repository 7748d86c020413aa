"""The embedded server and the schema, on a real mongod."""

import os
import signal
import socket
import subprocess
import sys

import pymongo
import pytest
from pydantic import SecretStr
from pymongo import monitoring
from pymongo.errors import OperationFailure, WriteError

from catalogdb.database import initialise as initialise_module
from catalogdb.database.connection import connect, connection_uri, database_errors, embedded, redacted
from catalogdb.database.embedded import EmbeddedMongod
from catalogdb.database.initialise import initialise
from catalogdb.database.ports import is_free
from catalogdb.errors import DatabaseError
from catalogdb.schema import collections, views
from catalogdb.settings import Settings


@pytest.fixture
def own_server(tmp_path):
    server = EmbeddedMongod(tmp_path / "data")
    yield server
    server.stop()


def test_server_survives_kill_and_keeps_data(own_server):
    first = own_server.start()
    with pymongo.MongoClient(own_server.uri()) as client:
        client.x.y.with_options(write_concern=pymongo.WriteConcern("majority")).insert_one({"kept": True})
    os.kill(first.pid, signal.SIGKILL)
    second = own_server.start()
    assert second.running and second.pid != first.pid
    with pymongo.MongoClient(own_server.uri()) as client:
        assert client.x.y.count_documents({"kept": True}) == 1


def test_server_takes_another_port_when_its_own_is_taken(own_server):
    port = own_server.start().port
    with pymongo.MongoClient(own_server.uri()) as client:
        client.x.y.insert_one({})
    own_server.stop()
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", port))
        thief.listen()
        assert own_server.start().port != port
        with pymongo.MongoClient(own_server.uri()) as client:
            assert client.admin.command("hello")["isWritablePrimary"]
            assert client.x.y.count_documents({}) == 1


def test_server_is_private(own_server):
    status = own_server.start()
    assert (own_server.data_dir / "password").stat().st_mode & 0o777 == 0o600
    assert (own_server.data_dir / "keyfile").stat().st_mode & 0o777 == 0o600
    assert own_server.data_dir.stat().st_mode & 0o777 == 0o700
    with pymongo.MongoClient(f"mongodb://127.0.0.1:{status.port}/?directConnection=true") as stranger:
        with pytest.raises(OperationFailure):
            stranger.x.y.find_one()
        with pytest.raises(OperationFailure):
            stranger.admin.command("createUser", "thief", pwd="thief", roles=["root"])
    password = (own_server.data_dir / "password").read_text()
    command_lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert password not in command_lines
    assert password not in own_server.log_path.read_text()


def test_two_starts_at_once_give_one_server(own_server):
    code = (
        "import sys; from pathlib import Path; from catalogdb.database.embedded import EmbeddedMongod;"
        "print(EmbeddedMongod(Path(sys.argv[1])).start().pid)"
    )
    command = [sys.executable, "-c", code, str(own_server.data_dir)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    pids = {process.communicate(timeout=120)[0].strip() for process in started}
    assert pids == {str(own_server.status().pid)}


@pytest.mark.parametrize("content", [None, "", "\0\0\0", "27o17", "1", "65536"])
def test_server_starts_whatever_its_port_file_says(own_server, content):
    own_server.start()
    with pymongo.MongoClient(own_server.uri()) as client:
        client.x.y.insert_one({})
    own_server.stop()
    port_file = own_server.data_dir / "port"
    if content is None:
        port_file.unlink()
    else:
        port_file.write_text(content)
    status = own_server.start()
    assert int(port_file.read_text()) == status.port
    with pymongo.MongoClient(own_server.uri()) as client:
        assert client.admin.command("hello")["isWritablePrimary"]
        assert client.x.y.count_documents({}) == 1


def test_server_starts_on_another_port_than_its_data_know(own_server):
    first = own_server.start().port
    own_server.stop()
    other = next(port for port in range(first + 1, first + 100) if is_free(port))
    (own_server.data_dir / "port").write_text(str(other))
    assert own_server.start().port == other


@pytest.mark.parametrize("name", ["password", "keyfile", "initialised"])
def test_lost_secrets_are_made_again(own_server, name):
    own_server.start()
    own_server.stop()
    (own_server.data_dir / name).unlink()
    own_server.start()
    with pymongo.MongoClient(own_server.uri()) as client:
        assert client.admin.command("hello")["isWritablePrimary"]


def test_lost_password_of_a_running_server_is_explained(own_server):
    own_server.start()
    password = own_server.data_dir / "password"
    password.write_text("another")
    with pytest.raises(DatabaseError, match="refuses the password"):
        own_server.start()
    password.unlink()
    with pytest.raises(DatabaseError, match="cannot be read") as caught:
        own_server.start()
    assert "db stop" in caught.value.hint
    own_server.stop()
    own_server.start()


def test_stop_of_a_server_that_does_not_run(own_server):
    assert own_server.stop() is False
    own_server.start()
    assert own_server.stop() is True
    assert own_server.status().running is False


def test_wrong_password_names_server_but_no_secret(server):
    port = embedded(server).status().port
    wrong = Settings(uri=SecretStr(f"mongodb://catalogdb:sesame-open@127.0.0.1:{port}/?authSource=admin"))
    with pytest.raises(DatabaseError, match="password refused") as caught:
        connect(wrong)
    assert "sesame-open" not in str(caught.value)


def test_absent_server_is_explained():
    nowhere = Settings(uri=SecretStr("mongodb://127.0.0.1:9/"), timeout_seconds=0.5)
    with pytest.raises(DatabaseError, match="no answer"):
        connect(nowhere)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mongodb://me:secret@host:1/?a=b", "mongodb://host:1"),
        ("mongodb://me:secret@a:1,b:2/db?tlsCertificateKeyFilePassword=x@y", "mongodb://a:1,b:2"),
        ("mongodb://me:se@cret@host/db", "mongodb://..."),
        ("mongodb+srv://me:secret@host/", "mongodb+srv://..."),
        ("mongodb://host", "mongodb://host:27017"),
    ],
)
def test_redacted_leaves_the_hosts_alone(uri, shown):
    assert redacted(uri) == shown


def test_initialise_makes_everything_once(settings):
    db = connect(settings)
    assert initialise(db)
    names = set(db.list_collection_names())
    assert set(collections()) <= names
    assert {name for name, view in views().items() if not view.parameters} <= names
    before = list(db.migration.find().sort("_id"))
    assert initialise(db) == []
    assert list(db.migration.find().sort("_id")) == before


class Majorities(monitoring.CommandListener):
    """Names of the commands that waited for a majority."""

    def __init__(self):
        self.names = []

    def started(self, event):
        if event.command.get("writeConcern", {}).get("w") == "majority":
            self.names.append(event.command_name)

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


def test_initialise_waits_for_a_majority_once(settings):
    majorities = Majorities()
    with pymongo.MongoClient(connection_uri(settings), w="majority", event_listeners=[majorities]) as client:
        initialise(client[settings.database])
        assert majorities.names == ["update"]
        assert client[settings.database].migration.count_documents({}) > 0


def test_changed_schema_is_a_recorded_migration(db, monkeypatch):
    changed = dict(collections())
    task = changed["task"]
    extra = task.model_copy(update={"indexes": task.indexes[:1]})
    changed["task"] = extra
    monkeypatch.setattr(initialise_module, "collections", lambda: changed)
    changes = initialise(db)
    assert any("dropped" in change for change in changes)
    row = db.migration.find_one({"collection": "task", "schema_id": extra.schema_id})
    assert row["previous_schema_id"] == task.schema_id
    assert initialise(db) == []


def test_version_left_behind_leaves_schema_alone(db, monkeypatch):
    later = dict(collections())
    task = later["task"]
    later["task"] = task.model_copy(update={"indexes": task.indexes[:1]})
    with monkeypatch.context() as patch:
        patch.setattr(initialise_module, "collections", lambda: later)
        initialise(db)
    before = db.task.index_information(), list(db.migration.find().sort("_id"))
    with pytest.raises(DatabaseError, match="replaced this one's schema of task on 20") as caught:
        initialise(db)
    assert "catalogdb db init" in caught.value.hint
    assert (db.task.index_information(), list(db.migration.find().sort("_id"))) == before
    assert any("created" in change for change in initialise(db, back=True))
    assert initialise(db) == []


def test_document_against_the_schema_names_the_way_out(db, settings):
    with pytest.raises(DatabaseError, match="refused by the schema") as caught, database_errors(settings):
        db.pick_set.insert_one({"_id": "x", "kind": "automatic", "config_id": "1", "colour": "red"})
    assert "catalogdb db init" in caught.value.hint


def test_validator_refuses_unknown_fields_and_wrong_types(db):
    good = {"_id": "x", "kind": "automatic", "config_id": "1"}
    db.pick_set.insert_one(good)
    with pytest.raises(WriteError):
        db.pick_set.insert_one(good | {"_id": "y", "config_id": "2", "colour": "red"})
    with pytest.raises(WriteError):
        db.pick_set.insert_one({"_id": "z", "kind": "automatic", "config_id": 3})


def test_uri_reaches_the_embedded_server(server):
    with pymongo.MongoClient(connection_uri(server)) as client:
        assert client.admin.command("hello")["setName"]
