"""Folders of files: one for each class, or train, valid and test folders of such."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from powertrain.data.errors import DataError

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class ClassFolders:
    """The files of each part with the numbers of their classes, and the names of these.

    Example
        >>> from powertrain.data import ClassFolders
        >>> found = ClassFolders(("cat", "dog"), {"train": [(Path("cat/1.png"), 0), (Path("dog/1.png"), 1)]})
        >>> [found.labels[number] for _, number in found.parts["train"]]
        ['cat', 'dog']
    """

    labels: tuple[str, ...]
    parts: dict[str, list[tuple[Path, int]]]


def class_folders(root: Path, suffixes: Sequence[str], where: str, kind: str) -> ClassFolders:
    """What is below `root`: CLASS/FILE, or train/CLASS/FILE and so on; `kind` is the word for files, as in "pictures".
    Files may lie in folders further below.

    >>> class_folders(Path("pictures"), (".png",), "image-folder", "pictures").labels  # doctest: +SKIP
    ('cat', 'dog')
    """
    roots = {part: root / part for part in PARTS if (root / part).is_dir()} if (root / "train").is_dir() else {}
    found = {part: classes_below(folder, suffixes, where, kind) for part, folder in (roots or {"train": root}).items()}
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
    return ClassFolders(tuple(labels), parts)


# How files end, or a function of a path.
Wanted: TypeAlias = "Sequence[str] | Callable[[str], bool]"


def classes_below(folder: Path, wanted: Wanted, where: str, kind: str) -> dict[str, list[Path]]:
    """The files of each folder in `folder`, also further below, by the names of folders and files."""
    if not folder.is_dir():
        raise DataError(where, f"no folder {folder}", "expected a folder for each class", "check the path")
    below = {path.name: files_below(path, wanted) for path in sorted(folder.iterdir()) if path.is_dir()}
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


def files_below(folder: Path, wanted: Wanted) -> list[Path]:
    """The files of a folder and of those below it, by name; without folders whose names begin with a dot, in which
    programs keep copies."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(place, name) for name in names]
        found += [path for path in paths if (wanted(str(path)) if callable(wanted) else path.suffix.lower() in wanted)]
    return sorted(found)
