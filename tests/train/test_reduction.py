"""What shards contribute: how it lies in arrays, and the tree in which these are summed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import powertrain as pt
from powertrain.optim import AdamW
from powertrain.optim.received import LaidOut
from powertrain.plugin.transport import Alone, OwnArrays, Transport
from powertrain.train.run.reduction import Contribution, Lend, TreeSum
from powertrain.train.workers.pace import Pace

Numbers = NDArray[np.float32]


def drawn(shard: int) -> Numbers:
    """Numbers of many magnitudes, whose sum depends on the order."""
    draw = np.random.default_rng(shard)
    return (draw.normal(size=60) * 10.0 ** draw.integers(-6, 6, 60)).astype(np.float32)


def added(leaves: Sequence[Numbers]) -> Numbers:
    """((0 + 1) + (2 + 3)) + ..."""
    while len(leaves) > 1:
        leaves = [left + right for left, right in zip(leaves[::2], leaves[1::2], strict=True)]
    return leaves[0]


class Two(OwnArrays):
    """The transport of one of two workers, which here are threads: `held` is what both hold now."""

    size = 2

    def __init__(self, rank: int, barrier: threading.Barrier, held: list[Any]) -> None:
        super().__init__()
        self.rank, self._barrier, self._held = rank, barrier, held

    def all_reduce(self, arrays: Sequence[Numbers]) -> None:
        self._held[self.rank] = arrays[0].copy()
        self._barrier.wait(timeout=60)
        arrays[0][:] = self._held[0] + self._held[1]
        self._barrier.wait(timeout=60)

    def all_gather(self, arrays: Sequence[Numbers]) -> None:
        raise NotImplementedError


def total(shards: Sequence[int], transport: Transport) -> Numbers:
    tree, programs = TreeSum(), [partial(program, shard) for shard in shards]
    tree.of(programs, transport, Pace())
    return tree.of(programs, transport, Pace())[0].copy()  # in the memory of the first sum


def program(shard: int, lend: Lend) -> None:
    numbers = drawn(shard)
    lend([(numbers.shape, numbers.dtype)])[0][:] = numbers


def by_two(work: Callable[[Two], Numbers]) -> list[Numbers]:
    barrier, held = threading.Barrier(2), [None, None]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, [Two(rank, barrier, held) for rank in range(2)]))


@pytest.mark.parametrize("shards", [1, 2, 4, 8, 16])
def test_the_tree_is_the_same_for_one_worker_and_for_two(shards: int) -> None:
    wanted = added([drawn(shard) for shard in range(shards)]).tobytes()
    assert total(range(shards), Alone()).tobytes() == wanted
    if shards > 1:
        each = shards // 2
        for found in by_two(lambda two: total(range(each * two.rank, each * (two.rank + 1)), two)):
            assert found.tobytes() == wanted


def test_these_numbers_tell_one_order_from_another() -> None:
    shards = [drawn(shard) for shard in range(8)]
    assert sum(shards[1:], shards[0]).tobytes() != added(shards).tobytes()


class Parameters(pt.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = pt.nn.Linear(5, 7), pt.nn.Linear(7, 3)
        self.turn = pt.nn.Parameter(np.ones(4, np.complex64))


def test_what_is_packed_is_unpacked() -> None:
    module = Parameters()
    optimizer = AdamW(module, lr=0.1, groups=[{"match": "*.bias", "weight_decay": 0.0}])
    draw = np.random.default_rng(0)
    grads = [pt.tensor(draw.normal(size=slot.shape).astype(slot.numpy().dtype)) for _, slot in optimizer.params]
    others = [pt.tensor(2.5), pt.tensor([[1, 2], [3, 4]]), pt.tensor(1.5), pt.tensor(7)]
    contribution = Contribution(optimizer.parts, others)
    arrays = contribution.packed(grads, others)
    assert all(len(one.shape) == 1 for one in arrays)
    flat, found = contribution.unpacked(arrays)
    for one, other in zip(found, others, strict=True):
        assert one.numpy().tobytes() == other.numpy().tobytes() and one.shape == other.shape
    for one, grad in zip(LaidOut(optimizer.parts, flat), grads, strict=True):
        assert one.numpy().tobytes() == grad.numpy().tobytes()
    for one, laid in zip(flat, optimizer.flatten(grads), strict=True):
        assert one.numpy().tobytes() == laid.numpy().tobytes()


def test_an_update_by_what_is_laid_out_is_that_of_the_gradients() -> None:
    modules = [Parameters(), Parameters()]
    for slot, other in zip(modules[0].parameters(), modules[1].parameters(), strict=True):
        slot.value = pt.tensor(other.numpy().copy())
    first, second = (AdamW(one, lr=0.1, groups=[{"match": "*.bias", "weight_decay": 0.0}]) for one in modules)
    draw = np.random.default_rng(0)
    grads = [pt.tensor(draw.normal(size=slot.shape).astype(slot.numpy().dtype)) for _, slot in first.params]
    first.update(grads, 3.0)
    second.update(LaidOut(second.parts, second.flatten(grads)), 3.0)
    for slot, other in zip(modules[0].parameters(), modules[1].parameters(), strict=True):
        assert slot.numpy().tobytes() == other.numpy().tobytes()
