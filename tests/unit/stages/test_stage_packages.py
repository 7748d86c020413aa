"""Stages of installed packages join by entry points; one that can't be used names its package and stops no other."""

import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest
from rate_stage import RateStage

from catalogdb import logs, stage_list
from catalogdb.errors import InputError
from catalogdb.jobs import JobFile, validated
from catalogdb.ledger.stage import Stage
from catalogdb.stages import registry

JOB = {"name": "a", "catalog": "a"}


class TakenStage(Stage):
    """One of a name that is taken."""

    name = "pick"
    read = process = None


class KeyStage(Stage):
    """One that is named as a key of job files."""

    name = "matrix"
    read = process = None


@pytest.fixture
def said(monkeypatch):
    """What people are told."""
    lines = []
    monkeypatch.setattr(logs, "show", lines.append)
    return lines


@pytest.fixture
def install(monkeypatch):
    """Makes entry points known: `install(name="module:Class")`; each is of a package named after it."""

    def make(**entries):
        found = [
            EntryPoint(name, value, stage_list.GROUP)._for(SimpleNamespace(name=f"{name}-package"))
            for name, value in entries.items()
        ]
        monkeypatch.setattr(stage_list, "entry_points", lambda group: found)
        stage_list.packaged.cache_clear()

    yield make
    monkeypatch.undo()
    stage_list.packaged.cache_clear()


def test_a_stage_of_a_package_needs_no_registration(install, said):
    install(rate="rate_stage:RateStage")
    assert registry.names_in_order()[-1] == "rate" and said == []
    assert registry.stage_type("rate") is RateStage and registry.writers("rate") == ["rate"]
    job_file = validated(JobFile, JOB | {"stages": ["pick", "rate"], "rate": {"min_picks": 4}}, "a.yaml")
    assert job_file.block("rate").min_picks == 4
    with pytest.raises(InputError, match="rate.min_pick: unknown key; did you mean min_picks"):
        validated(JobFile, JOB | {"rate": {"min_pick": 4}}, "a.yaml")


def test_a_broken_one_is_named_and_stops_no_other(install, said, monkeypatch, tmp_path):
    (tmp_path / "crashes_at_import.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    install(absent="no_such_module:Stage", bad="crashes_at_import:X", odd="json:dumps", rate="rate_stage:RateStage")
    assert "rate" in registry.names_in_order()
    assert validated(JobFile, JOB | {"stages": ["pick", "rate"]}, "a.yaml").stages == ("pick", "rate")
    assert [line.split(" (")[0] for line in said] == [
        f"stage '{name}' of package {name}-package" for name in ("absent", "bad", "odd")
    ]
    assert "No module named 'no_such_module'" in said[0] and "update or uninstall absent-package" in said[0]
    assert "ZeroDivisionError" in said[1] and "it is no stage" in said[2]
    sys.modules.pop("crashes_at_import", None)


def test_a_job_that_names_a_broken_one_says_why(install, said):
    install(absent="no_such_module:Stage")
    with pytest.raises(InputError, match=r"a.yaml: stages.1: stage 'absent' of package absent-package .*No module"):
        validated(JobFile, JOB | {"stages": ["pick", "absent"]}, "a.yaml")
    with pytest.raises(InputError, match="stage 'absent' of package absent-package"):
        registry.stage_type("absent")
    assert len(said) == 1, "it is said once"


def test_a_package_takes_no_name_of_another_stage(install, said):
    install(mine=f"{__name__}:TakenStage", rate="rate_stage:RateStage")
    assert "rate" in registry.names_in_order() and registry.stage_type("pick") is not TakenStage
    assert "stage 'mine' of package mine-package" in said[0] and "the name 'pick' is taken" in said[0]
    registry.register(RateStage)  # the same one again
    assert registry.added() == ()


def test_an_unknown_stage_of_a_job_is_named_with_those_there_are(install):
    install()
    stages = "pick, associate, locate, relocate, magnitude, event_type, features, evaluate"
    expected = f"stages.0: no stage 'nosuch'; jobs may have {stages}"
    with pytest.raises(InputError, match=expected):
        validated(JobFile, JOB | {"stages": ["nosuch"]}, "a.yaml")


def test_no_stage_is_named_as_a_key_of_job_files(install, said):
    install(mine=f"{__name__}:KeyStage")
    assert "matrix" not in registry.names_in_order() and "'matrix' is a key of job files" in said[0]
    with pytest.raises(InputError, match="stage 'matrix': that is a key of job files"):
        registry.register(KeyStage)
    assert {*JobFile.model_fields} - {*stage_list.STAGES} == {*stage_list.RESERVED}
