"""Losses: the op of each gives one value per example or element, and `reduction` says what becomes of them.

"none" gives these values, "mean" their mean, and "sum" their sum. With "none" the inputs broadcast; a mean or a sum
needs inputs of one shape, since [n, 1] beside [n] would be n^2 numbers. Class scores have the classes on their last
axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from powertrain._core import Tensor, asarray
from powertrain.nn import checks
from powertrain.ops.functional import OPERATORS, arange

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Reduction = Literal["mean", "sum", "none"]

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy", "ctc_loss",
    "focal_loss", "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "info_nce_loss", "kl_div", "l1_loss",
    "margin_ranking_loss", "mse_loss", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
    "nll_loss", "poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip


def _reduced(values: Tensor, reduction: str) -> Tensor:
    return values if reduction == "none" else OPERATORS[reduction](values)


def _loss(op: str, reduction: str, alike: dict[str, Any], *rest: Any, weight: Any = None, **settings: Any) -> Tensor:
    """A loss of inputs of one shape, each value times its weight."""
    checks.choice(op, ("mean", "sum", "none"), reduction=reduction)
    if reduction != "none":
        checks.one_shape(op, **alike)
    values = OPERATORS[op](*alike.values(), *rest, **settings)
    return _reduced(values if weight is None else OPERATORS["multiply"](values, weight), reduction)


def mse_loss(input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean") -> Tensor:
    """The squared distance of input from target.

    Shapes    input [...], target [...] -> [], or [...] with reduction="none"
    Errors    shapes that differ; another reduction
    Source    PyTorch, nn.functional.mse_loss
    Example
        >>> import powertrain as pt
        >>> pt.nn.functional.mse_loss(pt.tensor([1.0, 2.0]), pt.tensor([3.0, 2.0])).item()
        2.0
    """
    return _loss("mse_loss", reduction, {"input": input, "target": target})


def l1_loss(input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean") -> Tensor:
    """The distance of input from target; shapes and errors as of mse_loss."""
    return _loss("l1_loss", reduction, {"input": input, "target": target})


def huber_loss(input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean", delta: float = 1.0) -> Tensor:
    """Half the squared distance up to delta, delta times (the distance - delta / 2) beyond; shapes as of mse_loss."""
    return _loss("huber_loss", reduction, {"input": input, "target": target}, delta=delta)


def smooth_l1_loss(
    input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean", beta: float = 1.0
) -> Tensor:
    """The squared distance over 2 beta up to beta, and the distance - beta / 2 beyond; shapes as of mse_loss."""
    return _loss("smooth_l1_loss", reduction, {"input": input, "target": target}, beta=beta)


def binary_cross_entropy(
    input: TensorLike, target: TensorLike, weight: TensorLike | None = None, *, reduction: Reduction = "mean"
) -> Tensor:
    """The binary cross-entropy of probabilities; `weight` multiplies each value.

    From logits, binary_cross_entropy_with_logits loses no digits.

    Shapes    input [...], target [...], weight broadcasts to them -> [], or [...] with reduction="none"
    """
    return _loss("binary_cross_entropy", reduction, {"input": input, "target": target}, weight=weight)


def binary_cross_entropy_with_logits(
    input: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    *,
    reduction: Reduction = "mean",
    pos_weight: TensorLike | None = None,
) -> Tensor:
    """The binary cross-entropy of the probabilities sigmoid(input).

    `weight` multiplies each value, and `pos_weight` the part of the target that is 1.

    Shapes    input [...], target [...], weight and pos_weight broadcast to them -> [], or [...] with reduction="none"
    Example
        >>> import powertrain as pt
        >>> loss = pt.nn.functional.binary_cross_entropy_with_logits(pt.zeros(3), pt.ones(3))
        >>> round(loss.item(), 4)
        0.6931
    """
    alike = {"input": input, "target": target}
    return _loss("binary_cross_entropy_with_logits", reduction, alike, pos_weight, weight=weight)


def kl_div(
    input: TensorLike,
    target: TensorLike,
    *,
    reduction: Reduction | Literal["batchmean"] = "mean",
    log_target: bool = False,
) -> Tensor:
    """target (log target - input) of log-probabilities input; with log_target, target is of log-probabilities too.

    reduction="batchmean" gives the divergence per row: the sum over the size of the first axis. "mean" is that of all
    elements.
    """
    checks.choice("kl_div", ("mean", "sum", "none", "batchmean"), reduction=reduction)
    by_row = reduction == "batchmean"
    alike = {"input": input, "target": target}
    loss = _loss("kl_div", "sum" if by_row else reduction, alike, log_target=log_target)
    rows = asarray(input).shape if by_row else ()
    return loss / rows[0] if rows else loss


def poisson_nll_loss(
    input: TensorLike,
    target: TensorLike,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: Reduction = "mean",
) -> Tensor:
    """Minus the log-probability of counts under a rate of e^input, or of input itself without log_input."""
    settings = {"log_input": log_input, "full": full, "eps": eps}
    return _loss("poisson_nll_loss", reduction, {"input": input, "target": target}, **settings)


def gaussian_nll_loss(
    input: TensorLike,
    target: TensorLike,
    var: TensorLike,
    full: bool = False,
    eps: float = 1e-6,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """Minus the log-density of target under a mean of input and a variance.

    Shapes    input [...], target [...], var [...], or 1 along axes that share one, or without the last axis
    """
    return _loss("gaussian_nll_loss", reduction, {"input": input, "target": target}, var, full=full, eps=eps)


def soft_margin_loss(input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean") -> Tensor:
    """log(1 + e^(-target input)) of targets 1 and -1."""
    return _loss("soft_margin_loss", reduction, {"input": input, "target": target})


def hinge_embedding_loss(
    input: TensorLike, target: TensorLike, margin: float = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """input where the target is 1, and what it lacks of the margin where it is -1."""
    return _loss("hinge_embedding_loss", reduction, {"input": input, "target": target}, margin=margin)


def margin_ranking_loss(
    input1: TensorLike, input2: TensorLike, target: TensorLike, margin: float = 0.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """What input1 lacks to be above input2 by a margin where the target is 1, the other way round where it is -1."""
    alike = {"input1": input1, "input2": input2, "target": target}
    return _loss("margin_ranking_loss", reduction, alike, margin=margin)


def cosine_embedding_loss(
    input1: TensorLike, input2: TensorLike, target: TensorLike, margin: float = 0.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """1 - the cosine of two rows where the target is 1, and what it is above the margin where it is -1.

    Shapes    input1 [..., n], input2 [..., n], target [...] -> [], or [...] with reduction="none"
    """
    alike = {"input1": input1, "input2": input2}
    return _loss("cosine_embedding_loss", reduction, alike, target, margin=margin)


def triplet_margin_loss(
    anchor: TensorLike,
    positive: TensorLike,
    negative: TensorLike,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """What the negative lacks to be further from the anchor than the positive by a margin (Schroff et al. 2015)."""
    alike = {"anchor": anchor, "positive": positive, "negative": negative}
    return _loss("triplet_margin_loss", reduction, alike, margin=margin, p=p, eps=eps, swap=swap)


def triplet_margin_with_distance_loss(
    anchor: TensorLike,
    positive: TensorLike,
    negative: TensorLike,
    *,
    distance_function: Callable[[TensorLike, TensorLike], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: Reduction = "mean",
) -> Tensor:
    """What the negative lacks to be further from the anchor than the positive by a margin, by any distance.

    Shapes    anchor, positive and negative [n, ...], of which distance_function makes [n] -> [], or [n]
    """
    where = "triplet_margin_with_distance_loss"
    checks.choice(where, ("mean", "sum", "none"), reduction=reduction)
    checks.numbers(where, margin=margin)
    checks.one_shape(where, anchor=anchor, positive=positive, negative=negative)
    distance = OPERATORS["pairwise_distance"] if distance_function is None else distance_function
    far = distance(anchor, negative)
    if swap:
        far = OPERATORS["minimum"](far, distance(positive, negative))
    lacking = distance(anchor, positive) - far + margin
    # Not relu: what just meets the margin is still pushed, as in PyTorch.
    return _reduced(OPERATORS["where"](lacking < 0, 0.0, lacking), reduction)


def multilabel_margin_loss(input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean") -> Tensor:
    """What the score of each label lacks to be above every other class by 1, over the number of classes.

    The labels of a row end at the first that is negative.

    Shapes    input [..., classes], target [..., classes] of integers -> [], or [...] with reduction="none"
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
    return _reduced(op["sum"](op["where"](counts, lacking, 0.0), axis=(-2, -1)) / classes, reduction)


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
    """
    return _loss("multi_margin_loss", reduction, {"input": input}, target, weight, p, margin)


def multilabel_soft_margin_loss(
    input: TensorLike, target: TensorLike, weight: TensorLike | None = None, *, reduction: Reduction = "mean"
) -> Tensor:
    """The mean over classes of the binary cross-entropy of each.

    Shapes    input [..., classes], target [..., classes], weight [classes] -> [], or [...] with reduction="none"
    """
    return _loss("multilabel_soft_margin_loss", reduction, {"input": input, "target": target}, weight)


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
    """
    checks.choice("ctc_loss", ("mean", "sum", "none"), reduction=reduction)
    given = (log_probs, targets, input_lengths, target_lengths)
    values = OPERATORS["ctc_loss"](*given, blank=blank, zero_infinity=zero_infinity)
    if reduction == "mean":
        values = values / OPERATORS["astype"](OPERATORS["maximum"](target_lengths, 1), values.dtype)
    return _reduced(values, reduction)


