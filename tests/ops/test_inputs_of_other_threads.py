"""A prepared call that lets other threads run (`cpp/ops/prepared.cpp`): what they do to its inputs meanwhile."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import powertrain as pt


@contextmanager
def another_thread(call: Callable[[], object]) -> Iterator[None]:
    """A thread that makes a call again and again."""
    stop = threading.Event()

    def again() -> None:
        while not stop.is_set():
            call()

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_tape_remembers_the_factor_that_was_read() -> None:
    """A long call lets other threads run, and they give its input another value."""
    x, y = pt.ones((1024, 1024)), pt.ones((1024, 1024)) + 0.0

    def raise_all() -> None:
        nonlocal y
        y += 1.0

    read = []

    def total(x: pt.Tensor) -> pt.Tensor:
        product = x * y
        read.append(product[0, 0].item())
        return product.sum()

    gradient = pt.grad(total)
    with another_thread(raise_all):
        for _ in range(20):
            assert gradient(x)[0, 0].item() == read[-1]


def test_a_list_that_another_thread_empties_meanwhile() -> None:
    x, parts = pt.ones((512, 1024)), []

    def empty() -> None:
        parts.clear()
        gc.collect(0)

    def total(x: pt.Tensor) -> pt.Tensor:
        parts.extend([x, pt.ones((1024, 1024)) + 1.0, x * 2.0])
        given = parts
        try:
            return pt.concat(given).sum()
        except pt.Error:  # it was emptied before the call
            return x.sum()

    gradient = pt.grad(total)
    with another_thread(empty):
        for _ in range(20):
            assert gradient(x)[0, 0].item() in (1.0, 2.0, 3.0)
