"""Waveform files into `wf_file` and `wf_miniseed`, on a real mongod."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
from pathlib import Path

import numpy as np
import obspy
import pytest
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.errors import InputError
from catalogdb.stages.ingest_waveforms import PARALLEL_FROM, ingest_waveforms
from catalogdb.waveforms import read_traces

OBSPY_MSEED = Path(obspy.__file__).parent / "io" / "mseed" / "tests" / "data"
START = obspy.UTCDateTime(2024, 3, 27)


def write_day(path, station="BAD", samples=3000, start=START, seed=1):
    noise = np.random.default_rng(seed).normal(0, 100, (3, samples)).cumsum(axis=1).astype(np.int32)
    header = {"network": "OX", "station": station, "sampling_rate": 100.0, "starttime": start}
    traces = [obspy.Trace(noise[row], {**header, "channel": f"HH{letter}"}) for row, letter in enumerate("ZNE")]
    path.parent.mkdir(parents=True, exist_ok=True)
    obspy.Stream(traces).write(str(path), format="MSEED", reclen=512)
    return path


def contents(db):
    return [list(db[name].find().sort("_id")) for name in ("wf_file", "wf_miniseed")]


def test_rows_of_one_file(db, tmp_path):
    path = write_day(tmp_path / "bad.mseed")
    summary = ingest_waveforms(db, [path])
    assert (summary.files, summary.new, summary.segments, summary.problems) == (1, 1, 3, [])
    row = db.wf_file.find_one()
    assert (row["state"], row["n_pieces"], row["size"], row["mtime_ns"]) == (
        "indexed",
        3,
        path.stat().st_size,
        path.stat().st_mtime_ns,
    )
    segment = db.wf_miniseed.find_one({"chan": "HHZ"})
    assert (segment["file_id"], segment["channel_group"], segment["npts"]) == (row["_id"], "OX.BAD..HH", 3000)
    assert (segment["starttime"], segment["endtime"]) == (START.timestamp, START.timestamp + 29.99)


def test_a_second_run_changes_nothing(db, tmp_path):
    for number in range(3):
        write_day(tmp_path / "deep" / f"{number}.mseed", seed=number)
    (tmp_path / "bad.mseed").write_bytes(b"no data at all" * 100)
    ingest_waveforms(db, [tmp_path])
    before = contents(db)
    summary = ingest_waveforms(db, [tmp_path])
    assert (summary.files, summary.unchanged, summary.new, summary.changed, summary.unreadable) == (4, 4, 0, 0, 0)
    assert contents(db) == before


def test_a_changed_file_is_read_again(db, tmp_path):
    path = write_day(tmp_path / "bad.mseed")
    other = write_day(tmp_path / "other.mseed", station="BOO")
    ingest_waveforms(db, [tmp_path])
    kept = list(db.wf_miniseed.find({"sta": "BOO"}))
    write_day(path, samples=5000)
    summary = ingest_waveforms(db, [tmp_path])
    assert (summary.changed, summary.unchanged, summary.segments) == (1, 1, 3)
    assert [row["npts"] for row in db.wf_miniseed.find({"sta": "BAD"})] == [5000] * 3
    assert list(db.wf_miniseed.find({"sta": "BOO"})) == kept
    assert db.wf_file.count_documents({}) == 2
    assert other.exists()


def test_other_content_of_the_same_size_is_read_again(db, tmp_path):
    path = write_day(tmp_path / "bad.mseed", station="BAD")
    ingest_waveforms(db, [path])
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"BAD  ", b"GOOD "))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000))
    assert path.stat().st_size == before.st_size
    summary = ingest_waveforms(db, [path])
    assert (summary.changed, summary.unchanged) == (1, 0)
    assert db.wf_miniseed.distinct("sta") == ["GOOD"]


def test_vanished_files_stay_indexed(db, tmp_path):
    """An archive that isn't mounted looks like this."""
    for number in range(3):
        write_day(tmp_path / "in" / f"{number}.mseed", seed=number)
    write_day(tmp_path / "out" / "elsewhere.mseed", station="BOO").unlink()
    ingest_waveforms(db, [tmp_path])
    before = contents(db)
    (tmp_path / "in").rename(tmp_path / "away")
    for empty in (False, True):
        if empty:
            (tmp_path / "in").mkdir()
        summary = ingest_waveforms(db, [tmp_path / "in"])
        assert (summary.missing, summary.files, len(summary.problems)) == (3, 0, 1)
        assert (
            "3 files" in summary.problems[0] and "0.mseed" in summary.problems[0] and "--prune" in summary.problems[0]
        )
        assert contents(db) == before
    (tmp_path / "in").rmdir()
    (tmp_path / "away").rename(tmp_path / "in")
    assert ingest_waveforms(db, [tmp_path]).unchanged == 3
    assert contents(db) == before


