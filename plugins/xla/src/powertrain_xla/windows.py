"""Convolutions and poolings of images [n, h, w, channels]. 16-bit floats are widened, so that sums are float32's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from powertrain.plugin import PooledAxis
from powertrain_xla.elementwise import widened

LAYOUT = ("NHWC", "HWIO", "NHWC")


def pair(numbers: Any) -> tuple[int, int]:
    return int(numbers[0]), int(numbers[-1])


def convolution(call: Any) -> Callable[[Any, Any], Any]:
    (above, left), strides, dilation = pair(call["padding"]), pair(call["stride"]), pair(call["dilation"])

    def convolved(x: Any, w: Any) -> Any:
        return lax.conv_general_dilated(
            x, w, strides, [(above, above), (left, left)], rhs_dilation=dilation, dimension_numbers=LAYOUT,
            feature_group_count=call["groups"], precision=lax.Precision.HIGHEST,
        )  # fmt: skip

    return convolved


def conv2d_kernel(call: Any, x: Any, w: Any) -> Any:
    return convolution(call)(widened(x), widened(w)).astype(call.dtype)


def conv2d_grad_input(call: Any, g: Any, w: Any) -> Any:
    g, w = widened(g), widened(w)
    back = jax.linear_transpose(lambda x: convolution(call)(x, w), jax.ShapeDtypeStruct(call.shape, g.dtype))
    return back(g)[0].astype(call.dtype)


def conv2d_grad_weight(call: Any, x: Any, g: Any) -> Any:
    x, g = widened(x), widened(g)
    back = jax.linear_transpose(lambda w: convolution(call)(x, w), jax.ShapeDtypeStruct(call.shape, g.dtype))
    return back(g)[0].astype(call.dtype)


@dataclass(frozen=True)
class Windows:
    rows: PooledAxis
    columns: PooledAxis

    @classmethod
    def of(cls, call: Any, image: tuple[int, int], counts: tuple[int, int]) -> Windows:
        return cls(*PooledAxis.of(call, image, counts))

    def offsets(self) -> Iterator[tuple[int, int]]:
        yield from ((i, j) for i in range(self.rows.window) for j in range(self.columns.window))

    def padded(self, x: Any, value: Any) -> Any:
        ends = [(0, 0, 0), *((axis.padding, axis.end, 0) for axis in (self.rows, self.columns)), (0, 0, 0)]
        return lax.pad(x, jnp.asarray(value, x.dtype), ends)

    def seen(self, padded: Any, i: int, j: int) -> Any:
        """Element (i, j) of every window."""
        cuts = []
        for axis, at in ((self.rows, i), (self.columns, j)):
            first = axis.first(at)
            cuts.append(slice(first, first + (axis.count - 1) * axis.stride + 1, axis.stride))
        return padded[:, cuts[0], cuts[1]]

    def spread(self, g: Any, i: int, j: int) -> Any:
        """A number for each window, put where its element (i, j) lies in the image."""
        ends = [(0, 0, 0)]
        for axis, at in ((self.rows, i), (self.columns, j)):
            before = axis.first(at) - axis.padding
            behind = axis.size - before - ((axis.count - 1) * axis.stride + 1)
            ends.append((before, behind, axis.stride - 1))
        return lax.pad(g, jnp.zeros((), g.dtype), [*ends, (0, 0, 0)])

    def inside(self, i: int, j: int, beyond: bool = False) -> Any:
        """[oh, ow, 1]: whether the element counts; with `beyond` the padding does too."""
        rows = self.rows.inside(i, self.rows.padding if beyond else 0)
        columns = self.columns.inside(j, self.columns.padding if beyond else 0)
        return (rows[:, None] & columns[None, :])[:, :, None]

    def counts(self, padding: bool) -> Any:
        return sum(self.inside(i, j, padding).astype(np.float64) for i, j in self.offsets())


def avg_pool2d(call: Any, x: Any) -> Any:
    windows = Windows.of(call, x.shape[1:3], call.shape[1:3])
    wide = widened(x)
    padded = windows.padded(wide, 0)
    total = sum(windows.seen(padded, i, j) for i, j in windows.offsets())
    return (total / jnp.asarray(windows.counts(call["count_include_pad"]), wide.dtype)).astype(call.dtype)


def avg_pool2d_backward(call: Any, g: Any) -> Any:
    windows = Windows.of(call, call.shape[1:3], g.shape[1:3])
    wide = widened(g)
    share = wide / jnp.asarray(windows.counts(call["count_include_pad"]), wide.dtype)
    return sum(windows.spread(share, i, j) for i, j in windows.offsets()).astype(call.dtype)


def max_pool2d_with_index(call: Any, x: Any) -> tuple[Any, Any]:
    """The first of the largest elements of each window, a NaN before all; padding never wins."""
    windows = Windows.of(call, x.shape[1:3], call.shape[1:3])
    padded = windows.padded(x, -jnp.inf)
    best: Any = None
    index: Any = None
    seen: Any = False
    for number, (i, j) in enumerate(windows.offsets()):
        value, counts = windows.seen(padded, i, j), windows.inside(i, j)
        if best is None:
            best, index, seen = value, jnp.zeros(value.shape, jnp.uint8), counts
            continue
        wins = counts & (~seen | (value > best) | (jnp.isnan(value) & ~jnp.isnan(best)))
        best, index = jnp.where(wins, value, best), jnp.where(wins, np.uint8(number), index)
        seen = seen | counts
    return best, index


def max_pool2d_backward(call: Any, g: Any, index: Any) -> Any:
    windows = Windows.of(call, call.shape[1:3], g.shape[1:3])
    wide = widened(g)
    parts = [
        windows.spread(jnp.where(index == np.uint8(number), wide, 0), i, j)
        for number, (i, j) in enumerate(windows.offsets())
    ]
    return sum(parts).astype(call.dtype)


RULES: dict[str, Callable[..., Any]] = {
    "avg_pool2d": avg_pool2d,
    "avg_pool2d_backward": avg_pool2d_backward,
    "conv2d_grad_input": conv2d_grad_input,
    "conv2d_grad_weight": conv2d_grad_weight,
    "conv2d_kernel": conv2d_kernel,
    "max_pool2d_backward": max_pool2d_backward,
    "max_pool2d_with_index": max_pool2d_with_index,
}
