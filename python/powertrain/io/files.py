"""Files of a folder that may come from a stranger: the one place that opens, writes, lists and removes them.

Below the folder no link is followed, at no level. What is opened is an ordinary file; what is added to has no second
name elsewhere. What is written is made new beside the old and renamed over it, so that a kill, a full disk or a reader
never meets half of it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from powertrain._core import Error
from powertrain.io.direct import LEAST, DirectFile

# Without O_NONBLOCK the opening of a pipe waits for somebody at its other end.
SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
NO_FOLDER = (errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)  # what a path may lead to
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MOST_BYTES = 1 << 26  # of a file that is read whole, if nothing else says how long it may be


# What a file system says that cannot do it, such as some of network drives.
NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP)


class FolderError(Error):  # type: ignore[misc, unused-ignore]
    """Something in a folder is not what belongs there."""


class NoSpaceError(Error):  # type: ignore[misc, unused-ignore]
    """The disk is full; what was there before still stands."""


class NotAllowedError(Error, PermissionError):  # type: ignore[misc, unused-ignore]
    """The system does not let this process read or write here. It has the number and the path of the system's error."""

    def __str__(self) -> str:
        return str(self.args[0])  # and not "[Errno 13] ..."

    @classmethod
    def of(cls, error: OSError, path: Path, reads: bool = False) -> NotAllowedError:
        wanted = "a file that you may read" if reads else "a folder in which you may write"
        made = cls(f"[{path}] {error.strerror}; expected {wanted}; change its rights, or copy the folder to your own")
        made.errno, made.strerror, made.filename = error.errno, error.strerror, str(path)
        return made


def make_folder(path: Path, anew: bool = False) -> None:
    """Make a folder, and those above it, where they are not there yet; with `anew` it must not be there."""
    try:
        path.mkdir(parents=True, exist_ok=not anew)
    except OSError as error:
        if error.errno in NOT_ALLOWED:
            raise NotAllowedError.of(error, path) from error
        if error.errno in FULL:
            raise NoSpaceError(f"[{path}] {error.strerror}; expected room for a folder; free some space") from error
        if error.errno not in NO_FOLDER:
            raise
        raise FolderError(
            f"[{path}] it cannot be made: {error.strerror}; expected the path of a folder; give another one"
        ) from error


