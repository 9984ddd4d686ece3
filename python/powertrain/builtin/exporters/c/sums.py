"""Products, convolutions, poolings and reductions, as loops of C."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from powertrain.builtin.exporters.c.writing import Array, broadcast, nested, place, strides
from powertrain.plugin.backends import Call


def matmul(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    """One row of the result after the other, each a sum of rows of b: all of them are read in the order of memory."""
    a, b = inputs
    left = a.shape if len(a.shape) > 1 else (1, *a.shape)
    right = b.shape if len(b.shape) > 1 else (*b.shape, 1)
    rows, inner, columns = left[-2], left[-1], right[-1]
    batch = out.shape[: len(out.shape) - (len(a.shape) > 1) - (len(b.shape) > 1)]
    names = [f"n{at}" for at in range(len(batch))]

    def begin(shape: tuple[int, ...]) -> str:
        size = shape[-2] * shape[-1]
        return place(names, [step * size for step in broadcast(shape[:-2], batch)])

    body = [
        f"const {a.kind} *a = &{a.name}[{begin(left)}];",
        f"const {b.kind} *b = &{b.name}[{begin(right)}];",
        f"{out.kind} *y = &{out.name}[{place(names, [step * rows * columns for step in strides(batch)])}];",
        f"for (long i = 0; i < {rows}; i++) {{",
        f"    for (long j = 0; j < {columns}; j++) y[i * {columns} + j] = 0;",
        f"    for (long k = 0; k < {inner}; k++) {{",
        f"        const {a.kind} v = a[i * {inner} + k];",
        f"        for (long j = 0; j < {columns}; j++) y[i * {columns} + j] += v * b[k * {columns} + j];",
        "    }",
        "}",
    ]
    return nested(zip(names, batch, strict=True), body)


def _pair(numbers: Any) -> tuple[int, int]:
    return int(numbers[0]), int(numbers[-1])


def _at(window: str, inside: str, stride: int, dilation: int, padding: int) -> str:
    """Where an element of a window lies in the image: `i * 2 + r - 1`."""
    return place((window, inside), (stride, dilation)) + (f" - {padding}" if padding else "")


def conv2d_kernel(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    """x [n, h, w, channels] by windows w [rows, columns, channels / groups, outputs]; what lies outside is zero."""
    x, w = inputs
    (down, right), (above, left), (apart, across) = (_pair(call[name]) for name in ("stride", "padding", "dilation"))
    count, high, wide, channels = x.shape
    rows, columns, group, outputs = w.shape
    tall, broad, groups = out.shape[1], out.shape[2], call["groups"]
    own = outputs // groups
    read = f"{w.name}[((r * {columns} + c) * {group} + k) * {outputs}"
    products = [
        f"for (long k = 0; k < {group}; k++) {{",
        f"    const {w.kind} *u = &{read}];",
        f"    for (long o = 0; o < {outputs}; o++) y[o] += v[k] * u[o];",
        "}",
    ]
    if groups > 1:
        products = [
            f"for (long g = 0; g < {groups}; g++) for (long k = 0; k < {group}; k++) {{",
            f"    const {w.kind} *u = &{read} + g * {own}];",
            f"    for (long o = 0; o < {own}; o++) y[g * {own} + o] += v[g * {group} + k] * u[o];",
            "}",
        ]
    return [
        f"for (long n = 0; n < {count}; n++) for (long i = 0; i < {tall}; i++) for (long j = 0; j < {broad}; j++) {{",
        f"    {out.kind} *y = &{out.name}[((n * {tall} + i) * {broad} + j) * {outputs}];",
        f"    for (long o = 0; o < {outputs}; o++) y[o] = 0;",
        f"    for (long r = 0; r < {rows}; r++) for (long c = 0; c < {columns}; c++) {{",
        f"        const long p = {_at('i', 'r', down, apart, above)}, q = {_at('j', 'c', right, across, left)};",
        f"        if (p < 0 || p >= {high} || q < 0 || q >= {wide}) continue;",
        f"        const {x.kind} *v = &{x.name}[((n * {high} + p) * {wide} + q) * {channels}];",
        *(f"        {line}" for line in products),
        "    }",
        "}",
    ]


def _window(
    call: Call, x: Array, out: Array, begin: Sequence[str], each: Sequence[str], end: Sequence[str]
) -> list[str]:
    """Loops over windows of images, and over what of each lies inside the image."""
    rows, columns = _pair(call["kernel_size"])
    (down, right), (above, left) = _pair(call["stride"] or call["kernel_size"]), _pair(call["padding"])
    apart, across = _pair(call.attributes.get("dilation") or (1,))
    count, channels = x.shape[0], x.shape[3]
    tall, broad = out.shape[1], out.shape[2]
    return [
        f"for (long n = 0; n < {count}; n++) for (long i = 0; i < {tall}; i++) for (long j = 0; j < {broad}; j++)",
        f"    for (long k = 0; k < {channels}; k++) {{",
        *(f"        {line}" for line in begin),
        f"        for (long r = 0; r < {rows}; r++) for (long c = 0; c < {columns}; c++) {{",
        f"            const long p = {_at('i', 'r', down, apart, above)}, q = {_at('j', 'c', right, across, left)};",
        *(f"            {line}" for line in each),
        "        }",
        *(f"        {line}" for line in end),
        f"        {out.name}[((n * {tall} + i) * {broad} + j) * {channels} + k] = best;",
        "    }",
    ]


def max_pool2d(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    x = inputs[0]
    _, high, wide, channels = x.shape
    each = [
        f"if (p < 0 || p >= {high} || q < 0 || q >= {wide}) continue;",
        f"const {x.kind} v = {x.name}[((n * {high} + p) * {wide} + q) * {channels} + k];",
        "if (v > best || isnan(v)) best = v;",
    ]
    return _window(call, x, out, [f"{out.kind} best = -INFINITY;"], each, [])


def avg_pool2d(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    x = inputs[0]
    _, high, wide, channels = x.shape
    above, left = _pair(call["padding"])
    padded = (
        f"count += p < {high + above} && q < {wide + left};"
        if call["count_include_pad"]
        else f"count += p >= 0 && p < {high} && q >= 0 && q < {wide};"
    )
    each = [
        padded,
        f"if (p < 0 || p >= {high} || q < 0 || q >= {wide}) continue;",
        f"best += {x.name}[((n * {high} + p) * {wide} + q) * {channels} + k];",
    ]
    return _window(call, x, out, [f"{out.kind} best = 0;", "long count = 0;"], each, ["best /= count;"])


def _axes(call: Call, x: Array) -> tuple[int, ...]:
    axis = call["axis"]
    every = tuple(range(len(x.shape)))
    chosen = every if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    return tuple(one % len(x.shape) for one in chosen) if x.shape else ()


def _reduced(call: Call, x: Array, out: Array, begin: str, each: str, end: str) -> list[str]:
    """Loops over the result, and inside over what is reduced; `{v}` is an element, `{at}` its place along the axes."""
    axes, own = _axes(call, x), strides(x.shape)
    kept = [axis for axis in range(len(x.shape)) if axis not in axes]
    outer = [(f"i{axis}", x.shape[axis]) for axis in kept]
    inner = [(f"k{axis}", x.shape[axis]) for axis in axes]
    result = place([name for name, _ in outer], strides([size for _, size in outer]))
    names = [name for name, _ in (*outer, *inner)]
    element = f"{x.name}[{place(names, [own[axis] for axis in (*kept, *axes)])}]"
    at = place([name for name, _ in inner], strides([size for _, size in inner]))
    body = [begin, *nested(inner, [each.format(v=element, at=at)]), end.format(y=f"{out.name}[{result}]")]
    return nested(outer, body)


def sum_(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    return _reduced(call, inputs[0], out, f"{out.kind} s = 0;", "s += {v};", "{y} = s;")


def prod(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    return _reduced(call, inputs[0], out, f"{out.kind} s = 1;", "s *= {v};", "{y} = s;")


def mean(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    count = math.prod(inputs[0].shape[axis] for axis in _axes(call, inputs[0]))
    return _reduced(call, inputs[0], out, f"{out.kind} s = 0;", "s += {v};", f"{{y}} = s / {count};")


def all_(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    return _reduced(call, inputs[0], out, "int s = 1;", "s = s && {v};", f"{{y}} = ({out.kind})s;")


def any_(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    return _reduced(call, inputs[0], out, "int s = 0;", "s = s || {v};", f"{{y}} = ({out.kind})s;")


def _extreme(sign: str) -> Any:
    def rule(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
        return _best(call, inputs[0], out, sign, "{y} = s;", out.kind)

    return rule


def _place_of(sign: str) -> Any:
    def rule(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
        return _best(call, inputs[0], out, sign, f"{{y}} = ({out.kind})best;", inputs[0].kind)

    return rule


def _best(call: Call, x: Array, out: Array, sign: str, end: str, kind: str) -> list[str]:
    """The first of the largest or smallest elements; a NaN comes before all."""
    floats = x.dtype.startswith("float")
    wins = f"v {sign} s || (isnan(v) && !isnan(s))" if floats else f"v {sign} s"
    each = f"{{{{ const {x.kind} v = {{v}}; if (best < 0 || {wins}) {{{{ s = v; best = {{at}}; }}}} }}}}"
    return _reduced(call, x, out, f"{kind} s = 0; long best = -1;", each, end + " (void)best;")


RULES = {
    "all": all_,
    "any": any_,
    "argmax": _place_of(">"),
    "argmin": _place_of("<"),
    "avg_pool2d": avg_pool2d,
    "conv2d_kernel": conv2d_kernel,
    "matmul": matmul,
    "max": _extreme(">"),
    "max_pool2d_with_index": max_pool2d,  # whose second result nobody reads in a prediction
    "mean": mean,
    "min": _extreme("<"),
    "prod": prod,
    "sum": sum_,
}
