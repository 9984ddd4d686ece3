"""Borders around arrays, by NumPy's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from powertrain import _core
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def pad(
    x: TensorLike,
    pad_width: int | Sequence[int] | Sequence[tuple[int, int]],
    mode: Literal["constant", "edge", "reflect", "wrap"] = "constant",
    constant_values: float = 0.0,
) -> _core.Tensor:
    """x with elements more in front of each axis and behind it.

    pad_width is one number, (before, after) for all axes, or one such pair for each axis. Modes go on with a constant,
    with the last element ("edge"), mirrored at it ("reflect"), or with the other end ("wrap").

    Shapes    x [n, ...] -> [before + n + after, ...]
    Errors    another pad_width or mode; numbers below 0; more than n - 1 with "reflect", more than n with "wrap"
    Source    NumPy, pad
    Example
        >>> import powertrain as pt
        >>> pt.pad(pt.ones(2), (1, 2)).numpy().tolist()
        [0.0, 1.0, 1.0, 0.0, 0.0]
        >>> pt.pad(pt.asarray([[1.0, 2.0]]), ((0, 0), (1, 1)), "edge").numpy().tolist()
        [[1.0, 1.0, 2.0, 2.0]]
    """
    x = _core.asarray(x)
    if mode not in _MODES:
        raise _core.ShapeError(
            f"[pad] mode = {mode!r}; expected one of {', '.join(map(repr, _MODES))}; 'constant' is usual"
        )
    sides = _sides(x.ndim, pad_width)
    before, after = [side[0] for side in sides], [side[1] for side in sides]
    return OPERATORS["pad"](x, before, after, constant_values, _MODES[mode])


def _sides(ndim: int, width: Any) -> list[tuple[int, int]]:
    """(before, after) for each axis."""
    if isinstance(width, int) and not isinstance(width, bool):
        return [(width, width)] * ndim
    if isinstance(width, (tuple, list)):
        whole = [side for side in width if isinstance(side, int) and not isinstance(side, bool)]
        if len(whole) == len(width) and len(width) in (1, 2):
            return [(width[0], width[-1])] * ndim
        pairs = [tuple(side) for side in width if isinstance(side, (tuple, list)) and len(side) == 2]
        if len(pairs) == len(width) and len(pairs) in (1, ndim):
            return [(int(first), int(last)) for first, last in pairs] * (ndim if len(pairs) == 1 else 1)
    raise _core.ShapeError(
        f"[pad] pad_width = {width!r}, x has {ndim} axes; expected a number, (before, after), or one such pair for "
        "each axis; for example pad_width = 1"
    )
