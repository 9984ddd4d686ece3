"""Angles that go on from one to the next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from powertrain import _core
from powertrain.ops.axes import one_axis
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def unwrap(p: TensorLike, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi) -> _core.Tensor:
    """Angles along an axis without jumps: to each, the multiple of period that brings it next to the one before.

    Steps of less than discont, half the period when left out or smaller, stay.

    Shapes    p [..., n, ...] -> [..., n, ...]
    Dtypes    floats; integers are computed in float32
    Errors    an axis that p does not have; a period not above 0
    Grad      p
    Source    NumPy, unwrap
    Example
        >>> import powertrain as pt
        >>> pt.unwrap(pt.tensor([0.0, 5.0, 10.0]), period=4.0).numpy().tolist()
        [0.0, 1.0, 2.0]
    """
    angles = _core.asarray(p)
    angles = angles if angles.dtype.is_float else OPERATORS["astype"](angles, "float32")
    along = one_axis(angles, axis, "unwrap")
    if not (period > 0 and math.isfinite(period)):
        raise _core.ShapeError(f"[unwrap] period = {period}; expected a finite number above 0; 2 pi is usual")
    step = OPERATORS["stop_gradient"](OPERATORS["diff"](angles, 1, along))
    half = period / 2
    near = OPERATORS["remainder"](step + half, period) - half
    near = OPERATORS["where"](OPERATORS["logical_and"](OPERATORS["equal"](near, -half), step > 0), half, near)
    small = OPERATORS["abs"](step) < (half if discont is None else max(discont, half))
    turns = OPERATORS["cumulative_sum"](OPERATORS["where"](small, 0.0, near - step), along)
    before = (slice(None),) * along
    first, others = (*before, slice(0, 1)), (*before, slice(1, None))
    return OPERATORS["concat"]([angles[first], angles[others] + turns], along)
