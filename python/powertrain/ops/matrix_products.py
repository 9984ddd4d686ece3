"""Products of vectors and matrices under NumPy's and PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.ops.functional import OPERATORS
from powertrain.ops.products import continuous, contracted, tensordot, tensors

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def dot(a: TensorLike, b: TensorLike) -> _core.Tensor:
    """The sum of a times b over the last axis of a and the last but one of b, or its only one; with a scalar a product.

    Shapes    a [i..., k], b [j..., k, l] -> [i..., j..., l]
    Dtypes    all numbers
    Errors    sizes that differ
    Grad      a, b
    Source    NumPy, dot; matmul takes leading axes as a batch instead
    Example
        >>> import powertrain as pt
        >>> pt.dot(pt.tensor([1.0, 2.0]), pt.tensor([3.0, 4.0])).item()
        11.0
    """
    return _over_last(a, b, -2)


def inner(a: TensorLike, b: TensorLike) -> _core.Tensor:
    """The sum of a times b over the last axes of both; with a scalar a product.

    Shapes    a [i..., k], b [j..., k] -> [i..., j...]
    Dtypes    all numbers
    Errors    sizes that differ
    Grad      a, b
    Source    NumPy, inner
    Example
        >>> import powertrain as pt
        >>> pt.inner(pt.ones((2, 3)), pt.ones((4, 3))).shape
        (2, 4)
    """
    return _over_last(a, b, -1)


def _over_last(a: TensorLike, b: TensorLike, axis: int) -> _core.Tensor:
    """The sum of a times b over the last axis of a and this axis of b, or its only one; with a scalar a product."""
    left, right = tensors(a, b)
    if left.ndim == 1 and left.shape == right.shape and continuous(left) and continuous(right):
        return OPERATORS["matmul"](left, right)
    if left.ndim == 0 or right.ndim == 0:
        return OPERATORS["multiply"](left, right)
    return contracted(left, right, ((-1,), (axis if right.ndim > 1 else -1,)))


def vdot(a: TensorLike, b: TensorLike) -> _core.Tensor:
    """The sum of conj(a) times b over all elements.

    Shapes    a [...], b of as many elements -> []
    Dtypes    all numbers
    Errors    numbers of elements that differ
    Grad      a, b
    Source    NumPy, vdot
    Example
        >>> import powertrain as pt
        >>> pt.vdot(pt.tensor([1j, 2]), pt.tensor([1j, 1])).item()
        (3+0j)
    """
    left, right = OPERATORS["reshape"](a, (-1,)), OPERATORS["reshape"](b, (-1,))
    return tensordot(OPERATORS["conj"](left) if left.dtype.is_complex else left, right, 1)


def kron(a: TensorLike, b: TensorLike) -> _core.Tensor:
    """The Kronecker product: b, scaled by each element of a, in the place of that element.

    Shapes    a [n, ...], b [m, ...] -> [n m, ...]; the one with fewer axes gets axes of size 1 in front
    Dtypes    all numbers
    Errors    more than four axes
    Grad      a, b
    Source    NumPy, kron
    Example
        >>> import powertrain as pt
        >>> pt.kron([[1, 2]], [[1, 1], [0, 1]]).numpy().tolist()
        [[1, 1, 2, 2], [0, 1, 0, 2]]
    """
    left, right = tensors(a, b)
    axes = max(left.ndim, right.ndim)
    if axes > 4:
        raise _core.ShapeError(
            f"[kron] a is {list(left.shape)}, b is {list(right.shape)}; expected at most 4 axes; take slices one by one"
        )
    sizes, others = ((1,) * (axes - x.ndim) + x.shape for x in (left, right))
    first = OPERATORS["reshape"](left, [size for n in sizes for size in (n, 1)])
    second = OPERATORS["reshape"](right, [size for n in others for size in (1, n)])
    return OPERATORS["reshape"](first * second, [n * m for n, m in zip(sizes, others, strict=True)])


def cdist(x1: TensorLike, x2: TensorLike, p: float = 2.0) -> _core.Tensor:
    """The distance of each row of x1 from each row of x2: the p-norm of their difference.

    Shapes    x1 [..., m, d], x2 [..., n, d] -> [..., m, n]; leading axes broadcast
    Dtypes    floats; integers are computed in float32
    Errors    less than two axes; rows of different sizes
    Grad      x1, x2; 0 where a distance is 0
    Numerics  from the differences themselves, so that near rows keep their digits
    Source    PyTorch, cdist
    Example
        >>> import powertrain as pt
        >>> pt.cdist(pt.tensor([[0.0, 0.0], [3.0, 4.0]]), pt.tensor([[0.0, 0.0]])).numpy().tolist()
        [[0.0], [5.0]]
    """
    left, right = tensors(x1, x2)
    if min(left.ndim, right.ndim) < 2 or left.shape[-1] != right.shape[-1]:
        raise _core.ShapeError(
            f"[cdist] x1 is {list(left.shape)}, x2 is {list(right.shape)}; expected rows of one size, [..., m, d] and "
            "[..., n, d]; reshape one of them"
        )
    difference = OPERATORS["expand_dims"](left, -2) - OPERATORS["expand_dims"](right, -3)
    return OPERATORS["vector_norm"](difference, -1, False, float(p))


def _added(input: Any, beta: float, product: _core.Tensor, alpha: float) -> _core.Tensor:
    """beta * input + alpha * product; with a beta of 0 input counts for nothing, NaN included."""
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:
        return OPERATORS["broadcast_to"](scaled, _joint(input, scaled))
    return OPERATORS["add"](input if beta == 1 else OPERATORS["multiply"](input, beta), scaled)


def _joint(input: Any, product: _core.Tensor) -> tuple[int, ...]:
    from powertrain.ops.creation import broadcast_shapes

    return broadcast_shapes(_core.asarray(input).shape, product.shape)


def _product(where: str, left: Any, right: Any, axes: tuple[int, int]) -> tuple[_core.Tensor, _core.Tensor]:
    a, b = tensors(left, right)
    if (a.ndim, b.ndim) != axes:
        raise _core.ShapeError(
            f"[{where}] the factors are {list(a.shape)} and {list(b.shape)}; expected {axes[0]} and {axes[1]} axes; "
            "use matmul for others"
        )
    return a, b


def addmm(input: TensorLike, mat1: TensorLike, mat2: TensorLike, *, beta: float = 1, alpha: float = 1) -> _core.Tensor:
    """beta * input + alpha * (mat1 @ mat2).

    Shapes    input [n, p] or what broadcasts to it, mat1 [n, m], mat2 [m, p] -> [n, p]
    Errors    factors that are no matrices, or do not fit
    Grad      input, mat1, mat2
    Source    PyTorch, addmm
    Example
        >>> import powertrain as pt
        >>> pt.addmm(pt.ones(2), pt.eye(2), pt.eye(2), beta=2).numpy().tolist()
        [[3.0, 2.0], [2.0, 3.0]]
    """
    return _added(input, beta, OPERATORS["matmul"](*_product("addmm", mat1, mat2, (2, 2))), alpha)


def addmv(input: TensorLike, mat: TensorLike, vec: TensorLike, *, beta: float = 1, alpha: float = 1) -> _core.Tensor:
    """beta * input + alpha * (mat @ vec).

    Shapes    input [n] or what broadcasts to it, mat [n, m], vec [m] -> [n]
    Errors    factors of other numbers of axes, or that do not fit
    Grad      input, mat, vec
    Source    PyTorch, addmv
    Example
        >>> import powertrain as pt
        >>> pt.addmv(pt.ones(2), pt.eye(2), pt.tensor([1.0, 2.0])).numpy().tolist()
        [2.0, 3.0]
    """
    return _added(input, beta, OPERATORS["matmul"](*_product("addmv", mat, vec, (2, 1))), alpha)


def addr(input: TensorLike, vec1: TensorLike, vec2: TensorLike, *, beta: float = 1, alpha: float = 1) -> _core.Tensor:
    """beta * input + alpha * outer(vec1, vec2).

    Shapes    input [n, m] or what broadcasts to it, vec1 [n], vec2 [m] -> [n, m]
    Errors    factors that are no vectors
    Grad      input, vec1, vec2
    Source    PyTorch, addr
    Example
        >>> import powertrain as pt
        >>> pt.addr(pt.zeros((2, 2)), pt.tensor([1.0, 2.0]), pt.tensor([3.0, 4.0])).numpy().tolist()
        [[3.0, 4.0], [6.0, 8.0]]
    """
    return _added(input, beta, OPERATORS["outer"](*_product("addr", vec1, vec2, (1, 1))), alpha)


def baddbmm(
    input: TensorLike, batch1: TensorLike, batch2: TensorLike, *, beta: float = 1, alpha: float = 1
) -> _core.Tensor:
    """beta * input + alpha * (batch1 @ batch2), for a batch of matrices.

    Shapes    input [b, n, p] or what broadcasts to it, batch1 [b, n, m], batch2 [b, m, p] -> [b, n, p]
    Errors    factors of other numbers of axes, or that do not fit
    Grad      input, batch1, batch2
    Source    PyTorch, baddbmm
    Example
        >>> import powertrain as pt
        >>> pt.baddbmm(pt.zeros(()), pt.ones((5, 2, 3)), pt.ones((5, 3, 4))).shape
        (5, 2, 4)
    """
    return _added(input, beta, OPERATORS["matmul"](*_product("baddbmm", batch1, batch2, (3, 3))), alpha)
