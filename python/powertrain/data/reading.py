"""What a trained run is asked about: a file, a folder of files, or standard input, read in pieces of bounded size."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias

from powertrain.data.errors import DataError
from powertrain.data.folders import files_below
from powertrain.data.formats import numpy_file, opened
from powertrain.data.npy import MAGIC, NpyError, as_array, read_header, read_numbers
from powertrain.data.pictures import IMG_EXTENSIONS
from powertrain.data.source import Array
from powertrain.io.inputs import open_file, read_at_most, size_of

Piece: TypeAlias = tuple[Sequence[str], Array]
"""Some examples: what each is called, or nothing where they go by their numbers; and their inputs."""

_MOST_LINE = 1 << 20  # characters; a longer line is no text of an example
_ARRAYS = (".npy", ".npz")


class UnaskedArraysError(DataError):
    """A data set's `read` came upon an .npy or .npz file whose ending it did not name: it is read as arrays instead."""

    def __init__(self, given: InputFile) -> None:
        super().__init__(
            "predict", f"{given.name}, which holds arrays", "expected a file of the data set's own kind",
            f"a data set that reads arrays itself names their ending: given.files(('{given.arrays}',))",
        )  # fmt: skip


class InputFile:
    """A file, a folder, or standard input (`path` is None), from which examples are read one after another.

    `unreadable` is told of each file of a folder that cannot be read, and the others are read all the same. Without it,
    and of a single file, this is an error.

    Example
        >>> InputFile(Path("pictures/cat.png")).name
        'pictures/cat.png'
    """

    def __init__(self, path: Path | None, unreadable: Callable[[DataError], None] | None = None) -> None:
        self.path = path
        self._unreadable = unreadable

    @property
    def name(self) -> str:
        return "standard input" if self.path is None else str(self.path)

    @property
    def suffix(self) -> str:
        """How its name ends, in small letters; nothing of standard input and of folders."""
        return "" if self.path is None or self.is_folder else self.path.suffix.lower()

    @property
    def is_folder(self) -> bool:
        return self.path is not None and self.path.is_dir()

    @property
    def arrays(self) -> str:
        """How a file of arrays ends, ".npy" or ".npz"; nothing of other files. Standard input is told by its first
        bytes, which only an .npy file has to itself."""
        if self.path is not None:
            return self.suffix if self.suffix in _ARRAYS else ""
        buffer = sys.stdin.buffer
        begins = buffer.peek(1)[: len(MAGIC)] if isinstance(buffer, io.BufferedReader) else b""
        return ".npy" if begins and MAGIC.startswith(begins) else ""

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Its bytes in order, unpacked where its name ends in .gz; not of an .npy or .npz file."""
        self._demand_asked()
        if self.path is None:
            yield sys.stdin.buffer
        else:
            with opened(self.path, "predict") as file:
                yield file

    def files(self, suffixes: Sequence[str]) -> Iterator[tuple[str, Path]]:
        """The name and the path of each file. Of a folder these are the files in it and below it whose names end so, in
        the order of their paths. Of standard input it is a copy, which is gone afterwards. An .npy or .npz file is
        given only where its ending is among them."""
        self._demand_asked(suffixes)
        if self.path is None:
            suffix = self.arrays or next(iter(suffixes), "")
            with tempfile.NamedTemporaryFile(prefix="powertrain-", suffix=suffix) as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
                copy.flush()
                yield self.name, Path(copy.name)
        elif not self.is_folder:
            yield self.name, self.path
        else:
            found = files_below(self.path, suffixes)
            if not found:
                raise DataError(
                    "predict", f"{self.path} without a file {', '.join(f'*{suffix}' for suffix in suffixes)} in it",
                    "expected some", "name the folder that the files lie in, or a single file",
                )  # fmt: skip
            yield from ((str(path), path) for path in found)

    def examples(self, suffixes: Sequence[str], read: Callable[[Path], Array]) -> Iterator[Piece]:
        """The name of each file and the example that it holds, by `read`, as a batch of one."""
        for name, path in self.files(suffixes):
            try:
                x = read(path)
            except DataError as error:
                if self._unreadable is None or not self.is_folder:
                    raise
                self._unreadable(error)
            else:
                yield [name], x[None]

    def _demand_asked(self, suffixes: Sequence[str] = ()) -> None:
        if self.arrays and self.arrays not in suffixes:
            raise UnaskedArraysError(self)

    def lines(self, count: int) -> Iterator[list[str]]:
        """Its lines of UTF-8 text without their ends, at most `count` at once."""
        number, held = 0, []
        with self.opened() as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig")
            try:
                while line := text.readline(_MOST_LINE):
                    number += 1
                    if len(line) == _MOST_LINE and not line.endswith("\n"):
                        raise DataError(
                            "predict", f"{self.name}, line {number:,}: {_MOST_LINE:,} characters or more",
                            "expected an example in each line", "is it a text file?",
                        )  # fmt: skip
                    held.append(line.rstrip("\n"))
                    if len(held) == count:
                        yield held
                        held = []
            except UnicodeDecodeError:
                raise DataError(
                    "predict", f"{self.name}, after line {number:,}: a byte that is not UTF-8", "expected a UTF-8 text",
                    "convert it with `iconv -t utf-8`",
                ) from None  # fmt: skip
            finally:
                text.detach()  # standard input is not ours to close
        if held:
            yield held


def no_pictures(where: str, received: str) -> DataError:
    """The error for a picture that a run is asked about which was trained on arrays, or on objects of a caller's."""
    return DataError(
        where, received, "expected arrays, since this run was not trained on files of pictures",
        "make of it what the data set has, by the transforms of the training: "
        "run.predict(np.stack([transform(pt.data.read_image(path))]))",
    )  # fmt: skip


