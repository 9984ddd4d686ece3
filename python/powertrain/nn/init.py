"""Initial values of parameters, as functions of (seed, stream, call) of a generator.

Fans: for a weight [in, out] they are in and out; for a convolution, channels x kernel area. `fan_in` is given by the
caller, who knows the layout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import powertrain as pt
from powertrain.boundary import export
from powertrain.nn import checks

Shape = Sequence[int]
Generator = pt.random.Generator


def _check(where: str, gain: float, fans: int) -> None:
    checks.numbers(where, 0, gain=gain)
    checks.sizes(where, 1, fans=fans)


def zeros(shape: Shape) -> pt.Tensor:
    return pt.zeros(tuple(shape))


def ones(shape: Shape) -> pt.Tensor:
    return pt.ones(tuple(shape))


def uniform(shape: Shape, low: float, high: float, generator: Generator | None = None) -> pt.Tensor:
    """Uniform in [low, high)."""
    checks.numbers("uniform", low=low, high=high)
    if low > high:
        raise checks.SettingError(f"[uniform] low = {low}, high = {high}; expected low <= high; exchange them")
    draw = (generator or pt.random.default_generator()).uniform(tuple(shape))
    return draw * (high - low) + low


def normal(shape: Shape, std: float = 1.0, mean: float = 0.0, generator: Generator | None = None) -> pt.Tensor:
    checks.numbers("normal", 0, std=std)
    checks.numbers("normal", mean=mean)
    draw = (generator or pt.random.default_generator()).normal(tuple(shape))
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


export(globals())
