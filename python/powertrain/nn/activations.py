"""Activations as modules, each one call of the op of its name."""

from __future__ import annotations

from typing import Any

import powertrain as pt
from powertrain.nn import checks
from powertrain.nn.module import Module, Parameter


class _Call(Module):
    """An op with settings that are fixed when the module is made."""

    def __init__(self, op: Any, **settings: Any) -> None:
        super().__init__()
        given = {name: value for name, value in settings.items() if name != "axis" and value is not None}
        checks.numbers(type(self).__name__, **given)
        if "axis" in settings:
            checks.sizes(type(self).__name__, -8, axis=settings["axis"])
        self._op, self._settings = op, settings

    def forward(self, x: Any) -> pt.Tensor:
        y: pt.Tensor = self._op(x, **self._settings)
        return y


class Identity(Module):
    """x as it is."""

    def forward(self, x: Any) -> Any:
        return x


class ELU(_Call):
    """x above zero, else alpha (e^x - 1)."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(pt.elu, alpha=alpha)


class CELU(_Call):
    """x above zero, else alpha (e^(x / alpha) - 1)."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(pt.celu, alpha=alpha)


class SELU(_Call):
    """The elu that keeps activations at mean 0 and variance 1."""

    def __init__(self) -> None:
        super().__init__(pt.selu)


class LeakyReLU(_Call):
    """x above zero, else slope x."""

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__(pt.leaky_relu, slope=slope)


class PReLU(Module):
    """x above zero, else weight x, the weight being learned: one, or one per channel (the last axis)."""

    def __init__(self, channels: int = 1, first: float = 0.25) -> None:
        super().__init__()
        checks.sizes("PReLU", 1, channels=channels)
        checks.numbers("PReLU", first=first)
        self.weight = Parameter(pt.full((channels,), first))

    def forward(self, x: Any) -> pt.Tensor:
        return pt.prelu(x, self.weight)


class ReLU6(_Call):
    """x between 0 and 6."""

    def __init__(self) -> None:
        super().__init__(pt.relu6)


class Hardtanh(_Call):
    """x between low and high."""

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        super().__init__(pt.hardtanh, low=low, high=high)


class Hardsigmoid(_Call):
    """x / 6 + 1 / 2 between 0 and 1."""

    def __init__(self) -> None:
        super().__init__(pt.hardsigmoid)


class Hardswish(_Call):
    """x hardsigmoid(x)."""

    def __init__(self) -> None:
        super().__init__(pt.hardswish)


class Hardshrink(_Call):
    """x, but 0 within lambd of zero."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__(pt.hardshrink, lambd=lambd)


class Softshrink(_Call):
    """x brought nearer to zero by lambd."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__(pt.softshrink, lambd=lambd)


class Tanhshrink(_Call):
    """x - tanh(x)."""

    def __init__(self) -> None:
        super().__init__(pt.tanhshrink)


class Threshold(_Call):
    """x above the threshold, else the value."""

    def __init__(self, threshold: float, value: float) -> None:
        super().__init__(pt.threshold, threshold=threshold, value=value)


class Softplus(_Call):
    """log(1 + e^(beta x)) / beta; with a threshold, x itself where beta x is above it."""

    def __init__(self, beta: float = 1.0, threshold: float | None = None) -> None:
        super().__init__(pt.softplus, beta=beta, threshold=threshold)


class Softsign(_Call):
    """x / (1 + |x|)."""

    def __init__(self) -> None:
        super().__init__(pt.softsign)


class Mish(_Call):
    """x tanh(softplus(x))."""

    def __init__(self) -> None:
        super().__init__(pt.mish)


class LogSigmoid(_Call):
    """log(sigmoid(x))."""

    def __init__(self) -> None:
        super().__init__(pt.logsigmoid)


class GLU(_Call):
    """The first half along an axis times the sigmoid of the second."""

    def __init__(self, axis: int = -1) -> None:
        super().__init__(pt.glu, axis=axis)


class Softmax(_Call):
    """e^x over its sum along an axis."""

    def __init__(self, axis: int = -1) -> None:
        super().__init__(pt.softmax, axis=axis)


class LogSoftmax(_Call):
    """The logarithm of softmax along an axis."""

    def __init__(self, axis: int = -1) -> None:
        super().__init__(pt.log_softmax, axis=axis)


class Softmin(_Call):
    """softmax(-x) along an axis."""

    def __init__(self, axis: int = -1) -> None:
        super().__init__(pt.softmin, axis=axis)


class Softmax2d(_Call):
    """Softmax over the channels, the last axis, of each place of an image."""

    def __init__(self) -> None:
        super().__init__(pt.softmax, axis=-1)
