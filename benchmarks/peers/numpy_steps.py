"""Matrix products in NumPy, whose wheels bring OpenBLAS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

VARIANTS = ("",)
VERSION = f"numpy {np.__version__}"


def product(variant: str, a: Any, b: Any, turn_a: bool, turn_b: bool, precision: str) -> Callable[[], Any]:
    if precision != "f32":
        raise TypeError(f"NumPy has no {precision}")
    x, y = a.T if turn_a else a, b.T if turn_b else b
    out = np.empty((x.shape[0], y.shape[1]), np.float32)
    return lambda: np.matmul(x, y, out=out)


def wait(result: Any) -> None:
    """NumPy's work is done when a call returns."""
