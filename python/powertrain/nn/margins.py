"""Losses of margins: how much one score or distance lacks to be above another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks
from powertrain.nn.distance import PairwiseDistance
from powertrain.nn.losses import Loss, Reduction

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import TensorLike

__all__ = [
    "CosineEmbeddingLoss", "HingeEmbeddingLoss", "MarginRankingLoss", "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss", "MultiMarginLoss", "SoftMarginLoss", "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]  # fmt: skip


class SoftMarginLoss(Loss):
    """log(1 + e^(-target input)).

    Example
        >>> round(pt.nn.SoftMarginLoss()(pt.tensor([0.5, -0.5]), pt.tensor([1.0, -1.0])).item(), 4)
        0.4741
    """

    OP = "soft_margin_loss"

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)


class HingeEmbeddingLoss(Loss):
    """The input where the target is 1, and what it lacks of the margin where it is -1.

    Example
        >>> round(pt.nn.HingeEmbeddingLoss()(pt.tensor([0.5, 0.25]), pt.tensor([1.0, -1.0])).item(), 4)
        0.625
    """

    OP = "hinge_embedding_loss"

    def __init__(self, margin: float = 1.0, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction, margin=margin)
        self.margin = margin


class _OfTwo(Loss):
    """Of two inputs and a target."""

    ALIKE: ClassVar[tuple[str, ...]] = ("input1", "input2", "target")

    def __init__(self, margin: float = 0.0, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction, margin=margin)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> pt.Tensor:  # type: ignore[override]  # one input more
        return self._computed(input1, input2, target)


class MarginRankingLoss(_OfTwo):
    """What the first input lacks to be above the second by a margin, where the target is 1; where -1, the other way.

    Example
        >>> pt.nn.MarginRankingLoss(margin=0.5)(pt.tensor([1.0]), pt.tensor([2.0]), pt.tensor([1.0])).item()
        1.5
    """

    OP = "margin_ranking_loss"


class CosineEmbeddingLoss(_OfTwo):
    """1 - cosine where the target is 1, and what it is above the margin where it is -1.

    Shapes    input1 [..., n], input2 [..., n], target [...] -> [...]
    Example
        >>> pt.nn.CosineEmbeddingLoss()(pt.tensor([[1.0, 0.0]]), pt.tensor([[0.0, 1.0]]), pt.tensor([1])).item()
        1.0
    """

    OP = "cosine_embedding_loss"
    ALIKE = ("input1", "input2")

    def _computed(self, *inputs: Any) -> pt.Tensor:
        if checks.shape_of(inputs[2]) != checks.shape_of(inputs[0])[:-1]:
            raise pt.ShapeError(
                f"[CosineEmbeddingLoss] input1 is {list(checks.shape_of(inputs[0]))}, target is "
                f"{list(checks.shape_of(inputs[2]))}; expected one target for each row of input1; reshape target"
            )
        return super()._computed(*inputs)


class _Triplet(Loss):
    """Of an anchor, what is near it and what is far from it."""

    ALIKE = ("anchor", "positive", "negative")

    def forward(  # type: ignore[override]  # other inputs
        self, anchor: Tensor, positive: Tensor, negative: Tensor
    ) -> pt.Tensor:
        return self._computed(anchor, positive, negative)


class TripletMarginLoss(_Triplet):
    """What the negative lacks to be further from the anchor than the positive by a margin, by the p-norm.

    Example
        >>> pt.nn.TripletMarginLoss()(pt.zeros((1, 2)), pt.zeros((1, 2)), pt.ones((1, 2))).shape
        ()
    """

    OP = "triplet_margin_loss"

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction=reduction, margin=margin, p=p, eps=eps, swap=swap)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap


class MultiMarginLoss(Loss):
    """What the score of the label lacks to be above the others by a margin; classes are the last axis.

    Example
        >>> round(pt.nn.MultiMarginLoss()(pt.tensor([[2.0, 0.0, 0.0]]), pt.tensor([0])).item(), 4)
        0.0
    """

    OP = "multi_margin_loss"
    ALIKE = ()  # the op itself wants one label for each row

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: TensorLike | None = None, *, reduction: Reduction = "mean"
    ) -> None:
        weight = None if weight is None else pt.asarray(weight)
        super().__init__(reduction=reduction, p=p, margin=margin, weight=weight)
        self.p, self.margin, self.weight = p, margin, weight


class MultiLabelSoftMarginLoss(Loss):
    """The mean over classes of the binary cross-entropy of each.

    Example
        >>> round(pt.nn.MultiLabelSoftMarginLoss()(pt.zeros((1, 2)), pt.tensor([[1.0, 0.0]])).item(), 4)
        0.6931
    """

    OP = "multilabel_soft_margin_loss"

    def __init__(self, weight: TensorLike | None = None, *, reduction: Reduction = "mean") -> None:
        weight = None if weight is None else pt.asarray(weight)
        super().__init__(reduction=reduction, weight=weight)
        self.weight = weight


class MultiLabelMarginLoss(Loss):
    """What the score of each label lacks to be above every other class by 1, over the number of classes.

    Labels of a row end at the first that is negative.

    Example
        >>> pt.nn.MultiLabelMarginLoss()(pt.tensor([[0.5, 0.25, 0.0]]), pt.tensor([[0, -1, -1]])).shape
        ()
    """

    OP = "multilabel_margin_loss"

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)


class TripletMarginWithDistanceLoss(_Triplet):
    """What the negative lacks to be further from the anchor than the positive by a margin, by any distance.

    Example
        >>> pt.nn.TripletMarginWithDistanceLoss()(pt.zeros((1, 2)), pt.zeros((1, 2)), pt.ones((1, 2))).shape
        ()
    """

    OP = "triplet_margin_with_distance_loss"

    def __init__(
        self,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        checks.numbers(type(self).__name__, margin=margin)
        distance = PairwiseDistance() if distance_function is None else distance_function
        super().__init__(reduction=reduction, margin=margin, swap=swap)
        self.distance_function, self.margin, self.swap = distance, margin, swap

    def _computed(self, *inputs: Any) -> pt.Tensor:
        checks.one_shape(type(self).__name__, **dict(zip(self.ALIKE, inputs, strict=False)))
        loss: pt.Tensor = getattr(F, self.OP)(
            *inputs,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
        return loss
