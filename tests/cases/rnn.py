"""Cases of rnn; the reference is its definition, step by step in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(
    x: Array, h0: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array, nonlinearity: str = "tanh"
) -> tuple[Array, Array]:
    h, states = h0, []
    for t in range(x.shape[1]):
        s = x[:, t] @ w_ih + b_ih + h @ w_hh + b_hh
        h = np.tanh(s) if nonlinearity == "tanh" else np.maximum(s, 0)
        states.append(h)
    return np.stack(states, 1), h


def magnitude(x: Array, h0: Array, *rest: Array, nonlinearity: str = "tanh") -> tuple[Array, Array]:
    y, h = reference(x, h0, *rest, nonlinearity=nonlinearity)
    return np.full(y.shape, 8.0 + np.abs(y).max()), np.full(h.shape, 8.0 + np.abs(y).max())


def layer(batch: int, steps: int, inputs: int, width: int, **rest: str) -> Case:
    sizes = ((batch, width), (inputs, width), (width, width), (width,), (width,))
    return Case(normal((batch, steps, inputs)), *[normal(size, 0.5) for size in sizes], **rest)


K = 8
CASES = [layer(2, 1, 3, 4), layer(3, 5, 2, 3), layer(2, 4, 3, 3, nonlinearity="relu")]
ERRORS = [
    (
        Case(normal((1, 2, 3)), *[normal(s) for s in ((1, 2), (3, 2), (2, 3), (2,), (2,))]),
        pt.ShapeError,
        "[rnn] x is f32[1, 2, 3], h0 is f32[1, 2], w_ih is f32[3, 2], w_hh is f32[2, 3], b_ih is f32[2], b_hh is f32[2]; expected [b, t, i], [b, h], [i, 1 h], [h, 1 h], [1 h], [1 h] with t above 0; check the weights' orientation",
    ),
]
MUTANTS = [("spec.cpp", "input + recurrent", "input")]
BENCH = [layer(16, 32, 64, 128)]
