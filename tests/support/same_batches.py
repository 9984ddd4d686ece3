"""Whether a loader gives the same batches for any number of workers, and after a resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from powertrain.data import DataLoader


def batches(loader: DataLoader) -> list[Any]:
    """All batches of pairs, as lists."""
    return [(x.tolist(), y.tolist()) for x, y in loader]


def demand_same_batches(make: Callable[[], Any], batch_size: int, stop: int, shuffle: bool = True) -> dict[str, Any]:
    """The state of a loader that was left after `stop` batches; `make` opens the data set."""
    data = make()
    wanted = batches(DataLoader(data, batch_size, shuffle=shuffle, seed=3))
    for workers in (1, 2, 8):
        assert batches(DataLoader(data, batch_size, shuffle=shuffle, seed=3, num_workers=workers)) == wanted
    interrupted = DataLoader(data, batch_size, shuffle=shuffle, seed=3, num_workers=2)
    iterator = iter(interrupted)
    for _ in range(stop):
        next(iterator)
    state = interrupted.state_dict()
    resumed = DataLoader(make(), batch_size, shuffle=shuffle, seed=3)
    resumed.load_state_dict(state)
    assert batches(resumed) == wanted[stop:]
    return state
