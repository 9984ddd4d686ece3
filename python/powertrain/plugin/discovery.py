"""Reads what is installed: the entry points of every distribution, as text.

`importlib.metadata` parses each distribution's METADATA as an e-mail to learn its name, some tenths of a millisecond
each. The folder's name already holds name and version, so here a distribution costs one `open` and one `read`, and
hundreds of them, whole or broken, do not delay a start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

OURS, PREFIX = "powertrain.", "powertrain.v1."
FILE = "entry_points.txt"
ENDINGS = (".dist-info", ".egg-info")
# Of a file that is larger than this nothing is read: no list of plugins is.
MOST_BYTES = 1 << 20


# group, name, target: a plain tuple, of which a start makes thousands. A group is without PREFIX; one that begins
# otherwise, such as powertrain.v2.model, is whole, so that somebody tells its author that nothing reads it.
Entry = tuple[str, str, str]


class Found(NamedTuple):
    """A distribution that offers plugins, or one whose offer cannot be read (`cause`).

    `source` is that of a folder of sources, as `pip install -e` puts them on the path beside what it installs."""

    name: str
    version: str
    entries: list[Entry]
    cause: str = ""
    source: bool = False


def normalise(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def scan(paths: Iterable[str], only: str = "") -> Iterator[Found]:
    """Every distribution with plugins in the folders of a path, in the order in which imports look.

    With `only`, a normalised name, no file of any other is opened, and none in an archive is looked for.
    """
    for path in dict.fromkeys(paths):
        try:
            names = sorted(os.listdir(path or "."))  # noqa: PTH208 - Path objects of a thousand entries cost milliseconds
        except NotADirectoryError:
            if not only:
                yield from _scan_archive(path)
            continue
        except OSError:  # a folder on the path that is not there or not ours to read, which imports pass over too
            continue
        for name in names:
            if name.endswith(ENDINGS) and (not only or normalise(name.partition("-")[0]) == only):
                yield from _distribution(path or ".", name)


def _distribution(path: str, folder: str) -> Iterator[Found]:
    stem = folder.rpartition(".")[0]
    name, _, version = stem.partition("-")
    if folder.endswith(".egg-info"):
        version = version.partition("-py")[0]
    try:
        text = _read(f"{path}/{folder}/{FILE}")
        if OURS not in text:
            return
        entries = list(_parse(text))
        if entries or PREFIX in text:
            found = version or _version(f"{path}/{folder}")
            yield Found(normalise(name), found, entries, source=not version)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield Found(normalise(name), version, [], f"its {FILE}: {cause}")


def _read(file: str) -> str:
    # Not blocking: what stands there could be a pipe that nobody writes to.
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        parts, size = [], 0
        while part := os.read(handle, 1 << 16):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise ValueError(f"more than {MOST_BYTES >> 20} MiB")
            if len(part) < 1 << 16:
                break
        return b"".join(parts).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8") from None
    finally:
        os.close(handle)


# A header, an entry, or any other line that is neither blank nor a comment.
_LINE = re.compile(
    r"^[ \t]*(?:\[([^\]\n]+)\]"
    r"|([^=\n#;\[ \t][^=\n]*?)[ \t]*=[ \t]*([^\[\s][^\[\n]*?)[ \t]*(?:\[.*\])?"
    r"|([^\s#;].*))[ \t\r]*$",
    re.MULTILINE,
)


def _parse(text: str) -> Iterator[Entry]:
    group = ""
    for header, name, target, other in _LINE.findall(text):  # one call for the whole text: a third of the time
        if header:
            group = header.strip().removeprefix(PREFIX) if header.strip().startswith(OURS) else ""
        elif group and name:
            yield group, name, target
        elif group:
            raise ValueError(f"a line is {other[:60]!r}; expected name = module:object")


def _version(folder: str) -> str:
    """The version that a folder's name does not say, as that of an egg in development."""
    try:
        found = re.search(r"^Version:\s*(\S+)", _read(f"{folder}/PKG-INFO"), re.MULTILINE)
    except (OSError, ValueError):
        return "unknown"
    return found[1] if found else "unknown"


def _scan_archive(path: str) -> Iterator[Found]:
    """A zip file on the path: rare, so the standard library may take its time."""
    import importlib.metadata

    for distribution in importlib.metadata.distributions(path=[path]):
        try:
            name, version = normalise(distribution.metadata["Name"]), distribution.version
            text = distribution.read_text(FILE) or ""
            if entries := list(_parse(text)):
                yield Found(name, version, entries)
        except Exception as error:
            yield Found("unknown", "unknown", [], f"{type(error).__name__}: {error}")
