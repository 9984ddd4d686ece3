"""Many pictures in one size. JPEG files, and PNG files that have it, are read by the engine, without the interpreter's
lock; others by Pillow, in threads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from powertrain import _core
from powertrain.data.errors import demand_choice
from powertrain.data.image_transforms import size_of
from powertrain.data.pictures import pillow, read_image
from powertrain.data.resizing import CenterResizedCrop

if TYPE_CHECKING:
    from powertrain.typing import Array

# Pixels that are read in one call, in bytes: a call cannot be interrupted.
_BYTES_OF_CALL = 1 << 23
_ENDINGS = tuple(end for name in ("png", "jpg", "jpeg") for end in (f".{name}", f".{name.upper()}"))
# Threads hand the interpreter's lock to and fro. When the first pictures took less time than this, each, most of it was
# Python, and threads would only cost.
_QUICK_SECONDS = 0.4e-3
_TRIALS = 4


def read_images(
    paths: Sequence[str | PathLike[str]], size: int | Sequence[int], mode: str = "RGB", *, where: str = "read_images"
) -> Array:
    """Read pictures of files in one size, as bytes [pictures, height, width, 3], or [pictures, height, width] of "L".

    Each is read as `read_image` does, and brought to the size as `transforms.CenterResizedCrop` does.

    size    (height, width), or one number for both
    mode    "RGB", or "L" for grey

    Errors    as of `read_image`
    Example
        >>> pt.data.read_images(["cat.png", "dog.jpg"], (64, 48)).shape  # doctest: +SKIP
        (2, 64, 48, 3)
    """
    pillow(where)
    demand_choice(where, "mode", mode, ("RGB", "L"))
    height, width = size_of(size, where)
    out = np.empty((len(paths), height, width, *((3,) if mode == "RGB" else ())), np.uint8)
    names, crop = [os.fspath(path) for path in paths], CenterResizedCrop((height, width))

    def read(at: int) -> None:
        out[at] = crop(read_image(names[at], mode, where=where))

    step = max(1, _BYTES_OF_CALL // max(1, out[:1].nbytes))
    # The workers of a loader are beside each other already.
    threads = _core.get_threads() if threading.current_thread() is threading.main_thread() else 1
    for start in range(0, len(names), step):
        some = slice(start, start + step)
        _each(read, [start + at for at in _left_to_pillow(names[some], out[some], threads > 1)], threads)
    return out


def _each(read: Callable[[int], None], numbers: Sequence[int], threads: int) -> None:
    """Call `read` with each number, in so many threads where that pays; raises the first error by the numbers."""
    began = time.perf_counter()
    for number in numbers[:_TRIALS]:
        read(number)
    rest = numbers[_TRIALS:]
    if threads == 1 or time.perf_counter() - began < _TRIALS * _QUICK_SECONDS:
        for number in rest:
            read(number)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="reading") as pool:
        for done in [pool.submit(read, number) for number in rest]:
            done.result()


def _left_to_pillow(names: Sequence[str], out: Array, parallel: bool) -> list[int]:
    """The numbers of those that the engine does not read into `out`: other formats and sizes, and damaged files."""
    paths = [os.fsencode(name) if name.endswith(_ENDINGS) else b"" for name in names]  # none is at b""
    return _core.read_picture_files(paths, out, parallel) if any(paths) else list(range(len(paths)))
