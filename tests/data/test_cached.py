"""Data sets whose examples are held in memory up to a bound: batches are the same with any bound."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import Cached, DataError, DataLoader, RandomSampler, Source, Transformed


class Counted:
    """Rows of 8 bytes and a label, which counts how often each is read."""

    def __init__(self, count: int = 100) -> None:
        self.reads, self.lock = np.zeros(count, np.int64), threading.Lock()

    def __len__(self) -> int:
        return len(self.reads)

    def fetch(self, indices: Any) -> dict[str, Any]:
        with self.lock:
            np.add.at(self.reads, indices, 1)
        return {"x": np.stack([indices, indices**2], 1).astype(np.float32), "y": indices % 7}


ROW = 16  # bytes of an example of Counted


def batches(source: Source, workers: int, epochs: int = 3) -> list[np.ndarray]:
    loader = DataLoader(
        source, 16, sampler=RandomSampler(source), num_workers=workers, pad_last=True, seed=5, augment=True
    )
    return [np.array(batch.x) for _ in range(epochs) for batch in loader]


@pytest.mark.parametrize("workers", [0, 1, 2, 8])
@pytest.mark.parametrize("bound", [0, ROW, 37 * ROW, 1e6])
def test_batches_are_the_same_with_any_bound_and_workers(workers: int, bound: float) -> None:
    want = batches(Counted(), 0)
    inner = Counted()
    held = Cached(inner, bound)
    assert all(map(np.array_equal, batches(held, workers), want))
    assert held.held == min(100, bound // ROW) and held.held_bytes == held.full_bytes == held.held * ROW <= bound


def test_what_is_held_is_read_once() -> None:
    inner = Counted(10)
    held = Cached(inner, 4 * ROW)
    for rows in ([3, 1], [1, 3, 3], [1, 7, 5, 3, 7], [0, 9], [5, 7, 1, 3]):
        assert held.fetch(np.array(rows))["x"][:, 0].tolist() == rows
    assert inner.reads.tolist() == [1, 1, 0, 1, 0, 1, 0, 2, 0, 1], (
        "7 twice, in one batch; 0 and 9 came when it was full"
    )
    assert held.held == 4
    held.fetch(np.array([0, 9, 3]))
    assert inner.reads[[0, 9, 3]].tolist() == [2, 2, 1], "what was held first stays"


def test_what_is_given_out_is_a_copy() -> None:
    held = Cached(Counted(), 1e6)
    for _ in range(2):
        held.fetch(np.array([4]))["x"][:] = -1
    assert held.fetch(np.array([4]))["x"].tolist() == [[4, 16]]
    x, y = held[4]
    assert x.tolist() == [4, 16] and y == 4


def test_examples_of_several_forms_are_not_mixed() -> None:
    class Ragged(Counted):
        def fetch(self, indices: Any) -> dict[str, Any]:
            return {"x": np.zeros((len(indices), 1 + int(indices.max())))}

    held = Cached(Ragged(), 1e6)
    assert held.fetch(np.array([1, 0]))["x"].shape == (2, 2)
    assert held.fetch(np.array([1, 3]))["x"].shape == (2, 4)


def test_random_numbers_of_an_example_do_not_depend_on_when_it_is_read() -> None:
    class Noisy(pt.data.Dataset):
        def __len__(self) -> int:
            return 20

        def __getitem__(self, index: int) -> tuple[Any, int]:
            change = pt.data.transforms.RandomHorizontalFlip()
            return change(np.arange(6).reshape(1, 6) + index), index

    want = batches(Cached(Noisy(), 0), 0)
    for bound in (100, 1e6):
        assert all(map(np.array_equal, batches(Cached(Noisy(), bound), 2), want))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_after_a_fork_reads_on() -> None:
    """Also when a thread of its parent held the lock."""
    held = Cached(Counted(), 1e6)
    held.fetch(np.array([1, 2]))
    with held._lock:
        child = os.fork()
        if child == 0:
            good = held.fetch(np.array([2, 3]))["x"][:, 0].tolist() == [2, 3] and held.held == 3
            os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert held.held == 2


def test_errors() -> None:
    with pytest.raises(DataError) as caught:
        Cached(Transformed(Counted(), []), 10)
    assert str(caught.value) == (
        "[Cached] a data set of type Transformed, which may change its examples at random; expected one that gives the "
        "same each time; put the random transforms above it"
    )
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(DataError, match=r"\[Cached\] max_bytes = .*; expected a number >= 0; for example"):
            Cached(Counted(), wrong)
