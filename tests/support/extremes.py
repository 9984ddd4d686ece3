"""Calls of ops that are not elementwise with NaN, infinite and equal elements, and what their references say.

The case files of elementwise ops hold such numbers themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from calls import SPECS, Variables, reference
from kit import Array, Case, Draw, case_files

FILES = case_files()
STRUCTURED = sorted(name for name in set(FILES) & set(SPECS) if not SPECS[name]["elementwise"])
CASES_OF_EACH = 8
LARGEST = 4000  # elements


def planted(number: float) -> Any:
    def change(array: Array, rng: np.random.Generator) -> Array:
        places = rng.random(array.shape) < 0.15
        if array.size and not places.any():
            places.flat[rng.integers(array.size)] = True
        return np.where(places, number, array)

    return change


def few_values(array: Array, rng: np.random.Generator) -> Array:
    """-1, -0.0, 0 and 1, so that whatever compares meets equal ones."""
    return rng.choice([-1.0, -0.0, 0.0, 1.0], array.shape)


CHANGES = {"nan": planted(np.nan), "inf": planted(np.inf), "-inf": planted(-np.inf), "ties": few_values}
ALL = tuple(CHANGES)
NOT_FINITE = ("nan", "inf", "-inf")
BY_LAPACK = "what LAPACK gives depends on its order of operations, and NumPy raises; tests of their own"
SPREADS = "which parts of a complex number a NaN reaches depends on the order of products"
PADDED = "an infinite weight meets the zeros around and between the pixels"
# Where the reference says nothing: kinds, the inputs (all if empty), and why.
UNLIKE: dict[str, tuple[tuple[str, ...], tuple[int, ...], str]] = {
    **dict.fromkeys(("cholesky", "det", "eigh", "inv", "lu", "qr", "slogdet", "solve", "svd", "svd_tall"),
                    (ALL, (0,), BY_LAPACK)),
    "solve_triangular": (ALL, (), BY_LAPACK),
    **dict.fromkeys(("dft", "real_dft", "real_dft_inverse", "rotary_embedding"), (NOT_FINITE, (), SPREADS)),
    **dict.fromkeys(("conv2d_grad_input", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
                    (NOT_FINITE, (1,), PADDED)),
    **dict.fromkeys(("ctc_loss", "ctc_rows", "ctc_rows_backward"),
                    (("nan", "inf", "ties"), (), "no logarithms of probabilities; a row that cannot be")),
    "attention": (NOT_FINITE, (), "SciPy's sum of exponentials of infinity; hidden values, which a block may read"),
    "scaled_dot_product_attention": (NOT_FINITE, (2,), "a hidden value meets a weight of 0 where its block is read"),
    **dict.fromkeys(("bin_counts", "bin_index"), (ALL, (1,), "edges out of order give some bin")),
    "batch_norm": (("ties",), (0,), "300 equal roundings add up in the reference's rule for random ones"),
    "cross_entropy": (("inf",), (0,), "SciPy's logarithm of the softmax of infinity; PyTorch's is NaN"),
    "nan_to_num": (("inf", "-inf"), (0,), "the reference's ends are of float64; test_comparison has the others"),
    "cross_entropy_mean": (("inf",), (0,), "as cross_entropy"),
    "log_softmax": (("inf",), (0,), "SciPy's is -inf beside an infinity; PyTorch's is NaN"),
    "focal_loss": (("ties",), (1,), "targets below 0 are no probabilities"),
    "gaussian_nll_loss": (("-inf",), (2,), "minus infinity is no variance"),
}  # fmt: skip


def is_said(name: str, kind: str, which: int) -> bool:
    kinds, inputs, _ = UNLIKE.get(name, ((), (), ""))
    return kind not in kinds or (inputs != () and which not in inputs)


def changed(case: Case, change: Any, which: int) -> Case:
    """The call with other elements in its float input number `which`."""
    seen = -1

    def turned(value: Any) -> Any:
        nonlocal seen
        if isinstance(value, list | tuple) and value and isinstance(value[0], Draw):
            return [turned(one) for one in value]
        if not isinstance(value, Draw) or value.dtype is not None:
            return value
        seen += 1
        if seen != which:
            return value
        return Draw(f"changed {value}", lambda rng: change(value.make(rng), np.random.default_rng(5)), value.shape)

    return Case(*map(turned, case.inputs), **{key: turned(value) for key, value in case.rest.items()})


def finite(size: Array) -> Array:
    return np.where(np.isfinite(size), np.abs(size), 0.0)


def extreme_cases(name: str, kind: str, dtype: str) -> Iterator[tuple[Case, Case, bool]]:
    """Small calls with one float input changed, what they were before, and whether the reference has an answer."""
    tried = 0
    for case in FILES[name].CASES:
        points = Variables(name, case, dtype).points
        if not 0 < sum(point.size for point in points) <= LARGEST:
            continue
        tried += 1
        if tried > CASES_OF_EACH:
            break
        for which in range(len(points)):
            yield changed(case, CHANGES[kind], which), case, is_said(name, kind, which)


def extreme_reference(name: str, kind: str, other: Case, case: Case, dtype: str) -> tuple[list[Array], list[Array]]:
    """The values of the changed call, and the size of what was summed."""
    want, mag = reference(FILES[name], other, dtype)
    if kind != "ties":  # what is summed where nothing of it is infinite
        clean = reference(FILES[name], case, dtype)[1]
        mag = [np.maximum(finite(a), finite(b)) for a, b in zip(mag, clean, strict=True)]
    return want, mag
