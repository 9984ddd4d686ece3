"""Gradients that are rounded to 16 bits wherever shards are summed: the rounding, the tree, and runs of workers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import powertrain as pt
from powertrain.plugin.bfloat16 import BFLOAT16, CHUNK, add, pack, unpack
from powertrain.plugin.transport import Alone, MessageTransport, Transport
from powertrain.train.run.reduction import Lend, TreeSum
from powertrain.train.workers.pace import Pace
from running import inside, results, run
from worker_processes import HALF, write_shared

Numbers = NDArray[np.float32]
COUNT = 2 * CHUNK + 77
# Infinities; not a number, in four ways; zeros; the largest and the smallest numbers; halfway between two.
SPECIAL = [0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7FFFFFFF, 0xFFFFFFFF, 0, 0x80000000, 0x7F7FFFFF, 1,
           0x80007FFF, 0x3F808000, 0x3F818000]  # fmt: skip


def any_bits(seed: int, count: int = COUNT) -> Numbers:
    bits = np.random.default_rng(seed).integers(0, 1 << 32, count, dtype=np.uint32)
    bits[: len(SPECIAL)] = SPECIAL
    return bits.view(np.float32)


def rounded(numbers: Numbers) -> Numbers:
    """By the engine's own conversions."""
    found: Numbers = pt.tensor(numbers).astype("bfloat16").astype("float32").numpy()
    return found


def packed(numbers: Numbers) -> NDArray[Any]:
    found = np.empty(numbers.shape, BFLOAT16)
    pack(numbers, found)
    return found


def unpacked(numbers: NDArray[Any]) -> Numbers:
    found = np.empty(numbers.shape, np.float32)
    unpack(numbers, found)
    return found


def same(one: Numbers, other: Numbers) -> bool:
    """The same bits, but of what is no number."""
    equal = one.view(np.uint32) == other.view(np.uint32)
    return bool(np.all(equal | (np.isnan(one) & np.isnan(other))))


@pytest.mark.parametrize("count", [0, 1, len(SPECIAL), CHUNK, COUNT])
def test_numbers_are_rounded_as_the_engine_rounds_them(count: int) -> None:
    numbers = any_bits(0)[:count]
    assert same(unpacked(packed(numbers)), rounded(numbers))


def test_sums_are_those_of_float32_and_rounded() -> None:
    first, second = any_bits(1), any_bits(2)[::-1].copy()
    sums = packed(first)
    add(sums, packed(second))
    with np.errstate(all="ignore"):
        wanted = rounded(rounded(first) + rounded(second))
    assert same(unpacked(sums), wanted)


def drawn(shard: int) -> Numbers:
    """Numbers of many magnitudes, whose sum depends on the order."""
    draw = np.random.default_rng(shard)
    return (draw.normal(size=600) * 10.0 ** draw.integers(-6, 6, 600)).astype(np.float32)


def program(shard: int, lend: Lend) -> None:
    """Gradients, and a count that is not rounded."""
    gradients, others = lend([((600,), np.dtype(np.float32)), ((1,), np.dtype(np.float32))])
    gradients[:] = drawn(shard)
    others[:] = 1000 + shard


def added(leaves: Sequence[Numbers]) -> Numbers:
    while len(leaves) > 1:
        leaves = [rounded(left + right) for left, right in zip(leaves[::2], leaves[1::2], strict=True)]
    return leaves[0]


def total(shards: Sequence[int], transport: Transport) -> tuple[bytes, float]:
    tree, programs = TreeSum(lambda: 1), [partial(program, shard) for shard in shards]
    tree.of(programs, transport, Pace())
    gradients, others = tree.of(programs, transport, Pace())  # in the memory of the first sum
    assert gradients.dtype == np.float32
    return gradients.tobytes(), float(others[0])


class Mailed(MessageTransport):
    """One of several workers, which here are threads."""

    def __init__(self, rank: int, size: int, mail: dict[tuple[int, int], queue.Queue[list[NDArray[Any]]]]) -> None:
        super().__init__(rank, size)
        self._mail = mail

    def exchange(self, partner: int, given: Sequence[NDArray[Any]], taken: Sequence[NDArray[Any]]) -> None:
        self._mail[self.rank, partner].put([one.copy() for one in given])
        for one, other in zip(taken, self._mail[partner, self.rank].get(timeout=60), strict=True):
            one[:] = other


def by(size: int, work: Callable[[Mailed], tuple[bytes, float]]) -> list[tuple[tuple[bytes, float], int]]:
    mail = {(one, other): queue.Queue[list[NDArray[Any]]]() for one in range(size) for other in range(size)}
    workers = [Mailed(rank, size, mail) for rank in range(size)]
    with ThreadPoolExecutor(size) as pool:
        return list(zip(pool.map(work, workers), [one.received_bytes for one in workers], strict=True))


@pytest.mark.parametrize("shards", [1, 2, 4, 8])
def test_the_tree_is_the_same_for_any_number_of_workers(shards: int) -> None:
    wanted = added([rounded(drawn(shard)) for shard in range(shards)]).tobytes()
    count = float(sum(1000 + shard for shard in range(shards)))
    assert total(range(shards), Alone()) == (wanted, count)
    for size in (2, 4, 8):
        if shards % size == 0:
            each = shards // size
            found = by(size, lambda one, each=each: total(range(each * one.rank, each * (one.rank + 1)), one))  # type: ignore[misc]
            assert [result for result, _ in found] == [(wanted, count)] * size


def test_half_of_the_bytes_are_received() -> None:
    def summed(worker: Mailed, dtype: np.dtype[Any]) -> tuple[bytes, float]:
        worker.all_reduce([np.zeros(800, dtype)])
        return b"", 0.0

    for dtype, each in ((np.dtype(np.float32), 4), (BFLOAT16, 2)):
        mail = {(one, other): queue.Queue[list[NDArray[Any]]]() for one in range(4) for other in range(4)}
        workers = [Mailed(rank, 4, mail) for rank in range(4)]
        threads = [threading.Thread(target=summed, args=(one, dtype)) for one in workers]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert [one.received_bytes for one in workers] == [2 * 600 * each] * 4


def train(folder: str, *more: str) -> list[str]:
    return ["train", "small.toml", "--run", folder, "--json", "--set", "run.compress=bfloat16", *more]


def test_one_hash_for_any_number_of_workers(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    alone = results(inside(train("alone"), tmp_path))["hash"]
    assert results(inside(train("exact", "--set", "run.compress=none"), tmp_path))["hash"] != alone
    assert results(run(train("four", "--workers", "4"), tmp_path))["hash"] == alone
    run(train("a", "--workers", "2", "--set", f"run.until={HALF['digits']}"), tmp_path)
    assert results(inside(train("a", "--resume"), tmp_path))["hash"] == alone
    said = inside(train("a", "--resume", "--set", "run.compress=none"), tmp_path, 2).stderr
    assert "run.compress" in said


def test_what_is_not_summed_is_not_compressed(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    said = inside(train("a", "--set", "run.shards=1"), tmp_path, 2).stderr
    assert 'received compress = "bfloat16" and shards = 1' in said
