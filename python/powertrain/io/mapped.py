"""Arrays that lie in the mapping of a file, such as `numpy.memmap` and `numpy.load(path, mmap_mode="r")`.

If another program cuts the file off, the pages behind its end are gone, and reading one ends the process by SIGBUS. So
the size of the file is compared before such an array is read, and what is kept is copied.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

from powertrain._core import Error
from powertrain.io.inputs import max_input_bytes


class CutOffError(Error):  # type: ignore[misc, unused-ignore]
    """A mapped file that has become smaller than the array in it."""


def mapping_of(array: Any) -> tuple[mmap.mmap, int] | None:
    """The mapping of a file that an array lies in, and where in the file it begins; None for other memory."""
    begin = 0
    while isinstance(array, (np.ndarray, memoryview)):
        begin = int(getattr(array, "offset", begin))
        array = array.base if isinstance(array, np.ndarray) else array.obj
    if not isinstance(array, mmap.mmap):
        return None
    try:
        array.size()
    except (OSError, ValueError):  # memory without a file, or nobody knows which one
        return None
    return array, begin - begin % mmap.ALLOCATIONGRANULARITY


def check_mapped(array: Any, where: str) -> bool:
    """Whether an array lies in a mapped file, which still has all of it.

    >>> check_mapped(np.zeros(3), "example")
    False
    """
    found = mapping_of(array)
    if found is None:
        return False
    mapping, begin = found
    first = np.frombuffer(mapping, np.uint8).__array_interface__["data"][0]
    needed = begin + _end_of(np.asarray(array)) - first
    size = mapping.size()
    if size < needed:
        raise CutOffError(
            f"[{where}] an array in a mapped file that was cut off: it has {size:,} bytes now; expected the {needed:,} "
            "that the array needs; leave the file as it is while something reads it"
        )
    return True


def _end_of(array: np.ndarray[Any, Any]) -> int:
    """The address behind its last byte, as NumPy's `byte_bounds`, which has another place before NumPy 2."""
    begin = int(array.__array_interface__["data"][0])
    steps = zip(array.shape, array.strides, strict=True)
    last = sum((size - 1) * stride for size, stride in steps if stride > 0)
    return begin + last + array.itemsize if array.size else begin


def unmapped(array: Any, where: str) -> Any:
    """The array itself, or a copy if it lies in a mapped file and there is room for it; one that is larger stays where
    it is, and is to be checked before each read.

    >>> unmapped(np.zeros(3), "example").shape
    (3,)
    """
    return np.array(array) if check_mapped(array, where) and array.nbytes <= max_input_bytes() else array
