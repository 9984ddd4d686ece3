"""Slices of a tensor made smaller where their norm is too large."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from powertrain import _core
from powertrain.ops.axes import one_axis
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def renorm(input: TensorLike, p: float, axis: int, maxnorm: float) -> _core.Tensor:
    """Scale each slice along an axis whose norm of order p is above maxnorm down to it; the others stay.

    Shapes    input [..., n, ...] -> [..., n, ...]
    Errors    an axis that input does not have, or input of one axis; p that is not above 0; maxnorm below 0
    Grad      input
    Source    PyTorch, renorm
    Example
        >>> import powertrain as pt
        >>> pt.renorm(pt.tensor([[3.0, 4.0], [0.5, 0.25]]), 2, 0, 2.5).numpy().round(2).tolist()
        [[1.5, 2.0], [0.5, 0.25]]
    """
    x = _core.asarray(input)
    along = one_axis(x, axis, "renorm")
    if x.ndim < 2 or not p > 0 or not (maxnorm >= 0 and math.isfinite(maxnorm)):
        raise _core.ShapeError(
            f"[renorm] input is {list(x.shape)}, p = {p}, maxnorm = {maxnorm}; expected two axes or more, p above 0 "
            "and a finite maxnorm of at least 0; check them"
        )
    others = tuple(place for place in range(x.ndim) if place != along)
    wide = OPERATORS["astype"](x, "float64" if x.dtype.name == "float64" else "float32")
    norm = OPERATORS["vector_norm"](wide, others, True, float(p))
    factor = OPERATORS["where"](norm > maxnorm, maxnorm / (norm + 1e-7), 1.0)
    return x * OPERATORS["astype"](factor, x.dtype)
