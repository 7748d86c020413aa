"""Scripts for sbatch as text: what they ask of Slurm, and that the shell understands them."""

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.engines.slurm_script import SlurmRequest, slurm_script
from catalogdb.errors import InputError

DEPLOY = Path(__file__).parent.parent.parent.parent / "deploy" / "slurm"
COMMITTED = {
    "array-cpu.sbatch": ["--array", "16", "--cpus", "8"],
    "array-gpu.sbatch": ["--array", "4", "--cpus", "8", "--gpus", "1"],
    "mpi.sbatch": ["--mpi", "17"],
}


def directives(script):
    lines = [line for line in script.splitlines() if line.startswith("#SBATCH")]
    return dict(line.removeprefix("#SBATCH --").split("=", 1) for line in lines)


def command(script):
    return script.splitlines()[-1]


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_script_is_what_the_command_writes(name, tmp_path):
    written = tmp_path / name
    done = CliRunner().invoke(app, ["deploy", "slurm", "ogs-2024", *COMMITTED[name], "-o", str(written)])
    assert done.exit_code == 0, done.output
    assert (DEPLOY / name).read_text() == written.read_text(), f"stale: catalogdb deploy slurm ogs-2024 ... -o {name}"


@pytest.mark.parametrize(
    ("kind", "start"),
    [("--array", "exec srun catalogdb {} work"), ("--mpi", "exec mpirun --bind-to none catalogdb {} run")],
)
def test_script_names_the_server_and_database_of_its_call(kind, start):
    server = ["--uri", "mongodb://db.example", "--database", "season"]
    done = CliRunner().invoke(app, [*server, "deploy", "slurm", "ogs-2024", kind, "4"])
    assert done.exit_code == 0, done.output
    assert command(done.stdout).startswith(start.format(" ".join(server)))


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda path: path.name)
def test_shell_understands_the_script(path):
    done = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_array_asks_for_its_elements():
    request = SlurmRequest(16, cpus=8, memory="3G", time="1-00:00:00", gpus=2, at_once=4, partition="gpu", account="me")
    script = slurm_script(request, "night", ["night.yaml", "--name", "two words"])
    assert directives(script) == {
        "job-name": "catalogdb-night",
        "array": "0-15%4",
        "ntasks": "1",
        "output": "%x-%A_%a.log",
        "cpus-per-task": "8",
        "mem-per-cpu": "3G",
        "time": "1-00:00:00",
        "partition": "gpu",
        "account": "me",
        "gpus-per-task": "2",
        "open-mode": "append",
    }
    assert command(script) == "exec srun catalogdb work night.yaml --name 'two words'"


def test_mpi_run_asks_for_its_ranks():
    script = slurm_script(SlurmRequest(17, mpi=True, setup=["module load openmpi"]), "night", ["night.yaml"])
    asked = directives(script)
    assert asked["ntasks"] == "17" and "array" not in asked and "partition" not in asked
    assert command(script) == "exec mpirun --bind-to none catalogdb run night.yaml --engine mpi"
    lines = script.splitlines()
    assert lines.index("module load openmpi") < lines.index(command(script))


@pytest.mark.parametrize("field", ["partition", "account", "memory", "time"])
@pytest.mark.parametrize("value", ["a b", "a\n#SBATCH --uid=0", "$(id)", ""])
def test_values_that_would_be_more_than_a_value_are_refused(field, value):
    with pytest.raises(InputError, match="not a value"):
        slurm_script(SlurmRequest(**{field: value}), "night", ["night.yaml"])


def test_mpi_run_of_one_rank_is_refused():
    with pytest.raises(InputError, match="two ranks"):
        slurm_script(SlurmRequest(1, mpi=True), "night", ["night.yaml"])
