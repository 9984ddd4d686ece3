"""Signaling NaNs: their mantissa begins with 0 and is not 0. Arithmetic makes them quiet, what moves memory keeps them.

Whatever an op does, it must do the same as with a quiet one, the payload of the result aside.
"""

from __future__ import annotations

import random
from typing import Any

import ml_dtypes
import numpy as np

import powertrain as pt

# By dtype: NumPy's, bits of the same size, the least NaN, whose payload no narrower float can hold, and the bit that
# makes it quiet.
FLOATS: dict[str, tuple[Any, Any, int, int]] = {
    "float16": (np.float16, np.uint16, 0x7C01, 1 << 9),
    "bfloat16": (ml_dtypes.bfloat16, np.uint16, 0x7F81, 1 << 6),
    "float32": (np.float32, np.uint32, 0x7F800001, 1 << 22),
    "float64": (np.float64, np.uint64, 0x7FF0000000000001, 1 << 51),
}


def in_numpy(tensor: Any) -> Any:
    """A copy of a float tensor, bit for bit; a bfloat16 of NumPy for one of ours."""
    if tensor.dtype.name != "bfloat16":
        return np.array(tensor.numpy())
    wide = np.array(tensor.astype("float32").numpy())  # whose upper half it is
    return np.asarray(wide.view(np.uint32) >> 16, np.uint16).view(ml_dtypes.bfloat16)


def plant(tensor: Any, rng: random.Random) -> Any:
    """A tensor of that kind with signaling NaNs of both signs in some places, at least in one if it has any."""
    own, unsigned, least, _ = FLOATS[tensor.dtype.name]
    array = in_numpy(tensor)
    bits = array.reshape(-1).view(unsigned)
    for at in rng.sample(range(bits.size), min(bits.size, rng.randint(1, 3))):
        sign = rng.getrandbits(1) << (8 * array.itemsize - 1)
        bits[at] = least | sign
    return pt.asarray(bits.view(own).reshape(array.shape))


def quiet(tensor: Any) -> Any:
    """The same tensor with a quiet NaN in the place of each NaN."""
    own, unsigned, least, bit = FLOATS[tensor.dtype.name]
    array = in_numpy(tensor)
    bits = array.reshape(-1).view(unsigned)
    magnitude = bits & unsigned(np.iinfo(unsigned).max >> 1)
    bits[magnitude >= least] |= unsigned(bit)
    return pt.asarray(bits.view(own).reshape(array.shape))
