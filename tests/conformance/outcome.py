"""What becomes of one sample of another suite, and the rule by which numbers agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oracles import EPS, near

# Twice the 64 by which gradients are compared (test_ops.py), since the peer's number is rounded too.
K = 128
# How many times more than PyTorch's own float32 a gradient may lose by cancellation.
LOST = 32


@dataclass(frozen=True)
class Outcome:
    """`kind` is passed, not offered, or what went wrong: values, dtype, gradient, error."""

    kind: str
    where: str
    detail: str = ""

    @property
    def failed(self) -> bool:
        return self.kind not in ("passed", "not offered")


def cancelled(narrow: Any, wide: Any, dtype: Any) -> float:
    """What PyTorch's own float32 gradient loses by cancellation, or would lose in another dtype, root mean square.

    The gradient of a norm over two elements, for example, is nothing but the rounding of sums that cancel.
    """
    with np.errstate(all="ignore"):
        error = narrow.astype("float64") - wide.astype("float64")
        finite = error[np.isfinite(error)]
        lost = float(np.sqrt(np.mean(finite * finite))) if finite.size else 0.0
    return lost * EPS[dtype.name] / EPS["float32"]


def arrays_agree(got: Any, want: Any, exact: Any, lost: float = 0.0) -> str:
    """What is wrong, if anything. `want` is the peer's in the same dtype, `exact` its own in float64, where it has it.

    An element is right if it is near one of them, on the scale of the whole array: the float64 one shows where the
    peer's float32 has lost digits, the other what an overflow or a floor in float32 gives.
    """
    if got.shape != want.shape:
        return f"shape {list(got.shape)}, expected {list(want.shape)}"
    if got.dtype.kind == "c":  # by the parts, on the scale of the whole
        got, want, exact = (np.stack([array.real, array.imag], -1) for array in (got, want, exact))
    if got.dtype.kind != "f":
        same = (got == want) | (got == exact)
        return "" if same.all() else f"{int((~same).sum())} of {same.size} differ"
    finite = want[np.isfinite(want)].astype("float64")
    scale = float(np.sqrt(np.mean(finite * finite))) if finite.size else 0.0
    scale = max(scale, LOST * lost / (K * EPS[got.dtype.name]))
    right = np.zeros(got.shape, bool)
    for reference in (want, exact):
        size = np.maximum(np.abs(reference.astype("float64")), scale)
        right |= near(got, reference, size, K, got.dtype.name)
    if right.all():
        return ""
    at = tuple(np.argwhere(~right)[0])
    found = f"{float(got[at])!r}, expected {float(want[at])!r}"
    return f"{int((~right).sum())} of {right.size} differ, first at {list(map(int, at))}: {found}"
