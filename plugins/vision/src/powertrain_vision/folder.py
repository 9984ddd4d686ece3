"""Picture folders: one folder per class, or train, valid and test folders of such. Needs Pillow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from powertrain.data import (
    IMG_EXTENSIONS,
    ArrayDataset,
    DataError,
    DataModule,
    InputFile,
    Source,
    class_folders,
    read_image,
)
from powertrain.plugin import Data, param

WHERE = "image-folder"


class ImageFolder(Data):
    """Pictures as bytes [height, width] or [height, width, 3]; the folder of a picture is its class."""

    examples = ({"path": "pictures"},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True)
    class Params:
        path: Path = param(doc="the folder: path/CLASS/PICTURE, or path/train/CLASS/PICTURE and so on")
        height: int = param(64, low=1, high=4096, doc="pixels that each picture is resized to")
        width: int = param(64, low=1, high=4096, doc="likewise; what is too long is cut off evenly")
        colour: bool = param(True, doc="false: grey pictures, without a channel axis")
        keep: bool = param(True, doc="hold the resized pictures in memory; false: read each anew, for large folders")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        root = base / params.path
        found = class_folders(root, IMG_EXTENSIONS, WHERE, "pictures")
        splits: dict[str, Source] = {}
        for part, files in found.parts.items():
            source = Pictures(files, (params.height, params.width), params.colour)
            first = source.fetch(np.arange(len(source) if params.keep else 1))
            splits[part] = ArrayDataset(first) if params.keep else source
        return cls.reopen(params, DataModule(root.name, "classification", splits, len(found.labels), found.labels))

    @classmethod
    def reopen(cls, params: Params, kept: DataModule) -> DataModule:
        size = params.height, params.width

        def read(given: InputFile, count: int) -> Iterator[tuple[list[str], Any]]:
            for name, path in given.files(IMG_EXTENSIONS):
                yield [name], read_picture(path, size, params.colour)[None]

        def encode(values: object) -> Any:
            pictures = values if isinstance(values, (list, tuple)) else [values]
            if not pictures or not all(_is_picture(one) for one in pictures):
                return None
            return np.stack([taken_picture(one, size, params.colour) for one in pictures])

        return dataclasses.replace(kept, read=read, encode=encode)


class Pictures:
    """Files that are read when they are asked for."""

    def __init__(self, files: Sequence[tuple[Path, int]], size: tuple[int, int], colour: bool) -> None:
        self.files = tuple(files)
        self.size, self.colour = size, colour

    def __len__(self) -> int:
        return len(self.files)

    def fetch(self, indices: Any) -> dict[str, Any]:
        rows = [self.files[int(index)] for index in indices]
        return {
            "x": np.stack([read_picture(path, self.size, self.colour) for path, _ in rows]),
            "y": np.array([label for _, label in rows], dtype=np.int64),
        }


def read_picture(path: Path, size: tuple[int, int], colour: bool) -> Any:
    """A picture of that height and width, as bytes; its middle, where its form is another."""
    return resized(read_image(path, "RGB" if colour else "L", where=WHERE), size)


def _is_picture(value: object) -> bool:
    """Whether it is a picture of Pillow, or one as bytes."""
    shape = np.shape(value) if isinstance(value, np.ndarray) and value.dtype == np.uint8 else ()
    return hasattr(value, "convert") or len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3, 4))


def taken_picture(value: Any, size: tuple[int, int], colour: bool) -> Any:
    """A picture in memory, of Pillow or as bytes, as one of a file is read."""
    from PIL import Image

    if isinstance(value, np.ndarray):
        value = Image.fromarray(value[..., 0] if value.ndim == 3 and value.shape[-1] == 1 else value)
    if value.width * value.height == 0:
        raise DataError(WHERE, f"a picture of {value.width} x {value.height} pixels", "expected some", "leave it out")
    return resized(value.convert("RGB" if colour else "L"), size)


def resized(picture: Any, size: tuple[int, int]) -> Any:
    """A picture of Pillow with that height and width, as bytes; its middle, where its form is another."""
    from PIL import Image

    height, width = size
    scale = max(height / picture.height, width / picture.width)
    across, down = width / scale, height / scale
    left, top = (picture.width - across) / 2, (picture.height - down) / 2
    box = (left, top, left + across, top + down)
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR, box=box, reducing_gap=3.0))
