"""The cases that single ops race on: what users call, on the shapes, dtypes and layouts that they meet.

A case's name says all of it: `op NAME SHAPES DTYPE` and, where they apply, key=value, a layout and `gradient`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shapes = tuple[tuple[int, ...], ...]
DTYPES = {"f32": "float32", "f64": "float64", "bf16": "bfloat16", "i32": "int32", "i64": "int64", "bool": "bool"}
LAYOUTS = ("", "transposed", "every second", "rows apart")  # of the first operand


@dataclass(frozen=True)
class OpCase:
    """One call of one op."""

    op: str
    shapes: Shapes
    dtype: str = "f32"
    rest: Mapping[str, Any] = field(default_factory=dict)
    layout: str = ""
    gradient: bool = False
    low: float | None = None  # values are drawn from here to `high`; None: from a normal distribution
    high: float = 1.0
    labels: tuple[int, int] | None = None  # which operand is integers, and below what

    @property
    def name(self) -> str:
        shapes = ",".join("x".join(map(str, shape)) or "scalar" for shape in self.shapes)
        words = ["op", self.op, shapes, self.dtype, *(f"{key}={value}" for key, value in self.rest.items())]
        return " ".join([*words, *([self.layout] if self.layout else []), *(["gradient"] if self.gradient else [])])

    @property
    def elements(self) -> int:
        """Of the largest operand."""
        return max(prod(shape) for shape in self.shapes)

    def inputs(self) -> list[Array]:
        """The operands as they are stored: `view` makes of the first one what the op sees. bf16 as float32."""
        rng = np.random.default_rng(0)
        return [self._input(rng, at, shape) for at, shape in enumerate(self.shapes)]

    def _input(self, rng: np.random.Generator, at: int, shape: tuple[int, ...]) -> Array:
        if at == 0 and self.layout:
            *rest, rows, columns = shape
            apart = {"transposed": (columns, rows), "every second": (rows, 2 * columns)}
            shape = (*rest, *apart.get(self.layout, (2 * rows, columns)))
        if self.labels and self.labels[0] == at:
            return rng.integers(0, self.labels[1], shape, np.int64)
        if self.dtype == "bool" or (self.op == "where" and at == 0):
            return rng.integers(0, 2, shape).astype(bool)
        if self.dtype in ("i32", "i64"):
            return rng.integers(1, 100, shape).astype(DTYPES[self.dtype])
        drawn = rng.standard_normal(shape) if self.low is None else rng.uniform(self.low, self.high, shape)
        return drawn.astype("float64" if self.dtype == "f64" else "float32")

    def view(self, stored: Any) -> Any:
        """The first operand as the op sees it, in any framework that indexes as NumPy does."""
        if self.layout == "transposed":
            return stored.T
        if self.layout == "every second":
            return stored[:, ::2]
        return stored[::2] if self.layout == "rows apart" else stored


BLOCK = (2048, 1024)
ROWS = ((65536, 2), (65536, 10), (32768, 32), BLOCK, (64, 100_000))
ROW_PROGRAMS = ((64, 10), (65536, 2), (65536, 10), (32768, 32), (2048, 768), (256, 50257))
SIZES = ((1,), (64, 10), (1000,), (100_000,), (10_000_000,))
POSITIVE = {"low": 0.1, "high": 9.0}
INSIDE = {"low": -0.95, "high": 0.95}
NEAR_1 = {"low": 0.999, "high": 1.001}  # whose products neither grow nor vanish

UNARY: Mapping[str, Mapping[str, float]] = {
    **{name: {} for name in (
        "abs", "negative", "square", "exp", "expm1", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asinh", "atan",
        "erf", "erfc", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid",
        "softplus", "softsign", "logsigmoid", "hardtanh", "hardsigmoid", "hardswish", "exp2",
    )},
    **dict.fromkeys(("sqrt", "rsqrt", "reciprocal", "log", "log2", "log10", "log1p", "lgamma", "digamma"), POSITIVE),
    **dict.fromkeys(("asin", "acos", "atanh", "erfinv"), INSIDE),
}  # fmt: skip
STEPS = ("floor", "ceil", "round", "trunc", "sign", "isnan", "isfinite", "signbit")  # no gradient
BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "hypot", "atan2", "logaddexp")
COMPARE = ("greater", "less", "equal", "fmod", "remainder", "floor_divide", "copysign")
REDUCTIONS = ("sum", "mean", "max", "min", "prod", "var", "std", "logsumexp")
POSITIONS = ("argmax", "argmin")
ROW_OPS = ("softmax", "log_softmax")
LOSSES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits")
INTEGER_OPS = ("add", "multiply", "maximum", "floor_divide", "bitwise_and", "bitwise_xor")


def both(case: OpCase) -> Iterable[OpCase]:
    return case, dataclasses.replace(case, gradient=True)


def elementwise() -> Iterable[OpCase]:
    for name, drawn in UNARY.items():
        yield from both(OpCase(name, (BLOCK,), **drawn))
    for name in STEPS:
        yield OpCase(name, (BLOCK,))
    for name in BINARY:
        yield from both(OpCase(name, (BLOCK, BLOCK), low=0.1, high=2.0))
    for name in COMPARE:
        yield OpCase(name, (BLOCK, BLOCK), low=0.1, high=2.0)
    for name, shape in itertools.product(("add", "multiply", "divide"), SIZES):
        yield OpCase(name, (shape, shape), low=0.1, high=2.0)
    for name, shape in itertools.product(("exp", "relu", "tanh", "gelu"), SIZES):
        yield OpCase(name, (shape,))
    for name, other in itertools.product(("add", "multiply", "divide", "maximum"), ((1024,), (2048, 1), (1,))):
        yield from both(OpCase(name, (BLOCK, other), low=0.1, high=2.0))
    for name, layout in itertools.product(("add", "exp", "relu"), LAYOUTS[1:]):
        yield OpCase(name, (BLOCK, BLOCK) if name == "add" else (BLOCK,), layout=layout)
    for name, dtype in itertools.product(("add", "multiply", "maximum"), ("bf16", "f64")):
        yield OpCase(name, (BLOCK, BLOCK), dtype)
    for name, dtype in itertools.product(("exp", "relu", "tanh", "gelu", "sigmoid", "leaky_relu"), ("bf16", "f64")):
        yield from both(OpCase(name, (BLOCK,), dtype))
    for name, dtype in itertools.product(INTEGER_OPS, ("i32", "i64")):
        yield OpCase(name, (BLOCK, BLOCK), dtype)
    yield OpCase("logical_and", (BLOCK, BLOCK), "bool")
    yield OpCase("logical_not", (BLOCK,), "bool")
    yield from both(OpCase("pow", (BLOCK, BLOCK), low=0.1, high=2.0))
    yield from both(OpCase("where", (BLOCK, BLOCK, BLOCK)))
    yield from both(OpCase("clip", (BLOCK,), rest={"min": -1.0, "max": 1.0}))


def reductions() -> Iterable[OpCase]:
    for name, shape in itertools.product(("sum", "mean", "max", "var", "logsumexp"), ROWS):
        yield from both(OpCase(name, (shape,), rest={"axis": 1}))
    for name, shape in itertools.product(POSITIONS, ROWS):
        yield OpCase(name, (shape,), rest={"axis": 1})
    for name in ("min", "std"):
        yield from both(OpCase(name, (BLOCK,), rest={"axis": 1}))
    yield from both(OpCase("prod", (BLOCK,), rest={"axis": 1}, **NEAR_1))
    for name, shape in itertools.product((*REDUCTIONS, *POSITIONS), ((100_000, 10), BLOCK)):
        yield OpCase(name, (shape,), rest={"axis": 0}, **(NEAR_1 if name == "prod" else {}))
    for name in ("sum", "mean", "max", "min", "var", "argmax"):
        yield OpCase(name, (BLOCK,))
        yield OpCase(name, ((64, 10),), rest={"axis": 1})
    for name, layout in itertools.product(("sum", "max", "argmax"), LAYOUTS[1:]):
        yield OpCase(name, (BLOCK,), rest={"axis": 1}, layout=layout)
    for name, dtype in itertools.product(("sum", "max"), ("bf16", "f64", "i32", "i64")):
        yield OpCase(name, (BLOCK,), dtype, {"axis": 1})
        yield OpCase(name, ((65536, 10),), dtype, {"axis": 1})
    for name in ("any", "all"):
        yield OpCase(name, (BLOCK,), "bool", {"axis": 1})
    yield OpCase("count_nonzero", (BLOCK,), rest={"axis": 1})


def row_programs() -> Iterable[OpCase]:
    for name, shape in itertools.product(ROW_OPS, ROW_PROGRAMS):
        yield from both(OpCase(name, (shape,)))
    for name, dtype in itertools.product(ROW_OPS, ("bf16", "f64")):
        yield OpCase(name, ((65536, 10),), dtype)
        yield OpCase(name, (BLOCK,), dtype)
    for name, layout in itertools.product(ROW_OPS, LAYOUTS[1:]):
        yield OpCase(name, (BLOCK,), layout=layout)
    for rows, columns in ((64, 10), (32768, 32), (2048, 768), (8192, 1024)):
        yield from both(OpCase("layer_norm", ((rows, columns), (columns,), (columns,))))
        yield from both(OpCase("rms_norm", ((rows, columns), (columns,))))
    for rows, columns in ((64, 10), (65536, 10), (4096, 1000)):
        yield from both(OpCase("cross_entropy", ((rows, columns), (rows,)), labels=(1, columns)))
    for name in LOSSES:
        yield from both(OpCase(name, (BLOCK, BLOCK), low=0.01, high=0.99))


def movement() -> Iterable[OpCase]:
    for name, shape, axis in (
        ("cumulative_sum", BLOCK, 1),
        ("cumulative_sum", BLOCK, 0),
        ("cumulative_sum", (100_000, 10), 0),
        ("cumulative_sum", (65536, 10), 1),
        ("cumulative_sum", (10_000_000,), 0),
        ("cumulative_prod", BLOCK, 1),
    ):
        yield OpCase(name, (shape,), rest={"axis": axis}, **NEAR_1)
    for name, shape in itertools.product(("sort", "argsort"), ((64, 1000), (65536, 10), (100_000,))):
        yield OpCase(name, (shape,))
    yield OpCase("topk", ((256, 50257),), rest={"k": 50})
    for axis in (0, 1):
        yield OpCase("concat", (BLOCK, BLOCK), rest={"axis": axis})
        yield OpCase("stack", (BLOCK, BLOCK), rest={"axis": axis})
        yield OpCase("flip", (BLOCK,), rest={"axis": axis})
    yield OpCase("roll", (BLOCK,), rest={"shift": 3, "axis": 1})
    yield OpCase("tril", (BLOCK,))
    yield OpCase("take_along_axis", (BLOCK, (2048, 64)), rest={"axis": 1}, labels=(1, 1024))
    yield from both(OpCase("embedding", ((64, 256), (50257, 64)), labels=(0, 50257)))
    yield from both(OpCase("outer", ((2048,), (1024,))))
    for m, k, n in ((64, 784, 64), (512, 512, 512), (65536, 10, 10), (1, 1024, 1024)):
        yield from both(OpCase("matmul", ((m, k), (k, n))))


CASES: dict[str, OpCase] = {
    case.name: case for case in itertools.chain(elementwise(), reductions(), row_programs(), movement())
}
