"""Probabilities of models that have not seen the row: each part of the data is judged by a model of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.data.errors import DataError
from powertrain.data.in_memory import array_of
from powertrain.data.source import check_labels
from powertrain.data.split import permutation
from powertrain.errors.arguments import shown
from powertrain.quality.checks import Array, Floats, Labels, Rows, flat_rows, probabilities
from powertrain.solvers.logistic import fit_logistic

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def out_of_fold(
    x: TensorLike,
    y: TensorLike,
    fit: Callable[[Array, Array], Callable[[Array], TensorLike]] | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
) -> Floats:
    """Give each row the probabilities of a model that was trained without it: cross-validation in stratified folds.

    fit    takes x and y of the rows of all folds but one, and returns a function from x to probabilities [rows,
           classes]. By default logistic regression on columns of mean 0 and deviation 1
    y      class numbers, each of which two rows or more have
    Example
        >>> x, y = np.arange(12.0)[:, None], np.arange(12) // 6
        >>> pt.quality.out_of_fold(x, y, folds=3).argmax(axis=1).tolist()
        [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    """
    where = "out_of_fold"
    rows, labels = array_of(x, f"{where} x"), array_of(y, f"{where} y")
    classes = check_labels(labels, None, f"{where} y")
    if len(rows) != len(labels):
        raise DataError(where, f"{len(rows):,} rows and {len(labels):,} labels", "expected as many", "check x and y")
    if not isinstance(folds, int) or not 2 <= folds <= len(rows):
        raise DataError(where, f"folds = {shown(folds)}", f"expected a number from 2 to {len(rows)}", "5 is usual")
    sizes = np.bincount(labels, minlength=classes)
    if sizes.min() < 2 or classes < 2:
        received = f"class {int(sizes.argmin())} has {int(sizes.min())} rows" if classes > 1 else "one class"
        raise DataError(
            where, received, "expected two classes or more, each with two rows or more", "number the classes from 0 on"
        )
    fold = stratified(labels, folds, seed)
    found = np.zeros((len(rows), classes))
    for at in range(folds):
        asked = fold == at
        model = (fit or logistic)(rows[~asked], labels[~asked])
        given = probabilities(where, model(rows[asked]))
        if given.shape != (int(asked.sum()), classes):
            raise DataError(
                where, f"the model of fold {at} gave probabilities {list(given.shape)}",
                f"expected [{int(asked.sum())}, {classes}]", "give one column for each class",
            )  # fmt: skip
        found[asked] = given
    return found


def stratified(labels: Labels, folds: int, seed: int) -> Rows:
    """The fold of each row: the rows of a class, in a random order, go to the folds in turn."""
    shuffled = permutation(len(labels), seed)
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    fold = np.empty(len(labels), np.int64)
    fold[order] = np.arange(len(labels)) % folds
    return fold


def logistic(x: Array, y: Array) -> Callable[[Array], Array]:
    """Logistic regression on columns of mean 0 and deviation 1."""
    learned = flat_rows("out_of_fold", x)
    mean, spread = learned.mean(axis=0, dtype=np.float64), learned.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 0, spread, 1.0)

    def scaled(rows: Any) -> Array:
        return ((flat_rows("out_of_fold", rows) - mean) / spread).astype(np.float32)

    made = fit_logistic(scaled(x), y, int(y.max()) + 1, l2=1 / len(y), max_iter=200)
    return lambda rows: made.probabilities(scaled(rows))
