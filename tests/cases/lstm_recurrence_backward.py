"""Cases of lstm_recurrence_backward(w_hh, c0, c, gates, dh, dc); the reference is back-propagation through time.

It reads the saved cell states and gates, which a case draws as it likes: the rule holds for any.
"""

import numpy as np

from kit import Array, Case, normal, uniform


def reference(w_hh: Array, c0: Array, c: Array, gates: Array, dh: Array, dc: Array) -> tuple[Array, Array, Array]:
    dxw = np.empty_like(gates)
    hidden, cell = np.zeros_like(c0), np.zeros_like(c0)
    for step in reversed(range(gates.shape[1])):
        i, f, g, o = np.split(gates[:, step], 4, axis=-1)
        squashed = np.tanh(c[:, step])
        hidden = hidden + dh[:, step]
        cell = cell + dc[:, step] + hidden * o * (1 - squashed**2)
        before = c[:, step - 1] if step else c0
        parts = [cell * g * i * (1 - i), cell * before * f * (1 - f), cell * i * (1 - g**2)]
        dxw[:, step] = np.concatenate([*parts, hidden * squashed * o * (1 - o)], -1)
        hidden = dxw[:, step] @ w_hh.T
        cell = cell * f
    return dxw, hidden, cell


def magnitude(*args: Array) -> tuple[Array, ...]:
    # Slopes are at most 1; what is passed back over the steps stays of the size of dh and dc.
    size = np.abs(args[4]).max(initial=0.0) + np.abs(args[5]).max(initial=0.0) + 1.0
    return tuple(np.abs(y) + size for y in reference(*args))


def case(batch: int, steps: int, hidden: int) -> Case:
    states, gates, state = (batch, steps, hidden), (batch, steps, 4 * hidden), (batch, hidden)
    weights = normal((hidden, 4 * hidden), 0.3)
    return Case(weights, normal(state), normal(states), uniform(gates, 0.1, 0.9), normal(states), normal(states))


K = 32
DTYPES = ("float32", "float64")  # the state is kept over all steps
CASES = [case(2, 3, 5), case(1, 1, 1), case(3, 7, 17), case(13, 2, 16), case(0, 2, 3)]
BENCH = [case(32, 64, 256)]
