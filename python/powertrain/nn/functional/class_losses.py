"""Losses of class scores, whose classes are the last axis, and of labels in time; `reduction` as in losses.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powertrain._core import Tensor, asarray
from powertrain.nn import checks
from powertrain.nn.functional.losses import Reduction, loss_of, reduced
from powertrain.ops.functional import OPERATORS, arange

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = [
    "cross_entropy", "ctc_loss", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
    "nll_loss",
]  # fmt: skip


def multilabel_margin_loss(input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean") -> Tensor:
    """What the score of each label lacks to be above every other class by 1, over the number of classes.

    The labels of a row end at the first that is negative.

    Shapes    input [..., classes], target [..., classes] of integers -> [], or [...] with reduction="none"
    Example
        >>> import powertrain.nn.functional as F
        >>> F.multilabel_margin_loss(pt.tensor([[0.5, 0.25, 0.0]]), pt.tensor([[0, -1, -1]])).shape
        ()
    """
    checks.choice("multilabel_margin_loss", ("mean", "sum", "none"), reduction=reduction)
    checks.one_shape("multilabel_margin_loss", input=input, target=target)
    op, input, target = OPERATORS, asarray(input), asarray(target)
    classes = input.shape[-1]
    counted = op["equal"](op["cumulative_sum"](op["astype"](target < 0, "int64"), axis=-1), 0)
    index = op["where"](counted, target, 0)
    named = op["equal"](op["expand_dims"](index, -1), arange(classes))
    among = op["any"](op["logical_and"](named, op["expand_dims"](counted, -1)), axis=-2)
    scores = op["take_along_axis"](input, index, axis=-1)
    lacking = op["relu"](1.0 - op["expand_dims"](scores, -1) + op["expand_dims"](input, -2))
    counts = op["logical_and"](op["expand_dims"](counted, -1), op["logical_not"](op["expand_dims"](among, -2)))
    return reduced(op["sum"](op["where"](counts, lacking, 0.0), axis=(-2, -1)) / classes, reduction)


def multi_margin_loss(
    input: TensorLike,
    target: TensorLike,
    p: int = 1,
    margin: float = 1.0,
    weight: TensorLike | None = None,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """What the score of the label lacks to be above the others by a margin.

    Shapes    input [..., classes], target [...] of integers, weight [classes] -> [], or [...] with reduction="none"
    Example
        >>> import powertrain.nn.functional as F
        >>> round(F.multi_margin_loss(pt.tensor([[2.0, 0.0, 0.0]]), pt.tensor([0])).item(), 4)
        0.0
    """
    return loss_of("multi_margin_loss", reduction, {"input": input}, target, weight, p, margin)


def multilabel_soft_margin_loss(
    input: TensorLike, target: TensorLike, weight: TensorLike | None = None, *, reduction: Reduction = "mean"
) -> Tensor:
    """The mean over classes of the binary cross-entropy of each.

    Shapes    input [..., classes], target [..., classes], weight [classes] -> [], or [...] with reduction="none"
    Example
        >>> import powertrain.nn.functional as F
        >>> round(F.multilabel_soft_margin_loss(pt.zeros((1, 2)), pt.tensor([[1.0, 0.0]])).item(), 4)
        0.6931
    """
    return loss_of("multilabel_soft_margin_loss", reduction, {"input": input, "target": target}, weight)


def ctc_loss(
    log_probs: TensorLike,
    targets: TensorLike,
    input_lengths: TensorLike,
    target_lengths: TensorLike,
    blank: int = 0,
    reduction: Reduction = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Minus the log-probability of labels whose places in time are unknown (Graves et al. 2006).

    The batch comes first, unlike in PyTorch. The mean is over the labels of a row, then over rows.

    Shapes    log_probs [n, time, classes], targets [n, labels], input_lengths [n], target_lengths [n]
    Example
        >>> import powertrain.nn.functional as F
        >>> scores = pt.log(pt.full((1, 6, 3), 1 / 3))
        >>> F.ctc_loss(scores, pt.tensor([[1, 2]]), pt.tensor([6]), pt.tensor([2])).shape
        ()
    """
    checks.choice("ctc_loss", ("mean", "sum", "none"), reduction=reduction)
    given = (log_probs, targets, input_lengths, target_lengths)
    values = OPERATORS["ctc_loss"](*given, blank=blank, zero_infinity=zero_infinity)
    if reduction == "mean":
        values = values / OPERATORS["astype"](OPERATORS["maximum"](target_lengths, 1), values.dtype)
    return reduced(values, reduction)


def _of_labels(
    op: str, input: Any, target: Any, weight: Any, ignore_index: int | None, reduction: str, **settings: Any
) -> Tensor:
    """A loss of labels. Its mean is over the weights of the labels that count."""
    if reduction == "mean":
        return OPERATORS[f"{op}_mean"](input, target, weight, ignore_index=ignore_index, **settings)
    return reduced(OPERATORS[op](input, target, weight, ignore_index=ignore_index, **settings), reduction)


def nll_loss(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    *,
    ignore_index: int | None = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    """Minus the log-probability of each label, times the weight of its class.

    The mean is over the weights of the labels that are not ignore_index; classes are the last axis.

    Shapes    input [..., classes] of log-probabilities, target [...] of integers, weight [classes]
              -> [], or [...] with reduction="none"
    Example
        >>> import powertrain.nn.functional as F
        >>> F.nll_loss(pt.tensor([[-0.5, -1.5]]), pt.tensor([0])).item()
        0.5
    """
    checks.choice("nll_loss", ("mean", "sum", "none"), reduction=reduction)
    return _of_labels("nll_loss", input, target, weight, ignore_index, reduction)


def cross_entropy(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    *,
    ignore_index: int | None = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The cross-entropy of softmax(input) against class numbers, or against a share of each class.

    Classes are the last axis. The mean over class numbers is over the weights of those that are not ignore_index (None:
    all count). The mean over shares is over rows. A label_smoothing of s makes the target (1 - s) of itself and s
    spread evenly.

    Shapes    input [..., classes], target [...] of integers or [..., classes] of shares, weight [classes]
              -> [], or [...] with reduction="none"
    Errors    other shapes; a class number outside -c..c-1, reported when the call or the compiled step ends; another
              reduction; label_smoothing outside 0 to 1
    Source    PyTorch, nn.functional.cross_entropy; Szegedy et al. 2016 (label_smoothing)
    Example
        >>> import powertrain as pt
        >>> import powertrain.nn.functional as F
        >>> logits = pt.zeros((3, 4))
        >>> round(F.cross_entropy(logits, pt.tensor([0, 3, -100])).item(), 4)
        1.3863
        >>> F.cross_entropy(logits, pt.full((3, 4), 0.25), reduction="none").shape
        (3,)
    """
    checks.choice("cross_entropy", ("mean", "sum", "none"), reduction=reduction)
    input, target = asarray(input), asarray(target)
    if target.ndim < input.ndim or not target.dtype.is_float:
        return _of_labels(
            "cross_entropy", input, target, weight, ignore_index, reduction, label_smoothing=label_smoothing
        )
    checks.numbers("cross_entropy", 0, most=1, label_smoothing=label_smoothing)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / input.shape[-1]
    return reduced(OPERATORS["soft_cross_entropy"](input, target, weight), reduction)
