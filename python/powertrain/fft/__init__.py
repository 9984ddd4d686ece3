"""Fourier transforms by NumPy's names and definitions, differentiable, over the op `dft`.

`norm` says which direction is divided: "backward" the inverse by n, "forward" the other by n, "ortho" both by the root
of n. Lengths may be any number; float32 and what is narrower gives complex64, float64 complex128, and both are computed
in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.ops.axes import one_axis
from powertrain.ops.functional import OPERATORS, arange

if TYPE_CHECKING:
    from powertrain.typing import Device, DTypeLike, TensorLike

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

Tensor = _core.Tensor
_SWAPPED = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def _scale(n: int, norm: str | None, inverse: bool, where: str) -> float:
    norm = norm or "backward"
    if norm not in _SWAPPED:
        raise _core.Error(
            f"[{where}] norm = {norm!r}; expected 'backward', 'ortho' or 'forward'; leave it out for NumPy's"
        )
    if norm == "ortho":
        return 1.0 / math.sqrt(n)
    return 1.0 / n if inverse == (norm == "backward") else 1.0


def _length(given: int | None, preset: int, where: str) -> int:
    n = preset if given is None else _core.integer(given, "n", where)
    if n < 1:
        raise _core.ShapeError(f"[{where}] n = {n}; expected at least 1; pass the length of the result")
    return n


def _sized(x: Tensor, n: int, axis: int) -> Tensor:
    """The first n elements along an axis, zeros behind them if there are fewer."""
    size = x.shape[axis]
    if n < size:
        return x[(slice(None),) * axis + (slice(0, n),)]
    if n == size:
        return x
    lacking = [0] * x.ndim
    lacking[axis] = n - size
    return OPERATORS["pad"](x, [0] * x.ndim, lacking)


def _moved(x: Tensor, axis: int) -> Tensor:
    """The axis as the last one, and back."""
    last = x.ndim - 1
    return x if axis == last else OPERATORS["swapaxes"](x, axis, last)


def _transform(x: Tensor, axis: int, inverse: bool, scale: float) -> Tensor:
    """The sums over an axis of complex x, times a number."""
    made = OPERATORS["dft"](OPERATORS["view_as_real"](_moved(x, axis)), inverse)
    return _moved(OPERATORS["view_as_complex"](made if scale == 1.0 else made * scale), axis)


def _complex(x: Any) -> Tensor:
    given = x if type(x) is Tensor else _core.asarray(x)
    return given if given.dtype.is_complex else OPERATORS["complex"](given, 0.0)


def _plain(x: Any, n: int | None, axis: int, norm: str | None, inverse: bool, where: str) -> Tensor:
    given = _complex(x)
    axis = one_axis(given, axis, where)
    n = _length(n, given.shape[axis], where)
    return _transform(_sized(given, n, axis), axis, inverse, _scale(n, norm, inverse, where))


def fft(x: TensorLike, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Tensor:
    """The sums of x_k e^(-2 pi i j k / n) along an axis, cut or filled with zeros to n.

    Shapes    x [..., m, ...] -> complex [..., n, ...]
    Errors    an axis that x does not have; n below 1; another norm
    Source    numpy.fft.fft

    Example
        >>> import powertrain as pt
        >>> pt.fft.fft(pt.asarray([1.0, 0.0, 0.0])).numpy().tolist()
        [(1+0j), (1+0j), (1+0j)]
    """
    return _plain(x, n, axis, norm, False, "fft")


def ifft(x: TensorLike, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Tensor:
    """The inverse of fft, along an axis cut or filled with zeros to n.

    Example
        >>> pt.fft.ifft(pt.fft.fft(pt.ones((4,)))).real.tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    return _plain(x, n, axis, norm, True, "ifft")