class Files:
    """The files of one folder. Names are relative, with "/" between folders; the folder itself is the user's choice."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        """An ordinary file, open to be read."""
        with self._told(name, reads=True):
            file = open(self._open(name, os.O_RDONLY), "rb")  # noqa: SIM115, PTH123
        with file:
            yield file

    def read(self, name: str, most: int = MOST_BYTES) -> bytes:
        """The whole of an ordinary file."""
        with self.reading(name) as file, self._told(name, reads=True):
            size = os.fstat(file.fileno()).st_size
            if size <= most:
                return file.read(size)  # one that is asked for more takes memory for that
        raise FolderError(
            f"[{self.path / name}] it has more than {most:,} bytes; expected fewer; check that powertrain wrote it"
        )

    def replace(self, name: str, content: bytes) -> None:
        """Write a file so that after a power cut either the old or the new content is there, whole."""
        with self.writing(name, len(content)) as file:
            file.write(content)

    @contextlib.contextmanager
    def writing(self, name: str, size: int = 0) -> Iterator[BinaryIO]:
        """A file to write to, of `size` bytes if that is known. It takes the place of the old one at the end of the
        block; an exception in it leaves the old one as it was."""
        with self._made_beside(name, size) as descriptor, open(descriptor, "wb", closefd=False) as file:
            yield file

    @contextlib.contextmanager
    def writing_once(self, name: str, size: int) -> Iterator[BinaryIO | DirectFile]:
        """The same for what may be gigabytes, of which nobody reads soon: it stays out of the system's cache."""
        if size < LEAST:
            with self.writing(name, size) as file:
                yield file
            return
        with self._made_beside(name, size) as descriptor, DirectFile(descriptor) as direct:
            yield direct

    @contextlib.contextmanager
    def _made_beside(self, name: str, size: int) -> Iterator[int]:
        """The descriptor of a new file, which takes the place of the old one at the end of the block."""
        with self._told(name, size), self._beside(name, make=True) as (folder, last):
            aside = f".{last}.part"
            _drop(aside, folder)  # a kill left it, or somebody put it there
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFELY, 0o666, dir_fd=folder)
            try:
                try:
                    yield descriptor
                    synced(descriptor)
                finally:
                    os.close(descriptor)
                os.replace(aside, last, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:  # Ctrl-C too
                _drop(aside, folder)
                raise
            synced(folder)

    def appending(self, name: str, mode: int = 0o666) -> int:
        """The descriptor of a file that is only ever added to, made where it is not there."""
        with self._told(name):
            descriptor = self._open(name, os.O_RDWR | os.O_APPEND | os.O_CREAT, mode)
            if os.fstat(descriptor).st_nlink > 1:
                os.close(descriptor)
                raise FolderError(
                    f"[{self.path / name}] it is a hard link: the same file has another name elsewhere; expected a "
                    "file with one name; replace it by a copy, or remove it"
                )
            return descriptor

    def locking(self, name: str) -> int:
        """The descriptor of an empty file that a lock is held on, made where it is not there."""
        with self._told(name):
            return self._open(name, os.O_RDWR | os.O_CREAT)

    def names(self, folder: str) -> list[str]:
        """What lies in a folder below, sorted; nothing where there is no such folder."""
        try:
            with self._told(folder, of_folder=True, reads=True), self._beside(f"{folder}/.") as (opened, _):
                return sorted(os.listdir(opened))  # noqa: PTH208
        except FileNotFoundError:
            return []

    def there(self, name: str) -> bool:
        """Whether something has that name, whatever it is."""
        try:
            with self._beside(name) as (folder, last):
                os.stat(last, dir_fd=folder, follow_symlinks=False)
            return True
        except OSError:
            return False

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._told(name), contextlib.suppress(FileNotFoundError), self._beside(name) as (folder, last):
            os.unlink(last, dir_fd=folder)

    def _open(self, name: str, flags: int, mode: int = 0o666) -> int:
        with self._beside(name, make=bool(flags & os.O_CREAT)) as (folder, last):
            descriptor = os.open(last, flags | SAFELY, mode, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EISDIR, "")  # a folder, a pipe, a device: `_told` finds the words
        return descriptor

    @contextlib.contextmanager
    def _beside(self, name: str, make: bool = False) -> Iterator[tuple[int, str]]:
        """The open folder that holds a file, and the file's own name in it."""
        *folders, last = name.split("/")
        here = os.open(self.path, FOLDER)
        try:
            for part in folders:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=here)
                below = os.open(part, FOLDER | os.O_NOFOLLOW, dir_fd=here)
                os.close(here)
                here = below
            yield here, last
        finally:
            os.close(here)

    @contextlib.contextmanager
    def _told(self, name: str, size: int = 0, of_folder: bool = False, reads: bool = False) -> Iterator[None]:
        """Errors of the system with the whole path, and in words where it is a matter of what is there."""
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                room = f"room for {size:,} bytes" if size else "some room"
                raise NoSpaceError(
                    f"[{self.path / name}] {error.strerror}; expected {room}; free some space"
                ) from error
            if odd := self._odd(name, of_folder):
                raise FolderError(odd) from error
            if error.errno in NOT_ALLOWED:
                raise NotAllowedError.of(error, self.path / name, reads) from error
            error.filename = str(self.path / name)
            del error.filename2  # None would be printed
            raise

    def _odd(self, name: str, of_folder: bool) -> str:
        """Which part of a path is not what belongs there, in words; empty where all are."""
        for above in (self.path, *self.path.parents):
            with contextlib.suppress(OSError):
                mode = above.stat().st_mode  # of what a link leads to: who names the folder may name it by one
                if not stat.S_ISDIR(mode):
                    return f"[{above}] it is {_kind(mode)}; expected a folder; give the path of one"
                break
        *folders, last = PurePosixPath(name).parts
        paths = [self.path.joinpath(*folders[: count + 1]) for count in range(len(folders))]
        end = self.path.joinpath(*folders, last)
        wanted = [*((path, True) for path in paths), (end, of_folder)]
        if not of_folder:
            wanted.append((end.with_name(f".{last}.part"), False))
        for path, folder in wanted:
            try:
                mode = path.lstat().st_mode
            except OSError:
                continue
            if not (stat.S_ISDIR(mode) if folder else stat.S_ISREG(mode)):
                kind = "a folder" if folder else "an ordinary file"
                return f"[{path}] it is {_kind(mode)}; expected {kind}; remove it, or use another folder"
        return ""


def synced(descriptor: int) -> None:
    """Wait until what was written is on the disk, where the file system can say so."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_SYNCED:
            raise


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISLNK, "a symbolic link"), (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"),
             (stat.S_ISSOCK, "a socket"), (stat.S_ISREG, "a file"))  # fmt: skip
    return next((words for holds, words in kinds if holds(mode)), "a device")


def _drop(name: str, folder: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
