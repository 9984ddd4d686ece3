"""Spans of labels, such as names in a text: where they begin, where they end and of which kind they are.

Labels are numbered so that 0 is outside of all spans, 2 k + 1 begins a span of kind k, and 2 k + 2 goes on with it: the
order `O`, `B-A`, `I-A`, `B-B`, `I-B` (Ramshaw and Marcus 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

OUTSIDE, BEGINS, INSIDE = "O", "B-", "I-"
Spans = NDArray[np.int64]  # row, kind, first place and the place behind the last, of each span


def names_of(kinds: Sequence[str]) -> tuple[str, ...]:
    """The labels of spans of some kinds, in their order.

    >>> names_of(["LOC", "PER"])
    ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER')
    """
    return (OUTSIDE, *(before + kind for kind in kinds for before in (BEGINS, INSIDE)))


def kinds_of(names: Sequence[str]) -> tuple[str, ...]:
    """The kinds of spans that labels have names of; none where they are not of spans.

    >>> kinds_of(("O", "B-LOC", "I-LOC")), kinds_of(("_", "AE"))
    (('LOC',), ())
    """
    kinds = tuple(name.removeprefix(BEGINS) for name in names[1::2])
    return kinds if tuple(names) == names_of(kinds) else ()


def spans_of(labels: NDArray[Any]) -> Spans:
    """The spans of rows of labels; a label below 0 is outside. One that is inside a span, and does not continue the
    span before it, begins another, as in the program conlleval.

    >>> spans_of(np.array([[1, 2, 0, 2, 3]])).tolist()
    [[0, 0, 0, 2], [0, 0, 3, 4], [0, 1, 4, 5]]
    """
    known = np.pad(np.maximum(labels, 0), ((0, 0), (1, 1)))
    kinds = (known + 1) // 2
    new = (known % 2 == 1) | (kinds != np.roll(kinds, 1, axis=1))
    rows, first = np.nonzero((kinds > 0) & new)
    last = np.nonzero((kinds > 0) & np.roll(new, -1, axis=1))[1]
    return np.stack([rows, kinds[rows, first] - 1, first - 1, last], axis=1).astype(np.int64)


def hits_of(found: Spans, wanted: Spans) -> Spans:
    """The spans that are in both."""
    known = set(map(tuple, wanted.tolist()))
    return np.array([span for span in found.tolist() if tuple(span) in known], np.int64).reshape(-1, 4)
