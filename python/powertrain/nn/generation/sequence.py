"""One sequence that is being written: its tokens, its text, where it stops, and what of it may be shown already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.arguments import shown
from powertrain.nn import checks
from powertrain.nn.generation.sampling import GenerationError

if TYPE_CHECKING:
    from powertrain.nn.generation.protocols import TextCodec

Reason: TypeAlias = Literal["stop", "length"]
StopLike: TypeAlias = "str | int | Sequence[str | int | Sequence[int]]"

# Tokens of the prompt that the first new ones are decoded behind: a piece of a word joins the word before.
_BEFORE = 8
_UNFINISHED = "\N{REPLACEMENT CHARACTER}"  # what a character whose bytes are not all there is decoded to
_MOST_STOPS = 64
_OPEN = 2**62  # where the text of a token ends whose characters are not complete


@dataclass(frozen=True)
class Written:
    """What `stream_generate` gives: the next tokens of one sequence of the batch, and their text.

    * `row`: the number of the sequence.
    * `tokens`: none yet where they may be the beginning of a stop sequence.
    * `text`: empty without a tokenizer, and while a character is not complete.
    * `finish`: "stop" or "length" with the last piece of a sequence, else None.

    Example
        >>> pt.nn.Written(0, (4,), 'a').finish is None
        True
    """

    row: int
    tokens: tuple[int, ...]
    text: str = ""
    finish: Reason | None = None


@dataclass(frozen=True)
class Stops:
    """Sequences of tokens, and texts, that end a sequence and are no part of it."""

    tokens: tuple[tuple[int, ...], ...] = ()
    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Any, tokenizer: TextCodec | None) -> Stops:
        """From a text, a token, or a list of texts, tokens and sequences of tokens."""
        alone = isinstance(given, str) or checks.whole(given, 0)
        every = [given] if alone else list(given)
        texts = [one for one in every if isinstance(one, str)]
        tokens = [
            (int(one),) if checks.whole(one, 0) else tuple(map(int, one)) for one in every if not isinstance(one, str)
        ]
        if not all(texts) or not all(tokens) or len(every) > _MOST_STOPS:
            raise GenerationError(
                f"[generate] stop = {shown(given)}; expected at most {_MOST_STOPS} texts, tokens or sequences of "
                "tokens, none of them empty; for example stop=['\\n\\n']"
            )
        if texts and tokenizer is None:
            raise GenerationError(
                f"[generate] stop = {shown(given)} without a tokenizer; expected one, to know the text of the tokens; "
                "pass tokenizer=, or stop sequences of tokens"
            )
        return cls(tuple(tokens), tuple(texts))

    @property
    def single(self) -> list[int]:
        """The tokens that are a stop sequence by themselves."""
        return [one[0] for one in self.tokens if len(one) == 1]


def _begun(what: Any, stops: Sequence[Any]) -> int:
    """The length of the longest end of a sequence that is the beginning of a stop sequence, and not all of it."""
    longest = max((len(stop) - 1 for stop in stops), default=0)
    for size in range(min(longest, len(what)), 0, -1):
        end = what[len(what) - size :]
        if any(len(stop) > size and stop[:size] == end for stop in stops):
            return size
    return 0


class Decoding:
    """The text of tokens that come one by one: complete characters, as the tokenizer decodes all of them at once."""

    def __init__(self, tokenizer: TextCodec, prompt: NDArray[np.int64]) -> None:
        self._tokenizer = tokenizer
        self._tokens = prompt[-_BEFORE:].tolist()
        self._begin, self._read = 0, len(self._tokens)

    def add(self, token: int) -> str | None:
        """What a token adds; None while its characters are not complete."""
        self._tokens.append(token)
        text = self._text(len(self._tokens))
        return None if text.endswith(_UNFINISHED) else self._moved(text)

    def rest(self) -> str:
        """What was held back."""
        return self._moved(self._text(len(self._tokens)))

    def _text(self, end: int) -> str:
        return self._tokenizer.decode(np.array(self._tokens[self._begin : end], dtype=np.int64))

    def _moved(self, text: str) -> str:
        new = text[len(self._text(self._read)) :] if self._read > self._begin else text
        self._begin, self._read = self._read, len(self._tokens)
        return new


class Continuation:
    """The new tokens of one sequence."""

    def __init__(self, prompt: NDArray[np.int64], stops: Stops, tokenizer: TextCodec | None) -> None:
        self.tokens: list[int] = []
        self.text = ""
        self.finish: Reason | None = None
        self._stops = stops
        self._decoding = None if tokenizer is None else Decoding(tokenizer, prompt)
        self._ends: list[int] = []  # the length of the text behind each token
        self._given = (0, 0)  # tokens and characters that were released

    def add(self, token: int) -> None:
        """One more token, and whether it ends the sequence."""
        self.tokens.append(token)
        searched = len(self.text) - max((len(stop) - 1 for stop in self._stops.texts), default=0)
        self._ends.append(_OPEN)
        if self._decoding is not None:
            self._close(self._decoding.add(token))
        for stop in self._stops.tokens:
            if tuple(self.tokens[-len(stop) :]) == stop:
                return self._cut(len(self.tokens) - len(stop))
        found = [at for stop in self._stops.texts if (at := self.text.find(stop, max(0, searched))) >= 0]
        if found:
            self._cut_text(min(found))

    def end(self, reason: Reason) -> None:
        """End it where it is; a character that is not complete is shown as far as it came."""
        if self._decoding is not None:
            self._close(self._decoding.rest())
        self.finish = reason

    def _close(self, text: str | None) -> None:
        """Add the text that the last tokens have together, if it is complete."""
        if text is None:
            return
        self.text += text
        for place in range(len(self._ends) - 1, -1, -1):
            if self._ends[place] != _OPEN:
                break
            self._ends[place] = len(self.text)

    def _cut(self, count: int) -> None:
        del self.tokens[count:], self._ends[count:]
        self.text = self.text[: self._ends[-1] if self._ends else 0]
        self.finish = "stop"

    def _cut_text(self, at: int) -> None:
        """Tokens stay whose text lies before the stop; the text stays up to it."""
        count = sum(end <= at for end in self._ends)
        del self.tokens[count:], self._ends[count:]
        self.text, self.finish = self.text[:at], "stop"

    def released(self) -> tuple[tuple[int, ...], str]:
        """The tokens and the text that can be shown now and were not before."""
        tokens, characters = len(self.tokens), len(self.text)
        if self.finish is None:
            tokens -= _begun(tuple(self.tokens), self._stops.tokens)
            characters -= _begun(self.text, self._stops.texts)
            if self._stops.texts:
                tokens = min(tokens, sum(end <= characters for end in self._ends))
            characters = min(characters, self._ends[tokens - 1] if tokens else 0)
        old_tokens, old_characters = self._given
        self._given = max(tokens, old_tokens), max(characters, old_characters)
        return tuple(self.tokens[old_tokens : self._given[0]]), self.text[old_characters : self._given[1]]
