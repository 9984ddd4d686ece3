"""Picture folders: one folder per class, or train, valid and test folders of such. Needs Pillow.

A recipe's pictures are those of `pt.data.ImageFolder` after CenterResizedCrop and ToTensor: numbers from 0 to 1,
channels last.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from powertrain.data import (
    IMG_EXTENSIONS,
    ArrayDataset,
    Cached,
    DataError,
    DataModule,
    InputFile,
    Scale,
    Source,
    anew,
    by_rows,
    class_folders,
    data_folders,
    read_image,
    read_images,
    upright,
)
from powertrain.data.transforms import CenterResizedCrop
from powertrain.plugin import Data, param

WHERE = "image-folder"
TO_ONE = Scale(1 / 255)  # as pt.data.transforms.ToTensor


def fetched_folder(where: str, name: str) -> Path:
    """The folder of this name below POWERTRAIN_DATA; an error that says how to get it where it is not there."""
    folders = data_folders(name)[:1]
    if folders and folders[0].is_dir():
        return folders[0]
    raise DataError(
        where, f"no {folders[0]}" if folders else "POWERTRAIN_DATA is not set, and no path",
        "expected the data set in one of them",
        "get them with `python -m powertrain_vision.fetch FOLDER` and POWERTRAIN_DATA=FOLDER, or set data.path",
    )  # fmt: skip


class ImageFolder(Data):
    """Pictures [height, width, 3], or grey ones [height, width], of numbers from 0 to 1; the folder is the class."""

    examples = ({"path": "pictures"},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True)
    class Params:
        path: Path = param(doc="the folder: path/CLASS/PICTURE, or path/train/CLASS/PICTURE and so on")
        height: int = param(64, low=1, high=4096, doc="pixels that each picture is resized to")
        width: int = param(64, low=1, high=4096, doc="likewise; what is too long is cut off evenly")
        colour: bool = param(True, doc="false: grey pictures, without a channel axis")
        scale: bool = param(True, doc="numbers from 0 to 1; false: bytes from 0 to 255, as the files have them")
        keep: bool = param(
            True,
            doc="hold the resized pictures in memory; false: read each one again when it is needed, for large folders",
        )
        cache: float = param(
            0.0, low=0, results=False,
            doc="with keep = false: bytes of memory, such as 2e9, for what was read, so as not to read it again",
        )  # fmt: skip
        bad: str = param("error", choices=("error", "skip"), doc="skip: leave out and count what cannot be read")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        root = base / params.path
        if params.keep and params.cache:
            raise DataError(
                WHERE, f"keep = true and cache = {params.cache:g}", "expected one of them: keep holds all pictures",
                "for a bound, write keep = false",
            )  # fmt: skip
        found = class_folders(root, IMG_EXTENSIONS, WHERE, "pictures")
        size = params.height, params.width
        held: dict[str, Any] = {}
        if params.bad == "skip":
            read = functools.partial(read_picture, size=size, colour=params.colour) if params.keep else demand_picture
            found, held = found.read(read, skip=True)
        elif params.keep:
            held = {part: Pictures(root, files, size, params.colour).pixels() for part, files in found.parts.items()}
        splits: dict[str, Source] = {}
        count = sum(map(len, found.parts.values()))
        for part, files in found.parts.items():
            source = Pictures(root, files, size, params.colour)
            if params.keep:
                kind = HeldAsBytes if params.scale else HeldPictures
                splits[part] = kind(np.asarray(held.pop(part)), source.labels, source.names)
            else:
                share = params.cache * len(files) / count
                bounded: Source = Cached(source, share) if share else source
                splits[part] = FromZeroToOne(bounded, source.names) if params.scale else bounded
        module = DataModule(root.name, "classification", splits, len(found.labels), found.labels, notes=found.notes)
        return cls.reopen(params, module)

    @classmethod
    def reopen(cls, params: Params, kept: DataModule) -> DataModule:
        size = params.height, params.width
        # By what the run was trained on: one from before there was `scale` had bytes, and its recipe does not say so.
        as_bytes = kept.train.fetch(np.zeros(1, np.int64))["x"].dtype == np.uint8
        scaled: Any = np.asarray if as_bytes else TO_ONE

        return taking_pictures(kept, size, params.colour, scaled)


def taking_pictures(kept: DataModule, size: tuple[int, int], colour: bool, scaled: Callable[[Any], Any]) -> DataModule:
    """The data set, whose runs can be asked about files of pictures, and about pictures in memory."""

    def read(given: InputFile, count: int) -> Iterator[tuple[Sequence[str], Any]]:
        yield from given.examples(IMG_EXTENSIONS, lambda path: scaled(read_picture(path, size, colour)))

    def encode(values: object) -> Any:
        several = isinstance(values, (list, tuple)) or _are_pictures(values)
        pictures: Any = values if several else [values]
        if not len(pictures) or not all(_is_picture(one) for one in pictures):
            return None
        return scaled(np.stack([taken_picture(one, size, colour) for one in pictures]))

    return dataclasses.replace(kept, read=read, encode=encode)


class HeldPictures(ArrayDataset):
    """Pictures that are held in memory, with targets and the names of their files."""

    def __init__(self, x: Any, y: Any, names: Sequence[str]) -> None:
        super().__init__(x=x, y=y)
        self.names = names

    def example_names(self, indices: Any) -> list[str]:
        return [self.names[at] for at in indices]


class HeldAsBytes(HeldPictures):
    """Those that are held as bytes, a quarter of the numbers from 0 to 1 that they give."""

    @anew()
    @by_rows()
    def fetch(self, indices: Any) -> dict[str, Any]:
        fields = super().fetch(indices)
        return {**fields, "x": TO_ONE(fields["x"])}

    def __getitem__(self, index: Any) -> Any:
        x, y = super().__getitem__(index)
        return TO_ONE(x), y


class Pictures:
    """Files that are read when they are asked for, as bytes."""

    def __init__(self, root: Path, files: Sequence[tuple[Path, int]], size: tuple[int, int], colour: bool) -> None:
        self.paths = [path for path, _ in files]
        self.names = [path.relative_to(root).as_posix() for path in self.paths]
        self.labels = np.array([label for _, label in files], dtype=np.int64)
        self.size, self.colour = size, colour

    def __len__(self) -> int:
        return len(self.paths)

    @anew()
    def fetch(self, indices: Any) -> dict[str, Any]:
        return {"x": self.pixels(indices), "y": self.labels.take(indices)}

    def pixels(self, indices: Any = None) -> Any:
        """Of some pictures, or of all."""
        paths = self.paths if indices is None else [self.paths[row] for row in indices]
        return read_images(paths, self.size, mode_of(self.colour), where=WHERE)

    def example_names(self, indices: Any) -> list[str]:
        return [self.names[at] for at in indices]


class FromZeroToOne:
    """Pictures as numbers from 0 to 1, of a source that gives bytes."""

    def __init__(self, source: Source, names: Sequence[str]) -> None:
        self.source, self.names = source, names

    def __len__(self) -> int:
        return len(self.source)

    @anew("source")
    def fetch(self, indices: Any) -> dict[str, Any]:
        fields = self.source.fetch(indices)
        return {**fields, "x": TO_ONE(fields["x"])}

    def example_names(self, indices: Any) -> list[str]:
        return [self.names[at] for at in indices]


def demand_picture(path: Path) -> None:
    """Refuse a file that is no whole picture."""
    read_image(path, where=WHERE)


def read_picture(path: Path, size: tuple[int, int], colour: bool) -> Any:
    """A picture of that height and width, as bytes; its middle, where its form is another."""
    return CenterResizedCrop(size)(read_image(path, mode_of(colour), where=WHERE))


def mode_of(colour: bool) -> str:
    """What Pillow calls the form of a picture."""
    return "RGB" if colour else "L"


def _is_picture(value: object) -> bool:
    """Whether it is a picture of Pillow, or one as bytes."""
    shape = np.shape(value) if isinstance(value, np.ndarray) and value.dtype == np.uint8 else ()
    return hasattr(value, "convert") or len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3, 4))


def _are_pictures(values: object) -> bool:
    """Whether it is an array of pictures as bytes: one axis more than a picture."""
    return isinstance(values, np.ndarray) and values.dtype == np.uint8 and values.ndim > 2 and not _is_picture(values)


def taken_picture(value: Any, size: tuple[int, int], colour: bool) -> Any:
    """A picture in memory, of Pillow or as bytes, as one of a file is read."""
    from PIL import Image

    if isinstance(value, np.ndarray):
        value = Image.fromarray(value[..., 0] if value.ndim == 3 and value.shape[-1] == 1 else value)
    else:
        value = upright(value)
    if value.width * value.height == 0:
        raise DataError(WHERE, f"a picture of {value.width} x {value.height} pixels", "expected some", "leave it out")
    return CenterResizedCrop(size)(value.convert(mode_of(colour)))


def on_white(picture: Any, size: tuple[int, int]) -> Any:
    """The whole of a picture of Pillow as bytes [height, width, 3]: what is transparent, and what its form leaves free,
    is white."""
    from PIL import Image

    height, width = size
    scale = min(height / picture.height, width / picture.width)
    across, down = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = picture.convert("RGBA").resize((across, down), Image.Resampling.BOX)
    sheet = Image.new("RGBA", (width, height), "white")
    sheet.alpha_composite(small, ((width - across) // 2, (height - down) // 2))
    return np.asarray(sheet.convert("RGB"))
