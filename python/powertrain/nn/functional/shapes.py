"""Functions that are made of ops of images, channels and pairs of rows."""

from __future__ import annotations

from typing import Any

from powertrain._core import ShapeError, Tensor, asarray
from powertrain.nn import checks
from powertrain.ops.functional import OPERATORS
from powertrain.ops.products import einsum

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool3d", "bilinear",
    "channel_shuffle", "local_response_norm", "lp_pool1d", "pdist",
]  # fmt: skip


def _of_sequences(where: str, op: str, input: Any, *settings: Any) -> Tensor:
    """An op of images, of sequences as images of one row."""
    input = asarray(input)
    if input.ndim != 3:
        raise ShapeError(f"[{where}] input is {list(input.shape)}; expected [batch, time, channels]; reshape it")
    return OPERATORS["squeeze"](OPERATORS[op](OPERATORS["expand_dims"](input, 1), *settings), 1)


def adaptive_avg_pool1d(input: Any, output_size: int) -> Tensor:
    """The mean of each of output_size parts of a sequence.

    Shapes    input [n, t, c] -> [n, output_size, c]
    """
    return _of_sequences("adaptive_avg_pool1d", "adaptive_avg_pool2d", input, (1, _size(output_size)))


def adaptive_max_pool1d(input: Any, output_size: int) -> Tensor:
    """The largest of each of output_size parts of a sequence.

    Shapes    input [n, t, c] -> [n, output_size, c]
    """
    return _of_sequences("adaptive_max_pool1d", "adaptive_max_pool2d", input, (1, _size(output_size)))


def _of_volumes(where: str, op: str, input: Any, output_size: Any) -> Tensor:
    """An op of images over the rows and columns of every slice, and then over the slices."""
    input = asarray(input)
    sizes = (output_size,) * 3 if isinstance(output_size, int) else tuple(output_size)
    if input.ndim != 5 or len(sizes) != 3:
        raise ShapeError(
            f"[{where}] input is {list(input.shape)}, output_size = {output_size}; expected [batch, depth, height, "
            "width, channels] and one or three numbers; reshape it"
        )
    n, d, h, w, c = input.shape
    slices = OPERATORS[op](OPERATORS["reshape"](input, (n * d, h, w, c)), sizes[1:])
    places = sizes[1] * sizes[2]
    deep = OPERATORS[op](OPERATORS["reshape"](slices, (n, d, places, c)), (sizes[0], places))
    return OPERATORS["reshape"](deep, (n, *sizes, c))


def adaptive_avg_pool3d(input: Any, output_size: int | tuple[int, int, int]) -> Tensor:
    """The mean of each of output_size parts of a volume.

    Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]
    """
    return _of_volumes("adaptive_avg_pool3d", "adaptive_avg_pool2d", input, output_size)


def adaptive_max_pool3d(input: Any, output_size: int | tuple[int, int, int]) -> Tensor:
    """The largest of each of output_size parts of a volume.

    Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]
    """
    return _of_volumes("adaptive_max_pool3d", "adaptive_max_pool2d", input, output_size)


def lp_pool1d(
    input: Any, norm_type: float, kernel_size: int, stride: int | None = None, ceil_mode: bool = False
) -> Tensor:
    """The root of order norm_type of the sum of powers in each window of a sequence.

    Shapes    input [n, t, c] -> [n, ot, c]
    """
    step = (1, kernel_size if stride is None else stride)
    return _of_sequences("lp_pool1d", "lp_pool2d", input, norm_type, (1, _size(kernel_size)), step, ceil_mode)


def _size(value: Any) -> int:
    """A size that is given alone or in a tuple, as PyTorch has both."""
    return int(value[0]) if isinstance(value, (tuple, list)) and len(value) == 1 else value


def channel_shuffle(input: Any, groups: int) -> Tensor:
    """Channels, the last axis, read across groups instead of along them.

    Errors    channels that groups does not divide
    Source    Zhang et al. 2018
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


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """input / (k + alpha mean input^2)^beta, the mean over `size` neighbouring channels, zeros beyond the border.

    Shapes    input [..., c], channels last -> [..., c]
    Source    Krizhevsky et al. 2012, with PyTorch's division by size
    """
    checks.sizes("local_response_norm", 1, size=size)
    input = asarray(input)
    channels, rest = input.shape[-1], [0] * (input.ndim - 1)
    squares = OPERATORS["pad"](OPERATORS["square"](input), (*rest, size // 2), (*rest, (size - 1) // 2))
    total = squares[..., :channels]
    for shift in range(1, size):
        total = total + squares[..., shift : shift + channels]
    return input / OPERATORS["pow"](total * (alpha / size) + k, beta)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Tensor:
    """input1 W_k input2 + bias_k for each output k.

    Shapes    input1 [..., i], input2 [..., j], weight [k, i, j], bias [k] -> [..., k]
    """
    y = einsum("...i,kij,...j->...k", input1, weight, input2)
    return y if bias is None else y + bias


def pdist(input: Any, p: float = 2.0) -> Tensor:
    """The distance of each pair of rows, (0, 1), (0, 2), ..., (n - 2, n - 1).

    Shapes    input [n, d] -> [n (n - 1) / 2]
    """
    input = asarray(input)
    if input.ndim != 2:
        raise ShapeError(f"[pdist] input is {list(input.shape)}; expected [n, d]; reshape it")
    n = input.shape[0]
    first = asarray([i for i in range(n) for _ in range(i + 1, n)], "int64")
    second = asarray([j for i in range(n) for j in range(i + 1, n)], "int64")
    apart = OPERATORS["take"](input, first) - OPERATORS["take"](input, second)
    return OPERATORS["vector_norm"](apart, -1, ord=float(p))
