"""Cases of gru; the reference is PyTorch's definition, step by step in NumPy."""

import numpy as np
from scipy.special import expit

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, h0: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> tuple[Array, Array]:
    h, states = h0, []
    for t in range(x.shape[1]):
        a, b = np.split(x[:, t] @ w_ih + b_ih, 3, -1), np.split(h @ w_hh + b_hh, 3, -1)
        reset, kept = expit(a[0] + b[0]), expit(a[1] + b[1])
        h = (1 - kept) * np.tanh(a[2] + reset * b[2]) + kept * h
        states.append(h)
    return np.stack(states, 1), h


def magnitude(x: Array, h0: Array, *rest: Array) -> tuple[Array, Array]:
    y, h = reference(x, h0, *rest)
    return np.full(y.shape, 8.0), np.full(h.shape, 8.0)


def layer(batch: int, steps: int, inputs: int, width: int) -> Case:
    sizes = ((batch, width), (inputs, 3 * width), (width, 3 * width), (3 * width,), (3 * width,))
    return Case(normal((batch, steps, inputs)), *[normal(size, 0.5) for size in sizes])


K = 8
CASES = [layer(2, 1, 3, 4), layer(3, 5, 2, 3)]
ERRORS = [
    (
        Case(normal((1, 2, 3)), *[normal(s) for s in ((1, 2), (3, 6), (2, 5), (6,), (6,))]),
        pt.ShapeError,
        "[gru] x is f32[1, 2, 3], h0 is f32[1, 2], w_ih is f32[3, 6], w_hh is f32[2, 5], b_ih is f32[6], b_hh is f32[6]; expected [b, t, i], [b, h], [i, 3 h], [h, 3 h], [3 h], [3 h] with t above 0; check the weights' orientation",
    ),
]
MUTANTS = [("spec.cpp", "reset * gate(recurrent, 2)", "gate(recurrent, 2)")]
BENCH = [layer(16, 32, 64, 128)]
