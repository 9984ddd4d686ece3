"""What source code that a model wrote is like, and how few bits simple methods need for a text."""

from __future__ import annotations

import ast
import lzma
import re
import warnings
import zlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

LONG = 20  # characters of a line, below which everybody writes the same ones
ORDERS = 5  # bytes before a byte that are counted, at most
NEXT_STATEMENT = re.compile(r"\n(?=[^\s)\]}])")  # a line that begins at the left ends the function above


def first_statement(text: str, whole: bool) -> str:
    """The text up to the next line that begins at the left. Where none follows and the text is not `whole`, its last
    line, which was cut off, is left out."""
    found = NEXT_STATEMENT.search(text)
    if found:
        return text[: found.start() + 1]
    return text if whole else text[: text.rfind("\n") + 1]


def parses(text: str) -> bool:
    """Whether Python's own parser takes a text that says something. Nothing is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(ast.parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def share_parsed(texts: Sequence[str]) -> float:
    """The share of texts that Python's parser takes; 0 of none."""
    return sum(map(parses, texts)) / len(texts) if texts else 0.0


def long_lines(text: str) -> list[str]:
    """The lines that say something of their own."""
    return [line.strip() for line in text.splitlines() if len(line.strip()) >= LONG]


def share_copied(texts: Iterable[str], train: str) -> float:
    """Of the long lines of texts, the share that stands in the training part too; 0 of none."""
    known = set(long_lines(train))
    lines = [line for text in texts for line in long_lines(text)]
    return sum(line in known for line in lines) / len(lines) if lines else 0.0


def simple_bits(train: bytes, held: bytes) -> dict[str, float]:
    """Bits for each byte of a held-out text, by methods that learn nothing but counts and repetitions."""
    both, alone = (len(lzma.compress(text, preset=6)) for text in (train + held, train))
    return {
        "gzip": 8 * len(zlib.compress(held, 9)) / len(held),
        "xz, behind the training part": 8 * (both - alone) / len(held),
        f"{ORDERS + 1}-gram of bytes": n_gram_bits(train, held),
    }


def n_gram_bits(train: bytes, held: bytes, orders: int = ORDERS) -> float:
    """Bits for each byte by counts of what came after the bytes before it, from none of them to `orders`. Each is mixed
    with the shorter one (Witten and Bell 1991): (count + kinds * p of the shorter) / (all counts + kinds)."""
    known, asked = (np.frombuffer(text, np.uint8).astype(np.uint64) for text in (train, held))
    p = np.full(len(asked), 1 / 256)
    for order in range(orders + 1):
        grams, counts = np.unique(_grams(known, order), return_counts=True)
        before, first = np.unique(grams >> np.uint64(8), return_index=True)
        kinds = np.diff(np.append(first, len(grams)))
        totals = np.add.reduceat(counts, first)
        wanted = _grams(asked, order)
        places, found = _looked_up(before, wanted >> np.uint64(8))
        total, kind = np.where(found, totals[places], 0), np.where(found, kinds[places], 0)
        places, here = _looked_up(grams, wanted)
        count = np.where(here, counts[places], 0)
        shorter = p[order:]
        p[order:] = np.where(found, (count + kind * shorter) / np.maximum(total + kind, 1), shorter)
    return float(-np.log2(p).mean())


def _grams(text: NDArray[np.uint64], order: int) -> NDArray[np.uint64]:
    """Each byte behind `order` others, as one number."""
    made = text[order:].copy()
    for back in range(1, order + 1):
        made |= text[order - back : len(text) - back] << np.uint64(8 * back)
    return made


def _looked_up(known: NDArray[np.uint64], asked: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where numbers stand among ascending ones, and whether they do."""
    places = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return places, known[places] == asked
