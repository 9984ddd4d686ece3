"""Cases of embedding; the reference is indexing. A word that occurs often sums many gradients."""

import powertrain as pt
from kit import Array, Case, integers, normal, values


def reference(index: Array, table: Array) -> Array:
    return table[index]


K = 0
CASES = [
    *[Case(integers(shape, 0, 11), normal((11, 5))) for shape in ((), (0,), (4,), (2, 3), (60,))],
    Case(values([3, 3, 3, 3, 3, 0], "int64"), normal((11, 33))),
]
ERRORS = [
    (
        Case(values([5], "int64"), normal((3, 2))),
        pt.IndexError,
        "[embedding] received an index out of range; expected every index within the axis that it reads; check the labels or token ids against the size",
    ),
    (
        Case(values([0], "int64"), normal((3,))),
        pt.ShapeError,
        "[embedding] input is i64[1], weight is f32[3]; expected integers and a weight of two axes; pass embedding(input, weight)",
    ),
    (
        Case(values([0], "float32"), normal((3, 2))),
        pt.ShapeError,
        "[embedding] input is f32[1], weight is f32[3, 2]; expected integers and a weight of two axes; make token ids of them: input.astype('int64')",
    ),
]
BENCH = [Case(integers((4, 64), 0, 50257), normal((50257, 768)))]
