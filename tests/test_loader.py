"""The loader: the same batches for any number of workers and from any cursor, and an end to every thread."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from powertrain.data import ArraySource, DataError, Loader, Mapped


def rows(loader: Loader) -> list[list[int]]:
    return [batch.indices.tolist() for batch in loader]


def source(count: int = 23) -> ArraySource:
    return ArraySource(x=np.arange(count, dtype=np.float32)[:, None], y=np.arange(count) % 3)


def test_an_epoch_has_every_example_once_and_pads_with_weight_zero() -> None:
    loader = Loader(source(), 5, seed=1)
    batches = list(loader)
    assert [batch.x.shape for batch in batches] == [(5, 1)] * 5 and len(loader) == 5
    assert batches[-1].weight.tolist() == [1, 1, 1, 0, 0] and len(batches[-1]) == 3
    seen = np.concatenate([batch.indices[batch.weight > 0] for batch in batches])
    assert sorted(seen.tolist()) == list(range(23))
    x, y, weight = batches[0]
    assert x.shape == (5, 1) and y.shape == (5,) and weight.dtype == np.float32
    with pytest.raises(AttributeError, match="the batch has no field 'z'; it has x, y, weight"):
        _ = batches[0].z


def test_drop_and_short() -> None:
    assert [len(batch.x) for batch in Loader(source(), 5, last="drop")] == [5] * 4
    batches = list(Loader(source(), 5, last="short"))
    assert [len(batch.x) for batch in batches] == [5, 5, 5, 5, 3]
    assert len(list(batches[0])) == 2, "without padding there are no weights to unpack"
    assert rows(Loader(source(3), 5))[0][:3] != [] and Loader(source(3), 5).batch == 5
    assert next(iter(Loader(source(2), 5))).weight.tolist() == [1, 1, 0, 0, 0]


def test_epochs_differ_and_depend_on_seed_and_epoch_alone() -> None:
    loader = Loader(source(), 5, seed=1)
    first, second = rows(loader), rows(loader)
    assert first != second
    other = Loader(source(), 5, seed=1)
    other.seek(np.array([1, 0]))
    assert rows(other) == second
    assert rows(Loader(source(), 5, seed=2)) != first
    assert rows(Loader(source(), 5, sampling="sequential"))[0] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("sampling", ["shuffle", "sequential", "random"])
@pytest.mark.parametrize("seconds", [0, 0.002])
@pytest.mark.parametrize("workers", [0, 1, 2, 8])
def test_the_same_batches_for_any_number_of_workers_and_from_any_cursor(
    sampling: str, workers: int, seconds: float
) -> None:
    def stream(loader: Loader, count: int) -> list[tuple[list[int], list[float], list[int]]]:
        iterator = iter(loader)
        batches = [next(iterator) for _ in range(count)]
        return [(batch.indices.tolist(), batch.x.ravel().tolist(), batch.cursor.tolist()) for batch in batches]

    def lasting(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        time.sleep(seconds)
        return fields

    settings: dict[str, Any] = {"batch": 5, "sampling": sampling, "seed": 9, "endless": True}
    wanted = stream(Loader(source(), **settings), 40)
    data = Mapped(source(), lasting)
    assert stream(Loader(data, **settings, workers=workers), 40) == wanted
    for start in (1, 4, 5, 17):
        resumed = Loader(data, **settings, workers=workers)
        resumed.seek(np.array(wanted[start - 1][2]))
        assert stream(resumed, 40 - start) == wanted[start:]


def test_the_cursor_stands_behind_the_batch_that_was_given_out_not_behind_the_prefetched() -> None:
    loader = Loader(source(), 5, workers=2)
    assert loader.cursor.tolist() == [0, 0]
    iterator = iter(loader)
    next(iterator)
    time.sleep(0.02)
    assert loader.cursor.tolist() == [0, 5] and loader.cursor.dtype == np.int64
    list(iterator)
    assert loader.cursor.tolist() == [1, 0]


@pytest.mark.parametrize("workers", [0, 1, 8])
def test_an_error_of_a_source_comes_out_in_order_with_its_rows(workers: int) -> None:
    def broken(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if (fields["x"] == 12).any():
            raise OSError("the disk is gone")
        return fields

    loader = Loader(Mapped(source(), broken), 5, sampling="sequential", workers=workers)
    given = []
    with pytest.raises(DataError) as caught:
        for batch in loader:
            given.append(batch)
    assert len(given) == 2 and loader.cursor.tolist() == [0, 10]
    assert str(caught.value) == (
        "[loader] OSError while fetching rows 10, 11, 12, 13, 14: the disk is gone; expected the source to give "
        "every row that its length promises; fetch these rows alone to find the one at fault"
    )


def slow(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    time.sleep(0.002)
    return fields


def test_workers_leave_batches_that_are_quick_to_make_to_the_consumer() -> None:
    iterator = iter(Loader(source(), 5, endless=True, workers=4))
    for _ in range(200):
        next(iterator)
    deadline = time.monotonic() + 5
    while loader_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert loader_threads() == 0 and len(next(iterator)) > 0


def loader_threads() -> int:
    gc.collect()
    return sum(thread.name.startswith("loader-") for thread in threading.enumerate())


def test_workers_end_when_the_iteration_is_dropped() -> None:
    iterator = iter(Loader(Mapped(source(), slow), 5, endless=True, workers=4))
    for _ in range(20):
        next(iterator)
    assert loader_threads() == 4
    del iterator
    deadline = time.monotonic() + 5
    while loader_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert loader_threads() == 0


def test_no_hang_at_exit_with_workers_busy() -> None:
    script = (
        "import time, numpy as np; from powertrain.data import ArraySource, Loader, Mapped\n"
        "slow = Mapped(ArraySource(x=np.arange(64)), lambda fields: time.sleep(0.05) or fields)\n"
        "iterator = iter(Loader(slow, 4, endless=True, workers=8)); next(iterator); print('done')"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "done", "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch": 0}, "[loader] batch = 0; expected a whole number >= 1; 64 is a usual batch"),
        ({"batch": 2.0}, "[loader] batch = 2.0; expected a whole number >= 1; 64 is a usual batch"),
        ({"batch": 4, "workers": -1}, "[loader] workers = -1; expected a whole number from 0 to 256; 0 is usual"),
        (
            {"batch": 4, "sampling": "shufle"},
            "[loader] sampling = 'shufle'; expected one of shuffle, sequential, random; name one",
        ),
        (
            {"batch": 40, "last": "drop"},
            '[loader] 23 examples with batch = 40 and last = "drop"; expected at least one whole batch; '
            'lower batch or use last = "pad"',
        ),
    ],
)
def test_loader_refuses(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DataError) as caught:
        Loader(source(), **settings)
    assert str(caught.value) == message


@pytest.mark.parametrize("cursor", [[0, 3], [0, 25], [-1, 0], [0, -5]])
def test_a_cursor_of_other_data_is_refused_and_nothing_moves(cursor: list[int]) -> None:
    loader = Loader(source(), 5)
    with pytest.raises(DataError) as caught:
        loader.seek(np.array(cursor))
    assert str(caught.value) == (
        f"[loader] cursor (epoch {cursor[0]}, position {cursor[1]}); expected a multiple of batch = 5 below "
        "23 examples; resume with the data and batch that the run began with"
    )
    assert loader.cursor.tolist() == [0, 0]
    with pytest.raises(DataError, match=r"a cursor of dtype float64 and shape \[2\]"):
        loader.seek(np.zeros(2))


@pytest.mark.parametrize("workers", [0, 2])
def test_rows_that_cannot_be_chosen_are_an_error_of_their_own(workers: int) -> None:
    loader = Loader(ArraySource(x=np.zeros(8)), 4, workers=workers)

    def pick(cursor: Any) -> Any:
        raise MemoryError("no room for the rows")

    loader.order.pick = pick  # type: ignore[method-assign]
    with pytest.raises(MemoryError, match="no room for the rows"):
        list(loader)