def array_pieces(given: InputFile, example: tuple[int, ...], count: int) -> Iterator[Array]:
    """The rows of an .npy file, or of `x`, else the only array, of an .npz; a single example is one row. From standard
    input an .npy file is read."""
    where, path = "predict", given.path or Path("standard input")
    with numpy_file(path, where):
        if given.path is None:
            yield from _rows(sys.stdin.buffer, None, example, count)
            return
        with open_file(given.path) as file:
            begins = file.read(6)
            file.seek(0)
            if begins.startswith(MAGIC):
                yield from _rows(file, size_of(file), example, count)
                return
            if not begins.startswith(b"PK") and given.path.suffix.lower() in IMG_EXTENSIONS:
                raise no_pictures(where, f"the picture {given.path}")
            if not begins.startswith(b"PK"):
                raise NpyError(f"it begins with {begins.hex(' ') or 'nothing'}")
            with zipfile.ZipFile(file) as archive:
                members = {info.filename: info for info in archive.infolist() if info.filename.endswith(".npy")}
                if not members:
                    raise NpyError("it holds no array")
                info = members.get("x.npy") or next(iter(members.values()))
                if info.filename != "x.npy" and len(members) > 1:
                    names = ", ".join(name.removesuffix(".npy") for name in members)
                    raise NpyError(f"it holds {names}, and none of them is called x")
                with archive.open(info) as member:
                    yield from _rows(member, info.file_size, example, count)


def _rows(file: IO[bytes], size: int | None, example: tuple[int, ...], count: int) -> Iterator[Array]:
    header = read_header(file, size)
    alone = header.shape == example
    if header.by_columns or alone or not header.shape or not header.bytes:
        whole = read_numbers(file, header)
        yield whole[None] if alone else whole
        return
    row_bytes, left = header.bytes // header.shape[0], header.shape[0]
    while left:
        rows = min(left, count)
        content = read_at_most(file, rows * row_bytes)
        if len(content) != rows * row_bytes:
            raise NpyError(f"it ends in row {header.shape[0] - left + len(content) // row_bytes:,}")
        yield as_array(content, header.dtype, (rows, *header.shape[1:]))
        left -= rows
