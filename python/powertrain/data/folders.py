"""Folders of files: one for each class, or train, valid and test folders of such."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeAlias, TypeVar

from powertrain import _core
from powertrain.data.errors import DataError, DataFileError

PARTS = ("train", "valid", "test")
_WAITING = 256  # files that are handed to the threads at once
_NAMED = 10  # files that are left out
_OF_SYSTEMS = ("thumbs.db", "desktop.ini")

T = TypeVar("T")


@dataclass(frozen=True)
class ClassFolders:
    """The files of each part with the numbers of their classes, and the names of these.

    `where` and `kind` are for errors: who reads the folder, and the word for its files. `left_out` says of each file
    that cannot be read what is wrong with it; `others` are files that end as none of the kind does, by their endings.

    Example
        >>> from powertrain.data import ClassFolders
        >>> found = ClassFolders(("cat", "dog"), {"train": [(Path("cat/1.png"), 0), (Path("dog/1.png"), 1)]})
        >>> [found.labels[number] for _, number in found.parts["train"]]
        ['cat', 'dog']
    """

    labels: tuple[str, ...]
    parts: dict[str, list[tuple[Path, int]]]
    where: str = "class folders"
    kind: str = "files"
    left_out: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def read(self, read: Callable[[Path], T], *, skip: bool = False) -> tuple[ClassFolders, dict[str, list[T]]]:
        """Read every file, by as many threads as compute: the files that can be read, and what they hold, by part.

        read    a function of a path, which raises DataError for a file that it cannot read
        skip    leave such files out; else the first one ends the reading

        Errors    a class of a part without a file that can be read: DataError
        """
        parts: dict[str, list[tuple[Path, int]]] = {}
        held: dict[str, list[T]] = {}
        wrong = list(self.left_out)
        for part, files in self.parts.items():
            parts[part], held[part] = [], []
            for file, found in zip(files, _results(read, [path for path, _ in files]), strict=True):
                if not isinstance(found, DataError):
                    parts[part].append(file)
                    held[part].append(found)
                elif skip:
                    wrong.append(found.received)
                else:
                    raise found
            self._demand_same_classes(part, parts[part])
        return dataclasses.replace(self, parts=parts, left_out=tuple(wrong)), held

    def _demand_same_classes(self, part: str, left: Sequence[tuple[Path, int]]) -> None:
        lost = sorted({label for _, label in self.parts[part]} - {label for _, label in left})
        if lost:
            raise DataError(
                f"{self.where} {part}", f"no {self.kind} of the class {self.labels[lost[0]]} can be read",
                "expected some of each class", "repair them, or remove the folder",
            )  # fmt: skip

    @property
    def notes(self) -> tuple[str, ...]:
        """How many files were left out, and what is wrong with the first of them."""
        return (*self._notes_of_others(), *self._notes_of_unreadable())

    def _notes_of_others(self) -> tuple[str, ...]:
        if not self.others:
            return ()
        counts = Counter(self.others).most_common(_NAMED)
        named = ", ".join(f"{count:,} {ending or 'without an ending'}" for ending, count in counts)
        return (f"{len(self.others):,} files that do not end as {self.kind} do are left out: {named}",)

    def _notes_of_unreadable(self) -> tuple[str, ...]:
        if not self.left_out:
            return ()
        total = len(self.left_out) + sum(map(len, self.parts.values()))
        first = f"{len(self.left_out):,} of {total:,} {self.kind} cannot be read and are left out"
        more = len(self.left_out) - _NAMED
        return (first, *self.left_out[:_NAMED], *((f"and {more:,} more",) if more > 0 else ()))


def _results(read: Callable[[Path], T], paths: Sequence[Path]) -> Iterator[T | DataError]:
    """What `read` gives for each path, or the error that it raises, in order."""

    def tried(path: Path) -> T | DataError:
        try:
            return read(path)
        except DataError as error:
            return error

    with ThreadPoolExecutor(_core.get_threads(), thread_name_prefix="reading") as pool:
        for start in range(0, len(paths), _WAITING):
            yield from pool.map(tried, paths[start : start + _WAITING])


def class_folders(root: Path, suffixes: Sequence[str], where: str, kind: str) -> ClassFolders:
    """What is below `root`: CLASS/FILE, or train/CLASS/FILE and so on; `kind` is the word for files, as in "pictures".
    Files may lie in folders further below.

    >>> class_folders(Path("pictures"), (".png",), "image-folder", "pictures").labels  # doctest: +SKIP
    ('cat', 'dog')
    """
    roots = {part: root / part for part in PARTS if (root / part).is_dir()} if (root / "train").is_dir() else {}
    found, others = {}, []
    for part, folder in (roots or {"train": root}).items():
        passed: list[Path] = []
        found[part] = classes_below(folder, suffixes, where, kind, passed)
        others += [path for path in passed if path.relative_to(folder).parts[0] in found[part]]
    labels = list(found["train"])
    for part, classes in found.items():
        unknown = sorted(set(classes) - set(labels))
        if unknown:
            raise DataError(
                f"{where} {part}", f"classes {', '.join(unknown[:5])}", f"expected some of {', '.join(labels)}",
                f"give the training part {kind} of them, or leave them out",
            )  # fmt: skip
    if len(labels) == 1:
        raise DataError(
            where, f"one class alone, {labels[0]}, below {roots.get('train', root)}", "expected two or more",
            f"put the {kind} of each class into a folder of its name",
        )  # fmt: skip
    parts = {
        part: [(path, labels.index(label)) for label, paths in classes.items() for path in paths]
        for part, classes in found.items()
    }
    endings = (path.suffix.lower() for path in others if not _is_of_system(path.name))
    return ClassFolders(tuple(labels), parts, where, kind, others=tuple(endings))


def _is_of_system(name: str) -> bool:
    """Whether programs put it into every folder."""
    return name.startswith(".") or name.lower() in _OF_SYSTEMS


# How files end, or a function of a path.
Wanted: TypeAlias = "Sequence[str] | Callable[[str], bool]"


def classes_below(
    folder: Path, wanted: Wanted, where: str, kind: str, others: list[Path] | None = None
) -> dict[str, list[Path]]:
    """The files of each folder in `folder`, also further below, by the names of folders and files. `others` gets those
    that are not wanted."""
    if not folder.is_dir():
        raise DataError(where, f"no folder {folder}", "expected a folder for each class", "check the path")
    below = {path.name: files_below(path, wanted, others) for path in sorted(folder.iterdir()) if path.is_dir()}
    found = {name: paths for name, paths in below.items() if paths}
    of = "that is_valid_file takes" if callable(wanted) else f"in {', '.join(wanted)}"
    if not found:
        raise DataError(
            where, f"no {kind} below {folder}", f"expected CLASS/FILE, with names {of}",
            f"put the {kind} of each class into a folder of its name",
        )  # fmt: skip
    if empty := [name for name, paths in below.items() if not paths and name[0] not in "._"]:
        names = ", ".join(empty[:5]) + (", ..." if len(empty) > 5 else "")
        raise DataError(
            where, f"no {kind} in {names} below {folder}", f"expected some in each folder, {of}",
            f"put {kind} of the class there, or remove the folder",
        )  # fmt: skip
    return found


def files_below(folder: Path, wanted: Wanted, others: list[Path] | None = None) -> list[Path]:
    """The files of a folder and of those below it, by name; without folders whose names begin with a dot, in which
    programs keep copies. Links to folders are followed, each folder once. `others` gets those that are not wanted."""
    found: list[Path] = []
    known = {os.path.realpath(folder)}
    for place, folders, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        below = {os.path.realpath(Path(place, name)): name for name in folders if not name.startswith(".")}
        folders[:] = [name for real, name in below.items() if real not in known]
        known.update(below)
        for path in sorted(Path(place, name) for name in names):
            if wanted(str(path)) if callable(wanted) else path.suffix.lower() in wanted:
                found.append(path)
            elif others is not None:
                others.append(path)
    return sorted(found)


def _unreadable(error: OSError) -> NoReturn:
    """A folder that cannot be listed: the files in it would be missed by nobody."""
    raise DataFileError("folder", str(error.filename), error) from None