def focal_loss(
    input: TensorLike, target: TensorLike, alpha: float = 0.25, gamma: float = 2.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """The binary cross-entropy of logits, less where the answer is sure (Lin et al. 2017)."""
    return _loss("focal_loss", reduction, {"input": input, "target": target}, alpha=alpha, gamma=gamma)


def info_nce_loss(
    input1: TensorLike, input2: TensorLike, temperature: float = 0.1, *, reduction: Reduction = "mean"
) -> Tensor:
    """How well row i of input1 is told to belong to row i of input2, by their cosines (van den Oord et al. 2018).

    Shapes    input1 [n, d], input2 [m, d] with m >= n -> [], or [n] with reduction="none"
    """
    return _loss("info_nce_loss", reduction, {"input1": input1}, input2, temperature=temperature)


def _of_labels(
    op: str, input: Any, target: Any, weight: Any, ignore_index: int | None, reduction: str, **settings: Any
) -> Tensor:
    """A loss of labels. Its mean is over the weights of the labels that count."""
    values = OPERATORS[op](input, target, weight, ignore_index=ignore_index, **settings)
    if reduction != "mean" or (weight is None and ignore_index is None):
        return _reduced(values, reduction)
    kept = None if ignore_index is None else OPERATORS["not_equal"](target, ignore_index)
    counted: Any = 1.0
    if weight is not None:
        counted = OPERATORS["take"](weight, target if kept is None else OPERATORS["where"](kept, target, 0))
    if kept is not None:
        counted = OPERATORS["where"](kept, counted, 0.0)
    return OPERATORS["divide"](OPERATORS["sum"](values), OPERATORS["sum"](counted))


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
    all count), that over shares is over rows. label_smoothing s makes the target (1 - s) of itself and s spread evenly.

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
        settings = {"label_smoothing": label_smoothing}
        return _of_labels("cross_entropy", input, target, weight, ignore_index, reduction, **settings)
    checks.numbers("cross_entropy", 0, most=1, label_smoothing=label_smoothing)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / input.shape[-1]
    return _reduced(OPERATORS["soft_cross_entropy"](input, target, weight), reduction)
