"""Cases of ctc_rows_backward; the reference gives each path its share of the probability, one by one."""

import numpy as np

from cases.ctc_rows import paths
from kit import Array, Case, integers, normal, values


def reference(log_probs: Array, labels: Array, steps: Array, lengths: Array, g: Array, blank: int = 0) -> Array:
    found = np.zeros(log_probs.shape)
    for n, (row, said, t, s) in enumerate(zip(log_probs, labels, steps, lengths, strict=True)):
        ways = list(paths(row[:t], [int(label) for label in said[:s]], blank)) if t and g[n] else []
        whole = np.logaddexp.reduce([p for _, p in ways]) if ways else 0.0
        for path, p in ways:
            found[n, range(t), path] -= g[n] * np.exp(p - whole)
    return found


def magnitude(log_probs: Array, labels: Array, steps: Array, lengths: Array, g: Array, blank: int = 0) -> Array:
    return np.broadcast_to(np.abs(g)[:, None, None], log_probs.shape)


K = 16
DTYPES = ("float32", "float64")
CASES = [
    Case(normal((4, 5, 3)), values([[1, 2, 0], [1, 1, 0], [2, 0, 0], [1, 2, 1]], "int64"), values([5, 3, 4, 0], "int64"),
         values([2, 2, 1, 0], "int64"), normal((4,))),
    Case(normal((2, 4, 3)), values([[0, 1], [1, 1]], "int64"), values([4, 2], "int64"), values([2, 2], "int64"),
         values([0.5, 0.0]), blank=2),
]  # fmt: skip
BENCH = [
    Case(normal((16, 200, 32)), integers((16, 40), 1, 32, "int64"), integers((16,), 150, 200, "int64"),
         integers((16,), 20, 40, "int64"), normal((16,))),
]  # fmt: skip
