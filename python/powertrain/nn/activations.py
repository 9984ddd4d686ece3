"""Activations as modules, each one call of the op of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks
from powertrain.nn.module import Module, Parameter

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import Device, DTypeLike, Setting

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]  # fmt: skip


class _Call(Module):
    """An op with settings that are fixed when the module is made."""

    _OP: ClassVar[Any]

    def __init__(self, inplace: bool = False) -> None:
        self._begin(inplace)

    def _begin(self, inplace: bool = False, **settings: Setting) -> None:
        super().__init__()
        where = type(self).__name__
        checks.fixed(where, inplace=inplace)
        checks.numbers(where, **{name: cast(float, value) for name, value in settings.items() if name != "dim"})
        if "dim" in settings:
            checks.sizes(where, -8, dim=settings["dim"])
        self._settings = tuple(settings)
        vars(self).update(settings)

    def forward(self, input: Tensor) -> pt.Tensor:
        y: pt.Tensor = type(self)._OP(input, *(getattr(self, name) for name in self._settings))
        return y


class Identity(Module):
    """x as it is; settings of any kind are taken, so that it can stand in for any module.

    Example
        >>> pt.nn.Identity()(pt.ones((2,))).tolist()
        [1.0, 1.0]
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class ELU(_Call):
    """x above zero, else alpha (e^x - 1).

    Example
        >>> [round(y, 4) for y in pt.nn.ELU()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.8647, 0.0, 2.0]
    """

    _OP: ClassVar[Any] = staticmethod(F.elu)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self._begin(inplace, alpha=alpha)


class CELU(_Call):
    """x above zero, else alpha (e^(x / alpha) - 1).

    Example
        >>> [round(y, 4) for y in pt.nn.CELU()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.8647, 0.0, 2.0]
    """

    _OP: ClassVar[Any] = staticmethod(F.celu)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self._begin(inplace, alpha=alpha)


class SELU(_Call):
    """The elu that keeps activations at mean 0 and variance 1.

    Example
        >>> [round(y, 4) for y in pt.nn.SELU()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-1.5202, 0.0, 2.1014]
    """

    _OP: ClassVar[Any] = staticmethod(F.selu)


class ReLU(_Call):
    """max(x, 0).

    Example
        >>> [round(y, 4) for y in pt.nn.ReLU()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [0.0, 0.0, 2.0]
    """

    _OP: ClassVar[Any] = staticmethod(pt.relu)


class ReLU6(_Call):
    """x between 0 and 6.

    Example
        >>> [round(y, 4) for y in pt.nn.ReLU6()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [0.0, 0.0, 2.0]
    """

    _OP: ClassVar[Any] = staticmethod(F.relu6)


class LeakyReLU(_Call):
    """x above zero, else negative_slope x.

    Example
        >>> [round(y, 4) for y in pt.nn.LeakyReLU()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.02, 0.0, 2.0]
    """

    _OP: ClassVar[Any] = staticmethod(F.leaky_relu)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self._begin(inplace, negative_slope=negative_slope)


class SiLU(_Call):
    """x sigmoid(x).

    Example
        >>> [round(y, 4) for y in pt.nn.SiLU()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.2384, 0.0, 1.7616]
    """

    _OP: ClassVar[Any] = staticmethod(F.silu)


class Mish(_Call):
    """x tanh(softplus(x)).

    Example
        >>> [round(y, 4) for y in pt.nn.Mish()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.2525, 0.0, 1.944]
    """

    _OP: ClassVar[Any] = staticmethod(F.mish)


class Tanh(_Call):
    """The hyperbolic tangent.

    Example
        >>> [round(y, 4) for y in pt.nn.Tanh()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.964, 0.0, 0.964]
    """

    _OP: ClassVar[Any] = staticmethod(pt.tanh)

    def __init__(self) -> None:
        self._begin()


class Sigmoid(_Call):
    """1 / (1 + e^-x).

    Example
        >>> [round(y, 4) for y in pt.nn.Sigmoid()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [0.1192, 0.5, 0.8808]
    """

    _OP: ClassVar[Any] = staticmethod(pt.sigmoid)

    def __init__(self) -> None:
        self._begin()


class Hardtanh(_Call):
    """x between min_val and max_val.

    Example
        >>> [round(y, 4) for y in pt.nn.Hardtanh()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-1.0, 0.0, 1.0]
    """

    _OP: ClassVar[Any] = staticmethod(F.hardtanh)

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        self._begin(inplace, min_val=min_val, max_val=max_val)


class Hardsigmoid(_Call):
    """x / 6 + 1 / 2 between 0 and 1.

    Example
        >>> [round(y, 4) for y in pt.nn.Hardsigmoid()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [0.1667, 0.5, 0.8333]
    """

    _OP: ClassVar[Any] = staticmethod(F.hardsigmoid)


class Hardswish(_Call):
    """x hardsigmoid(x).

    Example
        >>> [round(y, 4) for y in pt.nn.Hardswish()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.3333, 0.0, 1.6667]
    """

    _OP: ClassVar[Any] = staticmethod(F.hardswish)


class Hardshrink(_Call):
    """x, but 0 within lambd of zero.

    Example
        >>> [round(y, 4) for y in pt.nn.Hardshrink()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-2.0, 0.0, 2.0]
    """

    _OP: ClassVar[Any] = staticmethod(F.hardshrink)

    def __init__(self, lambd: float = 0.5) -> None:
        self._begin(lambd=lambd)


