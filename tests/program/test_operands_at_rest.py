"""Operands that rest for all rows of an example are read once for several tiles: with the bits of calls alone."""

from __future__ import annotations

import numpy as np
import pytest

import powertrain as pt

RNG = np.random.default_rng(7)


def tensor(*shape: int, dtype: str = "float32") -> pt.Tensor:
    return pt.tensor(RNG.normal(size=shape).astype(dtype))


# Rows of an example that tiles divide and do not, few and many; the first and the last chunk begin within one.
SHAPES = (
    (5, 512, 8),
    (3, 1031, 5),
    (7, 300, 16),
    (2, 4099, 3),
    (9, 64, 64),
    (4, 129, 33),
    (33, 1000, 10),
    (3, 2, 700, 7),
)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_bits_are_those_of_calls_alone(shape: tuple[int, ...], dtype: str) -> None:
    def call(x: pt.Tensor, scale: pt.Tensor, shift: pt.Tensor, wider: pt.Tensor, all_rows: pt.Tensor) -> pt.Tensor:
        return (pt.tanh(x * scale) + shift) * wider - all_rows

    ones = (1,) * (len(shape) - 2)
    of_example, of_all = (*shape[:-2], 1, shape[-1]), (*ones, 1, shape[-1])
    given = [
        pt.astype(tensor(*one), dtype) for one in (shape, of_example, of_example, (shape[0], *ones, shape[-1]), of_all)
    ]
    apart = pt.astype(pt.compile(call, fuse=False)(*given), "float64").numpy()
    assert np.isfinite(apart).all()
    for threads in (1, 2, 4, 7):
        pt.set_threads(threads)
        assert (pt.astype(pt.compile(call)(*given), "float64").numpy() == apart).all(), threads
