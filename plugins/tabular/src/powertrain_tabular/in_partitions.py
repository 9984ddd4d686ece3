"""Tables that lie in partitions, maybe on several machines: data frames of Dask, and data sets of Ray Data."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any


def partitions_of(values: Any) -> Callable[[], Iterator[Any]] | None:
    """What reads the partitions of a table one after the other as frames of pandas, always in the same order; None of
    anything else."""
    if hasattr(values, "__dask_graph__") and hasattr(values, "columns"):
        return lambda: (partition.compute() for partition in values.partitions)
    if _of_ray(values) and hasattr(values, "iter_batches"):
        return lambda: _blocks(values)
    return None


def _blocks(data: Any) -> Iterator[Any]:
    """The blocks of a data set of Ray Data. Texts with gaps may be of a dtype of its own, beside texts in others."""
    with _in_order(data):
        for block in data.iter_batches(batch_size=None, batch_format="pandas"):
            yield block.astype({name: object for name, dtype in block.dtypes.items() if _of_ray(dtype)})


def _of_ray(thing: object) -> bool:
    return type(thing).__module__.partition(".")[0] == "ray"


@contextlib.contextmanager
def _in_order(data: Any) -> Iterator[None]:
    """For the time of reading, blocks come in their order, and not as they are ready."""
    options = data.context.execution_options
    before, options.preserve_order = options.preserve_order, True
    try:
        yield
    finally:
        options.preserve_order = before
