"""PNG files that the engine decodes: the pixels are Pillow's bit for bit, and so are the errors of damaged files."""

from __future__ import annotations

import io
import itertools
import os
import random
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import _core
from powertrain.data import DataError, picture_batches
from powertrain.data.pictures import FORMATS, picture_in

image = pytest.importorskip("PIL.Image", reason="Pillow is an extra of powertrain-vision")

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
COMMON = [(0, 1), (0, 2), (0, 4), (0, 8), (2, 8), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (6, 8)]
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)
SIZES = [(1, 1), (1, 9), (9, 1), (5, 7), (33, 17), (64, 3)]


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def paeth(left: int, above: int, corner: int) -> int:
    distances = [abs(above - corner), abs(left - corner), abs(left + above - 2 * corner)]
    return (left, above, corner)[distances.index(min(distances))]


def filtered(rows: np.ndarray, pixel: int, kind: Callable[[int], int]) -> bytes:
    """The rows behind the numbers of their filters, by PNG's definition."""
    made, above = bytearray(), bytes(rows.shape[1])
    for y, row in enumerate(map(bytes, rows)):
        made.append(kind(y))
        for x, value in enumerate(row):
            a, c = (row[x - pixel], above[x - pixel]) if x >= pixel else (0, 0)
            b = above[x]
            made.append((value - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind(y)]) % 256)
        above = row
    return bytes(made)


def png(
    colour: int, depth: int, size: tuple[int, int], packed: bytes, *more: bytes, colours: bytes = b"", parts: int = 1,
    interlaced: int = 0,
) -> bytes:  # fmt: skip
    """A file, chunk by chunk; `more` stand before the pixels, which lie in so many chunks."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced)
    ends = [len(packed) * part // parts for part in range(parts + 1)]
    data = b"".join(chunk(b"IDAT", packed[start:end]) for start, end in itertools.pairwise(ends))
    palette = chunk(b"PLTE", colours) if colours else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + b"".join(more) + data + chunk(b"IEND", b"")


def drawn(draw: random.Random, colour: int, depth: int, size: tuple[int, int], colours: int = 0) -> bytes:
    """A picture of random pixels, or of smooth ones, packed and filtered in a random way."""
    chance, (width, height) = np.random.default_rng(draw.randrange(1 << 30)), size
    columns = (width * depth * SAMPLES[colour] + 7) // 8
    rows = chance.integers(0, 256, (height, columns))
    if draw.random() < 0.5:
        rows = np.cumsum(chance.integers(-3, 4, (height, columns)), 1) % 256
    if colour == 3 and depth == 8:
        rows %= colours or 256
    one = draw.choice([0, 1, 2, 3, 4, None])
    pixel = max(1, depth * SAMPLES[colour] // 8)
    raw = filtered(rows.astype(np.uint8), pixel, lambda y: y % 5 if one is None else one)
    packer = zlib.compressobj(draw.randrange(10), zlib.DEFLATED, draw.randrange(9, 16), 8, draw.choice(STRATEGIES))
    palette = chance.integers(0, 256, 3 * (colours or 1 << depth), np.uint8).tobytes() if colour == 3 else b""
    return png(
        colour, depth, size, packer.compress(raw) + packer.flush(), colours=palette, parts=draw.choice([1, 1, 3])
    )


def by_pillow(content: bytes, mode: str) -> Any:
    """Pixels, or the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with image.open(io.BytesIO(content), formats=FORMATS) as opened:
                return np.asarray(opened.convert(mode))
        except Exception as error:
            return error


def by_engine(content: bytes, mode: str) -> np.ndarray | None:
    made = _core.decode_png(content, 3 if mode == "RGB" else 1)
    if made is None:
        return None
    pixels, width, height = made
    return np.frombuffer(pixels, np.uint8).reshape((height, width, 3) if mode == "RGB" else (height, width))


@pytest.mark.parametrize(("colour", "depth"), COMMON)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_common_forms_are_decoded_as_pillow_does(colour: int, depth: int, mode: str) -> None:
    draw = random.Random(colour * 10 + depth)
    for size in [*SIZES, *((draw.randint(1, 40), draw.randint(1, 40)) for _ in range(20))]:
        content = drawn(draw, colour, depth, size)
        found = by_engine(content, mode)
        assert found is not None, "it is a common form"
        assert np.array_equal(found, by_pillow(content, mode)), size


