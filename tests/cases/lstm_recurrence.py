"""Cases of lstm_recurrence; the reference is a loop in NumPy, gates in the order input, forget, cell, output."""

import numpy as np
from scipy.special import expit

from kit import Array, Case, normal


def reference(xw: Array, w_hh: Array, h: Array, c: Array) -> tuple[Array, Array, Array]:
    hidden, cells, gates = [], [], []
    for step in range(xw.shape[1]):
        i, f, g, o = np.split(xw[:, step] + h @ w_hh, 4, axis=-1)
        i, f, g, o = expit(i), expit(f), np.tanh(g), expit(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        hidden.append(h)
        cells.append(c)
        gates.append(np.concatenate([i, f, g, o], -1))
    return np.stack(hidden, 1), np.stack(cells, 1), np.stack(gates, 1)


def magnitude(*args: Array) -> tuple[Array, ...]:
    # Gates lie in 0..1; the error of their argument, a sum of that many products, passes through unenlarged.
    return tuple(np.abs(y) + 1.0 for y in reference(*args))


def case(batch: int, steps: int, hidden: int) -> Case:
    shapes = [(batch, steps, 4 * hidden), (hidden, 4 * hidden), (batch, hidden), (batch, hidden)]
    return Case(*[normal(shape, 0.5) for shape in shapes])


K = 32
DTYPES = ("float32", "float64")  # the state is kept over all steps
CASES = [case(2, 3, 5), case(1, 1, 1), case(3, 7, 17), case(13, 2, 16)]
BENCH = [case(32, 64, 256)]
MUTANTS = [
    ("cpu.cpp", "forget * load_state(c_before + u, n) + input * candidate", "forget * load_state(c_before + u, n)"),
    ("cpu.cpp", "t ? h + (first * d.steps + t - 1) * width : h0 + first * width", "h0 + first * width"),
    ("spec.cpp", "shifted(c.in[2], h)", "h"),
]
