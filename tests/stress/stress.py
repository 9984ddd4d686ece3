"""Everything that a program may do at once, for as long as asked: `python tests/stress/stress.py --seconds 600`.

Each worker checks the numbers that it sees; the first wrong one, and any exception, ends the program with exit code 1.
"""

from __future__ import annotations

import argparse
import copy
import faulthandler
import gc
import logging
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable

# NumPy's OpenBLAS waits for ever when a process forks while one thread of it multiplies with others.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

import powertrain as pt
import powertrain.nn.functional as F

WIDTH = 24


class World:
    """What the threads share. Every step adds one to all of `count`, so that a torn value shows."""

    def __init__(self) -> None:
        self.count = pt.Slot(pt.zeros((1 << 14,)), "count")
        self.model = pt.nn.Sequential(
            pt.nn.Linear(WIDTH, 32), pt.nn.LayerNorm(32), pt.nn.ReLU(), pt.nn.Dropout(0.1), pt.nn.Linear(32, 4)
        )
        self.optimizer = pt.optim.AdamW(self.model, lr=1e-3, clip=1.0)
        self.step = pt.compile(self._step)
        self.predict = pt.compile(lambda x: self.model(x), limit=3)

    def _step(self, x: pt.Tensor, y: pt.Tensor) -> pt.Tensor:
        loss, grads = pt.nn.value_and_grad(self.model, lambda: F.cross_entropy(self.model(x), y))()
        self.optimizer.update(grads)
        self.count.value = self.count.value + 1.0
        return loss


class Worker:
    """One kind of work, with random numbers of its own."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.numbers = np.random.default_rng(seed)

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        rows = self.random.choice((1, 2, 7, 16, 64))
        x = self.numbers.normal(size=(rows, WIDTH)).astype(np.float32)
        return x, self.numbers.integers(0, 4, rows).astype(np.int32)


class Train(Worker):
    def __call__(self) -> None:
        loss = self.world.step(*self.batch()).item()
        assert np.isfinite(loss), loss


class Evaluate(Worker):
    def __call__(self) -> None:
        x, _ = self.batch()
        assert np.isfinite(np.array(self.world.predict(x))).all()
        value = self.world.count.value
        first = np.array(value)
        assert first.min() == first.max(), (first.min(), first.max())
        time.sleep(0)
        assert_array_equal(np.array(value), first)


class Eager(Worker):
    def __call__(self) -> None:
        n = self.random.choice((3, 65, 200))
        a, b = self.numbers.normal(size=(n, n)), self.numbers.normal(size=(n, n))
        assert_allclose(np.array(pt.asarray(a) @ pt.asarray(b)), a @ b, rtol=1e-9, atol=1e-9)
        rows = pt.softmax(pt.asarray(a.astype(np.float32)), axis=1)
        assert_allclose(np.array(rows.sum(axis=1)), 1.0, rtol=1e-4)
        slope = pt.grad(lambda t: (t * t).sum())(pt.asarray(a))
        assert_array_equal(np.array(slope), 2 * a)


class Compile(Worker):
    def __call__(self) -> None:
        scale = self.random.random()
        bias = pt.Slot(pt.zeros((5,)), "bias")

        @pt.compile
        def fresh(x: pt.Tensor) -> pt.Tensor:
            bias.value = bias.value + 1.0
            last, rows = pt.scan(lambda s, row: (s + row, s * scale), bias.value, x)
            return last + pt.cond((last > 0).all(), lambda t: t * 2.0, lambda t: t - 1.0, rows.sum(axis=0))

        for rows in (2, 3):
            result = np.array(fresh(np.ones((rows, 5), np.float32)))
            assert result.min() == result.max()
        assert fresh.traces == 2


class Own(Worker):
    """A model of this thread's own: an optimizer behind a trace, a copy, weights there and back."""

    def __call__(self) -> None:
        model = pt.nn.Linear(4, 3)
        predict = pt.compile(lambda x: model(x))
        x = self.numbers.normal(size=(5, 4)).astype(np.float32)
        before = np.array(predict(x))
        optimizer = pt.optim.SGD(model, lr=0.1)
        assert_array_equal(np.array(predict(x)), before)
        saved = {name: np.array(value) for name, value in model.state_dict().items()}
        _, grads = pt.nn.value_and_grad(model, lambda: model(pt.asarray(x)).sum())()
        optimizer.update(grads)
        model.load_state_dict(saved)
        assert_array_equal(np.array(predict(x)), before)
        copy.copy(saved)


class Fork(Worker):
    def __call__(self) -> None:
        child = os.fork()
        if child == 0:
            signal.setitimer(signal.ITIMER_REAL, 0)
            code = 1
            try:
                Evaluate(self.world, 1)()
                self.world.step(*self.batch())
                code = 0
            finally:
                os._exit(code)
        end = time.monotonic() + 60
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            if time.monotonic() > end:
                os.kill(child, signal.SIGABRT)
                raise AssertionError("a child hangs")
            time.sleep(0.002)
        assert status == 0, f"a child ended with status {status}"
        time.sleep(0.02)


class Collect(Worker):
    def __call__(self) -> None:
        ring: list[object] = [pt.ones((100,)), self.world.predict]
        ring.append(ring)
        del ring
        gc.collect()
        pt.set_threads(self.random.choice((1, 2, 3)))
        time.sleep(0.01)


class Race(Worker):
    """A planted fault, for the test of the test: writes memory that others read, behind the engine's back."""

    def __call__(self) -> None:
        import ctypes

        value = self.world.count.value
        address = value.__array_interface__["data"][0] if hasattr(value, "__array_interface__") else None
        address = address or np.asarray(value).ctypes.data
        ctypes.memset(address, self.random.randrange(256), 64)


def run(
    work: Callable[[], None], end: float, calls: dict[str, int], failures: list[str], stop: threading.Event
) -> None:
    name = type(work).__name__
    try:
        while time.monotonic() < end and not stop.is_set():
            work()
            calls[name] = calls.get(name, 0) + 1
    except BaseException:
        failures.append(f"{name}\n{traceback.format_exc()}")
        stop.set()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-forks", action="store_true", help="for sanitizers that cannot follow one")
    parser.add_argument("--plant", action="store_true", help="plant a fault that must be found")
    options = parser.parse_args()
    faulthandler.enable()
    logging.disable()  # shapes change all the time, and each new one would be told
    # A whole run that hangs says where.
    faulthandler.dump_traceback_later(options.seconds * 3 + 120, exit=True)
    world = World()
    world.step(np.zeros((2, WIDTH), np.float32), np.zeros(2, np.int32))
    kinds: list[type[Worker]] = [Train, Train, Evaluate, Eager, Compile, Own, Collect]
    kinds.append(Race if options.plant else Eager if options.no_forks or not hasattr(os, "fork") else Fork)
    signals = [0]

    def tick(number: int, frame: object) -> None:
        signals[0] += 1

    signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    end, calls, failures, stop = time.monotonic() + options.seconds, {}, [], threading.Event()
    threads = [
        threading.Thread(target=run, args=(kind(world, options.seed + at), end, calls, failures, stop))
        for at, kind in enumerate(kinds)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(", ".join(f"{name} {count}" for name, count in sorted(calls.items())), f"; {signals[0]} signals")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
