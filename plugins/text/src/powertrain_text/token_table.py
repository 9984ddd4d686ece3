"""The bytes of all tokens, and where each leads to in an automaton."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from powertrain_text.automaton import Automaton


class TokenTable:
    """The bytes of all tokens, walked through together: place by place, those that are still alive."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        lengths = np.array([len(token) for token in tokens], np.int64)
        # Those that write nothing lead nowhere: a text of them would have no end.
        self._order = np.argsort(-lengths, kind="stable")[: int(np.count_nonzero(lengths))]
        self._count = len(tokens)
        self._lengths = lengths[self._order]
        self._begins = np.concatenate(([0], np.cumsum(self._lengths)))[:-1]
        self._bytes = np.frombuffer(b"".join(tokens[place] for place in self._order), np.uint8)

    def walk(self, automaton: Automaton, state: int) -> NDArray[np.int32]:
        """The state that each token leads to from a state; dead where it may not come."""
        states = np.full(len(self._order), state, np.int32)
        longest = int(self._lengths[0]) if len(self._lengths) else 0
        for place in range(longest):
            alive = np.flatnonzero((self._lengths > place) & (states >= 0))
            if not len(alive):
                break
            states[alive] = automaton.step(states[alive], self._bytes[self._begins[alive] + place])
        out = np.full(self._count, -1, np.int32)
        out[self._order] = states
        return out
