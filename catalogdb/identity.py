"""Content-derived identities: equal content has an equal id, on every machine and in every order of work."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Serialise to the one JSON text that a value has: sorted keys, no white space, UTF-8.

    Whole floats are written as integers (``1.0`` -> ``1``): a value from YAML and the same from MongoDB agree.

    Raises:
        ValueError: for NaN and infinities, which have no JSON.
        TypeError: for types without a JSON form.
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def plain_id(value: Any) -> str:
    """Identity of a value that is canonical as it stands (text, whole numbers as int, lists, dictionaries by text), as
    `content_id` gives it for the same parts; for ids that are made by the hundred thousand."""
    return hashlib.sha256(_encode(value).encode()).hexdigest()[:32]


def canonical(value: Any) -> Any:
    """The value as its canonical JSON reads back: what is stored of a configuration, and what its identity is of."""
    return json.loads(canonical_json(value))


def content_id(*parts: Any) -> str:
    """Give the identity of the parts together: 32 hexadecimal digits (128 bits of SHA-256 over canonical JSON)."""
    if all(type(part) in (str, int) for part in parts):  # as in most, by the thousand
        return plain_id(parts)
    return hashlib.sha256(canonical_json(parts)).hexdigest()[:32]


def numbered_ids(parts: Sequence[str], numbers: Iterable[int]) -> list[str]:
    """What `content_id(*parts, number)` gives for each number."""
    before = hashlib.sha256(_encode([*parts, 0]).removesuffix("0]").encode())
    ids = []
    for number in numbers:
        whole = before.copy()
        whole.update(b"%d]" % number)
        ids.append(whole.hexdigest()[:32])
    return ids


def milliseconds(time: float) -> int:
    """Epoch seconds as whole milliseconds, the resolution of times inside identities."""
    return round(time * 1000)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) for item in value)
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    if isinstance(value, Path):
        return str(value)
    return value


def installed_versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
