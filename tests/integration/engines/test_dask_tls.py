"""A Dask scheduler and worker that take nobody without a certificate, as `--scheduler tls://...` finds them."""

import json
import subprocess
import sys
import time

import pytest
from commands import environment_of
from distributed.security import Security
from engine_day import made_by


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Dask's settings for TLS, as environment variables."""
    folder = tmp_path_factory.mktemp("certificates")
    made = Security.temporary()
    for name, content in (("ca.pem", made.tls_ca_file), ("own.pem", made.tls_client_cert + made.tls_client_key)):
        (folder / name).write_text(content)
        (folder / name).chmod(0o600)
    settings = {"REQUIRE_ENCRYPTION": "true", "TLS__CA_FILE": str(folder / "ca.pem")}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings[f"TLS__{role}__CERT"] = str(folder / "own.pem")
    return {f"DASK_DISTRIBUTED__COMM__{name}": value for name, value in settings.items()}


@pytest.fixture
def scheduler(engine_day, certificates, tmp_path):
    """Address of a running scheduler with one worker."""
    environment = environment_of(engine_day.local, **certificates)
    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    place = ["--scheduler-file", str(file), "--protocol", "tls"]
    commands = (
        [*dask, "scheduler", *place, "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        [*dask, "worker", *place, "--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"],
    )
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = [subprocess.Popen(command, env=environment, **quiet) for command in commands]
    yield lambda: json.loads(file.read_text())["address"]
    for process in reversed(running):
        process.terminate()
        process.wait(timeout=60)


def run(settings, engine_day, address, **variables):
    command = [sys.executable, "-m", "catalogdb", "run", str(engine_day.job_file), "--json"]
    command += ["--engine", "dask", "--scheduler", address]
    environment = environment_of(settings, **variables)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_scheduler_with_tls_gives_the_same_catalog_to_its_own_only(engine_day, scheduler, certificates, tmp_path):
    deadline = time.monotonic() + 60
    while not (tmp_path / "scheduler.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    address = scheduler()
    assert address.startswith("tls://")
    settings = engine_day.filled()
    done = run(settings, engine_day, address, **certificates)
    assert done.returncode == 0, done.stderr
    assert made_by(settings) == engine_day.by_local
    stranger = run(settings, engine_day, address)
    assert stranger.returncode == 2
    assert "distributed.comm.tls" in json.loads(stranger.stdout)["next"]