def rfft(x: TensorLike, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Tensor:
    """The first n // 2 + 1 sums of fft, of real x, whose other sums are their conjugates.

    Example
        >>> pt.fft.rfft(pt.ones((4,))).shape
        (3,)
    """
    return _half(x, n, axis, norm, "rfft")


def _half(x: Any, n: int | None, axis: int, norm: str | None, where: str) -> Tensor:
    given = x if type(x) is Tensor else _core.asarray(x)
    if given.dtype.is_complex:
        raise _core.DTypeError(f"[{where}] x is {given.dtype.name}; expected real numbers; use fft")
    axis = one_axis(given, axis, where)
    n = _length(n, given.shape[axis], where)
    sized = _sized(given, n, axis)
    wide = sized if given.dtype.name in ("float32", "float64") else OPERATORS["astype"](sized, "float32")
    line = _moved(wide, axis)
    return _moved(OPERATORS["view_as_complex"](OPERATORS["real_dft"](line, _scale(n, norm, False, where))), axis)


def irfft(x: TensorLike, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Tensor:
    """The inverse of rfft: n real numbers, an even number unless n says otherwise.

    Example
        >>> pt.fft.irfft(pt.fft.rfft(pt.ones((4,)))).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    return _whole(x, n, axis, norm, "irfft")


def _whole(x: Any, n: int | None, axis: int, norm: str | None, where: str) -> Tensor:
    given = _complex(x)
    axis = one_axis(given, axis, where)
    n = _length(n, 2 * (given.shape[axis] - 1), where)
    line = OPERATORS["view_as_real"](_moved(_sized(given, n // 2 + 1, axis), axis))
    return _moved(OPERATORS["real_dft_inverse"](line, n, _scale(n, norm, True, where)), axis)


def hfft(x: TensorLike, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Tensor:
    """The real transform of x, the first half of numbers whose second half are their conjugates.

    Example
        >>> pt.fft.hfft(pt.ones((3,))).shape
        (4,)
    """
    return _whole(OPERATORS["conj"](_complex(x)), n, axis, _SWAPPED.get(norm or "backward", norm), "hfft")


def ihfft(x: TensorLike, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Tensor:
    """The inverse of hfft, of real x: n // 2 + 1 complex numbers.

    Example
        >>> pt.fft.ihfft(pt.ones((4,))).shape
        (3,)
    """
    return OPERATORS["conj"](_half(x, n, axis, _SWAPPED.get(norm or "backward", norm), "ihfft"))


# ------------------------------------------------------------ several axes


_Sizes = int | Sequence[int] | None


def _axes(x: Tensor, s: _Sizes, axes: _Sizes, where: str) -> list[tuple[int | None, int]]:
    """Lengths and axes, in pairs; one number is that of one axis."""
    s = None if s is None else _core.integers(s, "s", where)
    axes = None if axes is None else _core.integers(axes, "axes", where)
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    sizes: Sequence[int | None] = [None] * len(axes) if s is None else list(s)
    if len(sizes) != len(axes) or len(axes) == 0:
        raise _core.ShapeError(
            f"[{where}] s = {None if s is None else tuple(s)}, axes = {tuple(axes)}; expected one length for each of "
            "one or more axes; leave one of them out"
        )
    return [(None if n == -1 else n, one_axis(x, axis, where)) for n, axis in zip(sizes, axes, strict=True)]


_OneAxis = Callable[[Any, int | None, int, str | None], Tensor]


def _several(x: Tensor, pairs: list[tuple[int | None, int]], norm: str | None, one: _OneAxis) -> Tensor:
    for n, axis in reversed(pairs):
        x = one(x, n, axis, norm)
    return x


def fftn(x: TensorLike, s: _Sizes = None, axes: _Sizes = None, norm: str | None = "backward") -> Tensor:
    """fft along several axes, all unless they are named, of the lengths s.

    Example
        >>> pt.fft.fftn(pt.ones((4, 6))).shape
        (4, 6)
    """
    given = _complex(x)
    return _several(given, _axes(given, s, axes, "fftn"), norm, fft)


def ifftn(x: TensorLike, s: _Sizes = None, axes: _Sizes = None, norm: str | None = "backward") -> Tensor:
    """The inverse of fftn.

    Example
        >>> pt.fft.ifftn(pt.ones((4, 6))).shape
        (4, 6)
    """
    given = _complex(x)
    return _several(given, _axes(given, s, axes, "ifftn"), norm, ifft)


def rfftn(x: TensorLike, s: _Sizes = None, axes: _Sizes = None, norm: str | None = "backward") -> Tensor:
    """rfft along the last of several axes, fft along the others.

    Example
        >>> pt.fft.rfftn(pt.ones((4, 6))).shape
        (4, 4)
    """
    given = _core.asarray(x)
    *others, (n, axis) = _axes(given, s, axes, "rfftn")
    return _several(_half(given, n, axis, norm, "rfftn"), others, norm, fft)


def irfftn(x: TensorLike, s: _Sizes = None, axes: _Sizes = None, norm: str | None = "backward") -> Tensor:
    """The inverse of rfftn.

    Example
        >>> pt.fft.irfftn(pt.fft.rfft2(pt.ones((4, 6)))).shape
        (4, 6)
    """
    given = _complex(x)
    *others, (n, axis) = _axes(given, s, axes, "irfftn")
    return _whole(_several(given, others, norm, ifft), n, axis, norm, "irfftn")


def fft2(x: TensorLike, s: _Sizes = None, axes: _Sizes = (-2, -1), norm: str | None = "backward") -> Tensor:
    """fftn along two axes.

    Example
        >>> pt.fft.fft2(pt.ones((4, 6))).shape
        (4, 6)
    """
    return fftn(x, s, axes, norm)


def ifft2(x: TensorLike, s: _Sizes = None, axes: _Sizes = (-2, -1), norm: str | None = "backward") -> Tensor:
    """ifftn along two axes.

    Example
        >>> pt.fft.ifft2(pt.ones((4, 6))).shape
        (4, 6)
    """
    return ifftn(x, s, axes, norm)


def rfft2(x: TensorLike, s: _Sizes = None, axes: _Sizes = (-2, -1), norm: str | None = "backward") -> Tensor:
    """rfftn along two axes.

    Example
        >>> pt.fft.rfft2(pt.ones((4, 6))).shape
        (4, 4)
    """
    return rfftn(x, s, axes, norm)


def irfft2(x: TensorLike, s: _Sizes = None, axes: _Sizes = (-2, -1), norm: str | None = "backward") -> Tensor:
    """irfftn along two axes.

    Example
        >>> pt.fft.irfft2(pt.fft.rfft2(pt.ones((4, 6)))).shape
        (4, 6)
    """
    return irfftn(x, s, axes, norm)


# ------------------------------------------------------------ frequencies


def fftfreq(n: int, d: float = 1.0, *, dtype: DTypeLike | None = None, device: Device = None) -> Tensor:
    """The frequencies of fft's n sums, of samples d apart: 0, 1, ..., then the negative ones, over n d.

    Example
        >>> import powertrain as pt
        >>> pt.fft.fftfreq(4).numpy().tolist()
        [0.0, 0.25, -0.5, -0.25]
    """
    n = _length(n, n, "fftfreq")
    counted = OPERATORS["concat"]([arange(0, (n + 1) // 2), arange(-(n // 2), 0)])
    return OPERATORS["astype"](OPERATORS["astype"](counted, "float64") / (n * d), dtype or "float32")


def rfftfreq(n: int, d: float = 1.0, *, dtype: DTypeLike | None = None, device: Device = None) -> Tensor:
    """The frequencies of rfft's sums.

    Example
        >>> pt.fft.rfftfreq(4).tolist()
        [0.0, 0.25, 0.5]
    """
    n = _length(n, n, "rfftfreq")
    return OPERATORS["astype"](OPERATORS["astype"](arange(0, n // 2 + 1), "float64") / (n * d), dtype or "float32")


def _shifted(x: Any, axes: int | Sequence[int] | None, back: bool, where: str) -> Tensor:
    given = _core.asarray(x)
    named = range(given.ndim) if axes is None else _core.integers(axes, "axes", where)
    chosen = [one_axis(given, axis, where) for axis in named]
    halves = [given.shape[axis] // 2 for axis in chosen]
    return OPERATORS["roll"](given, [-half if back else half for half in halves], chosen)


def fftshift(x: TensorLike, axes: int | Sequence[int] | None = None) -> Tensor:
    """x with the frequency 0 in the middle of the axes, all unless they are named.

    Example
        >>> pt.fft.fftshift(pt.arange(4)).tolist()
        [2, 3, 0, 1]
    """
    return _shifted(x, axes, False, "fftshift")


def ifftshift(x: TensorLike, axes: int | Sequence[int] | None = None) -> Tensor:
    """The inverse of fftshift.

    Example
        >>> pt.fft.ifftshift(pt.arange(5)).tolist()
        [2, 3, 4, 0, 1]
    """
    return _shifted(x, axes, True, "ifftshift")


export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
