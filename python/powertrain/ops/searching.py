"""What depends on the values of a tensor for its shape: only eagerly, since a compiled step knows shapes beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from powertrain import _core
from powertrain.ops.axes import one_axis
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from powertrain.typing import TensorLike


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


def valued(x: TensorLike, op: str, instead: str = "call it outside the step") -> _core.Tensor:
    """x, which has values; an error of `op` in a compiled step, which says what to do instead."""
    tensor = _core.asarray(x)
    if tensor.symbolic:
        raise _core.TraceError(
            f"[{op}] received a tensor whose values are known only when the compiled step runs; expected one with "
            f"values, for they decide the shape of the result; {instead}"
        )
    return tensor


def known(x: TensorLike, op: str, instead: str = "call it outside the step") -> tuple[_core.Tensor, NDArray[Any]]:
    """x and its values: see valued."""
    tensor = valued(x, op, instead)
    wide = OPERATORS["astype"](tensor, "float32") if tensor.dtype == _core.DType.bfloat16 else tensor
    return tensor, wide.numpy()


def nonzero(x: TensorLike) -> tuple[_core.Tensor, ...]:
    """Where x is not 0: one int64 tensor of positions per axis, in row-major order.

    Shapes    x [n_0, n_1, ...] -> as many times [k] as x has axes
    Errors    a scalar; a tensor of a compiled step
    Example
        >>> import powertrain as pt
        >>> [t.numpy().tolist() for t in pt.nonzero(pt.tensor([0, 3, 4]))]
        [[1, 2]]
    """
    tensor = valued(x, "nonzero")
    if tensor.ndim == 0:
        raise _core.ShapeError("[nonzero] x is a scalar; expected at least one axis; use not_equal")
    return _core.places(tensor)


def argwhere(x: TensorLike) -> _core.Tensor:
    """Where x is not 0: the positions of each such element as a row, in row-major order.

    Shapes    x [n_0, n_1, ...] -> int64 [k, axes of x]
    Errors    a tensor of a compiled step
    Source    NumPy, argwhere
    Example
        >>> import powertrain as pt
        >>> pt.argwhere(pt.tensor([[0, 3], [4, 0]])).numpy().tolist()
        [[0, 1], [1, 0]]
    """
    tensor = valued(x, "argwhere")
    if tensor.ndim == 0:
        return _core.full((int(bool(tensor)), 0), 0, "int64")
    return OPERATORS["stack"](_core.places(tensor), 1)


def flatnonzero(x: TensorLike) -> _core.Tensor:
    """Where x is not 0: positions in row-major order.

    Shapes    x [...] -> int64 [k]
    Errors    a tensor of a compiled step
    Source    NumPy, flatnonzero
    Example
        >>> import powertrain as pt
        >>> pt.flatnonzero(pt.tensor([[0, 3], [4, 0]])).numpy().tolist()
        [1, 2]
    """
    return _core.places(OPERATORS["reshape"](valued(x, "flatnonzero"), (-1,)))[0]


def unique_all(x: TensorLike) -> UniqueAll:
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

    tensor, array = known(x, "unique")
    values, first, inverse, counts = np.unique(array, True, True, True, equal_nan=False)
    return UniqueAll(
        _core.tensor(values, tensor.dtype),
        _core.tensor(first.astype("int64")),
        _core.tensor(inverse.reshape(array.shape).astype("int64")),
        _core.tensor(counts.astype("int64")),
    )


def unique_values(x: TensorLike) -> _core.Tensor:
    """The distinct values of x in order: see unique_all.

    Example
        >>> pt.unique_values(pt.tensor([2, 1, 2])).tolist()
        [1, 2]
    """
    import numpy as np

    tensor, array = known(x, "unique")
    # With the indices the sort is stable: of -0.0 and 0.0 the first one stands for both.
    return _core.tensor(np.unique(array, return_index=True, equal_nan=False)[0], tensor.dtype)


def unique_counts(x: TensorLike) -> UniqueCounts:
    """The distinct values of x in order and how often each occurs: see unique_all.

    Example
        >>> [part.tolist() for part in pt.unique_counts(pt.tensor([2, 1, 2]))]
        [[1, 2], [1, 2]]
    """
    import numpy as np

    tensor, array = known(x, "unique")
    values, _, counts = np.unique(array, return_index=True, return_counts=True, equal_nan=False)
    return UniqueCounts(_core.tensor(values, tensor.dtype), _core.tensor(counts.astype("int64")))


def unique_inverse(x: TensorLike) -> UniqueInverse:
    """The distinct values of x in order and which of them each element is: see unique_all.

    Example
        >>> [part.tolist() for part in pt.unique_inverse(pt.tensor([2, 1, 2]))]
        [[1, 2], [1, 0, 1]]
    """
    import numpy as np

    tensor, array = known(x, "unique")
    values, _, inverse = np.unique(array, return_index=True, return_inverse=True, equal_nan=False)
    return UniqueInverse(_core.tensor(values, tensor.dtype), _core.tensor(inverse.reshape(array.shape).astype("int64")))


@overload
def unique_consecutive(
    x: TensorLike,
    return_inverse: Literal[False] = False,
    return_counts: Literal[False] = False,
    axis: int | None = None,
) -> _core.Tensor: ...
@overload
def unique_consecutive(
    x: TensorLike, return_inverse: bool = False, return_counts: bool = False, axis: int | None = None
) -> _core.Tensor | tuple[_core.Tensor, ...]: ...
def unique_consecutive(
    x: TensorLike, return_inverse: bool = False, return_counts: bool = False, axis: int | None = None
) -> _core.Tensor | tuple[_core.Tensor, ...]:
    """x without elements that equal the one before; of slices along an axis, if it is given.

    Shapes    x [...] -> [k], then as asked int64 [...], in which run each element is, and int64 [k], how long each is
    Dtypes    all
    Errors    an axis that x does not have; a tensor of a compiled step
    Grad      x; to the first of equal elements
    Numerics  every NaN is a value of its own
    Source    PyTorch, unique_consecutive
    Example
        >>> import powertrain as pt
        >>> [t.numpy().tolist() for t in pt.unique_consecutive([1, 1, 2, 1], return_counts=True)]
        [[1, 2, 1], [2, 1, 1]]
    """
    import numpy as np

    tensor, array = known(x, "unique_consecutive")
    if axis is None:
        along, row, shape = 0, OPERATORS["reshape"](tensor, (-1,)), array.shape
        array = array.reshape(-1)
    else:
        along, row = one_axis(tensor, axis, "unique_consecutive"), tensor
        shape = (array.shape[along],)
        array = np.moveaxis(array, along, 0)
    size = array.shape[0]
    differs = (array[1:] != array[:-1]).any(tuple(range(1, array.ndim)))
    first = np.flatnonzero(np.concatenate([np.ones(min(size, 1), bool), differs]))
    found = [OPERATORS["take"](row, _core.tensor(first.astype("int64")), along)]
    if return_inverse:
        runs = np.repeat(np.arange(len(first)), np.diff([*first, size])) if size else first
        found.append(_core.tensor(runs.reshape(shape).astype("int64")))
    if return_counts:
        found.append(_core.tensor(np.diff([*first, size]).astype("int64") if size else first.astype("int64")))
    return found[0] if len(found) == 1 else tuple(found)
