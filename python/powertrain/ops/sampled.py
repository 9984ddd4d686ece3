"""Functions that are given by samples: interpolated, integrated, differentiated and convolved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from powertrain import _core
from powertrain.ops.axes import all_axes, one_axis
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def _floating(x: Any) -> _core.Tensor:
    tensor = _core.asarray(x)
    return tensor if tensor.dtype.is_float or tensor.dtype.is_complex else OPERATORS["astype"](tensor, "float32")


def interp(
    x: TensorLike,
    xp: TensorLike,
    fp: TensorLike,
    left: TensorLike | None = None,
    right: TensorLike | None = None,
    period: float | None = None,
) -> _core.Tensor:
    """The value at each x of the straight lines between the points (xp, fp).

    Shapes    x [...], xp [n], fp [n] -> [...]
    Dtypes    floats; integers are computed in float32
    Errors    points that are no vectors of one size, at least 1
    Grad      x, xp, fp, left, right
    Numerics  xp is in order, or the result means nothing; `left` before the first point, fp[0] unless given, `right`
              behind the last; with a period, x and xp are taken modulo it and xp may be in any order
    Source    NumPy, interp
    Example
        >>> import powertrain as pt
        >>> pt.interp(pt.tensor([0.5, 3.0]), [0, 1, 2], [0, 10, 20]).numpy().tolist()
        [5.0, 20.0]
    """
    places, points, values = _floating(x), _floating(xp), _floating(fp)
    if points.ndim != 1 or points.shape != values.shape or points.shape[0] == 0:
        raise _core.ShapeError(
            f"[interp] xp is {list(points.shape)}, fp is {list(values.shape)}; expected vectors of one size, at least "
            "1; check them"
        )
    if period is not None:
        places, points, values = _periodic(places, points, values, period)
        left = right = None
    last = points.shape[0] - 1
    behind = OPERATORS["minimum"](OPERATORS["searchsorted"](points, places, "right"), last)
    before = OPERATORS["maximum"](behind - 1, 0)
    from_x, to_x = (OPERATORS["take"](points, index) for index in (before, behind))
    from_y, to_y = (OPERATORS["take"](values, index) for index in (before, behind))
    width = to_x - from_x
    slope = (to_y - from_y) / OPERATORS["where"](width == 0, 1, width)
    found = from_y + slope * (places - from_x)
    # The last point itself, which a product of its own slope may miss by a rounding.
    found = OPERATORS["where"](places == points[last], values[last], found)
    found = OPERATORS["where"](places < points[0], values[0] if left is None else left, found)
    return OPERATORS["where"](places > points[last], values[last] if right is None else right, found)


def _periodic(
    places: _core.Tensor, points: _core.Tensor, values: _core.Tensor, period: float
) -> tuple[_core.Tensor, _core.Tensor, _core.Tensor]:
    """Within one period, with a point more at both ends."""
    width = abs(float(period))
    if width == 0:
        raise _core.ShapeError("[interp] period = 0; expected another number; leave it out for none")
    places, points = OPERATORS["remainder"](places, width), OPERATORS["remainder"](points, width)
    order = OPERATORS["argsort"](points)
    points, values = OPERATORS["take"](points, order), OPERATORS["take"](values, order)
    points = OPERATORS["concat"]([points[-1:] - width, points, points[:1] + width], 0)
    return places, points, OPERATORS["concat"]([values[-1:], values, values[:1]], 0)


def _along(x: _core.Tensor, axis: int, start: int | None, stop: int | None) -> _core.Tensor:
    key = (*(slice(None),) * axis, slice(start, stop))
    return x[key]


def trapezoid(y: TensorLike, x: TensorLike | None = None, dx: float = 1.0, axis: int = -1) -> _core.Tensor:
    """The integral of y along an axis by the trapezoidal rule, over points x or steps of dx.

    Shapes    y [..., n, ...], x [n] or as y -> y without the axis
    Dtypes    floats and complex; integers are computed in float32
    Errors    an axis that y does not have; x of another shape
    Grad      y, x
    Source    NumPy, trapezoid
    Example
        >>> import powertrain as pt
        >>> pt.trapezoid(pt.tensor([1.0, 2.0, 3.0]), dx=2).item()
        8.0
    """
    pieces, along = _trapezoids("trapezoid", y, x, dx, axis)
    return OPERATORS["sum"](pieces, along) * 0.5


def cumulative_trapezoid(y: TensorLike, x: TensorLike | None = None, dx: float = 1.0, axis: int = -1) -> _core.Tensor:
    """The integral of y along an axis up to each of its points but the first, by the trapezoidal rule.

    Shapes    y [..., n, ...], x [n] or as y -> [..., n - 1, ...]
    Dtypes    floats and complex; integers are computed in float32
    Errors    an axis that y does not have; x of another shape
    Grad      y, x
    Source    PyTorch, cumulative_trapezoid
    Example
        >>> import powertrain as pt
        >>> pt.cumulative_trapezoid(pt.tensor([1.0, 2.0, 3.0])).numpy().tolist()
        [1.5, 4.0]
    """
    pieces, along = _trapezoids("cumulative_trapezoid", y, x, dx, axis)
    return OPERATORS["cumulative_sum"](pieces, along) * 0.5


def _trapezoids(where: str, y: Any, x: Any, dx: float, axis: int) -> tuple[_core.Tensor, int]:
    """Twice the area between neighbouring points along an axis, and the axis."""
    values = _floating(y)
    along = one_axis(values, axis, where)
    steps: Any = dx
    if x is not None:
        points = _floating(x)
        if points.ndim == 1:
            points = OPERATORS["reshape"](points, (-1,) + (1,) * (values.ndim - 1 - along))
        if points.ndim == 0 or points.shape[-(values.ndim - along) :][:1] != values.shape[along : along + 1]:
            raise _core.ShapeError(
                f"[{where}] x is {list(_core.asarray(x).shape)}, y is {list(values.shape)}; expected a point for "
                f"each place along axis {along}; pass {values.shape[along]} of them"
            )
        steps = OPERATORS["diff"](points, 1, along - values.ndim)
    pairs = _along(values, along, 1, None) + _along(values, along, None, -1)
    return pairs * steps, along


def gradient(
    f: TensorLike, *spacing: TensorLike, axis: int | Sequence[int] | None = None, edge_order: Literal[1, 2] = 1
) -> _core.Tensor | list[_core.Tensor]:
    """The slopes of samples along axes: differences of the second order inside, of `edge_order` at both ends.

    Shapes    f [...] -> [...]; a list, one for each axis, if there are several
    Dtypes    floats and complex; integers are computed in float32
    Errors    less than edge_order + 1 samples along an axis; a number of spacings that is not 0, 1 or that of the axes
    Grad      f, spacing
    Numerics  a spacing is the distance of samples, or a vector of their places
    Source    NumPy, gradient; pt.grad differentiates a function
    Example
        >>> import powertrain as pt
        >>> pt.gradient(pt.tensor([1.0, 2.0, 4.0, 7.0])).numpy().tolist()
        [1.0, 1.5, 2.5, 3.0]
    """
    samples = _floating(f)
    if axis is None:
        axes = list(range(samples.ndim))
    else:
        axes = [one_axis(samples, one, "gradient") for one in _core.integers(axis, "axis", "gradient")]
        all_axes(samples, axis, "gradient")
    if edge_order not in (1, 2):
        raise _core.ShapeError(f"[gradient] edge_order = {edge_order!r}; expected 1 or 2; 1 is usual")
    if len(spacing) not in (0, 1, len(axes)):
        raise _core.ShapeError(
            f"[gradient] received {len(spacing)} spacings for {len(axes)} axes; expected none, one or one for each axis"
            "; pass a number or a vector for each"
        )
    given = list(spacing) if len(spacing) == len(axes) else list(spacing or (1.0,)) * len(axes)
    found = [_slopes(samples, along, step, edge_order) for along, step in zip(axes, given, strict=True)]
    return found[0] if len(found) == 1 else found


def _slopes(f: _core.Tensor, axis: int, spacing: Any, edge_order: int) -> _core.Tensor:
    n = f.shape[axis]
    if n < edge_order + 1:
        raise _core.ShapeError(
            f"[gradient] f is {list(f.shape)}; expected at least {edge_order + 1} samples along axis {axis}; "
            "name other axes"
        )
    steps = _steps(spacing, n, f.ndim - axis - 1)

    def step(start: int | None, stop: int | None) -> Any:
        return steps[start:stop] if isinstance(steps, _core.Tensor) else steps

    before, after = step(None, -1), step(1, None)
    parts = [_edge(f, axis, (0, 1, 2), step(0, 1), step(1, 2), edge_order)]
    if n > 2:
        first, middle, last = (_along(f, axis, i, n - 2 + i) for i in range(3))
        both = before + after
        parts.append(
            first * (-after / (before * both))
            + middle * ((after - before) / (before * after))
            + last * (before / (after * both))
        )
    parts.append(
        _edge(f, axis, (n - 1, n - 2, n - 3), _minus(step(n - 2, n - 1)), _minus(step(n - 3, n - 2)), edge_order)
    )
    return OPERATORS["concat"](parts, axis)


def _minus(step: Any) -> Any:
    return -step


def _steps(spacing: Any, n: int, behind: int) -> Any:
    """The distance of samples as a number, or those of neighbours as a tensor that broadcasts along the axis."""
    if isinstance(spacing, (int, float)):
        return float(spacing)
    places = _floating(spacing)
    if places.ndim == 0:
        return OPERATORS["broadcast_to"](places, (n - 1,) + (1,) * behind)
    if places.shape != (n,):
        raise _core.ShapeError(
            f"[gradient] a spacing is {list(places.shape)}; expected a number, or [{n}], the places of the "
            "samples; check it"
        )
    return OPERATORS["reshape"](OPERATORS["diff"](places), (n - 1,) + (1,) * behind)


def _edge(f: _core.Tensor, axis: int, at: tuple[int, int, int], near: Any, far: Any, order: int) -> _core.Tensor:
    """The slope at the first of three samples, the distances to the next ones being given."""
    samples = [_along(f, axis, i, i + 1) for i in at[: order + 1]]
    if order == 1:
        return (samples[1] - samples[0]) / near
    both = near + far
    return (
        samples[0] * (-(near + both) / (near * both))
        + samples[1] * (both / (near * far))
        + samples[2] * (-near / (far * both))
    )


def correlate(a: TensorLike, v: TensorLike, mode: Literal["valid", "same", "full"] = "valid") -> _core.Tensor:
    """The correlation of two sequences: the sums of a[n + k] times conj(v[n]).

    Shapes    a [n], v [m] -> [n + m - 1] for "full", [max(n, m)] for "same", [max(n, m) - min(n, m) + 1] for "valid"
    Dtypes    all numbers; float16 and bfloat16 accumulate in float32
    Errors    what is no vector, or empty; another mode
    Grad      a, v
    Source    NumPy, correlate
    Example
        >>> import powertrain as pt
        >>> pt.correlate(pt.tensor([1.0, 2.0, 3.0]), pt.tensor([0.0, 1.0, 0.5])).numpy().tolist()
        [3.5]
    """
    left, right = _sequences("correlate", a, v, mode)
    right = OPERATORS["conj"](right) if right.dtype.is_complex else right
    if left.shape[0] < right.shape[0]:
        return OPERATORS["flip"](_correlated(right, left, mode), 0)
    return _correlated(left, right, mode)


def convolve(a: TensorLike, v: TensorLike, mode: Literal["full", "same", "valid"] = "full") -> _core.Tensor:
    """The convolution of two sequences: the sums of a[k - n] times v[n].

    Shapes    a [n], v [m] -> [n + m - 1] for "full", [max(n, m)] for "same", [max(n, m) - min(n, m) + 1] for "valid"
    Dtypes    all numbers; float16 and bfloat16 accumulate in float32
    Errors    what is no vector, or empty; another mode
    Grad      a, v
    Source    NumPy, convolve; nn.functional.conv1d has batches, channels and strides
    Example
        >>> import powertrain as pt
        >>> pt.convolve(pt.tensor([1.0, 2.0, 3.0]), pt.tensor([0.0, 1.0, 0.5])).numpy().tolist()
        [0.0, 1.0, 2.5, 4.0, 1.5]
    """
    left, right = _sequences("convolve", a, v, mode)
    if left.shape[0] < right.shape[0]:
        left, right = right, left
    return _correlated(left, OPERATORS["flip"](right, 0), mode)


def _sequences(where: str, a: Any, v: Any, mode: str) -> tuple[_core.Tensor, _core.Tensor]:
    left, right = _core.asarray(a), _core.asarray(v)
    if left.ndim != 1 or right.ndim != 1 or 0 in (*left.shape, *right.shape):
        raise _core.ShapeError(
            f"[{where}] a is {list(left.shape)}, v is {list(right.shape)}; expected vectors with elements; use "
            "nn.functional.conv1d for batches"
        )
    if mode not in ("full", "same", "valid"):
        raise _core.ShapeError(f"[{where}] mode = {mode!r}; expected 'full', 'same' or 'valid'; 'full' has all sums")
    common = OPERATORS["concat"]([left[:0], right[:0]], 0).dtype
    return OPERATORS["astype"](left, common), OPERATORS["astype"](right, common)


def _correlated(long: _core.Tensor, short: _core.Tensor, mode: str) -> _core.Tensor:
    n, m = long.shape[0], short.shape[0]
    front, behind = {"full": (m - 1, m - 1), "same": (m // 2, m - m // 2 - 1), "valid": (0, 0)}[mode]
    zeros = _core.full((max(front, behind),), 0, long.dtype)
    row = OPERATORS["concat"]([zeros[:front], long, zeros[:behind]], 0)
    if long.dtype.is_float:
        line = OPERATORS["conv1d"](OPERATORS["reshape"](row, (1, -1, 1)), OPERATORS["reshape"](short, (m, 1, 1)))
        return OPERATORS["reshape"](line, (-1,))
    # Windows: kernels of convolutions are of floats.
    import numpy as np

    index = np.arange(n + front + behind - m + 1)[:, None] + np.arange(m)
    products = OPERATORS["take"](row, _core.asarray(index)) * short
    return OPERATORS["astype"](OPERATORS["sum"](products, 1), long.dtype)
