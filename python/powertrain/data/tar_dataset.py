"""Examples in tar files, in the form of WebDataset: members of one name that end differently are one example.

The headers are read once. The members of an example are read when it is asked for, where they lie. So any order is
possible, and the state of a loader is a few integers, as with every data set.
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np

from powertrain.data.dataset import Dataset, place_of
from powertrain.data.errors import DataError, demand_choice
from powertrain.data.formats import open_file
from powertrain.data.npy import read_array
from powertrain.data.paths import Paths, found_paths
from powertrain.data.pictures import IMG_EXTENSIONS, cause, picture_in
from powertrain.data.source import Indices
from powertrain.data.tar_files import tar_members
from powertrain.io.inputs import max_input_bytes, read_at
from powertrain.io.urls import Url

WHERE = "TarDataset"
Decode: TypeAlias = "Callable[[bytes], object]"


class TarDataset(Dataset):
    """Examples in tar files, as WebDataset has them: `cat/01.jpg` and `cat/01.cls` beside each other are one example.

    paths             a pattern such as "train-*.tar", or paths
    fields            how the members of an example end; the example is a tuple of their values. A table says how the
                      bytes of a member become a value, {"jpg": None, "cls": int}. None is the usual way: pictures in
                      RGB, whole numbers (cls, id), texts (txt), arrays (npy), json, and bytes of others
    transform         a function of the first field, such as those of pt.data.transforms
    target_transform  a function of the second field
    bad               "error", or "skip" to leave out examples without one of the fields, which `left_out` names

    Other members are passed over. Nothing is unpacked to the disk, and nothing in a file can run code.

    Errors    no file; no tar file, one that is cut off or packed; an example that lacks a field or has it twice; a
              member that is no regular file, or whose name leads out of a folder: DataError, which names both
    Example
        >>> from powertrain.data import transforms as T
        >>> change = T.Compose([T.Resize((64, 64)), T.ToTensor()])
        >>> data = pt.data.TarDataset("train-*.tar", ("jpg", "cls"), transform=change)  # doctest: +SKIP
        >>> x, y = data[0]  # doctest: +SKIP
    """

    def __init__(
        self,
        paths: Paths,
        fields: Sequence[str] | Mapping[str, Decode | None],
        transform: Callable[..., object] | None = None,
        target_transform: Callable[..., object] | None = None,
        bad: str = "error",
    ) -> None:
        demand_choice(WHERE, "bad", bad, ("error", "skip"))
        self.decoders = _decoders(fields, 1 if target_transform is None else 2)
        self.transform, self.target_transform = transform, target_transform
        self.paths = found_paths(paths, WHERE, "tar")
        self.left_out: list[str] = []
        self._keys: list[str] = []
        shards: list[int] = []
        places: dict[str, list[tuple[int, int]]] = {ending: [] for ending in self.decoders}
        for shard, path in enumerate(self.paths):
            for key, members in _examples(path):
                if self._is_whole(key, members, path, bad):
                    self._keys.append(key)
                    shards.append(shard)
                    for ending, place in places.items():
                        place.append(members[ending])
        if not shards:
            raise DataError(WHERE, f"no example in {self.paths[0]}", "expected some", "check the paths and fields")
        # Some tens of bytes for each example: the number of its file; where each field begins and its size.
        self._shards = np.array(shards, dtype=np.int32)
        self._members = {ending: np.array(place, dtype=np.int64) for ending, place in places.items()}

    def _is_whole(self, key: str, members: Mapping[str, object], path: Path | Url, bad: str) -> bool:
        """Whether an example has every field; one that has not is an error, or noted."""
        lacking = next((ending for ending in self.decoders if ending not in members), None)
        if lacking is None:
            return True
        if bad == "error":
            raise DataError(
                WHERE, f"{path}: {key} with {', '.join(members)}, without {lacking}",
                f"expected {', '.join(self.decoders)} of each example", 'add it, or pass bad="skip"',
            )  # fmt: skip
        self.left_out.append(f"{path}: {key} without {lacking}")
        return False

    def __len__(self) -> int:
        return len(self._shards)

    def __getitem__(self, index: int) -> tuple[object, ...]:
        made = self._values(place_of(index, len(self), WHERE), list(self.decoders))
        for at, change in enumerate((self.transform, self.target_transform)):
            if change is not None:
                made[at] = change(made[at])
        return tuple(made)

    def example_names(self, indices: Indices) -> list[str]:
        """What the members of some examples are called without their endings; the report shows them."""
        return [self._keys[at] for at in indices]

    @functools.cached_property
    def targets(self) -> list[object]:
        """The second field of every example, read without the others."""
        if len(self.decoders) < 2:
            raise AttributeError("targets")
        return [self._values(row, list(self.decoders)[1:2])[0] for row in range(len(self))]

    def _values(self, row: int, endings: Sequence[str]) -> list[object]:
        """Some fields of an example."""
        path = self.paths[self._shards[row]]
        made = []
        with open_file(path, WHERE) as file:
            for ending in endings:
                start, size = self._members[ending][row].tolist()
                try:
                    made.append(self.decoders[ending](_content(file, start, size)))
                except Exception as error:  # of a damaged member, or of somebody's own function
                    raise DataError(
                        WHERE, f"{path}: {self._keys[row]}.{ending}: {cause(error)}", "expected what its name says",
                        "repair it, or take it out of the tar file",
                    ) from None  # fmt: skip
        return made


def _content(file: IO[bytes], start: int, size: int) -> bytes:
    if size > max_input_bytes():
        raise ValueError(f"{size:,} bytes; at most {max_input_bytes():,} are read")
    content = read_at(file, start, size)
    if len(content) < size:
        raise ValueError(f"the file was cut off: {len(content):,} of {size:,} bytes")
    return content


def _decoders(fields: Sequence[str] | Mapping[str, Decode | None], least: int) -> dict[str, Decode]:
    """What makes a value of each field."""
    given = fields if isinstance(fields, Mapping) else dict.fromkeys([fields] if isinstance(fields, str) else fields)
    if len(given) < least:
        raise DataError(
            WHERE,
            f"fields = {list(given)}",
            f"expected {least} or more endings of members",
            'for example ("jpg", "cls")',
        )
    return {ending: decode or _usual(ending) for ending, decode in given.items()}


def _examples(path: Path | Url) -> Iterator[tuple[str, dict[str, tuple[int, int]]]]:
    """The name of each example, and by ending where its members lie: those beside each other up to the first dot."""
    current, members = "", dict[str, tuple[int, int]]()
    for name, start, size in tar_members(path, WHERE):
        folder, _, base = name.rpartition("/")
        stem, _, ending = base.partition(".")
        if not stem:  # of a hidden file, which programs leave behind
            continue
        key, ending = f"{folder}/{stem}" if folder else stem, ending.lower()
        if key != current:
            if members:
                yield current, members
            current, members = key, {}
        if ending in members:
            raise DataError(
                WHERE, f"{path}: {name} twice", "expected each field once", "write the file again, without copies"
            )
        members[ending] = start, size
    if members:
        yield current, members


def _usual(ending: str) -> Decode:
    """How members of that ending are read, by its last part: seg.png is a picture too."""
    last = ending.rpartition(".")[2]
    return _pictures if f".{last}" in IMG_EXTENSIONS else _USUAL.get(last, bytes)


def _pictures(content: bytes) -> object:
    return picture_in(io.BytesIO(content))


def _array(content: bytes) -> object:
    return read_array(io.BytesIO(content), len(content))


def _text(content: bytes) -> str:
    return content.decode("utf-8")


_USUAL: dict[str, Decode] = {
    "cls": int, "id": int, "txt": _text, "json": json.loads, "npy": _array,
}  # fmt: skip
