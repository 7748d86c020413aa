"""A mongod that catalogdb starts for one user: replica set of one, loopback only, with a password.

Everything about it lies in one folder: `db/` (data), `mongod.log`, `keyfile`, `password`, `port`. The running server is
found through the process id in mongod's own lock file and its command line, so nothing goes stale when a process is
killed: on the next start mongod recovers its journal by itself.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psutil

from catalogdb.database.mongod_binary import mongod_binary
from catalogdb.database.mongod_log import errors_since_start
from catalogdb.database.ports import answers, free_port, is_free
from catalogdb.database.replica_set import REPLICA_SET, OtherAddress, takes_writes
from catalogdb.errors import DatabaseError

if TYPE_CHECKING:
    from pymongo import MongoClient

USER = "catalogdb"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
PORT_ATTEMPTS = 5
FREE_SPACE = "free some space, then run the same command again: it goes on where it stopped"
LEAST_FREE_BYTES = 16 * 2**20
"""Where less is free, a mongod that died is taken to have died of it: it may have had no room to log why."""


@dataclass(frozen=True)
class ServerStatus:
    """What is known of the embedded server."""

    running: bool
    data_dir: Path
    pid: int | None = None
    port: int | None = None


class EmbeddedMongod:
    """Starts, finds and stops the mongod of one data folder.

    Args:
        data_dir: folder of its data, log, key and password; made with mode 0700.
        binary: mongod to run; none: the one on PATH, then the one of the `embedded` extra.
    """

    def __init__(self, data_dir: Path, binary: Path | None = None):
        self.data_dir = data_dir.expanduser().absolute()
        self.db_path = self.data_dir / "db"
        self.log_path = self.data_dir / "mongod.log"
        self._binary = binary

    # -- what users of the class call

    def status(self) -> ServerStatus:
        """Look for the server's process; nothing is started."""
        process = self._process()
        if process is None:
            return ServerStatus(False, self.data_dir)
        return ServerStatus(True, self.data_dir, process.pid, _port_of(process))

    def uri(self) -> str:
        """URI with the password, for a running server.

        Raises:
            DatabaseError: when it doesn't run or its password file is gone.
        """
        status = self.status()
        if not status.running:
            raise DatabaseError(
                f"the embedded mongod ({self.data_dir}) is not running",
                hint="catalogdb db start, then run the same command again",
            )
        return self._uri(status.port)

    def start(self) -> ServerStatus:
        """Start the server unless it runs, and wait until it takes writes.

        Raises:
            DatabaseError: with the reason that mongod logged.
        """
        self._make_folder()
        with self._lock():
            process = self._process()
            if process is not None and "--keyFile" not in process.cmdline():
                self._terminate(process)  # a first start that was interrupted before the server had its password
                process = None
            if process is not None:
                process = self._joined(process)
            if process is None:
                is_new = self._make_secrets()
                if is_new or not (self.data_dir / "initialised").exists():
                    self._create_user()
                process = self._launch()
                if not self._ensure_primary(_port_of(process)):
                    process = self._launched_again(process)
            return ServerStatus(True, self.data_dir, process.pid, _port_of(process))

    def _joined(self, process: psutil.Process) -> psutil.Process | None:
        """A server that was found running, once it takes writes; None where it was just ending."""
        try:
            is_primary = self._ensure_primary(_port_of(process))
        except (DatabaseError, psutil.Error):
            if self._process() is None:
                return None
            raise
        return process if is_primary else self._launched_again(process)

    def _launched_again(self, process: psutil.Process) -> psutil.Process:
        """A server whose file `port` was lost or changed, while the data know another one."""
        port = _port_of(process)
        self._terminate(process)
        self._change_port(port)
        process = self._launch()
        if not self._ensure_primary(_port_of(process)):
            raise DatabaseError("the embedded mongod can't take a new port", hint=f"log: {self.log_path}")
        return process

    def stop(self) -> bool:
        """Stop the server cleanly; false where none ran."""
        if not self.data_dir.is_dir():
            return False
        with self._lock():
            process = self._process()
            if process is None:
                return False
            self._terminate(process)
            return True

    def log_errors(self, lines: int = 400) -> list[str]:
        """The newest error and fatal messages in the server's log since its last start, oldest first."""
        return errors_since_start(self.log_path, lines)

    def disk_is_full(self) -> bool:
        """True where the data folder's disk has too little space for a server."""
        try:
            return shutil.disk_usage(self.data_dir).free < LEAST_FREE_BYTES
        except OSError:
            return False

    # -- first start

    def _make_folder(self) -> None:
        with self._folder_errors():
            self.db_path.mkdir(parents=True, exist_ok=True)
            self.data_dir.chmod(0o700)

    def _make_secrets(self) -> bool:
        """Make the secrets that are missing or empty; true where the server has to be given a new password."""
        with self._folder_errors():
            if not _holds_text(self.data_dir / "keyfile"):
                _write_private(self.data_dir / "keyfile", secrets.token_hex(512))  # hex is base64 to mongod
            if _holds_text(self.data_dir / "password"):
                return False
            _write_private(self.data_dir / "password", secrets.token_hex(32))
            return True

    @contextmanager
    def _folder_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DatabaseError(
                f"{self.data_dir}: cannot hold the embedded database: {error.strerror or error}",
                hint="set CATALOGDB_DATA_DIR to a folder of yours with space",
            ) from error

    def _create_user(self) -> None:
        with self._private_client() as client:
            existing = client.admin.command("usersInfo", USER)["users"]
            verb = "updateUser" if existing else "createUser"
            client.admin.command(verb, USER, pwd=self._password(), roles=["root"])
        (self.data_dir / "initialised").touch()

    def _change_port(self, port: int) -> None:
        """Tell the replica set its member's new address; it can't be told once it runs under another one."""
        with self._private_client() as client:
            client.local["system.replset"].update_one({}, {"$set": {"members.0.host": f"127.0.0.1:{port}"}})

    @contextmanager
    def _private_client(self) -> Iterator[MongoClient]:
        """A client of the server started without a password on a unix socket in a private folder, with no port open.

        So no one else on the host can use MongoDB's localhost exception to be first.
        """
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        with tempfile.TemporaryDirectory(prefix="catalogdb-", dir="/tmp") as folder:  # socket paths are short by law
            path = str(Path(folder) / "mongod.sock")
            process = self._spawn(
                [*self._command(), "--bind_ip", path, "--unixSocketPrefix", folder, "--port", str(free_port())]
            )
            try:
                client: MongoClient
                with MongoClient(
                    f"mongodb://{quote(path, safe='')}", serverSelectionTimeoutMS=1000, directConnection=True
                ) as client:
                    self._wait(process, lambda: client.admin.command("ping"))
                    yield client
            except PyMongoError as error:
                raise DatabaseError(f"the embedded mongod cannot be set up: {error}") from error
            finally:
                self._terminate(process)

    # -- the server's process

    def _command(self) -> list[str]:
        cache_gb = min(4.0, max(0.25, psutil.virtual_memory().total / 2**30 / 4))
        return [
            str(self.binary()),
            *("--dbpath", str(self.db_path)),
            *("--logpath", str(self.log_path), "--logappend"),
            *("--wiredTigerCacheSizeGB", f"{cache_gb:.2f}"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        ]

    def _last_port(self) -> int | None:
        """The port of the last start, where its file tells one; any other will do as well."""
        try:
            port = int((self.data_dir / "port").read_text())
        except (OSError, ValueError):
            return None
        return port if 1024 <= port <= 65535 else None

    def _launch(self) -> psutil.Process:
        used = self._last_port()
        for _ in range(PORT_ATTEMPTS):
            port = used if used and is_free(used) else free_port()
            if used and port != used:
                self._change_port(port)
            _write_private(self.data_dir / "port", str(port))
            used = port
            command = [
                *self._command(),
                *("--bind_ip", "127.0.0.1", "--nounixsocket", "--port", str(port)),
                *("--replSet", REPLICA_SET, "--oplogSize", "990"),
                *("--keyFile", str(self.data_dir / "keyfile")),
                *("--setParameter", "enableLocalhostAuthBypass=false"),
            ]
            process = self._spawn(command)
            try:
                self._wait(process, partial(answers, port))
            except DatabaseError as error:
                if "in use" in str(error):
                    continue
                raise
            return process
        raise DatabaseError(f"no free port for the embedded mongod after {PORT_ATTEMPTS} attempts")

    def _spawn(self, command: list[str]) -> psutil.Process:
        try:
            # a session of its own: Ctrl-C in the terminal must not reach the database
            server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd=self.data_dir,
            )
            server.returncode = 0  # it outlives this process, which therefore never waits for it by this object
            return psutil.Process(server.pid)
        except OSError as error:
            raise DatabaseError(f"{command[0]}: cannot be run: {error.strerror or error}") from error

    def _wait(self, process: psutil.Process, ready: Callable[[], Any]) -> None:
        from pymongo.errors import PyMongoError

        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if ready() is not False:
                    return
            except PyMongoError:
                pass
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                raise self._died("reasons are in its log")
            if time.monotonic() > deadline:
                raise DatabaseError(f"mongod did not answer within {START_SECONDS:.0f} s", hint=f"log: {self.log_path}")
            time.sleep(0.05)

    def _ensure_primary(self, port: int) -> bool:
        """Wait until the server takes writes; false where its data say that it runs at another port."""
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        deadline = time.monotonic() + START_SECONDS
        client: MongoClient
        with MongoClient(self._uri(port), serverSelectionTimeoutMS=2000) as client:
            while True:
                try:
                    if takes_writes(client, port, self.data_dir / "password"):
                        return True
                except OtherAddress:
                    return False
                except PyMongoError as error:  # a server that changes its state closes connections
                    if self._process() is None:
                        raise self._died(str(error).split(", Timeout:")[0]) from error
                if time.monotonic() > deadline:
                    raise DatabaseError("the embedded mongod did not become primary", hint=f"log: {self.log_path}")
                time.sleep(0.05)

    def _process(self) -> psutil.Process | None:
        try:
            pid = int((self.db_path / "mongod.lock").read_text().strip() or 0)
            process = psutil.Process(pid) if pid else None
            if process and process.status() != psutil.STATUS_ZOMBIE and str(self.db_path) in process.cmdline():
                return process
        except (OSError, ValueError, psutil.Error):
            pass
        return None

    def _terminate(self, process: psutil.Process) -> None:
        try:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired as error:
            raise DatabaseError(f"mongod (pid {process.pid}) did not stop within {STOP_SECONDS:.0f} s") from error

    def _died(self, otherwise: str) -> DatabaseError:
        if self.disk_is_full():
            return DatabaseError(f"{self.data_dir}: the disk is full, so mongod ended at its start", hint=FREE_SPACE)
        reasons = "; ".join(self.log_errors(60)[-3:]) or otherwise
        return DatabaseError(f"mongod ended at its start: {reasons}", hint=f"log: {self.log_path}")

    # -- secrets, binary, lock

    def _password(self) -> str:
        path = self.data_dir / "password"
        try:
            return path.read_text().strip()
        except OSError as error:
            raise DatabaseError(
                f"{path}: the embedded database's password cannot be read: {error.strerror}",
                hint="catalogdb db stop, then catalogdb db start makes a new one",
            ) from error

    def _uri(self, port: int | None) -> str:
        password = quote(self._password(), safe="")
        return f"mongodb://{USER}:{password}@127.0.0.1:{port}/?authSource=admin&directConnection=true"

    def binary(self) -> Path:
        """The mongod to run.

        Raises:
            DatabaseError: when there is none on this machine.
        """
        return self._binary or mongod_binary(self.data_dir)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One start or stop at a time per data folder; the kernel frees the lock of a killed process."""
        with open(self.data_dir / "lock", "w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, and that is there whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    draft.replace(path)


def _holds_text(path: Path) -> bool:
    return path.exists() and bool(path.read_bytes().strip(b" \t\r\n\0"))


def _port_of(process: psutil.Process) -> int:
    arguments = process.cmdline()
    return int(arguments[arguments.index("--port") + 1])
