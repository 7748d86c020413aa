"""A TCP proxy on loopback that can stop forwarding, or drop its connections and take no new ones."""

import select
import socket
import threading
import time

CHUNK = 1 << 16


class Proxy:
    """Forwards a free port of its own to another port, until it is cut."""

    def __init__(self, target: int):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._flows = threading.Event()
        self._flows.set()
        self._refuses = False
        self._ended = False
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self, seconds: float) -> None:
        """Let nothing through for a while, as a network does whose cable was pulled; connections stay open."""
        self.cut()
        time.sleep(seconds)
        self.mend()

    def cut(self) -> None:
        """Let nothing through from now on; connections stay open."""
        self._flows.clear()

    def mend(self) -> None:
        """Let everything through again, what was held up first."""
        self._flows.set()

    def drop(self, seconds: float) -> None:
        """Break all connections, and take no new ones for a while."""
        self._refuses = True
        for ours, theirs in list(self._pairs):
            for end in (ours, theirs):
                end.close()
        time.sleep(seconds)
        self._refuses = False

    def close(self) -> None:
        """End."""
        self._ended = True
        self._flows.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended:
            try:
                ours, _ = self._listener.accept()
                if self._refuses:
                    ours.close()
                    continue
                theirs = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                continue
            self._pairs.add((ours, theirs))
            threading.Thread(target=self._forward, args=(ours, theirs), daemon=True).start()

    def _forward(self, ours: socket.socket, theirs: socket.socket) -> None:
        other = {ours: theirs, theirs: ours}
        try:
            while not self._ended:
                self._flows.wait()
                ready, _, _ = select.select([ours, theirs], [], [], 0.2)
                for end in ready:
                    chunk = end.recv(CHUNK)
                    if not chunk:
                        return
                    self._flows.wait()
                    other[end].sendall(chunk)
        except (OSError, ValueError):  # ValueError: closed meanwhile
            pass
        finally:
            self._pairs.discard((ours, theirs))
            ours.close()
            theirs.close()
