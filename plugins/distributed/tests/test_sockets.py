"""Sums through TCP connections: the tree of all transports, and partners that leave or stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from powertrain.plugin import LostWorkerError, WorkerError
from powertrain_distributed import sockets
from powertrain_distributed.meeting import TOKEN, Group, Listener
from powertrain_distributed.sockets import SocketTransport

T = TypeVar("T")


def connected(size: int) -> list[SocketTransport]:
    listeners = [Listener("127.0.0.1") for _ in range(size)]
    addresses = [one.address for one in listeners]
    with ThreadPoolExecutor(size) as pool:
        groups = [Group(rank, addresses, bytes(range(TOKEN))) for rank in range(size)]
        found = list(pool.map(Listener.connect, listeners, groups))
    for one in listeners:
        one.close()
    return found


def together(workers: list[SocketTransport], work: Callable[[SocketTransport], T]) -> list[T]:
    """What a function gives for each of several workers, which here are threads."""
    with ThreadPoolExecutor(len(workers)) as pool:
        return list(pool.map(work, workers))


@pytest.fixture
def pair() -> Iterator[list[SocketTransport]]:
    found = connected(2)
    yield found
    for one in found:
        one.close()


def drawn(rank: int, count: int) -> NDArray[Any]:
    """Numbers of many magnitudes, whose sum depends on the order."""
    draw = np.random.default_rng(rank)
    return (draw.normal(size=count) * 10.0 ** draw.integers(-6, 6, count)).astype(np.float32)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("count", [0, 1, 3, 1000, 2**21])
def test_each_worker_gets_the_sum_of_the_tree(size: int, count: int) -> None:
    """Also of arrays that are larger than what the system buffers, which both send at once."""

    def work(transport: SocketTransport) -> NDArray[Any]:
        numbers = drawn(transport.rank, count)
        transport.all_reduce([numbers])
        transport.leave()
        return numbers

    leaves = [drawn(rank, count) for rank in range(size)]
    while len(leaves) > 1:
        leaves = [left + right for left, right in zip(leaves[::2], leaves[1::2], strict=True)]
    for found in together(connected(size), work):
        assert found.tobytes() == leaves[0].tobytes()


def test_a_worker_that_computes_for_long_is_waited_for(
    pair: list[SocketTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "SILENT_SECONDS", 1.5)

    def work(transport: SocketTransport) -> float:
        time.sleep(4.0 * transport.rank)
        numbers = np.ones(1)
        transport.all_reduce([numbers])
        return float(numbers[0])

    assert together(pair, work) == [2.0, 2.0]


def test_a_partner_that_leaves_is_missed_at_once(pair: list[SocketTransport]) -> None:
    pair[1].close()
    start = time.monotonic()
    with pytest.raises(LostWorkerError, match=r"^\[workers\] worker 1 has left the others.*; expected all to train"):
        pair[0].all_reduce([np.ones(1)])
    assert time.monotonic() - start < sockets.SILENT_SECONDS


def test_a_partner_that_leaves_while_it_is_sent_much(pair: list[SocketTransport]) -> None:
    threading.Timer(0.2, pair[1].close).start()
    with pytest.raises(LostWorkerError, match="worker 1 has left the others"):
        pair[0].all_reduce([np.ones(2**23)])


@pytest.mark.parametrize("count", [1, 2**23])
def test_a_partner_without_a_heartbeat_is_lost(
    count: int, pair: list[SocketTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "SILENT_SECONDS", 1.5)
    pair[1]._closed.set()  # as of a process that is stopped
    start = time.monotonic()
    with pytest.raises(LostWorkerError, match=r"worker 1 has given no sign of life for 1\.5 s"):
        pair[0].all_reduce([np.ones(count)])
    assert time.monotonic() - start < 10


def test_partners_that_sum_different_arrays(pair: list[SocketTransport]) -> None:
    def work(transport: SocketTransport) -> str:
        with pytest.raises(WorkerError) as caught:
            transport.all_reduce([np.ones(2 + 2 * transport.rank)])
        transport.close()
        return str(caught.value) if type(caught.value) is WorkerError else ""

    said = together(pair, work)
    assert any("sends 16 bytes of a sum where 8 are awaited" in one or "where 16 are" in one for one in said), said


def test_the_last_sum_arrives_though_workers_end_one_after_the_other(pair: list[SocketTransport]) -> None:
    def work(transport: SocketTransport) -> float:
        time.sleep(1.5 * transport.rank)  # heartbeats are left unread meanwhile
        numbers = np.ones(2**20)
        transport.all_reduce([numbers])
        transport.leave()
        return float(numbers.min())

    assert together(pair, work) == [2.0, 2.0]
