"""Numbers as the files of language models hold them: blocks of 4 to 8 bits with scales, and 16-bit floats.

The layouts are those of ggml. A block format stores 32 or 256 weights together: their small integers, and one or two
scales.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Format(NamedTuple):
    """A way to store weights: how many make a block, of how many bytes, and how to float32."""

    name: str
    weights: int
    bytes: int
    read: Callable[[Any], Any]


def bfloat16(raw: Any) -> NDArray[np.float32]:
    """The upper halves of float32 numbers."""
    return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)


def _plain(dtype: str) -> Callable[[Any], Any]:
    return lambda raw: np.frombuffer(raw, dtype).astype(np.float32)


def _nibbles(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lower halves of the bytes, then the upper ones."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def _q4_0(raw: Any) -> Any:
    block = np.frombuffer(raw, [("scale", "<f2"), ("codes", "u1", 16)])
    return (_nibbles(block["codes"]).astype(np.float32) - 8) * block["scale"].astype(np.float32)[:, None]


def _q4_1(raw: Any) -> Any:
    block = np.frombuffer(raw, [("scale", "<f2"), ("least", "<f2"), ("codes", "u1", 16)])
    scale, least = (block[name].astype(np.float32)[:, None] for name in ("scale", "least"))
    return _nibbles(block["codes"]) * scale + least


def _q8_0(raw: Any) -> Any:
    block = np.frombuffer(raw, [("scale", "<f2"), ("codes", "i1", 32)])
    return block["codes"] * block["scale"].astype(np.float32)[:, None]


def _q6_k(raw: Any) -> Any:
    """256 weights: their lower 4 bits, their upper 2, a scale of 8 bits for each 16, and one for all."""
    block = np.frombuffer(raw, [("low", "u1", 128), ("high", "u1", 64), ("scales", "i1", 16), ("scale", "<f2")])
    low = block["low"].reshape(-1, 2, 2, 32)  # halves of the block, then halves of the half
    high = block["high"].reshape(-1, 2, 1, 32)
    # Of each half: quarters 0 and 1 are the lower nibbles of the two groups of low, quarters 2 and 3 the upper ones.
    codes = (
        np.concatenate([low & 15, low >> 4], axis=2) | ((high >> np.array([0, 2, 4, 6], np.uint8)[:, None]) & 3) << 4
    )
    values = (codes.astype(np.float32) - 32).reshape(-1, 16, 16)
    scales = block["scale"].astype(np.float32)[:, None] * block["scales"]
    return values * scales[:, :, None]


def _q4_k(raw: Any) -> Any:
    """256 weights in 8 groups of 32: 4 bits each, a scale and a minimum of 6 bits for each group, two for all."""
    block = np.frombuffer(raw, [("scale", "<f2"), ("least", "<f2"), ("packed", "u1", 12), ("codes", "u1", 128)])
    first, second, third = (block["packed"][:, 4 * part : 4 * part + 4] for part in range(3))
    # Groups 0 to 3 have their 6 bits in one byte. Groups 4 to 7 have 4 bits in the last four bytes, and the others
    # above those of the first groups.
    scales = np.concatenate([first & 63, (third & 15) | (first >> 6) << 4], axis=1).astype(np.float32)
    leasts = np.concatenate([second & 63, (third >> 4) | (second >> 6) << 4], axis=1).astype(np.float32)
    scales *= block["scale"].astype(np.float32)[:, None]
    leasts *= block["least"].astype(np.float32)[:, None]
    codes = _nibbles(block["codes"].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    return codes * scales[:, :, None] - leasts[:, :, None]


# By the number that a GGUF file has for each.
FORMATS: dict[int, Format] = {
    0: Format("F32", 1, 4, _plain("<f4")),
    1: Format("F16", 1, 2, _plain("<f2")),
    2: Format("Q4_0", 32, 18, _q4_0),
    3: Format("Q4_1", 32, 20, _q4_1),
    8: Format("Q8_0", 32, 34, _q8_0),
    12: Format("Q4_K", 256, 144, _q4_k),
    14: Format("Q6_K", 256, 210, _q6_k),
    30: Format("BF16", 1, 2, bfloat16),
}


def dequantized(form: Format, raw: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The weights of a tensor, from exactly the bytes that it takes."""
    found: NDArray[np.float32] = np.asarray(form.read(raw), np.float32).reshape(shape)
    assert found.size == math.prod(shape)
    return found
