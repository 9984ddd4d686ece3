"""Convolutions and poolings. The engine's images are [n, h, w, channels], ONNX's [n, channels, h, w]: a transpose
stands on each side, and two that meet are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import PooledAxis
from powertrain_onnx.writer import Call, Operand, Writer

FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)  # channels first, channels last


def pair(numbers: Any) -> tuple[int, int]:
    return int(numbers[0]), int(numbers[-1])


def conv2d(w: Writer, call: Call, x: Operand, weight: Operand, bias: Operand | None = None) -> str:
    above, left = pair(call["padding"])
    made = w.node(
        "Conv", w.transpose(x, FIRST), w.transpose(weight, (3, 2, 0, 1)), bias, strides=pair(call["stride"]),
        pads=[above, left, above, left], dilations=pair(call["dilation"]), group=call["groups"],
        kernel_shape=weight.value.sizes[:2],
    )  # fmt: skip
    return w.transpose(made, LAST)


def conv2d_grad_input(w: Writer, call: Call, g: Operand, weight: Operand) -> str:
    """The transposed convolution to images of `image`: what lies behind the last window is padding of the output."""
    window, stride, dilation = weight.value.sizes[:2], pair(call["stride"]), pair(call["dilation"])
    padding = pair(call["padding"])
    more = []
    for at, size in enumerate(g.value.shape[1:3]):
        assert isinstance(size, int)
        spread = (size - 1) * stride[at] - 2 * padding[at] + dilation[at] * (window[at] - 1) + 1
        more.append(call["image"][at] - spread)
    made = w.node(
        "ConvTranspose", w.transpose(g, FIRST), w.transpose(weight, (3, 2, 0, 1)), strides=stride, dilations=dilation,
        pads=[*padding, *padding], group=call["groups"], output_padding=more, kernel_shape=window,
    )  # fmt: skip
    return w.transpose(made, LAST)


def axes_of(call: Call, x: Operand) -> tuple[PooledAxis, PooledAxis]:
    return PooledAxis.of(call, x.shape[1:3], call.shape[1:3])


def behind(axis: PooledAxis) -> int:
    """The padding behind an image. Given so, no rounding of ONNX's decides how many windows there are."""
    return max(0, axis.end)


def counted(axis: PooledAxis, beyond: int) -> NDArray[Any]:
    """How many elements of each window lie in the image, or at most `beyond` from it."""
    return np.sum([axis.inside(at, beyond) for at in range(axis.window)], axis=0)


def max_pool2d(w: Writer, call: Call, x: Operand) -> str:
    rows, columns = axes_of(call, x)
    made = w.node(
        "MaxPool", w.transpose(x, FIRST), kernel_shape=(rows.window, columns.window),
        strides=(rows.stride, columns.stride), dilations=(rows.dilation, columns.dilation),
        pads=[rows.padding, columns.padding, behind(rows), behind(columns)],
    )  # fmt: skip
    return w.transpose(made, LAST)


def max_pool2d_with_index(w: Writer, call: Call, x: Operand) -> tuple[str, None]:
    return max_pool2d(w, call, x), None


def avg_pool2d(w: Writer, call: Call, x: Operand) -> str:
    """The sums of windows, zeros in the padding, over what each window counts."""
    rows, columns = axes_of(call, x)
    counts = [counted(axis, axis.padding if call["count_include_pad"] else 0) for axis in (rows, columns)]
    made = w.node(
        "AveragePool", w.transpose(x, FIRST), kernel_shape=(rows.window, columns.window),
        strides=(rows.stride, columns.stride), count_include_pad=1,
        pads=[rows.padding, columns.padding, behind(rows), behind(columns)],
    )  # fmt: skip
    share = rows.window * columns.window / (counts[0][:, None] * counts[1][None, :])
    if not (share == 1).all():
        made = w.node("Mul", made, share[None, None].astype(call.dtype))
    return w.transpose(made, LAST)


RULES: dict[str, Callable[..., Any]] = {
    "avg_pool2d": avg_pool2d,
    "conv2d": conv2d,
    "conv2d_grad_input": conv2d_grad_input,
    "conv2d_kernel": conv2d,
    "max_pool2d": max_pool2d,
    "max_pool2d_with_index": max_pool2d_with_index,
}
