"""Memory that runs out, and disks that are full."""

import json
import os
import resource
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path

import poison_stage
import pytest
from fault_runs import clear, dump, finish, leases, start
from poison_stage import POISONED, SHARDS

ADDRESS_SPACE = 3 << 30
CGROUP_BYTES = 1 << 29
CGROUPS = Path("/sys/fs/cgroup/memory")
PHASENET = "--set", "pick.picker=phasenet", "--set", "pick.weights=demo"
LAYERS = "[{depth_km: 0, vp: 5.0, vs: 2.9}, {depth_km: 10, vp: 6.0, vs: 3.4}]"
LAYERED = "--set", f"associate.velocity={{layers: {LAYERS}}}"  # its travel times go through a file
pytestmark = pytest.mark.timeout(1800)


@contextmanager
def small_disk(folder, kilobytes):
    """A tmpfs of that size."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    mount = subprocess.run(command, capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mount.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def poisoned_process(settings, how, prepare):
    command = [sys.executable, poison_stage.__file__, str(settings.data_dir), settings.database, how]
    return subprocess.run(command, preexec_fn=prepare, capture_output=True, text=True, timeout=300)


def test_memory_limited(record, settings, db):
    record.fault, record.times = "out of memory: a limit of address space (MemoryError)", 1
    limits = (ADDRESS_SPACE, ADDRESS_SPACE)
    process = poisoned_process(settings, "memory", lambda: resource.setrlimit(resource.RLIMIT_AS, limits))
    assert process.returncode == 0, process.stderr
    report = json.loads(process.stdout)
    assert (report["done"], report["failed"]) == (SHARDS - 1, 1)
    assert f"N{POISONED}" in report["failures"][0] and "MemoryError" in report["failures"][0]
    record.count("that task failed, the others done")


def test_memory_killed(record, settings, db):
    record.fault = "out of memory: the kernel kills the process (cgroup)"
    group = CGROUPS / f"catalogdb-{uuid.uuid4().hex[:8]}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(CGROUP_BYTES))
    except OSError as error:
        pytest.skip(f"no cgroup with a memory limit can be made here: {error}")
    try:
        while True:
            process = poisoned_process(
                settings, "memory", lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
            )
            record.times += 1
            record.count(f"exit {process.returncode}")
            if process.returncode == 0:
                break
            assert process.returncode == -9, process.stderr
            assert record.times <= settings.task_attempts
        report = json.loads(process.stdout)
        assert report["quarantined"] == 1 and db.pick.count_documents({}) == SHARDS - 1
        assert record.times == settings.task_attempts + 1
        record.count("quarantined")
    finally:
        group.rmdir()


def test_temporary_files_do_not_fit(record, own_server, day, tmp_path):
    record.fault, record.times = "disk full for temporary files (TMPDIR)", 1
    with small_disk(tmp_path / "tmp", 8) as folder:
        (folder / "filler").write_bytes(b"x" * 4096)
        process = start(own_server, day, *LAYERED, TMPDIR=str(folder))
        output, errors = process.communicate(timeout=300)
    record.count(f"exit {process.returncode}")
    assert process.returncode == 1, errors + output
    stages = json.loads(output)["stages"]
    assert stages["pick"]["failed"] == 0 < stages["associate"]["failed"] == len(stages["associate"]["failures"])
    assert all("No space left" in line for line in stages["associate"]["failures"]), stages["associate"]["failures"]
    assert "Traceback" not in errors and leases(own_server) == 0
    finish(own_server, day, *LAYERED)
    record.count("the next run completes")
    disturbed = dump(own_server)
    clear(own_server)
    finish(own_server, day, *LAYERED)
    record.same(disturbed, dump(own_server))


def test_model_cache_does_not_fit(record, own_server, day, tmp_path):
    record.fault, record.times = "disk full for the cache of models (CATALOGDB_CACHE_DIR)", 1
    with small_disk(tmp_path / "cache", 16) as folder:
        process = start(own_server, day, *PHASENET, CATALOGDB_CACHE_DIR=str(folder))
        output, errors = process.communicate(timeout=600)
    record.count(f"exit {process.returncode}")
    assert process.returncode == 1, errors + output
    pick = json.loads(output)["stages"]["pick"]
    assert pick["failed"] == pick["planned"] == len(pick["failures"])
    assert all("no space left on device" in line and str(folder) in line for line in pick["failures"]), output
    assert "Traceback" not in errors and leases(own_server) == 0
    cache = str(tmp_path / "roomy")
    finish(own_server, day, *PHASENET, CATALOGDB_CACHE_DIR=cache)
    record.count("the next run completes")
    disturbed = dump(own_server)
    clear(own_server)
    finish(own_server, day, *PHASENET, CATALOGDB_CACHE_DIR=cache)
    record.same(disturbed, dump(own_server))
