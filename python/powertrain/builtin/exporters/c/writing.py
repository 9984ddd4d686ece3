"""Pieces of C: types, numbers, names, loops over arrays that lie in memory row by row."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TYPES = {
    "bool": "unsigned char", "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t",
    "int64": "int64_t", "float32": "float", "float64": "double",
}  # fmt: skip
COLUMNS = 120  # of a line of numbers


def number(value: float | int | bool, dtype: str) -> str:
    """A constant of C, with as many digits as give the same bits again."""
    if not dtype.startswith("float"):
        whole = int(value)
        if dtype == "int64":  # the smallest one has no literal
            return f"INT64_C({whole})" if whole > -(2**63) else "INT64_MIN"
        return str(whole)
    wide = float(value)
    if math.isnan(wide):
        return "NAN"
    if math.isinf(wide):
        return "INFINITY" if wide > 0 else "-INFINITY"
    text = f"{wide:.9g}" if dtype == "float32" else f"{wide:.17g}"
    text = text if re.search(r"[.e]", text) else f"{text}.0"
    return f"{text}f" if dtype == "float32" else text


def array(kind: str, name: str, values: NDArray[np.generic], dtype: str) -> str:
    """A constant array."""
    lines, line = [], "   "
    for text in _items(values, dtype):
        if len(line) + len(text) > COLUMNS:
            lines.append(line)
            line = "   "
        line += text
    return "\n".join([f"static const {kind} {name}[{max(values.size, 1)}] = {{", *lines, line, "};"])


def _items(values: NDArray[np.generic], dtype: str) -> Iterator[str]:
    """Each number as it stands in an array. Most of a model's are fractions, which `number` would look at for long."""
    fraction, end = {"float32": ("%.9g", "f,"), "float64": ("%.17g", ",")}.get(dtype, ("", ","))
    for value in values.ravel().tolist():
        text = fraction % value if fraction else ""
        yield f" {text}{end}" if "." in text or "e" in text else f" {number(value, dtype)},"


def quoted(text: str) -> str:
    """A string constant: what is not a plain letter, digit or blank is an escape of three octal digits, so that no text
    ends the constant, the line or the comment around it."""
    safe = re.compile(rb"[A-Za-z0-9 _.,+-]")
    return '"' + "".join(chr(one) if safe.match(bytes([one])) else f"\\{one:03o}" for one in text.encode()) + '"'


def comment(text: str) -> str:
    """Words for a comment: signs that could end it or join lines are left out."""
    return re.sub(r"[^A-Za-z0-9 _.,:()\[\]+-]", " ", text).strip()


@dataclass(frozen=True)
class Array:
    """An array of the program: its C name, dtype and shape, in row-major order."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def kind(self) -> str:
        return TYPES[self.dtype]


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Of an array in row-major order."""
    found, step = [], 1
    for size in reversed(shape):
        found.append(step)
        step *= size
    return tuple(reversed(found))


def broadcast(shape: Sequence[int], to: Sequence[int]) -> tuple[int, ...]:
    """The strides of an array laid over a larger shape."""
    own = strides(shape)
    front = len(to) - len(shape)
    return (0,) * front + tuple(0 if size == 1 else step for size, step in zip(shape, own, strict=True))


@dataclass(frozen=True)
class Walk:
    """A way through arrays side by side: the sizes of the loops, and for each array its strides and its beginning."""

    sizes: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]
    begins: tuple[int, ...]

    def merged(self) -> Walk:
        """The same with as few loops as possible."""
        sizes: list[int] = []
        steps: list[list[int]] = [[] for _ in self.steps]
        for at, size in enumerate(self.sizes):
            if size == 1:
                continue
            if sizes and all(own[-1] == given[at] * size for own, given in zip(steps, self.steps, strict=True)):
                sizes[-1] *= size
                for own, given in zip(steps, self.steps, strict=True):
                    own[-1] = given[at]
                continue
            sizes.append(size)
            for own, given in zip(steps, self.steps, strict=True):
                own.append(given[at])
        return Walk(tuple(sizes), tuple(map(tuple, steps)), self.begins)

    def loops(self, body: Sequence[str]) -> list[str]:
        """Loops around lines in which `{0}` is the place in the first array."""
        walk = self.merged()
        names = [f"i{at}" for at in range(len(walk.sizes))]
        places = [place(names, step, begin) for step, begin in zip(walk.steps, walk.begins, strict=True)]
        lines = [line.format(*places) for line in body]
        return nested(zip(names, walk.sizes, strict=True), lines)


def place(names: Sequence[str], steps: Sequence[int], begin: int = 0) -> str:
    """`3 + i0 * 8 + i1`."""
    parts = [str(begin)] if begin else []
    parts += [name if step == 1 else f"{name} * {step}" for name, step in zip(names, steps, strict=True) if step]
    return " + ".join(parts) or "0"


def nested(loops: Iterable[tuple[str, int]], body: Sequence[str]) -> list[str]:
    """`for` loops from 0 on, one inside of the other; a block of its own where there are none."""
    found = list(loops)
    return list(_nested(found, body, 0)) if found else ["{", *(f"    {line}" for line in body), "}"]


def _nested(loops: list[tuple[str, int]], body: Sequence[str], depth: int) -> Iterator[str]:
    pad = "    " * depth
    if not loops:
        yield from (pad + line for line in body)
        return
    name, size = loops[0]
    yield f"{pad}for (long {name} = 0; {name} < {size}; {name}++) {{"
    yield from _nested(loops[1:], body, depth + 1)
    yield pad + "}"
