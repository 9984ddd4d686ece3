"""Workers that find each other by TCP, and nobody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from powertrain.plugin import LostWorkerError
from powertrain_distributed import meeting
from powertrain_distributed.meeting import CALL, RANDOM, TOKEN, Address, Group, Listener
from powertrain_distributed.sockets import SocketTransport

SECRET = bytes(range(TOKEN))


@pytest.fixture
def listeners() -> Iterator[list[Listener]]:
    found = [Listener("127.0.0.1") for _ in range(2)]
    yield found
    for one in found:
        one.close()


def groups(listeners: list[Listener], tokens: tuple[bytes, bytes] = (SECRET, SECRET)) -> list[Group]:
    addresses = [one.address for one in listeners]
    return [Group(rank, addresses, token) for rank, token in enumerate(tokens)]


def connected(listeners: list[Listener]) -> list[SocketTransport]:
    with ThreadPoolExecutor(len(listeners)) as pool:
        return list(pool.map(Listener.connect, listeners, groups(listeners)))


def silent(address: Address) -> socket.socket:
    return socket.create_connection(address)


def guessing(address: Address) -> socket.socket:
    end = socket.create_connection(address)
    end.sendall(CALL.pack(1, bytes(RANDOM), bytes(32)))
    return end


def of_another_protocol(address: Address) -> socket.socket:
    end = socket.create_connection(address)
    end.sendall(b"GET / HTTP/1.1\r\nHost: worker\r\nAccept: */*\r\nUser-Agent: a browser that looks around\r\n\r\n")
    return end


@pytest.mark.parametrize("kind", [silent, guessing, of_another_protocol])
def test_strangers_are_not_let_in(kind: Callable[[Address], socket.socket], listeners: list[Listener]) -> None:
    """However many call first, the partner is heard, and they are told nothing but random bytes."""
    strangers = [kind(listeners[0].address) for _ in range(20)]
    start = time.monotonic()
    found = connected(listeners)
    assert time.monotonic() - start < meeting.CONNECT_SECONDS / 2
    numbers = [np.ones(1), np.ones(1)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.all_reduce([numbers[one.rank]]), found))
    assert numbers[0] == numbers[1] == 2.0
    for one in strangers:
        one.settimeout(5)
        heard = b""
        with one:
            try:
                while more := one.recv(1000):
                    heard += more
            except ConnectionResetError:  # closed with something unread
                pass
        assert len(heard) <= RANDOM
    for transport in found:
        transport.close()


def test_a_call_that_was_overheard_opens_nothing(listeners: list[Listener]) -> None:
    """Who repeats what a worker said, to another worker or later, is a stranger: the random bytes differ."""
    said = []

    def between(listening: socket.socket, address: Address) -> None:
        caller, _ = listening.accept()
        with caller, socket.create_connection(address) as end:
            caller.sendall(end.recv(RANDOM))
            said.append(caller.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        eavesdropper = threading.Thread(target=between, args=(listening, listeners[0].address))
        eavesdropper.start()
        mine, other = groups(listeners)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(listeners[0].connect, mine)
            place = Address(*listening.getsockname())
            with pytest.raises(LostWorkerError, match=rf"worker 0 cannot be reached at 127\.0\.0\.1:{place.port}: "):
                listeners[1].connect(other._replace(addresses=[place, other.addresses[1]]))
            eavesdropper.join()
            assert len(said[0]) == CALL.size and SECRET not in said[0]
            with socket.create_connection(listeners[0].address) as repeating:
                repeating.recv(RANDOM)
                repeating.sendall(said[0])
                assert repeating.recv(1) == b""
            transport = listeners[1].connect(other)
            waiting.result().close()
            transport.close()


def test_a_false_worker_is_not_believed(listeners: list[Listener]) -> None:
    """Something else that has taken the port of a worker which ended."""

    def answer(listening: socket.socket) -> None:
        caller, _ = listening.accept()
        with caller:
            caller.sendall(bytes(RANDOM))
            caller.recv(CALL.size)
            caller.sendall(bytes(meeting.PROOF))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        false = threading.Thread(target=answer, args=(listening,))
        false.start()
        other = groups(listeners)[1]
        place = Address(*listening.getsockname())
        with pytest.raises(LostWorkerError) as caught:
            listeners[1].connect(other._replace(addresses=[place, other.addresses[1]]))
        false.join()
    assert str(caught.value).startswith(
        f"[workers] worker 0 cannot be reached at 127.0.0.1:{place.port}: who answers there is no worker of this run; "
    )


def test_a_worker_of_another_group(listeners: list[Listener], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting, "CONNECT_SECONDS", 1.0)

    def said(listener: Listener, group: Group) -> str:
        with pytest.raises(LostWorkerError) as caught:
            listener.connect(group)
        return str(caught.value)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(said, listeners, groups(listeners, (SECRET, SECRET[::-1])))
    assert "worker 1 has not connected within 1 s" in first
    assert "worker 0 cannot be reached at 127.0.0.1:" in second and ": it has hung up; " in second


def test_a_partner_that_does_not_come(listeners: list[Listener], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting, "CONNECT_SECONDS", 1.0)
    mine, other = groups(listeners)
    with pytest.raises(LostWorkerError, match="worker 1 has not connected within 1 s"):
        listeners[0].connect(mine)
    with pytest.raises(LostWorkerError, match=r"worker 0 cannot be reached at 127\.0\.0\.1:\d+: timed out"):
        listeners[1].connect(other)  # the system has answered, and nobody else does
    listeners[0].close()
    with pytest.raises(LostWorkerError, match=r"worker 0 cannot be reached at 127\.0\.0\.1:\d+: Connection refused"):
        listeners[1].connect(other)
