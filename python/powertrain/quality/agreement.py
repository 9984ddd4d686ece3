"""How far annotators agree beyond chance: the kappas of Cohen and of Fleiss, Krippendorff's alpha.

All take ratings [items, annotators], numbers or names. A gap is NaN or None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import DataError, demand_choice
from powertrain.errors.arguments import shown

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
# Counts by item and by pair of categories are tables: of measured numbers, each its own category, they fill the memory.
MOST_CATEGORIES = 4096
WEIGHTS = (None, "linear", "quadratic")
LEVELS = ("nominal", "ordinal", "interval")


def cohen_kappa(
    first: TensorLike, second: TensorLike, *, weights: str | None = None, order: Sequence[object] | None = None
) -> float:
    """Cohen's kappa of two annotators: agreement beyond chance, 1 where they always agree, 0 where by chance alone.

    NaN where both give one and the same category throughout.

    weights   None: every disagreement counts alike; "linear" and "quadratic": by how many categories apart, or its
              square
    order     the categories from low to high; numbers are sorted where it is not given, names need it for weights
    Errors    a gap, different lengths, a category that `order` lacks: DataError
    Source    Cohen 1960, 1968; sklearn.metrics.cohen_kappa_score
    Example
        >>> round(pt.quality.cohen_kappa([0, 1, 2, 2], [0, 2, 2, 1]), 4)
        0.2
        >>> round(pt.quality.cohen_kappa([0, 1, 2, 2], [0, 2, 2, 1], weights="quadratic"), 4)
        0.6364
    """
    where = "cohen_kappa"
    if weights not in WEIGHTS:
        raise DataError(
            where, f"weights = {shown(weights)}", 'expected None, "linear" or "quadratic"', "take one of them"
        )
    a, b = (np.asarray(one, dtype=object).ravel() for one in (first, second))
    if len(a) != len(b):
        raise DataError(
            where, f"{len(a):,} and {len(b):,} ratings", "expected both of the same items", "check the lengths"
        )
    codes, categories = _coded(where, np.stack([a, b], axis=1), order, ordered=weights is not None)
    gaps = np.flatnonzero((codes < 0).any(axis=1))
    if len(gaps):
        raise DataError(
            where, f"a gap in item {gaps[0]}", "expected two ratings of each item",
            "leave such items out, or take krippendorff_alpha",
        )  # fmt: skip
    count = len(categories)
    observed = np.bincount(codes[:, 0] * count + codes[:, 1], minlength=count**2).reshape(count, count)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / len(codes)
    places = np.arange(count, dtype=np.float64)
    apart = np.abs(places[:, None] - places)
    cost = (apart > 0).astype(np.float64) if weights is None else apart if weights == "linear" else np.square(apart)
    by_chance = float(np.sum(cost * expected))
    return 1 - float(np.sum(cost * observed)) / by_chance if by_chance > 0 else float("nan")


def fleiss_kappa(ratings: TensorLike) -> float:
    """Fleiss' kappa: agreement beyond chance of several annotators, who need not be the same ones for every item.

    NaN where all ratings are one category.

    Shapes    ratings [items, annotators]; gaps may stand anywhere, if every item has the same number of ratings, 2 or
              more
    Source    Fleiss 1971; statsmodels.stats.inter_rater.fleiss_kappa, which takes the counts of the categories
    Example
        >>> ratings = [["cat", "cat", "cat"], ["cat", "dog", "dog"], ["dog", "dog", "dog"]]
        >>> round(pt.quality.fleiss_kappa(ratings), 4)
        0.55
    """
    where = "fleiss_kappa"
    counts = _counts(*_coded(where, ratings))
    each = counts.sum(axis=1)
    if (each != each[0]).any() or each[0] < 2:
        other = int(np.argmax(each != each[0])) if (each != each[0]).any() else 0
        raise DataError(
            where, f"item 0 has {each[0]:.0f} ratings, item {other} {each[other]:.0f}",
            "expected the same number of each item, 2 or more", "take krippendorff_alpha",
        )  # fmt: skip
    agreed = (np.square(counts).sum(axis=1) - each) / (each * (each - 1))
    by_chance = float(np.square(counts.sum(axis=0) / counts.sum()).sum())
    return (float(agreed.mean()) - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def krippendorff_alpha(ratings: TensorLike, level: str = "nominal", *, order: Sequence[object] | None = None) -> float:
    """Krippendorff's alpha: agreement of any number of annotators, with gaps; 1 is perfect, 0 what chance would give.

    It is 1 - observed / expected disagreement. Items with fewer than two ratings count for nothing. NaN where nothing
    can be compared, or all ratings are the same.

    level     "nominal": names, which are the same or not; "ordinal": ranks; "interval": numbers, whose differences
              count by their squares
    order     the categories from low to high, for names with "ordinal"
    Shapes    ratings [items, annotators]
    Source    Krippendorff 2011, "Computing Krippendorff's alpha-reliability"; the package krippendorff, which takes
              [annotators, items]
    Example
        >>> ratings = [[1, 1, None], [2, 2, 3], [3, 3, 3], [None, 1, 2]]
        >>> [round(pt.quality.krippendorff_alpha(ratings, level), 4) for level in ("nominal", "ordinal", "interval")]
        [0.4545, 0.7398, 0.7391]
    """
    where = "krippendorff_alpha"
    demand_choice(where, "level", level, LEVELS)
    if level == "interval":
        return _alpha_of_numbers(_numbers(where, ratings))
    counts = _counts(*_coded(where, ratings, order, ordered=level == "ordinal"))
    counts = counts[counts.sum(axis=1) > 1]
    each = counts.sum(axis=1, keepdims=True)
    totals = counts.sum(axis=0)
    # Pairs of ratings of one item; each item counts as often as it was rated.
    pairs = (counts / np.maximum(each - 1, 1)).T @ counts
    pairs -= np.diag((counts / np.maximum(each - 1, 1)).sum(axis=0))
    cost = _apart(totals) if level == "ordinal" else 1 - np.eye(len(totals))
    expected = float(np.sum(np.outer(totals, totals) * cost))
    if not expected > 0:
        return float("nan")
    return 1 - (float(totals.sum()) - 1) * float(np.sum(pairs * cost)) / expected


def _apart(totals: Floats) -> Floats:
    """The squares of how many ratings lie between two ranks, with half of those of the ranks themselves."""
    middle = np.cumsum(totals) - totals / 2
    return np.asarray(np.square(middle[:, None] - middle))


def _alpha_of_numbers(values: Floats) -> float:
    """Alpha by squared differences, from sums of squares: measured numbers may all be different."""
    values = values[np.isfinite(values).sum(axis=1) > 1]
    there = np.isfinite(values)
    total = int(there.sum())
    if total == 0:
        return float("nan")
    values = np.where(there, values - values[there].mean(), 0.0)  # about the mean, so that no digits are lost
    each = there.sum(axis=1)
    inside = each * np.square(values).sum(axis=1) - np.square(values.sum(axis=1))
    expected = total * float(np.square(values).sum()) - float(values.sum()) ** 2
    return 1 - (total - 1) * float(np.sum(inside / (each - 1))) / expected if expected > 0 else float("nan")


def _table(where: str, ratings: Any) -> NDArray[np.object_]:
    found = np.asarray(ratings, dtype=object)
    if found.ndim != 2 or 0 in found.shape:
        raise DataError(
            where, f"ratings {list(found.shape)}", "expected [items, annotators], one or more of each",
            "put None or NaN where an item was not rated",
        )  # fmt: skip
    return found


def _numbers(where: str, ratings: Any) -> Floats:
    table = _table(where, ratings)
    try:
        values = np.array([[float("nan") if one is None else float(one) for one in row] for row in table.tolist()])
    except (TypeError, ValueError):
        raise DataError(where, "ratings that are not numbers", "expected numbers", 'take level="ordinal"') from None
    if np.isinf(values).any():
        raise DataError(where, "an infinite rating", "expected numbers, and NaN for a gap", "check the ratings")
    return values


def _coded(
    where: str, ratings: Any, order: Sequence[object] | None = None, *, ordered: bool = False
) -> tuple[Codes, list[object]]:
    """The number of each rating's category, -1 for a gap, and the categories from low to high."""
    table = _table(where, ratings)
    flat = [None if one is None or one != one else one for one in table.ravel().tolist()]
    there = dict.fromkeys(one for one in flat if one is not None)
    if order is None and ordered and any(isinstance(one, str) for one in there):
        raise DataError(
            where, f"names such as {shown(next(iter(there)))}", "expected to know their order",
            'pass order=["low", "medium", "high"], or take numbers',
        )  # fmt: skip
    try:
        categories = sorted(there) if order is None else list(dict.fromkeys(order))
    except TypeError:
        raise DataError(
            where, "ratings of several kinds", "expected numbers, or names", "convert them to one kind"
        ) from None
    numbers: dict[object, int] = {one: at for at, one in enumerate(categories)}
    if not there:
        raise DataError(where, "no rating", "expected one or more", "check the gaps")
    lacking = next((one for one in there if one not in numbers), None)
    if lacking is not None:
        raise DataError(where, f"the category {shown(lacking)}", "expected every category in `order`", "add it")
    if len(categories) > MOST_CATEGORIES:
        raise DataError(
            where, f"{len(categories):,} categories", f"expected at most {MOST_CATEGORIES:,}",
            'take krippendorff_alpha(ratings, "interval") for measured numbers, or bins',
        )  # fmt: skip
    codes = np.array([-1 if one is None else numbers[one] for one in flat], dtype=np.int64)
    return codes.reshape(table.shape), categories


def _counts(codes: Codes, categories: list[object]) -> Floats:
    """How often each item got each category, [items, categories]."""
    item, _ = np.nonzero(codes >= 0)
    cells = item * len(categories) + codes[codes >= 0]
    counts = np.bincount(cells, minlength=len(codes) * len(categories)).astype(np.float64)
    return counts.reshape(len(codes), len(categories))
