"""Finding and opening files of data, as plugins do: what is found, and what the errors say."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError, DataFileError, data_folders, find_files, open_file, permutation


def test_folders_are_below_powertrain_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POWERTRAIN_DATA", raising=False)
    assert data_folders("mine") == []
    monkeypatch.setenv("POWERTRAIN_DATA", str(tmp_path))
    assert data_folders("mine", "usr/mine") == [tmp_path / "mine", tmp_path / "usr/mine", tmp_path]


def test_files_are_found_in_the_first_folder_that_has_all(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("none", "half", "whole")]
    for folder in folders[1:]:
        folder.mkdir()
        (folder / "a").touch()
    (folders[2] / "b").touch()
    assert find_files(["a", "b"], folders, "mine", "get it") == [folders[2] / "a", folders[2] / "b"]
    with pytest.raises(DataError) as caught:
        find_files(["a", "b"], folders[:2], "mine", "get it from the moon")
    assert str(caught.value) == (
        f"[mine] no a in {folders[0]}, {folders[1]}; expected the data set in one of them; get it from the moon"
    )
    with pytest.raises(DataError, match=r"no a in POWERTRAIN_DATA, which is not set; expected the data set"):
        find_files(["a"], [], "mine", "get it from the moon")


def test_what_is_no_file_is_an_error_of_data_and_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with open_file(str(tmp_path / "a")) as file:
        assert file.read() == b"abc"
    os.mkfifo(tmp_path / "pipe")
    wrong = {"no": "No such file or directory", "pipe": "it is a pipe, not a regular file"}
    for name, said in {**wrong, ".": "it is a folder, not a regular file"}.items():
        path = tmp_path / name
        with pytest.raises(DataFileError) as caught:
            open_file(path, "mine")
        assert str(caught.value) == f"[mine] {path}: {said}; expected a readable file; check the path"
        assert isinstance(caught.value, OSError) and isinstance(caught.value, DataError)
        assert caught.value.strerror == said and caught.value.filename == str(path) and caught.value.errno


def test_an_order_is_a_function_of_its_arguments() -> None:
    assert permutation(5, seed=1).tolist() == [3, 2, 4, 1, 0]
    assert sorted(permutation(1000, call=3).tolist()) == list(range(1000))
    assert (permutation(1000, call=3) != permutation(1000)).any() and len(permutation(0)) == 0
    parts = pt.data.split_random(10, {"test": 0.2}, seed=4)
    assert parts["test"].tolist() == sorted(permutation(10, 4)[:2].tolist())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((-1,), "[permutation] count = -1; expected a whole number >= 0; change count"),
        ((2.0,), "[permutation] count = 2.0; expected a whole number >= 0; change count"),
        ((3, 0, -1), "[permutation] call = -1; expected a whole number >= 0; change call"),
        ((3, "a"), "[permutation] seed = 'a'; expected a whole number; write permutation(..., seed=0)"),
    ],
)
def test_an_order_of_what_is_no_number_is_an_error(arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(DataError) as caught:
        permutation(*arguments)
    assert str(caught.value) == text


def test_the_plugin_of_the_page_reads_its_file(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "plugins" / "data.md").read_text(encoding="utf-8")
    code = next(found for found in re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S) if "class Counts" in found)
    made: dict[str, Any] = {}
    exec(code, made)
    np.savez(tmp_path / "counts.npz", x=np.ones((4, 2), np.float32), y=np.array([0, 1, 2, 0]))
    plugin = made["Counts"]
    data = plugin.build(plugin.Params(path=Path()), tmp_path)
    assert data.outputs == 3 and len(data.train) == 4
    with pytest.raises(DataError, match=r"\[counts\] no counts.npz in .*; ask the laboratory for counts.npz$"):
        plugin.build(plugin.Params(path=Path("other")), tmp_path)
    for name in re.findall(r"`(\w+)\(", page[page.index("## Files") : page.index("What a header says")]):
        assert name in pt.data.__all__, name
