"""The built-in data sets: plugins of the group `data`, each `build(params, base)` giving a DataModule.

`base` is the folder of the recipe; relative paths are taken from there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from powertrain.builtin.column_files import Arrow, Parquet
from powertrain.builtin.token_files import Tokens
from powertrain.data.dataset import ArrayDataset
from powertrain.data.errors import DataError, errors_name
from powertrain.data.formats import data_folders, find_files, read_arrays, read_idx, read_stored, read_text
from powertrain.data.in_memory import classification
from powertrain.data.module import DataModule
from powertrain.data.npy import StoredArray
from powertrain.data.rdata import read_texts
from powertrain.data.source import Array, check_labels
from powertrain.data.split import split_ordered
from powertrain.data.text import Vocabulary, Windows
from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.io.urls import Url, located
from powertrain.plugin.bases import Data
from powertrain.plugin.params import NoParams, param

__all__ = ["Arrays", "Arrow", "Austen", "Digits", "FashionMnist", "Parquet", "Text", "Tokens", "austen_text"]


class Digits(Data):
    """1,797 handwritten digits of 8 x 8 pixels from 0 to 16, carried in the wheel (see files/digits.LICENSE).

    Example
        >>> data = pt.builtin.data.Digits.build(None, Path())
        >>> len(data.train), data.inputs().shape
        (1797, (8, 8))
    """

    @classmethod
    def build(cls, params: NoParams, base: Path) -> DataModule:
        with resources.as_file(resources.files("powertrain.builtin") / "files") as folder:
            images = read_idx(folder / "digits-images-idx3-ubyte.gz", "digits")
            labels = read_idx(folder / "digits-labels-idx1-ubyte.gz", "digits")
        return classification("digits", {"train": (images, labels)}, tuple("0123456789"))


class FashionMnist(Data):
    """70,000 pictures of clothing, 28 x 28 bytes, in 10 classes; 10,000 of them are the test split.

    Example
        >>> params = pt.builtin.data.FashionMnist.Params(path=Path("clothes"))
        >>> data = pt.builtin.data.FashionMnist.build(params, Path())  # doctest: +SKIP
        >>> data.labels[:2]  # doctest: +SKIP
        ('T-shirt', 'trouser')
    """

    CLASSES = (
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip

    @dataclass(frozen=True)
    class Params:
        path: Path | None = param(None, doc="folder of the four .gz files; else $POWERTRAIN_DATA and Debian's place")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        folders: list[Path] = [base / params.path] if params.path else data_folders("fashion-mnist")
        files = find_files(
            (
                "train-images-idx3-ubyte.gz",
                "train-labels-idx1-ubyte.gz",
                "t10k-images-idx3-ubyte.gz",
                "t10k-labels-idx1-ubyte.gz",
            ),
            folders if params.path else [*folders, Path("/usr/share/datasets/fashion-mnist")],
            "fashion-mnist",
            "get it with `apt-get install dataset-fashion-mnist`, or set POWERTRAIN_DATA to the folder of the files",
        )
        arrays = [read_idx(file, "fashion-mnist") for file in files]
        splits = {"train": (arrays[0], arrays[1]), "test": (arrays[2], arrays[3])}
        return classification("fashion-mnist", splits, cls.CLASSES)


class Arrays(Data):
    """Arrays of an .npz file, for example saved with numpy.savez(path, x=x, y=y).

    Example
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.savez(folder / "points.npz", x=np.zeros((4, 2)), y=np.arange(4) % 2)
        >>> pt.builtin.data.Arrays.build(pt.builtin.data.Arrays.Params(path=Path("points.npz")), folder).outputs
        2
    """

    examples = ({"path": "arrays.npz"},)

    @dataclass(frozen=True)
    class Params:
        path: Path = param(doc="the .npz file, or the .npy file of x")
        target_path: Path | None = param(None, doc="the .npy file of y, when path is an .npy file")
        x: str = param("x", doc="name of the inputs in the file")
        y: str = param("y", doc="name of the targets in the file")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        where = f"arrays {params.path}"
        x: Array | StoredArray
        if params.target_path is not None:
            x = read_stored(base / params.path, where)
            (y,) = list(read_arrays(base / params.target_path, where).values())[:1]
        else:
            arrays = read_arrays(base / params.path, where)
            for name in (params.x, params.y):
                if name not in arrays:
                    raise DataError(
                        where,
                        f"no array {name!r}",
                        f"expected one of {', '.join(arrays)}",
                        "set x and y to their names",
                    )
            x, y = arrays[params.x], arrays[params.y]
        name = params.path.stem
        with errors_name(params.path):
            if y.dtype.kind in "iub" and y.ndim == 1 and y.size:
                classes = check_labels(y, None, "arrays y")
                made = classification(name, {"train": (x, y)}, tuple(str(number) for number in range(classes)))
                return dataclasses.replace(made, open_classes=True)
            source = ArrayDataset(x=x, y=_targets(y, "arrays y"))
        return DataModule(name, "regression", {"train": source}, 1 if y.ndim == 1 else int(np.prod(y.shape[1:])))


def _targets(y: Array, where: str) -> Array:
    """Numbers to predict, as float32."""
    if y.dtype.kind not in "fiub" or y.ndim == 0:
        raise DataError(
            where, f"dtype {y.dtype}, shape {list(y.shape)}", "expected numbers, one row per example",
            "number the classes of texts: labels, y = numpy.unique(y, return_inverse=True)",
        )  # fmt: skip
    with np.errstate(over="ignore"):  # what is too large for it becomes an infinity, which the source refuses
        return y.astype(np.float32)


@dataclass(frozen=True)
class _TextParams:
    context: int = param(64, low=1, doc="tokens that the model sees")
    valid: float = param(0.1, low=0, below=1, doc="share at the end of the text, for validation")
    test: float = param(0.0, low=0, below=1, doc="share at the end of the text, for the test")


class _Characters(Data, declares=True):
    """A text as characters, with the vocabulary of its training part."""

    @classmethod
    def reopen(cls, params: object, kept: DataModule) -> DataModule:
        return dataclasses.replace(kept, vocabulary=Vocabulary.from_state(kept.state))


class Text(_Characters):
    """A UTF-8 file as characters; the vocabulary is that of the training part.

    Example
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "input.txt").write_text("To be, or not to be, that is the question. " * 9)
        >>> data = pt.builtin.data.Text.build(pt.builtin.data.Text.Params(context=16), folder)
        >>> data.inputs().shape, data.vocabulary.decode(data.vocabulary.encode("question"))
        ((16,), 'question')
    """

    @dataclass(frozen=True)
    class Params(_TextParams):
        path: Url | Path = param(Path("input.txt"), doc="the file or its URL; .gz is unpacked")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        where = f"text {params.path}"
        return language(params.path.stem, read_text(located(params.path, base), where), params)


class Austen(_Characters):
    """Jane Austen's six novels, 4.03 million characters, from Debian's r-cran-janeaustenr.

    Example
        >>> params = pt.builtin.data.Austen.Params(context=64)
        >>> data = pt.builtin.data.Austen.build(params, Path())  # doctest: +SKIP
        >>> data.vocabulary.decode(data.train.fetch(np.array([0]))["x"][0])[:18]  # doctest: +SKIP
        'Emma Woodhouse, ha'
    """

    @dataclass(frozen=True)
    class Params(_TextParams):
        path: Path | None = param(None, doc="folder of Rdata.rdx and Rdata.rdb, or one UTF-8 file of the text")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        return language("austen", austen_text(params.path, base), params)


def austen_text(path: Path | None = None, base: Path = Path()) -> str:
    """Read the novels of the data set `austen` as one text, in the order of their titles.

    path  the folder of Rdata.rdx and Rdata.rdb, or one UTF-8 file; else $POWERTRAIN_DATA and Debian's place, by `base`

    Errors    no such files: DataError, which says how to get them
    Example
        >>> len(austen_text())  # doctest: +SKIP
        4030000
    """
    if path is not None and (base / path).exists() and not (base / path).is_dir():
        return read_text(base / path, "austen")
    debian = Path("usr/lib/R/site-library/janeaustenr/data")
    folders = [base / path] if path else [*data_folders("janeaustenr", str(debian)), "/" / debian]
    index, _ = find_files(
        ("Rdata.rdx", "Rdata.rdb"),
        folders,
        "austen",
        "get it with `apt-get install r-cran-janeaustenr`, or without R by `apt-get download r-cran-janeaustenr`, "
        "`dpkg-deb -x r-cran-janeaustenr_*.deb FOLDER` and POWERTRAIN_DATA=FOLDER",
    )
    novels = read_texts(index.parent)
    return "\n\n".join(novels[title] for title in sorted(novels))


def language(name: str, text: str, params: _TextParams) -> DataModule:
    """Splits a text by position, fits the vocabulary on the training part, and cuts windows."""
    parts = {split: share for split, share in (("valid", params.valid), ("test", params.test)) if share > 0}
    if len(text) < 2:
        raise DataError(f"text {name}", f"{len(text)} characters", "expected a text", "check the file")
    rows = split_ordered(len(text), parts)
    texts = {split: text[part[0] : part[-1] + 1] for split, part in rows.items()}
    vocabulary = Vocabulary.fit(texts["train"])
    sources = {
        # Training draws any offset; the other splits are read through once.
        split: Windows(vocabulary.encode(part), params.context, 1 if split == "train" else params.context)
        for split, part in texts.items()
    }
    return DataModule(
        name,
        "language",
        sources,
        len(vocabulary),
        tuple(vocabulary.characters),
        state=vocabulary.state(),
        context=params.context,
        vocabulary=vocabulary,
    )


export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
