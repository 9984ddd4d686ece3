"""Polynomials through points, by least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from powertrain import _core
from powertrain.errors.boundary import export
from powertrain.linalg import inv, lstsq
from powertrain.ops.functional import OPERATORS
from powertrain.ops.grids import vander

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Tensor = _core.Tensor
Full = tuple[Tensor, Tensor, Tensor, Tensor, float]


@overload
def polyfit(
    x: TensorLike,
    y: TensorLike,
    deg: int,
    rcond: float | None = ...,
    full: Literal[False] = ...,
    w: TensorLike | None = ...,
    cov: Literal[False] = ...,
) -> Tensor: ...
@overload
def polyfit(
    x: TensorLike,
    y: TensorLike,
    deg: int,
    rcond: float | None = ...,
    *,
    full: Literal[True],
    w: TensorLike | None = ...,
    cov: Literal[False] = ...,
) -> Full: ...
@overload
def polyfit(
    x: TensorLike,
    y: TensorLike,
    deg: int,
    rcond: float | None = ...,
    full: Literal[False] = ...,
    w: TensorLike | None = ...,
    *,
    cov: Literal[True, "unscaled"],
) -> tuple[Tensor, Tensor]: ...
def polyfit(
    x: TensorLike,
    y: TensorLike,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: TensorLike | None = None,
    cov: bool | Literal["unscaled"] = False,
) -> Tensor | Full | tuple[Tensor, Tensor]:
    """The coefficients of the polynomial of degree `deg` that is nearest to the points, the highest power first.

    `w` weighs the differences, not their squares. With `full`, the residual, the rank, the singular values and rcond of
    the least squares come too; with `cov`, the covariance of the coefficients.

    Shapes    x [n], y [n] or [n, k], w [n] -> [deg + 1] or [deg + 1, k]
    Dtypes    float32, float64; integers are computed in float32
    Errors    vectors of other sizes; a degree below 0; cov of too few points
    Grad      y, w; x where singular values differ
    Numerics  powers of x are scaled to one norm; singular values up to rcond times the largest count as 0, by default n
              times the rounding of the dtype
    Source    NumPy, polyfit
    Example
        >>> import powertrain as pt
        >>> pt.polyfit(pt.tensor([0.0, 1.0, 2.0]), pt.tensor([1.0, 3.0, 5.0]), 1).numpy().round(4).tolist()
        [2.0, 1.0]
    """
    degree = _core.integer(deg, "deg", "polyfit")
    points, values = _floats(x, y)
    n = points.shape[0] if points.ndim == 1 else -1
    if degree < 0 or n < 1 or values.ndim not in (1, 2) or values.shape[0] != n:
        raise _core.ShapeError(
            f"[polyfit] x is {list(points.shape)}, y is {list(values.shape)}, deg = {degree}; expected [n] and [n] or "
            "[n, k], and a degree of at least 0; check them"
        )
    rcond = n * (2.0**-52 if points.dtype.name == "float64" else 2.0**-23) if rcond is None else rcond
    powers = vander(points, degree + 1)
    if w is not None:
        weight = OPERATORS["astype"](w, points.dtype)
        if weight.shape != points.shape:
            raise _core.ShapeError(f"[polyfit] w is {list(weight.shape)}, x is [{n}]; expected one for each; check it")
        powers = powers * OPERATORS["expand_dims"](weight, 1)
        values = values * (weight if values.ndim == 1 else OPERATORS["expand_dims"](weight, 1))
    norms = OPERATORS["sqrt"](OPERATORS["sum"](OPERATORS["square"](powers), 0))
    norms = OPERATORS["where"](norms > 0, norms, 1.0)
    powers = powers / norms
    found = lstsq(powers, values, rcond)
    p = found.x / (norms if values.ndim == 1 else OPERATORS["expand_dims"](norms, 1))
    if full:
        return p, found.residuals, found.rank, found.singular_values, rcond
    return (p, _covariance(powers, norms, found.residuals, n - degree - 1, cov)) if cov else p


def _floats(x: TensorLike, y: TensorLike) -> tuple[Tensor, Tensor]:
    given = [_core.asarray(one) for one in (x, y)]
    dtype = "float64" if any(one.dtype.name == "float64" for one in given) else "float32"
    points, values = (OPERATORS["astype"](one, dtype) for one in given)
    return points, values


def _covariance(powers: Tensor, norms: Tensor, residuals: Tensor, spare: int, cov: bool | str) -> Tensor:
    base = inv(OPERATORS["matmul"](OPERATORS["matrix_transpose"](powers), powers)) / OPERATORS["outer"](norms, norms)
    if cov != "unscaled":
        if spare < 1:
            raise _core.ShapeError(
                f"[polyfit] cov of {spare + norms.shape[0]} points; expected more points than the {norms.shape[0]} "
                "coefficients; write cov='unscaled'"
            )
        residuals = residuals / spare
    elif residuals.ndim == 0:
        return base
    else:
        residuals = residuals * 0.0 + 1.0
    return base * residuals if residuals.ndim == 0 else OPERATORS["expand_dims"](base, -1) * residuals


export(globals())
