"""Workers that exchange arrays through TCP connections, one between each two that meet in a sum.

What goes through a connection are arrays, as their bytes, and heartbeats of one byte, which a thread sends while the
worker computes. A worker that waits hears from its partner, or knows after SILENT_SECONDS that it will not: the
process is stopped, or the network between them is lost. Where a process ends, its connections do at once.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import LostWorkerError, MessageTransport, WorkerError

T = TypeVar("T")

BEAT = b"\0"
HEAD = struct.Struct("<BQ")  # what arrays begin with: a byte that is no heartbeat, and how many bytes follow
ARRAYS = 1
BEAT_SECONDS = 0.5  # between two heartbeats, and between two looks at those of others
SILENT_SECONDS = 8.0  # so long a partner may give no sign of life


class SocketTransport(MessageTransport):
    """Sends arrays to the other workers of a group."""

    def __init__(self, rank: int, size: int, connections: Mapping[int, Connection]) -> None:
        super().__init__(rank, size)
        self._connections = connections
        self._closed = threading.Event()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def exchange(self, partner: int, given: Sequence[NDArray[Any]], taken: Sequence[NDArray[Any]]) -> None:
        try:
            self._connections[partner].exchange(_raw(given), _raw(taken))
        except GoneError as error:
            raise LostWorkerError.lost(partner, str(error)) from error
        except OddLengthError as error:
            raise WorkerError.lost(partner, str(error)) from error

    def leave(self) -> None:
        """End together with the others, after the last sum: what is still on its way between them arrives."""
        for one in self._connections.values():
            one.say_end()
        for one in self._connections.values():
            one.wait_for_end()
        self.close()

    def close(self) -> None:
        """End at once. The others see it when they next wait for this worker."""
        self._closed.set()
        self._beating.join()  # it may be about to send through what is closed now
        for one in self._connections.values():
            one.close()

    def _beat(self) -> None:
        """Tell the others that this process runs."""
        while not self._closed.wait(BEAT_SECONDS):
            for one in self._connections.values():
                one.beat()


def _raw(arrays: Sequence[NDArray[Any]]) -> list[memoryview]:
    """The bytes of arrays that have some."""
    return [array.view(np.uint8).data for array in arrays if array.nbytes]


class GoneError(Exception):
    """A partner has left; what it did, in words that follow its name."""


class OddLengthError(Exception):
    """A partner sums other arrays; in words that follow its name."""


class Connection:
    """One end of the connection of two workers."""

    def __init__(self, end: socket.socket) -> None:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.setblocking(False)
        self._end = end
        self._poll = select.poll()
        self._sending = threading.Lock()  # held while arrays are sent, which a heartbeat may not interrupt
        self._silent = 0.0  # seconds since the last sign of life, as far as this process has waited

    def exchange(self, given: list[memoryview], taken: list[memoryview]) -> None:
        """Send some bytes and receive others, both at a time: neither waits until the other is read."""
        going = [memoryview(HEAD.pack(ARRAYS, sum(map(len, given)))), *given]
        head, wanted, coming = b"", sum(map(len, taken)), list(taken)
        self._silent = 0.0
        with self._sending:
            while going or coming or len(head) < HEAD.size:
                readable, writable = self._ready(reads=bool(coming) or len(head) < HEAD.size, writes=bool(going))
                if writable:
                    _consume(going, self._tried(lambda: self._end.send(going[0])) or 0)
                if readable and len(head) < HEAD.size:
                    head = (head + self._received(HEAD.size - len(head))).lstrip(BEAT)
                    if len(head) == HEAD.size and (sent := HEAD.unpack(head)[1]) != wanted:
                        raise OddLengthError(f"sends {sent:,} bytes of a sum where {wanted:,} are awaited")
                elif readable:
                    _consume(coming, self._demand_more(self._tried(lambda: self._end.recv_into(coming[0]))) or 0)

    def beat(self) -> None:
        """Give a sign of life. Where arrays are sent, they are one."""
        if self._sending.acquire(blocking=False):
            with contextlib.suppress(OSError):  # the partner has gone, or has many to read
                self._end.send(BEAT)
            self._sending.release()

    def say_end(self) -> None:
        """Tell the partner that nothing more will come."""
        with self._sending, contextlib.suppress(OSError):  # it has gone
            self._end.shutdown(socket.SHUT_WR)

    def wait_for_end(self) -> None:
        """Read until the partner says the same, or has gone. A connection that is closed with bytes unread would take
        back what its partner has not read yet."""
        self._silent = 0.0
        with contextlib.suppress(OSError, GoneError):
            while True:
                if self._ready(reads=True, writes=False)[0]:
                    self._received(1 << 16)

    def close(self) -> None:
        self._end.close()

    def _ready(self, reads: bool, writes: bool) -> tuple[bool, bool]:
        """Wait until there is something to read, or room to write; whether there is."""
        self._poll.register(self._end, select.POLLIN * reads | select.POLLOUT * writes)
        found = sum(mask for _, mask in self._poll.poll(1000 * BEAT_SECONDS))
        if found:
            self._silent = 0.0
        else:  # time in which this process itself was stopped does not count
            self._silent += BEAT_SECONDS
        if self._silent >= SILENT_SECONDS:
            raise GoneError(f"has given no sign of life for {SILENT_SECONDS:g} s")
        lost = bool(found & (select.POLLHUP | select.POLLERR))
        return bool(found & select.POLLIN) or (lost and reads), bool(found & select.POLLOUT) or (lost and writes)

    def _received(self, most: int) -> bytes:
        """What has come, at most so many bytes."""
        return self._demand_more(self._tried(lambda: self._end.recv(most))) or b""

    def _tried(self, act: Callable[[], T]) -> T | None:
        """What a call on the connection gives; None where it would wait."""
        try:
            return act()
        except BlockingIOError:
            return None
        except OSError as error:
            raise GoneError(f"has left the others: {error.strerror or error}") from error

    @staticmethod
    def _demand_more(found: T) -> T:
        """Pass on what was received, unless that is the end: then nothing more will come."""
        if found is not None and not found:
            raise GoneError("has left the others")
        return found


def _consume(views: list[memoryview], count: int) -> None:
    """Leave out the first bytes of the first view."""
    views[0] = views[0][count:]
    if not views[0]:
        del views[0]
