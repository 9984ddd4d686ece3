"""What depends on the values of a tensor for its shape: only eagerly, since a compiled step knows shapes beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from powertrain import _core
from powertrain.functional import OPERATORS

if TYPE_CHECKING:
    from numpy.typing import NDArray


class UniqueAll(NamedTuple):
    values: _core.Tensor
    indices: _core.Tensor
    inverse_indices: _core.Tensor
    counts: _core.Tensor


class UniqueCounts(NamedTuple):
    values: _core.Tensor
    counts: _core.Tensor


class UniqueInverse(NamedTuple):
    values: _core.Tensor
    inverse_indices: _core.Tensor


def _known(x: Any, op: str) -> tuple[_core.Tensor, NDArray[Any]]:
    tensor = _core.asarray(x)
    if tensor.symbolic:
        raise _core.TraceError(
            f"[{op}] received a tensor whose values are known only when the compiled step runs; expected one with "
            "values, for they decide the shape of the result; call it outside the step"
        )
    wide = OPERATORS["cast"](tensor, "float32") if tensor.dtype == _core.DType.bfloat16 else tensor
    return tensor, wide.numpy()


def nonzero(x: Any) -> tuple[_core.Tensor, ...]:
    """Where x is not 0: one int64 tensor of positions per axis, in row-major order.

    Shapes    x [n_0, n_1, ...] -> as many times [k] as x has axes
    Errors    a scalar; a tensor of a compiled step
    Example
        >>> import powertrain as pt
        >>> [t.numpy().tolist() for t in pt.nonzero(pt.tensor([0, 3, 4]))]
        [[1, 2]]
    """
    import numpy as np

    tensor, array = _known(x, "nonzero")
    if tensor.ndim == 0:
        raise _core.ShapeError("[nonzero] x is a scalar; expected at least one axis; use not_equal")
    return tuple(_core.tensor(places.astype("int64")) for places in np.nonzero(array))


def unique_all(x: Any) -> UniqueAll:
    """The distinct values in order, where each is first, which of them each element is, and how often each occurs.

    Shapes    x [...] -> [k], int64 [k], int64 [...], int64 [k]
    Numerics  every NaN is a value of its own; -0.0 and 0.0 are one
    Errors    a tensor of a compiled step
    Example
        >>> import powertrain as pt
        >>> [t.numpy().tolist() for t in pt.unique_all(pt.tensor([2, 1, 2]))]
        [[1, 2], [1, 0], [1, 0, 1], [1, 2]]
    """
    import numpy as np

    tensor, array = _known(x, "unique")
    values, first, inverse, counts = np.unique(array, True, True, True, equal_nan=False)
    return UniqueAll(
        _core.tensor(values, tensor.dtype),
        _core.tensor(first.astype("int64")),
        _core.tensor(inverse.reshape(array.shape).astype("int64")),
        _core.tensor(counts.astype("int64")),
    )


def unique_values(x: Any) -> _core.Tensor:
    """The distinct values of x in order: see unique_all."""
    return unique_all(x).values


def unique_counts(x: Any) -> UniqueCounts:
    """The distinct values of x in order and how often each occurs: see unique_all."""
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: Any) -> UniqueInverse:
    """The distinct values of x in order and which of them each element is: see unique_all."""
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)
