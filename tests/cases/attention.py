"""Cases of attention; the reference is softmax(scale q k^T) v and the log of the sum of exponentials, in NumPy."""

import numpy as np
from scipy.special import logsumexp

from kit import Array, Case, normal


def scores(q: Array, k: Array, is_causal: bool, scale: float | None) -> Array:
    s = np.einsum("bthd,bshd->bhts", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        s = np.where(np.triu(np.ones(s.shape[-2:], bool), 1 + s.shape[-1] - s.shape[-2]), -np.inf, s)
    return s


def reference(q: Array, k: Array, v: Array, is_causal: bool = False, scale: float | None = None) -> tuple[Array, Array]:
    s = scores(q, k, is_causal, scale)
    total = np.asarray(logsumexp(s, axis=-1))
    return np.einsum("bhts,bshd->bthd", np.exp(s - total[..., None]), v), total


def magnitude(q: Array, k: Array, v: Array, is_causal: bool = False, scale: float | None = None) -> tuple[Array, Array]:
    y, total = reference(q, k, np.abs(v), is_causal, scale)
    return y + 2.0**-6, np.abs(total) + 1.0


def case(batch: int, time: int, heads: int, width: int, **rest: bool | float) -> Case:
    return Case(*[normal((batch, time, heads, width)) for _ in range(3)], **rest)


K = 16
CASES = [
    case(2, 5, 2, 8),
    case(2, 9, 3, 16, is_causal=True),
    case(1, 17, 2, 32, scale=0.3),
    case(1, 65, 1, 8, is_causal=True),
    case(1, 130, 1, 8),
]
BENCH = [case(12, 64, 4, 32, is_causal=True)]
