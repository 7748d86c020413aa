"""Files that are written whole or not at all, and what is no file."""

import os
import stat
import subprocess
import sys
import threading

import pytest

from catalogdb.errors import InputError
from catalogdb.output_file import make_folder, write_atomically

KILLED_WHILE_WRITING = """
import os, sys
from pathlib import Path
from catalogdb.output_file import write_atomically
write_atomically(Path(sys.argv[1]), lambda stream: (stream.write(b"half"), stream.flush(), os._exit(9)))
"""


def text(content):
    return lambda stream: stream.write(content)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_is_written_and_its_size_returned(tmp_path):
    assert write_atomically(tmp_path / "a", text(b"four")) == 4
    assert (tmp_path / "a").read_bytes() == b"four" and names(tmp_path) == ["a"]


def test_failure_keeps_the_older_file(tmp_path):
    output = tmp_path / "a"
    output.write_bytes(b"old")

    def fail(stream):
        stream.write(b"new")
        raise KeyError("no")

    with pytest.raises(KeyError):
        write_atomically(output, fail)
    assert output.read_bytes() == b"old" and names(tmp_path) == ["a"]


def test_mode_of_an_older_file_is_kept(tmp_path):
    output = tmp_path / "a"
    output.touch()
    output.chmod(0o640)
    write_atomically(output, text(b"x"))
    assert stat.S_IMODE(output.stat().st_mode) == 0o640


def test_symbolic_link_stays_and_its_target_is_replaced(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomically(link, text(b"new"))
    assert link.is_symlink() and target.read_bytes() == b"new"


def test_draft_of_a_killed_writer_is_removed(tmp_path):
    output = tmp_path / "a"
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, output], check=False)
    (left,) = names(tmp_path)
    assert left.endswith(".part")
    (tmp_path / ".a.notes.part").touch()  # somebody else's
    write_atomically(output, text(b"x"))
    assert names(tmp_path) == [".a.notes.part", "a"]


def test_draft_of_a_living_writer_stays(tmp_path):
    output = tmp_path / "a"

    def write_twice(stream):
        stream.write(b"outer")
        write_atomically(output, text(b"inner"))

    write_atomically(output, write_twice)
    assert output.read_bytes() == b"outer" and names(tmp_path) == ["a"]


def test_pipe_is_written_through_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    assert write_atomically(pipe, text(b"through")) == 7
    reader.join(10)
    assert read == [b"through"] and stat.S_ISFIFO(pipe.stat().st_mode)


def test_the_reader_of_a_pipe_may_close_it_early(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    def write(stream):
        os.close(reader)
        stream.write(b"unread")

    assert write_atomically(pipe, write) == 0


def test_device_is_written_through_and_stays_a_device():
    assert write_atomically("/dev/null", text(b"gone")) == 4
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_full_device_is_one_error():
    with pytest.raises(InputError, match="/dev/full: cannot be written: No space left"):
        write_atomically("/dev/full", text(b"x"))


def test_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="it is a folder") as caught:
        write_atomically(tmp_path, text(b"x"))
    assert "-o" in caught.value.hint


def test_folder_with_files_is_refused_where_it_must_be_empty(tmp_path):
    make_folder(tmp_path / "a" / "b", must_be_empty=True)
    make_folder(tmp_path / "a")
    with pytest.raises(InputError, match="a: it holds files already"):
        make_folder(tmp_path / "a", must_be_empty=True)


def test_folder_in_place_of_a_file_is_one_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="file: can't be made"):
        make_folder(tmp_path / "file", must_be_empty=True)