def test_a_vanished_file_is_pruned_and_returns(db, tmp_path):
    gone = write_day(tmp_path / "in" / "gone.mseed")
    elsewhere = write_day(tmp_path / "out" / "elsewhere.mseed", station="BOO")
    ingest_waveforms(db, [tmp_path])
    hidden = gone.rename(tmp_path / "hidden")
    elsewhere.unlink()
    summary = ingest_waveforms(db, [tmp_path / "in"], prune=True)
    assert (summary.missing, len(summary.problems)) == (1, 1)
    assert str(gone) in summary.problems[0]
    assert db.wf_file.find_one({"dfile": "gone.mseed"})["state"] == "missing"
    assert db.wf_miniseed.distinct("sta") == ["BOO"]
    before = contents(db)
    assert ingest_waveforms(db, [tmp_path / "in"], prune=True).missing == 0
    assert contents(db) == before
    hidden.rename(gone)
    assert ingest_waveforms(db, [gone]).changed == 1
    assert sorted(db.wf_miniseed.distinct("sta")) == ["BAD", "BOO"]
    assert "error" not in db.wf_file.find_one({"dfile": "gone.mseed"})


def test_the_command_prunes_only_when_told(db, settings, tmp_path):
    path = write_day(tmp_path / "gone.mseed")
    ingest_waveforms(db, [tmp_path])
    path.unlink()
    environment = {
        "CATALOGDB_URI": None,
        "CATALOGDB_CONFIG": None,
        "CATALOGDB_DATA_DIR": str(settings.data_dir),
        "CATALOGDB_DATABASE": settings.database,
    }
    kept = CliRunner().invoke(app, ["ingest", "waveforms", str(tmp_path), "--json"], env=environment)
    assert kept.exit_code == 1 and "--prune" in kept.output and db.wf_miniseed.count_documents({}) == 3
    pruned = CliRunner().invoke(app, ["ingest", "waveforms", str(tmp_path), "--json", "--prune"], env=environment)
    assert pruned.exit_code == 0 and db.wf_miniseed.count_documents({}) == 0


def test_folders_that_are_links_are_followed_once(db, tmp_path):
    write_day(tmp_path / "archive" / "2023" / "a.mseed")
    write_day(tmp_path / "disk2" / "b.mseed", station="BOO")
    (tmp_path / "archive" / "2024").symlink_to(tmp_path / "disk2")
    (tmp_path / "archive" / "0-link-to-2023").symlink_to(tmp_path / "archive" / "2023")
    (tmp_path / "disk2" / "loop").symlink_to(tmp_path / "archive")
    (tmp_path / "archive" / "dangling").symlink_to(tmp_path / "nowhere")
    summary = ingest_waveforms(db, [tmp_path / "archive"])
    assert {Path(row["dir"], row["dfile"]) for row in db.wf_file.find({"state": "indexed"})} == {
        tmp_path / "archive" / "2023" / "a.mseed",
        tmp_path / "archive" / "2024" / "b.mseed",
    }
    assert summary.segments == 6 and summary.new == 2


def test_a_file_that_cannot_be_read_for_the_moment_is_tried_again(db, tmp_path, monkeypatch):
    path = write_day(tmp_path / "bad.mseed")
    ingest_waveforms(db, [path])
    rows = list(db.wf_miniseed.find())
    write_day(path, samples=5000)
    new = write_day(tmp_path / "new.mseed", station="BOO")

    def broken(stream):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("catalogdb.waveforms.index.wait_for_clock", broken)
        summary = ingest_waveforms(db, [tmp_path])
    assert summary.unreadable == 2 and "Input/output error" in summary.problems[0]
    assert list(db.wf_miniseed.find()) == rows
    assert db.wf_file.find_one({"dfile": new.name})["state"] == "unreadable"
    assert ingest_waveforms(db, [tmp_path]).changed == 2
    assert db.wf_file.count_documents({"state": "indexed"}) == 2 and db.wf_file.count_documents({"error": {}}) == 0


def test_a_folder_with_a_similar_name_is_left_alone(db, tmp_path):
    write_day(tmp_path / "data" / "a.mseed")
    write_day(tmp_path / "data2" / "b.mseed", station="BOO")
    ingest_waveforms(db, [tmp_path])
    shutil.rmtree(tmp_path / "data2")
    assert ingest_waveforms(db, [tmp_path / "data"]).missing == 0
    assert db.wf_miniseed.count_documents({"sta": "BOO"}) == 3


