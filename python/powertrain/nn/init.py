"""Initial values of parameters, as functions of (seed, stream, call) of a generator.

Functions of a shape give a tensor. Those whose names end in _ are PyTorch's: they write a new value into a parameter
and return it, and read the fans from its shape, weights being (in, out) or (kernel..., in, out).

Fans: for a weight [in, out] they are in and out; for a convolution, channels x kernel area. `fan_in` is given by the
caller, who knows the layout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import powertrain as pt
from powertrain.errors.boundary import export, shown
from powertrain.nn import checks
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Shape = Sequence[int]
Generator = pt.random.Generator


def _check(where: str, gain: float, fans: int) -> None:
    checks.numbers(where, 0, gain=gain)
    checks.sizes(where, 1, fans=fans)


def _chosen(where: str, generator: Generator | None) -> Generator:
    """The generator that was given, or the default one. NumPy's has methods of the same names, and other arguments."""
    if generator is None:
        return pt.random.default_generator()
    if not isinstance(generator, Generator):
        raise pt.DTypeError(
            f"[{where}] generator is {shown(generator)}; expected a pt.random.Generator or None; for example "
            "pt.random.Generator(0)"
        )
    return generator


def zeros(shape: Shape) -> pt.Tensor:
    return pt.zeros(tuple(shape))


def ones(shape: Shape) -> pt.Tensor:
    return pt.ones(tuple(shape))


def uniform(shape: Shape, low: float, high: float, generator: Generator | None = None) -> pt.Tensor:
    """Uniform in [low, high)."""
    checks.numbers("uniform", low=low, high=high)
    if low > high:
        raise checks.SettingError(f"[uniform] low = {low}, high = {high}; expected low <= high; exchange them")
    draw = _chosen("uniform", generator).uniform(size=tuple(shape))
    return draw * (high - low) + low


def normal(shape: Shape, std: float = 1.0, mean: float = 0.0, generator: Generator | None = None) -> pt.Tensor:
    checks.numbers("normal", 0, std=std)
    checks.numbers("normal", mean=mean)
    draw = _chosen("normal", generator).normal(size=tuple(shape))
    return draw * std + mean


def uniform_fan_in(shape: Shape, fan_in: int, generator: Generator | None = None) -> pt.Tensor:
    """Uniform in +-1/sqrt(fan_in): LeCun et al. 1998 up to a factor; the default of linear layers, as in PyTorch."""
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    return uniform(shape, -bound, bound, generator)


def kaiming_uniform(
    shape: Shape, fan_in: int, gain: float = math.sqrt(2), generator: Generator | None = None
) -> pt.Tensor:
    """Uniform with variance gain^2 / fan_in: He et al. 2015, equation 10 (gain sqrt(2) is for relu)."""
    _check("kaiming_uniform", gain, fan_in)
    bound = gain * math.sqrt(3 / fan_in)
    return uniform(shape, -bound, bound, generator)


def kaiming_normal(
    shape: Shape, fan_in: int, gain: float = math.sqrt(2), generator: Generator | None = None
) -> pt.Tensor:
    """Normal with variance gain^2 / fan_in: He et al. 2015, equation 10."""
    _check("kaiming_normal", gain, fan_in)
    return normal(shape, gain / math.sqrt(fan_in), generator=generator)


def xavier_uniform(
    shape: Shape, fan_in: int, fan_out: int, gain: float = 1.0, generator: Generator | None = None
) -> pt.Tensor:
    """Uniform with variance 2 gain^2 / (fan_in + fan_out): Glorot and Bengio 2010, equation 16."""
    _check("xavier_uniform", gain, fan_in + fan_out)
    bound = gain * math.sqrt(6 / (fan_in + fan_out))
    return uniform(shape, -bound, bound, generator)


def xavier_normal(
    shape: Shape, fan_in: int, fan_out: int, gain: float = 1.0, generator: Generator | None = None
) -> pt.Tensor:
    """Normal with variance 2 gain^2 / (fan_in + fan_out): Glorot and Bengio 2010, equation 12."""
    _check("xavier_normal", gain, fan_in + fan_out)
    return normal(shape, gain * math.sqrt(2 / (fan_in + fan_out)), generator=generator)


# ---------------------------------------------------------------- into a parameter

Mode = Literal["fan_in", "fan_out"]


def _written(tensor: Any, value: pt.Tensor) -> pt.Slot:
    tensor.value = pt.astype(value, tensor.dtype)
    slot: pt.Slot = tensor
    return slot


def _slot(where: str, tensor: Any, least: int = 0) -> tuple[int, ...]:
    """The shape of a parameter that is written."""
    if not isinstance(tensor, pt.Slot):
        raise pt.DTypeError(
            f"[{where}] received {type(tensor).__name__}; expected a parameter, which can be written; pass layer.weight"
        )
    if tensor.ndim < least:
        raise pt.ShapeError(
            f"[{where}] tensor is {list(tensor.shape)}; expected {least} axes or more, which say the fans; take "
            "another function for a bias, such as zeros_"
        )
    return tuple(tensor.shape)


