"""Data sets of files in class folders, read when they are asked for: the names are torchvision's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from powertrain.data.dataset import Dataset, place_of
from powertrain.data.errors import DataError
from powertrain.data.folders import PARTS, classes_below
from powertrain.data.pictures import IMG_EXTENSIONS, pillow, read_image
from powertrain.data.source import Indices


class DatasetFolder(Dataset):
    """Files in class folders, root/CLASS/FILE, also further below; an example is (what `loader` reads, class number).

    root              the folder of the classes, in the order of their names
    loader            a function of a path
    extensions        how files end, in any case, such as (".wav",)
    transform         a function of what the loader reads; that of one picture in pt.data.transforms draws by (seed,
                      epoch, index)
    target_transform  a function of the class number
    is_valid_file     a function of a path, in place of extensions

    `classes` are the names, `class_to_idx` their numbers, `samples` pairs of path and number, `targets` the numbers.

    Errors    no folder; no file, or none in one of the classes: DataError, when it is made
    Example
        >>> import soundfile  # doctest: +SKIP
        >>> read = lambda path: soundfile.read(path, dtype="float32")[0]  # doctest: +SKIP
        >>> sounds = pt.data.DatasetFolder("sounds", read, (".wav", ".flac"))  # doctest: +SKIP
    """

    def __init__(
        self,
        root: str | PathLike[str],
        loader: Callable[[str], object],
        extensions: Sequence[str] | None = None,
        transform: Callable[..., object] | None = None,
        target_transform: Callable[[int], object] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
    ) -> None:
        where = type(self).__name__
        for name, value in {"loader": loader, "transform": transform, "target_transform": target_transform,
                            "is_valid_file": is_valid_file}.items():  # fmt: skip
            if isinstance(value, type) or not (callable(value) or (value is None and name != "loader")):
                what = f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
                raise DataError(where, f"{name} is {what}", "expected a function", f"for example {name}={_USUAL[name]}")
        if (extensions is None) == (is_valid_file is None):
            raise DataError(
                where, f"received {'neither' if extensions is None else 'both'} extensions "
                f"{'nor' if extensions is None else 'and'} is_valid_file", "expected one of them",
                'for example extensions=(".wav", ".flac")',
            )  # fmt: skip
        self.root = str(root)
        self.loader, self.transform, self.target_transform = loader, transform, target_transform
        endings = (extensions,) if isinstance(extensions, str) else extensions
        self.extensions = None if endings is None else tuple(one.lower() for one in endings)
        found = _classes(Path(root), self.extensions or is_valid_file, where)
        self.classes = list(found)
        self.class_to_idx = {name: at for at, name in enumerate(found)}
        self.samples = [(str(path), self.class_to_idx[name]) for name, paths in found.items() for path in paths]
        self.targets = [target for _, target in self.samples]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[object, object]:
        path, target = self.samples[place_of(index, len(self), type(self).__name__)]
        sample: Any = self.loader(path)
        if self.transform is not None:
            sample = self.transform(sample)
        return sample, target if self.target_transform is None else self.target_transform(target)

    def example_names(self, indices: Indices) -> list[str]:
        """The files of some examples, below the folder; the report shows them."""
        return [Path(self.samples[at][0]).relative_to(self.root).as_posix() for at in indices]


class ImageFolder(DatasetFolder):
    """Pictures in class folders, root/CLASS/PICTURE, also further below; an example is (picture, class number).

    root              the folder of the classes, in the order of their names
    transform         a function of a picture as Pillow has it, in RGB: pt.data.transforms, or torchvision's
    target_transform  a function of the class number
    loader            a function of a path, in place of `pt.data.read_image`
    is_valid_file     a function of a path; else files are those that end as pictures do

    Pictures are read when they are asked for, in the threads of a `DataLoader`. Their pixels are bytes from 0 to 255:
    end `transform` with `ToTensor()`, which makes numbers from 0 to 1. `CenterResizedCrop((height, width))` before it
    gives the pictures of a recipe's `image-folder`. `classes` are the names, `class_to_idx` their numbers, `samples`
    (also `imgs`) pairs of path and number, and `targets` the numbers.

    Errors    no folder; no picture, or none in one of the classes; no Pillow: DataError, when it is made
    Example
        >>> from powertrain.data import transforms as T
        >>> change = T.Compose([T.CenterResizedCrop(64), T.ToTensor()])
        >>> data = pt.data.ImageFolder("pictures", transform=change)  # doctest: +SKIP
        >>> train, test = pt.data.random_split(data, [0.8, 0.2])  # doctest: +SKIP
    """

    def __init__(
        self,
        root: str | PathLike[str],
        transform: Callable[..., object] | None = None,
        target_transform: Callable[[int], object] | None = None,
        loader: Callable[[str], object] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
    ) -> None:
        if loader is None:
            pillow(type(self).__name__)
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader or read_image, extensions, transform, target_transform, is_valid_file)
        self.imgs = self.samples


_USUAL = {
    "loader": "pt.data.read_image",
    "transform": "pt.data.transforms.ToTensor()",
    "target_transform": "lambda target: target + 1",
    "is_valid_file": 'lambda path: path.endswith(".png")',
}


def _classes(root: Path, wanted: Any, where: str) -> dict[str, list[Path]]:
    """The files of each class folder."""
    folders = sorted(one.name for one in root.glob("*") if one.is_dir() and one.name[0] not in "._")
    if "train" in folders and set(folders) <= {*PARTS, "val", "validation"}:
        raise DataError(
            where, f"folders {', '.join(folders)} below {root}", "expected a folder for each class",
            f"make a data set of each: {where}({str(root / 'train')!r}, ...)",
        )  # fmt: skip
    return classes_below(root, wanted, where, "files" if where == "DatasetFolder" else "pictures")
