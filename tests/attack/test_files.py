"""Data files from anywhere: none crashes, hangs, takes the memory or ends in a traceback. 200 are read always, 2,000
with `-m long`."""

from __future__ import annotations

from pathlib import Path

import pytest

from attack import files
from attack.commands import examine

COUNT = 2000
PART = COUNT // 10


@pytest.fixture
def readers() -> None:
    """What reads the files: without one of these its files would be refused before they are opened."""
    for needed in ("pyarrow", "PIL", "soundfile", "tokenizers", "lightgbm", "powertrain_tabular", "powertrain_text"):
        pytest.importorskip(needed, reason="plugins and the libraries that read for them are installed by make test")


@pytest.mark.slow
def test_200_files(readers: None) -> None:
    assert examine(files, "file", 0, PART) == []


@pytest.mark.long
@pytest.mark.parametrize("tenth", range(1, 10))
def test_the_other_files(readers: None, tenth: int) -> None:
    assert examine(files, "file", tenth * PART, PART) == []


def test_good_files_are_read(readers: None) -> None:
    """Otherwise what is found of damaged ones says nothing."""
    import random
    import tempfile

    from attack.readers import READERS

    for reader in READERS:
        if reader.name == "npy":
            continue  # its file has no classes to go with it
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / reader.file
            path.write_bytes(reader.make(random.Random(0)))
            reader.read(path)