class Softshrink(_Call):
    """x brought nearer to zero by lambd.

    Example
        >>> [round(y, 4) for y in pt.nn.Softshrink()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-1.5, 0.0, 1.5]
    """

    _OP: ClassVar[Any] = staticmethod(F.softshrink)

    def __init__(self, lambd: float = 0.5) -> None:
        self._begin(lambd=lambd)


class Tanhshrink(_Call):
    """x - tanh(x).

    Example
        >>> [round(y, 4) for y in pt.nn.Tanhshrink()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-1.036, 0.0, 1.036]
    """

    _OP: ClassVar[Any] = staticmethod(F.tanhshrink)

    def __init__(self) -> None:
        self._begin()


class Threshold(_Call):
    """x above the threshold, else the value.

    Example
        >>> [round(y, 4) for y in pt.nn.Threshold(0.5, -1.0)(pt.tensor([0.2, 2.0])).tolist()]
        [-1.0, 2.0]
    """

    _OP: ClassVar[Any] = staticmethod(F.threshold)

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        self._begin(inplace, threshold=threshold, value=value)


class Softplus(_Call):
    """log(1 + e^(beta x)) / beta, and x itself where beta x is above the threshold.

    Example
        >>> [round(y, 4) for y in pt.nn.Softplus()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [0.1269, 0.6931, 2.1269]
    """

    _OP: ClassVar[Any] = staticmethod(F.softplus)

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self._begin(beta=beta, threshold=threshold)


class Softsign(_Call):
    """x / (1 + |x|).

    Example
        >>> [round(y, 4) for y in pt.nn.Softsign()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.6667, 0.0, 0.6667]
    """

    _OP: ClassVar[Any] = staticmethod(F.softsign)

    def __init__(self) -> None:
        self._begin()


class LogSigmoid(_Call):
    """log(sigmoid(x)).

    Example
        >>> [round(y, 4) for y in pt.nn.LogSigmoid()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-2.1269, -0.6931, -0.1269]
    """

    _OP: ClassVar[Any] = staticmethod(F.logsigmoid)

    def __init__(self) -> None:
        self._begin()


class GLU(_Call):
    """The first half along an axis times the sigmoid of the second.

    Example
        >>> pt.nn.GLU()(pt.ones((2, 6))).shape
        (2, 3)
    """

    _OP: ClassVar[Any] = staticmethod(F.glu)

    def __init__(self, dim: int = -1) -> None:
        self._begin(dim=dim)


class Softmax(_Call):
    """e^x over its sum along an axis.

    Example
        >>> [round(y, 4) for y in pt.nn.Softmax()(pt.tensor([0.0, 1.0])).tolist()]
        [0.2689, 0.7311]
    """

    _OP: ClassVar[Any] = staticmethod(pt.softmax)

    def __init__(self, dim: int = -1) -> None:
        self._begin(dim=dim)


class LogSoftmax(_Call):
    """The logarithm of softmax along an axis.

    Example
        >>> [round(y, 4) for y in pt.nn.LogSoftmax()(pt.tensor([0.0, 1.0])).tolist()]
        [-1.3133, -0.3133]
    """

    _OP: ClassVar[Any] = staticmethod(pt.log_softmax)

    def __init__(self, dim: int = -1) -> None:
        self._begin(dim=dim)


class Softmin(_Call):
    """softmax(-x) along an axis.

    Example
        >>> [round(y, 4) for y in pt.nn.Softmin()(pt.tensor([0.0, 1.0])).tolist()]
        [0.7311, 0.2689]
    """

    _OP: ClassVar[Any] = staticmethod(F.softmin)

    def __init__(self, dim: int = -1) -> None:
        self._begin(dim=dim)


class Softmax2d(_Call):
    """Softmax over the channels, the last axis, of each place of an image.

    Example
        >>> pt.nn.Softmax2d()(pt.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    _OP: ClassVar[Any] = staticmethod(pt.softmax)

    def __init__(self) -> None:
        self._begin()


class GELU(Module):
    """x * Phi(x), by erf, or by the tanh form that GPT-2 uses.

    Example
        >>> [round(y, 4) for y in pt.nn.GELU()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.0455, 0.0, 1.9545]
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        checks.choice("GELU", ("none", "tanh"), approximate=approximate)
        self.approximate = approximate

    def forward(self, input: Tensor) -> pt.Tensor:
        return F.gelu(input, approximate=self.approximate)


class PReLU(Module):
    """x above zero, else weight x, the weight being learned: one, or one per channel (the last axis).

    Example
        >>> [round(y, 4) for y in pt.nn.PReLU()(pt.tensor([-2.0, 0.0, 2.0])).tolist()]
        [-0.5, 0.0, 2.0]
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Device = None, dtype: DTypeLike | None = None
    ) -> None:
        super().__init__()
        checks.sizes("PReLU", 1, num_parameters=num_parameters)
        checks.numbers("PReLU", init=init)
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(pt.full((num_parameters,), init))
        self._settle(device, dtype)

    def forward(self, input: Tensor) -> pt.Tensor:
        return F.prelu(input, self.weight)


class RReLU(Module):
    """x above zero, else slope x: the slope is drawn for each element in training, and their mean in evaluation.

    Draws come from the default generator (Xu et al. 2015).

    Example
        >>> pt.nn.RReLU(0.25, 0.25).eval()(pt.tensor([-2.0, 2.0])).tolist()
        [-0.5, 2.0]
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__()
        checks.fixed("RReLU", inplace=inplace)
        checks.numbers("RReLU", lower=lower, upper=upper)
        if lower > upper:
            raise checks.SettingError(f"[RReLU] lower = {lower}, upper = {upper}; expected lower <= upper; swap them")
        self.lower, self.upper = lower, upper

    def forward(self, input: Tensor) -> pt.Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training)
