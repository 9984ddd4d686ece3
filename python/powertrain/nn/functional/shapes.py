"""Functions that are made of ops of channels and pairs of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain._core import ShapeError, Tensor, asarray
from powertrain.nn import checks
from powertrain.ops.functional import OPERATORS
from powertrain.ops.products import einsum

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = ["bilinear", "channel_shuffle", "local_response_norm", "pdist"]


def channel_shuffle(input: TensorLike, groups: int) -> Tensor:
    """Channels, the last axis, read across groups instead of along them.

    Errors    channels that groups does not divide
    Source    Zhang et al. 2018
    Example
        >>> import powertrain.nn.functional as F
        >>> F.channel_shuffle(pt.arange(4.0).reshape(1, 1, 4), 2).tolist()
        [[[0.0, 2.0, 1.0, 3.0]]]
    """
    checks.sizes("channel_shuffle", 1, groups=groups)
    input = asarray(input)
    channels = input.shape[-1]
    if channels % groups:
        raise ShapeError(
            f"[channel_shuffle] {channels} channels in {groups} groups; expected a multiple of groups; change groups"
        )
    split = OPERATORS["reshape"](input, (*input.shape[:-1], groups, channels // groups))
    return OPERATORS["reshape"](OPERATORS["swapaxes"](split, -1, -2), input.shape)


def local_response_norm(
    input: TensorLike, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """input / (k + alpha mean input^2)^beta, the mean over `size` neighbouring channels, zeros beyond the border.

    Shapes    input [..., c], channels last -> [..., c]
    Source    Krizhevsky et al. 2012, with PyTorch's division by size
    Example
        >>> import powertrain.nn.functional as F
        >>> F.local_response_norm(pt.ones((2, 8, 8, 3)), 2).shape
        (2, 8, 8, 3)
    """
    checks.sizes("local_response_norm", 1, size=size)
    input = asarray(input)
    channels, rest = input.shape[-1], [0] * (input.ndim - 1)
    squares = OPERATORS["pad"](OPERATORS["square"](input), (*rest, size // 2), (*rest, (size - 1) // 2))
    total = squares[..., :channels]
    for shift in range(1, size):
        total = total + squares[..., shift : shift + channels]
    return input / OPERATORS["pow"](total * (alpha / size) + k, beta)


def bilinear(input1: TensorLike, input2: TensorLike, weight: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """input1 W_k input2 + bias_k for each output k.

    Shapes    input1 [..., i], input2 [..., j], weight [k, i, j], bias [k] -> [..., k]
    Example
        >>> import powertrain.nn.functional as F
        >>> F.bilinear(pt.ones((4, 3)), pt.ones((4, 2)), pt.ones((5, 3, 2))).shape
        (4, 5)
    """
    y = einsum("...i,kij,...j->...k", input1, weight, input2)
    return y if bias is None else y + bias


def pdist(input: TensorLike, p: float = 2.0) -> Tensor:
    """The distance of each pair of rows, (0, 1), (0, 2), ..., (n - 2, n - 1).

    Shapes    input [n, d] -> [n (n - 1) / 2]
    Example
        >>> import powertrain.nn.functional as F
        >>> F.pdist(pt.tensor([[0.0, 0.0], [3.0, 4.0]])).tolist()
        [5.0]
    """
    input = asarray(input)
    if input.ndim != 2:
        raise ShapeError(f"[pdist] input is {list(input.shape)}; expected [n, d]; reshape it")
    n = input.shape[0]
    first = asarray([i for i in range(n) for _ in range(i + 1, n)], "int64")
    second = asarray([j for i in range(n) for j in range(i + 1, n)], "int64")
    apart = OPERATORS["take"](input, first) - OPERATORS["take"](input, second)
    return OPERATORS["vector_norm"](apart, -1, ord=float(p))
