"""Norms of channels, which are the last axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks, init
from powertrain.nn.module import Module, Parameter
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import Device, DTypeLike

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
    "LocalResponseNorm",
]  # fmt: skip


class _Channels(Module):
    """A norm of each channel, with weights for each, and running statistics where they are wanted."""

    TORCH_ONLY = frozenset({"num_batches_tracked"})
    COUNTS: ClassVar[tuple[int, ...]]
    SHAPE: ClassVar[str]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Device = None,
        dtype: DTypeLike | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        checks.sizes(where, num_features=num_features)
        checks.numbers(where, 0, eps=eps)
        if momentum is not None:
            checks.numbers(where, 0, most=1, momentum=momentum)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(init.ones((num_features,))) if affine else None
        self.bias = Parameter(init.zeros((num_features,))) if affine and bias else None
        self.running_mean = pt.Slot(init.zeros((num_features,))) if track_running_stats else None
        self.running_var = pt.Slot(init.ones((num_features,))) if track_running_stats else None
        if track_running_stats and momentum is None:
            self.num_batches_tracked = pt.Slot(pt.zeros((), "int64"))
        self._settle(device, dtype)

    def reset_running_stats(self) -> None:
        """Running means of 0 and variances of 1, as at the beginning."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.value = pt.zeros(self.running_mean.shape, self.running_mean.dtype)
            self.running_var.value = pt.ones(self.running_var.shape, self.running_var.dtype)
        if self.momentum is None and self.track_running_stats:
            self.num_batches_tracked.value = pt.zeros((), "int64")

    def _check(self, x: Any) -> None:
        where = type(self).__name__
        checks.axes(where, x, *self.COUNTS, shape=self.SHAPE)
        if x.shape[-1] != self.num_features:
            raise pt.ShapeError(
                f"[{where}] input is {list(x.shape)}; expected {self.num_features} channels, the last axis; move the "
                "channels last, pt.moveaxis(x, 1, -1), or change num_features"
            )

    def _by_running(self, x: Any) -> pt.Tensor:
        assert self.running_mean is not None and self.running_var is not None
        scale = pt.rsqrt(self.running_var + self.eps)
        scale = scale if self.weight is None else scale * self.weight
        y = (x - self.running_mean) * scale
        return y if self.bias is None else y + self.bias

    def _track(self, mean: Any, variance: Any, unbiased: float) -> None:
        """Take a batch into the running statistics; `unbiased`: the factor that makes its variance so."""
        assert self.running_mean is not None and self.running_var is not None
        momentum: Any = self.momentum
        if momentum is None:  # the mean of all batches so far
            self.num_batches_tracked.value = self.num_batches_tracked + 1
            momentum = 1 / pt.astype(self.num_batches_tracked, self.running_mean.dtype)
        kept = 1 - momentum
        self.running_mean.value = self.running_mean * kept + mean * momentum
        self.running_var.value = self.running_var * kept + variance * (momentum * unbiased)


class AnyBatchNorm(_Channels):
    """Each channel (the last axis) by the mean and variance of the batch; by running ones in evaluation.

    Running statistics are buffers: running = (1 - momentum) * running + momentum * batch, with the unbiased variance
    (Ioffe and Szegedy 2015). Without them (`track_running_stats=False`) evaluation takes those of the batch too.
    """

    def forward(self, input: Tensor) -> pt.Tensor:
        self._check(input)
        if not self.training and self.track_running_stats:
            return self._by_running(input)
        if input.size == 0:  # no example: nothing to take a mean of, and nothing to normalize
            y = input if self.weight is None else input * self.weight
            return y if self.bias is None else y + self.bias
        count = input.size // input.shape[-1]
        if count < 2:
            raise pt.ShapeError(
                f"[{type(self).__name__}] one value per channel from {list(input.shape)}; expected at least two to "
                "take a variance of; use a larger batch, or model.eval()"
            )
        like = (self.num_features,)
        weight = pt.ones(like, input.dtype) if self.weight is None else self.weight
        bias = pt.zeros(like, input.dtype) if self.bias is None else self.bias
        y, mean, variance = OPERATORS["batch_norm"](input, weight, bias, self.eps)
        if self.training and self.track_running_stats:
            self._track(mean, variance, count / (count - 1))
        return y


