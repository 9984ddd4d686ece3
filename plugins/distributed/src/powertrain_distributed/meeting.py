"""How workers find each other: each waits at a port that the system chooses, where partners of higher ranks call it.

Who calls and who answers prove to each other that they know the token of their group, which itself is never sent: each
gives random bytes, and gets their HMAC. So a stranger hears nothing, and is not heard.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import selectors
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from powertrain.plugin import LostWorkerError
from powertrain_distributed.sockets import BEAT_SECONDS, Connection, SocketTransport

CONNECT_SECONDS = 8.0  # in which all workers of a group find each other
TOKEN, RANDOM, PROOF = 32, 32, 32  # bytes
CALL = struct.Struct(f"<I{RANDOM}s{PROOF}s")  # who calls, its random bytes, and its proof


class Address(NamedTuple):
    """Where a worker waits for its partners."""

    host: str
    port: int


class Group(NamedTuple):
    """A worker among others that begin together."""

    rank: int
    addresses: Sequence[Address]  # of each rank
    token: bytes  # which they alone know

    @property
    def partners(self) -> list[int]:
        return [self.rank ^ (1 << bit) for bit in range(len(self.addresses).bit_length() - 1)]


class Listener:
    """Waits for the partners of a worker."""

    def __init__(self, host: str) -> None:
        self._socket = socket.create_server((host, 0))
        self._socket.setblocking(False)
        self.address = Address(host, self._socket.getsockname()[1])

    def connect(self, group: Group, look: Callable[[], None] = lambda: None) -> SocketTransport:
        """Find the partners: this worker calls those of lower ranks, and those of higher ranks call it. `look` is
        called while it waits, and may raise."""
        until = time.monotonic() + CONNECT_SECONDS
        found: dict[int, Connection] = {}
        with contextlib.ExitStack() as failed:
            for partner in group.partners:
                if partner < group.rank:
                    found[partner] = Connection(failed.enter_context(_called(group, partner, until)))
            for partner, end in self._answered(group, until, look).items():
                found[partner] = Connection(end)
            failed.pop_all()
        return SocketTransport(group.rank, len(group.addresses), found)

    def _answered(self, group: Group, until: float, look: Callable[[], None]) -> dict[int, socket.socket]:
        """The partners of higher ranks, once all of them have called. Others may call as well, or say nothing: they are
        heard side by side."""
        found: dict[int, socket.socket] = {}
        with selectors.DefaultSelector() as calls, contextlib.ExitStack() as failed:
            calls.register(self._socket, selectors.EVENT_READ)
            while awaited := [one for one in group.partners if one > group.rank and one not in found]:
                look()
                if time.monotonic() > until:
                    raise LostWorkerError.lost(awaited[0], f"has not connected within {CONNECT_SECONDS:g} s")
                for key, _ in calls.select(BEAT_SECONDS):
                    if key.data is None:
                        with contextlib.suppress(OSError):  # who called has gone
                            call = Call(failed.enter_context(self._socket.accept()[0]))
                            calls.register(call.end, selectors.EVENT_READ, call)
                    elif key.data.heard():
                        calls.unregister(key.data.end)
                        if (partner := key.data.answered(group)) in awaited:
                            found[partner] = key.data.end
                        else:
                            key.data.end.close()
            failed.pop_all()
            for key in [*calls.get_map().values()]:
                if key.data is not None:
                    key.data.end.close()
        return found

    def close(self) -> None:
        self._socket.close()


class Call:
    """Somebody who calls, and has to prove who it is."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.end = end
        self._asked = secrets.token_bytes(RANDOM)
        self._said = b""
        end.send(self._asked)

    def heard(self) -> bool:
        """Hear more; whether that was all."""
        try:
            more = self.end.recv(CALL.size - len(self._said))
        except BlockingIOError:
            return False
        except OSError:
            return True
        self._said += more
        return not more or len(self._said) == CALL.size

    def answered(self, group: Group) -> int | None:
        """The rank of a worker of the group, which gets its own proof; None of a stranger."""
        if len(self._said) < CALL.size:
            return None
        rank, given, proof = CALL.unpack(self._said)
        if not hmac.compare_digest(proof, _proof(group, b"call", rank, group.rank, self._asked)):
            return None
        with contextlib.suppress(OSError):  # it is missed in the first sum
            self.end.send(_proof(group, b"answer", rank, group.rank, given))
        return int(rank)


def _called(group: Group, partner: int, until: float) -> socket.socket:
    """A connection to a partner of a lower rank."""
    address = group.addresses[partner]
    with contextlib.ExitStack() as failed:
        try:
            end = failed.enter_context(socket.create_connection(address, max(0.001, until - time.monotonic())))
            given = secrets.token_bytes(RANDOM)
            proof = _proof(group, b"call", group.rank, partner, _heard(end, RANDOM, until))
            end.sendall(CALL.pack(group.rank, given, proof))
            right = hmac.compare_digest(_heard(end, PROOF, until), _proof(group, b"answer", group.rank, partner, given))
            why = "who answers there is no worker of this run"
        except OSError as error:
            right, why = False, error.strerror or str(error)
        if right:
            failed.pop_all()
            return end
    raise LostWorkerError.lost(partner, f"cannot be reached at {address.host}:{address.port}: {why}")


def _heard(end: socket.socket, count: int, until: float) -> bytes:
    """So many bytes that somebody says."""
    said = b""
    while len(said) < count:
        end.settimeout(max(0.001, until - time.monotonic()))
        if not (more := end.recv(count - len(said))):
            raise ConnectionError("it has hung up")
        said += more
    return said


def _proof(group: Group, side: bytes, caller: int, called: int, random: bytes) -> bytes:
    """What somebody says who knows the token. The two sides say different things: neither can repeat the other."""
    return hmac.digest(group.token, struct.pack("<II", caller, called) + random + side, "sha256")
