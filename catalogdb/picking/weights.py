"""Find the files of pretrained weights and say what they are, without importing torch or SeisBench (seconds each)."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.identity import content_id, file_sha256
from catalogdb.picking.zoo import cache_root, model_class

REMOTE_ROOT = "https://hifis-storage.desy.de/Helmholtz/HelmholtzAI/SeisBench/"
REMOTE_PROBE_SECONDS = 3.0
_PT_FILE = re.compile(r"^(?P<name>.+)\.pt(?:\.v(?P<version>[^/]+))?$")

SAMPLES = {"phasenet": 3001, "eqtransformer": 6000, "seislm": 3001}
"""Window length of SeisBench's classes where the weights' ``model_args`` don't say."""
TRAINED_SAMPLES = {("phasenet", "original"): 3000}
"""Windows that weights were trained with, where SeisBench's class takes others: a sample more in a window shifts what
PhaseNet's strided layers see, and picks come out later, P by a third of a sample and S by most of one."""
SAMPLING_RATE = 100.0
WITH_DEMO_WEIGHTS = ("phasenet", "seislm")
OWN_METADATA = "catalogdb"
MODEL_PREFIX = "model:"
"""Before the name of a model of the database, where weights are named."""
_of_models: dict[str, Path] = {}


@dataclass(frozen=True)
class WeightsFiles:
    """One version of pretrained weights: the tensors (``pt``) and the metadata that SeisBench builds the model from.

    ``digest`` says what they held when they were found: a process that goes on may find others in the same place.
    """

    picker: str
    name: str
    version: str | None
    pt: Path
    json: Path
    digest: str = ""

    def metadata(self) -> Json:
        """The JSON beside the weights (``model_args``, ``default_args``, ...)."""
        try:
            content = json.loads(self.json.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.json}: not readable as weights' metadata: {error}") from error
        if not isinstance(content, dict):
            raise InputError(f"{self.json}: weights' metadata must be a JSON object")
        return content

    def identity(self) -> Json:
        """What decides the network's output: hashes of the tensors and of the arguments that come with them."""
        metadata = self.metadata()
        return {
            "weights_sha256": file_sha256(self.pt),
            "weights_args": content_id(metadata.get("model_args", {}), metadata.get("default_args", {})),
        }

    def own_metadata(self) -> Json:
        """What catalogdb added to the metadata of weights that it trained: ``window_samples``, ``time_calibration``."""
        own = self.metadata().get(OWN_METADATA, {})
        return own if isinstance(own, dict) else {}

    @property
    def task(self) -> str | None:
        """What they were trained for, where catalogdb has trained them: pick, pretrain or event_type."""
        task: str | None = self.own_metadata().get("training", {}).get("task")
        return task

    @property
    def is_pretrained_only(self) -> bool:
        """Whether they have learned from unlabelled waveforms alone, so that what they say of picks means nothing."""
        return self.task == "pretrain"

    def window_samples(self) -> int:
        """Samples per window that the weights were trained with."""
        if own := self.own_metadata().get("window_samples"):
            return int(own)
        stated = self.metadata().get("model_args", {}).get("in_samples", SAMPLES[self.picker])
        return TRAINED_SAMPLES.get((self.picker, self.name), int(stated))

    def sampling_rate(self) -> float:
        """Samples per second that the network was trained for."""
        return float(self.metadata().get("model_args", {}).get("sampling_rate", SAMPLING_RATE))

    def filter_settle_seconds(self) -> float:
        """Time after which the weights' own filter has forgotten an edge: 20 periods of its lowest corner, or 0."""
        arguments = self.metadata().get("model_args", {})
        if not arguments.get("filter_args"):
            return 0.0
        settings = arguments.get("filter_kwargs") or {}
        nested = [value for value in settings.values() if isinstance(value, dict)] or [settings]
        corners = [float(each[key]) for each in nested for key in ("freqmin", "freq", "freqmax") if each.get(key)]
        return 20.0 / min(corners) if corners else 0.0


