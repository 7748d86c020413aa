"""Configuration and weights: what decides the result, where files are looked for, and clear errors."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from pydantic import ValidationError

from catalogdb.errors import InputError
from catalogdb.picking import weights as weights_module
from catalogdb.picking.config import PickConfig
from catalogdb.picking.picker import load_picker
from catalogdb.picking.weights import resolve


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An own SeisBench cache with two versions of weights called 'own'."""
    folder = tmp_path / "models" / "v3" / "phasenet"
    folder.mkdir(parents=True)
    for version in ("2", "10"):
        (folder / f"own.pt.v{version}").write_bytes(version.encode())
        arguments = {"model_args": {"sampling_rate": 50, "filter_args": ["highpass"], "filter_kwargs": {"freq": 0.5}}}
        (folder / f"own.json.v{version}").write_text(json.dumps(arguments))
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    return folder


def test_unknown_settings_are_refused():
    with pytest.raises(ValidationError):
        PickConfig(treshold=0.3)
    with pytest.raises(ValidationError):
        PickConfig(stalta={"sta_seconds": 20.0, "lta_seconds": 10.0})


def test_what_does_not_change_the_picks_is_not_scientific():
    config = PickConfig()
    same = PickConfig(batch_size=1, threads=1, stalta={"sta_seconds": 1.0}, weights="elsewhere")
    assert config.scientific() == same.scientific()
    assert config.scientific() != PickConfig(p_threshold=0.4).scientific()
    assert config.scientific() != PickConfig(window_samples=3000).scientific()
    assert PickConfig(picker="stalta").scientific() == PickConfig(picker="stalta", overlap=0.7).scientific()
    json.dumps(config.scientific())


def test_the_newest_version_in_the_cache_is_used(cache):
    files = resolve("phasenet", "own")
    assert (files.version, files.pt) == ("10", cache / "own.pt.v10")
    assert files.sampling_rate() == 50
    assert files.filter_settle_seconds() == 40
    assert files.window_samples() == 3001


def test_a_version_without_its_other_file_does_not_count(cache):
    (cache / "own.json.v10").unlink()
    assert resolve("phasenet", "own").version == "2"


def test_a_path_is_taken_with_its_json_beside_it(cache):
    assert resolve("phasenet", str(cache / "own.pt.v2")).json == cache / "own.json.v2"
    (cache / "own.json.v2").unlink()
    with pytest.raises(InputError, match=r"own\.json\.v2"):
        resolve("phasenet", str(cache / "own.pt.v2"))


def test_missing_weights_fail_at_once_and_name_folder_and_files(cache, monkeypatch):
    monkeypatch.setattr(weights_module, "REMOTE_ROOT", "https://192.0.2.1/")  # a network that drops every packet
    began = time.monotonic()
    with pytest.raises(InputError) as error:
        resolve("phasenet", "absent")
    assert time.monotonic() - began < 10
    assert str(cache) in str(error.value) and "absent.pt.v1" in str(error.value)
    assert "absent.json.v1" in str(error.value) and "SEISBENCH_CACHE_ROOT" in error.value.hint


def test_identity_follows_weights_and_arguments_not_their_path(cache, tmp_path):
    one = resolve("phasenet", "own")
    copy = tmp_path / "copy.pt"
    copy.write_bytes(one.pt.read_bytes())
    copy.with_name("copy.json").write_text(one.json.read_text())
    assert resolve("phasenet", str(copy)).identity() == one.identity()
    copy.with_name("copy.json").write_text(json.dumps({"model_args": {"norm": "peak"}}))
    changed = resolve("phasenet", str(copy)).identity()
    assert changed["weights_sha256"] == one.identity()["weights_sha256"]
    assert changed["weights_args"] != one.identity()["weights_args"]


def test_unreadable_metadata_name_the_file(cache):
    (cache / "own.json.v10").write_text("{")
    with pytest.raises(InputError, match=r"own\.json\.v10"):
        resolve("phasenet", "own").identity()


def test_unreadable_weights_name_the_file(cache):
    (cache / "own.json.v10").write_text("{}")
    picker = load_picker(PickConfig(weights=str(cache / "own.pt.v10")))
    with pytest.raises(InputError, match=r"own\.pt\.v10"):
        picker.backend(picker.members[0])


def test_demo_weights_are_packaged_and_of_phasenet():
    assert resolve("phasenet", "demo").pt.is_file()
    with pytest.raises(InputError, match="PhaseNet"):
        resolve("eqtransformer", "demo")


def test_identity_and_padding_load_no_heavy_library():
    program = (
        "import sys; from catalogdb.picking.config import PickConfig\n"
        "from catalogdb.picking.picker import load_picker\n"
        "for name in ('phasenet', 'stalta'):\n"
        "    picker = load_picker(PickConfig(picker=name, weights='demo')); picker.identity(); picker.padding_seconds\n"
        "print(sorted({'torch', 'seisbench', 'obspy', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path):
    (tmp_path / "file").write_text("")
    program = (
        "from catalogdb.picking.config import PickConfig; from catalogdb.picking.picker import load_picker\n"
        "import os; picker = load_picker(PickConfig(weights='demo'))\n"
        "network = picker.backend(picker.members[0]).description\n"
        "print(network.window, network.rate, os.environ['SEISBENCH_CACHE_ROOT'])"
    )
    root = str(tmp_path / "file" / "cache")  # below a plain file: can't be made, whoever we are
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"SEISBENCH_CACHE_ROOT": root, "CATALOGDB_CACHE_DIR": root, "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3001", "100.0", root]
