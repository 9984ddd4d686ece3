"""Class numbers and scores of classes, as the metrics of classifiers read them."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.metrics.metric import Array, MetricError, per_row

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
# Class numbers from here on are no classes.
MOST_CLASSES = 1 << 20
FEW = 8  # rows, of which logits may all lie between 0 and 1 by chance
_log = logging.getLogger("powertrain")


def counted(prediction: Any, target: Any, weight: TensorLike | None, where: str) -> tuple[Numbers, Numbers, Floats]:
    """Predicted and true class numbers, flat, and weights, without rows of weight 0, which are padding whatever they
    hold.

    Predictions are logits [..., classes] (the largest counts; the first of equals), class numbers [...], or floats
    [...], the logits of class 1 of two.
    """
    scores, wanted, w, real = _read(prediction, target, weight, where)
    numbers = wanted.ravel()[real].astype(np.int64)
    if scores.dtype.kind in "iub" and scores.ndim == wanted.ndim:
        found = scores.ravel()[real].astype(np.int64)
    elif scores.ndim == wanted.ndim:
        logits = _finite(scores.reshape(-1, 1)[real], real, where)[:, 0]
        if len(logits) >= FEW and logits.min() >= 0 and logits.max() <= 1:
            _warn_of_probabilities(where)
        found = (logits > 0).astype(np.int64)
        if numbers.max(initial=0) > 1:
            raise MetricError(
                f"[{where}] target {numbers.max()} for one logit a row; expected classes 0 and 1; "
                "give logits [..., classes], or class numbers as integers"
            )
    else:
        found = _finite(scores.reshape(len(w), scores.shape[-1])[real], real, where).argmax(axis=-1)
    for name, values in (("predicted class", found), ("target", numbers)):
        wrong = (values < 0) | (values >= MOST_CLASSES)
        if wrong.any():
            raise MetricError(
                f"[{where}] {name} {values[wrong][0]}; expected class numbers from 0 on; "
                "number the classes 0, 1, 2, ..."
            )
    return found.astype(np.int64), numbers, w[real]


def scored(prediction: Any, target: Any, weight: TensorLike | None, where: str) -> tuple[Floats, Numbers, Floats]:
    """Scores [rows, classes] in float64, true class numbers and weights, without rows of weight 0.

    Predictions are scores [..., classes], or [...] of class 1 of two, which give one column.
    """
    scores, wanted, w, real = _read(prediction, target, weight, where)
    columns = 1 if scores.ndim == wanted.ndim else scores.shape[-1]
    found = _finite(scores.reshape(len(w), columns)[real].astype(np.float64), real, where)
    numbers = wanted.ravel()[real].astype(np.int64)
    classes = max(columns, 2)
    wrong = (numbers < 0) | (numbers >= classes)
    if wrong.any():
        raise MetricError(
            f"[{where}] target {numbers[wrong][0]} for scores of {classes} classes; expected 0 to {classes - 1}; "
            "number the classes as the model's outputs"
        )
    return found, numbers, w[real]


def log_probabilities(scores: Floats, from_logits: bool, where: str) -> Floats:
    """log p [rows, classes] of logits or probabilities; of one column, that of class 1 of two."""
    if from_logits:
        if scores.shape[1] == 1:
            # log sigmoid through log1p(e^-|x|), which cannot overflow.
            softly = np.log1p(np.exp(-np.abs(scores)))
            return np.concatenate([np.minimum(-scores, 0) - softly, np.minimum(scores, 0) - softly], axis=1)
        shifted = scores - scores.max(axis=1, keepdims=True, initial=-np.inf)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    if scores.size and (scores.min() < 0 or scores.max() > 1):
        raise MetricError(
            f"[{where}] probabilities from {scores.min():g} to {scores.max():g}; expected 0 to 1; "
            "leave from_logits as True for what a model gives before softmax"
        )
    both = np.concatenate([1 - scores, scores], axis=1) if scores.shape[1] == 1 else scores
    with np.errstate(divide="ignore"):
        return np.log(both)


@functools.cache  # once for each kind of metric
def _warn_of_probabilities(where: str) -> None:
    _log.warning(
        "[%s] floats from 0 to 1, one a row, are read as logits: all above 0 are class 1; for probabilities give the "
        "class numbers, update((p > 0.5).astype('int64'), target)",
        where,
    )


def _read(prediction: Any, target: Any, weight: TensorLike | None, where: str) -> tuple[Array, Array, Floats, Any]:
    scores, wanted = np.asarray(prediction), np.asarray(target)
    if scores.ndim == wanted.ndim + 1 and scores.shape[-1] == 1 and scores.dtype.kind == "f":
        scores = scores[..., 0]
    if (
        wanted.dtype.kind not in "iub"
        or scores.dtype.kind not in "fiub"
        or scores.shape[: wanted.ndim] != wanted.shape
        or scores.ndim - wanted.ndim not in (0, 1)
        or (scores.ndim > wanted.ndim and scores.shape[-1] == 0)
    ):
        raise MetricError(
            f"[{where}] predictions {list(scores.shape)}, targets {wanted.dtype}{list(wanted.shape)}; "
            "expected logits [..., classes] and class numbers [...]; check the order of the arguments"
        )
    w = per_row(weight, wanted.shape, where)
    return scores, wanted, w, w > 0


def _finite(scores: Any, real: Any, where: str) -> Any:
    unknown = np.isnan(scores).any(axis=1)
    if unknown.any():
        raise not_a_number(int(np.flatnonzero(real)[np.flatnonzero(unknown)[0]]), where)
    return scores


def not_a_number(row: int, where: str) -> MetricError:
    return MetricError(
        f"[{where}] NaN among the logits of row {row}; expected numbers, of which one is the largest; look at "
        "what the model computes for that row"
    )
