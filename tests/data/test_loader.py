"""The loader: the same batches for any number of workers and from any cursor, and an end to every thread."""

from __future__ import annotations

import gc
import itertools
import os
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from loader_blocks import counted_blocks
from powertrain.data import (
    ArrayDataset,
    DataError,
    DataLoader,
    Mapped,
    RandomSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
    prefetch,
)
from powertrain.data.order import Cursor, Pick
from powertrain.data.picks import OnePick


def rows(loader: DataLoader) -> list[list[int]]:
    return [batch.indices.tolist() for batch in loader]


def source(count: int = 23) -> ArrayDataset:
    return ArrayDataset(x=np.arange(count, dtype=np.float32)[:, None], y=np.arange(count) % 3)


def test_an_epoch_has_every_example_once_and_pads_with_weight_zero() -> None:
    loader = DataLoader(source(), 5, shuffle=True, seed=1, pad_last=True)
    batches = list(loader)
    assert [batch.x.shape for batch in batches] == [(5, 1)] * 5 and len(loader) == 5
    assert batches[-1].weight.tolist() == [1, 1, 1, 0, 0] and len(batches[-1]) == 3
    seen = np.concatenate([batch.indices[batch.weight > 0] for batch in batches])
    assert sorted(seen.tolist()) == list(range(23))
    x, y, weight = batches[0]
    assert x.shape == (5, 1) and y.shape == (5,) and weight.dtype == np.float32
    assert batches[0]["x"] is batches[0].x and batches[0][1] is batches[0].y and batches[0]["weight"] is weight
    for ask in (lambda: batches[0].z, lambda: batches[0]["z"]):
        with pytest.raises(DataError) as caught:
            ask()
        assert str(caught.value) == (
            "[batch] field 'z'; expected one of x, y, weight; unpack it in order, as in `for x, y in loader`, or name "
            "a field that the data set has"
        )
        assert isinstance(caught.value, (AttributeError, KeyError))


def test_the_last_batch() -> None:
    assert [len(batch.x) for batch in DataLoader(source(), 5, drop_last=True)] == [5] * 4
    batches = list(DataLoader(source(), 5))
    assert [len(batch.x) for batch in batches] == [5, 5, 5, 5, 3]
    assert len(list(batches[0])) == 2, "without padding there are no weights to unpack"
    assert rows(DataLoader(source(3), 5))[0] == [0, 1, 2] and DataLoader(source(3), 5).batch_size == 5
    assert next(iter(DataLoader(source(2), 5, pad_last=True))).weight.tolist() == [1, 1, 0, 0, 0]


def test_epochs_differ_and_depend_on_seed_and_epoch_alone() -> None:
    loader = DataLoader(source(), 5, shuffle=True, seed=1, pad_last=True)
    first, second = rows(loader), rows(loader)
    assert first != second
    other = DataLoader(source(), 5, shuffle=True, seed=1, pad_last=True)
    other.load_state_dict({"epoch": 1, "position": 0})
    assert rows(other) == second
    assert rows(DataLoader(source(), 5, shuffle=True, seed=2)) != first
    assert rows(DataLoader(source(), 5))[0] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("sampling", ["shuffle", "sequential", "random", "weighted", "subset"])
