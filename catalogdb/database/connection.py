"""Connections: one MongoClient per process, and MsPASS's handles on the same database."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pymongo
import pymongo.uri_parser
from pymongo import errors as mongo_errors
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from catalogdb.database.embedded import FREE_SPACE, EmbeddedMongod
from catalogdb.database.refusals import hint_of_silence, not_allowed, tls_problem
from catalogdb.errors import DatabaseError
from catalogdb.settings import Settings

if TYPE_CHECKING:
    import mspasspy.db
    from mspasspy.db.schema import DatabaseSchema, MetadataSchema

Result = TypeVar("Result")
Client = TypeVar("Client", bound=pymongo.MongoClient)

DATABASE_GONE = (
    mongo_errors.ConnectionFailure,
    mongo_errors.CursorNotFound,
    mongo_errors.ExecutionTimeout,
    mongo_errors.WTimeoutError,
)
"""What the driver raises where a server goes away in the middle of an operation."""
FAILOVERS = 5
"""So often an operation is tried again before it is given up."""
CLOSING_SECONDS = 1.0
AUTHENTICATION_FAILED = 18
UNAUTHORIZED = 13
NO_TRANSACTIONS = 20
OUT_OF_DISK_SPACE = 14031
SHUTTING_DOWN = (91, 11600, 11602)


def embedded(settings: Settings) -> EmbeddedMongod:
    """The embedded server that the settings speak of."""
    return EmbeddedMongod(settings.data_dir, settings.mongod)


def connection_uri(settings: Settings, start: bool = True) -> str:
    """The URI to connect to, password included; starts the embedded server where no URI is set.

    Raises:
        DatabaseError: when the embedded server can't be started.
    """
    if settings.uri is not None:
        return settings.full_uri()
    server = embedded(settings)
    if start:
        server.start()
    return server.uri()


def redacted(uri: str) -> str:
    """The URI's scheme and hosts alone: user, password and options may all hold secrets."""
    scheme = uri.partition("://")[0]
    try:
        if scheme == "mongodb":  # mongodb+srv would ask the name server
            nodes = pymongo.uri_parser.parse_uri(uri, validate=False, warn=False)["nodelist"]
            return f"{scheme}://{','.join(f'{host}:{port}' for host, port in nodes)}"
    except (mongo_errors.PyMongoError, ValueError):
        pass
    return f"{scheme}://..."


def connect(settings: Settings, start: bool = True) -> Database:
    """Open the database, with majority reads and writes; the client is shared by the process.

    Args:
        start: start the embedded server where it is meant and doesn't run; a worker, which doesn't, is also more
            patient: it may be just then that another primary is elected.

    Raises:
        DatabaseError: naming the server and the reason, never a password.
    """
    uri = connection_uri(settings, start)
    with database_errors(settings):
        patience = max(settings.timeout_seconds, settings.failover_seconds if settings.uri else 0.0)
        client = _client(uri, patience)
        with pymongo.timeout(settings.timeout_seconds if start else patience):
            _ping(client)
        database = client.get_database(
            settings.database, read_concern=ReadConcern("majority"), write_concern=WriteConcern("majority")
        )
        database.list_collection_names()  # a ping needs no login, this does
        return database


@cache
def _client(uri: str, timeout_seconds: float) -> pymongo.MongoClient:
    return _kept(
        pymongo.MongoClient(
            uri,
            serverSelectionTimeoutMS=int(timeout_seconds * 1000),
            tz_aware=True,
            appname="catalogdb",
            maxPoolSize=8,
            w="majority",  # transactions take the client's concerns, not the database's
            readConcernLevel="majority",
        )
    )


@cache
def _mspass_client(uri: str, timeout_seconds: float) -> mspasspy.db.DBClient:
    from mspasspy.db import DBClient

    return _kept(DBClient(uri, serverSelectionTimeoutMS=int(timeout_seconds * 1000)))


def _kept(client: Client) -> Client:
    """The client, closed at the end of the process; where the server has gone before, without waiting for it."""

    def close() -> None:
        with pymongo.timeout(CLOSING_SECONDS):
            client.close()

    atexit.register(close)
    return client


def wait_for_server(db: Database) -> None:
    """Wait until the server, or the next primary of its replica set, takes commands.

    Raises:
        PyMongoError: where there is none for as long as the client looks for one.
    """
    _ping(db.client)


