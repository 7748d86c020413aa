"""An interrupt gets through wherever it meets the program."""

import os
import subprocess
import sys

import pytest

from catalogdb.interrupts import MESSAGE

MET_BY_A_CALLBACK = """
import signal, sys, time, weakref
from catalogdb.interrupts import interruptible

class Thing: pass

if "in the background" in sys.argv:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

def callback(reference):
    signal.raise_signal(signal.SIGTERM)
    time.sleep(0)

with interruptible():
    thing = Thing()
    reference = weakref.ref(thing, callback)
    del thing
    time.sleep(20)
    print("went on")
"""


@pytest.mark.parametrize("where", ["in the foreground", "in the background"])
def test_interrupt_that_meets_a_callback_is_not_lost(where):
    done = subprocess.run([sys.executable, "-c", MET_BY_A_CALLBACK, where], capture_output=True, text=True, timeout=60)
    assert done.returncode == 130
    assert "interrupted" in done.stderr and "went on" not in done.stdout


MET_BY_AN_IMPORT = """
import signal, sys
from catalogdb.interrupts import interruptible

signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background of a shell ignores it

with interruptible():
    import slow_module
    print("went on", flush=True)
    import time
    time.sleep(20)
"""
SLOW_MODULE = "import signal\nsignal.raise_signal(signal.{signal})\nprint('imported', flush=True)\n"


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_an_import_is_finished_before_the_interrupt_counts(tmp_path, number):
    (tmp_path / "slow_module.py").write_text(SLOW_MODULE.format(signal=number))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", MET_BY_AN_IMPORT], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 130 and done.stdout.startswith("imported\n")
    assert done.stderr == MESSAGE + "\n"


MET_BY_A_READER = """
import io, signal
import numpy as np
import obspy
import obspy.io.mseed.core as reader
from catalogdb.interrupts import interruptible

file = io.BytesIO()
obspy.Trace(np.arange(5000, dtype=np.int32)).write(file, "MSEED")
file.seek(0)

class Numpy:
    def __getattr__(self, name):
        return getattr(np, name)

    def empty(self, *arguments, **options):  # what libmseed calls for the memory of its samples
        signal.raise_signal(signal.SIGTERM)
        return np.empty(*arguments, **options)

with interruptible():
    reader.np = Numpy()
    (trace,) = obspy.read(file, "MSEED")
    print(int(trace.data[4999]), flush=True)
    import time
    time.sleep(20)
"""


def test_a_reader_in_c_is_finished_before_the_interrupt_counts():
    done = subprocess.run([sys.executable, "-c", MET_BY_A_READER], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, MESSAGE + "\n")
    assert done.stdout in ("", "4999\n")


MADE_ANOTHER_ERROR = """
import signal
import catalogdb.cli.app as app

def command(standalone_mode, prog_name):
    try:
        signal.raise_signal(signal.SIGTERM)
    except KeyboardInterrupt as error:
        raise ValueError("a library's own error") from error

app.with_options_of_called = lambda app, words: command
from catalogdb.cli import main
main()
"""


def test_an_interrupt_that_a_library_made_another_error_of_is_one():
    done = subprocess.run([sys.executable, "-c", MADE_ANOTHER_ERROR], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, MESSAGE + "\n")