class BatchNorm1d(AnyBatchNorm):
    __doc__ = f"""{AnyBatchNorm.__doc__}
    Example
        >>> pt.nn.BatchNorm1d(3)(pt.ones((2, 8, 3))).shape
        (2, 8, 3)
    """
    COUNTS, SHAPE = (2, 3), "[batch, channels] or [batch, time, channels]"


class BatchNorm2d(AnyBatchNorm):
    __doc__ = f"""{AnyBatchNorm.__doc__}
    Example
        >>> pt.nn.BatchNorm2d(3)(pt.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """
    COUNTS, SHAPE = (4,), "[batch, height, width, channels]"


class BatchNorm3d(AnyBatchNorm):
    __doc__ = f"""{AnyBatchNorm.__doc__}
    Example
        >>> pt.nn.BatchNorm3d(3)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 4, 4, 4, 3)
    """
    COUNTS, SHAPE = (5,), "[batch, depth, height, width, channels]"


class _InstanceNorm(_Channels):
    """Normalize each channel (the last axis) of each example to zero mean and unit variance (Ulyanov et al. 2016).

    With `track_running_stats`, evaluation takes the running means of the statistics of the examples.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Device = None,
        dtype: DTypeLike | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> pt.Tensor:
        self._check(input)
        if self.track_running_stats:
            if not self.training:
                return self._by_running(input)
            space = tuple(range(1, input.ndim - 1))
            mean, variance = pt.mean(input, axis=space), pt.var(input, axis=space, correction=1)
            self._track(pt.mean(mean, axis=0), pt.mean(variance, axis=0), 1.0)
        return OPERATORS["instance_norm"](input, self.weight, self.bias, self.eps)


class InstanceNorm1d(_InstanceNorm):
    __doc__ = f"""{_InstanceNorm.__doc__}
    Example
        >>> pt.nn.InstanceNorm1d(3)(pt.ones((2, 8, 3))).shape
        (2, 8, 3)
    """
    COUNTS, SHAPE = (3,), "[batch, time, channels]"


class InstanceNorm2d(_InstanceNorm):
    __doc__ = f"""{_InstanceNorm.__doc__}
    Example
        >>> pt.nn.InstanceNorm2d(3)(pt.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """
    COUNTS, SHAPE = (4,), "[batch, height, width, channels]"


class InstanceNorm3d(_InstanceNorm):
    __doc__ = f"""{_InstanceNorm.__doc__}
    Example
        >>> pt.nn.InstanceNorm3d(3)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 4, 4, 4, 3)
    """
    COUNTS, SHAPE = (5,), "[batch, depth, height, width, channels]"


class GroupNorm(Module):
    """Normalize each example's channels (the last axis) in groups, to zero mean and unit variance (Wu and He 2018).

    Example
        >>> pt.nn.GroupNorm(2, 6)(pt.ones((2, 8, 8, 6))).shape
        (2, 8, 8, 6)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Device = None,
        dtype: DTypeLike | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        checks.sizes("GroupNorm", num_channels=num_channels)
        checks.numbers("GroupNorm", 0, eps=eps)
        checks.sizes("GroupNorm", 1, num_groups=num_groups)
        if num_channels % num_groups:
            raise pt.ShapeError(
                f"[GroupNorm] {num_channels} channels in {num_groups} groups; expected a multiple of groups; change "
                "num_groups"
            )
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight = Parameter(init.ones((num_channels,))) if affine else None
        self.bias = Parameter(init.zeros((num_channels,))) if affine and bias else None
        self._settle(device, dtype)

    def forward(self, input: Tensor) -> pt.Tensor:
        return OPERATORS["group_norm"](input, self.weight, self.bias, num_groups=self.num_groups, eps=self.eps)


class LocalResponseNorm(Module):
    """x / (k + alpha mean x^2)^beta, the mean over `size` neighbouring channels, zeros beyond the border.

    Channels are the last axis (Krizhevsky et al. 2012, with PyTorch's division by size).

    Example
        >>> pt.nn.LocalResponseNorm(2)(pt.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        checks.sizes("LocalResponseNorm", 1, size=size)
        checks.numbers("LocalResponseNorm", alpha=alpha, beta=beta, k=k)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> pt.Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)