def fans(shape: Shape) -> tuple[int, int]:
    """What goes into one output and out of one input, of a weight (in, out) or (kernel..., in, out).

    >>> pt.nn.init.fans((3, 3, 16, 32))
    (144, 288)
    """
    kernel = math.prod(shape[:-2])
    return shape[-2] * kernel, shape[-1] * kernel


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the size of activations behind a nonlinearity, as PyTorch has it."""
    slope = 0.01 if param is None else param
    gains = {"tanh": 5 / 3, "relu": math.sqrt(2), "leaky_relu": math.sqrt(2 / (1 + slope**2)), "selu": 3 / 4}
    gains |= dict.fromkeys(("linear", "sigmoid", *(f"conv{n}d" for n in (1, 2, 3))), 1.0)
    gains |= dict.fromkeys((f"conv_transpose{n}d" for n in (1, 2, 3)), 1.0)
    checks.choice("calculate_gain", tuple(gains), nonlinearity=nonlinearity)
    return gains[nonlinearity]


def constant_(tensor: TensorLike, val: float) -> pt.Slot:
    """One number everywhere."""
    return _written(tensor, pt.full(_slot("constant_", tensor), val))


def zeros_(tensor: TensorLike) -> pt.Slot:
    """Zeros."""
    return _written(tensor, zeros(_slot("zeros_", tensor)))


def ones_(tensor: TensorLike) -> pt.Slot:
    """Ones."""
    return _written(tensor, ones(_slot("ones_", tensor)))


def uniform_(tensor: TensorLike, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> pt.Slot:
    """Uniform in [a, b)."""
    return _written(tensor, uniform(_slot("uniform_", tensor), a, b, generator))


def normal_(tensor: TensorLike, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> pt.Slot:
    """Normal with this mean and standard deviation.

    >>> layer = pt.nn.Linear(2, 3)
    >>> pt.nn.init.normal_(layer.weight, std=0.02).shape
    (2, 3)
    """
    return _written(tensor, normal(_slot("normal_", tensor), std, mean, generator))


def xavier_uniform_(tensor: TensorLike, gain: float = 1.0, generator: Generator | None = None) -> pt.Slot:
    """Uniform with variance 2 gain^2 / (fan_in + fan_out): Glorot and Bengio 2010."""
    shape = _slot("xavier_uniform_", tensor, 2)
    return _written(tensor, xavier_uniform(shape, *fans(shape), gain, generator))


def xavier_normal_(tensor: TensorLike, gain: float = 1.0, generator: Generator | None = None) -> pt.Slot:
    """Normal with variance 2 gain^2 / (fan_in + fan_out): Glorot and Bengio 2010."""
    shape = _slot("xavier_normal_", tensor, 2)
    return _written(tensor, xavier_normal(shape, *fans(shape), gain, generator))


def _kaiming(where: str, tensor: Any, a: float, mode: Mode, nonlinearity: str) -> tuple[tuple[int, ...], int, float]:
    shape = _slot(where, tensor, 2)
    checks.choice(where, ("fan_in", "fan_out"), mode=mode)
    return shape, fans(shape)[mode == "fan_out"], calculate_gain(nonlinearity, a)


def kaiming_uniform_(
    tensor: TensorLike,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> pt.Slot:
    """Uniform with variance gain^2 / fan: He et al. 2015; `a` is the slope of a leaky relu."""
    settings = _kaiming("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return _written(tensor, kaiming_uniform(*settings, generator))


def kaiming_normal_(
    tensor: TensorLike,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> pt.Slot:
    """Normal with variance gain^2 / fan: He et al. 2015; `a` is the slope of a leaky relu."""
    settings = _kaiming("kaiming_normal_", tensor, a, mode, nonlinearity)
    return _written(tensor, kaiming_normal(*settings, generator))


def trunc_normal_(
    tensor: TensorLike,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> pt.Slot:
    """Normal within [a, b], by the inverse of its distribution function."""
    shape = _slot("trunc_normal_", tensor)
    checks.numbers("trunc_normal_", above=0, std=std)
    checks.numbers("trunc_normal_", mean=mean, a=a, b=b)
    low, high = ((1 + math.erf((bound - mean) / (std * math.sqrt(2)))) / 2 for bound in (a, b))
    if not low < high:
        raise checks.SettingError(
            f"[trunc_normal_] a = {a}, b = {b}; expected a below b, a few std = {std} from mean = {mean}; change them"
        )
    places = pt.clip(uniform(shape, low, high, generator), 2**-24, 1 - 2**-24)
    value = mean + std * OPERATORS["normal_quantile"](places)
    return _written(tensor, pt.clip(value, a, b))


def orthogonal_(tensor: TensorLike, gain: float = 1.0, generator: Generator | None = None) -> pt.Slot:
    """Rows or columns, whichever are fewer, that are orthonormal, times gain: Saxe et al. 2013.

    Of a kernel (kernel..., in, out) the matrix is [kernel in, out].
    """
    shape = _slot("orthogonal_", tensor, 2)
    rows, columns = math.prod(shape[:-1]), shape[-1]
    drawn = normal((max(rows, columns), min(rows, columns)), generator=generator)
    q, r = OPERATORS["qr"](drawn)
    q = q * pt.sign(pt.diagonal(r))  # so that every one is as likely
    return _written(tensor, pt.reshape(q if rows >= columns else q.mT, shape) * gain)


def eye_(tensor: TensorLike) -> pt.Slot:
    """The identity, or as much of it as the matrix has."""
    shape = _slot("eye_", tensor, 2)
    return _written(tensor, pt.eye(shape[0], shape[1]))


export(globals())
