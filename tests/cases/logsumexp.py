"""Cases of logsumexp; the reference is scipy.special.logsumexp."""

import numpy as np
from scipy.special import logsumexp

import powertrain as pt
from kit import Array, Case, normal, reductions, values


def reference(x: Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Array:
    if not x.size:
        return np.log(np.sum(x, axis=axis, keepdims=keepdims))
    return np.asarray(logsumexp(x, axis=axis, keepdims=keepdims))


def magnitude(x: Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Array:
    # The largest element plus the logarithm of a sum between 1 and n.
    return np.max(np.abs(x), axis=axis, keepdims=keepdims, initial=0.0) + 1.0


CASES = [
    *reductions(normal),
    Case(normal((3, 40), 1.0, 1000.0), axis=1).no_gradient(),
    Case(values([[-np.inf, -np.inf], [np.inf, 0.0], [-np.inf, 1.0], [np.nan, 0.0]]), axis=1).no_gradient(),
]
ERRORS = [
    (
        Case(normal((2, 3)), axis=4),
        pt.IndexError,
        "[logsumexp] axis = 4 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
BENCH = [Case(normal((2048, 1024)), axis=1)]
