"""A kernel in Python that Numba compiles, with its gradient: x * sigmoid(slope * x)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.plugin import Kernel, Numba, param


@dataclass(frozen=True)
class Params:
    slope: float = param(1.0, above=0, doc="how fast the gate opens")


def value_of(x: Any, slope: Any) -> Any:
    return x / (1 + math.exp(-slope * x))


def slope_of(x: Any, slope: Any) -> Any:
    s = 1 / (1 + math.exp(-slope * x))
    return s + slope * x * s * (1 - s)


derivative = Kernel("swish_slope", Numba(slope_of), params=Params, elementwise=True, flops=12)


def vjp(inputs: Any, outputs: Any, grads: Any, slope: float) -> Any:
    return grads[0] * derivative(inputs[0], slope=slope)


def reference(x: Any, slope: float) -> Any:
    return x * pt.sigmoid(x * slope)


swish = Kernel("swish", Numba(value_of), params=Params, elementwise=True, vjp=vjp, reference=reference, flops=10)
