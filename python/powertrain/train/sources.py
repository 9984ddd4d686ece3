"""Data as a run sees it: loaded, split and transformed as the recipe says, with cursors that a checkpoint can hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import Loader

if TYPE_CHECKING:
    from powertrain.data import Batch, Dataset
    from powertrain.recipe import Recipe


def prepare(recipe: Recipe, base: Path, role: str = "train") -> Dataset:
    """The data set of a recipe: loaded, its held-out parts taken off, its transforms fitted on the training part."""
    use = recipe.data[role]
    dataset: Dataset = use.plugin.load(use.params, base)
    shares = {"valid": recipe.split.valid, "test": recipe.split.test}
    parts = {name: share for name, share in shares.items() if share > 0}
    if parts:
        dataset = dataset.split(parts, seed=recipe.split.seed, stratify=recipe.split.stratify)
    return dataset.transformed([(feature.plugin, feature.params) for feature in recipe.features])


class TrainSource:
    """An endless stream of training batches. Its position is the loader's cursor, a slot of the run."""

    def __init__(self, dataset: Dataset, role: str, batch: int, seed: int, workers: int) -> None:
        sampling: Any = "random" if dataset.task == "language" else "shuffle"
        self.batch = batch
        self.tokens_per_batch = batch * (dataset.context or 1)
        self.loader = Loader(dataset.splits[role], batch, sampling=sampling, seed=seed, endless=True, workers=workers)
        self._batches: Iterator[Batch] | None = None

    @property
    def has_epochs(self) -> bool:
        return self.loader.sampling != "random"

    def __len__(self) -> int:
        """Batches in one epoch."""
        return len(self.loader)

    @property
    def epoch(self) -> int:
        return int(self.loader.cursor[0])

    def left_in_epoch(self) -> int:
        """Batches until the epoch ends."""
        return len(self) - int(self.loader.cursor[1]) // self.batch

    def take(self, count: int) -> Iterator[Batch]:
        """The next batches. The stream stays open in between, so that workers go on preparing."""
        for _ in range(count):
            if self._batches is None:
                self._batches = iter(self.loader)
            yield next(self._batches)

    def array(self) -> NDArray[np.int64]:
        return self.loader.cursor

    def restore(self, cursor: NDArray[Any]) -> None:
        self.close()
        self.loader.seek(cursor)

    def close(self) -> None:
        closing = getattr(self._batches, "close", None)
        if closing is not None:
            closing()
        self._batches = None


def constants(dataset: Dataset) -> dict[str, NDArray[Any]]:
    """What was fitted on the training part (a scaler's mean, a vocabulary): saved with the weights, never changed."""
    arrays = {f"data.{name}": np.asarray(value) for name, value in dataset.state.items()}
    for at, transform in enumerate(dataset.transforms):
        arrays.update({f"transform.{at}.{name}": np.asarray(value) for name, value in transform.state().items()})
    return arrays
