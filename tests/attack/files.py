"""Data files that are damaged, forged or no files at all, by number; `python tests/attack/files.py FIRST COUNT`.

Each number is one reader and one thing that is wrong with its file. Reading must give rows, or the error of the reader:
no other exception, no hang, no memory beyond a limit.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import sys
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from attack.commands import in_a_folder
from attack.odd import examine_odd
from attack.readers import READERS, Reader
from fuzz_children import serve

SECONDS = 180  # for one file, on a machine that does other things

SIZES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000)


def cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def flipped(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 5, 30])):
        at = draw.randrange(min(len(changed), draw.choice([16, 64, 1 << 20])))
        changed[at] = draw.choice([0, 0xFF, 0x7F, 0x80, draw.randrange(256)])
    return bytes(changed)


def forged(content: bytes, draw: random.Random) -> bytes:
    """A number somewhere in the header, of two, four or eight bytes, in either order."""
    width, order = draw.choice([2, 4, 8]), draw.choice(["little", "big"])
    at = draw.randrange(min(len(content), 128))
    number = draw.choice(SIZES) & ((1 << 8 * width) - 1)
    return content[:at] + number.to_bytes(width, order) + content[at + width :]  # type: ignore[arg-type]


def spliced(content: bytes, draw: random.Random) -> bytes:
    other = draw.choice(READERS).make(draw)
    return content[: draw.randrange(len(content))] + other[draw.randrange(len(other)) :]


def another(content: bytes, draw: random.Random) -> bytes:
    return draw.choice(READERS).make(draw)


def written_digits(content: bytes, draw: random.Random) -> bytes:
    """A number that is written in digits becomes another one, as in the header of an array or in a table."""
    places = [at for at, byte in enumerate(content) if 48 <= byte <= 57]
    if not places:
        return flipped(content, draw)
    at = draw.choice(places)
    others = [b"-1", b"0", b"9" * 20, b"9" * 400, b"1e400", b"nan", b"inf", b"1e-400", b"\xff", b"True", b"()"]
    number = draw.choice(others)
    return content[:at] + number + content[at + 1 :]


def nested(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + draw.choice([b"(", b"[", b"{", b'"']) * draw.choice([100, 5000]) + content[at:]


def longer(content: bytes, draw: random.Random) -> bytes:
    return content + bytes(draw.choice([1, 7, 5000])) if draw.random() < 0.5 else content * draw.choice([2, 3])


DAMAGES = (cut, *[flipped] * 3, *[forged] * 3, spliced, another, written_digits, nested, longer)


def as_pipe(path: Path) -> None:
    os.mkfifo(path)


def as_folder(path: Path) -> None:
    path.mkdir()


def as_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def as_circle(path: Path) -> None:
    path.symlink_to(path.name)


def as_memory(path: Path) -> None:
    path.symlink_to("/proc/self/mem")


def as_terabytes(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 42)


def as_bomb(path: Path) -> None:
    """Gigabytes of zeros, packed, in every way that a reader unpacks."""
    zeros, count = bytes(1 << 20), 1700  # more than a quarter of what the process may have
    if path.name.endswith(".npz"):
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("x.npy", "w", force_zip64=True) as member,
        ):
            member.write(npy_header((count << 20,)))
            for _ in range(count):
                member.write(zeros)
        return
    packed = gzip.compress(zeros, mtime=0)  # of several such the file is the join
    path.write_bytes(packed * count)


def npy_header(shape: tuple[int, ...], dtype: str = "|u1") -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": dtype, "fortran_order": False, "shape": shape})
    return out.getvalue()


def as_nothing(path: Path) -> None:
    path.write_bytes(b"")


def as_absent(path: Path) -> None:
    return


THINGS = (as_pipe, as_folder, as_device, as_circle, as_memory, as_terabytes, as_nothing, as_absent)


def spoil(path: Path, reader: Reader, number: int) -> str:
    """Put the file of this number there; the word for what is wrong with it."""
    draw = random.Random(number)
    if draw.random() < 0.3:
        thing = draw.choice([*THINGS, as_bomb] if reader.file.endswith((".gz", ".npz")) else THINGS)
        thing(path)
        return thing.__name__
    how = draw.choice(DAMAGES)
    content = reader.make(draw)
    if reader.file.endswith(".gz") and draw.random() < 0.7:  # below the packing
        content = gzip.compress(how(gzip.decompress(content), draw), mtime=0)
    else:
        content = how(content, draw)
    path.write_bytes(content)
    return how.__name__


def examine(number: int) -> tuple[str | None, Sequence[str]]:
    """Every third file is whole, and odd in what it holds."""
    with in_a_folder() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that read
        if number % 3 == 2:
            return examine_odd(number, folder)
        return examine_damaged(number - number // 3, folder)


def examine_damaged(number: int, folder: Path) -> tuple[str | None, Sequence[str]]:
    from powertrain.data import DataError
    from powertrain.nn import StateError
    from powertrain.saved import NoFileError
    from powertrain.train.folder.run_folder import RunError

    reader = READERS[number % len(READERS)]
    path = folder / reader.file
    how = spoil(path, reader, number)
    try:
        reader.read(path)
    except (DataError, NoFileError, RunError, StateError) as error:
        told, wrong = str(error), []
        if not told.isprintable():
            wrong.append(f"characters that do not print: {told!r}")
        if not told.startswith("[") or "; " not in told:
            wrong.append(f"no message of our form: {told}")
        return f"{reader.name} {how}: {told[:200]}", wrong
    return f"{reader.name} {how}: read", []


if __name__ == "__main__":
    first, count = map(int, sys.argv[1:3])
    serve(range(first, first + count), examine, SECONDS)
