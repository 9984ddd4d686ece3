"""The values that an attacker passes, as expressions: each is made anew for its call."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import powertrain as pt


class OwnError(Exception):
    """What the attacker's own code raises: it must reach the attacker."""


def refuse(*args: Any, **kwargs: Any) -> Any:
    raise OwnError("the attacker's")


_QUESTIONS = (
    "abs add array array_interface bool bytes call complex contains delattr delitem dlpack dlpack_device enter eq "
    "exit float floordiv format fspath ge getitem gt hash hex index int invert iter le len length_hint lt matmul mod "
    "mul ne neg next or pos pow radd repr rmul round rsub setitem str sub truediv trunc and xor array_priority"
)
Raising = type("Raising", (), {f"__{name}__": refuse for name in _QUESTIONS.split()})


class Vague:
    """Every attribute that is asked for is there, and is another such object."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Vague()


class RaisingAttributes:
    def __getattr__(self, name: str) -> Any:
        raise OwnError(name)


class Answers:
    """Answers Python's questions with what was given."""

    def __new__(cls, **answers: Any) -> Any:
        members = {f"__{name}__": (lambda *args, value=value, **kwargs: value) for name, value in answers.items()}
        return object.__new__(type("Answers", (), members))


class Text(str):
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise OwnError("compared")


class Whole(int):
    def __index__(self) -> int:
        raise OwnError("asked for its index")


class Real(float):
    def __float__(self) -> float:
        raise OwnError("asked for its float")


class Pair(tuple[Any, ...]):
    def __iter__(self) -> Any:
        raise OwnError("iterated")


class Rows(list[Any]):
    """A list that grows while it is read."""

    def __iter__(self) -> Any:
        for item in list.__iter__(self):
            if len(self) < 100:
                self.append(item)
            yield item


def cycle() -> list[Any]:
    items: list[Any] = [1]
    items.append(items)
    return items


def dict_cycle() -> dict[str, Any]:
    items: dict[str, Any] = {}
    items["items"] = items
    return items


def deep(levels: int, kind: Any = list) -> Any:
    items: Any = 1.0
    for _ in range(levels):
        items = {"a": items} if kind is dict else kind([items])
    return items


def blank(cls: Any) -> Any:
    """An instance whose constructor never ran."""
    return cls.__new__(cls)


def leaked(dtype: str = "float32") -> Any:
    """A symbolic tensor outside of its trace."""
    kept: list[Any] = []
    pt.compile(lambda x: [kept.append(x), x * 1][1])(pt.ones((2, 3), dtype))
    return kept[0]


def looped() -> Any:
    """A module of which a part holds the whole."""
    module = pt.nn.Sequential(pt.nn.Identity())
    module[0].whole = module
    return module


def unaligned() -> Any:
    return np.frombuffer(bytearray(b"\1" * 25), np.uint8)[1:].view("float64")


def overlapping() -> Any:
    return np.lib.stride_tricks.as_strided(np.ones(4, "float32"), (3, 3), (4, 0))


def pipe() -> str:
    """A named pipe that nobody writes to: whoever opens it waits for ever."""
    import os

    path = Path(tempfile.mkdtemp()) / "pipe"
    os.mkfifo(path)
    return str(path)