def test_large_pictures_are_decoded_as_pillow_does() -> None:
    chance = np.random.default_rng(1)
    smooth = np.asarray(image.fromarray(chance.integers(0, 256, (6, 6, 3), np.uint8)).resize((500, 400)))
    for pixels in (smooth, np.clip(smooth + chance.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)):
        for options in ({}, {"optimize": True}, {"compress_level": 0}, {"compress_level": 1}):
            file = io.BytesIO()
            image.fromarray(pixels).save(file, "PNG", **options)
            assert np.array_equal(by_engine(file.getvalue(), "RGB"), pixels)


def test_indices_without_a_colour_are_left_to_pillow() -> None:
    draw = random.Random(3)
    content = png(3, 8, (2, 1), zlib.compress(bytes([0, 0, 9])), colours=bytes(range(27)))
    assert by_engine(content, "RGB") is None
    content = drawn(draw, 3, 8, (9, 9), colours=17)
    assert np.array_equal(by_engine(content, "RGB"), by_pillow(content, "RGB"))


GREY = zlib.compress(bytes([0, 7, 0, 9]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("16 bits", png(0, 16, (1, 1), zlib.compress(bytes(3)))),
        ("interlaced", png(0, 8, (1, 1), zlib.compress(bytes(2)), interlaced=1)),
        ("a transparent colour", png(0, 8, (1, 2), GREY, chunk(b"tRNS", b"\0\7"))),
        ("an orientation", png(0, 8, (1, 2), GREY, chunk(b"eXIf", b"II*\0"))),
        ("a profile", png(0, 8, (1, 2), GREY, chunk(b"iCCP", b"x\0\0" + zlib.compress(b"profile")))),
        ("a text that may mean something", png(0, 8, (1, 2), GREY, chunk(b"tEXt", b"Raw profile type exif\0x"))),
        ("a text that Pillow notes", png(0, 8, (1, 2), GREY, chunk(b"tEXt", b"Title\0x"))),
        ("dots per inch that Pillow notes", png(0, 8, (1, 2), GREY, chunk(b"pHYs", struct.pack(">IIB", 1, 1, 1)))),
        ("an unknown chunk", png(0, 8, (1, 2), GREY, chunk(b"abCd", b"x"))),
        ("more behind the end", png(0, 8, (1, 2), GREY) + b"x"),
        ("a filter that there is not", png(0, 8, (1, 2), zlib.compress(bytes([5, 7, 0, 9])))),
        ("more pixels than there are", png(0, 8, (1, 1), GREY)),
        ("fewer pixels", png(0, 8, (1, 3), GREY)),
        ("pixels that no data can hold", png(2, 8, (8000, 8000), GREY)),
    ],
)
def test_what_is_not_common_is_left_to_pillow(name: str, content: bytes) -> None:
    assert by_engine(content, "RGB") is None
    found = by_pillow(content, "RGB")
    if isinstance(found, Exception):
        with pytest.raises(type(found)):
            picture_in(io.BytesIO(content))
    else:
        assert np.array_equal(np.asarray(picture_in(io.BytesIO(content))), found)


def test_what_pillow_notes_of_a_file_stays() -> None:
    content = png(0, 8, (1, 2), GREY, chunk(b"tEXt", b"Title\0a cat"), chunk(b"gAMA", struct.pack(">I", 45455)))
    assert picture_in(io.BytesIO(content)).info == {"Title": "a cat", "gamma": 0.45455}  # type: ignore[attr-defined]


def test_damaged_files_end_as_with_pillow() -> None:
    """2,000 files with a byte flipped or their end cut off, half of them under a check sum that fits again."""
    draw = random.Random(4)
    files = [drawn(draw, *form, size) for form in COMMON for size in SIZES]
    decoded = 0
    for number in range(2000):
        content = bytearray(draw.choice(files))
        if number % 4 == 0:
            del content[draw.randrange(len(content)) :]
        else:
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        if number % 2:
            fit_check_sums(content)
        given, mode = bytes(content), draw.choice(["RGB", "L"])
        want = by_pillow(given, mode)
        found = by_engine(given, mode)
        if found is not None:
            decoded += 1
            assert np.array_equal(found, want), given.hex()
        elif isinstance(want, Exception):
            with pytest.raises(type(want)) as caught:
                picture_in(io.BytesIO(given), mode)
            if " object at 0x" not in str(want):
                assert str(caught.value) == str(want)
    assert 50 < decoded < 1000


def fit_check_sums(content: bytearray) -> None:
    at = 8
    while at + 12 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        if end + 4 > len(content):
            return
        content[end : end + 4] = struct.pack(">I", zlib.crc32(content[at + 4 : end]))
        at = end + 4


