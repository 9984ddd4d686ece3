"""Matrices and pairs made of vectors: blocks, diagonals, products of sets."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.ops.creation import meshgrid
from powertrain.ops.functional import OPERATORS, arange, zeros

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def block_diag(*tensors: TensorLike) -> _core.Tensor:
    """A matrix with the tensors along its diagonal, and zeros elsewhere; scalars and vectors are single rows.

    Shapes    each of tensors [r_i, c_i] -> [sum of r_i, sum of c_i]
    Errors    a tensor of more than two axes
    Grad      tensors
    Source    PyTorch, block_diag
    Example
        >>> import powertrain as pt
        >>> pt.block_diag(pt.eye(2), pt.tensor([3.0])).numpy().tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]]
    """
    blocks = [_core.asarray(one) for one in tensors]
    wrong = [list(block.shape) for block in blocks if block.ndim > 2]
    if wrong:
        raise _core.ShapeError(f"[block_diag] received {wrong[0]}; expected matrices, vectors or scalars; reshape it")
    if not blocks:
        return zeros((1, 0))
    blocks = [block if block.ndim == 2 else OPERATORS["reshape"](block, (1, -1)) for block in blocks]
    width, before, rows = sum(block.shape[1] for block in blocks), 0, []
    for block in blocks:
        behind = width - before - block.shape[1]
        rows.append(OPERATORS["pad"](block, (0, before), (0, behind)))
        before += block.shape[1]
    return OPERATORS["concat"](rows, 0)


def diag_embed(x: TensorLike, offset: int = 0, axis1: int = -2, axis2: int = -1) -> _core.Tensor:
    """Matrices whose diagonals are the rows of x, and zeros elsewhere.

    Shapes    x [..., n] -> [..., n + |offset|, n + |offset|], the axes of the matrices at axis1 and axis2
    Errors    a scalar; axes that the result does not have, or twice the same
    Grad      x
    Source    PyTorch, diag_embed
    Example
        >>> import powertrain as pt
        >>> pt.diag_embed(pt.tensor([[1, 2]]), offset=1).numpy().tolist()
        [[[0, 1, 0], [0, 0, 2], [0, 0, 0]]]
    """
    x, k = _core.asarray(x), _core.integer(offset, "offset", "diag_embed")
    if x.ndim == 0:
        raise _core.ShapeError("[diag_embed] x is a scalar; expected at least one axis; reshape it to [1] first")
    ndim, size = x.ndim + 1, x.shape[-1] + abs(k)
    axes = [_core.integer(axis, "axis", "diag_embed") for axis in (axis1, axis2)]
    if not all(-ndim <= axis < ndim for axis in axes) or (axes[0] - axes[1]) % ndim == 0:
        raise _core.ShapeError(
            f"[diag_embed] axis1 = {axis1}, axis2 = {axis2} of a result with {ndim} axes; expected two of them; leave "
            "them out for the last two"
        )
    rest = [0] * (x.ndim - 1)
    wide = OPERATORS["pad"](x, (*rest, 0), (*rest, abs(k)))
    places = arange(size)
    there = OPERATORS["equal"](OPERATORS["expand_dims"](places + k, 1), places)
    spread = OPERATORS["where"](there, OPERATORS["expand_dims"](wide, -1 if k >= 0 else -2), 0)
    return OPERATORS["moveaxis"](OPERATORS["astype"](spread, x.dtype), (-2, -1), tuple(axes))


def _vectors(where: str, tensors: tuple[Any, ...]) -> list[_core.Tensor]:
    found = [_core.asarray(one) for one in tensors]
    wrong = [list(one.shape) for one in found if one.ndim != 1]
    if wrong or not found:
        raise _core.ShapeError(f"[{where}] received {wrong[0] if wrong else 'nothing'}; expected vectors; reshape it")
    return found


def cartesian_prod(*tensors: TensorLike) -> _core.Tensor:
    """All rows that take one element of each vector, the last one changing first; a single vector as it is.

    Shapes    k vectors [n_i] -> [product of n_i, k]
    Errors    a tensor that is no vector
    Grad      tensors
    Source    PyTorch, cartesian_prod
    Example
        >>> import powertrain as pt
        >>> pt.cartesian_prod(pt.tensor([1, 2]), pt.tensor([3, 4])).numpy().tolist()
        [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    vectors = _vectors("cartesian_prod", tensors)
    if len(vectors) == 1:
        return vectors[0]
    grids = [OPERATORS["reshape"](grid, (-1,)) for grid in meshgrid(*vectors, indexing="ij")]
    return OPERATORS["stack"](grids, 1)


def combinations(x: TensorLike, r: int = 2, with_replacement: bool = False) -> _core.Tensor:
    """All selections of r elements of a vector, in its order, as rows.

    Shapes    x [n] -> [number of selections, r]; [0] for r = 0
    Errors    x that is no vector; r below 0
    Grad      x
    Source    PyTorch, combinations; Python, itertools.combinations
    Example
        >>> import powertrain as pt
        >>> pt.combinations(pt.tensor([1, 2, 3])).numpy().tolist()
        [[1, 2], [1, 3], [2, 3]]
    """
    (vector,), count = _vectors("combinations", (x,)), _core.integer(r, "r", "combinations")
    if count < 0:
        raise _core.ShapeError(f"[combinations] r = {count}; expected a number of at least 0; 2 is usual")
    if count == 0:
        return vector[:0]
    select = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = [place for row in select(range(vector.shape[0]), count) for place in row]
    index = OPERATORS["reshape"](_core.asarray(rows, "int64"), (len(rows) // count, count))
    return OPERATORS["take"](vector, index)
