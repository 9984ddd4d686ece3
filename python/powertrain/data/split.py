"""Splits: which examples are for training, validation and test, as a function of (sizes, seed, labels)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import order
from powertrain.data.dataset import Subset
from powertrain.data.errors import DataError
from powertrain.data.samplers import seed_of
from powertrain.data.source import Array, length_of
from powertrain.errors.arguments import shown

if TYPE_CHECKING:
    from powertrain.random import Generator
    from powertrain.typing import DatasetLike

Rows = NDArray[np.int64]


def demand_shares(parts: object) -> None:
    """Raise DataError unless these are shares by the names of their parts."""
    if not isinstance(parts, Mapping):
        raise DataError(
            "split", shown(parts), "expected the share of each part by its name", 'write {"valid": 0.1, "test": 0.2}'
        )


def _check(count: int, parts: Mapping[str, float]) -> None:
    demand_shares(parts)
    for name, part in parts.items():
        if not 0 < part < 1:
            raise DataError("split", f"{name} = {part:g}", "expected a share above 0 and below 1", "0.1 is usual")
    if sum(parts.values()) >= 1:
        raise DataError(
            "split",
            f"{' + '.join(parts)} = {sum(parts.values()):g}",
            "expected shares that leave examples to train on",
            "lower them",
        )
    if count < 1 + len(parts):
        raise DataError(
            "split", f"{count} examples for {1 + len(parts)} parts", "expected one for each", "add more data"
        )


def _sizes(count: int, parts: Mapping[str, float]) -> dict[str, int]:
    """Rounded sizes, at least one example each."""
    sizes = {name: max(1, round(part * count)) for name, part in parts.items()}
    if sum(sizes.values()) >= count:
        taken = " and ".join(f"{size} for {name}" for name, size in sizes.items())
        raise DataError(
            "split", f"{taken} of {count} examples", "expected some to train on", "lower the shares or add data"
        )
    return sizes


def permutation(count: int, seed: int = 0, call: int = 0) -> Rows:
    """Return range(count) in a random order, which depends on the arguments alone and not on NumPy's version.

    `call` tells apart the orders that one seed is asked for. The splits deal rows out in the order of call 0.

    Shapes    [count], int64
    Errors    a negative count or call: DataError
    Source    Salmon et al. 2011 (Philox), whose words are sorted
    Example
        >>> permutation(5, seed=1).tolist()
        [3, 2, 4, 1, 0]
    """
    for name, value in (("count", count), ("call", call)):
        if not isinstance(value, (int, np.integer)) or value < 0:
            raise DataError("permutation", f"{name} = {shown(value)}", "expected a whole number >= 0", f"change {name}")
    return order.permutation(int(count), seed_of(seed, None, "permutation") or 0, order.SPLIT, int(call))


def random_split(
    dataset: DatasetLike, lengths: Sequence[float], generator: Generator | None = None, *, seed: int | None = None
) -> list[Subset]:
    """Parts of a data set, each example in one of them: `lengths` are numbers of examples, or shares that add up to 1.

    >>> [len(part) for part in random_split(range(10), [0.7, 0.3])]
    [7, 3]
    """
    count = length_of(dataset, "random_split")
    sizes = _lengths(lengths, count)
    rows = permutation(count, seed_of(seed, generator, "random_split") or 0)
    ends = np.cumsum(sizes)
    return [Subset(dataset, rows[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def _lengths(lengths: Any, count: int) -> list[int]:
    values = np.asarray(lengths)
    shares = values.dtype.kind == "f"
    if (
        values.ndim != 1
        or values.dtype.kind not in "iuf"
        or not (values > 0).all()
        or (abs(values.sum() - 1) > 1e-9 if shares else values.sum() != count)
    ):
        raise DataError(
            "random_split", f"lengths = {lengths!r} for {count} examples",
            f"expected numbers of examples above 0 that add up to {count}, or shares that add up to 1",
            "for example random_split(dataset, [0.8, 0.2])",
        )  # fmt: skip
    if not shares:
        return [int(value) for value in values]
    # As in PyTorch: rounded down, and what is left over goes to the first parts, one each.
    sizes = [int(np.floor(share * count + 1e-9)) for share in values]
    for at in range(count - sum(sizes)):
        sizes[at % len(sizes)] += 1
    if min(sizes) == 0:
        raise DataError(
            "random_split", f"lengths = {lengths!r} for {count} examples", "expected an example in each part",
            "raise the share, or add data",
        )  # fmt: skip
    return sizes


def split_random(count: int, parts: Mapping[str, float], seed: int = 0) -> dict[str, Rows]:
    """Rows of each part, and of "train", which gets the rest; ascending within a part.

    >>> {name: len(rows) for name, rows in split_random(10, {"test": 0.2}).items()}
    {'train': 8, 'test': 2}
    """
    _check(count, parts)
    return _cut(permutation(count, seed), _sizes(count, parts))


def split_stratified(labels: Array, parts: Mapping[str, float], seed: int = 0) -> dict[str, Rows]:
    """Like `split_random`, with the classes in the same proportions in every part.

    Sizes are those of `split_random`: each part takes examples from the shuffled classes in turn, as their shares
    come due, so that rounding one class after another cannot make a part too large.

    Example
        >>> parts = pt.data.split_stratified(np.arange(10) % 2, {'test': 0.2})
        >>> len(parts['test'])
        2
    """
    _check(len(labels), parts)
    shuffled = permutation(len(labels), seed)
    values = np.asarray(labels)[shuffled]
    due = np.empty(len(labels), dtype=np.float64)
    for value in np.unique(values):
        mine = np.flatnonzero(values == value)
        # Example k of n stands at (k + 1/2) / n of its class; sorting by that interleaves the classes evenly.
        due[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return _cut(shuffled[np.argsort(due, kind="stable")], _sizes(len(labels), parts))


def split_labelled(labels: Array, count: int, classes: int, seed: int = 0) -> dict[str, Rows]:
    """Rows of "train", `count` of each class at random, and of "unlabelled", all others; ascending within a part.

    Example
        >>> parts = pt.data.split_labelled(np.arange(10) % 2, 2, 2)
        >>> len(parts['train']), len(parts['unlabelled'])
        (4, 6)
    """
    shuffled = permutation(len(labels), seed)
    values, kept = np.asarray(labels)[shuffled], np.zeros(len(labels), bool)
    for value in range(classes):
        mine = shuffled[values == value][:count]
        if len(mine) < count:
            raise DataError(
                "split", f"labelled = {count}, and {len(mine)} training examples of class {value}",
                f"expected {count} or more of each class", "lower labelled or add examples",
            )  # fmt: skip
        kept[mine] = True
    if kept.all():
        raise DataError(
            "split", f"labelled = {count} of each class, which is all {len(labels)} training examples",
            "expected some without labels", "lower labelled or leave it out",
        )  # fmt: skip
    return {"train": np.flatnonzero(kept), "unlabelled": np.flatnonzero(~kept)}


def split_ordered(count: int, parts: Mapping[str, float]) -> dict[str, Rows]:
    """The first examples to train on and the last ones for the other parts: for series and text.

    Example
        >>> parts = pt.data.split_ordered(10, {'test': 0.2})
        >>> parts['test'].tolist()
        [8, 9]
    """
    bounds = ordered_bounds(count, parts)
    return {name: np.arange(start, end, dtype=np.int64) for name, (start, end) in bounds.items()}


def ordered_bounds(count: int, parts: Mapping[str, float]) -> dict[str, tuple[int, int]]:
    """The first row of each part of `split_ordered`, and the one after its last."""
    _check(count, parts)
    sizes = _sizes(count, parts)
    train = count - sum(sizes.values())
    edges = list(itertools.accumulate([0, train, *sizes.values()]))
    return dict(zip(["train", *sizes], itertools.pairwise(edges), strict=True))


def _cut(rows: Rows, sizes: Mapping[str, int]) -> dict[str, Rows]:
    out: dict[str, Rows] = {"train": np.sort(rows[sum(sizes.values()) :])}
    start = 0
    for name, size in sizes.items():
        out[name] = np.sort(rows[start : start + size])
        start += size
    return out
