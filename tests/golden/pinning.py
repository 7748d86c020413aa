"""Results of fixed inputs, pinned by digest beside the revision that they were made with.

A revision is part of an identity (config_id): results that were made under one revision are taken as equal for ever. So
a change of code that changes results must raise it. Each `Case` makes a small result with one part of the science; its
digest stands in `pins.json` under the revision's constant. Where a digest differs and the revision does not, the test
fails; `pin.py` pins again, and refuses where a result changed and its revision was not raised since a commit.

What a digest does not see: numbers are rounded to a case's `decimals` (below 1 to as many significant digits), so that
another CPU, BLAS or number of threads gives the same digest. Smaller changes of results pass unnoticed. At the time of
pinning no number may lie within `margin` (part of a rounding step) of where rounding changes.

A case whose input is changed gets another name, since its result changes with it.

`settings` and `versions` of a case are those of the identity itself: where they change, the identity changes without a
revision, so the case is pinned again without one.
"""

import ast
import hashlib
import json
import math
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
PINS = Path(__file__).parent / "pins.json"
COMMAND = "python tests/golden/pin.py"
CONSTANT = re.compile(r"\w*REVISION")


@dataclass(frozen=True)
class Case:
    """One fixed input and the code that makes a result of it.

    Attributes:
        name: unique.
        constant: `path:NAME` of the revision that this result stands under.
        make: gives the result: documents, arrays, numbers, text.
        settings: what of the identity's settings the result is made with.
        packages: distributions whose versions are part of the identity.
        decimals: of the rounding.
        margin: least distance from where rounding changes, as a part of its step.
    """

    name: str
    constant: str
    make: Callable[[], Any]
    settings: Any = None
    packages: tuple[str, ...] = ()
    decimals: int = 4
    margin: float = 1e-6

    def versions(self) -> dict[str, str]:
        return {name: found for name in self.packages if (found := _installed(name))}

    def pinned(self) -> tuple[dict[str, Any], float]:
        """What stands in `pins.json`, and the least distance of a number from an edge of its rounding."""
        rounding = Rounding(self.decimals)
        text = json.dumps(rounding.plain(self.make()), sort_keys=True, ensure_ascii=True)
        entry = {"digest": _digest(text), "settings": _digest(json.dumps(self.settings, sort_keys=True, default=str))}
        return entry | {"versions": self.versions()}, rounding.nearest_edge


@dataclass
class Rounding:
    """Results as plain data with rounded numbers.

    Attributes:
        decimals: digits after the point; of numbers below 1 that many significant digits.
        nearest_edge: least distance of a number from where its rounding changes, as a part of the step.
    """

    decimals: int
    nearest_edge: float = field(default=0.5)

    def plain(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): self.plain(item) for key, item in value.items()}
        if isinstance(value, np.ndarray):
            return self.plain(value.tolist())
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        if isinstance(value, bytes):
            return hashlib.sha256(value).hexdigest()
        if isinstance(value, (np.integer, np.bool_)):
            return value.item()
        if isinstance(value, (float, np.floating)):
            return self._number(float(value))
        return value

    def _number(self, value: float) -> str:
        if not math.isfinite(value) or value == 0.0:
            return str(abs(value) if value == 0.0 else value)
        decimals = self.decimals if abs(value) >= 1.0 else self.decimals - 1 - math.floor(math.log10(abs(value)))
        scaled = value * 10.0**decimals
        self.nearest_edge = min(self.nearest_edge, abs(scaled - math.floor(scaled) - 0.5))
        return f"{math.floor(scaled + 0.5)}e-{decimals}"


def revision(constant: str, ref: str | None = None) -> int | None:
    """The value of a constant in the working tree, or at a commit; None where it is not there."""
    path, name = constant.split(":")
    text = (ROOT / path).read_text() if ref is None else shown(ref, path)
    return None if text is None else _constants(text).get(name)


def revisions_in_code() -> dict[str, int]:
    """Every revision constant of the package, by `path:NAME`."""
    found = {}
    for path in sorted((ROOT / "catalogdb").rglob("*.py")):
        for name, value in _constants(path.read_text()).items():
            found[f"{path.relative_to(ROOT)}:{name}"] = value
    return found


def shown(ref: str, path: str) -> str | None:
    """A file's text at a commit, None where it isn't there."""
    command = ["git", "-C", str(ROOT), "show", f"{ref}:{path}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout if answer.returncode == 0 else None


def pins() -> dict[str, Any]:
    """What is pinned in the working tree: constant -> `revision` and `cases`."""
    return json.loads(PINS.read_text()) if PINS.exists() else {}


def difference(pinned: Mapping[str, Any] | None, found: Mapping[str, Any]) -> str | None:
    """How a case differs from its pin: None, `new`, `versions`, `settings` or `result`."""
    if pinned is None:
        return "new"
    for name in ("versions", "settings"):
        if pinned[name] != found[name]:
            return name
    return None if pinned["digest"] == found["digest"] else "result"


def refusal(case: Case, what: str | None, now: int, then: int | None, ref: str) -> str | None:
    """Why a case may not be pinned again: its result changed, and its revision is no higher than at a commit."""
    if what != "result" or then is None or now > then:
        return None
    path, name = case.constant.split(":")
    return (
        f"{case.name}: its result changed, and {name} in {path} is {now}, at {ref} it was {then}: "
        f"raise it to {then + 1}, or make the result what it was"
    )


def _constants(text: str) -> dict[str, int]:
    return dict(_assigned(ast.parse(text)))


def _assigned(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if CONSTANT.fullmatch(name) and isinstance(value, ast.Constant) and isinstance(value.value, int):
                yield name, value.value


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
