"""The data set `tokens`: the token numbers of a text, in a file that may be larger than the memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import DataError
from powertrain.data.formats import numpy_file, open_file
from powertrain.data.module import DataModule
from powertrain.data.npy import Header, StoredArray, read_header
from powertrain.data.source import Indices
from powertrain.data.split import ordered_bounds
from powertrain.data.text import Windows
from powertrain.io.inputs import size_of
from powertrain.plugin.bases import Data
from powertrain.plugin.params import param

FIRST = 64  # numbers that show how wide they are


class Tokens(Data):
    """Token numbers in a file that is never read as a whole: an .npy array, or a file of nothing but the numbers, as
    nanoGPT writes it. Windows are read when a batch asks for them.

    Example
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (np.arange(1000) % 50).astype("uint16").tofile(folder / "train.bin")
        >>> params = pt.builtin.data.Tokens.Params(path=Path("train.bin"), vocabulary=50, context=16)
        >>> data = pt.builtin.data.Tokens.build(params, folder)
        >>> data.inputs().shape, len(data.splits["valid"])
        ((16,), 6)
    """

    examples = ({"path": "train.bin", "vocabulary": 50257},)

    @dataclass(frozen=True)
    class Params:
        path: Path = param(doc="an .npy file of one row of whole numbers, or a file of nothing but the numbers")
        vocabulary: int = param(low=2, high=1 << 31, doc="how many tokens there are; their numbers begin with 0")
        dtype: str = param("uint16", choices=("uint16", "uint32"), doc="dtype of a file that is not .npy")
        context: int = param(64, low=1, doc="tokens that the model sees")
        valid: float = param(0.1, low=0, below=1, doc="share at the end of the file, for validation")
        test: float = param(0.0, low=0, below=1, doc="share at the end of the file, for the test")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        path, where = base / params.path, f"tokens {params.path}"
        shares = {part: share for part, share in (("valid", params.valid), ("test", params.test)) if share > 0}
        splits = {}
        with open_file(path, where) as file:
            header = _header(file, path, params.dtype, where)
            for part, (start, end) in ordered_bounds(header.shape[0], shares).items():
                begin = header.start + start * header.dtype.itemsize
                tokens = StoredArray(path, file, replace(header, shape=(end - start,), start=begin))
                stride = 1 if part == "train" else params.context
                splits[part] = TokenWindows(tokens, params.context, stride, params.vocabulary, start)
        return DataModule(params.path.stem, "language", splits, params.vocabulary, context=params.context)


def _header(file: IO[bytes], path: Path, dtype: str, where: str) -> Header:
    """Of what kind the numbers are, how many there are, and where they begin."""
    size = size_of(file)
    if path.suffix == ".npy":
        with numpy_file(path, where):
            header = read_header(file, size)
    else:
        numbers = np.dtype(dtype).newbyteorder("<")
        if size % numbers.itemsize:
            raise DataError(
                where, f"{path} has {size:,} bytes", f"expected numbers of {numbers.itemsize} bytes each",
                "the file is cut off, or data.dtype is wrong",
            )  # fmt: skip
        header = Header(numbers, (size // numbers.itemsize,), by_columns=False, start=0)
        _demand_width(file, path, numbers, where)
    if len(header.shape) != 1 or header.shape[0] < 2 or header.dtype.kind not in "iu":
        raise DataError(
            where, f"{path} holds {header.dtype}{list(header.shape)}", "expected one row of whole numbers",
            "write the numbers of the tokens one after the other",
        )  # fmt: skip
    return header


def _demand_width(file: IO[bytes], path: Path, numbers: np.dtype[Any], where: str) -> None:
    """Refuse wider numbers than data.dtype says: read by halves they are tokens and zeros by turns, and nobody would
    notice."""
    begins = np.frombuffer(file.read(FIRST * numbers.itemsize), numbers)
    if len(begins) == FIRST and begins.any() and not begins[1::2].any():
        raise DataError(
            where, f"{path}, where every second number is 0 as {numbers.name}", "expected tokens one after the other",
            'set data.dtype = "uint32", or write the numbers as uint32',
        )  # fmt: skip


class TokenWindows(Windows):
    """Windows whose tokens are held to the vocabulary as they are read: the whole file would take too long."""

    def __init__(self, tokens: StoredArray, context: int, stride: int, vocabulary: int, first: int) -> None:
        super().__init__(tokens, context, stride)
        self.path, self.vocabulary, self.first = tokens.path, vocabulary, first

    def tokens_at(self, places: Indices) -> NDArray[np.int64]:
        found = super().tokens_at(places)
        wrong = np.flatnonzero((found < 0) | (found >= self.vocabulary))
        if len(wrong):
            raise DataError(
                "tokens", f"token {found[wrong[0]]} at place {self.first + places[wrong[0]]:,} of {self.path}",
                f"expected 0 to {self.vocabulary - 1:,}", "set data.vocabulary to how many tokens there are",
            )  # fmt: skip
        return found
