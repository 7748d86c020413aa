"""Waveform files that change after they were indexed: noticed at the read, and never a result of other bytes."""

import os
import shutil

import numpy as np
import obspy
import pytest
from test_pick import HOUR, ingest, ledger, stage, traces, work

from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.read_waveform import Choice, station_view
from catalogdb.waveforms import ChangedWaveform


def picked(db):
    return [(pick["phase"], pick["time"]) for pick in db.pick.find().sort("time")]


def times_of(path):
    status = path.stat()
    return status.st_atime_ns, status.st_mtime_ns


def later_by_a_second(path):
    """Add a second to the start of every record, size as before."""
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), 4096):
        content[at + 26] += 1 if content[at + 26] < 59 else 0
    path.write_bytes(content)


@pytest.fixture
def archive(db, tmp_path):
    return ingest(db, tmp_path / "a", traces(".HH", 0, 3599, [600, 1800]))


@pytest.mark.parametrize("keep_time", [False, True])
@pytest.mark.parametrize("rename_over", [False, True])
def test_a_swapped_file_is_not_picked_and_read_again_by_ingest(db, archive, tmp_path, keep_time, rename_over):
    times = times_of(archive)
    kept = shutil.copy2(archive, tmp_path / "kept")
    target = archive
    if rename_over:
        target = tmp_path / "other"
        shutil.copy2(archive, target)
    later_by_a_second(target)
    if rename_over:
        os.replace(target, archive)
    if keep_time:
        os.utime(archive, ns=times)
    (report,) = work(db)
    assert report.status == "failed" and "ingest it again" in report.error and str(archive) in report.error
    row = db.wf_file.find_one({"dfile": "a"})
    assert row["state"] == "stale" and "catalogdb ingest waveforms" in row["error"]
    assert db.pick.count_documents({}) == 0
    shutil.copy2(kept, archive)
    summary = ingest_waveforms(db, [archive])
    assert (summary.changed, summary.unchanged) == (1, 0)
    assert db.wf_file.find_one({"dfile": "a"})["state"] == "indexed" and "error" not in db.wf_file.find_one()
    (report,) = work(db)
    assert report.status == "done" and work(db) == []
    assert any(abs(time - HOUR - 600) < 0.5 for _, time in picked(db))


def test_other_samples_behind_the_same_headers_are_noticed(db, archive):
    """Size, times (as a coarse or a foreign clock may show them) and headers are as they were."""
    content = bytearray(archive.read_bytes())
    content[4096 * 5 + 3000] ^= 1
    archive.write_bytes(content)
    status = archive.stat()
    seen = {"mtime_ns": status.st_mtime_ns, "ctime_ns": status.st_ctime_ns}
    db.wf_file.update_one({}, {"$set": seen})
    (report,) = work(db)
    assert report.status == "failed" and "other content" in report.error


def test_other_headers_are_noticed_where_no_digest_was_kept(db, archive):
    later_by_a_second(archive)
    status = archive.stat()
    seen = {"mtime_ns": status.st_mtime_ns, "ctime_ns": status.st_ctime_ns}
    db.wf_file.update_one({}, {"$set": seen, "$unset": {"digest": ""}})
    (report,) = work(db)
    assert report.status == "failed" and "headers" in report.error


def test_a_touched_or_copied_back_file_is_picked(db, archive, tmp_path):
    shutil.copy(archive, tmp_path / "copy")
    os.replace(tmp_path / "copy", archive)
    (report,) = work(db)
    assert report.status == "done" and db.pick.count_documents({}) > 0
    assert ingest_waveforms(db, [archive]).changed == 1
    assert work(db) == []


def test_what_is_appended_leaves_the_indexed_part_good(db, archive, tmp_path):
    more = tmp_path / "more"
    obspy.Stream(traces(".HH", 3599, 3700)).write(str(more), format="MSEED")
    with open(archive, "ab") as stream:
        stream.write(more.read_bytes())
    (report,) = work(db)
    assert report.status == "done" and db.pick.count_documents({}) > 0
    more.unlink()
    assert ingest_waveforms(db, [archive]).changed == 1
    assert {report.status for report in work(db)} == {"done"}
    assert ledger(db)["counts"]["runs"] == 1


