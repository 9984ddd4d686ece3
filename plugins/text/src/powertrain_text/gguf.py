"""GGUF: one file with the weights of a language model, its settings and its tokenizer. A reader that trusts nothing.

Every count is held against the bytes that are left before room is made for it, so a file that lies is an error and
costs no more memory than it has bytes.
"""

from __future__ import annotations

import math
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError, read_bytes
from powertrain_text.blocks import FORMATS, dequantized

VERSIONS = (2, 3)
MOST_KEYS, MOST_TENSORS, MOST_AXES = 100_000, 100_000, 4
MOST_NUMBERS = 1 << 22  # of one setting; vocabularies, which have one for each word, are far smaller
ALIGNMENT = 32  # where the file does not say

# Of a value, by its number. 8 is a text and 9 an array.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY = 8, 9


class StoredTensor(NamedTuple):
    """Where a tensor lies in the file, and how."""

    shape: tuple[int, ...]  # row-major, as NumPy has it
    kind: int
    begin: int
    end: int


class Gguf:
    """A file that was read: `meta` holds its settings, `read(name)` gives a tensor as float32."""

    def __init__(self, path: Path | str) -> None:
        self._where = f"gguf {Path(path).name}"
        self._raw = memoryview(read_bytes(path, "gguf"))
        self._at = 0
        self.meta: dict[str, Any] = {}
        self.tensors: dict[str, StoredTensor] = {}
        if bytes(self._raw[:4]) != b"GGUF":
            self._refuse("its first bytes are not GGUF", "expected a GGUF file", "check the path")
        self._at = 4
        version = self._number("I")
        if version not in VERSIONS:
            self._refuse(f"version {version}", "expected 2 or 3", "convert the model with newer tools")
        tensors, keys = self._number("Q"), self._number("Q")
        if tensors > MOST_TENSORS or keys > MOST_KEYS:
            self._refuse(
                f"{tensors:,} tensors and {keys:,} settings", f"expected at most {MOST_TENSORS:,} of each",
                "the file is damaged; fetch it again",
            )  # fmt: skip
        for _ in range(keys):
            name = self._text()
            self.meta[name] = self._value(self._number("I"))
        heads = [self._head() for _ in range(tensors)]
        self._place(heads)

    def read(self, name: str) -> NDArray[np.float32]:
        """A tensor by its name, as float32."""
        if name not in self.tensors:
            known = ", ".join(list(self.tensors)[:5]) or "none"
            self._refuse(f"no tensor {name}", f"expected it beside {known}", "is it a model of this architecture?")
        stored = self.tensors[name]
        return dequantized(FORMATS[stored.kind], self._raw[stored.begin : stored.end], stored.shape)

    def _refuse(self, received: str, expected: str, fix: str) -> NoReturn:
        raise DataError(self._where, received, expected, fix)

    def _take(self, count: int) -> memoryview:
        if count > len(self._raw) - self._at:
            self._refuse(
                f"{count:,} bytes wanted at {self._at:,}, and {len(self._raw):,} in all", "expected a whole file",
                "it is cut off or damaged; fetch it again",
            )  # fmt: skip
        self._at += count
        return self._raw[self._at - count : self._at]

    def _number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self._take(struct.calcsize(f"<{code}")))[0]

    def _text(self) -> str:
        return bytes(self._take(self._number("Q"))).decode("utf-8", "replace")

    def _value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self._text()
        if kind == _ARRAY:
            return self._array(self._number("I"), self._number("Q"))
        return self._number(self._code(kind))

    def _code(self, kind: int) -> str:
        if kind not in _SCALARS:
            self._refuse(f"a setting of kind {kind}", "expected a number, a text or an array of such", "fetch it again")
        return _SCALARS[kind]

    def _array(self, kind: int, count: int) -> Any:
        if kind == _TEXT:
            # The length of a text takes 8 bytes, so more than that are not there.
            self._demand(8 * count)
            return [self._text() for _ in range(count)]
        code = self._code(kind)
        if count > MOST_NUMBERS:  # a number of a list takes more room than one of the file
            self._refuse(f"{count:,} numbers in a setting", f"expected at most {MOST_NUMBERS:,}", "fetch it again")
        return np.frombuffer(self._take(count * struct.calcsize(f"<{code}")), f"<{code}").tolist()

    def _demand(self, count: int) -> None:
        at = self._at
        self._take(count)
        self._at = at

    def _head(self) -> tuple[str, tuple[int, ...], int, int]:
        name, axes = self._text(), self._number("I")
        if axes > MOST_AXES:
            self._refuse(f"tensor {name[:60]} has {axes} axes", f"expected at most {MOST_AXES}", "fetch it again")
        shape = tuple(self._number("Q") for _ in range(axes))[::-1]
        kind, offset = self._number("I"), self._number("Q")
        if kind not in FORMATS:
            known = ", ".join(form.name for form in FORMATS.values())
            self._refuse(
                f"tensor {name[:60]} is of format {kind}",
                f"expected one of {known}",
                "quantize the model in one of these formats",
            )
        return name, shape, kind, offset

    def _place(self, heads: list[tuple[str, tuple[int, ...], int, int]]) -> None:
        alignment = self.meta.get("general.alignment", ALIGNMENT)
        if type(alignment) is not int or not 1 <= alignment <= 1 << 20:
            self._refuse(f"general.alignment = {alignment!r}", "expected a number from 1 to 2^20", "fetch it again")
        start = -(-self._at // alignment) * alignment
        for name, shape, kind, offset in heads:
            form, weights = FORMATS[kind], math.prod(shape)
            row = shape[-1] if shape else 1
            begin = start + offset
            end = begin + weights // form.weights * form.bytes
            if weights == 0 or row % form.weights or end > len(self._raw) or name in self.tensors:
                self._refuse(
                    f"tensor {name[:60]}, {form.name}{list(shape)} at {begin:,}, of {len(self._raw):,} bytes in all",
                    f"expected rows of whole blocks of {form.weights} inside of the file, and each name once",
                    "it is cut off or damaged; fetch it again",
                )  # fmt: skip
            self.tensors[name] = StoredTensor(shape, kind, begin, end)
        # Tensors on the same bytes would make a small file a large model.
        in_order = sorted((one.begin, one.end, name) for name, one in self.tensors.items())
        for (_, end, name), (begin, _, other) in pairwise(in_order):
            if begin < end:
                self._refuse(
                    f"tensors {name[:60]} and {other[:60]} on the same bytes", "expected bytes of its own for each",
                    "the file is damaged; fetch it again",
                )  # fmt: skip
