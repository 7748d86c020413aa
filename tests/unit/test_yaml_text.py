"""YAML with limits: what is too much is one error that names file and line."""

import pytest

from catalogdb.errors import InputError
from catalogdb.yaml_text import parse_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    "text, reason",
    [
        (BOMB, "job.yaml: line 6: more than 100000 values"),
        ("pick: " + "[" * 100_000, "job.yaml: line 1: more than 50 blocks within one another"),
        ("pick: " + "{a: " * 100_000, "more than 50 blocks"),
        ("".join(" " * n + "a:\n" for n in range(1000)), "line 51: more than 50 blocks"),
        ("a: &a [*a]", r"line 1: \*a stands within what it repeats"),
        ("a: *b", "job.yaml: not readable YAML: .*undefined alias"),
        ("x" * 2**21, "are too many"),
        ("a: 2024-13-45", "job.yaml: a value can't be read: month must be"),
        ("a: " + "9" * 5000, "a value can't be read"),
        ("a: [", "not readable YAML"),
        ("a: \x07", "not readable YAML"),
        ("? [a]\n: b\n? {c: d}\n: e", "not readable YAML: .*unhashable"),
        ("a: !!python/object/apply:os.system [true]", "not readable YAML: could not determine a constructor"),
    ],
)
def test_too_much_or_no_yaml_is_one_error(text, reason):
    with pytest.raises(InputError, match=reason) as caught:
        parse_yaml(text, "job.yaml")
    assert "\n" not in str(caught.value)


def test_aliases_of_honest_size_are_read():
    text = "layers: &layers [{depth_km: 0, vp: 5.85}]\none: {layers: *layers}\ntwo: {layers: *layers}\n"
    value = parse_yaml(text, "job.yaml")
    assert value["one"] == value["two"] == {"layers": [{"depth_km": 0, "vp": 5.85}]}
