"""Samples that evaluations write while a run trains: which, how many, and that no bit of training depends on them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.io.files import Files
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.folder.ledger import read_history
from powertrain.train.folder.run_folder import RunError
from powertrain.train.report.filmstrip import filmstrip
from powertrain.train.report.pictures import png, sheet_of
from powertrain.train.samples import sheets
from powertrain.train.samples.sheets import FOLDER, MOST_BYTES, MOST_ROUNDS, Sheet, file_name, thinned, write
from powertrain.train.session import train
from running import SMALL

RECIPE = SMALL.replace(', stop = { watch = "valid.accuracy" }', "").replace(', schedule = "cosine"', "")


def go(folder: Path, name: str, *settings: str) -> Any:
    (folder / "small.toml").write_text(RECIPE)
    recipe = load_recipe(str(folder / "small.toml"), settings)
    return train(recipe, folder / name, resume=True, display=Display(quiet=True))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / FOLDER).iterdir())}


def events(folder: Path) -> list[dict[str, Any]]:
    return [event for event in read_history(folder) if event["event"] == sheets.EVENT]


def test_the_bits_of_a_run_do_not_depend_on_its_samples(tmp_path: Path) -> None:
    plain, shown = go(tmp_path, "plain"), go(tmp_path, "shown", "evaluate.samples=9")
    assert shown.results["hash"] == plain.results["hash"]
    assert not (tmp_path / "plain" / FOLDER).exists() and events(tmp_path / "plain") == []
    found = events(tmp_path / "shown")
    assert [file_name(event["round"], "pictures") for event in found] == list(files(tmp_path / "shown"))
    assert len(found) == 6 and all(Sheet.of_event(event) is not None for event in found)
    (last,) = found[-1:]
    assert (last["count"], last["width"], last["height"]) == (9, 8, 8)
    pairs = [title.split(", is ") for title in last["titles"]]
    assert len(pairs) == 9 and sum(said == truth for said, truth in pairs) >= 5
    page = (tmp_path / "shown" / "report.html").read_text(encoding="utf-8")
    assert page.count("--sheet:url(data:image/png;base64,") == 6 and "<h2>While it trained</h2>" in page
    assert "<h2>While it trained</h2>" not in (tmp_path / "plain" / "report.html").read_text(encoding="utf-8")


def test_a_resumed_run_has_the_files_of_one_that_nothing_disturbed(tmp_path: Path) -> None:
    go(tmp_path, "whole", "evaluate.samples=4")
    go(tmp_path, "cut", "evaluate.samples=4", "run.until=3 epochs")
    later = Sheet("pictures", 1, 1, 1)
    write(Files(tmp_path / "cut"), 10**6, {later: b"of a round that a kill undid"})
    go(tmp_path, "cut", "evaluate.samples=4")
    assert files(tmp_path / "cut") == files(tmp_path / "whole")


def test_whether_samples_are_shown_may_change_on_the_way(tmp_path: Path) -> None:
    go(tmp_path, "a", "run.until=2 epochs")
    go(tmp_path, "a", "evaluate.samples=2")
    assert [event["count"] for event in events(tmp_path / "a")] == [2, 2, 2, 2]


def test_a_run_keeps_few_files_of_all_ages(tmp_path: Path) -> None:
    folder, sheet = Files(tmp_path), Sheet("pictures", 1, 1, 1)
    kept: list[int] = []
    for round in range(1, 400):
        write(folder, round, {sheet: b"x"})
        kept = thinned(sorted({*kept, round}))
        names = [file_name(one, "pictures") for one in kept]
        assert folder.names(FOLDER) == names and len(names) <= MOST_ROUNDS
    assert kept[0] == 1 and kept[-1] == 399 and max(np.diff(kept)) <= 2 * 399 / MOST_ROUNDS


def test_one_sheet_has_pictures_of_both_scales() -> None:
    half = np.full((3, 2, 2), 0.5)
    half[0] = 0
    assert sheet_of(half, 8, 96, apart=False).tolist() == [[0, 0, 128, 128, 128, 128]] * 2
    far = np.array([[[0.0, 10.0]], [[5.0, 10.0]]])
    assert sheet_of(far, 8, 96, apart=False).tolist() == [[0, 255, 128, 255]]
    assert sheet_of(far, 1, 96, apart=True).tolist() == [[0, 255], [0, 255]]


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 1), (3, 5, 3), (1, 1), (300, 7, 3)])
@pytest.mark.parametrize("count", [1, 3, 8, 9, 32])
def test_a_sheet_is_what_its_event_says(shape: tuple[int, ...], count: int) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    from powertrain.train.samples.examples import Shown, _add_pictures

    pixels, found = np.random.default_rng(0).normal(size=(count, *shape)), Shown()
    _add_pictures(found, pixels, [])
    ((sheet, content),) = found.sheets.items()
    assert len(content) <= MOST_BYTES and sheet.holds(content) and Sheet.of_event(sheet.event()) == sheet
    assert image.open(io.BytesIO(content)).size == (sheet.columns * sheet.width, sheet.rows * sheet.height)


def test_a_mistake_in_what_is_shown_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*given: Any) -> None:
        raise ValueError("no such pictures")

    plain = go(tmp_path, "plain")
    monkeypatch.setattr("powertrain.train.samples.examples.answered", fail)
    failed = go(tmp_path, "failed", "evaluate.samples=4")
    assert failed.finished and failed.results["hash"] == plain.results["hash"]
    said = capsys.readouterr().err
    assert said.count("[evaluate.samples] no more samples are shown: ValueError: no such pictures") == 1


GOOD = Sheet("pictures", 2, 3, 2, ("a", "b"))
WRONG: Sequence[dict[str, Any]] = [
    {"kind": "scripts"}, {"count": 0}, {"count": 33}, {"width": 0}, {"height": 97}, {"titles": ["a"]},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_an_event_that_no_run_writes_shows_nothing(wrong: dict[str, Any]) -> None:
    assert Sheet.of_event(GOOD.event()) == GOOD and Sheet.of_event({**GOOD.event(), **wrong}) is None


def shown(folder: Path) -> str:
    history = [{"event": sheets.EVENT, "step": 5, "round": 1, **GOOD.event()}]
    return filmstrip(Files(folder), history)


def test_only_the_file_that_a_run_wrote_is_shown(tmp_path: Path) -> None:
    """Not one behind a link, of another kind or size, nor a picture that would take gigabytes to show."""
    good, path = png(np.zeros((2, 6), np.uint8)), tmp_path / FOLDER / file_name(1, "pictures")
    assert shown(tmp_path) == ""
    write(Files(tmp_path), 1, {GOOD: good})
    assert "--sheet" in shown(tmp_path)
    for content in (b"", good[:20], b"<svg/>" + good, png(np.zeros((3, 6), np.uint8)), good + bytes(MOST_BYTES)):
        path.write_bytes(content)
        assert shown(tmp_path) == ""
    path.unlink()
    (tmp_path / "secret").write_bytes(good)
    path.symlink_to(tmp_path / "secret")
    assert shown(tmp_path) == ""
    path.unlink()
    path.mkdir()
    assert shown(tmp_path) == ""


def test_titles_are_text(tmp_path: Path) -> None:
    sheet = Sheet("pictures", 1, 1, 1, ("<b>\n",))
    write(Files(tmp_path), 1, {sheet: png(np.zeros((1, 1), np.uint8))})
    made = filmstrip(Files(tmp_path), [{"event": sheets.EVENT, "step": 1, "round": 1, **sheet.event()}])
    assert "<small>&lt;b&gt;\\n</small>" in made and "<b>" not in made


def test_examples_that_are_no_pictures_are_shown_in_words(tmp_path: Path) -> None:
    x, y = np.arange(80, dtype=np.float32).reshape(40, 2), np.arange(40, dtype=np.float32)
    data = pt.data.DataModule("rows", "regression", {"train": pt.data.ArrayDataset(x=x, y=y)}, 1).split({"valid": 0.2})
    run = pt.fit(
        model=pt.nn.Linear(2, 1), data=data, epochs=1, evaluate={"samples": 3}, folder=tmp_path / "a", verbose=False
    )
    (text,) = (event["text"] for event in read_history(run.folder) if event["event"] == "sample")
    lines = text.splitlines()
    assert len(lines) == 3 and all(", is " in line for line in lines)


TEXT = """\
data      = { use = "text", path = "input.txt", context = 8, valid = 0.2 }
model     = { use = "lstm", width = 8, embedding = 8 }
optimizer = { use = "adam", lr = 1e-2 }
run       = { until = "8 steps", batch_size = 4 }
"""
REFUSED = {
    "the data has no valid part to show examples of; expected one; for example": RECIPE.replace("valid = 0.1, ", ""),
    "input is a text, which has no examples to show; expected 0; leave it out: strategy.sample shows": TEXT,
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_a_run_does_not_have_is_refused(tmp_path: Path, said: str) -> None:
    (tmp_path / "input.txt").write_text("to be or not to be, that is the question. " * 20)
    (tmp_path / "a.toml").write_text(REFUSED[said])
    recipe = load_recipe(str(tmp_path / "a.toml"), ["evaluate.samples=4"])
    with pytest.raises(RunError, match=r"\[evaluate.samples\] received 4; ") as error:
        train(recipe, tmp_path / "a", display=Display(quiet=True))
    assert said in str(error.value) and not (tmp_path / "a").exists()
