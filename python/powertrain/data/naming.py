"""Names of examples, such as those of their files: a data set that knows them has a method `example_names(indices)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from powertrain.data.cached import Cached
from powertrain.data.dataset import Subset
from powertrain.data.pairs import Pairs, Weighing
from powertrain.data.source import Indices
from powertrain.data.targets import Learned
from powertrain.data.transforms import Transformed


def example_names(source: Any, rows: Indices) -> Sequence[str]:
    """The names of some examples of a part of the data; empty where they have none."""
    while not hasattr(source, "example_names"):
        if isinstance(source, Subset):
            source, rows = source.dataset, source.indices.take(rows)
        elif isinstance(source, (Cached, Transformed, Learned, Weighing)):
            source = source.source
        elif isinstance(source, Pairs):
            source = source.dataset
        else:
            return ()
    names: Sequence[str] = source.example_names(rows)
    return names