def test_a_shortened_file_is_not_picked(db, archive):
    archive.write_bytes(archive.read_bytes()[:-4096])
    (report,) = work(db)
    assert report.status == "failed" and "bytes when it was indexed" in report.error


def test_a_file_written_to_during_the_read_is_not_picked(db, archive, monkeypatch):
    import catalogdb.waveforms.read as reader

    read_byte_range = reader._read_byte_range

    def written_to(stream, *arguments):
        read_byte_range(stream, *arguments)
        with open(archive, "r+b") as other:
            other.seek(4096 + 2000)
            other.write(b"\x00\x01\x02\x03")

    with monkeypatch.context() as patch:
        patch.setattr(reader, "_read_byte_range", written_to)
        (report,) = work(db)
    assert report.status == "failed" and "other content" in report.error
    assert db.pick.count_documents({}) == 0


def test_a_file_that_became_a_pipe_stops_no_read(db, archive):
    archive.unlink()
    os.mkfifo(archive)
    (report,) = work(db)
    assert report.status == "failed" and "no longer a regular file" in report.error


def test_a_figure_of_a_swapped_file_is_refused(db, archive):
    later_by_a_second(archive)
    with pytest.raises(ChangedWaveform, match="ingest it again"):
        station_view(db, "XX.AAA", HOUR + 100, HOUR + 200, Choice())
    assert db.wf_file.find_one()["state"] == "stale"


def test_only_the_time_of_a_file_changes_with_its_content(db, tmp_path):
    """Two files of one size: the modification time decides that the second is read."""
    path = ingest(db, tmp_path / "a", traces(".HH", 0, 100))
    digest, before = db.wf_file.find_one()["digest"], path.stat()
    data = traces(".HH", 0, 100)
    for trace in data:
        trace.data = np.flip(trace.data).copy()
    obspy.Stream(data).write(str(path), format="MSEED", encoding="STEIM2")
    with open(path, "r+b") as stream:
        stream.truncate(before.st_size)
    db.wf_file.update_one({}, {"$unset": {"ctime_ns": ""}})  # as an index of an earlier version, which kept no ctime
    assert path.stat().st_size == before.st_size and path.stat().st_mtime_ns != before.st_mtime_ns
    summary = ingest_waveforms(db, [path])
    assert (summary.changed, summary.unchanged) == (1, 0) and db.wf_file.find_one()["digest"] != digest


def test_the_inode_s_time_alone_makes_ingest_read_a_file(db, archive):
    content, times = bytearray(archive.read_bytes()), times_of(archive)
    content[4096 * 5 + 3000] ^= 1
    archive.write_bytes(content)
    os.utime(archive, ns=times)
    assert ingest_waveforms(db, [archive]).changed == 1


def test_a_renamed_file_is_the_same_input(db, archive, tmp_path):
    work(db)
    (tmp_path / "new").mkdir()
    moved = archive.rename(tmp_path / "new" / "b.mseed")
    summary = ingest_waveforms(db, [moved.parent])
    assert work(db) == []
    assert any(f"move-archive {tmp_path} {moved.parent}" in line for line in summary.problems)
    ingest_waveforms(db, [tmp_path], prune=True)
    assert work(db) == [] and list(stage().plan(db))


def test_equal_files_are_read_once_from_where_they_are(db, archive, tmp_path):
    shutil.copytree(archive.parent, tmp_path / "second", ignore=lambda folder, names: set(names) - {"a"})
    ingest_waveforms(db, [tmp_path / "second"])
    assert db.wf_miniseed.count_documents({}) == 6
    archive.unlink()
    (report,) = work(db)
    assert report.status == "done" and not report.problems and db.pick.count_documents({}) > 0


def test_files_read_by_earlier_readers_are_read_again(db, archive):
    of_now = db.wf_file.find_one({}, {"indexed_at": 0})
    db.wf_miniseed.delete_many({})  # what readers left that knew the format not yet
    earlier = {"$set": {"state": "unreadable", "error": "no miniSEED record in it", "n_pieces": 0}}
    db.wf_file.update_one({}, earlier | {"$unset": {"revision": "", "digest": ""}})
    summary = ingest_waveforms(db, [archive])
    assert (summary.changed, summary.unchanged, summary.segments) == (1, 0, 3)
    assert db.wf_file.find_one({}, {"indexed_at": 0}) == of_now
    assert ingest_waveforms(db, [archive]).unchanged == 1
