"""Cases of put_rows; the reference is assignment by index in NumPy, where the last of equal indices stays."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, values


def reference(x: Array, index: Array, rows: Array) -> Array:
    y = np.array(x, np.result_type(x, rows))
    flat = np.asarray(index).reshape(-1)
    for place, row in zip(flat, np.asarray(rows).reshape(flat.size, *x.shape[1:]), strict=True):
        y[place] = row
    return y


K = 0
CASES = [
    Case(normal((7, 5)), values([6, 0, -2], "int64"), normal((3, 5))),
    Case(normal((7, 5)), values([3, 3, -4, 1, 3], "int32"), normal((5, 5))),
    Case(normal((7,)), integers((20,), -7, 7, "int64"), normal((20,))),
    Case(normal((4, 2, 3)), integers((2, 3), 0, 4), normal((2, 3, 2, 3))),
    Case(normal((4, 3)), values(2, "int64"), normal((3,))),
    Case(normal((4, 3)), integers((0,), 0, 4), normal((0, 3))),
    Case(normal((0, 3)), integers((0,), 0, 4), normal((0, 3))),
    Case(integers((9, 2), 0, 99, "int64"), integers((4,), 0, 9), integers((4, 2), 100, 199, "int64")),
    Case(normal((3000, 33)), integers((2500,), -3000, 3000, "int64"), normal((2500, 33))),
]
ERRORS = [
    (
        Case(normal((3, 2)), values([0, 1], "int64"), normal((2,))),
        pt.ShapeError,
        "[put_rows] x is f32[3, 2], index is i64[2], rows is f32[2]; expected int32 or int64, and for each index a row of x; reshape rows",
    ),
    (
        Case(normal((3, 2)), values([0, 3], "int64"), normal((2, 2))),
        pt.IndexError,
        "[put_rows] received an index out of range; expected every index within the axis that it reads; check the labels or token ids against the size",
    ),
]
MUTANTS = [
    ("../../program/emission.cpp", "operands.placed.front() != operands.placed.back()", "false"),
    ("../evaluate.cpp", "op.rewrites ? copied(ready[0])", "op.rewrites ? Tensor::empty(type)"),
    ("cpu.cpp", "at % d.chunks != chunk", "j % d.chunks != chunk"),
    ("spec.cpp", 'fn::where(fn::reshape(fn::call("equal", {winner, order}), column), g, fn::zeros(g.type()))', "g"),
    (
        "spec.cpp",
        "{c.grad[0], c.in[1], fn::zeros(c.in_types[2])}",
        '{c.grad[0], c.in[1], fn::call("take", {c.grad[0], c.in[1]})}',
    ),
]
BENCH = [Case(normal((50257, 768)), integers((1024,), 0, 50257, "int64"), normal((1024, 768)))]
