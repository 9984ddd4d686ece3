"""The columns that stand for pictures."""

from __future__ import annotations

import numpy as np
import pytest

from powertrain.monitor.columns import TOGETHER, of_inputs

WIDTH = 300


@pytest.mark.parametrize("count", [0, 1, TOGETHER // WIDTH, TOGETHER // WIDTH + 1, 200])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_statistics_are_those_of_all_rows_at_once(count: int, dtype: str) -> None:
    x = np.random.default_rng(0).uniform(0, 200, (count, 3, WIDTH // 3)).astype(dtype)
    found, wide = of_inputs(x), x.reshape(count, WIDTH).astype(np.float64)
    assert list(found) == ["x mean", "x deviation", "x smallest", "x largest"]
    for column, wanted in zip(found.values(), (wide.mean(1), wide.std(1), wide.min(1), wide.max(1)), strict=True):
        np.testing.assert_array_equal(column, wanted)


def test_an_example_may_be_wider_than_what_is_computed_at_once() -> None:
    x = np.random.default_rng(0).normal(size=(3, 2 * TOGETHER + 1))
    assert of_inputs(x)["x deviation"].tolist() == x.std(axis=1).tolist()
