"""The modified Bessel function of the first kind, of order 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from powertrain import _core
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

# Chebyshev coefficients of e^-x i0(x) on [0, 8], and of e^-x sqrt(x) i0(x) in 32 / x - 2 on [8, inf) (Cephes, i0.c).
_SMALL: Final = (
    -4.4153416464793395e-18, 3.3307945188222384e-17, -2.431279846547955e-16, 1.715391285555133e-15,
    -1.1685332877993451e-14, 7.676185498604936e-14, -4.856446783111929e-13, 2.95505266312964e-12,
    -1.726826291441556e-11, 9.675809035373237e-11, -5.189795601635263e-10, 2.6598237246823866e-09,
    -1.300025009986248e-08, 6.046995022541919e-08, -2.670793853940612e-07, 1.1173875391201037e-06,
    -4.4167383584587505e-06, 1.6448448070728896e-05, -5.754195010082104e-05, 0.00018850288509584165,
    -0.0005763755745385824, 0.0016394756169413357, -0.004324309995050576, 0.010546460394594998, -0.02373741480589947,
    0.04930528423967071, -0.09490109704804764, 0.17162090152220877, -0.3046826723431984, 0.6767952744094761,
)  # fmt: skip
_LARGE: Final = (
    -7.233180487874754e-18, -4.830504485944182e-18, 4.46562142029676e-17, 3.461222867697461e-17,
    -2.8276239805165836e-16, -3.425485619677219e-16, 1.7725601330565263e-15, 3.8116806693526224e-15,
    -9.554846698828307e-15, -4.150569347287222e-14, 1.54008621752141e-14, 3.8527783827421426e-13,
    7.180124451383666e-13, -1.7941785315068062e-12, -1.3215811840447713e-11, -3.1499165279632416e-11,
    1.1889147107846439e-11, 4.94060238822497e-10, 3.3962320257083865e-09, 2.266668990498178e-08,
    2.0489185894690638e-07, 2.8913705208347567e-06, 6.889758346916825e-05, 0.0033691164782556943, 0.8044904110141088,
)  # fmt: skip


def _chebyshev(x: _core.Tensor, coefficients: Sequence[float]) -> _core.Tensor:
    """Clenshaw's recurrence."""
    now, before, last = x * 0.0 + coefficients[0], x * 0.0, x * 0.0
    for coefficient in coefficients[1:]:
        now, before, last = x * now - before + coefficient, now, before
    return (now - last) * 0.5


def i0(x: TensorLike) -> _core.Tensor:
    """The modified Bessel function of the first kind of order 0, element by element.

    Shapes    x [...] -> [...]
    Dtypes    floats; integers are computed in float32, f16 and bf16 in f32 and rounded once
    Grad      x
    Numerics  infinite beyond 91 in f32 and 713 in f64, and of infinity, of which NumPy and PyTorch give NaN
    Source    NumPy, i0; Moshier, Cephes
    Example
        >>> import powertrain as pt
        >>> round(pt.i0(1.0).item(), 5)
        1.26607
    """
    tensor = _core.asarray(x)
    kept = tensor.dtype if tensor.dtype.is_float else _core.DType.float32
    size = OPERATORS["abs"](OPERATORS["astype"](tensor, "float64" if kept.name == "float64" else "float32"))
    small = OPERATORS["less_equal"](size, 8.0)
    near = OPERATORS["where"](small, size, 8.0)
    # Each branch gets numbers of its own range, so that the other's slope stays finite.
    far = OPERATORS["where"](OPERATORS["logical_and"](size > 8.0, OPERATORS["isfinite"](size)), size, 8.0)
    below = OPERATORS["exp"](near) * _chebyshev(near * 0.5 - 2.0, _SMALL)
    half = OPERATORS["exp"](far * 0.5)  # e^x overflows before i0 does
    beyond = half * (_chebyshev(32.0 / far - 2.0, _LARGE) / OPERATORS["sqrt"](far)) * half
    finite = OPERATORS["where"](small, below, beyond)
    return OPERATORS["astype"](OPERATORS["where"](OPERATORS["isfinite"](size), finite, size), kept)
