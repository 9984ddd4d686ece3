"""The one rule by which numbers are compared, and the oracles that need more than one call.

`err <= k * eps(dtype) * mag`: mag is the size of what was summed, so a bound follows from the arithmetic and no test
states a tolerance. Written so that NaN fails; infinities and NaN must be where the reference has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
EPS = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
# Below these the spacing of the dtype no longer shrinks with the number.
SMALLEST_NORMAL = {"float64": 2.0**-1022, "float32": 2.0**-126, "float16": 2.0**-14, "bfloat16": 2.0**-126}
LARGEST = {"float64": np.finfo("float64").max, "float32": float(np.finfo("float32").max), "float16": 65504.0,
           "bfloat16": 3.3895313892515355e38}  # fmt: skip


def overflow(want: Array, dtype: str) -> Array:
    """What the reference's value becomes where the dtype cannot hold it: an infinity."""
    half_step = LARGEST[dtype] * (1 + EPS[dtype] / 4)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(want) >= half_step, np.copysign(np.inf, want), want)


def near(got: Array, want: Array, mag: Array, k: float, dtype: str) -> Array:
    """Elementwise: is it right?"""
    want = overflow(np.asarray(want, dtype="float64"), dtype)
    got = np.asarray(got, dtype="float64")
    with np.errstate(invalid="ignore"):  # infinities are compared, not subtracted
        bound = k * EPS[dtype] * np.maximum(np.abs(mag), SMALLEST_NORMAL[dtype])
        close = np.abs(got - want) <= bound
        return np.where(np.isfinite(want), close, got == want) | (np.isnan(want) & np.isnan(got))


def check(got: Array, want: Array, mag: Array, k: float, dtype: str, where: str) -> None:
    """Raise unless every element is right; says the worst."""
    assert got.shape == np.shape(want), f"{where}: shape {got.shape}, expected {np.shape(want)}"
    ok = near(got, want, mag, k, dtype)
    if ok.all():
        return
    bad = np.argwhere(~ok)
    at = tuple(bad[0])
    size = EPS[dtype] * max(float(np.broadcast_to(np.abs(mag), ok.shape)[at]), SMALLEST_NORMAL[dtype])
    got_at, want_at = float(got[at]), float(np.asarray(want)[at])
    raise AssertionError(
        f"{where}: {len(bad)} of {ok.size} wrong in {dtype}; first at {at}: got {got_at!r}, expected {want_at!r}, "
        f"error {abs(got_at - want_at) / size:.3g} eps * mag, allowed {k}"
    )


def same_bits(left: Array, right: Array) -> bool:
    """Bit for bit, but for the payload of a NaN."""
    if left.shape != right.shape or left.dtype != right.dtype:
        return False
    if left.dtype.kind != "f":
        return bool(np.array_equal(left, right))
    both_nan = np.isnan(left) & np.isnan(right)
    unsigned = f"u{left.dtype.itemsize}"
    same = np.ascontiguousarray(left).view(unsigned) == np.ascontiguousarray(right).view(unsigned)
    return bool((same | both_nan).all())


def directional(
    f: Callable[[list[Array]], tuple[float, float]], at: list[Array], along: list[Array]
) -> tuple[float, float]:
    """The derivative of f at a point along a direction, by central differences in float64, and its uncertainty.

    f returns its value and the size of what it summed. Two steps, extrapolated: truncation is bounded by what the
    extrapolation changed, rounding by the size over the step.
    """

    def quotient(h: float) -> tuple[float, float]:
        up, size = f([x + h * u for x, u in zip(at, along, strict=True)])
        down, _ = f([x - h * u for x, u in zip(at, along, strict=True)])
        return (up - down) / (2 * h), size / h

    h = 1e-4
    coarse, _ = quotient(h)
    fine, size = quotient(h / 2)
    return (4 * fine - coarse) / 3, abs(fine - coarse) / 3 + 8 * EPS["float64"] * size
