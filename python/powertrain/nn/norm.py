"""Normalisations."""

from __future__ import annotations

from typing import Any

import powertrain as pt
from powertrain.nn import checks, init
from powertrain.nn.module import Module, Parameter


def _check(where: str, width: int, eps: float) -> None:
    checks.sizes(where, width=width)
    checks.numbers(where, 0, eps=eps)


class LayerNorm(Module):
    """Each row less its mean, over its standard deviation, then weight and bias (Ba et al. 2016)."""

    def __init__(self, width: int, eps: float = 1e-5, *, bias: bool = True) -> None:
        super().__init__()
        _check("LayerNorm", width, eps)
        self.weight = Parameter(init.ones((width,)))
        self.bias = Parameter(init.zeros((width,))) if bias else None
        self.eps = eps

    def forward(self, x: Any) -> pt.Tensor:
        return pt.layer_norm(x, self.weight, self.bias, self.eps)


class RMSNorm(Module):
    """Each row over its root mean square, then weight (Zhang and Sennrich 2019)."""

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        _check("RMSNorm", width, eps)
        self.weight = Parameter(init.ones((width,)))
        self.eps = eps

    def forward(self, x: Any) -> pt.Tensor:
        return pt.rms_norm(x, self.weight, self.eps)


class BatchNorm(Module):
    """Each channel (the last axis) by the mean and variance of the batch; by running ones in evaluation.

    Running statistics are buffers: running = (1 - momentum) * running + momentum * batch, with the unbiased variance
    (Ioffe and Szegedy 2015).
    """

    TORCH_ONLY = frozenset({"num_batches_tracked"})

    def __init__(self, width: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        _check("BatchNorm", width, eps)
        checks.numbers("BatchNorm", 0, most=1, momentum=momentum)
        self.weight = Parameter(init.ones((width,)))
        self.bias = Parameter(init.zeros((width,)))
        self.running_mean = pt.Slot(init.zeros((width,)))
        self.running_var = pt.Slot(init.ones((width,)))
        self.eps, self.momentum = eps, momentum

    def forward(self, x: Any) -> pt.Tensor:
        if not self.training:
            scale = pt.rsqrt(self.running_var + self.eps) * self.weight
            return (x - self.running_mean) * scale + self.bias
        count = x.size // x.shape[-1]
        if count < 2:
            raise pt.ShapeError(
                f"[BatchNorm] one value per channel from {list(x.shape)}; expected at least two to take a variance of; "
                "use a larger batch, or model.eval()"
            )
        y, mean, variance = pt.batch_norm(x, self.weight, self.bias, self.eps)
        kept = 1 - self.momentum
        self.running_mean.value = self.running_mean * kept + mean * self.momentum
        self.running_var.value = self.running_var * kept + variance * (self.momentum * count / (count - 1))
        return y


class GroupNorm(Module):
    """Each example's channels (the last axis) in groups, less their mean, over their deviation (Wu and He 2018)."""

    def __init__(self, groups: int, width: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        _check("GroupNorm", width, eps)
        checks.sizes("GroupNorm", 1, groups=groups)
        if width % groups:
            raise pt.ShapeError(
                f"[GroupNorm] {width} channels in {groups} groups; expected a multiple of groups; change groups"
            )
        self.weight = Parameter(init.ones((width,))) if affine else None
        self.bias = Parameter(init.zeros((width,))) if affine else None
        self.groups, self.eps = groups, eps

    def forward(self, x: Any) -> pt.Tensor:
        return pt.group_norm(x, self.weight, self.bias, groups=self.groups, eps=self.eps)


class InstanceNorm(Module):
    """Each channel of each example less its mean, over its deviation (Ulyanov et al. 2016)."""

    def __init__(self, width: int, eps: float = 1e-5, affine: bool = False) -> None:
        super().__init__()
        _check("InstanceNorm", width, eps)
        self.weight = Parameter(init.ones((width,))) if affine else None
        self.bias = Parameter(init.zeros((width,))) if affine else None
        self.eps = eps

    def forward(self, x: Any) -> pt.Tensor:
        return pt.instance_norm(x, self.weight, self.bias, self.eps)
