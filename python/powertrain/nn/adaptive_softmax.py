"""A softmax over many classes, of which the rare ones are computed from fewer features."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import powertrain as pt
from powertrain.nn import checks
from powertrain.nn.containers import ModuleList, Sequential
from powertrain.nn.layers import Linear
from powertrain.nn.module import Module

if TYPE_CHECKING:
    from powertrain.typing import Device, DTypeLike, TensorLike

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class AdaptiveLoss(NamedTuple):
    """The log-probability of each label, and the mean of their negatives."""

    output: pt.Tensor
    loss: pt.Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of classes that are sorted from the most frequent to the rarest (Grave et al. 2017).

    The classes below `cutoffs[0]` have scores of their own, those between two cutoffs share one, and are told apart by
    scores of in_features / div_value^i features. Every cluster is computed for every row, so that shapes do not depend
    on the labels: what is saved is memory of weights.

    >>> layer = pt.nn.AdaptiveLogSoftmaxWithLoss(16, 100, cutoffs=[10, 50])
    >>> layer.log_prob(pt.ones((3, 16))).shape, layer(pt.ones((3, 16)), pt.tensor([0, 40, 99])).output.shape
    ((3, 100), (3,))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        where = "AdaptiveLogSoftmaxWithLoss"
        checks.sizes(where, 1, in_features=in_features, n_classes=n_classes)
        checks.numbers(where, above=0, div_value=div_value)
        given = list(cutoffs)
        rising = all(a < b for a, b in itertools.pairwise(given))
        if not given or not rising or not all(checks.whole(one, 1, n_classes - 1) for one in given):
            raise checks.SettingError(
                f"[{where}] cutoffs = {given}, n_classes = {n_classes}; expected whole numbers from 1 to "
                f"{n_classes - 1}, each larger than the one before; for example cutoffs = [{max(1, n_classes // 10)}]"
            )
        self.in_features, self.n_classes, self.div_value, self.head_bias = in_features, n_classes, div_value, head_bias
        self.cutoffs = (*given, n_classes)
        self.head = Linear(in_features, given[0] + len(given), head_bias, generator=generator)
        self.tail = ModuleList()
        for place, (low, high) in enumerate(itertools.pairwise(self.cutoffs), 1):
            width = int(in_features // div_value**place)
            checks.sizes(where, 1, **{f"features of cluster {place}": width})
            parts = (Linear(in_features, width, False, generator=generator), Linear(width, high - low, False,
                                                                                    generator=generator))  # fmt: skip
            self.tail.append(Sequential(*parts))
        self._settle(device, dtype)

    def _rows(self, input: TensorLike) -> pt.Tensor:
        x = pt.asarray(input)
        if x.ndim != 2 or x.shape[1] != self.in_features:
            raise pt.ShapeError(
                f"[{type(self).__name__}] input is {list(x.shape)}; expected [n, {self.in_features}]; reshape it"
            )
        return x

    def forward(self, input_: TensorLike, target_: TensorLike) -> AdaptiveLoss:
        """The log-probability of each label, and the mean of their negatives, the loss.

        Shapes    input_ [n, in_features], target_ [n] of integers -> output [n], loss []
        Errors    a label outside of 0 to n_classes - 1, reported when the call or the compiled step ends
        """
        x, label = self._rows(input_), pt.astype(pt.asarray(target_), "int64")
        if label.shape != x.shape[:1]:
            raise pt.ShapeError(
                f"[{type(self).__name__}] target_ is {list(label.shape)}, input_ is {list(x.shape)}; expected a label "
                "for each row; reshape one"
            )
        short = self.cutoffs[0]
        # In the head: the class itself, or the score that its cluster shares; behind the last one if there is no class.
        cluster = pt.searchsorted(pt.asarray(self.cutoffs), label, "right")
        known = pt.logical_and(label >= 0, label < self.n_classes)
        place = pt.where(known, pt.where(label < short, label, short + cluster - 1), short + len(self.tail))
        output = _at(pt.log_softmax(self.head(x)), place)
        for number, (low, high) in enumerate(itertools.pairwise(self.cutoffs)):
            inside = pt.logical_and(label >= low, label < high)
            scores = pt.log_softmax(self.tail[number](x))
            output = output + pt.where(inside, _at(scores, pt.clip(label - low, 0, high - low - 1)), 0.0)
        return AdaptiveLoss(output, -pt.mean(output))

    def log_prob(self, input: TensorLike) -> pt.Tensor:
        """The log-probabilities of all classes.

        Shapes    input [n, in_features] -> [n, n_classes]
        """
        x = self._rows(input)
        head, short = pt.log_softmax(self.head(x)), self.cutoffs[0]
        parts = [head[:, :short]]
        for number in range(len(self.tail)):
            shared = head[:, short + number : short + number + 1]
            parts.append(pt.log_softmax(self.tail[number](x)) + shared)
        return pt.concat(parts, axis=1)

    def predict(self, input: TensorLike) -> pt.Tensor:
        """The most likely class of each row; of a cluster only where its shared score is the largest of the head.

        Shapes    input [n, in_features] -> int64 [n]
        """
        best = pt.argmax(self.head(self._rows(input)), axis=1)
        return pt.where(best < self.cutoffs[0], best, pt.argmax(self.log_prob(input), axis=1))


def _at(scores: pt.Tensor, place: pt.Tensor) -> pt.Tensor:
    """One element of each row."""
    return pt.squeeze(pt.take_along_axis(scores, pt.expand_dims(place, 1), axis=1), 1)