def test_unreadable_files_are_recorded_with_the_reason(db, tmp_path):
    (tmp_path / "empty.mseed").touch()
    shutil.copy(OBSPY_MSEED / "not.mseed", tmp_path / "text")
    shutil.copy(OBSPY_MSEED / "encoding" / "fullASCII_bigEndian.mseed", tmp_path / "log.mseed")
    write_day(tmp_path / "good.mseed")
    summary = ingest_waveforms(db, [tmp_path])
    assert (summary.files, summary.new, summary.unreadable, summary.segments) == (4, 4, 3, 3)
    errors = {row["dfile"]: row["error"] for row in db.wf_file.find({"state": "unreadable"})}
    assert "the file is empty" in errors["empty.mseed"]
    assert "no miniSEED record" in errors["text"]
    assert "holds samples" in errors["log.mseed"]
    assert all(any(error == problem for problem in summary.problems) for error in errors.values())


def test_what_is_good_in_a_truncated_file_is_kept(db, tmp_path):
    path = write_day(tmp_path / "bad.mseed")
    path.write_bytes(path.read_bytes()[:-300])
    summary = ingest_waveforms(db, [path])
    row = db.wf_file.find_one()
    assert (row["state"], row["n_pieces"]) == ("indexed", 3)
    assert str(path) in row["warnings"][0] and "truncated" in row["warnings"][0]
    assert summary.problems == row["warnings"]


def test_a_file_may_become_unreadable_and_good_again(db, tmp_path):
    path = write_day(tmp_path / "bad.mseed")
    good = path.read_bytes()
    ingest_waveforms(db, [path])
    path.write_bytes(b"x" * 100)
    ingest_waveforms(db, [path])
    assert (db.wf_file.find_one()["state"], db.wf_miniseed.count_documents({})) == ("unreadable", 0)
    path.write_bytes(good)
    ingest_waveforms(db, [path])
    assert (db.wf_file.find_one()["state"], db.wf_miniseed.count_documents({})) == ("indexed", 3)
    assert "error" not in db.wf_file.find_one()


def test_other_files_are_skipped_in_folders_only(db, tmp_path):
    write_day(tmp_path / "good.mseed")
    (tmp_path / "stations.xml").write_text("<x/>")
    (tmp_path / ".hidden").write_text("x")
    summary = ingest_waveforms(db, [tmp_path])
    assert (summary.files, summary.skipped, summary.unreadable) == (1, 2, 0)
    assert ingest_waveforms(db, [tmp_path / "stations.xml"]).unreadable == 1


def test_waveforms_in_a_folder_may_end_like_other_files(db, tmp_path):
    path = write_day(tmp_path / "day.JPG")
    obspy.read(str(path))[:1].write(str(tmp_path / "series.txt"), format="TSPAIR")
    (tmp_path / "notes.txt").write_text("TIMES of the visits\n")
    os.mkfifo(tmp_path / "pipe.log")
    summary = ingest_waveforms(db, [tmp_path])
    assert (summary.files, summary.skipped, summary.segments) == (2, 2, 4), summary.problems
    assert sorted(db.wf_miniseed.distinct("dfile")) == ["day.JPG", "series.txt"]


