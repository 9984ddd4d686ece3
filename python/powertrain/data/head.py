"""Streams as parts of a data set: training iterates them, and what looks at rows sees the first ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from powertrain.data.collate import as_fields, stacked
from powertrain.data.dataset import Dataset, IterableDataset
from powertrain.data.errors import DataError
from powertrain.data.source import Fields, Indices, Source, anew
from powertrain.data.targets import Learned
from powertrain.data.transforms import Transformed

HEAD = 4096


class Head(Dataset):
    """The first examples of a stream as a source, in memory once somebody asks: for a model's inputs, for what a
    transform learns, for a baseline. Its length need not be known, and is not that of the stream."""

    def __init__(self, stream: IterableDataset, count: int = HEAD) -> None:
        self.stream, self._count = stream, count
        self._held: Fields | None = None

    def _fields(self) -> Fields:
        if self._held is None:
            begin_epoch(self.stream, 0)
            first = list(itertools.islice(iter(self.stream), self._count))
            if not first:
                raise DataError(
                    type(self.stream).__name__, "a stream without an example", "expected some",
                    "start a new iteration in each __iter__: a generator can be read only once",
                )  # fmt: skip
            self._held = as_fields(stacked(first))
        return self._held

    def __len__(self) -> int:
        return len(next(iter(self._fields().values())))

    @anew()
    def fetch(self, indices: Indices) -> Fields:
        return {name: value[indices] for name, value in self._fields().items()}


class Over(IterableDataset):
    """A stream made of the examples of another one, which is as long."""

    stream: IterableDataset

    def set_epoch(self, epoch: int) -> None:
        begin_epoch(self.stream, epoch)


class _Mapped(Over):
    """A stream whose examples pass through fitted transforms, or have their targets on another scale."""

    def __init__(self, stream: IterableDataset, transformed: Transformed | Learned) -> None:
        self.stream, self.transformed = stream, transformed

    def __iter__(self) -> Iterator[Any]:
        for example in self.stream:
            fields = self.transformed.mapped(as_fields(stacked([example])))
            yield {name: value[0] for name, value in fields.items()}


def begin_epoch(stream: IterableDataset, epoch: int) -> None:
    """Tell a stream that differs from epoch to epoch which one comes."""
    if hasattr(stream, "set_epoch"):
        stream.set_epoch(epoch)


def known_to_end(stream: IterableDataset) -> bool:
    """Whether a stream has a length; any other may go on for ever."""
    return known_to_end(stream.stream) if isinstance(stream, Over) else hasattr(stream, "__len__")


def stream_of(source: Source) -> IterableDataset | None:
    """The stream that training iterates in place of a source; None where examples are asked for by number."""
    if isinstance(source, Head):
        return source.stream
    if isinstance(source, (Transformed, Learned)) and (stream := stream_of(source.source)) is not None:
        return _Mapped(stream, source)
    return None
