"""`powertrain predict` where the data set has a `read` of its own: which files it gets, which are read as arrays."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from running import inside

# The files hold tens: `read` brings them to the scale that the model was trained on.
OWN = """
import dataclasses

import numpy as np

import powertrain as pt
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Data, NoParams


class Tens(Data):
    ENDINGS = (".npz",)

    @classmethod
    def build(cls, params: NoParams, base):
        draw = np.random.Generator(np.random.Philox(key=3))
        y = np.arange(60) % 3
        x = (draw.normal(size=(60, 4)) + 2 * np.eye(3, 4)[y]).astype(np.float32)
        return cls.reopen(params, DataModule("tens", "classification", {"train": ArrayDataset(x=x, y=y)}, 3))

    @classmethod
    def reopen(cls, params, kept):
        def read(given, count):
            for _, path in given.files(cls.ENDINGS):
                yield [], next(iter(pt.data.read_arrays(path, "tens").values())).astype(np.float32) / 10

        return dataclasses.replace(kept, read=read)


class Both(Tens):
    ENDINGS = (".npz", ".npy")


class Lines(Tens):
    @classmethod
    def reopen(cls, params, kept):
        def read(given, count):
            for lines in given.lines(count):
                yield [], np.loadtxt(lines, ndmin=2, dtype=np.float32)

        return dataclasses.replace(kept, read=read)
"""
RECIPE = """
data      = {{ use = "./own.py:{name}", split = {{ test = 0.2 }} }}
model     = "linear"
optimizer = {{ use = "adamw", lr = 0.05 }}
run       = {{ until = "2 epochs", batch_size = 16 }}
"""
ASKED = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)


def trained(folder: Path, name: str) -> None:
    (folder / "own.py").write_text(OWN)
    (folder / "own.toml").write_text(RECIPE.format(name=name))
    inside(["train", "own.toml", "--run", "run"], folder)
    np.save(folder / "asked.npy", ASKED)
    (folder / "folder").mkdir()
    np.savez(folder / "folder" / "tens.npz", b=10 * ASKED, a=np.zeros((5, 4), np.float32))


def probabilities(folder: Path, given: str) -> list[float]:
    said = inside(["predict", "run", given, "--json"], folder).stdout.splitlines()
    return [json.loads(line)["probability"] for line in said]


def piped(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))


def test_a_file_a_folder_and_standard_input_get_the_same_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(tmp_path, "Tens")
    as_arrays = probabilities(tmp_path, "asked.npy")  # whose ending the data set does not name
    path = "folder/tens.npz"
    assert probabilities(tmp_path, path) == probabilities(tmp_path, "folder") == pytest.approx(as_arrays, rel=1e-5)
    piped(monkeypatch, (tmp_path / path).read_bytes())
    assert probabilities(tmp_path, "-") == pytest.approx(as_arrays, rel=1e-5)
    piped(monkeypatch, (tmp_path / "asked.npy").read_bytes())
    assert probabilities(tmp_path, "-") == as_arrays


def test_a_data_set_that_names_npy_reads_it_from_standard_input_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(tmp_path, "Both")
    np.save(tmp_path / "tens.npy", 10 * ASKED)
    in_tens = probabilities(tmp_path, "tens.npy")
    assert in_tens == probabilities(tmp_path, "folder/tens.npz") != probabilities(tmp_path, "asked.npy")
    piped(monkeypatch, (tmp_path / "tens.npy").read_bytes())
    assert probabilities(tmp_path, "-") == in_tens


def test_arrays_are_no_lines_of_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(tmp_path, "Lines")
    (tmp_path / "asked.txt").write_text("\n".join(" ".join(map(repr, row.tolist())) for row in ASKED))
    as_lines = probabilities(tmp_path, "asked.txt")
    piped(monkeypatch, (tmp_path / "asked.npy").read_bytes())
    assert probabilities(tmp_path, "asked.npy") == probabilities(tmp_path, "-") == pytest.approx(as_lines, rel=1e-5)


def test_an_archive_of_several_arrays_needs_one_called_x(tmp_path: Path) -> None:
    trained(tmp_path, "Lines")
    assert inside(["predict", "run", "folder/tens.npz"], tmp_path, expect=2).stderr == (
        "[predict] folder/tens.npz: it holds b, a, and none of them is called x; expected a whole .npz or .npy file "
        "of plain numbers; save it again with numpy.savez(path, x=x, y=y)\n"
    )
