"""The digits with wrong labels of which it is known where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_digits


def planted(noise: float) -> tuple[Any, Any, Any]:
    """Pixels from 0 to 1, labels of which a share is wrong, and the rows that have a wrong one."""
    x, y = load_digits(return_X_y=True)
    rng = np.random.Generator(np.random.Philox(key=1))
    bad = rng.permutation(len(y))[: round(noise * len(y))]
    given = y.copy()
    given[bad] = (y[bad] + rng.integers(1, 10, len(bad))) % 10
    return x / 16, given, bad
