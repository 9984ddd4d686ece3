"""Checkpoints: the named slots of a run, nothing else, written so that a kill or a full disk never costs the last one.

One checkpoint is two files. `round-000000000120.safetensors` holds the arrays; `round-000000000120.json` holds what is
no array, the size and SHA-256 of the first, and its own. The JSON is written last: without it there is no checkpoint.
Each file is written aside, synced and renamed, and then the folder is synced.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain import _core

KEEP = 2
FORMAT = 1
Arrays = Mapping[str, NDArray[Any]]


class CheckpointError(_core.Error):
    """A checkpoint that cannot be used."""


class NoSpaceError(_core.Error):
    """The disk is full; what was there before still stands."""


@dataclass(frozen=True)
class Checkpoint:
    """What a run was at one commit."""

    number: int
    arrays: dict[str, NDArray[Any]]
    meta: dict[str, Any]


class Checkpoints:
    """The checkpoints of one run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def numbers(self) -> list[int]:
        """What exists, oldest first."""
        found = (re.fullmatch(r"round-(\d+)\.json", path.name) for path in self.folder.glob("round-*.json"))
        return sorted(int(match[1]) for match in found if match)

    def save(self, number: int, arrays: Arrays, meta: Mapping[str, Any]) -> None:
        """Write a checkpoint, then drop all but the last two. On a full disk nothing that was there is lost."""
        from safetensors.numpy import save

        self.folder.mkdir(parents=True, exist_ok=True)
        payload = save({name: np.asarray(array, order="C") for name, array in arrays.items()})
        header = {
            "format": FORMAT,
            "number": number,
            "bytes": len(payload),
            "sha256": _sha256(payload),
            "meta": dict(meta),
        }
        stem = self.folder / f"round-{number:012d}"
        try:
            write_durably(stem.with_suffix(".safetensors"), payload)
            write_durably(stem.with_suffix(".json"), _sealed(header))
        except NoSpaceError:
            if number not in self.numbers():
                stem.with_suffix(".safetensors").unlink(missing_ok=True)
            raise
        self._drop_old()

    def _drop_old(self) -> None:
        numbers = self.numbers()
        for number in numbers[:-KEEP]:
            self._path(number, ".json").unlink(missing_ok=True)  # first: without it the arrays are nobody's
            self._path(number, ".safetensors").unlink(missing_ok=True)
        kept = {f"round-{number:012d}" for number in numbers[-KEEP:]}
        for stray in self.folder.glob("round-*.safetensors"):  # a kill between the two files of a checkpoint
            if stray.stem not in kept:
                stray.unlink(missing_ok=True)

    def load(self, number: int) -> Checkpoint:
        """One checkpoint, or a CheckpointError that says what is wrong with it."""
        from safetensors.numpy import load

        header = self._header(number)
        path = self._path(number, ".safetensors")
        try:
            payload = path.read_bytes()
        except OSError as error:
            raise CheckpointError(f"{path.name} cannot be read: {error.strerror}") from error
        if len(payload) != header["bytes"]:
            raise CheckpointError(f"{path.name} has {len(payload):,} bytes; {header['bytes']:,} were written")
        if _sha256(payload) != header["sha256"]:
            raise CheckpointError(f"{path.name} is not what was written: its SHA-256 differs")
        return Checkpoint(number, load(payload), header["meta"])

    def _header(self, number: int) -> dict[str, Any]:
        path = self._path(number, ".json")
        try:
            header: dict[str, Any] = json.loads(path.read_bytes())
            seal = header.pop("seal")
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise CheckpointError(f"{path.name} is damaged: {type(error).__name__}") from error
        if _sha256(_canonical(header)) != seal:
            raise CheckpointError(f"{path.name} is not what was written: its SHA-256 differs")
        if header["format"] != FORMAT:
            raise CheckpointError(f"{path.name} has format {header['format']}; this version reads {FORMAT}")
        return header

    def newest_meta(self) -> dict[str, Any]:
        """What the newest checkpoint says of itself, without its arrays; empty where there is none to read."""
        try:
            return dict(self._header(self.numbers()[-1])["meta"])
        except (CheckpointError, IndexError):
            return {}

    def latest(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, and a sentence for each newer one that was passed over."""
        problems: list[str] = []
        for number in reversed(self.numbers()):
            try:
                return self.load(number), problems
            except CheckpointError as error:
                problems.append(f"checkpoint {number} is not used: {error}; trying the one before")
        return None, problems

    def _path(self, number: int, suffix: str) -> Path:
        return self.folder / f"round-{number:012d}{suffix}"


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file so that after a power cut either the old or the new content is there, whole."""
    aside = path.with_name(f".{path.name}.part")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        aside.unlink(missing_ok=True)
        raise NoSpaceError(
            f"[{path}] {error.strerror}; expected room for {len(content):,} bytes; free some space"
        ) from error


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def hash_arrays(arrays: Arrays) -> str:
    """One SHA-256 over all slots: names, dtypes, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        shape = ",".join(str(size) for size in array.shape)
        digest.update(f"{name}\0{array.dtype.str}\0{shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _canonical(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _sealed(header: Mapping[str, Any]) -> bytes:
    seal = _sha256(_canonical(header))
    return (json.dumps({**header, "seal": seal}, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
