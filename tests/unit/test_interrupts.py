"""An interrupt gets through wherever it meets the program."""

import subprocess
import sys

import pytest

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
