"""Cases of instance_norm; the reference is that of group_norm with a group per channel."""

import powertrain as pt
from cases import group_norm
from kit import Array, Case, normal


def reference(x: Array, w: Array | None = None, b: Array | None = None, eps: float = 1e-5) -> Array:
    return group_norm.reference(x, w, b, x.shape[-1], eps)


def magnitude(x: Array, w: Array | None = None, b: Array | None = None, eps: float = 1e-5) -> Array:
    return group_norm.magnitude(x, w, b, x.shape[-1], eps)


K = 8
CASES = [Case(normal((2, 3, 4, 5)), normal((5,)), normal((5,))), Case(normal((2, 7, 3)), eps=0.1)]
ERRORS = [
    (
        Case(normal((2, 5))),
        pt.ShapeError,
        "[instance_norm] input is f32[2, 5]; expected [n, ..., channels] with an axis to average over; use layer_norm",
    ),
]
MUTANTS = [("spec.cpp", '{"num_groups", in[0].shape().back()}', '{"groups", int64_t{1}}')]
BENCH = [Case(normal((16, 32, 32, 64)))]
