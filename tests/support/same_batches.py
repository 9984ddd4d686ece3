"""Whether a loader gives the same batches for any number of workers, and after a resume."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from powertrain.data import DataLoader, Transformed


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


def digest_of_training(source: Any, changes: Sequence[Any], batch_size: int, epochs: int, workers: int) -> str:
    """The hash of all batches of some epochs, with random changes of these kinds."""
    chain = [one(one.Params()) for one in changes]
    loader = DataLoader(
        Transformed(source, chain), batch_size, shuffle=True, seed=3, num_workers=workers, augment=True,
        pad_last=True,
    )  # fmt: skip
    made = hashlib.sha256()
    for _ in range(epochs):
        for batch in loader:
            for name, values in batch.arrays.items():
                made.update(name.encode() + np.ascontiguousarray(values).tobytes())
    return made.hexdigest()
