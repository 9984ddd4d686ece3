"""Grain with transforms in NumPy, as its pages show, for benchmarks/loader.py."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grain
import numpy as np


class Pictures:
    """Pictures in memory, or in files, by their number."""

    def __init__(self, workload: Any, pictures: Any, folder: Path) -> None:
        self.workload, self.x = workload, pictures
        self.paths = [] if workload.count else sorted((folder / workload.name).rglob("*.*"))

    def __len__(self) -> int:
        return len(self.paths) or len(self.x)

    def __getitem__(self, at: int) -> tuple[Any, int]:
        if not self.paths:
            return self.x[at], at % 10
        from PIL import Image

        with Image.open(self.paths[at]) as found:
            size = self.workload.size
            picture = found.convert("RGB").resize((size, size)) if size else found.convert("RGB")
            return np.asarray(picture), int(self.paths[at].parent.name)


class Change(grain.transforms.RandomMap):
    def __init__(self, padding: int, mean: float, std: float) -> None:
        self.padding, self.mean, self.std = padding, mean, std

    def random_map(self, element: tuple[Any, int], rng: np.random.Generator) -> tuple[Any, int]:
        x, y = element
        if by := self.padding:
            top, left = rng.integers(0, 2 * by + 1, 2)
            around = ((by, by), (by, by), *((0, 0),) * (x.ndim - 2))
            x = np.pad(x, around)[top : top + x.shape[0], left : left + x.shape[1]]
        if rng.random() < 0.5:
            x = x[:, ::-1]
        return (x.astype(np.float32) / 255 - self.mean) / self.std, y


class Batches:
    """A pipeline that is shuffled anew each time."""

    def __init__(self, source: Sequence[Any], change: Change, workers: int, batch: int) -> None:
        self.source, self.change, self.workers, self.batch = source, change, workers, batch
        self.epochs = itertools.count()

    def __iter__(self) -> Iterator[Any]:
        made = grain.MapDataset.source(self.source).seed(next(self.epochs)).shuffle().random_map(self.change)
        rows = made.batch(self.batch).to_iter_dataset()
        if self.workers:
            rows = rows.mp_prefetch(grain.MultiprocessingOptions(num_workers=self.workers))
        return iter(rows)


def batches(
    workload: Any, pictures: Any, folder: Path, workers: int, batch: int, mean: float, std: float
) -> Iterable[Any]:
    return Batches(Pictures(workload, pictures, folder), Change(workload.padding, mean, std), workers, batch)
