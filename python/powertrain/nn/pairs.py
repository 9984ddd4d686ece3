"""Modules of two inputs, bags of rows, and small rearrangements that PyTorch has as modules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import powertrain as pt
from powertrain.nn import init
from powertrain.nn.losses import Loss, Reduction
from powertrain.nn.module import Module, Parameter
from powertrain.row_sparse import is_sparse, look_up


class Bilinear(Module):
    """a W_k b + bias_k for each output k; weight (outputs, a's width, b's width), uniform in +-1/sqrt(a's width)."""

    def __init__(
        self, first: int, second: int, outputs: int, bias: bool = True, *, generator: pt.random.Generator | None = None
    ) -> None:
        super().__init__()
        self.weight = Parameter(init.uniform_fan_in((outputs, first, second), first, generator))
        self.bias = Parameter(init.uniform_fan_in((outputs,), first, generator)) if bias else None

    def forward(self, a: Any, b: Any) -> pt.Tensor:
        """Shapes    a [..., first], b [..., second] -> [..., outputs]"""
        y = pt.einsum("...i,kij,...j->...k", a, self.weight, b)
        return y if self.bias is None else y + self.bias


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along an axis."""

    def __init__(self, axis: int = -1, eps: float = 1e-8) -> None:
        super().__init__()
        self.axis, self.eps = axis, eps

    def forward(self, a: Any, b: Any) -> pt.Tensor:
        return pt.cosine_similarity(a, b, self.axis, self.eps)


class PairwiseDistance(Module):
    """The norm of a - b along the last axis."""

    def __init__(self, ord: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> None:
        super().__init__()
        self.ord, self.eps, self.keepdims = ord, eps, keepdims

    def forward(self, a: Any, b: Any) -> pt.Tensor:
        return pt.pairwise_distance(a, b, self.ord, self.eps, self.keepdims)


class EmbeddingBag(Module):
    """The mean, sum or maximum of rows of a table, bags of one length; the table is normal(0, 1).

    `sparse`: as of nn.Embedding.
    """

    def __init__(
        self,
        count: int,
        width: int,
        mode: Literal["mean", "sum", "max"] = "mean",
        *,
        sparse: bool = False,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.weight = Parameter(init.normal((count, width), generator=generator))
        self.weight.sparse = sparse
        self.mode = mode

    def forward(self, index: Any, weight: Any = None) -> pt.Tensor:
        """Shapes    index [b, n], weight [b, n], with mode "sum" -> [b, width]"""
        if not is_sparse(self.weight):
            return pt.embedding_bag(index, self.weight, weight, mode=self.mode)
        # A table of the rows of this call, each once for each time that it is asked for.
        places = pt.reshape(pt.arange(math.prod(index.shape)), index.shape)
        rows = pt.reshape(look_up(index, self.weight), (places.size, self.weight.shape[1]))
        return pt.embedding_bag(places, rows, weight, mode=self.mode)


class Unflatten(Module):
    """One axis as several."""

    def __init__(self, axis: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.axis, self.sizes = axis, tuple(sizes)

    def forward(self, x: Any) -> pt.Tensor:
        axis = range(x.ndim)[self.axis]
        return pt.reshape(x, (*x.shape[:axis], *self.sizes, *x.shape[axis + 1 :]))


class ChannelShuffle(Module):
    """Channels, the last axis, read across groups instead of along them (Zhang et al. 2018)."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Any) -> pt.Tensor:
        if self.groups < 1 or x.shape[-1] % self.groups:
            raise pt.ShapeError(
                f"[ChannelShuffle] {x.shape[-1]} channels in {self.groups} groups; expected a multiple of groups; "
                "change groups"
            )
        split = pt.reshape(x, (*x.shape[:-1], self.groups, x.shape[-1] // self.groups))
        return pt.reshape(pt.swapaxes(split, -1, -2), x.shape)


class RReLU(Module):
    """x above zero, else slope x: the slope is drawn for each element in training, and their mean in evaluation.

    Draws come from the default generator (Xu et al. 2015).
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3) -> None:
        super().__init__()
        if lower > upper:
            raise pt.ShapeError(f"[RReLU] lower = {lower}, upper = {upper}; expected lower <= upper; exchange them")
        self.lower, self.upper = lower, upper

    def forward(self, x: Any) -> pt.Tensor:
        if not self.training:
            return pt.leaky_relu(x, (self.lower + self.upper) / 2)
        slope = pt.random.uniform(x.shape) * (self.upper - self.lower) + self.lower
        return pt.where(x >= 0, x, x * pt.cast(slope, x.dtype))


class LocalResponseNorm(Module):
    """x / (k + alpha mean x^2)^beta, the mean over `size` neighbouring channels, zeros beyond the border.

    Channels are the last axis (Krizhevsky et al. 2012, with PyTorch's division by size).
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Any) -> pt.Tensor:
        channels = x.shape[-1]
        rest = [0] * (x.ndim - 1)
        squares = pt.pad(pt.square(x), (*rest, self.size // 2), (*rest, (self.size - 1) // 2))
        total = squares[..., :channels]
        for shift in range(1, self.size):
            total = total + squares[..., shift : shift + channels]
        return x / pt.power(total * (self.alpha / self.size) + self.k, self.beta)


class MultiLabelMarginLoss(Loss):
    """What the score of each label lacks to be above every other class by 1, over the number of classes.

    Labels of a row end at the first that is negative.
    """

    def values(self, *inputs: Any) -> pt.Tensor:
        """Shapes    x [..., classes], labels [..., classes] -> [...]"""
        x, labels = inputs
        classes = x.shape[-1]
        counted = pt.equal(pt.cumulative_sum(pt.cast(pt.less(labels, 0), "int64"), axis=-1), 0)
        index = pt.where(counted, labels, 0)
        named = pt.equal(pt.expand_dims(index, -1), pt.arange(classes))
        among = pt.any(pt.logical_and(named, pt.expand_dims(counted, -1)), axis=-2)
        scores = pt.take_along_axis(x, index, axis=-1)
        lacking = pt.relu(1.0 - pt.expand_dims(scores, -1) + pt.expand_dims(x, -2))
        counts = pt.logical_and(pt.expand_dims(counted, -1), pt.logical_not(pt.expand_dims(among, -2)))
        return pt.sum(pt.where(counts, lacking, 0.0), axis=(-2, -1)) / classes


class TripletMarginWithDistanceLoss(Loss):
    """What the negative lacks to be further from the anchor than the positive by a margin, by any distance."""

    def __init__(
        self,
        distance: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        self.distance = PairwiseDistance() if distance is None else distance
        self.margin, self.swap = margin, swap

    def values(self, *inputs: Any) -> pt.Tensor:
        """Shapes    anchor, positive and negative [b, n] -> [b]"""
        anchor, positive, negative = inputs
        far = self.distance(anchor, negative)
        if self.swap:
            far = pt.minimum(far, self.distance(positive, negative))
        return pt.relu(self.distance(anchor, positive) - far + self.margin)
