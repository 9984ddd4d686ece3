"""Cases of embedding; the reference is indexing. A word that occurs often sums many gradients."""

from kit import Array, Case, integers, normal, values


def reference(index: Array, table: Array) -> Array:
    return table[index]


K = 0
CASES = [
    *[Case(integers(shape, 0, 11), normal((11, 5))) for shape in ((), (0,), (4,), (2, 3), (60,))],
    Case(values([3, 3, 3, 3, 3, 0], "int64"), normal((11, 33))),
]
BENCH = [Case(integers((4, 64), 0, 50257), normal((50257, 768)))]
