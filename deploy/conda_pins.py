"""deploy/constraints.txt -> deploy/conda-pinned.yml, the conda environment with one version of everything.

python deploy/conda_pins.py            # after a change of the constraints; tests/unit/test_conda_pins.py compares
"""

from __future__ import annotations

import re
from pathlib import Path

DEPLOY = Path(__file__).parent
PINNED = DEPLOY / "conda-pinned.yml"
FROM_CONDA = ("mspasspy", "mpi4py")
"""Compiled against libraries that conda brings; the rest are wheels."""
HEADER = """\
# catalogdb in a conda environment with one version of everything: a course, or a result to be repeated.
# deploy/conda-environment.yml has ranges instead. Made by deploy/conda_pins.py from deploy/constraints.txt.
#
#   conda env create -f deploy/conda-pinned.yml
#   conda activate catalogdb-pinned
#   pip install --no-deps -e .
name: catalogdb-pinned
channels:
  - mspass
  - conda-forge
dependencies:
  - python=3.12
  - pip
  - libcurl
  - openmpi
"""


def pins() -> dict[str, str]:
    """Versions by the name of the package, of `constraints.txt`."""
    lines = (DEPLOY / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if re.fullmatch(r"[\w.-]+==[\w.!+-]+", line))


def environment() -> str:
    """The text of the conda file."""
    versions = pins()
    conda = "".join(f"  - {name}={versions[name]}\n" for name in FROM_CONDA)
    wheels = "".join(f"      - {name}=={version}\n" for name, version in versions.items() if name not in FROM_CONDA)
    index = "      - --extra-index-url https://download.pytorch.org/whl/cpu\n"  # without CUDA where it answers
    return f"{HEADER}{conda}  - pip:\n{index}{wheels}"


if __name__ == "__main__":
    PINNED.write_text(environment())
