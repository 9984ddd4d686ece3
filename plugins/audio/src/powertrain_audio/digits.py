"""Spoken digits: zero to nine in many voices, speeds and pitches; those of the test were never heard.

`python -m powertrain_audio.speak FOLDER` has eSpeak NG say them, once. It says nothing alike twice: the data set is the
file, not the voice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from powertrain.data import ArrayDataset, DataError, DataModule, data_folders, find_files, read_arrays
from powertrain.plugin import Data, param
from powertrain_audio.crowd import in_a_crowd
from powertrain_audio.folder import asked_by_files

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FILE = "spoken-digits.npz"
RATE, SECONDS = 8000, 0.8
CROWD_SECONDS = 1.0
WHERE = "spoken-digits"
HOW = "pip install powertrain-audio[speech], `python -m powertrain_audio.speak FOLDER`, POWERTRAIN_DATA=FOLDER"


class SpokenDigits(Data):
    """Digits in English at 8,000 samples a second: 4 accents in 10 timbres, in 4 others for the test. Each is said
    anywhere in a second, while others murmur 5 to 20 decibel softer."""

    @dataclass(frozen=True)
    class Params:
        crowd: bool = param(True, doc="anywhere in 1 s, among others; else alone, in the middle of 0.8 s")
        path: Path | None = param(None, doc=f"folder of {FILE}; else $POWERTRAIN_DATA")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        (file,) = find_files(
            (FILE,),
            [base / params.path] if params.path else data_folders(),
            WHERE,
            HOW,
        )
        splits = {}
        for number, part in enumerate(("train", "test")):
            x, y = digits_of(file, part, WHERE)
            if params.crowd:
                x = in_a_crowd(x, round(RATE * CROWD_SECONDS), seed=number)
            splits[part] = ArrayDataset(x=x, y=y)
        return cls.reopen(params, DataModule("spoken-digits", "classification", splits, len(WORDS), WORDS))

    @classmethod
    def reopen(cls, params: Params, kept: DataModule) -> DataModule:
        return asked_by_files(kept, RATE, round(RATE * (CROWD_SECONDS if params.crowd else SECONDS)))


def digits_of(file: Path, part: str, where: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The sounds of a part from -1 to 1, and which digit each is."""
    arrays = read_arrays(file, where)
    x, y = arrays.get(part), arrays.get(f"{part}_label")
    if x is None or y is None or x.ndim != 2 or y.shape != x.shape[:1] or x.dtype != np.int16:
        raise DataError(
            where, f"{file} has no sounds and labels of {part}", "expected those that speak writes",
            "have them spoken again",
        )  # fmt: skip
    return x.astype(np.float32) / np.float32(32768), y.astype(np.int64)
