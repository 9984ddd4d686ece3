"""What generation asks of a tokenizer and of a constraint."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray


class TextCodec(Protocol):
    """What makes numbers of a text and a text of numbers: a vocabulary, a tokenizer."""

    def encode(self, text: str) -> Any: ...
    def decode(self, tokens: Any) -> str: ...


class Constraint(Protocol):
    """Which tokens may follow, as an automaton: a state is what a sequence has come to.

    `left` is how many more tokens may come after the next one. A constraint that counts on it ends in time.
    """

    @property
    def start(self) -> int:
        """The state before the first token."""

    def mask(self, state: int, left: int) -> NDArray[Any]:
        """For each token of the vocabulary whether it may come next."""

    def next(self, state: int, token: int) -> int:
        """The state after a token that the mask allowed."""

    def complete(self, state: int) -> bool:
        """Whether the sequence may end here."""

    def closed(self, state: int) -> bool:
        """Whether it must: nothing may follow."""
