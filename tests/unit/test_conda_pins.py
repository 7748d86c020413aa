"""The conda files and the constraints agree with the ranges of pyproject.toml."""

import importlib.util
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
OTHER_NAMES = {"pytorch-cpu": "torch"}
"""What conda calls a package."""


def _script():
    spec = importlib.util.spec_from_file_location("conda_pins", ROOT / "deploy" / "conda_pins.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _script()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = [Requirement(text) for text in PROJECT["dependencies"]]
REQUIREMENTS += [Requirement(text) for extra in PROJECT["optional-dependencies"].values() for text in extra]
PINS = {canonicalize_name(name): version for name, version in script.pins().items()}


def dependencies(path):
    """Requirements of conda, and lines of pip."""
    entries = yaml.safe_load(path.read_text())["dependencies"]
    wheels = [line for entry in entries if isinstance(entry, dict) for line in entry["pip"]]
    return [entry for entry in entries if isinstance(entry, str)], wheels


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_pin_lies_in_the_range_of_the_project(requirement):
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_pinned_environment_is_made_of_the_constraints():
    assert script.PINNED.read_text() == script.environment(), "stale: run `python deploy/conda_pins.py`"


def test_pinned_environment_has_each_package_once():
    conda, wheels = dependencies(script.PINNED)
    named = dict(entry.split("=") for entry in conda if "=" in entry)
    python = named.pop("python")
    versions = dict(line.split("==") for line in wheels if not line.startswith("--"))
    assert {canonicalize_name(name): version for name, version in (named | versions).items()} == PINS
    assert (
        not named.keys() & versions.keys() and f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    )


def test_environment_of_ranges_has_those_of_the_project():
    conda, wheels = dependencies(ROOT / "deploy" / "conda-environment.yml")
    ranges = {canonicalize_name(requirement.name): requirement.specifier for requirement in REQUIREMENTS}
    found = [Requirement(entry.replace("python=", "python==")) for entry in conda]
    found = {canonicalize_name(OTHER_NAMES.get(entry.name, entry.name)): entry.specifier for entry in found}
    assert not wheels and {"mspasspy", "torch", "numpy", "obspy"} <= found.keys() & ranges.keys()
    assert {name: found[name] for name in found.keys() & ranges.keys()} == {
        name: ranges[name] for name in found.keys() & ranges.keys()
    }