def test_paths_that_never_were(db, tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        ingest_waveforms(db, [tmp_path / "nowhere"])


def test_one_path_given_twice_counts_once(db, tmp_path):
    path = write_day(tmp_path / "good.mseed")
    assert ingest_waveforms(db, [tmp_path, path, str(path)]).files == 1


def test_many_files_in_processes(db, tmp_path):
    first = write_day(tmp_path / "0.mseed", samples=500)
    for number in range(1, PARALLEL_FROM + 6):
        shutil.copy(first, tmp_path / f"{number}.mseed")
    (tmp_path / "3.mseed").write_bytes(b"broken")
    calls = []
    summary = ingest_waveforms(db, [tmp_path], progress=lambda done, total: calls.append((done, total)), workers=2)
    total = PARALLEL_FROM + 6
    assert (summary.new, summary.unreadable, summary.segments) == (total, 1, 3 * (total - 1))
    assert calls == [(number, total) for number in range(1, total + 1)]
    assert ingest_waveforms(db, [tmp_path]).unchanged == total


def test_odd_files_of_obspy(db):
    summary = ingest_waveforms(db, [OBSPY_MSEED])
    assert summary.files == summary.new == db.wf_file.count_documents({})
    assert db.wf_file.count_documents({"state": "indexed"}) == summary.files - summary.unreadable
    assert summary.segments == db.wf_miniseed.count_documents({}) > 60


def test_mspass_reads_our_rows(db, mspass_db, tmp_path):
    path = write_day(tmp_path / "bad.mseed")
    ingest_waveforms(db, [path, OBSPY_MSEED / "gaps.mseed"])
    for row in db.wf_miniseed.find():
        series = mspass_db.read_data(row, collection="wf_miniseed")
        traces, problems = read_traces([row], row["starttime"], row["endtime"])
        assert series.live and problems == []
        assert (series.npts, series.t0) == (row["npts"], row["starttime"])
        assert np.array_equal(np.array(series.data), traces[0].data.astype(float))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(db, tmp_path):
    path = write_day(tmp_path / "bad.mseed")
    path.chmod(0)
    assert ingest_waveforms(db, [path]).unreadable == 1
    assert "Permission denied" in db.wf_file.find_one()["error"]


# -- odd folders


def test_pipes_devices_and_sockets_are_passed_by(db, tmp_path):
    write_day(tmp_path / "good.mseed")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        summary = ingest_waveforms(db, [tmp_path])
    assert (summary.files, summary.unreadable, summary.segments) == (4, 3, 3)
    errors = {row["dfile"]: row["error"] for row in db.wf_file.find({"state": "unreadable"})}
    assert all("not a regular file" in errors[name] for name in ("pipe", "device", "socket"))


def test_names_that_are_no_text_are_said_and_stop_nothing(db, tmp_path):
    write_day(tmp_path / "good.mseed")
    for folder, name in ((b"", b"caf\xe9.mseed"), (b"dir\xff", b"a.mseed")):
        os.makedirs(os.path.join(os.fsencode(tmp_path), folder), exist_ok=True)
        shutil.copy(os.fsencode(tmp_path / "good.mseed"), os.path.join(os.fsencode(tmp_path), folder, name))
    summary = ingest_waveforms(db, [tmp_path])
    assert (summary.files, summary.unreadable, summary.segments) == (3, 2, 3)
    assert sorted(line.rpartition("/")[2] for line in summary.problems) == [
        "a.mseed: the name is not UTF-8, so it can't be stored; rename it",
        r"caf\xe9.mseed: the name is not UTF-8, so it can't be stored; rename it",
    ]


def test_names_with_line_breaks_and_escapes_stay_on_one_line(db, tmp_path):
    odd = write_day(tmp_path / "two\nlines \x1b[31m.mseed")
    odd.write_bytes(odd.read_bytes()[:-300])
    (line,) = ingest_waveforms(db, [tmp_path]).problems
    assert r"two\nlines \x1b[31m.mseed: truncated" in line
    assert db.wf_miniseed.count_documents({"dfile": odd.name}) == 3


def test_other_names_of_one_file_are_passed_by(db, tmp_path):
    path = write_day(tmp_path / "b.mseed")
    (tmp_path / "a-link.mseed").symlink_to(path)
    (tmp_path / "c-hard.mseed").hardlink_to(path)
    summary = ingest_waveforms(db, [tmp_path])
    assert (summary.files, summary.skipped, summary.segments) == (1, 2, 3)
    assert db.wf_file.find_one()["dfile"] == "b.mseed"
    assert ingest_waveforms(db, [tmp_path]).unchanged == 1


def test_compressed_files_in_a_folder_are_said(db, tmp_path):
    path = write_day(tmp_path / "good.mseed")
    with gzip.open(tmp_path / "more.mseed.gz", "wb") as stream:
        stream.write(path.read_bytes())
    summary = ingest_waveforms(db, [tmp_path])
    assert summary.skipped == 1 and "more.mseed.gz: unpack" in summary.problems[0]
    (tmp_path / "old.mseed.Z").write_bytes(b"\x1f\x9d")
    assert ingest_waveforms(db, [tmp_path]).problems[0].startswith("2 compressed files")
    named = ingest_waveforms(db, [tmp_path / "more.mseed.gz"])
    assert named.unreadable == 1 and "gzip-compressed; unpack it first" in named.problems[0]


def test_a_file_that_grows_while_it_is_read_is_read_again_next_time(db, tmp_path, monkeypatch):
    import catalogdb.waveforms.index as index

    path = write_day(tmp_path / "live.mseed")
    later = write_day(tmp_path / "more", start=START + 1000).read_bytes()
    (tmp_path / "more").unlink()
    indexer = index._mspass_rows

    def grows(name):
        rows = indexer(name)
        with open(path, "ab") as stream:
            stream.write(later)
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(index, "_mspass_rows", grows)
        (line,) = ingest_waveforms(db, [path]).problems
    row = db.wf_file.find_one()
    assert row["state"] == "indexed" and "written to while it was indexed" in line
    assert row["size"] < path.stat().st_size
    assert ingest_waveforms(db, [path]).changed == 1 and db.wf_file.find_one()["size"] == path.stat().st_size


def test_a_file_that_vanishes_while_it_is_scanned_is_tried_again(db, tmp_path, monkeypatch):
    import catalogdb.waveforms.index as index

    path = write_day(tmp_path / "a.mseed")
    content = path.read_bytes()

    def vanishes(name):
        path.unlink()
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(index, "_mspass_rows", vanishes)
        summary = ingest_waveforms(db, [tmp_path])
    assert summary.unreadable == 1 and "No such file" in summary.problems[0]
    path.write_bytes(content)
    assert ingest_waveforms(db, [tmp_path]).segments == 3
