"""What other threads write while a backend computes a step: the step begins again, and no update is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from numpy_backend import Array, NumPyBackend
from powertrain.plugin import Graph


class Disturbed(NumPyBackend):
    """In the middle of its first steps something else happens."""

    def __init__(self, happens: Callable[[], None], times: int = 1) -> None:
        super().__init__()
        self.happens, self.times, self.steps = happens, times, 0

    def compile(self, graph: Graph) -> Callable[[Sequence[Array]], list[Array]]:
        run = super().compile(graph)

        def disturbed(arrays: Sequence[Array]) -> list[Array]:
            self.steps += 1
            if self.steps <= self.times:
                self.happens()
            return run(arrays)

        return disturbed


def in_a_thread(act: Callable[[], Any]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def counting(backend: Any) -> tuple[pt.Slot, Any]:
    slot = pt.Slot(pt.zeros((3,)), name="count")

    def step() -> Any:
        slot.value = slot.value + 1.0
        return slot.value

    return slot, pt.compile(step, backend=backend)


def test_a_step_whose_slot_another_thread_assigns_meanwhile_begins_again() -> None:
    backend = Disturbed(lambda: in_a_thread(lambda: setattr(slot, "value", pt.full((3,), 10.0))))
    slot, step = counting(backend)
    assert np.array(step()).tolist() == slot.numpy().tolist() == [11.0] * 3
    assert backend.steps == 2


def test_a_slot_that_is_read_alone_is_looked_at_too() -> None:
    """Otherwise what is written would follow from a value that was gone before."""
    rate, total = pt.Slot(pt.ones(()), name="rate"), pt.Slot(pt.zeros(()), name="total")

    def change() -> None:
        rate.value, total.value = pt.full((), 5.0), pt.full((), 100.0)

    def step() -> None:
        total.value = total.value + rate.value

    pt.compile(step, backend=Disturbed(change))()
    assert total.value.item() == 105.0


def test_a_step_reads_its_slots_as_they_were_at_one_moment() -> None:
    a, b = pt.Slot(pt.zeros(()), name="a"), pt.Slot(pt.zeros(()), name="b")

    placed: list[Array] = []

    class Slow(NumPyBackend):
        def place(self, array: Array, dtype: str) -> Array:
            placed.append(array)
            if len(placed) == 1:
                a.value, b.value = pt.ones(()), pt.ones(())
            return super().place(array, dtype)

    pair = pt.compile(lambda: (a.value * 1.0, b.value * 1.0), backend=Slow())()
    assert [value.item() for value in pair] == [1.0, 1.0]


def test_a_step_that_writes_what_it_does_not_read_has_the_last_word() -> None:
    slot = pt.Slot(pt.zeros((2,)), name="last")
    backend = Disturbed(lambda: setattr(slot, "value", pt.ones((2,))))

    def step(x: Any) -> None:
        slot.value = x

    pt.compile(step, backend=backend)(pt.full((2,), 7.0))
    assert slot.numpy().tolist() == [7.0, 7.0]


def test_a_slot_that_becomes_a_piece_of_another_meanwhile() -> None:
    flat = []
    backend = Disturbed(lambda: flat.append(pt.flatten_slots([slot], "flat")))
    slot, step = counting(backend)
    assert np.array(step()).tolist() == [1.0] * 3
    assert slot.numpy().tolist() == np.array(flat[0].value)[:3].tolist() == [1.0] * 3
    step()
    assert slot.numpy().tolist() == [2.0] * 3


def test_a_step_that_never_comes_to_its_end_says_so_and_changes_nothing() -> None:
    backend = Disturbed(lambda: setattr(slot, "value", slot.value + 10.0), times=1000)
    slot, step = counting(backend)
    with pytest.raises(pt.Error) as raised:
        step()
    assert str(raised.value) == (
        "[backend numpy] other threads changed slot count during 100 tries of a step that reads it; expected one "
        "thread at a time; lock the step, or give each thread a model and a generator of its own"
    )
    assert slot.numpy().tolist() == [1000.0] * 3


@pytest.mark.parametrize("second", [True, False], ids=["two backends", "backend and engine"])
def test_no_update_of_two_threads_is_lost(second: bool) -> None:
    slot = pt.Slot(pt.zeros((1 << 12,)), name="count")

    def add() -> Any:
        slot.value = slot.value + 1.0
        return slot.value[0]

    class Waiting(NumPyBackend):
        """Lets other threads run, as one does that waits for a device."""

        def fetch(self, array: Array) -> Array:
            threading.Event().wait(1e-5)
            return super().fetch(array)

    steps = [pt.compile(add, backend=Waiting()), pt.compile(add, backend=Waiting() if second else None)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda step: [step() for _ in range(100)], steps))
    assert np.array(slot.value).tolist() == [200.0] * (1 << 12)


def test_a_reader_of_one_slot_lets_nobody_in_between_the_writes_of_a_step() -> None:
    """A step of the engine's holds leases of what it reads; the backend's waits for all before it writes anything."""
    slots = [pt.Slot(pt.zeros((256, 256)), name=f"s{i}") for i in range(3)]
    product = pt.Slot(pt.eye(256), name="product")

    def add() -> None:
        for slot in slots:
            slot.value = slot.value + 1.0

    @pt.compile
    def read() -> Any:
        total = slots[0].value
        for _ in range(20):
            total = total @ product.value
        return (total + slots[1].value + slots[2].value).sum()

    there, here = pt.compile(add, backend=NumPyBackend()), pt.compile(add)
    stop = threading.Event()
    wrong: list[float] = []

    def look() -> None:
        while not stop.is_set():
            mean = read().item() / 256**2 / 3
            if mean != round(mean):
                wrong.append(mean)

    looking = threading.Thread(target=look)
    looking.start()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda step: [step() for _ in range(60)], [there, here]))
    stop.set()
    looking.join()
    assert not wrong
    assert [slot.numpy()[0, 0] for slot in slots] == [120.0] * 3


@pytest.mark.parametrize("when", ["before the value is placed", "after it"])
def test_a_write_while_a_step_gathers_its_arrays_is_kept(when: str) -> None:
    """The other step's result lies with its backend alone; what this one holds of the slot is older."""
    slot = pt.Slot(pt.zeros((4,)), name="count")

    def add() -> None:
        slot.value = slot.value + 1.0

    other = pt.compile(add, backend=NumPyBackend())
    other()
    turns = [1]

    class Interrupted(NumPyBackend):
        def place(self, array: Array, dtype: str) -> Array:
            placed = super().place(array, dtype) if when == "after it" else None
            if array.shape == (4,) and turns:
                turns.clear()
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(other).result(30)
            return super().place(array, dtype) if placed is None else placed

    step = pt.compile(add, backend=Interrupted())
    step()
    assert np.array(slot.value).tolist() == [3.0] * 4
