"""Ops that are not elementwise where some of their elements are NaN, infinite or equal: against the same references
(extremes.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from calls import SPECS, Variables, call, check_outputs, first_dtype, outputs, to_array
from extremes import CHANGES, FILES, STRUCTURED, UNLIKE, extreme_cases, extreme_reference
from kit import Array
from oracles import same_bits
from powertrain.ops.functional import OPERATORS


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", STRUCTURED)
def test_extremes(name: str, kind: str) -> None:
    dtype = first_dtype(FILES[name])
    for other, case, said in extreme_cases(name, kind, dtype):
        if not said:
            continue
        where = f"{name} {other}, {kind}"
        want, mag = extreme_reference(name, kind, other, case, dtype)
        check_outputs(FILES[name], call(name, other, dtype), want, mag, where)
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