@pytest.mark.parametrize("seconds", [0, 0.002])
@pytest.mark.parametrize("workers", [0, 1, 2, 8])
def test_the_same_batches_for_any_number_of_workers_and_from_any_cursor(
    sampling: str, workers: int, seconds: float
) -> None:
    def stream(loader: DataLoader, count: int) -> list[tuple[list[int], list[float], list[int]]]:
        iterator = iter(loader)
        batches = [next(iterator) for _ in range(count)]
        return [(batch.indices.tolist(), batch.x.reshape(-1).tolist(), batch.cursor.tolist()) for batch in batches]

    def lasting(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        time.sleep(seconds)
        return fields

    settings: dict[str, Any] = {"batch_size": 5, "seed": 9, "endless": True, "pad_last": True}
    settings |= {
        "shuffle": {"shuffle": True},
        "sequential": {},
        "random": {"sampler": RandomSampler(source(), replacement=True)},
        "weighted": {"sampler": WeightedRandomSampler(np.arange(23), 17)},
        "subset": {"sampler": SubsetRandomSampler([3, 8, 9, 10, 11, 20, 22])},
    }[sampling]
    wanted = stream(DataLoader(source(), **settings), 40)
    data = Mapped(source(), lasting)
    assert stream(DataLoader(data, **settings, num_workers=workers), 40) == wanted
    for start in (1, 4, 5, 17):
        resumed = DataLoader(data, **settings, num_workers=workers)
        resumed.load_state_dict(dict(zip(("epoch", "position"), wanted[start - 1][2], strict=True)))
        assert stream(resumed, 40 - start) == wanted[start:]


def test_the_cursor_stands_behind_the_batch_that_was_given_out_not_behind_the_prefetched() -> None:
    loader = DataLoader(source(), 5, shuffle=True, num_workers=2)
    assert loader.state_dict() == {"epoch": 0, "position": 0, "seed": 0}
    iterator = iter(loader)
    next(iterator)
    time.sleep(0.02)
    assert loader.state_dict() == {"epoch": 0, "position": 5, "seed": 0}
    list(iterator)
    assert loader.state_dict() == {"epoch": 1, "position": 0, "seed": 0}


@pytest.mark.parametrize("workers", [0, 1, 8])
def test_an_error_of_a_source_comes_out_in_order_with_its_rows(workers: int) -> None:
    def broken(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if (fields["x"] == 12).any():
            raise OSError("the disk is gone")
        return fields

    loader = DataLoader(Mapped(source(), broken), 5, num_workers=workers)
    given = []
    with pytest.raises(DataError) as caught:
        for batch in loader:
            given.append(batch)
    assert len(given) == 2 and loader.state_dict() == {"epoch": 0, "position": 10, "seed": 0}
    assert str(caught.value) == (
        "[DataLoader] OSError while fetching rows 10, 11, 12, 13, 14: the disk is gone; expected the data set to give "
        "every row that its length promises; read these rows one by one to find the one at fault"
    )


def slow(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    time.sleep(0.002)
    return fields


def test_one_worker_makes_batches_that_are_quick_to_make() -> None:
    iterator = iter(DataLoader(source(), 5, endless=True, num_workers=4))
    for _ in range(200):
        next(iterator)
    assert wait_for_threads(1) == 1 and len(next(iterator)) > 0
    del iterator
    assert wait_for_threads(0) == 0


def test_what_an_iteration_found_the_next_one_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short iterations, such as those of many clients, would else begin a thread each and try four batches."""
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 60)
    monkeypatch.setattr(prefetch, "_BLOCK_SECONDS", 60)
    blocks = counted_blocks(monkeypatch)
    loader = DataLoader(ArrayDataset(x=np.arange(60)), 5, shuffle=True, num_workers=2)
    alone = DataLoader(ArrayDataset(x=np.arange(60)), 5, shuffle=True)
    for _ in range(3):
        assert [one.x.tolist() for one in loader] == [one.x.tolist() for one in alone]
        assert wait_for_threads(0) == 0
    blocks.clear()
    for at, (one, other) in enumerate(zip(loader, alone, strict=False)):
        assert one.x.tolist() == other.x.tolist()
        if at == 6:
            assert (loader_threads(), blocks) == (0, [2, 4])  # after two alone
            break


def test_quick_batches_that_are_not_to_be_ahead_are_made_by_the_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those for a device: a step is recorded for each place there where it meets a batch."""
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 60)
    made_by: list[str] = []

    def make(pick: Any) -> Any:
        made_by.append(threading.current_thread().name)
        return pick

    for pace in (prefetch.Pace(), prefetch.Pace(1e-6)):
        weight = np.ones(1, np.float32)
        picks = (OnePick(Pick(np.array([at]), weight, Cursor(0, at + 1))) for at in range(60))
        found = prefetch.Prefetched(make, picks, 2, 2, None, pace, 1)
        assert [int(one.indices[0]) for several in found for one, _ in several] == list(range(60))
        assert wait_for_threads(0) == 0
        assert set(made_by[20:]) == {threading.current_thread().name}
        made_by.clear()


def test_quick_batches_are_made_beside_the_steps_and_come_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 60)
    made_by: dict[int, str] = {}

    def noted(fields: dict[str, Any]) -> dict[str, Any]:
        made_by[int(fields["x"][0, 0])] = threading.current_thread().name
        return fields

    many = Mapped(ArrayDataset(x=np.arange(4000).reshape(-1, 1)), noted)
    for at, batch in enumerate(DataLoader(many, 4, num_workers=2)):
        assert batch.x[0, 0] == 4 * at
        time.sleep(0.0005)  # the step
    assert sum(name.startswith("loader-") for name in made_by.values()) > 500


def test_a_batch_of_a_block_that_fails_is_told_in_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 60)
    monkeypatch.setattr(prefetch, "_BLOCK_SECONDS", 60)

    def broken(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if (fields["x"] == 157).any():
            raise OSError("the disk is gone")
        return fields

    loader = DataLoader(Mapped(ArrayDataset(x=np.arange(200)), broken), 5, num_workers=1)
    given = []
    with pytest.raises(DataError, match="fetching rows 155, 156, 157"):
        for batch in loader:
            given.append(batch)
    assert len(given) == 31 and loader.state_dict() == {"epoch": 0, "position": 155, "seed": 0}


def test_an_order_that_fails_is_told_behind_the_batches_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "_QUICK_SECONDS", 60)

    class Ends(pt.data.IterableDataset):
        def __iter__(self) -> Any:
            yield from range(100)
            raise OSError("the cable is out")

    given = []
    with pytest.raises(OSError, match="the cable is out"):
        for batch in DataLoader(Ends(), 5, num_workers=1):
            given.append(batch.tolist()[0])
    assert given == list(range(0, 95, 5))  # the last one is given when what follows is known


