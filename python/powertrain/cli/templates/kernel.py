"""A kernel in C, with its gradient: x * sigmoid(slope * x)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import powertrain as pt
from powertrain.plugin import CLibrary, Kernel, param

LIBRARY = Path(__file__).with_name("_kernel")


@dataclass(frozen=True)
class Params:
    slope: float = param(1.0, above=0, doc="how fast the gate opens")


derivative = Kernel(
    "swish_slope", CLibrary(LIBRARY, float32="slope_f32", float64="slope_f64"),
    params=Params, elementwise=True, flops=12,
)  # fmt: skip


def vjp(inputs: Any, outputs: Any, grads: Any, slope: float) -> Any:
    return grads[0] * derivative(inputs[0], slope=slope)


def reference(x: Any, slope: float) -> Any:
    return x * pt.sigmoid(x * slope)


swish = Kernel(
    "swish", CLibrary(LIBRARY, float32="swish_f32", float64="swish_f64"),
    params=Params, elementwise=True, vjp=vjp, reference=reference, flops=10,
)  # fmt: skip
