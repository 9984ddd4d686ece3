"""What the case files are written in: arrays described rather than made, and cases built of them.

A case file tests/cases/<op>.py holds
  reference   the op in float64, from NumPy, SciPy or a few lines (its docstring says which)
  CASES       calls to check: forward, gradients, compiled, strided, in every dtype of DTYPES
  ERRORS      (case, exception, exact text)
and, where the defaults do not fit,
  magnitude   the size of what was summed, per output element; |reference| without it
  K           the factor of the one tolerance rule (oracles.py); 4 without it
  GRADIENT_SIZE  up to how many elements gradients are compared with differences; 4000 without it
  DTYPES      float dtypes that the drawn inputs take; all four without it
  GRADIENTS   (case, gradients by its float inputs of the sum of the outputs): exact, where no difference says it
  MUTANTS     (file in cpp/ops/<op>/, text, replacement): each must make this op's own tests fail
  BENCH       cases for benchmarks/
  K_GRADIENT  the factor for float32 gradients on the scale of the whole gradient; 64 without it
  SECOND      False where second derivatives are not supported
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FLOATS = ("float32", "float64", "float16", "bfloat16")
CASE_FOLDER = Path(__file__).parents[1] / "cases"


@dataclass(frozen=True)
class Draw:
    """An input, described: made only when a test wants it, in the dtype that the test wants."""

    text: str
    make: Callable[[np.random.Generator], Array] = field(repr=False)
    shape: tuple[int, ...]
    dtype: str | None = None  # None: the float dtype under test

    def __repr__(self) -> str:
        return self.text


def normal(shape: tuple[int, ...], scale: float = 1.0, shift: float = 0.0) -> Draw:
    return Draw(f"normal({shape}, {scale}, {shift})", lambda rng: shift + scale * rng.standard_normal(shape), shape)


def uniform(shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Draw:
    return Draw(f"uniform({shape}, {low}, {high})", lambda rng: rng.uniform(low, high, shape), shape)


def spaced(shape: tuple[int, ...], gap: float = 0.25) -> Draw:
    """Distinct values at least `gap` apart, shuffled: for ops that compare, whose gradients jump where values tie."""
    size = math.prod(shape)
    return Draw(
        f"spaced({shape}, {gap})",
        lambda rng: gap * (rng.permutation(size).reshape(shape) - size / 2 + 0.5),
        shape,
    )


def integers(shape: tuple[int, ...], low: int, high: int, dtype: str = "int32") -> Draw:
    return Draw(
        f"integers({shape}, {low}, {high}, {dtype})",
        lambda rng: rng.integers(low, high, shape).astype(dtype),
        shape,
        dtype,
    )


def complexes(shape: tuple[int, ...], dtype: str = "complex64") -> Draw:
    """Complex numbers, of a dtype of their own."""
    text = f"complexes({shape}, {dtype})"
    return Draw(text, lambda rng: rng.standard_normal(shape) + 1j * rng.standard_normal(shape), shape, dtype)


def booleans(shape: tuple[int, ...]) -> Draw:
    return Draw(f"booleans({shape})", lambda rng: rng.random(shape) < 0.5, shape, "bool")


def values(data: Any, dtype: str | None = None) -> Draw:
    array = np.asarray(data, dtype=dtype if dtype else "float64")
    return Draw(f"values({data})", lambda rng: array, array.shape, dtype)


# What floating-point code gets wrong: signs of zero, ends of the range, subnormals, halfway cases, huge arguments.
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, math.pi, 1e-40, -1e-40, 1e-30, 6e-8, 9.0, -9.0, 20.0,
           88.0, 89.0, -87.5, -103.0, -104.0, -200.0, 709.0, 1e5, -1e5, 3e38, -3e38,
           math.inf, -math.inf, math.nan)  # fmt: skip


def special() -> Draw:
    return values(SPECIAL)


def special_pairs() -> tuple[Draw, Draw]:
    left, right = np.meshgrid(np.array(SPECIAL), np.array(SPECIAL))
    return values(left), values(right)


class Case:
    """One call. Draws and lists of Draws are tensors and are passed as written; the rest are attributes."""

    def __init__(self, *inputs: Any, **rest: Any) -> None:
        self.inputs = inputs
        self.rest = rest
        self.differentiable = self.twice = True

    def no_gradient(self) -> Case:
        """This call where a difference quotient means nothing: at special values, at jumps."""
        self.differentiable = False
        return self

    def no_second_derivative(self) -> Case:
        """This call where the gradient jumps, such as at ties, and has the mean of both sides."""
        self.twice = False
        return self

    def make(self, dtype: str, seed: int = 0) -> tuple[list[Any], dict[str, Any]]:
        """The arguments as NumPy arrays. 16-bit floats come as the float32 values that they can hold."""
        rng = np.random.default_rng(seed)

        def build(value: Any) -> Any:
            if isinstance(value, list | tuple) and value and isinstance(value[0], Draw):
                return [build(item) for item in value]
            if not isinstance(value, Draw):
                return value
            array = np.asarray(value.make(rng))  # what NumPy draws without a shape is no array
            return array.astype(value.dtype) if value.dtype else round_to(array, dtype)

        with np.errstate(all="ignore"):
            return [build(value) for value in self.inputs], {name: build(value) for name, value in self.rest.items()}

    def __repr__(self) -> str:
        parts = [repr(value) for value in self.inputs] + [f"{name}={value!r}" for name, value in self.rest.items()]
        return f"Case({', '.join(parts)})"


def _form(case: Case) -> str:
    """What a case is, with the ranks of its inputs in the place of their sizes."""

    def told(value: Any) -> str:
        if isinstance(value, list | tuple) and value and isinstance(value[0], Draw):
            return f"[{', '.join(map(told, value))}]"
        return repr(value).replace(f"{value.shape}", f"{len(value.shape)}d") if isinstance(value, Draw) else repr(value)

    return ", ".join([*map(told, case.inputs), *(f"{name}={told(value)}" for name, value in case.rest.items())])


def one_of_each_form(cases: Iterable[Case]) -> list[Case]:
    """The first case of each form that has more than one element: of the sizes of `unary` one for each rank, and all
    that a file adds by itself."""
    chosen: dict[str, Case] = {}
    for case in cases:
        form = _form(case)
        if form not in chosen or _is_single(chosen[form]):
            chosen[form] = case
    return list(chosen.values())


def _is_single(case: Case) -> bool:
    return all(math.prod(value.shape) < 2 for value in case.inputs if isinstance(value, Draw))


def round_to(array: Array, dtype: str) -> Array:
    """The nearest values of a dtype, held in NumPy's own: bfloat16, which it lacks, in float32."""
    if dtype != "bfloat16":
        return array.astype(dtype).astype("float32" if dtype == "float16" else dtype)
    bits = array.astype("float32").view("uint32")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(array), np.float32(np.nan), rounded.view("float32"))


