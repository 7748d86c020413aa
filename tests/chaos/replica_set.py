"""A real replica set on loopback: three mongods with a key file, that can be killed, started again and stepped down."""

import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

from catalogdb.database.connection import embedded
from catalogdb.settings import Settings

MEMBERS = 3
READY_SECONDS = 120
USER, NAME = "chaos", "chaos"


class ReplicaSet:
    """Three members under one folder; the time to an election is MongoDB's own (10 s)."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.binary = embedded(Settings(data_dir=folder)).binary()
        self.password = secrets.token_hex(16)
        keyfile = folder / "keyfile"
        keyfile.write_text(secrets.token_hex(256))
        keyfile.chmod(0o600)
        self.ports = _free_ports(MEMBERS)
        self.processes: dict[int, subprocess.Popen] = {}
        for port in self.ports:
            (folder / str(port)).mkdir()
            self.start(port)
        members = [{"_id": number, "host": f"127.0.0.1:{port}"} for number, port in enumerate(self.ports)]
        with pymongo.MongoClient(port=self.ports[0], directConnection=True) as first:
            _until(lambda: first.admin.command("ping"))
            first.admin.command("replSetInitiate", {"_id": NAME, "members": members})
            _until(lambda: first.admin.command("hello")["isWritablePrimary"])
            first.admin.command("createUser", USER, pwd=self.password, roles=["root"])
        self.client = pymongo.MongoClient(self.uri())
        self.wait_until_whole()

    def uri(self) -> str:
        """URI of the set."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"mongodb://{USER}:{self.password}@{hosts}/?replicaSet={NAME}&authSource=admin"

    def start(self, port: int) -> None:
        """Start one member."""
        command = [self.binary, "--replSet", NAME, "--keyFile", self.folder / "keyfile", "--bind_ip", "127.0.0.1"]
        command += ["--nounixsocket", "--port", str(port), "--dbpath", self.folder / str(port), "--oplogSize", "200"]
        command += ["--logpath", self.folder / f"{port}.log", "--wiredTigerCacheSizeGB", "0.25", "--logappend"]
        nowhere = subprocess.DEVNULL
        self.processes[port] = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)

    def primary(self) -> int:
        """Port of the member that is primary now."""
        return _until(lambda: self.client.admin.command("hello")["me"].rpartition(":")[2] or None, int)

    def kill_primary(self) -> int:
        """kill -9; returns its port."""
        port = self.primary()
        os.kill(self.processes[port].pid, signal.SIGKILL)
        self.processes[port].wait()
        return port

    def step_down(self) -> None:
        """Let another member become primary, also where none has caught up in ten seconds of a busy machine."""
        self.client.admin.command("replSetStepDown", 20, secondaryCatchUpPeriodSecs=10, force=True)

    def wait_until_whole(self) -> None:
        """Wait until one member is primary and the others follow it."""

        def whole() -> bool:
            states = [member["stateStr"] for member in self.client.admin.command("replSetGetStatus")["members"]]
            return sorted(states) == ["PRIMARY", "SECONDARY", "SECONDARY"]

        _until(whole)

    def stop(self) -> None:
        """End all members."""
        self.client.close()
        for process in self.processes.values():
            process.kill()
            process.wait()


def _until(ready, convert=lambda value: value):
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            if value := ready():
                return convert(value)
        except PyMongoError:
            pass
        assert time.monotonic() < deadline, "the replica set did not get ready"
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
