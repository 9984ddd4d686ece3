"""Losses as modules: the op of each, then its mean, its sum, or one value per example."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

import powertrain as pt
from powertrain.nn import checks
from powertrain.nn.module import Module

Reduction = Literal["mean", "sum", "none"]


class Loss(Module):
    """What losses share: `reduction` says what becomes of the values that `values` gives."""

    OP: ClassVar[str] = ""
    # The inputs that have one shape. The ops broadcast; here [n, 1] beside [n] would be a mean over n^2 numbers.
    ALIKE: ClassVar[tuple[str, ...]] = ("x", "target")

    def __init__(self, reduction: Reduction = "mean", **settings: Any) -> None:
        super().__init__()
        where = type(self).__name__
        checks.choice(where, ("mean", "sum", "none"), reduction=reduction)
        checks.numbers(where, **{name: value for name, value in settings.items() if isinstance(value, float)})
        self.reduction, self._settings = reduction, settings

    def values(self, *inputs: Any) -> pt.Tensor:
        """One value per example or element."""
        checks.one_shape(type(self).__name__, **dict(zip(self.ALIKE, inputs, strict=False)))
        values: pt.Tensor = getattr(pt, self.OP)(*inputs, **self._settings)
        return values

    def forward(self, *inputs: Any) -> pt.Tensor:
        values = self.values(*inputs)
        if self.reduction == "none":
            return values
        return pt.sum(values) if self.reduction == "sum" else pt.mean(values)


class MSELoss(Loss):
    """(x - target)^2."""

    OP = "mse_loss"


class L1Loss(Loss):
    """|x - target|."""

    OP = "l1_loss"


class HuberLoss(Loss):
    """Squared up to delta, linear beyond."""

    OP = "huber_loss"

    def __init__(self, delta: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction, delta=delta)


class SmoothL1Loss(Loss):
    """Squared up to beta, of slope 1 beyond."""

    OP = "smooth_l1_loss"

    def __init__(self, beta: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction, beta=beta)


class BCELoss(Loss):
    """The binary cross-entropy of a probability."""

    OP = "binary_cross_entropy"


class BCEWithLogitsLoss(Loss):
    """The binary cross-entropy of a logit; `pos_weight` counts for the part of the target that is 1."""

    OP = "bce_with_logits"

    def __init__(self, pos_weight: Any = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction, pos_weight=None if pos_weight is None else pt.asarray(pos_weight))


class KLDivLoss(Loss):
    """target (log target - x) of log-probabilities x; 'batchmean' is the divergence per row."""

    OP = "kl_div"

    def __init__(self, log_target: bool = False, reduction: Reduction | Literal["batchmean"] = "mean") -> None:
        checks.choice("KLDivLoss", ("mean", "sum", "none", "batchmean"), reduction=reduction)
        super().__init__("sum" if reduction == "batchmean" else reduction, log_target=log_target)
        self.by_row = reduction == "batchmean"

    def forward(self, *inputs: Any) -> pt.Tensor:
        loss = super().forward(*inputs)
        return loss / inputs[0].shape[0] if self.by_row and inputs[0].ndim else loss


class PoissonNLLLoss(Loss):
    """Minus the log-probability of counts under a rate of e^x."""

    OP = "poisson_nll_loss"

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction, log_input=log_input, full=full, eps=eps)


class GaussianNLLLoss(Loss):
    """Minus the log-density of the target under a mean and a variance."""

    OP = "gaussian_nll_loss"

    def __init__(self, full: bool = False, eps: float = 1e-6, reduction: Reduction = "mean") -> None:
        super().__init__(reduction, full=full, eps=eps)

    def values(self, *inputs: Any) -> pt.Tensor:
        """Shapes    x [...], target [...], variance [...], or 1 along axes that share one -> [...]"""
        if len(inputs) == 3:
            x, variance = np.shape(inputs[0]), np.shape(inputs[2])
            if len(variance) != len(x) or any(one not in (1, size) for one, size in zip(variance, x, strict=True)):
                raise pt.ShapeError(
                    f"[GaussianNLLLoss] variance is {list(variance)}, x is {list(x)}; expected one for each number, or "
                    "a size of 1 along axes that share one; reshape it"
                )
        return super().values(*inputs)


class SoftMarginLoss(Loss):
    """log(1 + e^(-target x))."""

    OP = "soft_margin_loss"


class HingeEmbeddingLoss(Loss):
    """x where the target is 1, and what it lacks of the margin where it is -1."""

    OP = "hinge_embedding_loss"

    def __init__(self, margin: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction, margin=margin)


class MarginRankingLoss(Loss):
    """What a lacks to be above b by a margin."""

    OP = "margin_ranking_loss"
    ALIKE = ("a", "b", "target")

    def __init__(self, margin: float = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction, margin=margin)


class CosineEmbeddingLoss(Loss):
    """1 - cosine where the target is 1, and what it is above the margin where it is -1."""

    OP = "cosine_embedding_loss"
    ALIKE = ("a", "b")

    def __init__(self, margin: float = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction, margin=margin)

    def values(self, *inputs: Any) -> pt.Tensor:
        """Shapes    a [..., n], b [..., n], target [...] -> [...]"""
        if len(inputs) == 3 and np.shape(inputs[2]) != np.shape(inputs[0])[:-1]:
            raise pt.ShapeError(
                f"[CosineEmbeddingLoss] a is {list(np.shape(inputs[0]))}, target is {list(np.shape(inputs[2]))}; "
                "expected one target for each row of a; reshape target"
            )
        return super().values(*inputs)


class TripletMarginLoss(Loss):
    """What the negative lacks to be further from the anchor than the positive by a margin."""

    OP = "triplet_margin_loss"
    ALIKE = ("anchor", "positive", "negative")

    def __init__(
        self,
        margin: float = 1.0,
        ord: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction, margin=margin, ord=ord, eps=eps, swap=swap)


class MultiMarginLoss(Loss):
    """What the score of the label lacks to be above the others by a margin."""

    OP = "multi_margin_loss"
    ALIKE = ()  # the op itself wants one label for each row

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction, p=p, margin=margin, weight=None if weight is None else pt.asarray(weight))


class MultiLabelSoftMarginLoss(Loss):
    """The mean over classes of the binary cross-entropy of each."""

    OP = "multilabel_soft_margin_loss"

    def __init__(self, weight: Any = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction, weight=None if weight is None else pt.asarray(weight))


class CTCLoss(Loss):
    """Minus the log-probability of labels whose places in time are unknown; the mean is over labels, then over rows.

    Called with log_probs [n, t, classes], labels [n, s], and how many steps and labels of each row count, [n] each.
    """

    OP = "ctc_loss"
    ALIKE = ()

    def __init__(self, blank: int = 0, reduction: Reduction = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction, blank=blank, zero_infinity=zero_infinity)

    def forward(self, *inputs: Any) -> pt.Tensor:
        if self.reduction != "mean":
            return super().forward(*inputs)
        values = self.values(*inputs)
        return pt.mean(values / pt.cast(pt.maximum(inputs[3], 1), values.dtype))


class _Classes(Loss):
    """Losses of labels, whose mean is over the weights of the labels that count."""

    ALIKE = ()  # the ops themselves want one label for each row

    def __init__(self, weight: Any, ignore_index: int | None, reduction: Reduction, **settings: Any) -> None:
        weight = None if weight is None else pt.asarray(weight)
        super().__init__(reduction, weight=weight, ignore_index=ignore_index, **settings)
        self.weight: pt.Tensor | None = weight

    def forward(self, *inputs: Any) -> pt.Tensor:
        labels, weight = inputs[1], self.weight
        ignored = self._settings["ignore_index"]
        if self.reduction != "mean" or (weight is None and ignored is None):
            return super().forward(*inputs)
        kept = None if ignored is None else pt.not_equal(labels, ignored)
        counted: Any = 1.0
        if weight is not None:
            counted = pt.take(weight, labels if kept is None else pt.where(kept, labels, 0))
        if kept is not None:
            counted = pt.where(kept, counted, 0.0)
        return pt.sum(self.values(*inputs)) / pt.sum(counted)


class NLLLoss(_Classes):
    """Minus the log-probability of each label, times the weight of its class."""

    OP = "nll_loss"

    def __init__(self, weight: Any = None, ignore_index: int | None = -100, reduction: Reduction = "mean") -> None:
        super().__init__(weight, ignore_index, reduction)


class CrossEntropyLoss(_Classes):
    """The cross-entropy of logits [..., classes] against labels [...], or against probabilities [..., classes].

    Classes come last. The mean over labels is weighted by their classes, that over probabilities is over rows.
    """

    OP = "cross_entropy"

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int | None = -100,
        label_smoothing: float = 0.0,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(weight, ignore_index, reduction, label_smoothing=label_smoothing)

    def forward(self, *inputs: Any) -> pt.Tensor:
        logits, target = inputs
        if target.ndim < logits.ndim:
            return super().forward(*inputs)
        smoothing = self._settings["label_smoothing"]
        if smoothing:
            target = target * (1 - smoothing) + smoothing / logits.shape[-1]
        values = pt.soft_cross_entropy(logits, target, self.weight)
        if self.reduction == "none":
            return values
        return pt.sum(values) if self.reduction == "sum" else pt.mean(values)
