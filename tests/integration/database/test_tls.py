"""TLS: a real mongod that speaks nothing else, and asks clients for certificates."""

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from urllib.parse import quote

import pymongo
import pytest
from certificates import Authority
from pydantic import SecretStr

from catalogdb.database.connection import connect, embedded
from catalogdb.database.initialise import initialise
from catalogdb.errors import DatabaseError, InputError
from catalogdb.settings import Settings


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """Another authority, which no server here trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"), "another authority")


@pytest.fixture(scope="module")
def tls_server(authority, tmp_path_factory, server):
    """Address of a mongod that takes TLS connections only, with client certificates that its authority signed."""
    folder = tmp_path_factory.mktemp("tls-mongod")
    (folder / "db").mkdir()
    keyfile = folder / "keyfile"
    keyfile.touch(mode=0o600)
    keyfile.write_text("c2VjcmV0" * 8)
    certificate = authority.sign("server", "servers", address="127.0.0.1")
    port = free_port()
    command = [
        *(str(embedded(server).binary()), "--dbpath", str(folder / "db"), "--logpath", str(folder / "log")),
        *("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"),
        *("--replSet", "rs", "--keyFile", str(keyfile)),
        *("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(certificate)),
        *("--tlsCAFile", str(authority.certificate)),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _set_up(port, authority, authority.sign("client", "clients"))
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def _set_up(port, authority, certificate):
    """Start the replica set, and enter a user for each of the two ways to log in."""
    files = f"tls=true&tlsCAFile={quote(str(authority.certificate))}&tlsCertificateKeyFile={quote(str(certificate))}"
    with pymongo.MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true&{files}") as client:
        member = {"_id": 0, "host": f"127.0.0.1:{port}"}
        client.admin.command("replSetInitiate", {"_id": "rs", "members": [member]})
        while not client.admin.command("hello")["isWritablePrimary"]:
            time.sleep(0.1)
        client.admin.command("createUser", "root", pwd="sesame-open", roles=["root"])
    with pymongo.MongoClient(f"mongodb://root:sesame-open@127.0.0.1:{port}/?{files}") as client:
        name = "O=catalogdb tests,OU=clients,CN=client"
        client["$external"].command("createUser", name, roles=[{"role": "dbOwner", "db": "tls"}])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def of(address, options="authMechanism=MONGODB-X509&authSource=$external", **files):
    uri = SecretStr(f"mongodb://{address}/?{options}")
    return Settings(uri=uri, database="tls", timeout_seconds=2, **files)


@pytest.fixture
def mine(authority):
    """This client's files, as settings name them."""
    return {"tls_ca_file": authority.certificate, "tls_certificate_key_file": authority.folder / "client.pem"}


def test_certificate_of_the_client_is_its_login(tls_server, mine):
    db = connect(of(tls_server, **mine))
    status = db.command("connectionStatus")["authInfo"]["authenticatedUsers"]
    assert [user["user"] for user in status] == ["O=catalogdb tests,OU=clients,CN=client"]
    assert initialise(db)
    assert initialise(db) == []


def test_the_uri_may_say_it_all(tls_server, mine):
    options = (
        f"tls=true&tlsCAFile={quote(str(mine['tls_ca_file']))}"
        f"&tlsCertificateKeyFile={quote(str(mine['tls_certificate_key_file']))}"
    )
    db = connect(Settings(uri=SecretStr(f"mongodb://root:sesame-open@{tls_server}/?{options}"), timeout_seconds=2))
    assert db.client.admin.command("hello")["setName"] == "rs"


def test_password_and_certificates_from_files(command, tls_server, mine, tmp_path, monkeypatch, server):
    file = tmp_path / "password"
    file.write_text("sesame-open\n")
    monkeypatch.setenv("CATALOGDB_PASSWORD_FILE", str(file))
    monkeypatch.setenv("CATALOGDB_TLS_CA_FILE", str(mine["tls_ca_file"]))
    monkeypatch.setenv("CATALOGDB_TLS_CERTIFICATE_KEY_FILE", str(mine["tls_certificate_key_file"]))
    result = command(server, "--uri", f"mongodb://root@{tls_server}/?authSource=admin", "db", "status", "--json")
    assert result.code == 0
    assert result.json["uri"] == f"mongodb://{tls_server}"
    assert "sesame-open" not in result.out + result.err


def test_untrusted_server_is_one_clear_error(command, tls_server, stranger, monkeypatch, server):
    monkeypatch.setenv("CATALOGDB_TLS_CA_FILE", str(stranger.certificate))
    monkeypatch.setenv("CATALOGDB_TIMEOUT_SECONDS", "1")
    result = command(server, "--uri", f"mongodb://{tls_server}/", "db", "status", "--json")
    assert result.code == 3
    assert "its certificate is not trusted" in result.json["error"]
    assert "CATALOGDB_TLS_CA_FILE" in result.json["next"]
    assert len(result.err.splitlines()) == 2 and "Traceback" not in result.err


def test_certificate_for_another_host(tls_server, mine):
    with pytest.raises(DatabaseError, match="for another host"):
        connect(of(tls_server.replace("127.0.0.1", "localhost"), **mine))


def test_client_without_a_certificate_that_the_server_trusts(tls_server, authority, stranger):
    strange = stranger.sign("client", "clients")
    for files in ({}, {"tls_certificate_key_file": strange}):
        with pytest.raises(DatabaseError, match="no answer") as caught:
            connect(of(tls_server, options="", tls_ca_file=authority.certificate, **files))
        assert "CATALOGDB_TLS_CERTIFICATE_KEY_FILE" in caught.value.hint


def test_client_without_tls(tls_server):
    with pytest.raises(DatabaseError, match="no answer") as caught:
        connect(of(tls_server, options=""))
    assert "CATALOGDB_TLS_CA_FILE" in caught.value.hint


def test_server_without_tls(server, authority):
    port = embedded(server).status().port
    with pytest.raises(DatabaseError, match="no TLS connection") as caught:
        connect(of(f"127.0.0.1:{port}", options="directConnection=true", tls_ca_file=authority.certificate))
    assert "does the server speak TLS" in caught.value.hint


def test_expired_certificate(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.sign("old", "servers", address="127.0.0.1", expired=True))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            with contextlib.suppress(OSError):  # the listener's end
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True):
                        pass

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(DatabaseError, match="has expired"):
            connect(of(f"127.0.0.1:{listener.getsockname()[1]}", options="", tls_ca_file=authority.certificate))
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("name", ["tls_ca_file", "tls_certificate_key_file"])
def test_missing_files_are_named(tls_server, name, tmp_path):
    with pytest.raises(InputError, match="nowhere.pem"):
        connect(of(tls_server, **{name: tmp_path / "nowhere.pem"}))
    key = {"tls_ca_file": "tlsCAFile", "tls_certificate_key_file": "tlsCertificateKeyFile"}[name]
    with pytest.raises(InputError, match="nowhere.pem"):
        connect(of(tls_server, options=f"tls=true&{key}={quote(str(tmp_path))}/nowhere.pem"))
