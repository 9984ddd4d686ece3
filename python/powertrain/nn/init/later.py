"""Parameters whose initial values are drawn when somebody first reads them: where a checkpoint replaces all of them,
nobody does."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import powertrain as pt
from powertrain import _core
from powertrain.nn.init.values import Generator, Shape, chosen
from powertrain.nn.parameter import Parameter

_LEAST = 1 << 16  # numbers; fewer are drawn in less time than it takes to note what they are


class _InThread(threading.local):
    later = False


_in_thread = _InThread()


@contextmanager
def drawn_later() -> Iterator[None]:
    """In the block, layers that are made in this thread draw their large parameters when these are first read.

    They have the same numbers as without it, and the generators come out the same. So a model whose weights a
    checkpoint replaces takes neither the time nor the memory of the first ones.

    >>> with pt.nn.init.drawn_later():
    ...     layer = pt.nn.Linear(512, 512)
    >>> layer.load_state_dict(pt.nn.Linear(512, 512).state_dict())
    <All keys matched successfully>
    """
    before, _in_thread.later = _in_thread.later, True
    try:
        yield
    finally:
        _in_thread.later = before


def parameter(initial: Callable[..., pt.Tensor], shape: Shape, *settings: Any, generator: Generator | None) -> pt.Slot:
    """A parameter of `initial(shape, *settings, generator=generator)`, which draws float32 numbers by one call."""
    plain = not _in_thread.later or math.prod(shape) < _LEAST or _core.current_device() != "cpu"
    if plain:
        return Parameter(initial(shape, *settings, generator=generator))
    source = chosen(initial.__name__, generator)
    state = source.slot.value
    source.standard_normal(0)  # a call of no numbers, behind which the generator is as behind one of many

    def first() -> pt.Tensor:
        again = Generator(0)
        again.slot.value = state
        return initial(shape, *settings, generator=again)

    return _core.slot_later(first, tuple(shape), "float32", trainable=True)
