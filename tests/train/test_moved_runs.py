"""What a trained run reads of its folder, when the folder or the process has gone elsewhere since."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.io.files import Files
from powertrain.train.folder.run_folder import RunError

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = np.arange(32) % 2
READ = ("history", "anomalies", "histograms", "profile")


def trained(folder: str | Path, epochs: int = 1) -> pt.TrainedRun:
    return pt.fit(model="mlp", data=(X, Y), epochs=epochs, folder=folder, verbose=False)


def read(run: pt.TrainedRun, what: str) -> object:
    found = getattr(run, what)
    return found() if callable(found) else found


def test_a_folder_is_found_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = trained("a", 2)
    loaded = pt.load("a")
    (tmp_path / "below").mkdir()
    os.chdir("below")
    assert run.folder == loaded.folder == tmp_path / "a"
    assert len(run.history) == len(loaded.history) == 2
    assert run.report() == tmp_path / "a" / "report.html"


@pytest.mark.parametrize("what", [*READ, "report", "card"])
@pytest.mark.parametrize("gone", ["renamed", "deleted"])
def test_a_folder_that_is_gone_is_said(tmp_path: Path, what: str, gone: str) -> None:
    run = trained(tmp_path / "a")
    assert len(run.history) == 1
    if gone == "renamed":
        (tmp_path / "a").rename(tmp_path / "b")
        assert len(pt.load(tmp_path / "b").history) == 1
    else:
        shutil.rmtree(tmp_path / "a")
    with pytest.raises(RunError) as caught:
        read(run, what)
    assert str(caught.value) == (
        f"[{tmp_path / 'a'}] the run is no longer there; expected the folder as this run left it; where it was moved, "
        "open it: pt.load(NEW_PATH)"
    )
    assert not (tmp_path / "a").exists()
    assert run.predict(X).labels.shape == (32,)


def test_the_history_of_another_run_is_not_ones_own(tmp_path: Path) -> None:
    first = trained(tmp_path / "a")
    shutil.rmtree(tmp_path / "a")
    second = trained(tmp_path / "a", 2)
    assert len(second.history) == 2
    with pytest.raises(RunError, match="another run was trained there since; expected the folder as this run left it"):
        read(first, "history")


def test_a_run_that_is_taken_up_again_is_the_same(tmp_path: Path) -> None:
    first = trained(tmp_path / "a")
    pt.fit(model="mlp", data=(X, Y), epochs=3, folder=tmp_path / "a", resume=True, verbose=False)
    assert len(first.history) == 3


def test_an_error_of_the_system_names_one_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        Files(tmp_path).read("a")
    assert str(caught.value).endswith(f"'{tmp_path / 'a'}'")


def test_a_folder_may_be_called_like_a_file_of_weights(tmp_path: Path) -> None:
    wanted = trained(tmp_path / "a.pt").predict(X).outputs
    assert np.array_equal(pt.load(tmp_path / "a.pt").predict(X).outputs, wanted)


def test_a_run_without_its_recipe_is_said(tmp_path: Path) -> None:
    pt.fit("digits", epochs=1, folder=tmp_path / "a", verbose=False, report={"baseline": False})
    (tmp_path / "a" / "recipe.toml").unlink()
    with pytest.raises(RunError) as caught:
        pt.load(tmp_path / "a")
    assert str(caught.value) == (
        f"[{tmp_path / 'a'}] it holds no recipe.toml; expected the recipe that powertrain train wrote there; restore "
        "it from a copy of the folder, or train again"
    )


def test_a_folder_that_may_not_be_written_to_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a"
    run = pt.fit("digits", epochs=1, folder=folder, verbose=False, report={"baseline": False})
    wanted = run.predict(np.ones((1, 8, 8))).outputs
    (folder / "report.html").unlink()
    opened, made = os.open, Path.mkdir

    def refusing(path: Any, flags: int, *settings: Any, **more: Any) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return opened(path, flags, *settings, **more)

    def no_folder(path: Path, *settings: Any, **more: Any) -> None:
        if path.is_relative_to(tmp_path) and not path.exists():
            raise PermissionError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        made(path, *settings, **more)

    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(Path, "mkdir", no_folder)
    run = pt.load(folder)
    assert np.array_equal(run.predict(np.ones((1, 8, 8))).outputs, wanted) and len(run.history) == 1
    advice = "expected a folder in which you may write; change its rights, or copy the folder to your own"
    explained = run.explain(np.ones((1, 8, 8)))
    for call, path, reason in (
        (run.card, folder / "card.md", "Permission denied"),
        (run.report, folder / "report.html", "Permission denied"),
        (explained.save, folder / "explain-gradients.svg", "Permission denied"),
        (run.quantize, tmp_path / ".a-8bit.part", "Read-only file system"),
        (
            lambda: pt.fit("digits", epochs=1, folder=tmp_path / "b", verbose=False),
            tmp_path / "b",
            "Read-only file system",
        ),
    ):
        with pytest.raises(pt.Error) as caught:
            call()
        assert str(caught.value) == f"[{path}] {reason}; {advice}"
        assert isinstance(caught.value, PermissionError) and caught.value.filename == str(path)
