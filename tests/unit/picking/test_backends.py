"""What runs a network changes no pick: OpenVINO and torch, batches, threads, tasks side by side, halves."""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest
import torch
from obspy import Stream, UTCDateTime, read
from pydantic import ValidationError

from benchmarks.agreement import SEISBENCHS, HalfPicker, comparison, times_and_probabilities
from catalogdb.errors import InputError
from catalogdb.picking import backends
from catalogdb.picking.backends import available_threads, chosen, export, open_backend
from catalogdb.picking.config import PickConfig
from catalogdb.picking.picker import NetworkPicker, load_picker
from catalogdb.picking.seisbench_network import load_network
from catalogdb.picking.weights import resolve

openvino_only = pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")


@pytest.fixture(scope="module")
def ridgecrest(realdata):
    files = sorted((realdata / "ridgecrest_2019" / "mseed").glob("PB.B921*"))
    return Stream(trace for file in files for trace in read(str(file)))


def first(stream, seconds):
    begin = stream[0].stats.starttime
    return list(stream.slice(begin, begin + seconds)), begin.timestamp, begin.timestamp + seconds


@pytest.fixture
def windows():
    """Thirteen windows of counts (13, 3, 3001), each with an onset somewhere."""
    random = np.random.default_rng(0)
    data = random.normal(0, 100, (13, 3, 3001))
    for number, row in enumerate(data):
        row[:, 400 + 150 * number :] *= 20
    return data.astype(np.float32)


def filling(windows):
    """What puts the windows into batches, as many at a time as there is room for."""
    left = iter(windows)

    def fill(batch):
        some = list(islice(left, len(batch)))
        batch[: len(some)] = some or 0
        return len(some)

    return fill


def run_in(backend, windows):
    return np.concatenate([output.copy() for output in backend.run(filling(windows))])


@openvino_only
@pytest.mark.parametrize(("name", "seconds"), [("phasenet", 1500), ("eqtransformer", 400)])
def test_openvino_and_torch_pick_the_same(ridgecrest, real_weights, name, seconds):
    data, begin, end = first(ridgecrest, seconds)
    results = {
        backend: load_picker(PickConfig(**SEISBENCHS[name], backend=backend)).pick(data, begin, end)
        for backend in ("openvino", "torch")
    }
    found = comparison(results["openvino"], results["torch"])
    assert found["one"] == found["other"] == found["paired"] > 10
    assert found["most_samples"] <= 1.0
    assert found["most_probability"] < 1e-4
    ours, theirs = (result.findings.probability[0].values for result in results.values())
    assert np.nanmax(np.abs(ours - theirs)) < 1e-3
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))


@pytest.mark.parametrize("backend", [pytest.param("openvino", marks=openvino_only), "torch"])
def test_windows_do_not_know_of_batches_and_threads(windows, backend):
    files = resolve("phasenet", "demo")
    wanted = None
    for size, threads in ((1, 1), (7, 2), (16, 2), (13, 1)):
        opened = open_backend(backend, files, 3001, size, threads, "float32")
        assert opened.batch_size == size
        found = run_in(opened, windows)
        assert found.shape == (13, 2, 3001) and found.dtype == np.float32
        wanted = found if wanted is None else wanted
        np.testing.assert_allclose(found, wanted, atol=2e-6)


@pytest.mark.parametrize("backend", [pytest.param("openvino", marks=openvino_only), "torch"])
def test_tasks_side_by_side_do_not_disturb_each_other(windows, backend):
    """A worker with several threads has several runs on one loaded network at a time."""
    opened = open_backend(backend, resolve("phasenet", "demo"), 3001, 2, 2, "float32")
    wanted = [run_in(opened, windows + number) for number in range(4)]
    mixed = [np.roll(windows, number, axis=0) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda data: run_in(opened, data), mixed * 3))
    for number, output in enumerate(found):
        np.testing.assert_allclose(output, np.roll(wanted[0], number % 4, axis=0), atol=2e-6)


@pytest.mark.parametrize("backend", [pytest.param("openvino", marks=openvino_only), "torch"])
def test_a_run_left_half_way_leaves_the_backend_fit_for_use(windows, backend):
    opened = open_backend(backend, resolve("phasenet", "demo"), 3001, 1, 2, "float32")
    wanted = run_in(opened, windows)
    half = opened.run(filling(windows))
    list(islice(half, 3))
    half.close()

    def broken():
        yield windows[0]
        raise OSError("the file went away")

    with pytest.raises(OSError, match="went away"):
        list(opened.run(filling(broken())))
    np.testing.assert_allclose(run_in(opened, windows), wanted, atol=1e-7)
    assert list(opened.run(filling(()))) == []


def test_torch_is_left_with_the_threads_that_it_had(windows):
    before = torch.get_num_threads()
    run_in(open_backend("torch", resolve("phasenet", "demo"), 3001, 4, 2, "float32"), windows)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("backend", [pytest.param("openvino", marks=openvino_only), "torch"])
@pytest.mark.parametrize("value", [0.0, 1e15, -7.0])
def test_windows_without_information_give_finite_probabilities(backend, value):
    opened = open_backend(backend, resolve("phasenet", "demo"), 3001, 4, 1, "float32")
    output = run_in(opened, np.full((4, 3, 3001), value, dtype=np.float32))
    assert np.isfinite(output).all() and output.min() >= 0 and output.max() <= 1


