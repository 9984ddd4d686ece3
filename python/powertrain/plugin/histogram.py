"""How numbers are distributed, as callbacks and trained runs give it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Histogram:
    """How many numbers of a sample lie between each edge and the next.

    `edges` rise, and are one more than `counts`; `not_finite` counts NaN and infinity, which lie nowhere.

    Example
        >>> from powertrain.plugin import Histogram
        >>> Histogram(np.array([0.0, 0.5, 1.0]), np.array([3, 1])).counts.sum()
        np.int64(4)
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    not_finite: int = 0
