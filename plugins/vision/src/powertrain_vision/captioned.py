"""Captioned pictures: a folder of pictures, each beside a text file of its name. Needs Pillow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from powertrain.data import (
    IMG_EXTENSIONS,
    DataError,
    DataModule,
    InputFile,
    read_image,
    read_text,
)
from powertrain.plugin import Data, param
from powertrain_vision.captions import encoded
from powertrain_vision.folder import TO_ONE, HeldAsBytes, fetched_folder, on_white

WHERE = "captioned-folder"
STAMPS = "stamps"


class CaptionedFolder(Data):
    """Pictures [height, width, 3] of numbers from 0 to 1, and the bytes of their captions. The caption of `cat.png` is
    the first line of `cat.txt` beside it. Without a path: stamps of Tux Paint, which `python -m
    powertrain_vision.fetch` brings."""

    examples = ({"path": "examples", "context": 32},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True)
    class Params:
        path: Path | None = param(
            None, doc=f"the folder; pictures may lie below it too; else $POWERTRAIN_DATA/{STAMPS}"
        )
        height: int = param(32, low=1, high=4096, doc="pixels that each picture is resized to")
        width: int = param(32, low=1, high=4096, doc="likewise; what the form of a picture leaves free is white")
        context: int = param(192, low=8, high=4096, doc="bytes of the longest caption, with a space on both sides")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        paths = pictures_below(base / params.path if params.path else fetched_folder(WHERE, STAMPS))
        texts = [caption_of(path) for path in paths]
        y = encoded([text for _, text in texts], params.context, [name for name, _ in texts])
        x = np.stack([read_whole(path, (params.height, params.width)) for path in paths])
        train = HeldAsBytes(x, y, [name for name, _ in texts])
        return cls.reopen(params, DataModule(WHERE, "captions", {"train": train}, params.context))

    @classmethod
    def reopen(cls, params: Params, kept: DataModule) -> DataModule:
        def read(given: InputFile, count: int) -> Iterator[tuple[Sequence[str], Any]]:
            size = params.height, params.width
            yield from given.examples(IMG_EXTENSIONS, lambda path: TO_ONE(read_whole(path, size)))

        return dataclasses.replace(kept, read=read)


def pictures_below(folder: Path) -> list[Path]:
    """The pictures in a folder and below it, by name; without what lies in hidden folders."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMG_EXTENSIONS)
    shown = [path for path in found if not any(part[0] == "." for part in path.relative_to(folder).parts)]
    if not shown:
        raise DataError(WHERE, f"no picture below {folder}", "expected some, each beside its .txt", "check data.path")
    return shown


def caption_of(path: Path) -> tuple[str, str]:
    """The name of the file of a picture's caption, and the first line of it."""
    text = path.with_suffix(".txt")
    if not text.is_file():
        raise DataError(
            WHERE, f"no {text.name} beside {path}", "expected the caption of each picture in a file of its name",
            "write it, or take the picture out of the folder",
        )  # fmt: skip
    return text.name, read_text(text, WHERE).lstrip().partition("\n")[0]


def read_whole(path: Path, size: tuple[int, int]) -> Any:
    """A picture of that height and width, as bytes."""
    return on_white(read_image(path, "RGBA", where=WHERE), size)
