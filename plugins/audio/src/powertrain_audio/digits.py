"""Spoken digits: zero to nine in many voices, speeds and pitches; those of the test were never heard.

`python -m powertrain_audio.speak FOLDER` has eSpeak NG say them, once. It says nothing alike twice: the data set is the
file, not the voice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from powertrain.data import ArraySource, DataError, Dataset
from powertrain.data.formats import data_folders, find, read_arrays
from powertrain.plugins import param

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FILE = "spoken-digits.npz"
RATE, SECONDS = 8000, 0.8
WHERE = "spoken-digits"


class SpokenDigits:
    """Digits in English, 0.8 s at 8,000 samples a second: 4 accents in 10 timbres, in 4 others for the test."""

    @dataclass(frozen=True)
    class Params:
        path: Path | None = param(None, doc=f"folder of {FILE}; else $POWERTRAIN_DATA")

    @classmethod
    def load(cls, params: Params, base: Path) -> Dataset:
        (file,) = find(
            (FILE,),
            [base / params.path] if params.path else data_folders() or ["$POWERTRAIN_DATA"],
            WHERE,
            "pip install powertrain-audio[speech], `python -m powertrain_audio.speak FOLDER`, POWERTRAIN_DATA=FOLDER",
        )
        arrays = read_arrays(file, WHERE)
        splits = {}
        for part in ("train", "test"):
            x, y = arrays.get(part), arrays.get(f"{part}_label")
            if x is None or y is None or x.ndim != 2 or y.shape != x.shape[:1] or x.dtype != np.int16:
                raise DataError(
                    WHERE, f"{file} has no sounds and labels of {part}", "expected those that speak writes",
                    "have them spoken again",
                )  # fmt: skip
            splits[part] = ArraySource(x=x.astype(np.float32) / 32768, y=y.astype(np.int64))
        return Dataset("spoken-digits", "classification", splits, len(WORDS), WORDS)
