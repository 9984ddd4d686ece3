"""Ops that are not elementwise where some of their elements are NaN, infinite or equal: against the same references.

The case files of elementwise ops hold such numbers themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from calls import SPECS, Variables, call, outputs, reference, to_array
from kit import FLOATS, Array, Case, Draw, case_files
from oracles import check, same_bits
from powertrain.ops.functional import OPERATORS

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
BY_LAPACK = "what LAPACK gives depends on its order of operations, and NumPy raises; below"
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
    "batch_norm": (("ties",), (0,), "300 equal roundings add up in the reference's rule for random ones"),
    "cross_entropy": (("inf",), (0,), "SciPy's logarithm of the softmax of infinity; PyTorch's is NaN"),
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


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", STRUCTURED)
def test_extremes(name: str, kind: str) -> None:
    module = FILES[name]
    dtype = next(d for d in ("float32", *FLOATS) if d in getattr(module, "DTYPES", FLOATS))
    tried = 0
    for case in module.CASES:
        points = Variables(name, case, dtype).points
        if not 0 < sum(point.size for point in points) <= LARGEST:
            continue
        tried += 1
        if tried > CASES_OF_EACH:
            break
        for which in range(len(points)):
            if not is_said(name, kind, which):
                continue
            other = changed(case, CHANGES[kind], which)
            want, mag = reference(module, other, dtype)
            if kind != "ties":  # what is summed where nothing of it is infinite
                clean = reference(module, case, dtype)[1]
                mag = [np.maximum(finite(a), finite(b)) for a, b in zip(mag, clean, strict=True)]
            got = [to_array(y) for y in call(name, other, dtype)]
            where = f"{name} {other}, {kind}"
            for one, value, size in zip(got, want, mag, strict=True):
                if value.dtype.kind in "biu":
                    np.testing.assert_array_equal(one, value, err_msg=where)
                else:
                    check(one, value, size, getattr(module, "K", 4), one.dtype.name, where)
            variables = Variables(name, other, dtype)
            tensors = variables.tensors()
            compiled = pt.compile(lambda *xs, variables=variables: tuple(variables(*xs)))
            eager = [to_array(y) for y in variables(*tensors)]
            again = [to_array(y) for y in outputs(compiled(*tensors))]
            assert all(map(same_bits, again, eager)), f"{where}: compiled differs from eager"


def test_what_is_left_out_is_needed() -> None:
    """Each row of UNLIKE names an op and inputs that it has."""
    for name, (kinds, inputs, why) in UNLIKE.items():
        assert name in STRUCTURED and set(kinds) <= set(CHANGES) and why
        assert all(0 <= which < len(SPECS[name]["inputs"]) for which in inputs)


MATRICES: dict[str, Any] = {
    "cholesky": lambda x: [OPERATORS["cholesky"](x)],
    "det": lambda x: [OPERATORS["det"](x)],
    "eigh": OPERATORS["eigh"],
    "inv": lambda x: [OPERATORS["inv"](x)],
    "lu": lambda x: [OPERATORS["lu"](x)[0]],
    "qr": OPERATORS["qr"],
    "slogdet": lambda x: [OPERATORS["slogdet"](x)[1]],
    "solve": lambda x: [OPERATORS["solve"](x, pt.ones((3, 5, 2), x.dtype))],
    "solve_triangular": lambda x: [OPERATORS["solve_triangular"](x, pt.ones((3, 5, 2), x.dtype))],
    "svd": OPERATORS["svd"],
    "svd_tall": OPERATORS["svd_tall"],
}


def three_matrices() -> Array:
    x = np.random.default_rng(3).standard_normal((3, 5, 5))
    return x @ np.swapaxes(x, -1, -2) + 5 * np.eye(5)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_that_is_not_finite_spoils_itself_alone(name: str, number: float) -> None:
    """It never gives numbers that look right, and the matrices beside it keep their bits."""
    clean = three_matrices()
    for at in ((0, 0), (2, 2), (4, 1)):
        x = clean.copy()
        x[(1, *at)] = x[(1, *at[::-1])] = number
        for dtype in ("float32", "float64"):
            got = [to_array(y) for y in MATRICES[name](pt.asarray(x.astype(dtype)))]
            want = [to_array(y) for y in MATRICES[name](pt.asarray(clean.astype(dtype)))]
            for one, other in zip(got, want, strict=True):
                assert same_bits(one[::2], other[::2]), f"{name} beside a matrix with {number} at {at}"
            if name in ("eigh", "qr", "svd", "svd_tall") or np.isnan(number):
                assert any(np.isnan(one[1]).any() for one in got), f"{name} of a matrix with {number} at {at}"


@pytest.mark.parametrize("exponent", [600, -600, 1000, -1000])
@pytest.mark.parametrize("name", ["eigh", "qr", "svd", "svd_tall", "cholesky"])
def test_matrices_of_huge_and_tiny_numbers(name: str, exponent: int) -> None:
    """Powers of two change nothing else: squares on the way neither overflow nor vanish."""
    x = three_matrices()
    # Which results grow with the matrix; the factor of Cholesky by the root.
    grows = {"eigh": (1, 0), "qr": (0, 1), "svd": (0, 1, 0), "svd_tall": (0, 1, 0), "cholesky": (0.5,)}[name]
    want = [to_array(y) for y in MATRICES[name](pt.asarray(x))]
    got = [to_array(y) for y in MATRICES[name](pt.asarray(np.ldexp(x, exponent)))]
    for one, other, power in zip(got, want, grows, strict=True):
        assert same_bits(np.ldexp(one, -int(power * exponent)), other), f"{name} of numbers near 2^{exponent}"