def resolve(picker: str, weights: str, download: bool = True) -> WeightsFiles:
    """Find the files of weights.

    Args:
        picker: ``phasenet``, ``eqtransformer`` or ``seislm``.
        weights: a name in SeisBench's cache (the newest version counts), ``demo`` for the packaged ones, or the
            path of a ``.pt`` file, whose ``.json`` lies beside it, or ``model:NAME`` for a model of the database, whose
            files are where `provide_model` says.
        download: whether to let SeisBench fetch a name that isn't in the cache, where its server answers at once.

    Raises:
        InputError: if the files don't exist; it names the folder and the files that are wanted.
    """
    if weights == "demo":
        if picker not in WITH_DEMO_WEIGHTS:
            raise InputError(f"the demo weights are of PhaseNet and SeisLM, not of {picker}")
        return _from_path(picker, Path(__file__).parent.parent / "demo" / "weights" / f"{picker}_demo.pt.v1")
    if weights.startswith(MODEL_PREFIX):
        return _from_model(picker, weights.removeprefix(MODEL_PREFIX))
    if "/" in weights or _PT_FILE.match(weights):
        return _from_path(picker, Path(weights).expanduser())
    folder = cache_root() / "models" / "v3" / picker
    found = _newest(picker, weights, folder)
    if found is None and download and _remote_answers():
        _download(picker, weights)
        found = _newest(picker, weights, folder)
    if found is None:
        raise InputError(
            f"weights '{weights}' of {picker} are not in {folder}: wanted {weights}.pt.v1 and {weights}.json.v1 "
            "(or a later version of both)",
            hint=f"copy the two files there, set SEISBENCH_CACHE_ROOT to a cache that holds them, or fetch them where "
            f"SeisBench's server can be reached ({_remote_root()})",
        )
    return found


def provide_model(name: str, pt: Path) -> None:
    """Say where the weights of a model of the database have been put, for as long as this process lives."""
    _of_models[name] = pt


def _from_model(picker: str, name: str) -> WeightsFiles:
    if name not in _of_models:
        raise InputError(f"weights model:{name}: no database has been asked for this model", hint="catalogdb models")
    return _from_path(picker, _of_models[name])


def _from_path(picker: str, path: Path) -> WeightsFiles:
    match = _PT_FILE.match(path.name)
    if match is None:
        raise InputError(f"{path}: weights must be a name or the path of a .pt or .pt.vN file")
    name, version = match["name"], match["version"]
    metadata = path.with_name(f"{name}.json" + (f".v{version}" if version else ""))
    missing = [str(wanted) for wanted in (path, metadata) if not wanted.is_file()]
    if missing:
        raise InputError(f"weights file not found: {' and '.join(missing)}")
    return _with_digest(WeightsFiles(picker, name, version, path, metadata))


def _with_digest(files: WeightsFiles) -> WeightsFiles:
    return replace(files, digest=content_id(file_sha256(files.pt), file_sha256(files.json)))


def _newest(picker: str, name: str, folder: Path) -> WeightsFiles | None:
    from packaging.version import InvalidVersion, Version

    found = []
    prefix = f"{name}.json"
    for metadata in folder.glob("*.json*") if folder.is_dir() else ():
        if metadata.name != prefix and not metadata.name.startswith(f"{prefix}.v"):
            continue
        version = metadata.name[len(prefix) + 2 :] or None
        pt = metadata.with_name(f"{name}.pt" + (f".v{version}" if version else ""))
        try:
            rank = Version(version or "0")
        except InvalidVersion:
            continue
        if pt.is_file():
            found.append((rank, WeightsFiles(picker, name, version, pt, metadata)))
    return _with_digest(max(found, key=lambda pair: pair[0])[1]) if found else None


def _remote_root() -> str:
    try:
        return json.loads((cache_root() / "config.json").read_text(encoding="utf-8"))["remote_root"]
    except (OSError, ValueError, KeyError, TypeError):
        return REMOTE_ROOT


def _remote_answers() -> bool:
    """Whether SeisBench's server answers within `REMOTE_PROBE_SECONDS`, names' look-up included.

    SeisBench's own download has no time limit, and a firewall that drops packets would hold it for minutes.
    """
    answered = threading.Event()

    def probe() -> None:
        import requests

        try:
            requests.head(_remote_root(), timeout=REMOTE_PROBE_SECONDS)
            answered.set()
        except requests.RequestException:
            pass
        finally:
            done.set()

    done = threading.Event()
    threading.Thread(target=probe, daemon=True).start()
    done.wait(REMOTE_PROBE_SECONDS + 0.5)
    return answered.is_set()


def _download(picker: str, name: str) -> None:
    try:
        model_class(picker).from_pretrained(name)
    except Exception as error:  # SeisBench raises whatever its HTTP and parsing layers raise
        raise InputError(f"SeisBench could not fetch weights '{name}' of {picker}: {error}") from error
