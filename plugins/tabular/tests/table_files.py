"""Tables for tests: random numbers, and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def draw(key: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=key))


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