@openvino_only
def test_an_export_is_made_once_and_says_what_the_network_says(tmp_path, monkeypatch, windows):
    monkeypatch.setattr(export, "_networks_folder", lambda: tmp_path)
    files = resolve("phasenet", "demo")
    made = export.exported_network(files, 3000)
    assert made.description == load_network(files, 3000)[0]
    stamp = made.model.stat().st_mtime_ns
    assert export.exported_network(files, 3000).model.stat().st_mtime_ns == stamp
    assert export.exported_network(files, 3001).model.parent != made.model.parent
    assert not list(tmp_path.glob(".making-*"))
    (made.model.parent / "network.json").unlink()  # as a disk that filled up would leave it
    again = export.exported_network(files, 3000)
    assert again.model.is_file() and again.description == made.description


@openvino_only
def test_an_export_that_says_something_else_is_refused(tmp_path, monkeypatch):
    from catalogdb.errors import CatalogdbError

    monkeypatch.setattr(export, "_networks_folder", lambda: tmp_path)
    monkeypatch.setattr(export, "LARGEST_DIFFERENCE", 0.0)
    with pytest.raises(CatalogdbError, match="differ by") as caught:
        export.exported_network(resolve("phasenet", "demo"), 3000)
    assert "torch" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_auto_takes_openvino_on_a_processor_and_torch_elsewhere(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(backends, "gpu_at_hand", lambda: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name == "openvino" else found(name))
    assert chosen("auto") == "openvino" and chosen("torch") == "torch"
    monkeypatch.setattr(backends, "gpu_at_hand", lambda: True)
    assert chosen("auto") == "torch" and chosen("openvino") == "openvino"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else found(name))
    assert chosen("auto") == "torch"
    with pytest.raises(InputError, match="openvino is not installed"):
        chosen("openvino")


@pytest.mark.parametrize(("told", "threads"), [("3", 3), ("0", None), ("", None), ("many", None), ("-2", None)])
def test_threads_are_those_of_the_environment_or_the_cores_at_hand(monkeypatch, told, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert available_threads() == threads or (threads is None and available_threads() >= 1)


def test_what_runs_the_network_is_no_part_of_the_identity(real_weights):
    one, other = (
        NetworkPicker(PickConfig(backend=backend, batch_size=size, threads=threads))
        for backend, size, threads in (("torch", 1, 1), ("openvino", 7, 2))
    )
    assert one.identity() == other.identity()
    assert one.config.scientific() == other.config.scientific()
    assert PickConfig(precision="bfloat16").scientific() != one.config.scientific()


@pytest.mark.parametrize("name", ["phasenet"])
def test_bfloat16_moves_picks_by_a_sample_at_most(ridgecrest, real_weights, name):
    """On the processor, in the place of a GPU."""
    data, begin, end = first(ridgecrest, 900)
    full = NetworkPicker(PickConfig(**SEISBENCHS[name], backend="torch")).pick(data, begin, end)
    half = HalfPicker(PickConfig(**SEISBENCHS[name], precision="bfloat16")).pick(data, begin, end)
    found = comparison(half, full)
    assert found["paired"] > 50
    assert found["most_probability"] < 0.05
    assert found["most_probable_unpaired"] < 0.35  # nothing but picks at the threshold comes or goes
    difference = np.concatenate(
        [
            np.abs(times_and_probabilities(half, phase)[:, None, 0] - times_and_probabilities(full, phase)[:, 0]).min(0)
            for phase in ("P", "S")
        ]
    )
    assert np.mean(difference < 0.0101) > 0.97


@openvino_only
def test_eight_bits_keep_all_but_faint_picks(ridgecrest, real_weights):
    data, begin, end = first(ridgecrest, 900)
    settings = SEISBENCHS["phasenet"] | {"backend": "openvino"}
    full, rounded = (
        load_picker(PickConfig(**settings, precision=precision)).pick(data, begin, end)
        for precision in ("float32", "int8")
    )
    found = comparison(rounded, full)
    assert found["paired"] > 50
    assert 0 < found["most_probability"] < 0.25
    assert found["most_probable_unpaired"] < 0.45


def test_eight_bits_are_for_phasenet_on_openvino(windows):
    with pytest.raises(ValidationError, match="int8 is for PhaseNet alone"):
        PickConfig(picker="eqtransformer", weights="original", precision="int8")
    with pytest.raises(InputError, match="int8 is OpenVINO's alone"):
        open_backend("torch", resolve("phasenet", "demo"), 3001, 1, 1, "int8")
    one, other = PickConfig(precision="int8"), PickConfig()
    assert one.scientific() != other.scientific()


def test_eqtransformer_is_refused_in_a_precision_that_cannot_hold_it():
    """It pads with -1e10, which float16 doesn't have."""
    eqtransformer = {"picker": "eqtransformer", "weights": "original"}
    ensemble = {"picker": "ensemble", "ensemble": {"members": [{}, eqtransformer]}}
    for settings in (eqtransformer, ensemble):
        with pytest.raises(ValidationError, match="bfloat16"):
            PickConfig(**settings, precision="float16")
        assert PickConfig(**settings, precision="bfloat16").precision == "bfloat16"
    assert PickConfig(precision="float16").precision == "float16"


def test_a_batch_size_of_its_own_is_used_by_the_picker(realdata, real_weights):
    file = next((realdata / "oklahoma_2013" / "mseed").glob("SIO.HHZ*"))
    stream = read(str(file))
    begin = stream[0].stats.starttime
    picks = [
        load_picker(PickConfig(batch_size=size, p_threshold=0.1)).pick(
            list(stream), begin.timestamp, UTCDateTime(begin + 400).timestamp
        )
        for size in (1, 7, 16)
    ]
    assert len(picks[0].picks) >= 1
    for other in picks[1:]:
        assert comparison(picks[0], other)["most_probability"] < 1e-5
        assert [p["time"] for p in other.picks] == [p["time"] for p in picks[0].picks]
