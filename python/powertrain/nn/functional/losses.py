"""Losses: the op of each gives one value per example or element, and `reduction` says what becomes of them.

"none" gives these values, "mean" their mean, and "sum" their sum. With "none" the inputs broadcast; a mean or a sum
needs inputs of one shape, since [n, 1] beside [n] would be n^2 numbers.

Those of classes are in class_losses.py, those that compare rows in pair_losses.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from powertrain._core import Tensor, asarray
from powertrain.nn import checks
from powertrain.ops.between import check_between
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Reduction = Literal["mean", "sum", "none"]

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "focal_loss", "gaussian_nll_loss",
    "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "mse_loss", "poisson_nll_loss", "smooth_l1_loss",
    "soft_margin_loss",
]  # fmt: skip


def reduced(values: Tensor, reduction: str) -> Tensor:
    return values if reduction == "none" else OPERATORS[reduction](values)


def loss_of(op: str, reduction: str, alike: dict[str, Any], *rest: Any, weight: Any = None, **settings: Any) -> Tensor:
    """A loss of inputs of one shape, each value times its weight."""
    checks.choice(op, ("mean", "sum", "none"), reduction=reduction)
    if reduction != "none":
        checks.one_shape(op, **alike)
    values = OPERATORS[op](*alike.values(), *rest, **settings)
    return reduced(values if weight is None else OPERATORS["multiply"](values, weight), reduction)


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
    return loss_of("mse_loss", reduction, {"input": input, "target": target})


def l1_loss(input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean") -> Tensor:
    """The distance of input from target; shapes and errors as of mse_loss.

    Example
        >>> import powertrain.nn.functional as F
        >>> round(F.l1_loss(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        0.5
    """
    return loss_of("l1_loss", reduction, {"input": input, "target": target})


def huber_loss(input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean", delta: float = 1.0) -> Tensor:
    """Half the squared distance up to delta, delta times (the distance - delta / 2) beyond; shapes as of mse_loss.

    Example
        >>> import powertrain.nn.functional as F
        >>> round(F.huber_loss(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        0.125
    """
    return loss_of("huber_loss", reduction, {"input": input, "target": target}, delta=delta)


def smooth_l1_loss(
    input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean", beta: float = 1.0
) -> Tensor:
    """The squared distance over 2 beta up to beta, and the distance - beta / 2 beyond; shapes as of mse_loss.

    Example
        >>> import powertrain.nn.functional as F
        >>> round(F.smooth_l1_loss(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        0.125
    """
    return loss_of("smooth_l1_loss", reduction, {"input": input, "target": target}, beta=beta)


def binary_cross_entropy(
    input: TensorLike, target: TensorLike, weight: TensorLike | None = None, *, reduction: Reduction = "mean"
) -> Tensor:
    """The binary cross-entropy of probabilities; `weight` multiplies each value.

    From logits, binary_cross_entropy_with_logits loses no digits.

    Shapes    input [...], target [...], weight broadcasts to them -> [], or [...] with reduction="none"
    Errors    an input below 0 or above 1, when the call or the compiled step ends; NaN stays NaN
    Example
        >>> import powertrain.nn.functional as F
        >>> round(F.binary_cross_entropy(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        0.6931
    """
    checks.choice("binary_cross_entropy", ("mean", "sum", "none"), reduction=reduction)
    wanted = "expected probabilities; use binary_cross_entropy_with_logits for logits"
    check_between("binary_cross_entropy", "input", input, 0, 1, wanted, nan=True)
    return loss_of("binary_cross_entropy", reduction, {"input": input, "target": target}, weight=weight)


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
    return loss_of("binary_cross_entropy_with_logits", reduction, alike, pos_weight, weight=weight)


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

    Example
        >>> import powertrain.nn.functional as F
        >>> F.kl_div(pt.log(pt.tensor([[0.5, 0.5]])), pt.tensor([[0.5, 0.5]]), reduction="batchmean").item()
        0.0
    """
    checks.choice("kl_div", ("mean", "sum", "none", "batchmean"), reduction=reduction)
    by_row = reduction == "batchmean"
    alike = {"input": input, "target": target}
    loss = loss_of("kl_div", "sum" if by_row else reduction, alike, log_target=log_target)
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
    """Minus the log-probability of counts under a rate of e^input, or of input itself without log_input.

    Example
        >>> import powertrain.nn.functional as F
        >>> round(F.poisson_nll_loss(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        1.3987
    """
    settings = {"log_input": log_input, "full": full, "eps": eps}
    return loss_of("poisson_nll_loss", reduction, {"input": input, "target": target}, **settings)


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
    Example
        >>> import powertrain.nn.functional as F
        >>> F.gaussian_nll_loss(pt.zeros((2,)), pt.ones((2,)), pt.ones((2,))).item()
        0.5
    """
    return loss_of("gaussian_nll_loss", reduction, {"input": input, "target": target}, var, full=full, eps=eps)


def soft_margin_loss(input: TensorLike, target: TensorLike, *, reduction: Reduction = "mean") -> Tensor:
    """log(1 + e^(-target input)) of targets 1 and -1.

    Example
        >>> import powertrain.nn.functional as F
        >>> round(F.soft_margin_loss(pt.tensor([0.5, -0.5]), pt.tensor([1.0, -1.0])).item(), 4)
        0.4741
    """
    return loss_of("soft_margin_loss", reduction, {"input": input, "target": target})


def hinge_embedding_loss(
    input: TensorLike, target: TensorLike, margin: float = 1.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """input where the target is 1, and what it lacks of the margin where it is -1.

    Example
        >>> import powertrain.nn.functional as F
        >>> F.hinge_embedding_loss(pt.tensor([0.5, 0.25]), pt.tensor([1.0, -1.0])).item()
        0.625
    """
    return loss_of("hinge_embedding_loss", reduction, {"input": input, "target": target}, margin=margin)


def focal_loss(
    input: TensorLike, target: TensorLike, alpha: float = 0.25, gamma: float = 2.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """The binary cross-entropy of logits, less where the answer is sure (Lin et al. 2017).

    Example
        >>> import powertrain.nn.functional as F
        >>> F.focal_loss(pt.zeros((2,)), pt.tensor([0.0, 1.0])).shape
        ()
    """
    return loss_of("focal_loss", reduction, {"input": input, "target": target}, alpha=alpha, gamma=gamma)
