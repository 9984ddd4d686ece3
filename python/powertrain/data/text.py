"""Text for language models: a character vocabulary fitted on the training part, and windows of its tokens."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from powertrain.data.dataset import Dataset
from powertrain.data.errors import DataError
from powertrain.data.npy import StoredArray
from powertrain.data.source import Array, Fields, Indices, anew, by_rows
from powertrain.io.mapped import check_mapped, unmapped

# What a character that the training text does not have becomes, and what it is shown as.
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class Vocabulary:
    """Characters numbered in code-point order; number 0 stands for any that the training text lacks.

    >>> Vocabulary.fit("banana").encode("nab!").tolist()
    [3, 1, 2, 0]
    """

    def __init__(self, characters: str) -> None:
        self.characters = UNKNOWN + characters.replace(UNKNOWN, "")
        points = self._points(self.characters)[1:]
        if len(points) == 0 or (np.diff(points.astype(np.int64)) <= 0).any():
            raise DataError(
                "vocabulary",
                f"characters {characters[:20]!r}",
                "expected at least one, ascending and each once",
                "make it with Vocabulary.fit(text)",
            )
        self._sorted = points

    @staticmethod
    def _points(text: str) -> NDArray[np.uint32]:
        return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")

    @classmethod
    def fit(cls, text: str) -> Vocabulary:
        return cls("".join(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> NDArray[np.int64]:
        points = self._points(text)
        at = np.minimum(np.searchsorted(self._sorted, points), len(self._sorted) - 1)
        return np.where(self._sorted[at] == points, at + 1, 0).astype(np.int64)

    def decode(self, tokens: Array) -> str:
        numbers = np.asarray(tokens).ravel()
        if numbers.size and (int(numbers.min()) < 0 or int(numbers.max()) >= len(self)):
            raise DataError(
                "vocabulary",
                f"tokens from {int(numbers.min())} to {int(numbers.max())}",
                f"expected 0 to {len(self) - 1}",
                "decode with the vocabulary that the model was trained with",
            )
        return "".join(self.characters[number] for number in numbers)

    def token_bytes(self) -> list[bytes]:
        """What each token writes, in UTF-8; nothing for the character that stands for others."""
        return [b"", *(character.encode("utf-8", "surrogatepass") for character in self.characters[1:])]

    def state(self) -> dict[str, Array]:
        """The code points, for a slot."""
        return {"characters": self._sorted.astype(np.int64)}

    @classmethod
    def from_state(cls, state: Mapping[str, Array]) -> Vocabulary:
        return cls("".join(map(chr, np.asarray(state["characters"]).tolist())))


class Windows(Dataset):
    """Contiguous windows of a token stream: x = `context` tokens, y = the same shifted by one.

    Window i begins at i * stride. A stride of 1 makes every offset a window, for random sampling; a stride of
    `context` covers each token once, for evaluation. Tokens that are stored in a file stay there.

    Example
        >>> windows = pt.data.Windows(np.arange(10), context=4)
        >>> len(windows)
        6
    """

    def __init__(self, tokens: Array | StoredArray, context: int, stride: int = 1) -> None:
        if context < 1 or stride < 1:
            raise DataError(
                "windows", f"context = {context}, stride = {stride}", "expected both >= 1", "64 is a usual context"
            )
        if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
            raise DataError(
                "windows",
                f"tokens of dtype {tokens.dtype} and shape {list(tokens.shape)}",
                "expected one row of integers",
                "encode the text with a vocabulary",
            )
        if len(tokens) <= context:
            raise DataError(
                "windows",
                f"{len(tokens):,} tokens for context = {context}",
                f"expected at least {context + 1:,}",
                "add text or lower context",
            )
        stored = isinstance(tokens, StoredArray)
        self.tokens = tokens if stored else np.ascontiguousarray(unmapped(tokens, "windows"), dtype=np.int64)
        self.context = context
        self.stride = stride

    def __len__(self) -> int:
        return -(-(len(self.tokens) - self.context) // self.stride)

    @anew()
    @by_rows()
    def fetch(self, indices: Indices) -> Fields:
        places = self.stride * np.asarray(indices)[:, None] + np.arange(self.context + 1)
        rows = self.tokens_at(places.ravel()).reshape(places.shape)
        return {"x": np.ascontiguousarray(rows[:, :-1]), "y": np.ascontiguousarray(rows[:, 1:])}

    def tokens_at(self, places: Indices) -> NDArray[np.int64]:
        check_mapped(self.tokens, "windows")
        return self.tokens.take(places).astype(np.int64, copy=False)
