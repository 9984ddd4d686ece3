"""The default generator, and functions that draw from it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from powertrain._core import Tensor
from powertrain.devices.place import placed
from powertrain.random.generator import Generator
from powertrain.random.settings import Size, state_of

if TYPE_CHECKING:
    from powertrain.typing import Device, DTypeLike, Shape, TensorLike

_default: Generator | None = None


class InThread(threading.local):
    """What gives this thread another default generator: while the loader makes an example in it, or a run computes."""

    generator: Callable[[], Generator] | None = None


in_thread = InThread()


class drawing_from:  # noqa: N801 - a block, as those of contextlib, whose generators would cost a request more
    """Make a generator the default one of this thread, for the length of a block.

    So runs in several threads draw each from its own, and those who call them find theirs as it was.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def __enter__(self) -> None:
        self._before = in_thread.generator
        in_thread.generator = self._give

    def __exit__(self, *error: object) -> None:
        in_thread.generator = self._before

    def _give(self) -> Generator:
        return self._generator


def default_generator() -> Generator:
    """The generator that functions without one of their own draw from.

    In the `__getitem__` of a data set whose examples a loader makes, that of the example.

    Example
        >>> pt.random.default_generator().normal(size=(3,)).shape
        (3,)
    """
    return _current()


def _current() -> Generator:
    global _default
    if in_thread.generator is not None:
        return in_thread.generator()
    if _default is None:
        _default = Generator(0, name="random.default")
    return _default


def seed(value: int) -> None:
    """Start the default generator again.

    Example
        >>> pt.random.seed(0)
        >>> a = pt.random.normal(size=(3,))
        >>> pt.random.seed(0)
        >>> bool((a == pt.random.normal(size=(3,))).all())
        True
    """
    _current().slot.value = state_of(value, 0)


def uniform(low: TensorLike = 0.0, high: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
    """Numbers in [low, high): see Generator.uniform.

    Example
        >>> pt.random.uniform(size=(3,)).shape
        (3,)
    """
    return _current().uniform(low, high, size, dtype)


def shares(shape: tuple[int, ...]) -> Tensor:
    """What uniform(size=shape) gives."""
    return _current()._draw("random_uniform", shape, None)


def normal(loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
    """Normal numbers around `loc`, of standard deviation `scale`: see Generator.normal.

    Example
        >>> pt.random.normal(size=(3,)).shape
        (3,)
    """
    return _current().normal(loc, scale, size, dtype)


def standard_normal(size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
    """Normal numbers around 0, of standard deviation 1: see Generator.normal.

    Example
        >>> pt.random.standard_normal((3,)).shape
        (3,)
    """
    return _current().standard_normal(size, dtype)


def lognormal(
    mean: TensorLike = 0.0, sigma: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
) -> Tensor:
    """Numbers whose logarithms are normal: see Generator.lognormal.

    Example
        >>> pt.random.lognormal(size=(3,)).shape
        (3,)
    """
    return _current().lognormal(mean, sigma, size, dtype)


def exponential(scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
    """Exponential numbers of mean `scale`: see Generator.exponential.

    Example
        >>> pt.random.exponential(size=(3,)).shape
        (3,)
    """
    return _current().exponential(scale, size, dtype)


def gumbel(loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
    """Numbers of the Gumbel distribution: see Generator.gumbel.

    Example
        >>> pt.random.gumbel(size=(3,)).shape
        (3,)
    """
    return _current().gumbel(loc, scale, size, dtype)


def laplace(
    loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
) -> Tensor:
    """Numbers of the Laplace distribution: see Generator.laplace.

    Example
        >>> pt.random.laplace(size=(3,)).shape
        (3,)
    """
    return _current().laplace(loc, scale, size, dtype)


def integers(
    low: int, high: int | None = None, size: Size = None, dtype: DTypeLike | None = "int64", endpoint: bool = False
) -> Tensor:
    """Integers from low to below high: see Generator.integers.

    Example
        >>> pt.random.integers(0, 10, size=(3,)).shape
        (3,)
    """
    return _current()._integers(low, high, size, dtype, endpoint)


def permutation(x: TensorLike, axis: int = 0) -> Tensor:
    """The numbers below x, or the slices of a tensor, in random order: see Generator.permutation.

    Example
        >>> sorted(pt.permutation(4).tolist())
        [0, 1, 2, 3]
    """
    return _current()._permutation(x, axis)


def choice(
    a: TensorLike, size: Size = None, replace: bool = True, p: TensorLike | None = None, axis: int = 0
) -> Tensor:
    """Elements of a tensor, or of the numbers below `a`: see Generator.choice.

    Example
        >>> pt.random.choice(5, size=(3,)).shape
        (3,)
    """
    return _current().choice(a, size, replace, p, axis)


def bernoulli(p: TensorLike = 0.5, size: Size = None) -> Tensor:
    """True with probability p: see Generator.bernoulli.

    Example
        >>> pt.random.bernoulli(0.5, size=(3,)).shape
        (3,)
    """
    return _current().bernoulli(p, size)


def rand(*size: Shape, dtype: DTypeLike | None = None, device: Device = None) -> Tensor:
    """Numbers in [0, 1) from the default generator: rand(2, 3), or rand((2, 3)).

    Example
        >>> import powertrain as pt
        >>> pt.rand(2, 3).shape
        (2, 3)
    """
    if device is not None:
        return placed(device, rand, *size, dtype=dtype)
    return _current()._draw("random_uniform", _unpacked(size), dtype)


def randn(*size: Shape, dtype: DTypeLike | None = None, device: Device = None) -> Tensor:
    """Standard normal numbers from the default generator: randn(2, 3), or randn((2, 3)).

    Example
        >>> import powertrain as pt
        >>> pt.randn(2, 3).shape
        (2, 3)
    """
    if device is not None:
        return placed(device, randn, *size, dtype=dtype)
    return _current()._draw("random_normal", _unpacked(size), dtype)


def randint(
    low: int,
    high: int | None = None,
    size: Size = None,
    dtype: DTypeLike | None = "int64",
    device: Device = None,
) -> Tensor:
    """Integers from low to below high from the default generator, as randint(10, (2, 3)) or randint(1, 7, (2, 3)).

    Example
        >>> import powertrain as pt
        >>> pt.randint(10, (2, 3)).shape
        (2, 3)
    """
    if device is not None:
        return placed(device, randint, low, high, size, dtype)
    if isinstance(high, (tuple, list)):  # PyTorch leaves out a low of 0
        high, size = None, high
    return _current()._integers(low, high, size, dtype, False)


def _unpacked(size: tuple[Any, ...]) -> Any:
    return size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
