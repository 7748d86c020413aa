"""`catalogdb move-archive`: the index goes along with the files, and no result becomes stale."""

import os
import shutil

import pytest
from test_ingest_waveforms import write_day
from test_pick import HOUR, ingest, stage, traces, work

from catalogdb.errors import InputError
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.upkeep.move_archive import FILES_PER_STEP, move_archive


@pytest.fixture
def picked(db, tmp_path):
    """Three files in folders of an archive, picked."""
    for name, first in (("2024/a", 0), ("2024/b", 3600), ("2025/c", 7200)):
        path = tmp_path / "old" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        ingest(db, path, traces(".HH", first, first + 3599, [first + 600]))
    assert {report.status for report in work(db)} == {"done"}
    return tmp_path / "old"


def rows(db):
    return {(row["dir"], row["dfile"]): row["_id"] for row in db.wf_file.find()}


def ledger(db):
    return {row["_id"]: (row["fingerprint"], row["inputs"]) for row in db.task.find()}


def test_the_index_goes_along_and_nothing_is_done_again(db, picked, tmp_path, cli):
    before, contents = ledger(db), ingest_waveforms(db, [picked]).unchanged
    new = picked.rename(tmp_path / "new")
    dry = cli("move-archive", picked, new, "--dry-run", "--json")
    assert (dry.code, dry.json["moved"], dry.json["segments"], dry.json["dry_run"]) == (0, 3, 9, True)
    assert {folder for folder, _ in rows(db)} == {f"{picked}/2024", f"{picked}/2025"}
    done = cli("move-archive", picked, new, "--json")
    assert (done.code, done.json["moved"], done.json["segments"], done.json["problems"]) == (0, 3, 9, [])
    assert {folder for folder, _ in rows(db)} == {f"{new}/2024", f"{new}/2025"}
    assert work(db) == [] and ledger(db) == before
    assert ingest_waveforms(db, [new]).unchanged == contents == 3
    assert set(db.wf_miniseed.distinct("file_id")) == set(rows(db).values())
    again = cli("move-archive", picked, new, "--json")
    assert (again.code, again.json["moved"]) == (0, 0)
    db.task.update_many({}, {"$set": {"status": "pending"}})
    assert {report.status for report in work(db)} == {"done"}


def test_files_that_are_left_behind_are_named(db, picked, tmp_path, cli):
    new = tmp_path / "new"
    shutil.copytree(picked, new)
    (new / "2024" / "a").unlink()
    (new / "2024" / "b").write_bytes(bytes((new / "2024" / "b").stat().st_size))
    done = cli("move-archive", picked, new, "--json")
    assert done.code == 1 and (done.json["moved"], done.json["absent"], done.json["different"]) == (1, 1, 1)
    assert any(f"{new}/2024/a: No such file" in line for line in done.json["problems"])
    assert any(f"{new}/2024/b" in line and "other content" in line for line in done.json["problems"])
    assert set(rows(db)) == {(f"{picked}/2024", "a"), (f"{picked}/2024", "b"), (f"{new}/2025", "c")}
    assert work(db) == []


def test_equal_size_and_time_are_enough_unless_all_is_verified(db, picked, tmp_path):
    new = tmp_path / "new"
    shutil.copytree(picked, new)
    path = new / "2024" / "a"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(bytes(path.stat().st_size))
    os.utime(path, ns=times)
    assert move_archive(db, picked, new, dry_run=True).different == 0
    assert move_archive(db, picked, new, dry_run=True, verify=True).different == 1


def test_an_archive_that_was_ingested_again_loses_its_old_rows(db, picked, tmp_path):
    before = ledger(db)
    new = picked.rename(tmp_path / "new")
    summary = ingest_waveforms(db, [new])
    assert (summary.new, db.wf_file.count_documents({})) == (3, 6) and work(db) == []
    assert any(f"move-archive {picked} {new}" in line for line in summary.problems)
    result = move_archive(db, picked, new)
    assert (result.moved, result.already_there) == (3, 3)
    assert db.wf_file.count_documents({}) == 3 and db.wf_miniseed.count_documents({}) == 9
    assert work(db) == [] and ledger(db) == before


def test_a_move_that_was_broken_off_goes_on(db, tmp_path, monkeypatch):
    first = write_day(tmp_path / "old" / "000.mseed", samples=500)
    for number in range(1, FILES_PER_STEP + 20):
        shutil.copy(first, first.with_name(f"{number:03d}.mseed"))
    ingest_waveforms(db, [first.parent])
    new = first.parent.rename(tmp_path / "new")

    def broken(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_archive(db, first.parent, new, progress=broken)
    assert db.wf_file.count_documents({"dir": str(new)}) == FILES_PER_STEP
    assert db.wf_miniseed.count_documents({"dir": str(new)}) == 3 * FILES_PER_STEP
    assert move_archive(db, first.parent, new).moved == 20
    assert db.wf_file.count_documents({"dir": str(new)}) == FILES_PER_STEP + 20


@pytest.mark.parametrize("inward", [True, False])
def test_folders_inside_one_another(db, picked, tmp_path, inward):
    if inward:
        new = picked / "disk1"
        new.mkdir()
        for name in ("2024", "2025"):
            (picked / name).rename(new / name)
    else:
        new = tmp_path
        for name in ("2024", "2025"):
            (picked / name).rename(tmp_path / name)
    assert move_archive(db, picked, new).moved == 3
    assert move_archive(db, picked, new).moved == 0
    assert {folder for folder, _ in rows(db)} == {f"{new}/2024", f"{new}/2025"} and work(db) == []


def test_a_file_that_moved_and_changed_is_a_changed_file(db, picked, tmp_path):
    from catalogdb.runs.stale import _compared

    new = picked.rename(tmp_path / "new")
    move_archive(db, picked, new)
    ingest(db, new / "2025" / "c", traces(".HH", 7200, 7200 + 3000, [7800]))
    found = {task.starttime: task.why for task in _compared(db, stage())}
    (why,) = found[HOUR + 7200]
    assert why.reason == "changed file" and str(new / "2025" / "c") in why.what and "->" in why.what


def test_what_can_not_be_moved_is_said(db, picked, tmp_path, cli):
    with pytest.raises(InputError, match="no such folder"):
        move_archive(db, picked, tmp_path / "nowhere")
    with pytest.raises(InputError, match="the same"):
        move_archive(db, picked, picked)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no file is indexed below it"):
        move_archive(db, tmp_path / "elsewhere", tmp_path / "empty")
    assert cli("move-archive", picked, tmp_path / "nowhere").code == 2
