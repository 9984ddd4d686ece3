"""Sums of several workers, in shared memory and by messages: the tree that they are added in, the bytes that come."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

import powertrain as pt
from powertrain.io.mapped import check_mapped
from powertrain.plugin import MessageTransport, Transport, WorkerError
from powertrain.plugin.transport import own_part
from powertrain.train.workers.agreement import demand_alike, told
from powertrain.train.workers.processes import connected
from powertrain.train.workers.shared_memory import PAGE, SharedMemory, new_memory
from powertrain.train.workers.worker import Partners

T = TypeVar("T")


class Queues(MessageTransport):
    """Messages between threads; `queues` has one for each pair of sender and receiver."""

    def __init__(self, rank: int, size: int, queues: Mapping[tuple[int, int], SimpleQueue[NDArray[Any]]]) -> None:
        super().__init__(rank, size)
        self.queues = queues

    def exchange(self, partner: int, given: Sequence[NDArray[Any]], taken: Sequence[NDArray[Any]]) -> None:
        for one in given:
            self.queues[self.rank, partner].put(one.copy())
        for one in taken:
            one[:] = self.queues[partner, self.rank].get(timeout=60)


def by_messages(size: int, work: Callable[[MessageTransport], T]) -> list[T]:
    """The same as `together`, for workers that send each other messages."""
    queues = {pair: SimpleQueue[NDArray[Any]]() for pair in itertools.product(range(size), repeat=2)}
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, [Queues(rank, size, queues) for rank in range(size)]))


def together(size: int, work: Callable[[SharedMemory], T]) -> list[T]:
    """What a function gives for each of several workers, which here are threads."""
    memory, ends = new_memory(), connected(size)
    workers = [SharedMemory(rank, size, memory, ends[rank], Partners()) for rank in range(size)]
    try:
        with ThreadPoolExecutor(size) as pool:
            return list(pool.map(work, workers))
    finally:
        for one in workers:
            one.close()
        os.close(memory)


def drawn(rank: int, count: int, dtype: str) -> NDArray[Any]:
    """Numbers of many magnitudes, whose sum depends on the order."""
    draw = np.random.default_rng(rank)
    if np.issubdtype(dtype, np.integer):
        return draw.integers(-(2**60), 2**60, count).astype(dtype)
    return (draw.normal(size=count) * 10.0 ** draw.integers(-6, 6, count)).astype(dtype)


def added(leaves: list[NDArray[Any]]) -> NDArray[Any]:
    """((0 + 1) + (2 + 3)) + ..."""
    while len(leaves) > 1:
        leaves = [left + right for left, right in zip(leaves[::2], leaves[1::2], strict=True)]
    return leaves[0]


@pytest.mark.parametrize("together", [together, by_messages])
@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("count", [0, 1, 3, 1000])
def test_each_worker_gets_the_parts_of_all(together: Callable[..., Any], size: int, count: int) -> None:
    wanted = -drawn(0, count, "float32")  # with signs, which a sum with zeros would lose
    wanted[::3] = -0.0

    def work(transport: Transport) -> NDArray[Any]:
        part, mine = own_part(transport.rank, size, count), np.full(count, np.nan, np.float32)
        mine[part] = wanted[part]
        transport.all_gather([mine])
        transport.all_reduce([np.ones(3)])  # one after the other
        transport.all_gather([mine])
        return mine

    for found in together(size, work):
        assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("together", [together, by_messages])
@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("count", [0, 1, 3, 1000])
def test_each_worker_gets_the_sum_of_the_tree(together: Callable[..., Any], size: int, count: int) -> None:
    dtypes = ("float32", "float64", "int64")

    def work(transport: Transport) -> list[list[NDArray[Any]]]:
        found = []
        for count_now in (count, 5 * count + 2, count):  # the second time there is too little memory
            arrays = [drawn(transport.rank + 8 * count_now, count_now, dtype) for dtype in dtypes]
            transport.all_reduce(arrays)
            found.append(arrays)
        return found

    for found in together(size, work):
        for count_now, arrays in zip((count, 5 * count + 2, count), found, strict=True):
            for dtype, array in zip(dtypes, arrays, strict=True):
                wanted = added([drawn(rank + 8 * count_now, count_now, dtype) for rank in range(size)])
                assert array.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("size", [2, 4, 8])
def test_the_bytes_that_are_read_are_the_least(size: int) -> None:
    def work(transport: SharedMemory) -> int:
        transport.all_reduce([np.ones(1 << 12, np.float32)])
        return transport.read_bytes

    def by_message(transport: MessageTransport) -> int:
        transport.all_reduce([np.ones(1 << 12, np.float32)])
        return transport.received_bytes

    least = [2 * (1 << 14) * (size - 1) // size] * size
    assert together(size, work) == by_messages(size, by_message) == least


@pytest.mark.parametrize("together", [together, by_messages])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_sums_of_what_is_lent_are_the_same(together: Callable[..., Any], size: int) -> None:
    def work(transport: Transport) -> list[NDArray[Any]]:
        found = []
        for count in (300, 2 * PAGE, 300):  # the second time there is too little memory
            first, second = transport.lend([(count, np.dtype("float32")), (7, np.dtype("int64"))])
            first[:], second[:] = drawn(transport.rank, count, "float32"), drawn(transport.rank, 7, "int64")
            for part in (slice(100, count), slice(0, 100)):  # one part after the other
                transport.all_reduce([first[part]])
            transport.all_reduce([second])
            found += [first.copy(), second.copy()]
            transport.all_reduce([np.ones(5)])  # of other memory
        return found

    for found in together(size, work):
        for count, numbers, whole in zip((300, 2 * PAGE, 300), found[::2], found[1::2], strict=True):
            assert numbers.tobytes() == added([drawn(rank, count, "float32") for rank in range(size)]).tobytes()
            assert whole.tobytes() == added([drawn(rank, 7, "int64") for rank in range(size)]).tobytes()


def test_steps_read_what_is_lent_where_it_lies() -> None:
    """What lies in the mapping of a file would be copied for each step, since somebody may cut the file off."""
    for lies_in_a_file in together(
        2, lambda transport: check_mapped(transport.lend([(1000, np.dtype("float32"))])[0], "test")
    ):
        assert not lies_in_a_file


def test_workers_that_differ_are_named_to_all() -> None:
    def work(transport: SharedMemory) -> str:
        other = transport.rank == 2
        with pytest.raises(WorkerError) as caught:
            demand_alike(transport, {"versions": b"1", "recipe": b"a", "data": b"2" if other else b"1"})
        return str(caught.value)

    text = (
        "[workers] worker 2 and worker 0 differ in data; expected the same for all; do not change files while workers "
        "start"
    )
    assert together(4, work) == [text] * 4


def test_workers_that_are_alike_go_on() -> None:
    assert together(2, lambda transport: demand_alike(transport, {"recipe": b"a"})) == [None, None]


def test_the_text_of_the_first_worker_is_told_to_all() -> None:
    assert (
        together(4, lambda transport: told(transport, "runs/größer" if transport.rank == 0 else "b"))
        == ["runs/größer"] * 4
    )


def test_memory_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(WorkerError) as caught:
        new_memory()
    assert str(caught.value) == (
        f"[workers] they share {PAGE:,} bytes of memory, which the system does not give: No space left on device; "
        "expected room in /dev/shm; give it more (docker run --shm-size=2g), or use fewer workers"
    )


def test_who_has_left_is_noticed() -> None:
    def work(transport: SharedMemory) -> str:
        transport.all_reduce([np.ones(1)])
        if transport.rank == 1:
            transport.close()
            return ""
        with pytest.raises(WorkerError) as caught:
            transport.all_reduce([np.ones(1)])
            transport.all_reduce([np.ones(1)])
        return str(caught.value)

    assert together(2, work) == ["[workers] worker 1 has ended; expected all to train to the end; train again", ""]


def test_a_way_to_send_messages_without_exchange_is_refused() -> None:
    with pytest.raises(pt.Error, match=r"^\[MessageTransport\] .*exchange"):
        MessageTransport(0, 2)  # type: ignore[abstract]
