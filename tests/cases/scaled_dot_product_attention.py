"""Cases of scaled_dot_product_attention; the reference is Vaswani et al. 2017, equation 1, in NumPy; [B, T, H, D]."""

import numpy as np
from scipy.special import softmax

import powertrain as pt
from kit import Array, Case, normal


def weights(q: Array, k: Array, is_causal: bool, scale: float | None) -> Array:
    scores = np.einsum("bthd,bshd->bhts", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        hidden = np.triu(np.ones(scores.shape[-2:], bool), 1 + scores.shape[-1] - scores.shape[-2])
        scores = np.where(hidden, -np.inf, scores)
    nothing = np.all(scores == -np.inf, -1, keepdims=True)  # to look at, which gives 0
    return np.where(nothing, 0.0, softmax(scores, -1)) if scores.size else scores


def reference(q: Array, k: Array, v: Array, is_causal: bool = False, scale: float | None = None) -> Array:
    return np.einsum("bhts,bshd->bthd", weights(q, k, is_causal, scale), v)


def magnitude(q: Array, k: Array, v: Array, is_causal: bool = False, scale: float | None = None) -> Array:
    return np.einsum("bhts,bshd->bthd", weights(q, k, is_causal, scale), np.abs(v)) + 2.0**-6


def case(batch: int, time: int, heads: int, width: int, **rest: bool | float) -> Case:
    return Case(*[normal((batch, time, heads, width)) for _ in range(3)], **rest)


K = 16
CASES = [
    case(2, 5, 2, 8),
    case(1, 1, 1, 4).no_gradient(),  # of q and k it is 0, and what is left is rounding
    case(2, 9, 3, 16, is_causal=True),
    case(1, 17, 2, 32, scale=0.3),
    case(1, 63, 1, 8, is_causal=True),
    case(1, 64, 1, 8, is_causal=True),
    case(1, 65, 1, 8, is_causal=True),
    case(1, 130, 1, 8),
    case(1, 130, 1, 8, is_causal=True),
    case(0, 5, 2, 8),
    Case(normal((1, 3, 2, 8)), normal((1, 70, 2, 8)), normal((1, 70, 2, 8))),
]
ERRORS = [
    (
        Case(normal((1, 4, 2, 8)), normal((1, 4, 2, 8)), normal((1, 4, 2, 7))),
        pt.ShapeError,
        "[scaled_dot_product_attention] query is f32[1, 4, 2, 8], key is f32[1, 4, 2, 8], value is f32[1, 4, 2, 7]; expected [batch, time, heads, size] each, one batch and size, key and value alike, and their heads to divide query's; transpose or repeat one",
    ),
    (
        Case(normal((4, 2, 8)), normal((4, 2, 8)), normal((4, 2, 8))),
        pt.ShapeError,
        "[scaled_dot_product_attention] query is f32[4, 2, 8], key is f32[4, 2, 8], value is f32[4, 2, 8]; expected [batch, time, heads, size] each, one batch and size, key and value alike, and their heads to divide query's; transpose or repeat one",
    ),
    (
        Case(normal((1, 4, 3, 8)), normal((1, 4, 2, 8)), normal((1, 4, 2, 8))),
        pt.ShapeError,
        "[scaled_dot_product_attention] query is f32[1, 4, 3, 8], key is f32[1, 4, 2, 8], value is f32[1, 4, 2, 8]; expected [batch, time, heads, size] each, one batch and size, key and value alike, and their heads to divide query's; transpose or repeat one",
    ),
]
BENCH = [case(12, 64, 4, 32, is_causal=True), case(4, 64, 12, 64, is_causal=True), case(32, 65, 3, 64)]
