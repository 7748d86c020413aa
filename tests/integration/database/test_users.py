"""Users and roles, as the server itself enforces them."""

import contextlib
import os
import pty
import subprocess
import sys
import uuid

import pytest
from commands import environment_of
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from pymongo.uri_parser import parse_uri

from catalogdb.cli.users import uri_of_user
from catalogdb.comparisons.pipelines import filled_pipeline
from catalogdb.database import initialise as initialise_module
from catalogdb.database.connection import connect, database_errors, embedded
from catalogdb.database.initialise import initialise
from catalogdb.database.users import ROLES, add_user, ensure_roles, list_users, remove_user, set_password
from catalogdb.demo.dataset import write_demo_day
from catalogdb.errors import DatabaseError, InputError
from catalogdb.schema import collections, views

PASSWORD = "Correct-Horse:/?#[]@% 1"  # all that a URI makes trouble with
JOB = """
name: quick
catalog: quick
stages: [pick, associate, magnitude, evaluate]
pick: {picker: stalta, shard_hours: 1}
associate: {associator: pyocto, min_picks: 4, min_p: 2, min_s: 0}
evaluate: {reference: truth}
"""
UNAUTHORIZED = 13


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """A database with one user of each role; settings to log in with by role, beside `root`."""
    root = server.model_copy(update={"database": f"test_{uuid.uuid4().hex[:12]}"})
    db = connect(root)
    initialise(db)
    file = tmp_path_factory.mktemp("users") / "password"
    file.write_text(PASSWORD + "\n")
    settings = {"root": root}
    for role in ROLES:
        add_user(db, f"a-{role}", role, PASSWORD)
        settings[role] = login(root, f"a-{role}", file)
    yield settings
    db.command("dropAllUsersFromDatabase")
    db.command("dropAllRolesFromDatabase")
    db.client.drop_database(db.name)


def login(root, user, file):
    port = embedded(root).status().port
    uri = f"mongodb://{user}@127.0.0.1:{port}/?authSource={root.database}"
    return root.model_copy(update={"uri": SecretStr(uri), "password_file": file})


def refused(action):
    with pytest.raises(OperationFailure) as caught:
        action()
    assert caught.value.code == UNAUTHORIZED, caught.value
    return caught.value


def test_analyst_reads_everything_and_the_server_refuses_writes(place):
    db = connect(place["analyst"])
    for name in collections():
        assert db[name].count_documents({}) >= 0
        refused(lambda name=name: db[name].insert_one({}))
        refused(lambda name=name: db[name].update_many({}, {"$set": {"x": 1}}))
        refused(lambda name=name: db[name].delete_many({}))
    refused(lambda: db.pick.drop())
    refused(lambda: db.pick.create_index("x"))
    refused(lambda: list(db.pick.aggregate([{"$out": "mine"}])))
    refused(lambda: list(db.pick.aggregate([{"$merge": "event"}])))
    refused(lambda: db.client.drop_database(db.name))
    refused(lambda: db.client.admin.command("usersInfo", 1))
    refused(lambda: db.client["another"].pick.find_one())


def test_analyst_runs_every_packaged_view(place):
    db = connect(place["analyst"])
    names = {"catalog": "a", "reference": "b", "pick_set": "a"}
    for name, view in views().items():
        if view.parameters:
            values = {key: names.get(key, 1.0) for key in view.parameters}
            assert list(db[view.on].aggregate(filled_pipeline(name, **values))) == []
        else:
            assert list(db[name].find().limit(1)) is not None


def test_worker_may_not_change_schema_or_users_or_drop(place):
    db = connect(place["worker"])
    assert initialise(db) == []
    refused(lambda: db.create_collection("another"))
    refused(lambda: db.pick.create_index("x"))
    refused(lambda: db.command("collMod", "pick", validationLevel="off"))
    refused(lambda: db.pick.drop())
    refused(lambda: db.client.drop_database(db.name))
    refused(lambda: db.migration.insert_one({"collection": "pick"}))
    refused(lambda: db.another.insert_one({}))
    refused(lambda: db.command("createUser", "thief", pwd=PASSWORD, roles=[]))
    refused(lambda: db.command("grantRolesToUser", "a-worker", roles=["admin"]))


