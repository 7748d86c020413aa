"""Who holds a lease: names of processes, by which others on the same host can see when one is gone.

A name is `HOST:PID:START`. HOST is `HOSTNAME/BOOT.NAMESPACE`: host names repeat, so it carries the beginning of the
machine's boot id, which its containers share, and the number of the process-id namespace, since two containers of one
name don't see each other's processes. START counts from the boot of the machine: a date of start, as psutil has it,
moves when the machine's clock is set. After a reboot HOST is another one, so leases from before it wait for their
expiry.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

import psutil

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
BOOT_ID_LENGTH = 8


def owner() -> str:
    """The name of this process."""
    pid = os.getpid()
    return f"{_host()}:{pid}:{_started(pid)}"


def is_gone(name: str) -> bool:
    """True for a process that was on this host and no longer runs; processes elsewhere can't be seen, and may live."""
    host, _, process = name.partition(":")
    if host != _host():
        return False
    pid, _, started = process.partition(":")
    if pid == str(os.getpid()):
        return started != _started(os.getpid())
    try:
        return _started(int(pid)) != started
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError, ValueError):
        return True
    except (psutil.AccessDenied, PermissionError):
        return False


def _host() -> str:
    boot, namespace = "", ""
    with suppress(OSError):
        boot = BOOT_ID.read_text()[:BOOT_ID_LENGTH]
    with suppress(OSError):
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")  # of the first one the same on every Linux
    return f"{socket.gethostname()}/{boot}.{namespace}"


def _started(pid: int) -> str:
    """Start of a process: clock ticks since boot on Linux, a date elsewhere."""
    if Path("/proc/self/stat").exists():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        state, start = fields[0], fields[19]
        return "gone" if state in "ZX" else start
    process = psutil.Process(pid)
    return "gone" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
