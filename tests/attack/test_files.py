"""Data files from anywhere: none crashes, hangs, takes the memory or ends in a traceback. 200 are read always, 2,000
with `-m long`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from attack import files
from fuzz_children import Children

COUNT = 2000
PART = COUNT // 10


def examine(first: int, count: int) -> list[str]:
    """What is wrong with the reading of so many files, each in words with its number."""
    for needed in ("pyarrow", "PIL", "soundfile", "tokenizers", "lightgbm", "powertrain_tabular", "powertrain_text"):
        pytest.importorskip(needed, reason="plugins and the libraries that read for them are installed by make test")
    command = [sys.executable, str(Path(files.__file__))]
    answers = list(Children().answers(command, range(first, first + count), POWERTRAIN_THREADS="1"))
    assert [answer.seed for answer in answers] == list(range(first, first + count))
    return [f"file {answer.seed}: {'; '.join(answer.wrong)}" for answer in answers if answer.wrong]


@pytest.mark.slow
def test_200_files() -> None:
    assert examine(0, PART) == []


@pytest.mark.long
@pytest.mark.parametrize("tenth", range(1, 10))
def test_the_other_files(tenth: int) -> None:
    assert examine(tenth * PART, PART) == []


def test_good_files_are_read() -> None:
    """Otherwise what is found of damaged ones says nothing."""
    import random
    import tempfile

    from attack.readers import READERS

    for needed in ("pyarrow", "PIL", "soundfile", "tokenizers"):
        pytest.importorskip(needed, reason="the libraries that read for plugins are installed by make test")
    for reader in READERS:
        if reader.name == "npy":
            continue  # its file has no classes to go with it
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / reader.file
            path.write_bytes(reader.make(random.Random(0)))
            reader.read(path)
