"""Initial values that are written into a parameter, by PyTorch's names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

import powertrain as pt
from powertrain.nn import checks
from powertrain.nn.init.values import (
    Generator,
    Shape,
    kaiming_normal,
    kaiming_uniform,
    normal,
    ones,
    uniform,
    xavier_normal,
    xavier_uniform,
    zeros,
)
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Mode = Literal["fan_in", "fan_out"]


def _written(tensor: TensorLike, value: pt.Tensor) -> pt.Slot:
    assert isinstance(tensor, pt.Slot)  # as _slot checked
    tensor.value = pt.astype(value, tensor.dtype)
    return tensor


def _slot(where: str, tensor: TensorLike, least: int = 0) -> tuple[int, ...]:
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
    """The factor that keeps the size of activations behind a nonlinearity, as PyTorch has it.

    Example
        >>> round(pt.nn.init.calculate_gain("relu"), 4)
        1.4142
    """
    slope = 0.01 if param is None else param
    gains = {"tanh": 5 / 3, "relu": math.sqrt(2), "leaky_relu": math.sqrt(2 / (1 + slope**2)), "selu": 3 / 4}
    gains |= dict.fromkeys(("linear", "sigmoid", *(f"conv{n}d" for n in (1, 2, 3))), 1.0)
    gains |= dict.fromkeys((f"conv_transpose{n}d" for n in (1, 2, 3)), 1.0)
    checks.choice("calculate_gain", tuple(gains), nonlinearity=nonlinearity)
    return gains[nonlinearity]


def constant_(tensor: TensorLike, val: float) -> pt.Slot:
    """One number everywhere.

    Example
        >>> layer = pt.nn.Linear(2, 2)
        >>> pt.nn.init.constant_(layer.bias, 0.5).numpy().tolist()
        [0.5, 0.5]
    """
    return _written(tensor, pt.full(_slot("constant_", tensor), val))


def zeros_(tensor: TensorLike) -> pt.Slot:
    """Zeros.

    Example
        >>> layer = pt.nn.Linear(2, 2)
        >>> pt.nn.init.zeros_(layer.weight).numpy().tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    return _written(tensor, zeros(_slot("zeros_", tensor)))


def ones_(tensor: TensorLike) -> pt.Slot:
    """Ones.

    Example
        >>> layer = pt.nn.Linear(2, 2)
        >>> pt.nn.init.ones_(layer.weight).numpy().tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    return _written(tensor, ones(_slot("ones_", tensor)))


def uniform_(tensor: TensorLike, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> pt.Slot:
    """Uniform in [a, b).

    Example
        >>> layer = pt.nn.Linear(3, 3)
        >>> pt.nn.init.uniform_(layer.weight).shape
        (3, 3)
    """
    return _written(tensor, uniform(_slot("uniform_", tensor), a, b, generator))


def normal_(tensor: TensorLike, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> pt.Slot:
    """Normal with this mean and standard deviation.

    >>> layer = pt.nn.Linear(2, 3)
    >>> pt.nn.init.normal_(layer.weight, std=0.02).shape
    (2, 3)
    """
    return _written(tensor, normal(_slot("normal_", tensor), std, mean, generator))


def xavier_uniform_(tensor: TensorLike, gain: float = 1.0, generator: Generator | None = None) -> pt.Slot:
    """Uniform with variance 2 gain^2 / (fan_in + fan_out): Glorot and Bengio 2010.

    Example
        >>> layer = pt.nn.Linear(3, 3)
        >>> pt.nn.init.xavier_uniform_(layer.weight).shape
        (3, 3)
    """
    shape = _slot("xavier_uniform_", tensor, 2)
    return _written(tensor, xavier_uniform(shape, *fans(shape), gain, generator))


def xavier_normal_(tensor: TensorLike, gain: float = 1.0, generator: Generator | None = None) -> pt.Slot:
    """Normal with variance 2 gain^2 / (fan_in + fan_out): Glorot and Bengio 2010.

    Example
        >>> layer = pt.nn.Linear(3, 3)
        >>> pt.nn.init.xavier_normal_(layer.weight).shape
        (3, 3)
    """
    shape = _slot("xavier_normal_", tensor, 2)
    return _written(tensor, xavier_normal(shape, *fans(shape), gain, generator))


def _kaiming(
    where: str, tensor: TensorLike, a: float, mode: Mode, nonlinearity: str
) -> tuple[tuple[int, ...], int, float]:
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
    """Uniform with variance gain^2 / fan: He et al. 2015; `a` is the slope of a leaky relu.

    Example
        >>> layer = pt.nn.Linear(3, 3)
        >>> pt.nn.init.kaiming_uniform_(layer.weight).shape
        (3, 3)
    """
    settings = _kaiming("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return _written(tensor, kaiming_uniform(*settings, generator))


def kaiming_normal_(
    tensor: TensorLike,
    a: float = 0.0,
    mode: Mode = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> pt.Slot:
    """Normal with variance gain^2 / fan: He et al. 2015; `a` is the slope of a leaky relu.

    Example
        >>> layer = pt.nn.Linear(3, 3)
        >>> pt.nn.init.kaiming_normal_(layer.weight).shape
        (3, 3)
    """
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
    """Normal within [a, b], by the inverse of its distribution function.

    Example
        >>> layer = pt.nn.Linear(3, 3)
        >>> pt.nn.init.trunc_normal_(layer.weight).shape
        (3, 3)
    """
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

    Example
        >>> layer = pt.nn.Linear(3, 3)
        >>> pt.nn.init.orthogonal_(layer.weight).shape
        (3, 3)
    """
    shape = _slot("orthogonal_", tensor, 2)
    rows, columns = math.prod(shape[:-1]), shape[-1]
    drawn = normal((max(rows, columns), min(rows, columns)), generator=generator)
    q, r = OPERATORS["qr"](drawn)
    q = q * pt.sign(pt.diagonal(r))  # so that every one is as likely
    return _written(tensor, pt.reshape(q if rows >= columns else q.mT, shape) * gain)