def _ping(client: pymongo.MongoClient) -> None:
    """A connection of earlier may be one to a server that has gone; what is raised last is that there is none."""
    for _ in range(FAILOVERS):
        try:
            client.admin.command("ping")
            return
        except mongo_errors.ServerSelectionTimeoutError:
            raise
        except DATABASE_GONE:
            continue
    client.admin.command("ping")


def through_failover(db: Database, action: Callable[[], Result]) -> Result:
    """Do what may be done twice, and do it again where the server went away meanwhile and one is there again.

    The driver by itself tries one read or write again; not the rest of a cursor, or several operations in a row.

    Raises:
        PyMongoError: where no server comes back.
    """
    for _ in range(FAILOVERS):
        try:
            return action()
        except DATABASE_GONE:
            wait_for_server(db)
    return action()


def mspass_database(settings: Settings) -> mspasspy.db.Database:
    """The same database as MsPASS's `Database`, with our schema merged onto MsPASS's own."""
    from mspasspy.db import Database as MspassDatabase

    client = _mspass_client(connection_uri(settings), settings.timeout_seconds)
    database_schema, metadata_schema = _mspass_schemas(_mspass_schema_file(settings.data_dir))
    return MspassDatabase(client, settings.database, db_schema=database_schema, md_schema=metadata_schema)


@cache
def _mspass_schemas(file: Path) -> tuple[DatabaseSchema, MetadataSchema]:
    """Our schema of the database, and MsPASS's own of its objects' metadata, to which ours adds nothing.

    MsPASS takes half a second to read either, so the smaller file is taken where it says the same.
    """
    from mspasspy.db.schema import DatabaseSchema, MetadataSchema

    from catalogdb.schema import mspass_schema_file

    return DatabaseSchema(str(file)), MetadataSchema(str(mspass_schema_file()))


def _mspass_schema_file(folder: Path) -> Path:
    """MsPASS reads a schema from a file only, so ours is written beside the embedded database's data."""
    import os

    import yaml

    from catalogdb.identity import content_id
    from catalogdb.schema import mspass_schema

    schema = mspass_schema()
    path = folder / f"mspass-schema-{content_id(schema)}.yaml"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(yaml.safe_dump(schema, sort_keys=False))
        draft.replace(path)
    return path


@contextmanager
def database_errors(settings: Settings) -> Iterator[None]:
    """Turn the driver's exceptions into one clear DatabaseError that says what to do next."""
    try:
        yield
    except mongo_errors.PyMongoError as error:
        raise _explained(error, settings) from error


def _explained(error: mongo_errors.PyMongoError, settings: Settings) -> DatabaseError:
    where = redacted(settings.uri.get_secret_value()) if settings.uri else f"the embedded mongod ({settings.data_dir})"
    code = getattr(error, "code", None)
    server = None if settings.uri else embedded(settings)
    log_errors = server.log_errors() if server else []
    died_of_it = server is not None and not server.status().running and server.disk_is_full()
    said = any("No space left" in line for line in [str(error), *log_errors[-20:]])
    if code == OUT_OF_DISK_SPACE or said or died_of_it:
        return DatabaseError(f"{where}: the disk is full", hint=FREE_SPACE)
    if code == AUTHENTICATION_FAILED or "Authentication failed" in str(error):
        return DatabaseError(f"{where}: user name or password refused", hint="check CATALOGDB_URI (authSource too)")
    if code == UNAUTHORIZED:
        return not_allowed(error, where)
    if untrusted := tls_problem(error, where):
        return untrusted
    if code == NO_TRANSACTIONS:
        return DatabaseError(
            f"{where}: the server has no transactions",
            hint="run MongoDB as a replica set, of one member if need be (--replSet)",
        )
    if "Document failed validation" in str(error):
        return DatabaseError(
            f"{where}: a document was refused by the schema in force",
            hint="has another version of catalogdb changed it meanwhile? catalogdb db init brings it to this one's",
        )
    if isinstance(error, (mongo_errors.ConfigurationError, mongo_errors.InvalidURI)):
        return DatabaseError(f"{where}: not a usable MongoDB URI: {_short(error)}")
    if isinstance(error, mongo_errors.ConnectionFailure) or code in SHUTTING_DOWN or error.timeout:
        reason = log_errors[-1] if log_errors else _short(error)
        hint = (
            hint_of_silence(settings, reason) if settings.uri else "catalogdb db start, then run the same command again"
        )
        return DatabaseError(f"{where}: no answer: {reason}", hint=hint)
    return DatabaseError(f"{where}: {_short(error)}")


def _short(error: Exception) -> str:
    return str(error).split(", Timeout:")[0].split(", full error:")[0][:300]