def test_worker_runs_a_job_from_files_to_comparison(place, tmp_path):
    write_demo_day(tmp_path, 5, "2024-03-27T11:30:00", duration_s=3600, stations=4, events=4, lowest_ml=1.5, gaps=0)
    (tmp_path / "quick.yaml").write_text(JOB)
    environment = environment_of(place["worker"]) | {
        "CATALOGDB_URI": place["worker"].uri.get_secret_value(),
        "CATALOGDB_PASSWORD_FILE": str(place["worker"].password_file),
    }
    for arguments in (
        ["ingest", "stations", tmp_path / "stations.xml"],
        ["ingest", "waveforms", tmp_path / "waveforms"],
        ["ingest", "catalog", tmp_path / "truth.xml", "--name", "truth"],
        ["run", tmp_path / "quick.yaml"],
    ):
        command = [sys.executable, "-m", "catalogdb", *map(str, arguments)]
        process = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert process.returncode == 0, process.stderr
    db = connect(place["analyst"])
    assert db.event.count_documents({"catalog": "quick"}) > 0
    assert db.run.find_one()["status"] == "done"
    assert db.events.find_one({"catalog": "quick"})


def test_worker_of_another_version_is_told_who_can_change_the_schema(place, monkeypatch):
    changed = dict(collections())
    changed["task"] = changed["task"].model_copy(update={"concept": "Another."})
    monkeypatch.setattr(initialise_module, "collections", lambda: changed)
    with pytest.raises(DatabaseError, match="collMod on .*task") as caught, database_errors(place["worker"]):
        initialise(connect(place["worker"]))
    assert "catalogdb db init" in caught.value.hint


def test_refusal_names_command_and_collection_but_no_content(place):
    with pytest.raises(DatabaseError) as caught, database_errors(place["analyst"]):
        connect(place["analyst"]).pick.insert_one({"note": "a-private-word"})
    assert f"insert on {place['root'].database}.pick" in str(caught.value)
    assert "--role" in caught.value.hint
    assert "a-private-word" not in str(caught.value) and PASSWORD not in str(caught.value)


def test_admin_changes_schema_and_users_of_this_database_alone(place):
    db = connect(place["admin"])
    db.drop_collection("score")
    db.migration.delete_many({"collection": "score"})
    assert any("score: created" in change for change in initialise(db))
    add_user(db, "b-analyst", "analyst", PASSWORD)
    assert {"name": "b-analyst", "roles": ["analyst"]} in list_users(db)
    remove_user(db, "b-analyst")
    refused(lambda: db.client.admin.command("createUser", "thief", pwd=PASSWORD, roles=["root"]))
    refused(lambda: db.command("createUser", "thief", pwd=PASSWORD, roles=[{"role": "root", "db": "admin"}]))
    refused(lambda: db.client["another"].pick.insert_one({}))


def test_everyone_may_change_the_own_password_and_no_other(place, tmp_path):
    root = connect(place["root"])
    add_user(root, "forgetful", "analyst", PASSWORD)
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    mine = connect(login(place["root"], "forgetful", file))
    set_password(mine, "forgetful", "another-one")
    refused(lambda: set_password(mine, "a-admin", "another-one"))
    file.write_text("another-one")
    uri = login(place["root"], "forgetful", file).full_uri()
    with contextlib.closing(MongoClient(uri)) as client:
        assert client[root.name].pick.count_documents({}) >= 0
    remove_user(root, "forgetful")


def test_roles_follow_the_schema(place):
    db = connect(place["root"])
    assert ensure_roles(db) == []
    db.command("updateRole", "worker", privileges=[])
    assert ensure_roles(db) == ["role worker updated"]
    assert ensure_roles(db) == []


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        ("$a", PASSWORD, "user name"),
        ("a b", PASSWORD, "user name"),
        ("a", "short", "too short"),
        ("a", "", "too short"),
    ],
)
def test_names_and_passwords_that_wont_do(place, name, password, reason):
    with pytest.raises(InputError, match=reason):
        add_user(connect(place["root"]), name, "analyst", password)


# -- the commands


def test_commands_from_adding_to_removing(command, place, tmp_path, monkeypatch):
    root = place["root"]
    file = tmp_path / "new"
    file.write_text("from-a-file-0\n")
    added = command(root, "db", "users", "add", "anna", "--role", "analyst", "--password-file", file, "--json")
    assert added.json["role"] == "analyst" and added.json["uri"].startswith("mongodb://anna@127.0.0.1:")
    assert {"name": "anna", "roles": ["analyst"]} in command(root, "db", "users", "list", "--json").json["users"]
    assert "anna" in command(root, "db", "users", "list").out

    again = command(root, "db", "users", "add", "anna", "--role", "worker", "--password-file", file)
    assert again.code == 2 and "db users password anna" in again.err

    monkeypatch.setenv("CATALOGDB_NEW_PASSWORD", "from-environment-0")
    assert command(root, "db", "users", "password", "anna").code == 0
    monkeypatch.delenv("CATALOGDB_NEW_PASSWORD")
    file.write_text("from-environment-0")
    monkeypatch.setenv("CATALOGDB_PASSWORD_FILE", str(file))
    shown = command(root, "--uri", added.json["uri"], "count", "pick")
    assert (shown.code, shown.out.strip()) == (0, str(connect(root).pick.count_documents({})))
    written = command(root, "--uri", added.json["uri"], "db", "users", "add", "eve", "--role", "admin", "--json")
    assert written.code == 2  # no password was given

    monkeypatch.delenv("CATALOGDB_PASSWORD_FILE")
    removed = command(root, "db", "users", "remove", "anna")
    assert removed.code == 0
    gone = command(root, "db", "users", "remove", "anna")
    assert gone.code == 2 and "no user 'anna'" in gone.err
    for result in (added, again, shown, written, removed, gone):
        assert "from-a-file-0" not in result.out + result.err and "from-environment-0" not in result.out + result.err


