"""Texts and their translations, as tokens of one vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import ArrayDataset, DataError, DataModule, split_random
from powertrain.plugin import Data, Task, param
from powertrain_text.asked import reading_texts
from powertrain_text.data import read_table
from powertrain_text.tokenizer import BEGIN, PADDING, Tokenizer

Pairs = Sequence[tuple[str, str]]  # texts and their translations


class Translation(Task):
    """Rows of tokens: x is a text, y its translation. Each y ends with one token that begins a text, then padding."""

    loss = "cross-entropy"
    kept = False

    def check(self, dataset: DataModule) -> None:
        if dataset.vocabulary is None:
            raise DataError(
                "translation", f"the data {dataset.name} without a vocabulary", "expected one for x and y",
                "give DataModule its vocabulary, as text-pairs does",
            )  # fmt: skip
        for part, source in dataset.splits.items():
            y = np.asarray(source.fetch(np.arange(min(len(source), 1000)))["y"])
            if y.ndim != 2 or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= dataset.outputs:
                raise DataError(
                    "translation", f"targets of {part} are {y.dtype}{list(y.shape)}",
                    f"expected rows of tokens, from 0 to {dataset.outputs - 1:,}", "make them as text-pairs does",
                )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PairParams:
    """How texts become tokens, and which of them are held out."""

    size: int = param(4096, low=300, high=1_000_000, doc="tokens that the tokenizer may learn, of both languages")
    context: int = param(40, low=4, doc="tokens of a text at most, with one that begins it; longer pairs are left out")
    valid: float = param(0.1, low=0, below=1, doc="share for validation")
    test: float = param(0.0, low=0, below=1, doc="share for the test")
    seed: int = param(0, low=0, doc="which pairs are held out")


class Paired(Data, declares=True):
    """Texts and their translations, with a tokenizer that was fitted on both sides of the training part."""

    @classmethod
    def reopen(cls, params: Any, kept: DataModule) -> DataModule:
        tokenizer = Tokenizer.from_state(kept.state)

        def rows(texts: Sequence[str]) -> NDArray[np.int64]:
            return whole_rows(tokenizer, texts, params.context)

        return reading_texts(kept, tokenizer, rows, tokenizer.decode, named=False)


def whole_rows(tokenizer: Tokenizer, texts: Sequence[str], context: int) -> NDArray[np.int64]:
    """Rows of texts that are translated; a longer one than the model reads is refused, not cut."""
    for number, text in enumerate(texts, 1):
        count = len(tokenizer.encode(text))
        if count >= context:
            raise DataError(
                "translation", f"text {number:,} of {count:,} tokens", f"expected at most {context - 1:,}",
                "cut it into sentences, or raise data.context and train again",
            )  # fmt: skip
    rows: NDArray[np.int64] = tokenizer.rows(texts, context)
    return rows


def of_pairs(name: str, pairs: Pairs, params: PairParams) -> DataModule:
    """Pairs as a data set. The tokenizer is fitted on the training part alone."""
    if len(pairs) < 2:
        raise DataError(name, f"{len(pairs)} pairs of texts", "expected two or more", "check the file")
    shares = {part: share for part, share in (("valid", params.valid), ("test", params.test)) if share > 0}
    places = split_random(len(pairs), shares, params.seed) if shares else {"train": np.arange(len(pairs))}
    train = [pairs[at] for at in places["train"]]
    tokenizer = Tokenizer.fit([text for pair in train for text in pair], "byte-bpe", params.size)
    splits, left_out = {}, 0
    for part, rows in places.items():
        # One token more than there is room for: where it is one of the text, the text is too long.
        x, said = (tokenizer.rows([pairs[at][side] for at in rows], params.context + 1) for side in (0, 1))
        fits = (x[:, -1] == PADDING) & (said[:, -1] == PADDING)
        left_out += int((~fits).sum())
        if not fits.any():
            raise DataError(
                name, f"no pair of {part} with fewer than {params.context} tokens on each side", "expected some",
                "raise data.context",
            )  # fmt: skip
        splits[part] = ArrayDataset(x=x[fits, :-1], y=ended(said[fits, :-1]))
    made = DataModule(
        name, "translation", splits, len(tokenizer), state=tokenizer.state(), context=params.context,
        notes=(f"{left_out:,} of {len(pairs):,} pairs have more tokens than data.context and are left out",)
        if left_out else (),
    )  # fmt: skip
    return Paired.reopen(params, made)


def ended(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The targets of rows that begin with BEGIN: without it, and with one behind the text.

    >>> ended(np.array([[BEGIN, 7, 8, PADDING, PADDING]])).tolist()
    [[7, 8, 3, 1, 1]]
    """
    made = np.concatenate([rows[:, 1:], np.full((len(rows), 1), PADDING)], axis=1)
    made[np.arange(len(rows)), (made != PADDING).sum(axis=1)] = BEGIN
    return made


class TextPairs(Paired):
    """A table of texts and their translations, as CSV with a header."""

    examples = ({"path": "pairs.csv", "size": 300, "valid": 0.25},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True, kw_only=True)
    class Params(PairParams):
        path: Path = param(doc="the file; .gz is unpacked")
        source: str = param("source", doc="the column of the texts")
        target: str = param("target", doc="the column of their translations")
        separator: str = param(",", doc="what stands between columns; \\t in .tsv files")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        rows = read_table(base / params.path, params.source, params.target, params.separator)
        return of_pairs(params.path.stem, [pair for pair in rows if pair[1].strip()], params)