def test_a_jpeg_in_its_own_colours_is_read_whole_before_its_file_is_closed(tmp_path: Path) -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (40, 30, 3), np.uint8)
    for mode in ("RGB", "L"):
        for turned in (1, 6):
            exif = image.Exif()
            exif[0x0112] = turned
            image.fromarray(pixels).convert(mode).save(tmp_path / "a.jpg", exif=exif)
            picture: Any = pt.data.read_image(tmp_path / "a.jpg", mode)
            (tmp_path / "a.jpg").rename(tmp_path / "gone")
            with image.open(tmp_path / "gone") as opened:
                want = np.asarray(opened.convert(mode))
            assert np.array_equal(np.asarray(picture), want if turned == 1 else np.rot90(want, -1))
            assert picture.copy().mode == mode and picture.getexif().get(0x0112, 1) == 1


@pytest.fixture
def folder(tmp_path: Path) -> list[Path]:
    """PNG files of one size and of others, JPEG, a grey one, a palette, and one with an orientation."""
    draw = random.Random(5)
    paths = []
    for number, (colour, depth) in enumerate(COMMON * 3):
        paths.append(tmp_path / f"{number}.png")
        paths[-1].write_bytes(drawn(draw, colour, depth, (8, 6) if number % 3 else (11, 6)))
    for name, form in (("a.jpg", "JPEG"), ("b.png", "JPEG"), ("c.PNG", "PNG")):
        paths.append(tmp_path / name)
        image.fromarray(np.random.default_rng(6).integers(0, 256, (6, 8, 3), np.uint8)).save(paths[-1], form)
    exif = image.Exif()
    exif[0x0112] = 3
    paths.append(tmp_path / "turned.png")
    image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(paths[-1], exif=exif)
    return paths


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("quick", [0.0, 10.0])
def test_many_pictures_are_those_of_single_ones(
    folder: list[Path], mode: str, quick: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In threads, which are worth it for what takes longer than this, and one after the other."""
    monkeypatch.setattr(picture_batches, "_QUICK_SECONDS", quick)
    crop = pt.data.transforms.CenterResizedCrop((6, 8))
    want = np.stack([crop(pt.data.read_image(path, mode)) for path in folder])
    assert np.array_equal(pt.data.read_images(folder, (6, 8), mode), want)
    read: list[Any] = []
    thread = threading.Thread(target=lambda: read.append(pt.data.read_images(folder, (6, 8), mode)))
    thread.start()
    thread.join()
    assert np.array_equal(read[0], want)


def test_no_picture_and_no_png_are_read_too(folder: list[Path]) -> None:
    assert pt.data.read_images([], 4).shape == (0, 4, 4, 3)
    assert pt.data.read_images([folder[-4]], (6, 8)).shape == (1, 6, 8, 3)


@pytest.mark.parametrize("quick", [0.0, 10.0])
def test_what_is_no_picture_among_many_is_named(
    folder: list[Path], quick: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one."""
    monkeypatch.setattr(picture_batches, "_QUICK_SECONDS", quick)
    content = folder[2].read_bytes()
    folder[2].write_bytes(content[: len(content) // 2])
    folder[9].write_bytes(b"")
    os.mkfifo(folder[4].with_name("pipe.png"))
    with pytest.raises(DataError) as single:
        pt.data.read_image(folder[2], where="read_images")
    with pytest.raises(DataError) as many:
        pt.data.read_images(folder, (6, 8))
    assert str(many.value) == str(single.value)
    with pytest.raises(DataError, match=r"pipe\.png: it is a pipe, not a regular file"):
        pt.data.read_images([folder[4].with_name("pipe.png")], (6, 8))
    with pytest.raises(DataError, match=r"\[read_images\] mode = 'RGBA'; expected one of RGB, L; take one of them"):
        pt.data.read_images(folder, 4, "RGBA")


def test_a_call_with_other_arrays_is_refused() -> None:
    with pytest.raises(pt.Error, match=r"an array of 2 axes for 1 paths; expected bytes"):
        _core.read_picture_files([b"x"], np.zeros((1, 2), np.uint8), False)
    with pytest.raises(pt.Error, match="0 channels; expected 1 or 3"):
        _core.read_picture_files([b"x"], np.zeros((1, 2, 2, 4), np.uint8), False)
    with pytest.raises(pt.Error, match="2 channels; expected 1 or 3"):
        _core.decode_png(b"", 2)
