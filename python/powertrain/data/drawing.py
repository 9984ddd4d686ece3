"""Random numbers of one example: a function of (seed, epoch, index), wherever in the making of it they are drawn.

The loader says which example a thread is making; random transforms and `pt.random` ask for its numbers. So an example
comes out the same on any number of workers and after a resume.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import numpy as np

from powertrain import _core, random
from powertrain.data.order import EXAMPLES, Cursor, Draw
from powertrain.random.default import in_thread

# Marks the streams of examples, of which others begin with 0.
_EXAMPLES = 1 << 62
# Among them, those of whole batches: no data set has so many examples.
_BATCHES = 1 << 39


T = TypeVar("T")


class _Local(threading.local):
    epoch: tuple[int, int] | None = None  # seed and epoch of the batch that a data set is asked for
    key: tuple[int, Cursor] | None = None
    draw: Draw | None = None
    # Made by the first example that draws from it, and kept: a compiled function knows the slot that it drew from.
    generator: random.Generator | None = None


_local = _Local()
# Outside of a loader each call is another example.
_calls = itertools.count()


@contextmanager
def example(seed: int, epoch: int, index: int) -> Iterator[None]:
    """Inside, this thread makes the example `index` of an epoch."""
    before = _local.key, _local.draw, in_thread.generator
    around = None if before[0] is None or _local.generator is None else _local.generator.slot.value
    _local.key, _local.draw, in_thread.generator = (seed, Cursor(epoch, index)), None, _generator
    # Not when it is asked for, which may be in a trace: a program would then hold the state of its first example.
    if _local.generator is not None:
        _local.generator.slot.value = _state(_local.key)
    try:
        yield
    finally:
        _local.key, _local.draw, in_thread.generator = before
        if _local.key is not None and _local.generator is not None:
            _local.generator.slot.value = _state(_local.key) if around is None else around


def whole_batch(seed: int, end: Cursor) -> AbstractContextManager[None]:
    """Inside, this thread makes the batch that ends there: what is drawn for all of its examples at once."""
    return example(seed, end.epoch, _BATCHES | end.position)


@contextmanager
def batch(seed: int, epoch: int) -> Iterator[None]:
    """Inside, the data sets that this thread asks for rows make those of an epoch."""
    before, _local.epoch = _local.epoch, (seed, epoch)
    try:
        yield
    finally:
        _local.epoch = before


def of_epoch(make: Callable[[int], T], index: int) -> T:
    """The example `index` of a data set: of the epoch whose batch is made, if one is."""
    if _local.epoch is None or _local.key is not None:
        return make(index)
    with example(*_local.epoch, index):
        return make(index)


def current() -> Draw:
    """The random numbers of the example that this thread is making; each call goes on with them."""
    if _local.key is None:
        return Draw(0, EXAMPLES, Cursor(1 << 63, next(_calls)))
    if _local.draw is None:
        seed, place = _local.key
        _local.draw = Draw(seed, EXAMPLES, place)
    return _local.draw


def _generator() -> random.Generator:
    """What `pt.random` draws from while this thread makes an example."""
    if _local.generator is None:
        assert _local.key is not None
        _local.generator = random.Generator(0, name="random.example")
        _local.generator.slot = _core.Slot(_state(_local.key), "random.example")
    return _local.generator


def _state(key: tuple[int, Cursor]) -> _core.Tensor:
    """Of a generator: the loader's seed, and a stream for each example of an epoch."""
    seed, (epoch, index) = key
    stream = _EXAMPLES | (epoch & 0x3FFFFF) << 40 | (index & 0xFFFFFFFFFF)
    return _core.tensor(np.array([seed & 0xFFFFFFFFFFFFFFFF, stream, 0], np.uint64).view(np.int64))
