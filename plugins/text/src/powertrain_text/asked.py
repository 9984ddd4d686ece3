"""Texts that a trained model is asked about: the lines of a file, or a list."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataModule, InputFile


def reading_texts(
    kept: DataModule,
    vocabulary: Any,
    rows: Callable[[Sequence[str]], NDArray[np.int64]],
    show: Callable[[Any], str],
    *,
    named: bool = True,
) -> DataModule:
    """A kept data set that reads texts.

    rows    what the model reads of some texts
    show    a row as a text
    named   whether an answer names its text
    """

    def read(given: InputFile, count: int) -> Iterator[tuple[list[str], Any]]:
        for texts in given.lines(count):
            yield list(texts) if named else [], rows(texts)

    def encode(values: Any) -> Any:
        is_list = isinstance(values, Sequence) and not isinstance(values, (str, bytes))
        return rows(values) if is_list and values and all(isinstance(one, str) for one in values) else None

    return dataclasses.replace(kept, vocabulary=vocabulary, show=show, read=read, encode=encode)
