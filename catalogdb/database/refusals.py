"""Why a server or a certificate refuses us, in words, with what to do next."""

from __future__ import annotations

import re

from catalogdb.documents.free import Json
from catalogdb.errors import DatabaseError
from catalogdb.settings import Settings

DENIED = re.compile(
    r'not authorized on (?P<database>\S+) to execute command \{ (?P<command>\w+): "?(?P<target>[^",}]*)'
)
OF_THE_SCHEMA = {"create", "createIndexes", "collMod", "drop", "dropIndexes"}
OF_USERS = {"createUser", "updateUser", "dropUser", "usersInfo", "createRole", "updateRole", "rolesInfo"}
WRITES = {"insert", "update", "delete", "findAndModify", "bulkWrite"}
ADMIN = "an admin gives roles: catalogdb db users add NAME --role ROLE"


def not_allowed(error: Exception, where: str) -> DatabaseError:
    """What a user's role does not allow; of the refused command only its name and collection are repeated."""
    details: Json = getattr(error, "details", None) or {}
    match = DENIED.search(details.get("errmsg", "") or str(error))
    if match is None:
        return DatabaseError(f"{where}: this user may not do that", hint=ADMIN)
    command, database, target = match["command"], match["database"], match["target"]
    on = database if target in ("", "1", "1.0") else f"{database}.{target}"
    message = f"{where}: this user may not do that: {command} on {on}"
    if command in OF_THE_SCHEMA:
        return DatabaseError(message, hint="an admin brings the database to this version's schema: catalogdb db init")
    if command in OF_USERS:
        return DatabaseError(message, hint="users are managed by an admin of this database")
    if command in WRITES:
        return DatabaseError(message, hint=f"it takes the role worker or admin; {ADMIN}")
    return DatabaseError(message, hint=f"is --database right? Otherwise {ADMIN}")


def tls_problem(error: Exception, where: str) -> DatabaseError | None:
    """What is wrong with a TLS connection, or None where that isn't the trouble."""
    text = str(error)
    reason = re.search(r"certificate verify failed: ([^(]*)", text)
    if reason and ("mismatch" in reason[1] or "not valid for" in reason[1]):
        return DatabaseError(
            f"{where}: its certificate is for another host: {reason[1].strip()}",
            hint="use the name in the certificate, or have one made for this name",
        )
    if reason and "expired" in reason[1]:
        return DatabaseError(f"{where}: its certificate has expired", hint="renew the server's certificate")
    if reason:
        return DatabaseError(
            f"{where}: its certificate is not trusted: {reason[1].strip()}",
            hint="name the authority that made it: CATALOGDB_TLS_CA_FILE (or tlsCAFile in the URI)",
        )
    if "SSL handshake failed" not in text:
        return None
    return DatabaseError(
        f"{where}: no TLS connection comes about", hint="does the server speak TLS at all? Without: leave out tls=true"
    )


def hint_of_silence(settings: Settings, reason: str) -> str:
    """What to look at when a server of the user's own does not answer, or hangs up."""
    if "connection closed" not in reason:
        return "is the server running, and its address right?"
    if "tls=true" in settings.full_uri():
        return (
            "a server that asks for certificates hangs up on whom it doesn't trust: "
            "CATALOGDB_TLS_CERTIFICATE_KEY_FILE (or tlsCertificateKeyFile in the URI)"
        )
    return "is the server running? If it takes TLS connections only: CATALOGDB_TLS_CA_FILE (or tls=true in the URI)"
