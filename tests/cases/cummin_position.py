"""Cases of cummin_position; the reference walks numpy.minimum.accumulate and keeps the last place that equals it."""

import numpy as np

from kit import Array, Case, booleans, integers, normal, special


def reference(x: Array, axis: int = -1) -> Array:
    best = np.moveaxis(np.minimum.accumulate(x, axis), axis, -1)
    x = np.moveaxis(x, axis, -1)
    hit = (x == best) | (np.isnan(x) if x.dtype.kind == "f" else False)
    places = np.where(hit, np.arange(x.shape[-1]), -1)
    return np.moveaxis(np.maximum.accumulate(places, -1), -1, axis)


CASES = [
    *[Case(normal((n,))) for n in (0, 1, 2, 17, 33)],
    *[Case(normal((4, 3, 5)), axis=axis) for axis in (0, 1, -1)],
    Case(special()),
    *[Case(integers((3, 30), 0, 9, dtype), axis=1) for dtype in ("int32", "int64", "uint8")],
    Case(booleans((9,))),
]
BENCH = [Case(normal((2048, 1024)))]
