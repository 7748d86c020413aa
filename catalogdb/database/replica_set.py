"""The replica set of one member that the embedded server is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from catalogdb.errors import DatabaseError

if TYPE_CHECKING:
    from pymongo import MongoClient

REPLICA_SET = "catalogdb"


class OtherAddress(Exception):
    """The replica set in the data has its member at another port."""


def takes_writes(client: MongoClient, port: int, password_file: Path) -> bool:
    """Whether the server takes writes; a new one is made the primary of its set.

    Args:
        port: at which the server listens.
        password_file: named where the server refuses the password.

    Raises:
        OtherAddress: where the data know the member at another port.
        DatabaseError: where the server can't become primary.
    """
    from pymongo.errors import OperationFailure

    try:
        if client.admin.command("hello").get("isWritablePrimary"):
            return True
        client.admin.command("replSetGetStatus")
    except OperationFailure as error:
        if error.code == 94:  # NotYetInitialized
            config = {"_id": REPLICA_SET, "version": 1, "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}
            client.admin.command("replSetInitiate", config)
        elif error.code == 18:
            raise DatabaseError(
                f"the embedded mongod refuses the password in {password_file}",
                hint="restore that file, or remove it, then catalogdb db stop and db start: that makes a new one",
            ) from error
        elif error.code == 93:  # InvalidReplicaSetConfig: its member has another address
            raise OtherAddress from error
        elif error.code not in (10107, 13435, 11602, 91):  # elections in progress
            raise DatabaseError(f"the embedded mongod can't become primary: {error}") from error
    return False
