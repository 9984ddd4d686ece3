"""What the checks of kernels share: a case in one dtype, calls on guarded memory, and how far results are apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.memory import Prepared, prepare
from powertrain.plugin.kernels import Kernel
from powertrain.plugin.kernels.kernel import Typed

# How near results must come to the reference's, beside the largest of them.
NEAR = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2}


@dataclass(frozen=True)
class Trial:
    """One case in one dtype: what goes in, what is to come out."""

    words: str
    inputs: tuple[Any, ...]
    outputs: list[Typed]
    params: dict[str, Any]
    address: int
    dtype: str


def as_dtype(kernel: Kernel, inputs: Sequence[Any], dtype: str) -> tuple[Any, ...]:
    return tuple(
        np.ascontiguousarray(np.asarray(array), None if kind == "integer" else dtype)
        for array, kind in zip(inputs, kernel.inputs.values(), strict=True)
    )


def of_reference(kernel: Kernel, inputs: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    assert kernel.reference is not None
    made = kernel.reference(*(pt.tensor(array) for array in inputs), **params)
    return [np.asarray(one) for one in (made if isinstance(made, (tuple, list)) else [made])]


def prepared(kernel: Kernel, trial: Trial, inputs: Sequence[Any] | None = None, **layout: Any) -> Prepared:
    return prepare(kernel, trial.inputs if inputs is None else inputs, trial.outputs, trial.params, **layout)


def distance(made: Any, right: Any) -> float:
    """The largest difference, in parts of the largest element; infinite where one is NaN and the other is not."""
    a, b = np.asarray(made, np.float64), np.asarray(right, np.float64)
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return float("inf")
    if a.size == 0:
        return 0.0
    differs = np.where((a == b) | np.isnan(a), 0.0, np.abs(a - b))
    finite = np.abs(b[np.isfinite(b)])
    return float(differs.max() / max(1.0, finite.max(initial=0.0)))
