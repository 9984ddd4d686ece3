"""Cases of slice_scatter; the reference writes into numpy.full."""

import numpy as np

from kit import Array, Case, normal


def reference(
    x: Array, shape: tuple[int, ...], start: tuple[int, ...], step: tuple[int, ...], value: float = 0.0
) -> Array:
    y = np.full(shape, value)
    places = [a + np.arange(n) * c for a, n, c in zip(start, x.shape, step, strict=True)]
    y[np.ix_(*places)] = x
    return y


K = 0
CASES = [
    Case(normal((3,)), shape=(6,), start=(1,), step=(1,)),
    Case(normal((3,)), shape=(6,), start=(0,), step=(2,)),
    Case(normal((2,)), shape=(6,), start=(4,), step=(-2,), value=0.5),
    Case(normal((0, 3)), shape=(4, 3), start=(0, 0), step=(1, 1)),
    Case(normal((2, 17)), shape=(5, 40), start=(1, 2), step=(2, 2), value=-1.0),
]
BENCH = [Case(normal((1024, 1024)), shape=(2048, 1024), start=(0, 0), step=(2, 1))]
