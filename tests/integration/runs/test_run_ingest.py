"""A job file's `ingest` block: `catalogdb run` reads what it names before the job."""

import pytest
from engine_day import JOB

from catalogdb.database.connection import connect


@pytest.fixture
def settings(engine_day):
    """Settings of a database with stations and reference, and no waveforms."""
    settings = engine_day.filled()
    for name in ("wf_file", "wf_miniseed"):
        connect(settings)[name].delete_many({})
    return settings


@pytest.fixture
def job(tmp_path):
    """Writes the day's job file with the folder that it ingests."""

    def write(folder):
        path = tmp_path / "job.yaml"
        path.write_text(f"{JOB}ingest: {{waveforms: [{folder}]}}\n")
        return path

    return write


def test_a_run_reads_new_files_first(settings, job, engine_day, command):
    path, db = job(engine_day.data.waveforms_dir), connect(settings)
    refused = command(settings, "run", path, "--dry-run")
    assert refused.code == 2 and db.wf_file.count_documents({}) == 0, "a dry run reads nothing"
    result = command(settings, "run", path, "--json").json
    assert result["status"] == "done" and db.wf_file.count_documents({}) > 0
    indexed = [row["indexed_at"] for row in db.wf_file.find().sort("_id")]
    assert command(settings, "run", path, "--json").json["nothing_to_do"]
    assert [row["indexed_at"] for row in db.wf_file.find().sort("_id")] == indexed


def test_what_can_not_be_read_is_told(settings, job, tmp_path, command):
    missing = command(settings, "run", job(tmp_path / "unmounted"))
    assert missing.code == 2 and "unmounted: No such file or directory" in missing.err
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "broken.mseed").write_bytes(b"\x00 not miniSEED" * 100)
    assert "problem: ingest:" in (broken := command(settings, "run", job(tmp_path / "archive"))).err
    assert "broken.mseed" in broken.err


def test_the_first_of_a_run_s_workers_reads_new_files(settings, job, engine_day, command, tmp_path):
    path, db = job(engine_day.data.waveforms_dir), connect(settings)
    first = command(settings, "work", path, "--run-id", "night", "--json").json
    assert first["status"] == "done" and db.wf_file.count_documents({}) > 0
    late = tmp_path / "late.yaml"
    late.write_text(path.read_text().replace(str(engine_day.data.waveforms_dir), str(tmp_path / "absent")))
    assert command(settings, "work", late, "--run-id", "night").code == 0, "the run has read what there is"
    assert "absent: No such file" in command(settings, "work", late, "--run-id", "other").err


def test_a_sweep_reads_new_files_once(settings, job, engine_day, command):
    path, db = job(engine_day.data.waveforms_dir), connect(settings)
    path.write_text(f"{path.read_text()}matrix: {{associate.min_picks: [5, 6]}}\n")
    assert command(settings, "sweep", path, "--dry-run").code == 0 and db.wf_file.count_documents({}) == 0
    report = command(settings, "sweep", path, "--json").json
    assert [cell["status"] for cell in report["cells"]] == ["done", "done"] and db.wf_file.count_documents({}) > 0
