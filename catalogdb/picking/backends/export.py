"""The network as OpenVINO's files, made once and kept in a cache folder under the hash of all that decides it."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import openvino

from catalogdb.errors import CatalogdbError
from catalogdb.identity import content_id
from catalogdb.picking.network import NetworkDescription
from catalogdb.picking.weights import WeightsFiles
from catalogdb.resources import writable_cache

REVISION = 3
"""Raise this number whenever a change of the code gives another export."""
FORMS = {"eqtransformer": ("folded decoders",)}
"""In what form a picker's network is exported, where the form is not its first; it changes results by rounding only."""
LARGEST_DIFFERENCE = 1e-4
"""Between the probabilities of the network and of its export."""
LEAST_FREE_BYTES = 64 * 2**20
"""Where less is free, and an export can't be written, it is for want of space."""


@dataclass(frozen=True)
class ExportedNetwork:
    """Files of one export: the model, what is known of it, and a folder for what OpenVINO compiles from it."""

    description: NetworkDescription
    model: Path
    compiled: Path


def exported_network(files: WeightsFiles, window: int, eight_bits: bool = False) -> ExportedNetwork:
    """The export of a network; made if it isn't in the cache.

    Args:
        files: the weights.
        window: samples per window.
        eight_bits: whether convolutions are rounded to whole numbers, see `eight_bits`.

    Raises:
        InputError: if SeisBench can't load the weights.
        CatalogdbError: if the export doesn't give what the network gives.
    """
    form = (*FORMS.get(files.picker, ()), *(["int8"] if eight_bits else ()))
    key = content_id(REVISION, files.picker, files.identity(), window, version("seisbench"), version("openvino"), *form)
    folder = _networks_folder() / f"{files.picker}-{files.name}-{window}-{key[:16]}"
    if not (folder / "network.json").is_file():
        if eight_bits:
            _make_in_eight_bits(exported_network(files, window), folder)
        else:
            _make(files, window, folder)
    description = NetworkDescription.from_document(json.loads((folder / "network.json").read_text()))
    return ExportedNetwork(description, folder / "network.xml", folder / "compiled")


@cache
def _networks_folder() -> Path:
    return writable_cache("networks")


def _make(files: WeightsFiles, window: int, folder: Path) -> None:
    """Export into a folder beside the wanted one, and rename it: another process never sees half an export."""
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    from catalogdb.picking.backends.recurrent import use_hard_gates, with_plain_lstms
    from catalogdb.picking.seisbench_network import load_network

    description, network = load_network(files, window)
    shape = (4, len(description.component_order), window)
    noise = np.random.default_rng(0).normal(0, 1000, shape).astype(np.float32)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the tracer, about sizes that are fixed here
        wanted = network(torch.from_numpy(noise.copy())).numpy()
        hard_gates = with_plain_lstms(network)
        traced = torch.jit.trace(network, torch.from_numpy(noise.copy()), check_trace=False)
    # openvino.convert_model does the same, and reports usage to its makers
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced)  # must outlive the conversion
    model = frontend.convert(frontend.load(decoder))
    model.reshape([-1, *shape[1:]])
    if hard_gates:
        use_hard_gates(model)
    given = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(noise)[0]
    difference = float(np.abs(given - wanted).max())
    if not difference < LARGEST_DIFFERENCE:
        raise CatalogdbError(
            f"{files.pt}: OpenVINO's export gives probabilities that differ by {difference:g} from the network's",
            hint="use pick.backend: torch for these weights",
        )
    _keep(model, description, folder)


def _make_in_eight_bits(export: ExportedNetwork, folder: Path) -> None:
    from catalogdb.picking.backends.eight_bits import input_ranges, made_windows, use_eight_bits

    core, description = openvino.Core(), export.description
    windows = made_windows(len(description.component_order), description.window)
    ranges = input_ranges(core.read_model(export.model), windows)
    model = core.read_model(export.model)
    use_eight_bits(model, ranges)
    _keep(model, description, folder)


def _keep(model: openvino.Model, description: NetworkDescription, folder: Path) -> None:
    """Write an export beside where it belongs, and give it its name."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as made:
        half = Path(made) / "export"
        try:
            (half / "compiled").mkdir(parents=True)
            openvino.save_model(model, half / "network.xml", compress_to_fp16=False)
            (half / "network.json").write_text(json.dumps(description.to_document(), indent=1))
        except (OSError, RuntimeError) as error:
            full = shutil.disk_usage(folder.parent).free < LEAST_FREE_BYTES  # OpenVINO doesn't say so
            raise CatalogdbError(
                f"{folder.parent}: the network can't be kept there: {'no space left on device' if full else error}",
                hint="free some space, or set CATALOGDB_CACHE_DIR to a folder with some",
            ) from error
        if folder.exists() and not (folder / "network.json").is_file():
            shutil.rmtree(folder, ignore_errors=True)
        try:
            half.rename(folder)
        except OSError:
            if not (folder / "network.json").is_file():  # else another process was faster
                raise
