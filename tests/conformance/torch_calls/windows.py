"""Transposed convolutions, pooling and borders of PyTorch: of sequences, images and volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import powertrain as pt
from conformance.adapter import CALLS, call_of, channels_first, channels_last, offered, sizes


def transposed_convolution(axes: int) -> Callable[..., Any]:
    def convolve(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
        groups: int = 1, dilation: Any = 1,
    ) -> Any:  # fmt: skip
        w = pt.transpose(weight, (*range(2, axes + 2), 1, 0))
        rest = (sizes(value, axes) for value in (stride, padding, output_padding, dilation))
        y = getattr(pt, f"conv_transpose{axes}d")(channels_last(input, axes), w, bias, *rest, groups)
        return channels_first(y, input.ndim == axes + 2)

    return convolve


def largest(axes: int) -> Callable[..., Any]:
    def pool(
        input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, return_indices: bool = False,
    ) -> Any:  # fmt: skip
        offered(not return_indices, "return_indices")
        window, step, around, apart = (
            sizes(value, axes) for value in (kernel_size, stride or kernel_size, padding, dilation)
        )
        y = getattr(pt, f"max_pool{axes}d")(channels_last(input, axes), window, step, around, apart, ceil_mode)
        return channels_first(y, input.ndim == axes + 2)

    return pool


def average(axes: int) -> Callable[..., Any]:
    def pool(
        input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: Any = None,
    ) -> Any:  # fmt: skip
        offered(divisor_override is None, "divisor_override")
        window, step, around = (sizes(value, axes) for value in (kernel_size, stride or kernel_size, padding))
        op = getattr(pt, f"avg_pool{axes}d")
        y = op(channels_last(input, axes), window, step, around, count_include_pad, ceil_mode)
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
    return pt.pad(input[tuple(cut)], before, after, 0.0 if value is None else float(value), mode)
