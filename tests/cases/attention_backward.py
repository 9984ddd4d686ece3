"""Cases of attention_backward(q, k, v, out, lse, g); the reference is Dao 2022, algorithm 4, in NumPy."""

import numpy as np

from cases.attention import scores
from kit import Array, Case, normal


def reference(
    q: Array, k: Array, v: Array, out: Array, lse: Array, g: Array, causal: bool = False, scale: float | None = None
) -> tuple[Array, Array, Array]:
    size = q.shape[-1] ** -0.5 if scale is None else scale
    p = np.exp(scores(q, k, causal, scale) - lse[..., None])
    rows = np.einsum("bthd,bthd->bht", out, g)[..., None]
    ds = p * (np.einsum("bthd,bshd->bhts", g, v) - rows) * size
    return (
        np.einsum("bhts,bshd->bthd", ds, k),
        np.einsum("bhts,bthd->bshd", ds, q),
        np.einsum("bhts,bthd->bshd", p, g),
    )


def magnitude(
    q: Array, k: Array, v: Array, out: Array, lse: Array, g: Array, causal: bool = False, scale: float | None = None
) -> tuple[Array, Array, Array]:
    p = np.exp(scores(q, k, causal, scale) - lse[..., None])
    rows = np.einsum("bthd,bthd->bht", np.abs(out), np.abs(g))[..., None]
    ds = p * (np.einsum("bthd,bshd->bhts", np.abs(g), np.abs(v)) + rows)
    return (
        np.einsum("bhts,bshd->bthd", ds, np.abs(k)) + 2.0**-6,
        np.einsum("bhts,bthd->bshd", ds, np.abs(q)) + 2.0**-6,
        np.einsum("bhts,bthd->bshd", p, np.abs(g)) + 2.0**-6,
    )


def case(batch: int, time: int, heads: int, width: int, **rest: bool | float) -> Case:
    shape = (batch, time, heads, width)
    # A log-sum-exp near that of such scores, so that the weights are near 1 / time.
    lse = normal((batch, heads, time), 0.1, float(np.log(time)) + 0.5)
    return Case(normal(shape), normal(shape), normal(shape), normal(shape), lse, normal(shape), **rest)


K = 16
SECOND = False
CASES = [
    case(2, 5, 2, 8),
    case(2, 9, 3, 16, causal=True),
    case(1, 65, 1, 8, causal=True),
    case(1, 130, 1, 8, scale=0.3),
]
BENCH = [case(12, 64, 4, 32, causal=True)]
