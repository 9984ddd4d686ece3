"""Strings of spoken digits: some digits said one after the other by one voice, and nobody knows where each begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError, DataModule, Dataset, anew, by_rows, data_folders, find_files
from powertrain.plugin import Data, param
from powertrain_audio.crowd import trimmed
from powertrain_audio.digits import FILE, HOW, RATE, WORDS, digits_of
from powertrain_audio.folder import asked_by_files

WHERE = "digit-strings"
BLANK = "no digit"  # label 0
APART = (-0.03, 0.12)  # seconds between two digits, from and to: below 0 the next begins before the last has ended
SOFTER = (20.0, 40.0)  # decibel, from and to: how much softer the noise is than the loudest sample
EVERY = 8  # of so many voices of training, one is for validation


class Strings(Dataset):
    """Strings put together when they are asked for. `digits` [voices, 10] are trimmed sounds, `said` [strings, most]
    which digits a string has, from 1 on, then 0; `voice` [strings] is who says them."""

    def __init__(self, digits: Sequence[Sequence[NDArray[Any]]], said: Any, voice: Any, length: int, seed: int) -> None:
        self.digits, self.said, self.voice = digits, said, voice
        self.length, self.seed = length, seed

    def __len__(self) -> int:
        return len(self.said)

    @anew()
    @by_rows()
    def fetch(self, indices: Any) -> dict[str, NDArray[Any]]:
        """x: sounds [strings, samples] in float32; y: the digits plus one [strings, most], filled up with 0."""
        picked = np.asarray(indices)
        return {"x": np.stack([self.sound(int(at)) for at in picked]), "y": self.said[picked]}

    def sound(self, at: int) -> NDArray[np.float32]:
        """One string at a random place, with noise from the first sample to the last."""
        draw = np.random.Generator(np.random.Philox(key=[self.seed, at]))
        words = [self.digits[self.voice[at]][digit - 1] for digit in self.said[at] if digit]
        gaps = [0, *np.rint(draw.uniform(*APART, len(words) - 1) * RATE).astype(np.int64)]
        starts, end = [], 0
        for word, gap in zip(words, gaps, strict=True):
            starts.append(max(0, end + int(gap)))
            end = starts[-1] + len(word)
        first = int(draw.integers(max(1, self.length - end)))
        made = np.zeros(self.length)
        for word, start in zip(words, starts, strict=True):
            made[first + start : first + start + len(word)] += word
        loudest = float(np.abs(made).max()) or 1.0
        noise = draw.normal(size=len(made)) * loudest * 10 ** (-draw.uniform(*SOFTER) / 20)
        heard = (made + noise) * (0.5 / loudest)
        # As a microphone of 16 bits hears it, so that the last bits of a Fourier transform are of no matter.
        return np.asarray(np.rint(heard.clip(-1, 1) * 32767) / 32768, np.float32)


class DigitStrings(Data):
    """Strings of the digits of `spoken-digits`, at 8,000 samples a second. Those of validation and of the test are said
    by voices that training never hears."""

    @dataclass(frozen=True)
    class Params:
        least: int = param(2, low=1, doc="digits of the shortest string")
        most: int = param(5, low=1, high=100, doc="digits of the longest string")
        seconds: float = param(3.2, low=1, high=60, doc="length of an example; digits that do not fit are left out")
        train: int = param(4000, low=1, high=1_000_000, doc="strings to learn from")
        held: int = param(400, low=1, high=1_000_000, doc="strings of each other part")
        seed: int = param(0, low=0, high=2**32 - 1, doc="which strings")
        path: Path | None = param(None, doc=f"folder of {FILE}; else $POWERTRAIN_DATA")

        def __post_init__(self) -> None:
            if self.most < self.least:
                raise ValueError(f"least = {self.least}, most = {self.most}; expected least <= most; change one")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        folders = [base / params.path] if params.path else data_folders()
        (file,) = find_files((FILE,), folders, WHERE, HOW)
        voices = {part: _by_voice(*digits_of(file, part, WHERE)) for part in ("train", "test")}
        # Voices that are next to each other in the file differ in little: those of validation are a block of them.
        cut = max(1, len(voices["train"]) // EVERY)
        pools = {"train": voices["train"][cut:], "valid": voices["train"][:cut], "test": voices["test"]}
        splits = {part: cls._strings(pool, params, number) for number, (part, pool) in enumerate(pools.items())}
        made = DataModule(WHERE, "transcription", splits, len(WORDS) + 1, (BLANK, *WORDS))
        return cls.reopen(params, made)

    @staticmethod
    def _strings(pool: Sequence[Any], params: Params, number: int) -> Strings:
        if not pool:
            raise DataError(WHERE, "one voice", "expected two or more", "have the digits spoken again")
        draw = np.random.Generator(np.random.Philox(key=np.array([params.seed, number], np.uint64)))
        count, length = params.train if number == 0 else params.held, round(params.seconds * RATE)
        voice = draw.integers(len(pool), size=count)
        sizes = draw.integers(params.least, params.most, count, endpoint=True)
        said = draw.integers(1, len(WORDS), (count, params.most), endpoint=True)
        lengths = np.array([[len(word) for word in words] for words in pool])[voice[:, None], said - 1]
        ends = np.cumsum(lengths + round(APART[1] * RATE), axis=1)  # at most, with what is drawn between digits
        said[(np.arange(params.most) >= sizes[:, None]) | ((ends > length) & (np.arange(params.most) > 0))] = 0
        return Strings(pool, said, voice, length, 1 + number + 3 * params.seed)

    @classmethod
    def reopen(cls, params: Params, kept: DataModule) -> DataModule:
        return asked_by_files(kept, RATE, round(params.seconds * RATE))


def _by_voice(x: NDArray[np.float32], y: NDArray[np.int64]) -> list[list[NDArray[np.float32]]]:
    """The ten digits of each voice, which `speak` writes one voice after the other."""
    rows = len(y) // len(WORDS)
    if not rows or len(y) % len(WORDS) or (y.reshape(rows, -1) != np.arange(len(WORDS))).any():
        raise DataError(
            WHERE, "sounds that are not each voice's ten digits in turn", "expected those that speak writes",
            "have them spoken again",
        )  # fmt: skip
    return [[trimmed(x[row * len(WORDS) + digit]) for digit in range(len(WORDS))] for row in range(rows)]
