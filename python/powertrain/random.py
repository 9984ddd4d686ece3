"""Random numbers as a function of (seed, stream, call): the same on every machine, for any number of threads.

The names and arguments are those of NumPy's Generator; `bernoulli` is PyTorch's. Functions of this module draw from the
default generator, and so do the everyday three of PyTorch, `rand`, `randn` and `randint`, which `powertrain` has, too.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.ops.functional import OPERATORS, arange

if TYPE_CHECKING:
    from powertrain.typing import DTypeLike, Shape, TensorLike

__all__ = [
    "Generator", "bernoulli", "choice", "default_generator", "exponential", "gumbel", "integers", "laplace",
    "lognormal", "normal", "permutation", "rand", "randint", "randn", "seed", "standard_normal", "uniform",
]  # fmt: skip

Size = int | Sequence[int] | None
_WIDEST = 2**53  # of a range of integers: float64 has so many numbers below 1


class Generator:
    """A stream of random numbers. Its whole state is the slot, int64 [seed, stream, call].

    Each method gives one number, or as many as `size` says, of float32 unless `dtype` says otherwise.

    Source    Salmon et al. 2011, Philox 4x32-10; numpy.random.Generator
    Example
        >>> import powertrain as pt
        >>> a, b = pt.random.Generator(7), pt.random.Generator(7)
        >>> bool((a.uniform(size=3) == b.uniform(size=3)).all())
        True
    """

    def __init__(self, seed: int, stream: int = 0, name: str = "random") -> None:
        self.slot = Slot(_state(seed, stream), name)

    def uniform(
        self, low: TensorLike = 0.0, high: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """Numbers in [low, high).

        Shapes    low and high broadcast to size -> size
        Errors    an integer dtype; bounds that are not numbers
        Example
            >>> import powertrain as pt
            >>> x = pt.random.Generator(0).uniform(-1, 1, size=(2, 3))
            >>> x.shape, bool((abs(x) <= 1).all())
            ((2, 3), True)
        """
        _check_numbers("uniform", size, low=low, high=high)
        drawn = self._draw("random_uniform", size, dtype)
        return drawn if _is(low, 0) and _is(high, 1) else _within(drawn, low, high)

    def normal(
        self, loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """Numbers of the normal distribution around `loc`, of standard deviation `scale`.

        Shapes    loc and scale broadcast to size -> size
        Errors    a scale below 0
        Example
            >>> import powertrain as pt
            >>> pt.random.Generator(0).normal(5.0, 0.0, size=2).tolist()
            [5.0, 5.0]
        """
        _check_numbers("normal", size, loc=loc, scale=scale)
        _check_scale("normal", scale)
        drawn = self._draw("random_normal", size, dtype)
        return drawn if _is(loc, 0) and _is(scale, 1) else drawn * _like(scale, drawn) + _like(loc, drawn)

    def standard_normal(self, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
        """Numbers of the normal distribution around 0, of standard deviation 1."""
        return self._draw("random_normal", size, dtype)

    def lognormal(
        self, mean: TensorLike = 0.0, sigma: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """Numbers whose logarithms are normal, around `mean`, of standard deviation `sigma`."""
        _check_numbers("lognormal", size, mean=mean, sigma=sigma)
        _check_scale("lognormal", sigma, "sigma")
        return OPERATORS["exp"](self.normal(mean, sigma, size, dtype))

    def exponential(self, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
        """Numbers of the exponential distribution, of mean `scale`."""
        _check_numbers("exponential", size, scale=scale)
        _check_scale("exponential", scale)
        drawn = self._draw("random_uniform", size, dtype)
        return -OPERATORS["log1p"](-drawn) * _like(scale, drawn)

    def gumbel(
        self, loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """Numbers of the Gumbel distribution: loc + argmax of them is a draw from softmax(loc)."""
        _check_numbers("gumbel", size, loc=loc, scale=scale)
        _check_scale("gumbel", scale)
        drawn = self._draw("random_uniform", size, dtype)
        waits = OPERATORS["maximum"](-OPERATORS["log1p"](-drawn), _smallest(drawn))  # a wait of 0 would be infinite
        return _like(loc, drawn) - OPERATORS["log"](waits) * _like(scale, drawn)

    def laplace(
        self, loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """Numbers of the Laplace distribution around `loc`: on both sides exponential, of mean `scale`."""
        _check_numbers("laplace", size, loc=loc, scale=scale)
        _check_scale("laplace", scale)
        drawn = self._draw("random_uniform", size, dtype)
        side = OPERATORS["where"](drawn < 0.5, -1.0, 1.0)
        above = OPERATORS["where"](drawn < 0.5, 2 * drawn, 2 * drawn - 1)  # in [0, 1) on either side
        return _like(loc, drawn) - side * OPERATORS["log1p"](-above) * _like(scale, drawn)

    def integers(
        self,
        low: int,
        high: int | None = None,
        size: Size = None,
        dtype: DTypeLike | None = "int64",
        endpoint: bool = False,
    ) -> Tensor:
        """Integers from low to below high, or up to high with `endpoint`; from 0 to below low if it is alone.

        Errors    no integer between; a range of more than 2^53
        Numerics  of a float64 in [0, 1), so the chances of two numbers differ by at most 2^-53 of the range
        Example
            >>> import powertrain as pt
            >>> sorted(set(pt.random.Generator(0).integers(3, size=64).tolist()))
            [0, 1, 2]
        """
        start, stop = (0, low) if high is None else (low, high)
        start, stop = _core.integer(start, "low", "integers"), _core.integer(stop, "high", "integers") + bool(endpoint)
        if not 0 < stop - start <= _WIDEST:
            raise _core.ShapeError(
                f"[integers] low = {start}, high = {stop}; expected low < high, and at most 2^53 integers between; "
                "check their order"
            )
        drawn = self._draw("random_uniform", size, "float64")
        whole = OPERATORS["astype"](OPERATORS["floor"](drawn * float(stop - start)), "int64") + start
        return OPERATORS["astype"](whole, dtype)

    def permutation(self, x: TensorLike, axis: int = 0) -> Tensor:
        """The numbers below x in random order, or a tensor with its slices along an axis in random order.

        Errors    a negative number; a tensor without axes
        Example
            >>> import powertrain as pt
            >>> sorted(pt.random.Generator(0).permutation(4).tolist())
            [0, 1, 2, 3]
        """
        if _whole(x):
            if x < 0:
                raise _core.ShapeError(f"[permutation] x = {x}; expected at least 0; pass how many there are")
            return self._order(x)
        given = _core.asarray(x)
        place = _axis("permutation", given, axis)
        return OPERATORS["take"](given, self._order(given.shape[place]), place)

    def choice(
        self, a: TensorLike, size: Size = None, replace: bool = True, p: TensorLike | None = None, axis: int = 0
    ) -> Tensor:
        """Elements of a tensor along an axis, or of the numbers below `a`, each with the chance that p gives it.

        With `replace=False` no element is drawn twice.

        Shapes    a [n, ...] or n, p [n] -> size + [...]
        Errors    nothing to choose from; more than there are, of replace=False; p of another size
        Example
            >>> import powertrain as pt
            >>> pt.random.Generator(0).choice(3, size=4, p=pt.tensor([0.0, 1.0, 0.0])).tolist()
            [1, 1, 1, 1]
        """
        given = arange(_core.integer(a, "a", "choice")) if _whole(a) else _core.asarray(a)
        place = _axis("choice", given, axis)
        n, shape = given.shape[place], _sizes(size, "choice")
        count = 1
        for one in shape:
            count *= one
        if count and (n == 0 or (not replace and count > n)):
            raise _core.ShapeError(
                f"[choice] size = {shape} of {n} elements; expected "
                f"{'at least one element' if n == 0 else 'at most as many as there are'}; use replace=True"
            )
        if p is not None and _core.asarray(p).shape != (n,):
            raise _core.ShapeError(
                f"[choice] p is of shape {list(_core.asarray(p).shape)}; expected [{n}], a chance for each element; "
                "check it"
            )
        return OPERATORS["take"](given, OPERATORS["reshape"](self._places(n, count, replace, p), shape), place)

    def bernoulli(self, p: TensorLike = 0.5, size: Size = None) -> Tensor:
        """True with probability p; in the shape of p if no size is given.

        Errors    a probability outside 0 <= p <= 1
        Example
            >>> import powertrain as pt
            >>> pt.random.Generator(0).bernoulli(1.0, size=2).tolist()
            [True, True]
        """
        if isinstance(p, (int, float)) and not 0 <= p <= 1:
            raise _core.ShapeError(f"[bernoulli] p = {p}; expected 0 <= p <= 1; 0.5 is a fair coin")
        _check_numbers("bernoulli", size, p=p)
        shape = getattr(p, "shape", ()) if size is None else size
        return self._draw("random_uniform", shape, None) < p

    def _draw(self, op: str, size: Size, dtype: Any) -> Tensor:
        return _core.draw(op, self.slot, _sizes(size, op.removeprefix("random_")), dtype)

    def _order(self, n: int) -> Tensor:
        return OPERATORS["argsort"](self._draw("random_uniform", n, "float64"))

    def _places(self, n: int, count: int, replace: bool, p: Any) -> Tensor:
        if p is None:
            return self.integers(n, size=count) if replace else self._order(n)[:count]
        chances = OPERATORS["astype"](p, "float64")
        drawn = self._draw("random_uniform", count if replace else n, "float64")
        if replace:
            ends = OPERATORS["cumulative_sum"](chances)
            return OPERATORS["searchsorted"](ends, drawn * ends[-1], "right")
        # Who waits least for an event that comes at the rate of its chance: draws without replacement.
        waits = -OPERATORS["log1p"](-drawn) / chances
        return OPERATORS["argsort"](waits)[:count]


def _within(drawn: Tensor, low: Any, high: Any) -> Tensor:
    start = _like(low, drawn)
    return start + drawn * (_like(high, drawn) - start)


def _like(value: Any, drawn: Tensor) -> Any:
    """A number as it is; a tensor in the dtype of what was drawn."""
    return value if isinstance(value, (int, float)) else OPERATORS["astype"](value, drawn.dtype)


def _is(value: Any, number: float) -> bool:
    return isinstance(value, (int, float)) and value == number


def _smallest(drawn: Tensor) -> float:
    return 6.2e-5 if drawn.dtype == _core.DType.float16 else 1.2e-38


def _check_numbers(where: str, size: Any, **values: Any) -> None:
    """Numbers or tensors: a tuple is a size in the wrong place."""
    for name, value in values.items():
        if isinstance(value, (tuple, list)) and size is None:
            raise _core.DTypeError(
                f"[{where}] {name} = {value!r}; expected a number or a tensor; write {where}(size={value!r})"
            )
        if not isinstance(value, (int, float)):
            _core.asarray(value)


def _check_scale(where: str, scale: Any, name: str = "scale") -> None:
    if isinstance(scale, (int, float)) and not scale >= 0:
        raise _core.ShapeError(f"[{where}] {name} = {scale}; expected at least 0; 1 is usual")


def _axis(where: str, x: Tensor, axis: int) -> int:
    place = _core.integer(axis, "axis", where)
    if not -x.ndim <= place < x.ndim:
        raise _core.ShapeError(
            f"[{where}] axis = {axis} of {list(x.shape)}; expected an axis that it has; pass another"
        )
    return place % x.ndim


def _sizes(size: Size, where: str) -> list[int]:
    return [] if size is None else _core.integers(size, "size", where)


def _state(seed: int, stream: int) -> Tensor:
    import numpy as np

    for name, value in (("seed", seed), ("stream", stream)):
        if not _whole(value) or not -(2**63) <= value < 2**63:
            raise _core.ShapeError(
                f"[random] {name} = {value!r}; expected a whole number from -2^63 to 2^63 - 1; for example {name} = 0"
            )
    return _core.tensor(np.array([seed, stream, 0], np.int64))


def _whole(value: object) -> TypeGuard[int]:
    if isinstance(value, (bool, Tensor, Slot)) or bool(getattr(value, "ndim", 0)):
        return False
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


_default: Generator | None = None


class InThread(threading.local):
    """What gives this thread another default generator, while the loader makes an example in it."""

    generator: Callable[[], Generator] | None = None


in_thread = InThread()


def default_generator() -> Generator:
    """The generator that functions without one of their own draw from.

    In the `__getitem__` of a data set whose examples a loader makes, that of the example.
    """
    global _default
    if in_thread.generator is not None:
        return in_thread.generator()
    if _default is None:
        _default = Generator(0, name="random.default")
    return _default


def seed(value: int) -> None:
    """Start the default generator anew."""
    default_generator().slot.value = _state(value, 0)


def uniform(low: TensorLike = 0.0, high: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
    """Numbers in [low, high): see Generator.uniform."""
    return default_generator().uniform(low, high, size, dtype)


def normal(loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
    """Normal numbers around `loc`, of standard deviation `scale`: see Generator.normal."""
    return default_generator().normal(loc, scale, size, dtype)


def standard_normal(size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
    """Normal numbers around 0, of standard deviation 1: see Generator.normal."""
    return default_generator().standard_normal(size, dtype)


def lognormal(
    mean: TensorLike = 0.0, sigma: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
) -> Tensor:
    """Numbers whose logarithms are normal: see Generator.lognormal."""
    return default_generator().lognormal(mean, sigma, size, dtype)


def exponential(scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
    """Exponential numbers of mean `scale`: see Generator.exponential."""
    return default_generator().exponential(scale, size, dtype)


def gumbel(loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
    """Numbers of the Gumbel distribution: see Generator.gumbel."""
    return default_generator().gumbel(loc, scale, size, dtype)


def laplace(
    loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
) -> Tensor:
    """Numbers of the Laplace distribution: see Generator.laplace."""
    return default_generator().laplace(loc, scale, size, dtype)


def integers(
    low: int, high: int | None = None, size: Size = None, dtype: DTypeLike | None = "int64", endpoint: bool = False
) -> Tensor:
    """Integers from low to below high: see Generator.integers."""
    return default_generator().integers(low, high, size, dtype, endpoint)


def permutation(x: TensorLike, axis: int = 0) -> Tensor:
    """The numbers below x, or the slices of a tensor, in random order: see Generator.permutation."""
    return default_generator().permutation(x, axis)


def choice(
    a: TensorLike, size: Size = None, replace: bool = True, p: TensorLike | None = None, axis: int = 0
) -> Tensor:
    """Elements of a tensor, or of the numbers below `a`: see Generator.choice."""
    return default_generator().choice(a, size, replace, p, axis)


def bernoulli(p: TensorLike = 0.5, size: Size = None) -> Tensor:
    """True with probability p: see Generator.bernoulli."""
    return default_generator().bernoulli(p, size)


def rand(*size: Shape, dtype: DTypeLike | None = None) -> Tensor:
    """Numbers in [0, 1) from the default generator: rand(2, 3), or rand((2, 3)).

    Example
        >>> import powertrain as pt
        >>> pt.rand(2, 3).shape
        (2, 3)
    """
    return uniform(size=_unpacked(size), dtype=dtype)


def randn(*size: Shape, dtype: DTypeLike | None = None) -> Tensor:
    """Standard normal numbers from the default generator: randn(2, 3), or randn((2, 3)).

    Example
        >>> import powertrain as pt
        >>> pt.randn(2, 3).shape
        (2, 3)
    """
    return standard_normal(_unpacked(size), dtype)


def randint(low: int, high: int | None = None, size: Size = None, dtype: DTypeLike | None = "int64") -> Tensor:
    """Integers from low to below high from the default generator, as randint(10, (2, 3)) or randint(1, 7, (2, 3)).

    Example
        >>> import powertrain as pt
        >>> pt.randint(10, (2, 3)).shape
        (2, 3)
    """
    if isinstance(high, (tuple, list)):  # PyTorch leaves out a low of 0
        return integers(low, None, high, dtype)
    return integers(low, high, size, dtype)


def _unpacked(size: tuple[Any, ...]) -> Any:
    return size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size


export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
