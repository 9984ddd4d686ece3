"""Rows of tables by index: one by one, and reduced over bags."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from powertrain._core import ShapeError, Tensor, asarray
from powertrain.autodiff.custom import custom_gradient
from powertrain.autodiff.row_sparse import is_sparse, look_up
from powertrain.nn import checks
from powertrain.ops.counting import bincount
from powertrain.ops.functional import OPERATORS, arange, full

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = ["embedding", "embedding_bag"]

Mode = Literal["mean", "sum", "max"]


def embedding(
    input: TensorLike,
    weight: TensorLike,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of weight at the given places; the row padding_idx learns nothing.

    With scale_grad_by_freq, the gradient of a row is divided by how often input has it. Gradients are row-sparse where
    weight is a slot whose `sparse` is true.

    Shapes    input [...] of integers, weight [n, d] -> [..., d]
    Errors    an index outside -n..n-1, reported when the call or the compiled step ends; padding_idx outside of it
    Source    PyTorch, nn.functional.embedding
    Example
        >>> import powertrain as pt
        >>> pt.nn.functional.embedding(pt.tensor([1, 1, 0]), pt.ones((2, 4))).shape
        (3, 4)
    """
    checks.fixed("embedding", max_norm=max_norm)
    _check_sparse("embedding", weight, sparse)
    return _rows("embedding", input, weight, padding_idx, scale_grad_by_freq)