def eye_(tensor: TensorLike) -> pt.Slot:
    """The identity, or as much of it as the matrix has.

    Example
        >>> layer = pt.nn.Linear(2, 2)
        >>> pt.nn.init.eye_(layer.weight).numpy().tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    shape = _slot("eye_", tensor, 2)
    return _written(tensor, pt.eye(shape[0], shape[1]))


def dirac_(tensor: TensorLike, groups: int = 1) -> pt.Slot:
    """A convolution that gives its input: 1 at the middle of the kernel from each channel to the same one, else 0.

    Of more outputs than inputs, the others are 0. With groups each group gives its own inputs.

    Source    PyTorch, nn.init.dirac_
    Example
        >>> layer = pt.nn.Conv1d(2, 2, 3, padding=1, bias=False)
        >>> _ = pt.nn.init.dirac_(layer.weight)
        >>> layer(pt.tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
        [[[1.0, 2.0], [3.0, 4.0]]]
    """
    shape = _slot("dirac_", tensor)
    checks.sizes("dirac_", 1, groups=groups)
    if not 3 <= len(shape) <= 5 or shape[-1] % groups:
        raise pt.ShapeError(
            f"[dirac_] tensor is {list(shape)}, groups = {groups}; expected a kernel (kernel..., in / groups, out) "
            "of 3 to 5 axes, out a multiple of groups; pass the weight of a convolution"
        )
    outputs = shape[-1] // groups
    value = np.zeros(shape, np.float32)
    middle, same = tuple(size // 2 for size in shape[:-2]), np.arange(min(shape[-2], outputs))
    for group in range(groups):
        value[middle][same, group * outputs + same] = 1
    return _written(tensor, pt.asarray(value))


def sparse_(tensor: TensorLike, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> pt.Slot:
    """A matrix of normal numbers, of which a share is 0: the same number for each input, which is a row of (in, out).

    Source    Martens 2010; PyTorch, nn.init.sparse_, whose columns are our rows
    Example
        >>> layer = pt.nn.Linear(3, 8)
        >>> pt.count_nonzero(pt.nn.init.sparse_(layer.weight, 0.75), axis=1).tolist()
        [2, 2, 2]
    """
    shape = _slot("sparse_", tensor, 2)
    if len(shape) != 2:
        raise pt.ShapeError(f"[sparse_] tensor is {list(shape)}; expected a matrix (in, out); pass layer.weight of it")
    checks.share("sparse_", sparsity, "sparsity")
    value = normal(shape, std, generator=generator)
    places = OPERATORS["argsort"](uniform(shape, 0.0, 1.0, generator), 1)
    zero = OPERATORS["argsort"](places, 1) < math.ceil(sparsity * shape[1])
    return _written(tensor, pt.where(zero, 0.0, value))
