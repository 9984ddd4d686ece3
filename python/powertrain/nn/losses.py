"""Losses as modules, each a call of the function of powertrain.nn.functional."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks
from powertrain.nn.module import Module

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import Setting, TensorLike

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CrossEntropyLoss", "GaussianNLLLoss", "HuberLoss", "KLDivLoss",
    "L1Loss", "MSELoss", "NLLLoss", "PoissonNLLLoss", "SmoothL1Loss",
]  # fmt: skip

Reduction = Literal["mean", "sum", "none"]


class Loss(Module):
    """What losses share: `reduction` says what becomes of the value of each example."""

    OP: ClassVar[str] = ""
    REDUCTIONS: ClassVar[tuple[str, ...]] = ("mean", "sum", "none")
    # The inputs that have one shape. The ops broadcast; here [n, 1] beside [n] would be a mean over n^2 numbers.
    ALIKE: ClassVar[tuple[str, ...]] = ("input", "target")

    def __init__(self, *, reduction: str = "mean", **settings: Setting) -> None:
        super().__init__()
        where = type(self).__name__
        checks.choice(where, self.REDUCTIONS, reduction=reduction)
        checks.numbers(where, **{name: value for name, value in settings.items() if isinstance(value, float)})
        self.reduction, self._settings = reduction, settings

    def _computed(self, *inputs: Any) -> pt.Tensor:
        checks.one_shape(type(self).__name__, **dict(zip(self.ALIKE, inputs, strict=False)))
        loss: pt.Tensor = getattr(F, self.OP)(*inputs, reduction=self.reduction, **self._settings)
        return loss

    def forward(self, input: Tensor, target: Tensor) -> pt.Tensor:
        return self._computed(input, target)


def _tensor(value: Any) -> pt.Tensor | None:
    return None if value is None else pt.asarray(value)


class MSELoss(Loss):
    """(input - target)^2.

    Example
        >>> round(pt.nn.MSELoss()(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        0.25
    """

    OP = "mse_loss"

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)


class L1Loss(Loss):
    """|input - target|.

    Example
        >>> round(pt.nn.L1Loss()(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        0.5
    """

    OP = "l1_loss"

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)


class HuberLoss(Loss):
    """Squared up to delta, linear beyond.

    Example
        >>> round(pt.nn.HuberLoss()(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        0.125
    """

    OP = "huber_loss"

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction, delta=delta)


class SmoothL1Loss(Loss):
    """Squared up to beta, of slope 1 beyond.

    Example
        >>> round(pt.nn.SmoothL1Loss()(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        0.125
    """

    OP = "smooth_l1_loss"

    def __init__(self, *, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction, beta=beta)


class BCELoss(Loss):
    """The binary cross-entropy of probabilities from 0 to 1; `weight` is a factor of each value, and broadcasts.

    Example
        >>> round(pt.nn.BCELoss()(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        0.6931
    """

    OP = "binary_cross_entropy"

    def __init__(self, weight: TensorLike | None = None, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction, weight=_tensor(weight))
        self.weight = self._settings["weight"]


class BCEWithLogitsLoss(Loss):
    """The binary cross-entropy of a logit; `pos_weight` counts for the part of the target that is 1.

    `weight` is a factor of each value, and broadcasts.

    Example
        >>> round(pt.nn.BCEWithLogitsLoss()(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        0.7241
    """

    OP = "binary_cross_entropy_with_logits"

    def __init__(
        self, weight: TensorLike | None = None, *, reduction: Reduction = "mean", pos_weight: TensorLike | None = None
    ) -> None:
        super().__init__(reduction=reduction, weight=_tensor(weight), pos_weight=_tensor(pos_weight))
        self.weight = self._settings["weight"]


class KLDivLoss(Loss):
    """target (log target - input) of log-probabilities; 'batchmean' is the divergence per row.

    Example
        >>> loss = pt.nn.KLDivLoss(reduction="batchmean")
        >>> round(loss(pt.log(pt.tensor([[0.5, 0.5]])), pt.tensor([[0.25, 0.75]])).item(), 4)
        0.1308
    """

    OP = "kl_div"
    REDUCTIONS = ("mean", "sum", "none", "batchmean")

    def __init__(self, *, reduction: Reduction | Literal["batchmean"] = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction, log_target=log_target)


class PoissonNLLLoss(Loss):
    """Minus the log-probability of counts under a rate of e^input, or of input without `log_input`.

    Example
        >>> round(pt.nn.PoissonNLLLoss()(pt.tensor([0.5, 0.5]), pt.tensor([1.0, 0.0])).item(), 4)
        1.3987
    """

    OP = "poisson_nll_loss"

    def __init__(
        self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction=reduction, log_input=log_input, full=full, eps=eps)

    def forward(self, log_input: Tensor, target: Tensor) -> pt.Tensor:
        return self._computed(log_input, target)


class GaussianNLLLoss(Loss):
    """Minus the log-density of the target under a mean and a variance.

    Example
        >>> round(pt.nn.GaussianNLLLoss()(pt.zeros((2,)), pt.ones((2,)), pt.ones((2,))).item(), 4)
        0.5
    """

    OP = "gaussian_nll_loss"

    def __init__(self, full: bool = False, eps: float = 1e-6, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction, full=full, eps=eps)

    def forward(self, input: Tensor, target: Tensor, var: Tensor) -> pt.Tensor:  # type: ignore[override]  # one input more
        """Shapes    input [...], target [...], var [...], or 1 along axes that share one -> [...]"""
        x, variance = checks.shape_of(input), checks.shape_of(var)
        if len(variance) != len(x) or any(one not in (1, size) for one, size in zip(variance, x, strict=True)):
            raise pt.ShapeError(
                f"[GaussianNLLLoss] var is {list(variance)}, input is {list(x)}; expected one for each number, or "
                "a size of 1 along axes that share one; reshape it"
            )
        return self._computed(input, target, var)


class CTCLoss(Loss):
    """Minus the log-probability of labels whose places in time are unknown; the mean is over labels, then over rows.

    Example
        >>> scores = pt.log(pt.full((1, 6, 3), 1 / 3))
        >>> pt.nn.CTCLoss()(scores, pt.tensor([[1, 2]]), pt.tensor([6]), pt.tensor([2])).shape
        ()
    """

    OP = "ctc_loss"
    ALIKE = ()

    def __init__(self, blank: int = 0, reduction: Reduction = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction, blank=blank, zero_infinity=zero_infinity)

    def forward(  # type: ignore[override]  # two inputs more
        self, log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor
    ) -> pt.Tensor:
        """Shapes    log_probs [n, t, classes], targets [n, s], input_lengths and target_lengths [n]"""
        return self._computed(log_probs, targets, input_lengths, target_lengths)


class _Classes(Loss):
    """Losses of labels, whose mean is over the weights of the labels that count."""

    ALIKE = ()  # the ops themselves want one label for each row

    def __init__(
        self, weight: TensorLike | None, ignore_index: int | None, reduction: Reduction, **settings: Setting
    ) -> None:
        self_weight = _tensor(weight)
        super().__init__(reduction=reduction, weight=self_weight, ignore_index=ignore_index, **settings)
        self.weight, self.ignore_index = self_weight, ignore_index


class NLLLoss(_Classes):
    """Minus the log-probability of each label, times the weight of its class; classes are the last axis.

    Shapes    input [..., classes], target [...]
    Example
        >>> pt.nn.NLLLoss()(pt.tensor([[-0.5, -1.5]]), pt.tensor([0])).item()
        0.5
    """

    OP = "nll_loss"

    def __init__(
        self, weight: TensorLike | None = None, *, ignore_index: int | None = -100, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(weight, ignore_index, reduction)


class CrossEntropyLoss(_Classes):
    """The cross-entropy of logits [..., classes] against labels [...], or against probabilities [..., classes].

    Classes come last. The mean over labels is weighted by their classes, that over probabilities is over rows.

    Example
        >>> round(pt.nn.CrossEntropyLoss()(pt.tensor([[2.0, 0.0, 0.0]]), pt.tensor([0])).item(), 4)
        0.2395
    """

    OP = "cross_entropy"

    def __init__(
        self,
        weight: TensorLike | None = None,
        *,
        ignore_index: int | None = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, ignore_index, reduction, label_smoothing=label_smoothing)
        self.label_smoothing = label_smoothing
