"""Which sounds each letter of a word stands for, learned from whole words and their pronunciations.

A letter stands for no sound, one, or two. The chance of each is counted, each word is cut in the likeliest way, and so
again: hard expectation maximization.

Source    the one-to-many alignment of Jiampojamarn, Kondrak and Sherif 2007
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import evenly_spaced

MOST = 2  # sounds of a letter
ROUNDS = 5
RARE = 0.01  # of a count: what was never seen is unlikely, not impossible
NEVER = -1e9
ROWS = 4096  # words that are cut at once
ENOUGH = 20_000  # words to learn from


class Aligner:
    """Cuts the sounds of words among their letters. Letters and sounds are numbers, and rows are filled up with -1."""

    def __init__(self, letters: int, sounds: int) -> None:
        self.sounds = sounds
        # log p of each piece of 0, 1 or 2 sounds, by letter. At first each letter may stand for everything alike, but
        # two sounds at once are less likely than one, and none is less likely still.
        pieces = 1 + sounds + sounds**2
        self.logs = np.full((letters, pieces), -4.0)
        self.logs[:, 0], self.logs[:, 1 : 1 + sounds] = -3.0, -2.0

    def piece(self, first: Any = None, second: Any = None) -> Any:
        """The number of a piece."""
        if first is None:
            return 0
        return 1 + first if second is None else 1 + self.sounds + first * self.sounds + second

    def fit(self, words: NDArray[np.int64], said: NDArray[np.int64]) -> None:
        """Learn from words, or from as many of them as tell enough."""
        rows = evenly_spaced(len(words), ENOUGH)
        letters = words[rows]
        for _ in range(ROUNDS):
            counts = np.full(self.logs.shape, RARE)
            pieces = self.cut(letters, said[rows])
            real = letters >= 0
            np.add.at(counts, (letters[real], pieces[real]), 1)
            self.logs = np.log(counts / counts.sum(axis=1, keepdims=True))

    def cut(self, words: NDArray[np.int64], said: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of each letter's piece [words, letters], the likeliest in all; -1 behind a word's end. A word has
        at most two sounds for each letter."""
        pieces = [self._cut(words[at : at + ROWS], said[at : at + ROWS]) for at in range(0, len(words), ROWS)]
        return np.concatenate([np.zeros((0, words.shape[1]), np.int64), *pieces])

    def _cut(self, words: NDArray[np.int64], said: NDArray[np.int64]) -> NDArray[np.int64]:
        rows, longest = words.shape
        most = said.shape[1]
        best = np.full((rows, longest + 1, most + 1), NEVER)
        best[:, 0, 0] = 0
        taken = np.zeros((rows, longest, most + 1), np.int64)
        for at in range(longest):
            letter = np.maximum(words[:, at : at + 1], 0)
            options = np.full((MOST + 1, rows, most + 1), NEVER)
            options[0] = best[:, at] + self.logs[letter, 0]
            for count in range(1, MOST + 1):
                ends = [np.maximum(said[:, count - 1 - back : most - back], 0) for back in range(count)][::-1]
                options[count, :, count:] = best[:, at, :-count] + self.logs[letter, self.piece(*ends)]
            taken[:, at] = options.argmax(axis=0)
            best[:, at + 1] = options.max(axis=0)
        return self._back(words, said, taken)

    def _back(self, words: Any, said: Any, taken: Any) -> NDArray[np.int64]:
        rows = np.arange(len(words))
        left, length = (said >= 0).sum(axis=1), (words >= 0).sum(axis=1)
        found = np.full(words.shape, -1, np.int64)
        for at in range(words.shape[1] - 1, -1, -1):
            here = at < length
            count = np.where(here, taken[rows, at, left], 0)
            first = said[rows, np.maximum(left - count, 0)]
            second = said[rows, np.maximum(left - 1, 0)]
            pieces = np.select([count == 0, count == 1], [self.piece(), self.piece(first)], self.piece(first, second))
            found[:, at] = np.where(here, pieces, -1)
            left = left - count
        return found

    def name(self, piece: int, sounds: Sequence[str]) -> str:
        """The sounds of a piece, with a space between two."""
        if piece == 0:
            return ""
        if piece <= self.sounds:
            return sounds[piece - 1]
        first, second = divmod(piece - 1 - self.sounds, self.sounds)
        return f"{sounds[first]} {sounds[second]}"
