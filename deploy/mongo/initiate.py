"""Make one replica set of MongoDB servers that run; where it is made already, nothing happens.

Read from the environment: `MONGO_MEMBERS` (host:port,host:port,...; the first one has the root user),
`MONGO_ROOT_PASSWORD_FILE`, and `MONGO_TLS_CA_FILE` where they speak TLS.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

REPLICA_SET = "rs0"
WAIT_SECONDS = 300.0
PAUSE_SECONDS = 2.0
ALREADY_INITIALIZED = 23
MAY_CHANGE = (18, 74, 93, 11600, 13436)  # the root user isn't there yet; a member isn't up yet, or just starting


def main() -> None:
    """Initiate, and wait for a primary."""
    members = os.environ["MONGO_MEMBERS"].split(",")
    password = Path(os.environ["MONGO_ROOT_PASSWORD_FILE"]).read_text().rstrip("\r\n")
    authority = os.environ.get("MONGO_TLS_CA_FILE")
    config = {"_id": REPLICA_SET, "members": [{"_id": place, "host": host} for place, host in enumerate(members)]}
    with MongoClient(
        f"mongodb://{members[0]}",
        directConnection=True,
        username="root",
        password=password,
        serverSelectionTimeoutMS=5000,
        **({"tls": True, "tlsCAFile": authority} if authority else {}),
    ) as client:
        deadline = time.monotonic() + WAIT_SECONDS
        while not _ready(client, config):
            if time.monotonic() > deadline:
                sys.exit(f"no replica set after {WAIT_SECONDS:.0f} s: do all of {', '.join(members)} run?")
            time.sleep(PAUSE_SECONDS)
    print(f"replica set {REPLICA_SET}: {', '.join(members)}")


def _ready(client: MongoClient, config: dict) -> bool:
    """Initiate unless that is done; true when there is a primary."""
    try:
        try:
            client.admin.command("replSetInitiate", config)
        except OperationFailure as error:
            if error.code != ALREADY_INITIALIZED:
                raise
        return bool(client.admin.command("hello").get("primary"))
    except ConnectionFailure:
        return False
    except OperationFailure as error:
        if error.code not in MAY_CHANGE:
            sys.exit(f"replSetInitiate: {error.details['errmsg']}")
        return False


if __name__ == "__main__":
    main()
