"""MongoDB URIs as text: what is wrong with one, whether it holds a secret, and what settings add to it.

No message made here repeats any part of the URI: a password that is not percent-encoded may stand anywhere in it.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote

SCHEMES = ("mongodb://", "mongodb+srv://")
SECRET_OPTIONS = ("tlscertificatekeyfilepassword", "authmechanismproperties")
STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
ENCODE = "special characters in it must be percent-encoded: @ is %40, : is %3A, / is %2F, ? is %3F, % is %25"


def problem_of(uri: str) -> str | None:
    """What makes a text unusable as a MongoDB URI, or None."""
    if not uri.startswith(SCHEMES):
        return "must start with mongodb:// or mongodb+srv://"
    user, hosts, rest = _parts(uri)
    if "@" in rest:
        return f"an @ stands after the hosts; if it belongs to the password, {ENCODE}"
    if "@" in user or user.count(":") > 1 or STRAY_PERCENT.search(user):
        return f"user name or password can't be told apart; {ENCODE}"
    if user.startswith(":"):
        return "has a password, but no user name"
    if not all(hosts.split(",")):
        return "names no host, or has a comma too many"
    if not uri.startswith("mongodb+srv") and any(not _port_is_number(host) for host in hosts.split(",")):
        return f"a port is not a number; if it belongs to the password, {ENCODE}"
    return None


def has_password(uri: str) -> bool:
    """True for a URI that names a user with a password."""
    return ":" in _parts(uri)[0]


def holds_secret(uri: str) -> bool:
    """True for a URI with a password, or with an option that may carry one."""
    return has_password(uri) or any(name.lower() in SECRET_OPTIONS for name in options_of(uri))


def user_of(uri: str) -> str:
    """The user name as it stands in the URI, percent-encoded; empty where there is none."""
    return _parts(uri)[0].partition(":")[0]


def options_of(uri: str) -> dict[str, str]:
    """Options of the URI, decoded, under their names as written."""
    return dict(parse_qsl(_parts(uri)[2].partition("?")[2], keep_blank_values=True))


def with_password(uri: str, password: str) -> str:
    """The URI with a password for the user that it names."""
    scheme = uri[: uri.index("://") + 3]
    return f"{scheme}{user_of(uri)}:{quote(password, safe='')}@{uri.partition('@')[2]}"


def with_options(uri: str, options: dict[str, str]) -> str:
    """The URI with options added; those that it has stay as they are."""
    present = {name.lower() for name in options_of(uri)}
    new = [f"{name}={quote(value, safe='/')}" for name, value in options.items() if name.lower() not in present]
    if not new:
        return uri
    if "?" in uri:
        return uri + ("" if uri.endswith(("?", "&")) else "&") + "&".join(new)
    _, _, rest = _parts(uri)
    return uri + ("" if rest else "/") + "?" + "&".join(new)


def _parts(uri: str) -> tuple[str, str, str]:
    """User with password, hosts, and what follows the hosts (`/`, database and options)."""
    body = uri.partition("://")[2]
    end = re.search(r"[/?]", body)
    authority, rest = (body[: end.start()], body[end.start() :]) if end else (body, "")
    user, _, hosts = authority.rpartition("@")
    return user, hosts, rest


def _port_is_number(host: str) -> bool:
    port = host.rpartition("]")[2] if host.startswith("[") else host
    _, separator, number = port.partition(":")
    return not separator or (number.isascii() and number.isdigit())