def test_the_address_that_is_printed_can_be_used_as_it_is(command, place, tmp_path):
    """With the options of the address by which the user was added, in a shell, too."""
    port = embedded(place["root"]).status().port
    replica_set = connect(place["root"]).client.admin.command("hello")["setName"]
    uri = f"mongodb://a-admin@127.0.0.1:{port}/?replicaSet={replica_set}&authSource={place['root'].database}&appName=x"
    file = tmp_path / "new"
    file.write_text("from-a-file-0\n")
    environment = environment_of(place["root"]) | {"CATALOGDB_PASSWORD_FILE": str(place["admin"].password_file)}
    program = [sys.executable, "-m", "catalogdb"]
    added = subprocess.run(
        [*program, "--uri", uri, "db", "users", "add", "ben", "--role", "analyst", "--password-file", file],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert added.returncode == 0, added.stderr
    lines = [line for line in added.stdout.splitlines() if line.startswith("CATALOGDB_")]
    assert f"replicaSet={replica_set}" in lines[0] and "a-admin" not in lines[0]
    script = " ".join(lines) + f" CATALOGDB_PASSWORD_FILE={file} exec {' '.join(program)} count pick"
    counted = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True)
    assert counted.returncode == 0 and counted.stdout.strip() == str(connect(place["root"]).pick.count_documents({}))
    remove_user(connect(place["root"]), "ben")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mongodb://h:1", "mongodb://anna@h:1/?authSource=cat"),
        ("mongodb://r:p%40@h,i:2/admin?tls=true&replicaSet=rs0&authSource=admin", "tls=true&replicaSet=rs0"),
        (
            "mongodb+srv://r@cluster.example.org/?retryWrites=true",
            "mongodb+srv://anna@cluster.example.org/?retryWrites",
        ),
        ("mongodb://r@h/?tlsCAFile=/etc/ca.pem&tlsCertificateKeyFile=/root/key.pem", "?tlsCAFile=/etc/ca.pem&authSou"),
        (
            "mongodb://r@h/?authMechanism=PLAIN&authMechanismProperties=A:secret&tlsCertificateKeyFilePassword=x",
            "h/?au",
        ),
        ("mongodb://h?readPreferenceTags=dc:a&readPreferenceTags=dc:b", "Tags=dc:a&readPreferenceTags=dc:b&authS"),
    ],
)
def test_options_of_the_address_are_kept_and_credentials_are_not(uri, expected):
    found = uri_of_user(uri, "anna", "cat")
    assert expected in found and found.endswith("authSource=cat") and "anna@" in found
    assert not [word for word in ("secret", "p%40", "key.pem", "PLAIN", "r@", "admin", "=x") if word in found]
    if not uri.startswith("mongodb+srv"):
        assert parse_uri(found, validate=False)["username"] == "anna"


def test_password_is_asked_for_at_a_terminal(place):
    root = place["root"]
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "catalogdb", "db", "users", "add", "asked", "--role", "analyst"]
    process = subprocess.Popen(
        command, env=environment_of(root), stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while part := os.read(controller, 4096):
            shown += part
            if shown.endswith(b": "):  # the space comes when the terminal has stopped to echo
                os.write(controller, b"typed-password-0\n")
    os.close(controller)
    assert process.wait(60) == 0, shown
    assert b"may log in as analyst" in shown and b"typed" not in shown
    remove_user(connect(root), "asked")


def test_password_on_the_command_line_is_refused(command, place):
    result = command(place["root"], "--uri", "mongodb://anna:sesame-open@127.0.0.1/", "status", "--json")
    assert result.code == 2
    assert "CATALOGDB_PASSWORD_FILE" in result.json["next"]
    assert "sesame-open" not in result.out + result.err
