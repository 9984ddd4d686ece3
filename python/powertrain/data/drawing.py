"""Random numbers of one example: a function of (seed, epoch, index), wherever in the making of it they are drawn.

The loader says which example a thread is making; random transforms ask for its numbers. So an example comes out the
same on any number of workers and after a resume.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from powertrain.data.order import EXAMPLES, Cursor, Draw


class _Local(threading.local):
    key: tuple[int, Cursor] | None = None
    draw: Draw | None = None


_local = _Local()
# Outside of a loader each call is another example.
_calls = itertools.count()


@contextmanager
def example(seed: int, epoch: int, index: int) -> Iterator[None]:
    """Inside, this thread makes the example `index` of an epoch."""
    before = _local.key, _local.draw
    _local.key, _local.draw = (seed, Cursor(epoch, index)), None
    try:
        yield
    finally:
        _local.key, _local.draw = before


def current() -> Draw:
    """The random numbers of the example that this thread is making; each call goes on with them."""
    if _local.key is None:
        return Draw(0, EXAMPLES, Cursor(1 << 63, next(_calls)))
    if _local.draw is None:
        seed, place = _local.key
        _local.draw = Draw(seed, EXAMPLES, place)
    return _local.draw
