"""Initial values as tensors of a shape. The caller, who knows the layout, gives the fans."""

from __future__ import annotations

import math
from collections.abc import Sequence

import powertrain as pt
from powertrain.errors.arguments import shown
from powertrain.nn import checks

Shape = Sequence[int]
Generator = pt.random.Generator


def _check(where: str, gain: float, fans: int) -> None:
    checks.numbers(where, 0, gain=gain)
    checks.sizes(where, 1, fans=fans)


def chosen(where: str, generator: Generator | None) -> Generator:
    """The generator that was given, or the default one. NumPy's has methods of the same names, and other arguments."""
    if generator is None:
        return pt.random.default_generator()
    if not isinstance(generator, Generator):
        raise pt.DTypeError(
            f"[{where}] generator is {shown(generator)}; expected a pt.random.Generator or None; for example "
            "pt.random.Generator(0)"
        )
    return generator


def _sizes(where: str, shape: Shape) -> tuple[int, ...]:
    """A shape; a parameter in its place is one that is to be written."""
    if isinstance(shape, (pt.Slot, pt.Tensor)):
        raise pt.DTypeError(
            f"[{where}] shape is {shown(shape)}; expected whole numbers; write pt.nn.init.{where}_(tensor) to write "
            "into a parameter"
        )
    return tuple(shape)


def zeros(shape: Shape) -> pt.Tensor:
    """Zeros of a shape.

    Example
        >>> pt.nn.init.zeros((2,)).tolist()
        [0.0, 0.0]
    """
    return pt.zeros(_sizes("zeros", shape))


def ones(shape: Shape) -> pt.Tensor:
    """Ones of a shape.

    Example
        >>> pt.nn.init.ones((3,)).shape
        (3,)
    """
    return pt.ones(_sizes("ones", shape))


def uniform(shape: Shape, low: float, high: float, generator: Generator | None = None) -> pt.Tensor:
    """Uniform in [low, high).

    Example
        >>> pt.nn.init.uniform((3, 2), -0.1, 0.1).shape
        (3, 2)
    """
    checks.numbers("uniform", low=low, high=high)
    if low > high:
        raise checks.SettingError(f"[uniform] low = {low}, high = {high}; expected low <= high; swap them")
    draw = chosen("uniform", generator).uniform(size=_sizes("uniform", shape))
    return draw * (high - low) + low


def normal(shape: Shape, std: float = 1.0, mean: float = 0.0, generator: Generator | None = None) -> pt.Tensor:
    """Normal with this mean and standard deviation.

    Example
        >>> pt.nn.init.normal((3, 2), std=0.1).shape
        (3, 2)
    """
    checks.numbers("normal", 0, std=std)
    checks.numbers("normal", mean=mean)
    draw = chosen("normal", generator).normal(size=_sizes("normal", shape))
    return draw * std + mean


def uniform_fan_in(shape: Shape, fan_in: int, generator: Generator | None = None) -> pt.Tensor:
    """Uniform in +-1/sqrt(fan_in): LeCun et al. 1998 up to a factor; the default of linear layers, as in PyTorch.

    Example
        >>> pt.nn.init.uniform_fan_in((2, 3), 3).shape
        (2, 3)
    """
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    return uniform(shape, -bound, bound, generator)


def kaiming_uniform(
    shape: Shape, fan_in: int, gain: float = math.sqrt(2), generator: Generator | None = None
) -> pt.Tensor:
    """Uniform with variance gain^2 / fan_in: He et al. 2015, equation 10 (gain sqrt(2) is for relu).

    Example
        >>> pt.nn.init.kaiming_uniform((3, 2), fan_in=3).shape
        (3, 2)
    """
    _check("kaiming_uniform", gain, fan_in)
    bound = gain * math.sqrt(3 / fan_in)
    return uniform(shape, -bound, bound, generator)


def kaiming_normal(
    shape: Shape, fan_in: int, gain: float = math.sqrt(2), generator: Generator | None = None
) -> pt.Tensor:
    """Normal with variance gain^2 / fan_in: He et al. 2015, equation 10.

    Example
        >>> pt.nn.init.kaiming_normal((3, 2), fan_in=3).shape
        (3, 2)
    """
    _check("kaiming_normal", gain, fan_in)
    return normal(shape, gain / math.sqrt(fan_in), generator=generator)


def xavier_uniform(
    shape: Shape, fan_in: int, fan_out: int, gain: float = 1.0, generator: Generator | None = None
) -> pt.Tensor:
    """Uniform with variance 2 gain^2 / (fan_in + fan_out): Glorot and Bengio 2010, equation 16.

    Example
        >>> pt.nn.init.xavier_uniform((3, 2), fan_in=3, fan_out=2).shape
        (3, 2)
    """
    _check("xavier_uniform", gain, fan_in + fan_out)
    bound = gain * math.sqrt(6 / (fan_in + fan_out))
    return uniform(shape, -bound, bound, generator)


def xavier_normal(
    shape: Shape, fan_in: int, fan_out: int, gain: float = 1.0, generator: Generator | None = None
) -> pt.Tensor:
    """Normal with variance 2 gain^2 / (fan_in + fan_out): Glorot and Bengio 2010, equation 12.

    Example
        >>> pt.nn.init.xavier_normal((3, 2), fan_in=3, fan_out=2).shape
        (3, 2)
    """
    _check("xavier_normal", gain, fan_in + fan_out)
    return normal(shape, gain * math.sqrt(2 / (fan_in + fan_out)), generator=generator)
