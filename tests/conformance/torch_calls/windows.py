"""Transposed convolutions, pooling and borders of PyTorch: of sequences, images and volumes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import powertrain as pt
import powertrain.nn.functional as F
from conformance.adapter import CALLS, call_of, channels_first, channels_last, offered, sizes
from powertrain.ops.functional import OPERATORS


def transposed_convolution(axes: int) -> Callable[..., Any]:
    def convolve(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
        groups: int = 1, dilation: Any = 1,
    ) -> Any:  # fmt: skip
        w = pt.permute_dims(weight, (*range(2, axes + 2), 1, 0))
        rest = (sizes(value, axes) for value in (stride, padding, output_padding))
        y = OPERATORS[f"conv_transpose{axes}d"](
            channels_last(input, axes), w, bias, *rest, groups, sizes(dilation, axes)
        )
        return channels_first(y, input.ndim == axes + 2)

    return convolve


def largest(axes: int) -> Callable[..., Any]:
    def pool(
        input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, return_indices: bool = False,
    ) -> Any:  # fmt: skip
        where = [sizes(value, axes) for value in (kernel_size, stride or kernel_size, padding, dilation)]
        of = getattr(F, f"max_pool{axes}d")
        found = of(channels_last(input, axes), *where, ceil_mode, return_indices)
        batched = input.ndim == axes + 2
        if not return_indices:
            return channels_first(found, batched)
        return tuple(channels_first(part, batched) for part in found)

    return pool


def average(axes: int) -> Callable[..., Any]:
    def pool(
        input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: Any = None,
    ) -> Any:  # fmt: skip
        offered(divisor_override is None or not ceil_mode, "divisor_override with ceil_mode")
        divided = divisor_override is not None
        window, step, around = (sizes(value, axes) for value in (kernel_size, stride or kernel_size, padding))
        op = OPERATORS[f"avg_pool{axes}d"]
        y = op(channels_last(input, axes), window, step, around, ceil_mode, count_include_pad or divided)
        y = y * (math.prod(window) / divisor_override) if divided else y
        return channels_first(y, input.ndim == axes + 2)

    return pool


for _axes in (1, 2, 3):
    CALLS[f"nn.functional.conv_transpose{_axes}d"] = transposed_convolution(_axes)
    CALLS[f"nn.functional.max_pool{_axes}d"] = largest(_axes)
    CALLS[f"nn.functional.avg_pool{_axes}d"] = average(_axes)


@call_of("constant_pad_nd")
def constant_pad(input: Any, pad: Any, value: Any = 0) -> Any:
    return padded(input, pad, "constant", value)


@call_of("nn.functional.pad")
def padded(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    pairs = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    whole = [(0, 0)] * (input.ndim - len(pairs)) + pairs
    offered(mode == "constant" or all(p >= 0 for p in pad), f"pad below 0 with mode = {mode}")
    # Below zero PyTorch cuts.
    cut = [slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(input.shape, whole, strict=True)]
    before, after = zip(*((max(a, 0), max(b, 0)) for a, b in whole), strict=True) if whole else ((), ())
    return OPERATORS["pad"](input[tuple(cut)], before, after, 0.0 if value is None else float(value), mode)
