"""docs/your-data.md: its ten snippets run as they stand, on data like a newcomer's, and learn."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import powertrain as pt
from your_data import DOCS, KINDS

PAGE = (DOCS / "your-data.md").read_text(encoding="utf-8")
MOST_LINES = 15
BLOCKS = re.findall(r"```(toml|python)\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_both_forms_of_each_kind_in_few_lines() -> None:
    assert [language for language, _ in BLOCKS] == ["toml", "python"] * len(KINDS)
    assert [text.split("\n")[0] for language, text in BLOCKS if language == "toml"] == [f"# {k}.toml" for k in KINDS]
    assert max(text.count("\n") for _, text in BLOCKS) <= MOST_LINES
    assert PAGE.count("\n") < 180


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_and_python_learn(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = KINDS[kind](tmp_path)
    pt.random.seed(0)
    monkeypatch.chdir(tmp_path)
    at = 2 * list(KINDS).index(kind)
    (tmp_path / f"{kind}.toml").write_text(BLOCKS[at][1], encoding="utf-8")
    by_recipe = pt.fit(f"{kind}.toml", verbose=False)
    names: dict[str, Any] = {}
    exec(BLOCKS[at + 1][1], names)
    part = "valid" if kind == "book" else "test"
    for run in (by_recipe, names["run"]):
        scores = run.evaluate(part)
        if kind == "book":
            assert scores["loss"] < 0.95 * baseline
        elif kind == "houses":
            assert scores["r2"] > baseline + 0.7 and run.units["mae"] == "euros"
        else:
            assert scores["accuracy"] > baseline + 0.1
    assert "loss" in capsys.readouterr().out


def _emptied(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for path in (folder / name).iterdir():
            path.unlink()

    return change


def _written(name: str, content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return change


WRONG: list[tuple[str, Callable[[Path], None], str, str]] = [
    ("pictures", _emptied("pictures/3"), "",
     "[image-folder] no pictures in 3 below FOLDER/pictures; expected some in each folder, in .png, .jpg, .jpeg, .bmp, "
     ".gif, .webp, .tif, .tiff, .ppm, .pgm; put pictures of the class there, or remove the folder"),
    ("pictures", _written("pictures/3/broken.png", b"no picture"), "",
     "[image-folder] FOLDER/pictures/3/broken.png: no picture of the formats PNG, JPEG, BMP, GIF, WEBP, TIFF, PPM; "
     "expected a whole picture of at most 100,000,000 pixels; repair it or take it out of the folder"),
    ("customers", lambda folder: None, "price",
     "[table customers.csv] no column price; expected it among the columns, which are age, city, plan, income, "
     "left; check the name"),
    ("customers", _written("customers.csv", b""), "",
     "[table customers.csv] FOLDER/customers.csv has no rows; expected a table; check the file"),
    ("book", _written("book.txt", b""), "", "[text book] 0 characters; expected a text; check the file"),
    ("book", _written("book.txt", b"\xff" * 500), "",
     "[text book.txt] byte 0 of book.txt is not UTF-8; expected a UTF-8 text; convert it with `iconv -t utf-8`"),
    ("sounds", _written("sounds/low/broken.wav", b"RIFF"), "",
     "[audio-folder] FOLDER/sounds/low/broken.wav: Format not recognised.; expected a whole WAV or FLAC file of at "
     "most 28,800,000 samples; repair it or take it out of the folder"),
    ("sounds", _emptied("sounds/low"), "",
     "[audio-folder] no sounds in low below FOLDER/sounds; expected some in each folder, in .wav, .flac; put sounds of "
     "the class there, or remove the folder"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "change", "also", "said"), WRONG, ids=[f"{one[0]}{at}" for at, one in enumerate(WRONG)]
)
def test_wrong_data_are_named(
    kind: str, change: Callable[[Path], None], also: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    KINDS[kind](tmp_path)
    change(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.toml").write_text(BLOCKS[2 * list(KINDS).index(kind)][1], encoding="utf-8")
    given = {"data.target": also} if also else {}
    with pytest.raises(pt.Error) as caught:
        pt.fit("wrong.toml", verbose=False, **given)
    assert str(caught.value).replace(str(tmp_path), "FOLDER") == said


def test_a_path_is_no_name_of_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "a.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pt.Error) as folder:
        pt.fit(model="cnn", data="pictures")
    assert str(folder.value) == (
        "[fit] received the path of a folder, data='pictures'; expected the name of a data set, or a table that says "
        'what reads it; write data={"use": "image-folder", "path": "pictures"}, or "audio-folder"'
    )
    (tmp_path / "sounds" / "dog").mkdir(parents=True)
    (tmp_path / "sounds" / "dog" / "1.wav").write_bytes(b"")
    with pytest.raises(pt.Error) as sounds:
        pt.fit(model="cnn", data="sounds")
    assert str(sounds.value).endswith('write data={"use": "audio-folder", "path": "sounds"}, features=["spectrogram"]')
    with pytest.raises(pt.Error) as file:
        pt.fit(model="mlp", data="a.csv")
    assert str(file.value) == (
        "[fit] received the path of a file, data='a.csv'; expected the name of a data set, or a table that says "
        'what reads it; write data={"use": "table", "path": "a.csv", "target": "COLUMN"}'
    )
