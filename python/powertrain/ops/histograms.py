"""How often values fall into bins, along one axis or along several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.ops.functional import OPERATORS
from powertrain.ops.searching import valued

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Limits = tuple[float, float]


def histogram(
    x: TensorLike,
    bins: TensorLike = 10,
    range: tuple[float, float] | None = None,
    weights: TensorLike | None = None,
    density: bool = False,
) -> tuple[_core.Tensor, _core.Tensor]:
    """How many elements fall between neighbouring edges, and the edges; the last bin holds its right edge too.

    Shapes    x [...], bins a number or [n + 1] edges, weights as x -> [n], [n + 1]
    Dtypes    counts int64, or that of the weights, floats for a density; edges float64 for float64, int32, int64,
              uint32 and uint64, else float32
    Errors    less than one bin; edges out of order; within a compiled step a number of bins without a range
    Grad      weights
    Numerics  elements outside of the edges and NaN are in no bin; bins of equal width from the least to the largest
              element unless `range` gives the ends; a density has the integral 1
    Source    NumPy, histogram
    Example
        >>> import powertrain as pt
        >>> [t.numpy().tolist() for t in pt.histogram(pt.tensor([1.0, 2.0, 2.0, 5.0]), bins=2)]
        [[3, 1], [1.0, 3.0, 5.0]]
    """
    tensor = OPERATORS["reshape"](x, (-1,))
    edges = _edges("histogram", tensor, bins, range)
    if weights is None:
        counts = OPERATORS["bin_counts"](tensor, edges)
    else:
        n, counted = edges.shape[0] - 1, _flat_weights("histogram", tensor, weights, x)
        counts = OPERATORS["scatter_add"](OPERATORS["bin_index"](tensor, edges), counted, size=n + 1)[:n]
    if density:
        counts = counts / OPERATORS["diff"](edges) / OPERATORS["sum"](counts)
    return counts, edges


def histogram2d(
    x: TensorLike,
    y: TensorLike,
    bins: int | Sequence[TensorLike] | TensorLike = 10,
    range: Sequence[Limits | None] | None = None,
    density: bool = False,
    weights: TensorLike | None = None,
) -> tuple[_core.Tensor, _core.Tensor, _core.Tensor]:
    """How many points (x, y) fall into each rectangle between edges, and the edges of both axes.

    `bins` is a number or the edges of both axes, or one of these for each.

    Shapes    x [n], y [n], weights [n] -> [bins of x, bins of y], and the edges of x and of y
    Dtypes    as of histogram
    Errors    as of histogram; x and y of different sizes
    Grad      weights
    Source    NumPy, histogram2d
    Example
        >>> import powertrain as pt
        >>> counts, _, _ = pt.histogram2d(pt.tensor([0.0, 1.0, 1.0]), pt.tensor([0.0, 0.0, 2.0]), bins=2)
        >>> counts.tolist()
        [[1, 0], [1, 1]]
    """
    both = bins if _is_number(bins) or len(bins) == 2 else [bins, bins]  # type: ignore[arg-type]
    points = [_core.asarray(x), _core.asarray(y)]
    counts, (rows, columns) = _counts("histogram2d", points, both, range, density, weights)
    return counts, rows, columns


def histogramdd(
    sample: TensorLike | Sequence[TensorLike],
    bins: int | Sequence[TensorLike] = 10,
    range: Sequence[Limits | None] | None = None,
    density: bool = False,
    weights: TensorLike | None = None,
) -> tuple[_core.Tensor, tuple[_core.Tensor, ...]]:
    """How many points fall into each box between edges, and the edges of each axis.

    `bins` is a number, or for each axis a number or its edges.

    Shapes    sample [n, d], or d vectors [n]; weights [n] -> [bins of each axis], and d vectors of edges
    Dtypes    as of histogram
    Errors    as of histogram; bins or ranges of another number of axes
    Grad      weights
    Source    NumPy, histogramdd
    Example
        >>> import powertrain as pt
        >>> counts, edges = pt.histogramdd(pt.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]), bins=2)
        >>> counts.tolist(), len(edges)
        ([[1, 0], [1, 1]], 2)
    """
    if isinstance(sample, (list, tuple)):
        columns = [_core.asarray(one) for one in sample]
    else:
        given = _core.asarray(sample)
        if given.ndim != 2:
            raise _core.ShapeError(
                f"[histogramdd] sample is {list(given.shape)}; expected [points, axes] or vectors; reshape it"
            )
        columns = list(OPERATORS["unstack"](given, 1))
    return _counts("histogramdd", columns, bins, range, density, weights)


def _counts(
    where: str, columns: list[_core.Tensor], bins: Any, limits: Any, density: bool, weights: TensorLike | None
) -> tuple[_core.Tensor, tuple[_core.Tensor, ...]]:
    d = len(columns)
    bins = [bins] * d if _is_number(bins) else bins if isinstance(bins, (list, tuple)) else _core.asarray(bins).tolist()
    limits = [None] * d if limits is None else list(limits)
    vectors = bool(columns) and all(one.ndim == 1 and one.shape == columns[0].shape for one in columns)
    if not vectors or not d == len(bins) == len(limits):
        raise _core.ShapeError(
            f"[{where}] points of {' and '.join(str(list(one.shape)) for one in columns)}, {len(bins)} bins, "
            f"{len(limits)} ranges; expected vectors of one size, and one of the others for each; check them"
        )
    edges = [_edges(where, *one) for one in zip(columns, bins, limits, strict=True)]
    flat, all_inside, size = _core.full(columns[0].shape, 0, "int64"), None, 1
    for column, marks in zip(columns, edges, strict=True):
        n = marks.shape[0] - 1
        place = OPERATORS["bin_index"](column, marks)
        inside = OPERATORS["less"](place, n)
        flat, size = flat * n + place, size * n
        all_inside = inside if all_inside is None else OPERATORS["logical_and"](all_inside, inside)
    flat = OPERATORS["where"](all_inside, flat, size)
    if weights is None:
        counted = _core.full(columns[0].shape, 1, "int64")
    else:
        counted = _flat_weights(where, columns[0], weights, columns[0])
    counts = OPERATORS["scatter_add"](flat, counted, size=size + 1)[:size]
    counts = OPERATORS["reshape"](counts, [marks.shape[0] - 1 for marks in edges])
    if density:
        counts = OPERATORS["divide"](counts, OPERATORS["astype"](OPERATORS["sum"](counts), edges[0].dtype))
        for axis, marks in enumerate(edges):
            counts = counts / OPERATORS["reshape"](OPERATORS["diff"](marks), (-1, *[1] * (d - axis - 1)))
    return counts, tuple(edges)


def _is_number(bins: object) -> bool:
    return hasattr(bins, "__index__") and not hasattr(bins, "__len__")


def _flat_weights(where: str, flat: _core.Tensor, weights: TensorLike, x: TensorLike) -> _core.Tensor:
    """A weight for each element."""
    counted = OPERATORS["reshape"](weights, (-1,))
    if counted.shape != flat.shape:
        raise _core.ShapeError(
            f"[{where}] weights are {list(_core.asarray(weights).shape)}, x is {list(_core.asarray(x).shape)}; "
            "expected one for each element; check them"
        )
    return counted


def _edges(where: str, x: _core.Tensor, bins: Any, limits: tuple[float, float] | None) -> _core.Tensor:
    wide = x.dtype.name in ("float64", "int32", "int64", "uint32", "uint64")
    dtype = "float64" if wide else "float32"
    if not _is_number(bins):
        edges = OPERATORS["astype"](bins, dtype)
        if edges.ndim != 1 or edges.shape[0] < 2:
            raise _core.ShapeError(f"[{where}] bins is {list(edges.shape)}; expected two edges or more; or a number")
        if not edges.symbolic and OPERATORS["any"](OPERATORS["less"](OPERATORS["diff"](edges), 0)).item():
            raise _core.ShapeError(f"[{where}] bins are out of order; expected edges that rise; sort them")
        return edges
    if bins < 1:
        raise _core.ShapeError(f"[{where}] bins = {bins}; expected at least 1; 10 is usual")
    if limits is None:
        given = valued(x, where, "pass range, or the edges as bins")
        given = OPERATORS["astype"](given, "uint8") if given.dtype == _core.DType.bool else given
        ends = tuple(OPERATORS[end](given).item() for end in ("min", "max")) if given.size else (0.0, 1.0)
    else:
        ends = limits
    first, last = (float(end) for end in ends)
    if not (math.isfinite(first) and math.isfinite(last) and first <= last):
        raise _core.ShapeError(
            f"[{where}] range = ({first}, {last}); expected finite numbers in order; pass range for "
            "elements that are not"
        )
    if first == last:
        first, last = first - 0.5, last + 0.5
    return _core.evenly_spaced(first, last, int(bins) + 1, True, dtype)
