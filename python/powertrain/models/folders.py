"""Copies of runs: only ordinary files, hashed as they are copied, in place under their name at once or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from powertrain.io.file_lock import LOCK_FILE
from powertrain.io.files import Files, make_folder, synced

_CHUNK = 1 << 20
_DEEPEST = 8
MONITOR_PAGE = "monitor.html"
# Labels that came to a server of the run: one file is added to, the other is full. They are no part of the run.
FEEDBACK = ("feedback.jsonl", "feedback-before.jsonl")
_LEFT_OUT = (LOCK_FILE, *FEEDBACK)
# What `powertrain monitor` and `powertrain report` write anew beside a model is no part of it.
_PAGES = (MONITOR_PAGE, "report.html", "card.md")


def copy_run(source: Path, target: Path) -> str:
    """Copy the files of a run to a folder that is not there yet, and return their hash."""
    aside = target.with_name(f".{target.name}.part")
    shutil.rmtree(aside, ignore_errors=True)  # of a copy that was killed
    make_folder(aside, anew=True)
    try:
        files, copied = Files(source), Files(aside)
        for name in _names(source):
            with files.reading(name) as file, _made(copied, aside, name) as out:
                shutil.copyfileobj(file, out, _CHUNK)
        found = hash_folder(aside)
        os.rename(aside, target)  # noqa: PTH104
        _sync(target.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return found


def hash_folder(folder: Path) -> str:
    """One SHA-256 over the names and the bytes of all files of a folder, apart from pages about it."""
    digest, files = hashlib.sha256(), Files(folder)
    for name in _names(folder):
        if name in _PAGES:
            continue
        with files.reading(name) as file:
            inner = hashlib.sha256()
            while part := file.read(_CHUNK):
                inner.update(part)
        digest.update(f"{name}\0{inner.hexdigest()}\n".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def _names(folder: Path, below: str = "", depth: int = 0) -> list[str]:
    """The ordinary files of a folder and those below, sorted; links, and what is written aside, are left out."""
    found: list[str] = []
    with os.scandir(folder / below) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            name = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False) and depth < _DEEPEST and entry.name != "__pycache__":
                found += _names(folder, name, depth + 1)
            elif entry.is_file(follow_symlinks=False) and entry.name not in _LEFT_OUT and not name.endswith(".part"):
                found.append(name)
    return found


@contextlib.contextmanager
def _made(files: Files, folder: Path, name: str) -> Iterator[BinaryIO]:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(files.appending(name), "wb") as out:
        yield out
        out.flush()
        synced(out.fileno())


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        synced(opened)
    finally:
        os.close(opened)
