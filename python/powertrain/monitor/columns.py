"""What is watched of a batch: the columns that stand for its inputs and for the model's outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# Examples of more numbers, such as pictures, are watched by four statistics of each.
MOST_INPUTS, MOST_OUTPUTS = 256, 16
TOGETHER = 1 << 14  # numbers whose statistics are computed at once, which a processor's nearest caches hold
MOST_WIDTH = 64  # numbers of a representation that have a mean and a covariance


def of_inputs(x: Any, names: Sequence[str] = ()) -> dict[str, Array]:
    """The columns of a batch of inputs [examples, ...]: one for each number of an example, and four statistics
    of a picture, or of what has too many numbers."""
    return _columns(np.asarray(x), MOST_INPUTS, names, "x")


def answered(logits: Any, threshold: float | None) -> NDArray[np.int64]:
    """The number of the class of each row: of the largest, or the second one from a probability on."""
    logits = np.asarray(logits)
    if threshold is None:
        return logits.argmax(axis=1)
    wide = logits.astype(np.float64)
    return (wide[:, 1] - wide[:, 0] >= margin_of(threshold)).astype(np.int64)


def margin_of(threshold: float) -> float:
    """How far the second of two logits is above the first where its probability is the threshold."""
    return math.log(threshold) - math.log1p(-threshold)


def of_outputs(outputs: Any, labels: Sequence[str] | None, threshold: float | None = None) -> dict[str, Array]:
    """The columns of a batch of outputs. Of logits (where there are labels) the class and its probability."""
    outputs = np.asarray(outputs)
    if labels is None or outputs.ndim != 2:
        return _columns(outputs, MOST_OUTPUTS, (), "output")
    logits = outputs.astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    best = answered(logits, threshold)
    own = np.take_along_axis(powers, best[:, None], axis=1)[:, 0]
    return {"class": np.array(labels, dtype=object)[best], "probability": own / powers.sum(axis=1)}


def representation(outputs: Any) -> NDArray[np.float64]:
    """The numbers of each output of which mean and covariance are kept."""
    outputs = np.asarray(outputs)
    return _rows(outputs)[:, :MOST_WIDTH].astype(np.float64)


def statistics(stem: str) -> list[str]:
    """Names of the four columns that stand for examples of many numbers."""
    return [f"{stem} {name}" for name in ("mean", "deviation", "smallest", "largest")]


def _rows(values: Array) -> Array:
    """The numbers of each example in a row; of no example too, where -1 would say nothing."""
    return values.reshape(len(values), math.prod(values.shape[1:]))


def _columns(values: Array, most: int, names: Sequence[str], stem: str) -> dict[str, Array]:
    """A column for each number, unless they are too many; and the statistics of a picture or a sequence."""
    flat = _rows(values)
    width = flat.shape[1]
    found: dict[str, Array] = {}
    if width <= most:
        named = names if len(names) == width else [stem if width == 1 else f"{stem}{at}" for at in range(width)]
        found = {name: flat[:, at] for at, name in enumerate(named)}
    if width > most or (values.ndim > 2 and width > 1):
        found.update(zip(statistics(stem), _statistics(flat), strict=True))
    return found


def _statistics(flat: Array) -> Array:
    """Mean, deviation, smallest and largest number of each row, of some rows at a time. Of all pictures of a data set
    at once, numbers of 64 bits would be written to memory four times."""
    made = np.empty((4, len(flat)))
    rows = max(1, TOGETHER // flat.shape[1])
    for begin in range(0, len(flat), rows):
        some = slice(begin, begin + rows)
        numbers = flat[some].astype(np.float64)
        made[:, some] = numbers.mean(axis=1), numbers.std(axis=1), numbers.min(axis=1), numbers.max(axis=1)
    return made
