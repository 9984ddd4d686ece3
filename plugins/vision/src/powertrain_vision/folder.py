"""Picture folders: one folder per class, or train, valid and test folders of such. Needs Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from powertrain.data import ArrayDataset, DataError, DataModule, Source, class_folders, files_in, open_file
from powertrain.plugin import Data, param

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
# A picture of more pixels than this is refused before it is unpacked: small files can unpack to gigabytes.
MOST_PIXELS = 100_000_000
WHERE = "image-folder"


def pillow() -> Any:
    """Pillow's module Image, where it is installed."""
    try:
        from PIL import Image
    except ImportError:
        raise DataError(
            WHERE, "Pillow is not installed", "expected it, to read pictures", "pip install powertrain-vision[images]"
        ) from None
    return Image


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
        pillow()
        root = base / params.path
        found = class_folders(root, SUFFIXES, WHERE, "pictures")
        splits: dict[str, Source] = {}
        for part, files in found.parts.items():
            source = Pictures(files, (params.height, params.width), params.colour)
            splits[part] = ArrayDataset(source.fetch(np.arange(len(source)))) if params.keep else source
        size, colour = (params.height, params.width), params.colour

        def read(file: Path) -> Any:
            files = files_in(file, SUFFIXES) if file.is_dir() else [file]
            return np.stack([read_picture(path, size, colour) for path in files])

        return DataModule(root.name, "classification", splits, len(found.labels), found.labels, read=read)


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if type(error).__name__ == "UnidentifiedImageError":  # whose text holds an address in this process
        return f"no picture of the formats {', '.join(FORMATS)}"
    return str(error) or type(error).__name__


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
    image_module = pillow()
    try:
        # By an open file, since Pillow maps some that it is given by name; and those formats alone, since it would have
        # other programs read some others, whatever the file is called.
        with open_file(path) as file, image_module.open(file, formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise ValueError(f"{opened.width} x {opened.height} pixels")
            picture = opened.convert("RGB" if colour else "L")
    except Exception as error:  # a damaged picture makes Pillow raise almost anything
        raise DataError(
            WHERE, f"{path}: {_cause(error)}", f"expected a whole picture of at most {MOST_PIXELS:,} pixels",
            "repair it or take it out of the folder",
        ) from None  # fmt: skip
    height, width = size
    scale = max(height / picture.height, width / picture.width)
    across, down = width / scale, height / scale
    left, top = (picture.width - across) / 2, (picture.height - down) / 2
    box = (left, top, left + across, top + down)
    return np.asarray(picture.resize((width, height), image_module.Resampling.BILINEAR, box=box, reducing_gap=3.0))
