"""Examples as small pictures in a page, each with words below it. They need no library: PNG is written here."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.io.console import one_line
from powertrain.train.report.markup import Html, html, joined

MOST_PIXELS = 160  # of a side: larger pictures are made smaller
SMALL = 64  # pixels of a side, up to which they stay squares when a page shows them larger
MOST_LETTERS = 200


def pictures(pixels: NDArray[Any], titles: Sequence[str], kind: str, names: Sequence[str] = ()) -> Html:
    """Pictures with a title each, as many in a row as there is room for; each from black for its smallest number to
    white for its largest. `kind` says what they are, in the singular, and `names` are those of their files."""
    shown = zip(pixels, titles, names or [""] * len(titles), strict=True)
    return html('<div class="pictures">{}</div>', joined(_figure(one, title, kind, name) for one, title, name in shown))


def _figure(pixels: NDArray[Any], title: str, kind: str, name: str) -> Html:
    values = _smaller(_finite(pixels), MOST_PIXELS)
    data = base64.b64encode(png(_bytes(values, values.min(), values.max()))).decode()
    squares = "squares" if max(values.shape[:2]) <= SMALL else ""
    shown = html('<img class="{}" alt="{}" src="data:image/png;base64,{}">', squares, kind, data)
    return captioned(shown, title, name)


def captioned(shown: Html, title: str, name: str) -> Html:
    """A figure with what it is below it, and the name of its file."""
    below = joined((one_line(text)[:MOST_LETTERS] for text in (title, name) if text), "<br>")
    return html("<figure>{}<figcaption>{}</figcaption></figure>", shown, below)


def sheet_of(pixels: NDArray[Any], columns: int, most: int, apart: bool) -> NDArray[np.uint8]:
    """Pictures side by side in rows, as one picture. Each goes from black for its smallest number to white for its
    largest where they are `apart`; else all have one scale, from 0 to 1 if most numbers lie there."""
    made = [_smaller(_finite(one), most) for one in pixels]
    if apart:
        shown = [_bytes(one, one.min(), one.max()) for one in made]
    else:
        low, high = min(one.min() for one in made), max(one.max() for one in made)
        low, high = (0.0, 1.0) if low >= -0.5 and 0.5 <= high <= 1.5 else (low, high)
        shown = [_bytes(one, low, high) for one in made]
    height, width = shown[0].shape[:2]
    across = min(columns, len(shown))
    sheet = np.full((-(-len(shown) // columns) * height, across * width, *shown[0].shape[2:]), 255, np.uint8)
    for at, one in enumerate(shown):
        top, left = at // across * height, at % across * width
        sheet[top : top + height, left : left + width] = one
    return sheet


def _finite(pixels: NDArray[Any]) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(pixels, np.float64), posinf=0, neginf=0)


def _bytes(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    share = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return np.rint(255 * share).astype(np.uint8)


def _smaller(picture: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """The means of blocks of pixels, where a side has more than `most`; what no whole block holds is cut off."""
    by = -(-max(picture.shape[:2]) // most)
    if by == 1:
        return picture
    down, across = (min(by, size) for size in picture.shape[:2])
    high, wide = picture.shape[0] // down, picture.shape[1] // across
    blocks = picture[: high * down, : wide * across].reshape(high, down, wide, across, *picture.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3)))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A picture [height, width], or with 1 or 3 colours, as a PNG file."""
    height, width = pixels.shape[:2]
    colour = 2 if pixels.ndim == 3 and pixels.shape[2] == 3 else 0
    rows = np.zeros((height, 1 + pixels[0].size), np.uint8)  # each begins with its filter: 0, none
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
