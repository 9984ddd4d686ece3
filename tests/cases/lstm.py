"""Cases of lstm; the reference is a loop over the steps in NumPy, gates in the order input, forget, cell, output."""

import numpy as np
from scipy.special import expit

import powertrain as pt
from kit import Array, Case, normal


def reference(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array
) -> tuple[Array, Array, Array]:
    states = []
    for step in range(x.shape[1]):
        i, f, g, o = np.split(x[:, step] @ w_ih + b_ih + h @ w_hh + b_hh, 4, axis=-1)
        c = expit(f) * c + expit(i) * np.tanh(g)
        h = expit(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, 1), h, c


def magnitude(*args: Array) -> tuple[Array, ...]:
    # Gates lie in 0..1; the error of their argument, a sum of that many products, passes through unenlarged.
    return tuple(np.abs(y) + 1.0 for y in reference(*args))


def case(batch: int, steps: int, inputs: int, hidden: int) -> Case:
    shapes = [(batch, steps, inputs), (batch, hidden), (batch, hidden), (inputs, 4 * hidden), (hidden, 4 * hidden)]
    return Case(*[normal(shape, 0.5) for shape in shapes], normal((4 * hidden,), 0.5), normal((4 * hidden,), 0.5))


K = 32
SECOND = False
CASES = [case(2, 3, 4, 5), case(1, 1, 1, 1), case(3, 7, 2, 17), case(5, 2, 16, 16)]
ERRORS = [
    (
        Case(
            normal((2, 3, 4)),
            normal((2, 5)),
            normal((2, 5)),
            normal((4, 20)),
            normal((5, 19)),
            normal((20,)),
            normal((20,)),
        ),
        pt.ShapeError,
        "[lstm] x is f32[2, 3, 4], h0 is f32[2, 5], c0 is f32[2, 5], w_ih is f32[4, 20], w_hh is f32[5, 19], b_ih is f32[20], b_hh is f32[20]; expected [b, t, i], [b, h], [b, h], [i, 4 h], [h, 4 h], [4 h], [4 h] with t above 0; check the weights' orientation",
    ),
    (
        Case(
            normal((2, 0, 4)),
            normal((2, 5)),
            normal((2, 5)),
            normal((4, 20)),
            normal((5, 20)),
            normal((20,)),
            normal((20,)),
        ),
        pt.ShapeError,
        "[lstm] x is f32[2, 0, 4], h0 is f32[2, 5], c0 is f32[2, 5], w_ih is f32[4, 20], w_hh is f32[5, 20], b_ih is f32[20], b_hh is f32[20]; expected [b, t, i], [b, h], [b, h], [i, 4 h], [h, 4 h], [4 h], [4 h] with t above 0; check the weights' orientation",
    ),
]
BENCH = [case(32, 64, 64, 256)]
