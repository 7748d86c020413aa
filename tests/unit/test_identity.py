"""Content-derived identities."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogdb.identity import canonical_json, content_id, file_sha256, milliseconds, numbered_ids, plain_id
from catalogdb.ledger.parts import changes, fingerprint
from catalogdb.ledger.stage import Shard
from catalogdb.ledger.tasks import task_id

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), values, max_size=6))
def test_order_of_keys_does_not_matter(document):
    turned = dict(reversed(document.items()))
    assert canonical_json(document) == canonical_json(turned)
    assert content_id(document) == content_id(turned)


def test_whole_floats_and_integers_agree():
    assert content_id({"a": 1.0}) == content_id({"a": 1})
    assert content_id({"a": 1.5}) != content_id({"a": 1})


def test_parts_are_kept_apart():
    assert content_id("ab", "c") != content_id("a", "bc")
    assert content_id(["a"], []) != content_id([], ["a"])


def test_tuples_and_sets_are_lists():
    assert content_id((1, 2)) == content_id([1, 2])
    assert content_id({3, 1, 2}) == content_id([1, 2, 3])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_without_json_are_refused(value):
    with pytest.raises(ValueError):
        canonical_json(value)


def test_known_identity_stays():
    assert content_id("pick", {"b": [1, 2.5], "a": "è"}) == "baf224df9f88037e637d60091f11c195"


def test_milliseconds_round():
    assert milliseconds(1711574377.3004) == 1711574377300
    assert milliseconds(1711574377.3006) == 1711574377301


def test_file_hash_is_of_the_bytes(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert file_sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_identities_never_change():
    """Everything that is stored goes by them: another digest would orphan it all."""
    assert content_id("a", 1, "b") == "33cc8a096d737991ec548846fc2e6402"
    assert content_id({"b": [1.0, 2.5, None], "a": {"x": True}}, ("é", 0.1)) == "cd69af4aadbce948dd296790542fbbda"
    assert canonical_json({"b": 1.0, "a": [0.1, "é", None]}) == '{"a":[0.1,"é",null],"b":1}'.encode()
    assert milliseconds(1_700_000_000.1236) == 1_700_000_000_124


def test_ids_of_plain_values_are_those_of_their_content():
    parts = ["pick", "c0", {"sta": "B\u00e4D", "net": "OX"}, 86400, 0.5]
    assert plain_id(parts) == content_id(*parts)
    for start in (0.0, 86400.5):
        shard = Shard({"net": "OX", "sta": "BAD"}, start, 86400.0)
        stage = SimpleNamespace(name="pick", config_id="c")
        assert task_id(stage, shard) == content_id("pick", "c", shard.key, start, 86400.0)


@given(st.lists(st.text(max_size=4), max_size=3), st.lists(st.integers(), max_size=3))
def test_numbered_ids_are_those_of_their_content(parts, numbers):
    assert numbered_ids(parts, numbers) == [content_id(*parts, number) for number in numbers]


def test_a_fingerprint_is_of_what_files_hold_and_not_of_their_names():
    parts = {"file": {"a": "5 x p", "b": "6 y p"}, "sensor": {"choice": "c"}}
    assert fingerprint(parts) == fingerprint(parts | {"file": {"n": "6 y p", "m": "5 x p", "copy": "5 x p"}})
    assert fingerprint(parts) != fingerprint(parts | {"file": {"a": "5 x p", "b": "6 z p"}})
    assert list(changes(parts, parts | {"file": {"n": "6 y p", "m": "5 x p"}})) == []
    station = {"station": {"OX.A": "46 13 0"}}
    assert fingerprint(station) != fingerprint({"station": {"OX.B": "46 13 0"}})