# Expressions, with a bar between them.
NUMBERS = r"""
0 | 1 | -1 | 2 | 3 | 7 | 2**31 | 2**31-1 | -2**31 | 2**53 | 2**62 | 2**63-1 | 2**63 | -2**63 | 2**64 | 10**30
-10**30 | 10**400 | True | False | 0.5 | -0.0 | 1.5 | float('nan') | float('inf') | float('-inf') | 1e308
5e-324 | 1j | complex('nan') | np.int8(3) | np.uint64(2**63) | np.float16(1.5) | np.float64('nan')
np.bool_(True) | H.Whole(3) | H.Real(0.5)
"""
TEXTS = r"""
'' | 'x' | 'float32' | 'mean' | 'a' * 100000 | '\0' | '\ud800' | 'é' * 99 | '{}' | '%s%n' | b'' | b'ab'
bytearray(b'abcd') | memoryview(b'abcd') | H.Text('float32') | '/dev/zero' | '/' | '/nowhere/at/all'
H.pipe()
"""
OBJECTS = r"""
None | ... | NotImplemented | object() | int | float | pt | pt.Tensor | pt.Slot | pt.nn.Linear | type
H.Raising() | H.Vague() | H.RaisingAttributes() | H.Answers(index='x') | H.Answers(float='x', index=2**70)
H.Answers(len=-1) | H.Answers(len=2**62) | H.Answers(iter=3) | H.Answers(array=3)
H.Answers(array=None) | H.Answers(dlpack=3, dlpack_device=(1, 0)) | H.Answers(dlpack=3, dlpack_device='x')
H.Answers(dlpack=None, dlpack_device=()) | H.Answers(array_interface={}) | H.Answers(hash='x', eq='x')
H.Answers(repr=3) | H.Answers(call=3) | H.Answers(bool='x') | H.Answers(fspath=3) | slice(None)
slice(2**70, -1, 0) | np | Exception('x') | KeyboardInterrupt | property() | pt.float32 | pt.complex128
np.dtype('O') | np.float16 | np.random.default_rng(0) | pt.random.Generator(0)
"""
COLLECTIONS = r"""
[] | () | {} | set() | {1, 2} | [[]] | [1, [2]] | [None] | [1, 2] | (1, -1) | (0,) | (0, 0) | (2**40, 2**40)
(2**62,) | (-1, -1) | (1,) * 8 | (1,) * 9 | (1,) * 100 | [1.5, 'x'] | [pt.ones((2, 3))]
[pt.ones((2, 3)), pt.ones((3,))] | [H.blank(pt.Tensor)] | [H.leaked()] | H.cycle() | H.dict_cycle()
H.deep(50) | H.deep(3000) | H.deep(100000) | H.deep(100000, tuple) | H.deep(3000, dict) | {'a': 1} | {1: 2}
{None: None} | range(3) | range(10**18) | (i for i in range(3)) | (H.refuse() for i in range(3)) | iter(())
H.Pair((1, 2)) | H.Rows([1, 2]) | {'a': pt.ones((2, 3))} | dict(a=H.Raising()) | [True, False] | ['a', 'b']
frozenset('ab')
"""
TENSORS = r"""
pt.ones(()) | pt.ones((2, 3)) | pt.ones((3,)) | pt.ones((0,)) | pt.ones((2, 0, 3)) | pt.ones((1,) * 8)
pt.ones((2, 3, 4, 5)) | pt.ones((4, 6))[::2, ::-1] | pt.permute_dims(pt.ones((3, 2))) | pt.asarray(3)
pt.asarray(2.5) | pt.tensor([1, 2, 3]) | pt.tensor([-1, 2**62]) | pt.tensor([[True, False, True]])
pt.ones((2, 3), 'float16') | pt.ones((2, 3), 'bfloat16') | pt.ones((2, 3), 'float64')
pt.ones((2, 3), 'uint64') | pt.ones((2, 3), 'complex64') | pt.ones((2, 3), 'complex128')
pt.ones((2, 3), 'int8') | pt.full((2, 3), float('nan')) | pt.full((2, 3), float('inf'))
pt.broadcast_to(pt.ones(()), (2**20, 2**20)) | pt.broadcast_to(pt.ones(()), (2**31, 1)) | H.leaked()
H.leaked('int64') | H.blank(pt.Tensor) | H.blank(pt.Slot) | pt.Slot(pt.ones((2, 3)), 's')
pt.Slot(pt.ones((2, 3)), 's', trainable=True) | pt.Slot(pt.tensor([1, 2]), 'n')
pt.Slot(pt.ones((2,), 'float16'), 'h') | pt.Slot(pt.ones(()), '')
"""
ARRAYS = r"""
np.ones(3) | np.ones((2, 3), 'float32') | np.ones((2, 3), object) | np.array(['a']) | np.ones(3, '>f4')
np.ones(3, 'longdouble') | np.ones(3, 'clongdouble') | np.ones(3, 'M8[s]')
np.ones(3, [('a', 'f4'), ('b', 'i8')]) | np.ones(3, [('a', 'f4')])['a'] | np.array(None) | np.array(3)
np.ones((1,) * 9) | np.ones((1,) * 33) | np.ones((0, 2**40)) | np.ones((4, 4))[::-2, ::3]
np.ones((2, 3), 'i8') | np.array([2, 255], 'u1').view(bool) | np.array(2, 'u1').view(bool) | H.unaligned()
H.overlapping() | np.broadcast_to(np.ones(()), (2**20, 2**20)) | np.ma.masked_array([1.0, 2.0], [True, False])
np.matrix([[1.0, 2.0]]) | np.recarray((2,), 'f4,i4') | np.ones((2, 3), 'void') | np.array([], 'f4')
np.full((2, 3), np.nan)
"""
MODULES = r"""
pt.nn.Linear(3, 4) | H.blank(pt.nn.Linear) | H.blank(pt.nn.Module) | pt.nn.Module() | pt.nn.Sequential()
H.looped() | pt.optim.Adam(pt.nn.Linear(3, 4), lr=0.1) | H.blank(pt.optim.Adam) | pt.metrics.Mean()
"""
FUNCTIONS = r"""
H.refuse | lambda *a, **k: None | lambda *a, **k: 'no' | lambda *a, **k: pt.ones((2, 3))
lambda *a, **k: pt.ones(()) | lambda *a, **k: a | lambda *a, **k: (a, a) | lambda *a, **k: H.leaked()
lambda *a, **k: H.blank(pt.Tensor) | lambda *a, **k: 1.0 | lambda *a, **k: float(a[0])
lambda *a, **k: a[0] if a[0] else a[0] | lambda: None | len | print | max | iter | lambda *a: (yield) | pt.exp
pt.compile(lambda *a: a) | pt.grad(lambda x: (x * x).sum()) | lambda *a: H.cycle() | lambda *a: [H.deep(3000)]
"""


def _table(text: str) -> list[str]:
    return [expression for line in text.strip().splitlines() for expression in line.split(" | ")]


TABLE: dict[str, list[str]] = {
    "numbers": _table(NUMBERS),
    "texts": _table(TEXTS),
    "objects": _table(OBJECTS),
    "collections": _table(COLLECTIONS),
    "tensors": _table(TENSORS),
    "arrays": _table(ARRAYS),
    "modules": _table(MODULES),
    "functions": _table(FUNCTIONS),
}
