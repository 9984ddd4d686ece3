"""What PyTorch does with matrices: factorisations, solves and what is made of them, of complex numbers too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import powertrain as pt
from conformance.adapter import COMPLEX, call_of, offered
from powertrain.ops.creation import broadcast_shapes


def call_of_matrices(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    COMPLEX.update(names)
    return call_of(*names)


@call_of_matrices("cholesky", "linalg.cholesky")
def cholesky(input: Any, upper: bool = False) -> Any:
    return pt.linalg.cholesky(input, upper=upper)


@call_of_matrices("linalg.inv")
def inv(A: Any) -> Any:  # noqa: N803
    return pt.linalg.inv(A)


@call_of_matrices("linalg.det")
def det(A: Any) -> Any:  # noqa: N803
    return pt.linalg.det(A)


@call_of_matrices("linalg.slogdet")
def slogdet(A: Any) -> Any:  # noqa: N803
    return tuple(pt.linalg.slogdet(A))


@call_of_matrices("linalg.solve")
def solve(A: Any, B: Any, *, left: bool = True) -> Any:  # noqa: N803
    offered(left, "left=False")
    if B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]:  # a vector for each matrix
        return pt.squeeze(pt.linalg.solve(A, pt.expand_dims(B, -1)), -1)
    return pt.linalg.solve(A, B)


@call_of_matrices("linalg.solve_triangular")
def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:  # noqa: N803
    # x a = b is a^T x^T = b^T.
    b = B if left else B.mT
    lead = broadcast_shapes(A.shape[:-2], b.shape[:-2])
    a, b = (pt.broadcast_to(one, (*lead, *one.shape[-2:])) for one in (A, b))
    x = pt.linalg.solve_triangular(a, b, upper=upper, transposed=not left, unitriangular=unitriangular)
    return x if left else x.mT


@call_of_matrices("linalg.qr")
def qr(A: Any, mode: str = "reduced") -> Any:  # noqa: N803
    offered(mode == "reduced", f"mode={mode!r}")
    offered(A.shape[-2] >= A.shape[-1], "gradients of more columns than rows")
    return tuple(pt.linalg.qr(A))


@call_of_matrices("linalg.svdvals")
def svdvals(A: Any) -> Any:  # noqa: N803
    return pt.linalg.svdvals(A)


@call_of_matrices("linalg.pinv", "pinverse")
def pinv(A: Any, *, rtol: Any = None, hermitian: bool = False) -> Any:  # noqa: N803
    offered(not hermitian, "hermitian")
    return pt.linalg.pinv(A, rtol=rtol)


@call_of_matrices("linalg.matrix_rank")
def matrix_rank(A: Any, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Any:  # noqa: N803
    offered(atol is None, "atol")
    offered(not hermitian, "hermitian")
    return pt.linalg.matrix_rank(A, rtol=rtol)


@call_of_matrices("linalg.matrix_power")
def matrix_power(A: Any, n: int) -> Any:  # noqa: N803
    return pt.linalg.matrix_power(A, n)


@call_of_matrices("linalg.matrix_norm")
def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Any:  # noqa: N803
    return pt.linalg.norm(A, ord, tuple(dim), keepdim)


@call_of_matrices("linalg.cond")
def cond(A: Any, p: Any = None) -> Any:  # noqa: N803
    return pt.linalg.cond(A, p)


@call_of_matrices("linalg.multi_dot")
def multi_dot(tensors: Any) -> Any:
    return pt.linalg.multi_dot(tensors)


@call_of_matrices("matrix_exp")
def matrix_exp(A: Any) -> Any:  # noqa: N803
    return pt.linalg.matrix_exp(A)