def around(*sizes: int) -> list[int]:
    """The sizes at which tails and blocks go wrong: each, one less and one more."""
    return [size + offset for size in sizes for offset in (-1, 0, 1)]


SIZES = (0, 1, *around(16, 32, 1024))
BROADCASTS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((3, 5), (3, 5)), ((3, 1, 5), (4, 1)), ((), (7,)), ((6,), ()), ((), ()), ((2, 0, 3), (1, 3)), ((33, 1), (1, 17)),
)  # fmt: skip


def unary(draw: Callable[[tuple[int, ...]], Draw]) -> list[Case]:
    """The shapes of an elementwise op of one input."""
    shapes: Iterable[tuple[int, ...]] = [(n,) for n in SIZES] + [(), (3, 5, 7)]
    return [Case(draw(shape)) for shape in shapes]


def binary(left: Callable[[tuple[int, ...]], Draw], right: Callable[[tuple[int, ...]], Draw]) -> list[Case]:
    """The shapes of an elementwise op of two inputs, broadcasts among them."""
    shapes = [((n,), (n,)) for n in SIZES] + list(BROADCASTS)
    return [Case(left(a), right(b)) for a, b in shapes]


def comparison() -> list[Case]:
    """Inputs of an op that compares: equal ones among them, of all kinds of dtype, and special values."""
    few = [Case(integers((n,), 0, 3), integers((n,), 0, 3)) for n in SIZES]
    mixed = [Case(normal(a), normal(b)) for a, b in BROADCASTS]
    truths = [Case(booleans((n,)), booleans((n,))) for n in (0, 1, 40)]
    return [*few, *mixed, *truths, Case(*special_pairs()), Case(integers((40,), 0, 9, "int64"), normal((40,)))]


REDUCED: tuple[tuple[tuple[int, ...], Any], ...] = (
    ((7,), None), ((), None), ((3, 5), 0), ((3, 5), 1), ((3, 5), -1), ((3, 5), None), ((4, 3, 5), 1),
    ((4, 3, 5), (0, 2)), ((4, 3, 5), (1, 2)), ((4, 3, 5), (0, 1)), ((2, 3, 4, 5), (1, 3)),
    ((3, 1023), 1), ((3, 1025), 1), ((2, 3100), 1), ((1, 70001), 1), ((257, 5), 0), ((4100, 3), 0), ((300, 40), 0),
)  # fmt: skip


def reductions(draw: Callable[[tuple[int, ...]], Draw], *, empty: bool = True) -> list[Case]:
    """The shapes and axes of a reduction; empty: whether an empty one has a value."""
    cases = [Case(draw(shape), axis=axis) for shape, axis in REDUCED]
    cases += [Case(draw((3, 5)), axis=1, keepdims=True), Case(draw((2, 3, 4)), axis=(0, 2), keepdims=True)]
    cases += [Case(draw((2, 0)), axis=0)]
    if empty:
        cases += [Case(draw((0,)), axis=None), Case(draw((2, 0)), axis=1)]
    return cases


def case_files() -> dict[str, ModuleType]:
    names = sorted(path.stem for path in CASE_FOLDER.glob("*.py") if not path.stem.startswith("_"))
    return {name.rstrip("_"): importlib.import_module(f"cases.{name}") for name in names}
