"""A stream of random numbers, by the names and arguments of NumPy's Generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.ops.between import check_between
from powertrain.ops.functional import OPERATORS, arange
from powertrain.random.settings import (
    Size,
    axis_of,
    check_bounds,
    check_chances,
    check_numbers,
    check_scale,
    is_number,
    is_whole,
    like,
    sizes,
    smallest,
    state_of,
    within,
)

if TYPE_CHECKING:
    from powertrain.typing import DTypeLike, TensorLike

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
        self.slot = Slot(state_of(seed, stream), name)

    def uniform(
        self, low: TensorLike = 0.0, high: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """Numbers in [low, high).

        Shapes    low and high broadcast to size -> size
        Errors    an integer dtype; low above high; bounds that are not finite
        Example
            >>> import powertrain as pt
            >>> x = pt.random.Generator(0).uniform(-1, 1, size=(2, 3))
            >>> x.shape, bool((abs(x) <= 1).all())
            ((2, 3), True)
        """
        check_numbers("uniform", size, low=low, high=high)
        check_bounds(low, high)
        drawn = self._draw("random_uniform", size, dtype)
        return drawn if is_number(low, 0) and is_number(high, 1) else within(drawn, low, high)

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
        check_numbers("normal", size, loc=loc, scale=scale)
        check_scale("normal", scale)
        drawn = self._draw("random_normal", size, dtype)
        return drawn if is_number(loc, 0) and is_number(scale, 1) else drawn * like(scale, drawn) + like(loc, drawn)

    def standard_normal(self, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
        """Numbers of the normal distribution around 0, of standard deviation 1."""
        return self._draw("random_normal", size, dtype)

    def lognormal(
        self, mean: TensorLike = 0.0, sigma: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """Numbers whose logarithms are normal, around `mean`, of standard deviation `sigma`."""
        check_numbers("lognormal", size, mean=mean, sigma=sigma)
        check_scale("lognormal", sigma, "sigma")
        return OPERATORS["exp"](self.normal(mean, sigma, size, dtype))

    def exponential(self, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None) -> Tensor:
        """Numbers of the exponential distribution, of mean `scale`."""
        check_numbers("exponential", size, scale=scale)
        check_scale("exponential", scale)
        drawn = self._draw("random_uniform", size, dtype)
        return -OPERATORS["log1p"](-drawn) * like(scale, drawn)

    def gumbel(
        self, loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """Numbers of the Gumbel distribution: loc + argmax of them is a draw from softmax(loc)."""
        check_numbers("gumbel", size, loc=loc, scale=scale)
        check_scale("gumbel", scale)
        drawn = self._draw("random_uniform", size, dtype)
        waits = OPERATORS["maximum"](-OPERATORS["log1p"](-drawn), smallest(drawn))  # a wait of 0 would be infinite
        return like(loc, drawn) - OPERATORS["log"](waits) * like(scale, drawn)

    def laplace(
        self, loc: TensorLike = 0.0, scale: TensorLike = 1.0, size: Size = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        """Numbers of the Laplace distribution around `loc`: on both sides exponential, of mean `scale`."""
        check_numbers("laplace", size, loc=loc, scale=scale)
        check_scale("laplace", scale)
        drawn = self._draw("random_uniform", size, dtype)
        side = OPERATORS["where"](drawn < 0.5, -1.0, 1.0)
        above = OPERATORS["where"](drawn < 0.5, 2 * drawn, 2 * drawn - 1)  # in [0, 1) on either side
        return like(loc, drawn) - side * OPERATORS["log1p"](-above) * like(scale, drawn)

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
        return self._integers(low, high, size, dtype, endpoint)

    def _integers(self, low: int, high: int | None, size: Size, dtype: DTypeLike | None, endpoint: bool) -> Tensor:
        start, stop = (0, low) if high is None else (low, high)
        start, stop = _core.integer(start, "low", "integers"), _core.integer(stop, "high", "integers") + bool(endpoint)
        if not 0 < stop - start <= _WIDEST:
            raise _core.ShapeError(
                f"[integers] low = {start}, high = {stop}; expected low < high, and at most 2^53 integers in between; "
                "swap or narrow them"
            )
        whole = _core.draw_integers(self.slot, size, start, stop - start)
        return whole if type(dtype) is str and dtype == "int64" else OPERATORS["astype"](whole, dtype)

    def permutation(self, x: TensorLike, axis: int = 0) -> Tensor:
        """The numbers below x in random order, or a tensor with its slices along an axis in random order.

        Errors    a negative number; a tensor without axes
        Example
            >>> import powertrain as pt
            >>> sorted(pt.random.Generator(0).permutation(4).tolist())
            [0, 1, 2, 3]
        """
        return self._permutation(x, axis)

    def _permutation(self, x: TensorLike, axis: int) -> Tensor:
        if is_whole(x):
            if x < 0:
                raise _core.ShapeError(f"[permutation] x = {x}; expected at least 0; pass how many there are")
            return self._order(x)
        given = _core.asarray(x)
        place = axis_of("permutation", given, axis)
        return OPERATORS["take"](given, self._order(given.shape[place]), place)

    def choice(
        self, a: TensorLike, size: Size = None, replace: bool = True, p: TensorLike | None = None, axis: int = 0
    ) -> Tensor:
        """Elements of a tensor along an axis, or of the numbers below `a`, each with the chance that p gives it.

        With `replace=False` no element is drawn twice.

        Shapes    a [n, ...] or n, p [n] -> size + [...]
        Errors    nothing to choose from; more than there are, of replace=False; p of another size or sum than 1, or
                  with a number below 0
        Example
            >>> import powertrain as pt
            >>> pt.random.Generator(0).choice(3, size=4, p=pt.tensor([0.0, 1.0, 0.0])).tolist()
            [1, 1, 1, 1]
        """
        given = arange(_core.integer(a, "a", "choice")) if is_whole(a) else _core.asarray(a)
        place = axis_of("choice", given, axis)
        n, shape = given.shape[place], sizes(size, "choice")
        count = 1
        for one in shape:
            count *= one
        if count and (n == 0 or (not replace and count > n)):
            raise _core.ShapeError(
                f"[choice] size = {shape} of {n} elements; expected "
                f"{'at least one element' if n == 0 else 'at most as many as there are'}; use replace=True"
            )
        if p is not None:
            p = _core.asarray(p)
            if p.shape != (n,):
                raise _core.ShapeError(
                    f"[choice] p is of shape {list(p.shape)}; expected [{n}], a chance for each element; check it"
                )
            check_chances(p, None if replace else count)
        return OPERATORS["take"](given, OPERATORS["reshape"](self._places(n, count, replace, p), shape), place)

    def bernoulli(self, p: TensorLike = 0.5, size: Size = None) -> Tensor:
        """True with probability p; in the shape of p if no size is given.

        Errors    a probability outside 0 <= p <= 1
        Example
            >>> import powertrain as pt
            >>> pt.random.Generator(0).bernoulli(1.0, size=2).tolist()
            [True, True]
        """
        check_numbers("bernoulli", size, p=p)
        check_between("bernoulli", "p", p, 0, 1, "expected 0 <= p <= 1; 0.5 is a fair coin")
        shape = getattr(p, "shape", ()) if size is None else size
        return self._draw("random_uniform", shape, None) < p

    def _draw(self, op: str, size: Size, dtype: Any) -> Tensor:
        return _core.draw(op, self.slot, size, dtype)

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
