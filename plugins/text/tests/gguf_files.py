"""GGUF files, written; blocks of random bits, with the weights that their definitions give, one at a time."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

ALIGNMENT = 32


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Any) -> bytes:
    """The number of its kind, and the value."""
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, list):
        inner = [_value(one) for one in value]
        return struct.pack("<I", 9) + inner[0][:4] + struct.pack("<Q", len(value)) + b"".join(one[4:] for one in inner)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    return struct.pack("<II", 4, value)


def gguf(meta: Mapping[str, Any], tensors: Mapping[str, Any]) -> bytes:
    """A file of settings and tensors: arrays, stored as F32, or (format, shape, bytes)."""
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(meta))
    out += b"".join(_text(name) + _value(value) for name, value in meta.items())
    data = b""
    for name, given in tensors.items():
        kind, shape, raw = given if isinstance(given, tuple) else (0, given.shape, given.astype("<f4").tobytes())
        out += _text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape[::-1])
        out += struct.pack("<IQ", kind, len(data))
        data += raw + b"\0" * (-len(raw) % ALIGNMENT)
    return out + b"\0" * (-len(out) % ALIGNMENT) + data


def _half(draw: np.random.Generator) -> tuple[bytes, float]:
    value = np.float16(draw.normal())
    return value.tobytes(), float(value)


def q4_0(draw: np.random.Generator, blocks: int) -> tuple[bytes, list[float]]:
    raw, out = b"", []
    for _ in range(blocks):
        scale, codes = _half(draw), draw.integers(0, 256, 16).astype(np.uint8)
        raw += scale[0] + codes.tobytes()
        out += [scale[1] * (int(code & 15) - 8) for code in codes] + [scale[1] * (int(code >> 4) - 8) for code in codes]
    return raw, out


def q4_1(draw: np.random.Generator, blocks: int) -> tuple[bytes, list[float]]:
    raw, out = b"", []
    for _ in range(blocks):
        scale, least, codes = _half(draw), _half(draw), draw.integers(0, 256, 16).astype(np.uint8)
        raw += scale[0] + least[0] + codes.tobytes()
        for shift in (0, 4):
            out += [scale[1] * (int(code) >> shift & 15) + least[1] for code in codes]
    return raw, out


def q8_0(draw: np.random.Generator, blocks: int) -> tuple[bytes, list[float]]:
    raw, out = b"", []
    for _ in range(blocks):
        scale, codes = _half(draw), draw.integers(-128, 128, 32).astype(np.int8)
        raw += scale[0] + codes.tobytes()
        out += [scale[1] * int(code) for code in codes]
    return raw, out


def q4_k(draw: np.random.Generator, blocks: int) -> tuple[bytes, list[float]]:
    """Scale and minimum of group j: for j < 4 the lower 6 bits of bytes j and j + 4; else the halves of byte j + 4,
    with the upper 2 bits of bytes j - 4 and j above."""
    raw, out = b"", []
    for _ in range(blocks):
        scale, least = _half(draw), _half(draw)
        packed, codes = (draw.integers(0, 256, size).astype(np.uint8) for size in (12, 128))
        raw += scale[0] + least[0] + packed.tobytes() + codes.tobytes()
        p = [int(one) for one in packed]
        for group in range(8):
            if group < 4:
                d, m = p[group] & 63, p[group + 4] & 63
            else:
                d = (p[group + 4] & 15) | (p[group - 4] >> 6 << 4)
                m = (p[group + 4] >> 4) | (p[group] >> 6 << 4)
            for place in range(32):
                code = int(codes[group // 2 * 32 + place]) >> (4 * (group % 2)) & 15
                out.append(scale[1] * d * code - least[1] * m)
    return raw, out


def q6_k(draw: np.random.Generator, blocks: int) -> tuple[bytes, list[float]]:
    """Weight 128 h + 32 q + i: 4 bits of byte 64 h + 32 (q mod 2) + i of the lower ones, 2 of byte 32 h + i of the
    upper ones."""
    raw, out = b"", []
    for _ in range(blocks):
        scale = _half(draw)
        low, high = (draw.integers(0, 256, size).astype(np.uint8) for size in (128, 64))
        scales = draw.integers(-128, 128, 16).astype(np.int8)
        raw += low.tobytes() + high.tobytes() + scales.tobytes() + scale[0]
        for half in range(2):
            for quarter in range(4):
                for place in range(32):
                    nibble = int(low[64 * half + 32 * (quarter % 2) + place]) >> (4 * (quarter // 2)) & 15
                    code = nibble | (int(high[32 * half + place]) >> (2 * quarter) & 3) << 4
                    out.append(scale[1] * int(scales[8 * half + 2 * quarter + place // 16]) * (code - 32))
    return raw, out
