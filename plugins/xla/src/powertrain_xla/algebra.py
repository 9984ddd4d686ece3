"""Products, factorisations and transforms. What the engine computes in float64 and rounds once is so here too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax

from powertrain_xla.elementwise import NARROW


def matmul(call: Any, a: Any, b: Any) -> Any:
    # Operands of 16 bits stay so, for the devices that multiply them faster; their sums are float32's.
    sums = jnp.float32 if a.dtype in NARROW else a.dtype
    product = jnp.matmul(a, b, precision=lax.Precision.HIGHEST, preferred_element_type=sums)
    return product.astype(call.dtype)


def in_doubles(function: Callable[..., Any]) -> Callable[..., Any]:
    """A rule whose results are rounded to the dtypes that they have to have."""

    def rule(call: Any, *operands: Any) -> Any:
        made = function(call, *(x.astype(jnp.float64) for x in operands))
        several = made if isinstance(made, tuple) else (made,)
        rounded = tuple(x.astype(value.dtype) for x, value in zip(several, call.results, strict=True))
        return rounded if isinstance(made, tuple) else rounded[0]

    return rule


def transposed(x: Any) -> Any:
    return jnp.swapaxes(x, -1, -2)


def symmetric(x: Any) -> Any:
    return (x + transposed(x)) / 2


def cholesky(call: Any, x: Any) -> Any:
    lower = jnp.linalg.cholesky(symmetric(x))
    return transposed(lower) if call["upper"] else lower


def signs(vectors: Any) -> Any:
    """By which columns are multiplied, so that the first of the largest components of each is positive."""
    at = jnp.argmax(jnp.abs(vectors), axis=-2, keepdims=True)
    return jnp.where(jnp.take_along_axis(vectors, at, axis=-2) < 0, -1.0, 1.0)


def eigh(call: Any, x: Any) -> Any:
    values, vectors = jnp.linalg.eigh(symmetric(x))
    return values, vectors * signs(vectors)


def svd_tall(call: Any, x: Any) -> Any:
    u, s, rows = jnp.linalg.svd(x, full_matrices=False)
    v = transposed(rows)
    turn = signs(v)
    return u * turn, s, transposed(v * turn)


def lu(call: Any, x: Any) -> Any:
    factors, pivots, order = lax.linalg.lu(x)
    exchanged = jnp.sum(pivots != jnp.arange(x.shape[-1], dtype=pivots.dtype), axis=-1)
    return factors, order, jnp.where(exchanged % 2 == 1, -1.0, 1.0)


def qr(call: Any, x: Any) -> Any:
    q, r = jnp.linalg.qr(x)
    return q, r


def solve_triangular(call: Any, a: Any, b: Any) -> Any:
    return lax.linalg.triangular_solve(
        a,
        b,
        left_side=True,
        lower=not call["upper"],
        transpose_a=call["transposed"],
        unit_diagonal=call["unitriangular"],
    )


def eigenbasis(call: Any, x: Any, basis: Any, due: Any) -> Any:
    """The basis as it is, of eigenvectors by falling eigenvalue, or after one step of orthogonal iteration."""
    x, basis = x.astype(jnp.float64), basis.astype(jnp.float64)
    columns = jnp.broadcast_to(jnp.arange(x.shape[-1], dtype=jnp.int64), call.results[1].shape)

    def followed() -> Any:
        moved = x @ basis
        order = jnp.argsort(jnp.sum(basis * moved, axis=-2), axis=-1, stable=True, descending=True).astype(jnp.int64)
        return jnp.linalg.qr(jnp.take_along_axis(moved, order[..., None, :], axis=-1))[0], order

    branches = [
        lambda: (basis, columns),
        lambda: (jnp.flip(eigh(call, x)[1], axis=-1), columns),
        followed,
    ]
    made, order = lax.switch(due, branches)
    return made.astype(call.dtype), order


def parts(x: Any) -> Any:
    return jnp.stack([x.real, x.imag], axis=-1)


def dft(call: Any, x: Any) -> Any:
    whole = jnp.issubdtype(x.dtype, jnp.complexfloating)
    wide = x.astype(jnp.complex128) if whole else lax.complex(*(x[..., i].astype(jnp.float64) for i in (0, 1)))
    made = jnp.fft.ifft(wide) * wide.shape[-1] if call["inverse"] else jnp.fft.fft(wide)
    return (made if whole else parts(made)).astype(call.dtype)


def real_dft(call: Any, x: Any) -> Any:
    return parts(jnp.fft.rfft(x) * call["scale"])


def real_dft_inverse(call: Any, x: Any) -> Any:
    n = call["n"]
    return jnp.fft.irfft(lax.complex(x[..., 0], x[..., 1]), n) * (n * call["scale"])


RULES: dict[str, Callable[..., Any]] = {
    "cholesky": in_doubles(cholesky),
    "dft": dft,
    "eigenbasis": eigenbasis,
    "eigh": in_doubles(eigh),
    "lu": in_doubles(lu),
    "matmul": matmul,
    "qr": in_doubles(qr),
    "real_dft": in_doubles(real_dft),
    "real_dft_inverse": in_doubles(real_dft_inverse),
    "solve_triangular": in_doubles(solve_triangular),
    "svd_tall": in_doubles(svd_tall),
}
