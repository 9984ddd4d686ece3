"""Cases of avg_pool2d_backward(g); the reference multiplies with the averages of unit images."""

from typing import Any

import numpy as np

from images import pair
from kit import Array, Case, normal
from windows import average


def reference(g: Array, image: Any, **settings: Any) -> Array:
    """Linear, so that the average of each image of a single one says where its gradient comes from."""
    rows, columns = pair(image)
    units = np.eye(rows * columns).reshape(-1, rows, columns, 1)
    shares = average(2, units, **settings)
    shares, g = shares[None], g[:, None]
    return np.where(shares == 0, 0.0, shares * g).sum((2, 3)).reshape(g.shape[0], rows, columns, -1)


def magnitude(g: Array, **rest: Any) -> Array:
    return reference(np.abs(g), **rest)


CASES = [
    Case(normal((2, 3, 3, 3)), kernel_size=2, image=(6, 6)),
    Case(normal((2, 3, 3, 17)), kernel_size=2, image=(7, 7)),
    Case(normal((1, 4, 4, 2)), kernel_size=3, stride=2, padding=1, image=(7, 7)),
    Case(normal((1, 4, 4, 2)), kernel_size=3, stride=2, padding=1, count_include_pad=False, image=(7, 7)),
    Case(normal((1, 3, 3, 5)), kernel_size=3, stride=1, image=(5, 5)),
    Case(normal((1, 4, 4, 2)), kernel_size=3, stride=2, padding=1, ceil_mode=True, image=(6, 7)),
    Case(
        normal((1, 4, 4, 2)), kernel_size=3, stride=2, padding=1, count_include_pad=False, ceil_mode=True, image=(6, 7)
    ),
]
BENCH = [Case(normal((64, 14, 14, 32)), kernel_size=2, image=(28, 28))]
