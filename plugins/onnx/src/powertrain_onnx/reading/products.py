"""Products. A few numbers of a file may ask for a result that no memory holds: its shape is looked at before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import powertrain as pt
from powertrain_onnx.reading.registry import bounded, operator


@operator("MatMul")
def matmul(a: Any, b: Any) -> Any:
    bounded((*pt.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *a.shape[-2:-1], *(b.shape[-1:] if b.ndim > 1 else ())))
    return pt.matmul(a, b)


@operator("Gemm", transA=(0, 1), transB=(0, 1))
def gemm(
    a: Any, b: Any, c: Any = None, *, alpha: float = 1.0, beta: float = 1.0, transA: int = 0, transB: int = 0  # noqa: N803
) -> Any:  # fmt: skip
    left = pt.permute_dims(a, (1, 0)) if transA else a
    right = pt.permute_dims(b, (1, 0)) if transB else b
    bounded((left.shape[0], right.shape[-1]))
    made = pt.matmul(left, right)
    made = made if alpha == 1 else made * alpha
    if c is None:
        return made
    bounded(pt.broadcast_shapes(made.shape, c.shape))
    return made + (c if beta == 1 else c * beta)


@operator("Einsum")
def einsum(*operands: Any, equation: str) -> Any:
    for shape in _shapes(equation, operands):
        bounded(shape)
    return pt.einsum(equation, *operands)


def _shapes(equation: str, operands: tuple[Any, ...]) -> Iterator[tuple[int, ...]]:
    """Shapes at least as large as what `pt.einsum` makes, which multiplies from left to right; none of what it refuses
    itself."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    names = [_letters(term, one.ndim) for term, one in zip(inputs.split(","), operands, strict=False)]
    sizes: dict[str, int] = {}
    for letters, one in zip(names, operands, strict=False):
        if len(letters) != one.ndim:
            return
        for letter, size in zip(letters, one.shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    further = {letter for letters in names for letter in letters if len(letter) > 1}
    wanted = {*output} | further if arrow else {*sizes}
    exact = not any(one.dtype.is_float or one.dtype.is_complex for one in operands)  # its sums are of all products
    held = {*names[0]} if names else set()
    for at, letters in enumerate(names[1:], 1):
        other, later = {*letters}, wanted.union(*names[at + 1 :])
        first, second = held & (later | other), other & (later | held)
        held = (first | second) & later
        for made in (first, second, first | second if exact else held):
            yield tuple(sizes[letter] for letter in made)


def _letters(term: str, axes: int) -> tuple[str, ...]:
    """A name for each axis; those behind an ellipsis are counted from its end, as they broadcast."""
    before, dots, behind = term.partition("...")
    inner = axes - len(before) - len(behind) if dots else 0
    return (*before, *(f"...{at}" for at in range(inner, 0, -1)), *behind)