def embedding_bag(
    input: TensorLike,
    weight: TensorLike,
    offsets: TensorLike | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: Mode = "mean",
    sparse: bool = False,
    per_sample_weights: TensorLike | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Rows of weight by index, summed, averaged or maximised over each bag.

    Bags are the rows of input, or parts of a vector of places that begin at offsets; with include_last_offset the last
    of these is where the last bag ends. Places that hold padding_idx do not count. A bag of nothing gives zeros.
    scale_grad_by_freq and sparse are as in embedding.

    Shapes    input [n, k] of integers, or [places] with offsets [n], or [n + 1] with include_last_offset; weight
              [rows, d]; per_sample_weights of the shape of input, with mode="sum" alone -> [n, d]
    Errors    other shapes; offsets that do not begin at 0 or that go down; an index outside of the rows, reported when
              the call or the compiled step ends
    Grad      weight, per_sample_weights; with mode="max" equal ones share it
    Source    PyTorch, nn.functional.embedding_bag
    Example
        >>> import powertrain as pt
        >>> bags = pt.nn.functional.embedding_bag(pt.tensor([0, 1, 1]), pt.eye(2), pt.tensor([0, 1]), mode="sum")
        >>> bags.numpy().tolist()
        [[1.0, 0.0], [0.0, 2.0]]
    """
    where = "embedding_bag"
    checks.fixed(where, max_norm=max_norm)
    checks.choice(where, ("mean", "sum", "max"), mode=mode)
    _check_sparse(where, weight, sparse)
    input = asarray(input)
    if per_sample_weights is not None and (mode != "sum" or asarray(per_sample_weights).shape != input.shape):
        raise ShapeError(
            f"[{where}] per_sample_weights is {list(asarray(per_sample_weights).shape)}, input is {list(input.shape)}, "
            f"mode = {mode!r}; expected one shape, and mode = 'sum'; leave them out, or reshape them"
        )
    if input.ndim != (2 if offsets is None else 1):
        expected = "[n, k], or offsets" if offsets is None else "[places] with offsets"
        raise ShapeError(f"[{where}] input is {list(input.shape)}; expected {expected}; reshape it")
    if offsets is None and include_last_offset:
        raise ShapeError(f"[{where}] include_last_offset without offsets; expected them; leave it out")
    if offsets is not None:
        bags = _bags_of(where, input.shape[0], offsets, include_last_offset)
        return _ragged(input, weight, bags, mode, per_sample_weights, padding_idx, scale_grad_by_freq)
    if padding_idx is not None:
        rows = _rows(where, input, weight, padding_idx, scale_grad_by_freq)
        return _padded(rows, _counted(input, padding_idx, weight), mode, per_sample_weights)
    if not (is_sparse(weight) or scale_grad_by_freq):
        return OPERATORS[where](input, weight, per_sample_weights, mode)
    # A table of the rows of this call, each once for each time that it is asked for.
    rows = _rows(where, input, weight, None, scale_grad_by_freq)
    places = OPERATORS["reshape"](arange(input.size), input.shape)
    table = OPERATORS["reshape"](rows, (input.size, rows.shape[-1]))
    return OPERATORS[where](places, table, per_sample_weights, mode)


def _check_sparse(where: str, weight: Any, sparse: bool) -> None:
    if sparse and not is_sparse(weight):
        raise checks.SettingError(
            f"[{where}] sparse = True, weight is a tensor or another slot; expected a slot whose sparse is True; write "
            "weight.sparse = True once, or use pt.nn.Embedding(..., sparse=True)"
        )


def _rows(where: str, index: Any, weight: Any, padding_idx: int | None, by_frequency: bool) -> Tensor:
    index = asarray(index)
    rows = look_up(index, weight)
    if padding_idx is not None:
        counted = OPERATORS["expand_dims"](_counted(index, _row(where, padding_idx, weight), weight), -1)
        rows = OPERATORS["where"](counted, rows, OPERATORS["stop_gradient"](rows))
    if by_frequency:
        n = weight.shape[0]
        places = OPERATORS["astype"](OPERATORS["where"](index < 0, index + n, index), "int64")
        counts = bincount(OPERATORS["reshape"](places, (-1,)), length=n)
        rows = _with_scaled_gradient(rows, OPERATORS["expand_dims"](OPERATORS["take"](counts, places), -1))
    return rows


@custom_gradient
def _with_scaled_gradient(rows: Tensor, counts: Tensor) -> Any:
    return rows, lambda g: (g / OPERATORS["astype"](counts, g.dtype), None)


def _row(where: str, padding_idx: int, weight: Any) -> int:
    n = weight.shape[0]
    if not -n <= padding_idx < n:
        raise ShapeError(f"[{where}] padding_idx = {padding_idx}; expected {-n} to {n - 1}; weight has {n} rows")
    return padding_idx % n


def _counted(index: Tensor, padding_idx: int, weight: Any) -> Tensor:
    """Where an index is of another row than padding_idx, counted from either end."""
    n = weight.shape[0]
    return OPERATORS["logical_and"](
        OPERATORS["not_equal"](index, padding_idx % n), OPERATORS["not_equal"](index, padding_idx % n - n)
    )


def _padded(rows: Tensor, counted: Tensor, mode: Mode, weights: Any) -> Tensor:
    """Bags of one length [n, k, d], of which some places do not count."""
    kept = OPERATORS["expand_dims"](counted, -1)
    if mode == "max":
        most = OPERATORS["max"](OPERATORS["where"](kept, rows, -math.inf), 1)
        return OPERATORS["where"](OPERATORS["any"](kept, 1), most, 0.0)
    if weights is not None:
        rows = rows * OPERATORS["expand_dims"](weights, -1)
    total = OPERATORS["sum"](OPERATORS["where"](kept, rows, 0.0), 1)
    if mode == "sum":
        return total
    return total / OPERATORS["maximum"](OPERATORS["sum"](OPERATORS["astype"](kept, total.dtype), 1), 1.0)


def _bags_of(where: str, places: int, offsets: Any, include_last_offset: bool) -> tuple[Tensor, int]:
    """The bag of each place, and how many bags there are; a place of none has a number behind the last bag."""
    given = asarray(offsets)
    if given.ndim != 1 or given.dtype.is_float or given.shape[0] < (1 if include_last_offset else 0):
        raise ShapeError(
            f"[{where}] offsets is {given.dtype.name}{list(given.shape)}; expected a vector of integers, where each "
            "bag begins; reshape it"
        )
    bags = given.shape[0] - 1 if include_last_offset else given.shape[0]
    given = OPERATORS["astype"](given, "int64")
    number = OPERATORS["searchsorted"](given, arange(places), "right") - 1
    ordered = OPERATORS["all"](given[1:] >= given[:-1])
    return OPERATORS["where"](OPERATORS["logical_and"](ordered, number >= 0), number, bags), bags


def _ragged(
    index: Tensor,
    weight: Any,
    bags: tuple[Tensor, int],
    mode: Mode,
    weights: Any,
    padding_idx: int | None,
    by_frequency: bool,
) -> Tensor:
    """Bags of several lengths: places [k] of a vector, each with the number of its bag."""
    number, count = bags
    rows = _rows("embedding_bag", index, weight, padding_idx, by_frequency)
    dtype = rows.dtype
    rows = rows if dtype.name == "float64" else OPERATORS["astype"](rows, "float32")
    ones = full(index.shape, 1.0, rows.dtype)
    if padding_idx is not None:
        counted = _counted(index, padding_idx, weight)
        ones = OPERATORS["astype"](counted, rows.dtype)
        rows = OPERATORS["where"](OPERATORS["expand_dims"](counted, -1), rows, -math.inf if mode == "max" else 0.0)
    if weights is not None:
        rows = rows * OPERATORS["expand_dims"](weights, -1)
    sizes = OPERATORS["expand_dims"](OPERATORS["scatter_add"](number, ones, 0, size=count), -1)
    if mode == "max":
        lowest = full((count, rows.shape[1]), -math.inf, rows.dtype)
        most = OPERATORS["scatter_reduce"](lowest, OPERATORS["expand_dims"](number, -1), rows, 0, "max")
        return OPERATORS["astype"](OPERATORS["where"](sizes > 0, most, 0.0), dtype)
    total = OPERATORS["scatter_add"](number, rows, 0, size=count)
    if mode == "mean":
        total = total / OPERATORS["maximum"](sizes, 1.0)
    return OPERATORS["astype"](total, dtype)
