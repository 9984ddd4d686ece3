"""Words as numbers: that of the word, and those of its letters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

OTHER, PADDING = 0, 1  # a word that training lacks; no word, or no letter
FIRST = 2
LETTERS = FIRST + 256  # numbers of letters: FIRST + each byte of UTF-8
END = 4  # bytes that are read of the end of a word which is too long


class Lexicon:
    """Numbers of the words of a training text, in small letters and with each digit as 0. A word is the row
    `[number, FIRST + byte, FIRST + byte, ...]`.

    >>> lexicon = Lexicon.fit([["to", "Rome", "to"]], rare=2, letters=4)
    >>> lexicon.rows([["to", "Rome"]], 3).tolist()
    [[[2, 118, 113, 1, 1], [0, 84, 113, 111, 103], [1, 1, 1, 1, 1]]]
    """

    def __init__(self, words: Sequence[str], letters: int) -> None:
        self.words, self.letters = tuple(words), letters
        self._numbers = {word: FIRST + at for at, word in enumerate(words)}

    @classmethod
    def fit(cls, sentences: Sequence[Sequence[str]], rare: int, letters: int) -> Lexicon:
        """Of the words that occur at least `rare` times; `letters` bytes of each word are read."""
        counts = Counter(plain(word) for words in sentences for word in words)
        return cls(sorted(word for word, count in counts.items() if count >= rare), letters)

    def __len__(self) -> int:
        return max(FIRST + len(self.words), LETTERS)

    def number(self, word: str) -> int:
        return self._numbers.get(plain(word), OTHER)

    def rows(self, sentences: Sequence[Sequence[str]], places: int) -> NDArray[np.int64]:
        """Sentences as numbers [sentences, places, 1 + letters]."""
        made = np.full((len(sentences), places, 1 + self.letters), PADDING, np.int64)
        for row, words in zip(made, sentences, strict=True):
            for place, word in zip(row, words, strict=False):
                spelled = word.encode("utf-8", "replace")
                kept = spelled if len(spelled) <= self.letters else spelled[: self.letters - END] + spelled[-END:]
                place[0] = self.number(word)
                place[1 : 1 + len(kept)] = np.frombuffer(kept, np.uint8).astype(np.int64) + FIRST
        return made

    def encode(self, text: str) -> NDArray[np.int64]:
        """The numbers of the words of a text."""
        return np.array([self.number(word) for word in words_of(text)], np.int64)

    def decode(self, tokens: Any) -> str:
        """A row as a text: each word by its letters, where it has some, else by its number."""
        rows = np.asarray(tokens)
        if rows.ndim == 2:
            spelled = (row[1:][row[1:] >= FIRST] - FIRST for row in rows if row[0] != PADDING)
            return " ".join(letters.astype(np.uint8).tobytes().decode("utf-8", "replace") for letters in spelled)
        known = dict(enumerate(self.words, FIRST))
        return " ".join(known.get(int(number), "?") for number in rows.ravel() if number != PADDING)

    def state(self) -> dict[str, NDArray[Any]]:
        """What was fitted, for slots."""
        text = np.frombuffer("\n".join(self.words).encode(), np.uint8).astype(np.int64)
        return {"words": text, "letters": np.array([self.letters], np.int64)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Lexicon:
        words = np.asarray(state["words"]).astype(np.uint8).tobytes().decode()
        return cls(words.split("\n") if words else (), int(np.asarray(state["letters"])[0]))


def plain(word: str) -> str:
    """A word in small letters, with each digit as 0 (Collobert et al. 2011)."""
    return re.sub(r"\d", "0", word.lower())


def words_of(text: str) -> list[str]:
    """The words of a text: letters and digits with what joins them, or one other character each.

    >>> words_of("Mr. O'Neil's visit, 1996-08-22.")
    ['Mr.', "O'Neil", "'s", 'visit', ',', '1996-08-22', '.']
    """
    return re.findall(
        r"(?:Mr|Mrs|Ms|Dr|St|Inc|Corp|Ltd|Co)\.|(?:[A-Za-z]\.){2,}|'s\b|\w+(?:[-'.,/](?!s\b)\w+)*|\S", text
    )