def wait_for_threads(count: int) -> int:
    deadline = time.monotonic() + 5
    while loader_threads() != count and time.monotonic() < deadline:
        time.sleep(0.01)
    return loader_threads()


def loader_threads() -> int:
    gc.collect()
    return sum(thread.name.startswith("loader-") for thread in threading.enumerate())


def test_the_first_batch_is_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several threads that begin at once, each would wait for the others' turn at Python's lock."""
    monkeypatch.setattr(prefetch, "_HEAD_START_SECONDS", 60)
    made_by: list[str] = []

    def noted(fields: dict[str, Any]) -> dict[str, Any]:
        made_by.append(threading.current_thread().name)
        return fields

    next(iter(DataLoader(Mapped(source(), noted), 5, num_workers=4)))
    assert made_by[0] == threading.current_thread().name


def test_workers_begin_beside_a_first_batch_that_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "_HEAD_START_SECONDS", 0.001)
    another = threading.Event()

    def waiting(fields: dict[str, Any]) -> dict[str, Any]:
        if fields["x"][0, 0] == 0:  # the first
            assert another.wait(60)
        another.set()
        return fields

    assert len(list(DataLoader(Mapped(source(), waiting), 5, num_workers=2))) > 1


def test_workers_end_when_the_iteration_is_dropped() -> None:
    iterator = iter(DataLoader(Mapped(source(), slow), 5, endless=True, num_workers=4))
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
        "import time, numpy as np; from powertrain.data import ArrayDataset, DataLoader, Mapped\n"
        "slow = Mapped(ArrayDataset(x=np.arange(64)), lambda fields: time.sleep(0.05) or fields)\n"
        "iterator = iter(DataLoader(slow, 4, endless=True, num_workers=8)); next(iterator); print('done')"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "done", "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"batch_size": 0},
            "[DataLoader] batch_size = 0; expected a whole number >= 1; 64 is usual; iterate over the data set itself "
            "for single examples",
        ),
        (
            {"batch_size": None},
            "[DataLoader] batch_size = None; expected a whole number >= 1; 64 is usual; iterate over the data set "
            "itself for single examples",
        ),
        ({"num_workers": -1}, "[DataLoader] num_workers = -1; expected a whole number from 0 to 256; 0 is usual"),
        (
            {"prefetch_factor": 0},
            "[DataLoader] prefetch_factor = 0; expected a whole number from 1 to 1024; 2 is usual",
        ),
        ({"shuffle": "yes"}, "[DataLoader] shuffle = 'yes'; expected True or False; name the argument"),
        (
            {"shuffle": True, "sampler": [0]},
            "[DataLoader] received shuffle and sampler; expected one of them: the sampler is the order; "
            "leave shuffle out",
        ),
        (
            {"sampler": 3},
            "[DataLoader] a sampler of type int; expected a Sampler or row numbers; "
            "for example sampler=pt.data.RandomSampler(dataset)",
        ),
        (
            {"sampler": RandomSampler},
            "[DataLoader] a sampler that is the class RandomSampler; expected a Sampler or row numbers; "
            "for example sampler=pt.data.RandomSampler(dataset)",
        ),
        (
            {"batch_sampler": 3},
            "[DataLoader] a batch_sampler of type int; expected lists of row numbers; for example "
            "batch_sampler=pt.data.BatchSampler(sampler, 32, drop_last=False)",
        ),
        (
            {"batch_sampler": [[0, 1]], "batch_size": 2},
            "[DataLoader] received batch_sampler and batch_size; expected one of them: batch_sampler says it all; "
            "leave batch_size out",
        ),
        (
            {"drop_last": True, "pad_last": True},
            "[DataLoader] received drop_last and pad_last; expected one of them; leave one out",
        ),
        (
            {"pad_last": True, "collate_fn": list},
            "[DataLoader] received pad_last and collate_fn; expected one of them: collate_fn makes the whole batch; "
            "leave pad_last out",
        ),
        (
            {"collate_fn": 3},
            "[DataLoader] a collate_fn of type int; expected a function of a list of examples; "
            "for example collate_fn=pt.data.collate",
        ),
        (
            {"timeout": 5},
            "[DataLoader] received timeout=5; expected none: workers are threads of this process, which share its "
            "memory; leave timeout out",
        ),
        (
            {"worker_init_fn": print},
            "[DataLoader] received worker_init_fn; expected none: workers are threads of this process, which share its "
            "memory; leave worker_init_fn out",
        ),
        ({"batch": 8}, "[DataLoader] received batch=8; expected batch_size; write DataLoader(dataset, batch_size=8)"),
        (
            {"num_worker": 2},
            "[DataLoader] received num_worker=2; expected num_workers; write DataLoader(dataset, num_workers=2)",
        ),
        (
            {"wide": 2},
            "[DataLoader] received wide=2; expected one of dataset, batch_size, shuffle, sampler, batch_sampler, "
            "num_workers, collate_fn, pin_memory, drop_last, generator, seed, pad_last, endless, augment, "
            "prefetch_factor, persistent_workers, device; leave it out",
        ),
        (
            {"generator": 3},
            "[DataLoader] a generator of type int; expected a seed or a pt.random.Generator; write "
            "DataLoader(..., seed=0) or DataLoader(..., generator=pt.random.Generator(0))",
        ),
        ({"seed": 0.5}, "[DataLoader] seed = 0.5; expected a whole number; write DataLoader(..., seed=0)"),
        (
            {"batch_size": 40, "drop_last": True},
            "[DataLoader] 23 examples with batch_size = 40 and drop_last = True; expected at least one whole batch; "
            "lower batch_size or leave drop_last out",
        ),
    ],
)
def test_what_a_loader_refuses(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DataError) as caught:
        DataLoader(source(), **settings)
    assert str(caught.value) == message


@pytest.mark.parametrize("workers", [0, 2])
def test_rows_that_cannot_be_chosen_are_an_error_of_their_own(workers: int) -> None:
    loader = DataLoader(ArrayDataset(x=np.zeros(8)), 4, num_workers=workers)

    def picks(cursor: Any, parts: Any) -> Any:
        raise MemoryError("no room for the rows")
        yield

    loader.order.runs = picks  # type: ignore[attr-defined]
    with pytest.raises(MemoryError, match="no room for the rows"):
        list(loader)


@pytest.mark.parametrize("workers", [0, 3])
def test_each_iteration_is_an_epoch(workers: int) -> None:
    """A look at one batch, or a break, costs no later epoch its batches."""
    wanted = [rows(DataLoader(source(), 5, shuffle=True, seed=1))]
    loader = DataLoader(source(), 5, shuffle=True, seed=1, num_workers=workers)
    assert next(iter(loader)).indices.tolist() == wanted[0][0]
    second = rows(loader)
    assert len(second) == 5 and sorted(itertools.chain(*second)) == list(range(23)) and second != wanted[0]
    assert loader.state_dict() == {"epoch": 2, "position": 0, "seed": 1}
    for _ in range(2):
        for at, _batch in enumerate(loader):
            if at == 2:
                break
    assert loader.state_dict() == {"epoch": 3, "position": 15, "seed": 1}
    loader.load_state_dict({"epoch": 1, "position": 10})
    assert rows(loader) == second[2:], "a state that was loaded says where to begin"


def test_iterations_beside_each_other_do_not_disturb_each_other() -> None:
    loader = DataLoader(source(), 5)
    pairs = [(a.indices.tolist(), b.indices.tolist()) for a, b in zip(loader, loader, strict=True)]
    assert len(pairs) == 5 and all(a == b for a, b in pairs)


IN_A_CHILD = """
import faulthandler, os, sys, time
import numpy as np
from powertrain.data import ArrayDataset, DataLoader, Mapped

def slow(fields):
    time.sleep(0.002)
    return fields

loader = DataLoader(Mapped(ArrayDataset(x=np.arange(200)), slow), 5, shuffle=True, num_workers=4)
iterator = iter(loader)
first = [next(iterator).x.tolist() for _ in range(7)]
child = os.fork()
rest = [batch.x.tolist() for batch in iterator]
if child == 0:
    print("child", sum(map(sum, rest)), len(rest), flush=True)
    sys.exit(0)  # the exit of Python, whose finalizers must not wait for the parent's threads
_, status = os.waitpid(child, 0)
print("parent", sum(map(sum, rest)), len(rest), status, sum(map(sum, first + rest)), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_child_after_a_fork_gets_the_batches_that_follow() -> None:
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", IN_A_CHILD], capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stderr
        child, parent = sorted(run.stdout.splitlines())
        assert parent.split()[1:3] == child.split()[1:] and child.split()[2] == "33"
        assert parent.split()[3:] == ["0", str(sum(range(200)))]
