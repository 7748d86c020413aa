"""An interrupt gets through wherever it meets the program."""

import subprocess
import sys

MET_BY_A_CALLBACK = """
import gc, signal, time, weakref
from catalogdb.interrupts import interruptible

class Thing: pass

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


def test_interrupt_that_meets_a_callback_is_not_lost():
    done = subprocess.run([sys.executable, "-c", MET_BY_A_CALLBACK], capture_output=True, text=True, timeout=60)
    assert done.returncode == 130
    assert "interrupted" in done.stderr and "went on" not in done.stdout
