"""Losses of two or three rows: what one lacks to be nearer, or further, than another; `reduction` as in losses.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from powertrain._core import Tensor
from powertrain.nn import checks
from powertrain.nn.functional.losses import Reduction, loss_of, reduced
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = [
    "cosine_embedding_loss", "info_nce_loss", "margin_ranking_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip


def margin_ranking_loss(
    input1: TensorLike, input2: TensorLike, target: TensorLike, margin: float = 0.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """What input1 lacks to be above input2 by a margin where the target is 1, the other way round where it is -1.

    Example
        >>> import powertrain.nn.functional as F
        >>> F.margin_ranking_loss(pt.tensor([1.0]), pt.tensor([2.0]), pt.tensor([1.0]), margin=0.5).item()
        1.5
    """
    alike = {"input1": input1, "input2": input2, "target": target}
    return loss_of("margin_ranking_loss", reduction, alike, margin=margin)


def cosine_embedding_loss(
    input1: TensorLike, input2: TensorLike, target: TensorLike, margin: float = 0.0, *, reduction: Reduction = "mean"
) -> Tensor:
    """1 - the cosine of two rows where the target is 1, and what it is above the margin where it is -1.

    Shapes    input1 [..., n], input2 [..., n], target [...] -> [], or [...] with reduction="none"
    Example
        >>> import powertrain.nn.functional as F
        >>> F.cosine_embedding_loss(pt.tensor([[1.0, 0.0]]), pt.tensor([[0.0, 1.0]]), pt.tensor([1])).item()
        1.0
    """
    alike = {"input1": input1, "input2": input2}
    return loss_of("cosine_embedding_loss", reduction, alike, target, margin=margin)


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
    """What the negative lacks to be further from the anchor than the positive by a margin (Schroff et al. 2015).

    Example
        >>> import powertrain.nn.functional as F
        >>> F.triplet_margin_loss(pt.zeros((1, 2)), pt.zeros((1, 2)), pt.ones((1, 2))).shape
        ()
    """
    alike = {"anchor": anchor, "positive": positive, "negative": negative}
    return loss_of("triplet_margin_loss", reduction, alike, margin=margin, p=p, eps=eps, swap=swap)


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
    Example
        >>> import powertrain.nn.functional as F
        >>> F.triplet_margin_with_distance_loss(pt.zeros((1, 2)), pt.zeros((1, 2)), pt.ones((1, 2))).shape
        ()
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
    return reduced(OPERATORS["where"](lacking < 0, 0.0, lacking), reduction)


def info_nce_loss(
    input1: TensorLike, input2: TensorLike, temperature: float = 0.1, *, reduction: Reduction = "mean"
) -> Tensor:
    """How well row i of input1 is told to belong to row i of input2, by their cosines (van den Oord et al. 2018).

    Shapes    input1 [n, d], input2 [m, d] with m >= n -> [], or [n] with reduction="none"
    Example
        >>> import powertrain.nn.functional as F
        >>> F.info_nce_loss(pt.eye(4), pt.eye(4)).shape
        ()
    """
    return loss_of("info_nce_loss", reduction, {"input1": input1}, input2, temperature=temperature)
