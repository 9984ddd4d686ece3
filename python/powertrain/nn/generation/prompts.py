"""Prompts: one or several, as texts, rows of tokens, or a padded array with its mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.arguments import shown
from powertrain.nn.generation.sampling import GenerationError

if TYPE_CHECKING:
    from powertrain.nn.generation.protocols import TextCodec

MOST_ROWS = 4096


class Prompts(NamedTuple):
    """Rows of tokens, and how they were given."""

    rows: list[NDArray[np.int64]]
    texts: bool
    alone: bool

    @classmethod
    def of(cls, given: Any, mask: Any, tokenizer: TextCodec | None) -> Prompts:
        if isinstance(given, str):
            return cls([_encoded(given, tokenizer)], True, True)
        several = isinstance(given, (list, tuple))
        if several and given and all(isinstance(one, str) for one in given):
            return cls(_few([_encoded(one, tokenizer) for one in given]), True, False)
        ragged = several and given and all(np.ndim(one) == 1 for one in given)
        parts: list[Any] = list(given) if ragged else [given]
        arrays = [_integers(one) for one in parts]
        if ragged:
            rows, alone = arrays, False
        elif arrays[0].ndim == 2:
            rows, alone = list(arrays[0]), False
        else:
            rows, alone = [arrays[0]], True
        if mask is not None:
            rows = _unpadded(rows, mask)
        wrong = next((row for row in rows if row.ndim != 1 or not len(row) or row.min() < 0), None)
        if not rows or wrong is not None:
            raise GenerationError(
                f"[generate] the prompt is {shown(given)}; expected rows of at least one token, none below 0; a model "
                "needs something to begin with"
            )
        return cls(_few(rows), False, alone)


def _encoded(text: str, tokenizer: TextCodec | None) -> NDArray[np.int64]:
    if tokenizer is None:
        raise GenerationError(
            f"[generate] the prompt is {shown(text)}, without a tokenizer; expected one; pass tokenizer=, or tokens"
        )
    tokens = np.asarray(tokenizer.encode(text), dtype=np.int64)
    if not tokens.size:
        raise GenerationError(
            f"[generate] the prompt is {shown(text)}, which has no tokens; expected one at least; begin with a word, "
            "or a line break"
        )
    return tokens


def _integers(given: Any) -> NDArray[np.int64]:
    found = np.asarray(given)
    if found.dtype.kind not in "iu" or found.ndim not in (1, 2):
        raise GenerationError(
            f"[generate] the prompt is {shown(given)}; expected a text, a row of whole numbers, or several; encode the "
            "text with a tokenizer"
        )
    return found.astype(np.int64)


def _unpadded(rows: list[NDArray[np.int64]], mask: Any) -> list[NDArray[np.int64]]:
    """Rows without their padding, which the mask shows by zeros in front or behind."""
    kept = np.atleast_2d(np.asarray(mask)).astype(bool)
    fits = kept.shape == (len(rows), len(rows[0])) and all(len(row) == len(rows[0]) for row in rows)
    if not fits or (np.abs(np.diff(np.pad(kept, ((0, 0), (1, 1))).astype(np.int8), axis=1)).sum(axis=1) != 2).any():
        raise GenerationError(
            f"[generate] attention_mask is {shown(mask)}; expected an array like the tokens, 1 for a token and 0 for "
            "padding in front of the tokens or behind them; leave it out where nothing is padded"
        )
    return [row[here] for row, here in zip(rows, kept, strict=True)]


def _few(rows: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    if len(rows) > MOST_ROWS:
        raise GenerationError(
            f"[generate] {len(rows):,} prompts; expected at most {MOST_ROWS:,} at once; generate them in parts"
        )
    return rows
