"""Opens the files that people name: recipes, data, weights, pictures, sounds. Nothing else opens an input file, but
`cpp/pictures/files.cpp`, which opens PNG files by the same rules.

What stands at a path may be a named pipe that nobody writes to, a device without an end, or a file larger than the
memory. Such things are refused, before anything waits for them or makes room for them, with an OSError whose
`strerror` says what was found; the caller adds where and how to fix it. Files are read and never mapped: a mapping
ends the process by a bus error when another program cuts the file off.
"""

from __future__ import annotations

import errno
import functools
import os
import resource
import stat
from pathlib import Path
from typing import IO, BinaryIO

_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)
_CHUNK = 1 << 20
# What a control group leaves its processes, where there is one: version 2, version 1.
_GROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file to read its bytes; anything else raises an OSError that says what it is."""
    name = os.fspath(path)
    if "\0" in name:
        raise OSError(errno.EINVAL, "the path holds a NUL character", name)
    _demand_regular(Path(name).stat(), name)  # before it is opened, which some devices take as an order
    # What is there may have changed since: without O_NONBLOCK a pipe would wait for somebody who writes.
    handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _demand_regular(os.fstat(handle), name)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _demand_regular(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "it is of an unknown kind")
        raise OSError(errno.EINVAL, f"{kind}, not a regular file", name)


def read_file(path: str | os.PathLike[str], most: int | None = None) -> bytes:
    """Return the whole content of a regular file of at most `most` bytes; `max_input_bytes()` when not given."""
    limit = max_input_bytes() if most is None else most
    with open_file(path) as file:
        size = size_of(file)
        if size > limit:
            raise too_large(size, limit, path)
        # A byte more than it has, to see whether it is growing, or a file of the system that does not tell its size.
        content = file.read(size + 1) or b""
        if len(content) > size:
            content += read_at_most(file, limit + 1 - len(content))
        if len(content) > limit:
            raise too_large(len(content), limit, path)
        return content


def read_at_most(file: IO[bytes], count: int) -> bytes:
    """Read `count` bytes, or what there is; memory is taken as they come, and not for a number that a header states."""
    if count <= _CHUNK:
        return file.read(max(0, count)) or b""
    parts, left = [], count
    while left > 0 and (part := file.read(min(left, _CHUNK))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read_at(file: IO[bytes], start: int, count: int) -> bytes:
    """Read `count` bytes, or what there is, from a place of a file on."""
    file.seek(start)
    return read_at_most(file, count)


def size_of(file: IO[bytes]) -> int:
    """The bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def too_large(size: int, limit: int, path: str | os.PathLike[str]) -> OSError:
    """The error for more bytes than may be read at once."""
    return OSError(errno.EFBIG, f"it has {size:,} bytes or more; at most {limit:,} are read", os.fspath(path))


@functools.lru_cache(maxsize=1)
def max_input_bytes() -> int:
    """Return the most bytes that one input may take in memory: a quarter of what this process may have.

    >>> max_input_bytes() > 0
    True
    """
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    limits += [limit for limit in resource.getrlimit(resource.RLIMIT_AS) if limit != resource.RLIM_INFINITY]
    for name in _GROUP_LIMITS:
        try:
            limits.append(int(Path(name).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return min(limits) // 4
