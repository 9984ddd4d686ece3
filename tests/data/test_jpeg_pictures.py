"""JPEG files that the engine decodes and resizes: the pixels are Pillow's bit for bit, as are the errors of others."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import _core
from powertrain.data import DataError
from powertrain.data.pictures import FORMATS
from powertrain.data.transforms import CenterResizedCrop

image = pytest.importorskip("PIL.Image", reason="Pillow is an extra of powertrain-vision")

of_engine = pytest.mark.skipif(pt.isa() == "generic", reason="for this instruction set Pillow reads all of them")

SAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
Size = tuple[int, int]  # width, height


def picture(draw: random.Random, size: Size, mode: str = "RGB") -> Any:
    """Random pixels, smooth ones, or smooth ones with noise."""
    width, height = size
    chance = np.random.default_rng(draw.randrange(1 << 30))
    pixels = chance.integers(0, 256, (height, width, 3), np.uint8)
    if kind := draw.randrange(3):
        coarse = image.fromarray(chance.integers(0, 256, (6, 6, 3), np.uint8))
        noise = chance.normal(0, 6 if kind == 1 else 0, pixels.shape)
        pixels = np.clip(np.asarray(coarse.resize(size)) + noise, 0, 255).astype(np.uint8)
    return image.fromarray(pixels).convert(mode)


def jpeg(drawn: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    drawn.save(file, "JPEG", **options)
    return file.getvalue()


def options_of(draw: random.Random) -> dict[str, Any]:
    restarts = draw.choice([{}, {}, {"restart_marker_blocks": draw.randint(1, 9)}, {"restart_marker_rows": 1}])
    sampling, optimize = draw.choice([*SAMPLINGS.values()]), draw.random() < 0.5
    return {"quality": draw.randint(1, 100), "subsampling": sampling, "optimize": optimize, **restarts}


def by_engine(path: Path, content: bytes, size: Size, mode: str = "RGB") -> np.ndarray | None:
    path.unlink(missing_ok=True)  # some file systems wait for the disk where a file is written over
    path.write_bytes(content)
    out = np.full((1, size[1], size[0], *((3,) if mode == "RGB" else ())), 77, np.uint8)
    return None if _core.read_picture_files([os.fsencode(path)], out, False) else out[0]


def by_pillow(content: bytes, size: Size | None = None, mode: str = "RGB") -> Any:
    """Pixels, or the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with image.open(io.BytesIO(content), formats=FORMATS) as opened:
                opened.load()
                made = pt.data.upright(opened.convert(mode) if opened.mode != mode else opened)
            return np.asarray(made) if size is None else CenterResizedCrop((size[1], size[0]))(made)
        except Exception as error:
            return error


@of_engine
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_common_forms_are_decoded_as_pillow_does(sampling: str, mode: str, tmp_path: Path) -> None:
    draw = random.Random(len(mode) + SAMPLINGS[sampling])
    sizes = [(w, h) for w in (1, 2, 3, 4, 5, 8, 9, 16, 17, 31) for h in (1, 2, 7, 8, 9, 16, 17, 33)]
    left = 0
    for size in [*sizes, *((draw.randint(1, 70), draw.randint(1, 70)) for _ in range(150)), (500, 400), (257, 300)]:
        options = options_of(draw) | {"subsampling": SAMPLINGS[sampling]}
        content = jpeg(picture(draw, size, draw.choice(["RGB", "RGB", "RGB", "L"])), **options)
        found = by_engine(tmp_path / "a.jpg", content, size, mode)
        if found is None:
            left += size[0] > 4  # whose colours are spread in another way
        else:
            assert np.array_equal(found, by_pillow(content, None, mode)), (size, options)
    assert left < 10, "but for some of extreme noise, they are common forms"


@of_engine
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pictures_are_resized_as_pillow_does(mode: str, tmp_path: Path) -> None:
    """To larger ones, to smaller ones, and to those that it reduces by whole numbers first."""
    draw = random.Random(4)
    decoded = 0
    for number in range(250):
        small = number % 5 > 0
        size = (draw.randint(5, 90), draw.randint(5, 90)) if small else (draw.randint(200, 700), draw.randint(100, 400))
        wanted = (draw.randint(1, 80), draw.randint(1, 80)) if small else (draw.randint(10, 90), draw.randint(10, 40))
        content = jpeg(picture(draw, size), quality=draw.randint(30, 95))
        found = by_engine(tmp_path / "a.jpg", content, wanted, mode)
        if found is not None:
            decoded += 1
            assert np.array_equal(found, by_pillow(content, wanted, mode)), (size, wanted)
    assert decoded > 150


@of_engine
def test_tall_pictures_are_left_to_pillow_whose_releases_differ(tmp_path: Path) -> None:
    draw = random.Random(5)
    content = jpeg(picture(draw, (40, 200)), quality=80)
    assert by_engine(tmp_path / "a.jpg", content, (20, 20)) is None
    assert by_engine(tmp_path / "a.jpg", content, (40, 200)) is not None
    (tmp_path / "a.jpg").write_bytes(content)
    assert np.array_equal(pt.data.read_images([tmp_path / "a.jpg"], 20)[0], by_pillow(content, (20, 20)))


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def exif(order: str, *entries: tuple[int, int, int, int]) -> bytes:
    """Tags, types, counts and values."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    made = mark + struct.pack(order + "IH", 8, len(entries))
    for tag, kind, count, value in entries:
        made += struct.pack(order + "HHI", tag, kind, count)
        made += struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value)
    return segment(0xE1, b"Exif\0\0" + made + bytes(4))


DRAWN = picture(random.Random(6), (24, 18))
PLAIN = jpeg(DRAWN, quality=80)
FRAME, SCAN = PLAIN.index(b"\xff\xc0"), PLAIN.index(b"\xff\xda")
JFIF_END = 4 + int.from_bytes(PLAIN[4:6], "big")


def with_segment(made: bytes, at: int = JFIF_END) -> bytes:
    return PLAIN[:at] + made + PLAIN[at:]


def replaced(at: int, value: int) -> bytes:
    content = bytearray(PLAIN)
    content[at] = value
    return bytes(content)


@of_engine
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a comment", with_segment(segment(0xFE, b"made by hand"))),
        ("upright", with_segment(exif("<", (0x112, 3, 1, 1)))),
        ("upright, the other order", with_segment(exif(">", (0x10F, 2, 3, 0), (0x112, 3, 1, 1)))),
        ("no orientation", with_segment(exif("<", (0x100, 4, 1, 5)))),
        ("a profile", with_segment(segment(0xE2, b"ICC_PROFILE\0\1\1profile"))),
        ("bytes behind the end", PLAIN + b"abc"),
        ("extended", replaced(FRAME + 1, 0xC1)),
        ("no JFIF, usual numbers", PLAIN[:2] + PLAIN[JFIF_END:]),
    ],
)
def test_what_is_common_beside_pixels(name: str, content: bytes, tmp_path: Path) -> None:
    found = by_engine(tmp_path / "a.jpg", content, DRAWN.size)
    assert found is not None and np.array_equal(found, by_pillow(content))


RARE = [
    ("turned", with_segment(exif("<", (0x112, 3, 1, 6)))),
    ("turned by another type", with_segment(exif("<", (0x112, 4, 1, 6)))),
    ("two EXIF", with_segment(exif("<", (0x100, 4, 1, 5)) + exif("<", (0x112, 3, 1, 6)))),
    ("turned by XMP", with_segment(segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'))),
    ("a short profile", with_segment(segment(0xE2, b"ICC_PROFILE\0"))),
    ("Photoshop", with_segment(segment(0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\0\0\0\0"))),
    ("colours of Adobe", PLAIN[:2] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0") + PLAIN[JFIF_END:]),
    ("a short JFIF", PLAIN[:2] + segment(0xE0, b"JFIF\0\1") + PLAIN[JFIF_END:]),
    ("progressive", jpeg(DRAWN, progressive=True)),
    ("four colours", jpeg(DRAWN.convert("CMYK"))),
    ("RGB", jpeg(DRAWN, keep_rgb=True)),
    ("narrow", jpeg(picture(random.Random(1), (4, 9)))),
    ("twice as tall colours", replaced(FRAME + 11, 0x12)),
    ("12 bits", replaced(FRAME + 4, 12)),
    ("no height", replaced(FRAME + 6, 0)),
    ("no quantization", PLAIN.replace(b"\xff\xdb", b"\xff\xfe")),
    ("no codes", PLAIN.replace(b"\xff\xc4", b"\xff\xfe")),
    ("codes after the scan alone", PLAIN[: PLAIN.index(b"\xff\xc4")] + PLAIN[SCAN:]),
    ("another table", replaced(SCAN + 6, 0x33)),
    ("part of the frequencies", replaced(SCAN + 12, 62)),
    ("no end", PLAIN[:-2]),
    ("another end", PLAIN[:-2] + b"\xff\xd0"),
    ("cut off", PLAIN[: len(PLAIN) * 3 // 4]),
    ("cut off in the head", PLAIN[:100]),
    ("more than the pixels", PLAIN[:-2] + b"\0\0" + PLAIN[-2:]),
    ("bytes between segments", with_segment(b"\0")),
    ("filling before a marker", with_segment(b"\xff\xff")),
    ("two frames", with_segment(PLAIN[FRAME : FRAME + 19])),
    ("a restart that is not due", replaced(len(PLAIN) - 10, 0xFF)),
    ("no picture", b"\xff\xd8" + bytes(50)),
]


@pytest.mark.parametrize(("name", "content"), RARE, ids=[name for name, _ in RARE])
def test_what_is_not_common_is_left_to_pillow(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    want = by_pillow(content)
    size = (24, 18) if isinstance(want, Exception) else (want.shape[1], want.shape[0])
    assert by_engine(path, content, size) is None
    if isinstance(want, Exception):
        with pytest.raises(DataError) as single:
            pt.data.read_image(path, where="read_images")
        with pytest.raises(DataError) as many:
            pt.data.read_images([path], (size[1], size[0]))
        assert str(many.value) == str(single.value)
    else:
        assert np.array_equal(pt.data.read_images([path], (size[1], size[0]))[0], want)


def test_what_is_not_sound_is_left_to_pillow(tmp_path: Path) -> None:
    """EXIF that breaks off, several pictures; too many codes of a length, and meanings that no block has."""
    for one in (segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x09\0"), segment(0xE2, b"MPF\0II*\0")):
        assert by_engine(tmp_path / "a.jpg", with_segment(one), DRAWN.size) is None
    at = PLAIN.index(b"\xff\xc4") + 5
    assert by_engine(tmp_path / "a.jpg", replaced(at, 3), DRAWN.size) is None
    assert by_engine(tmp_path / "a.jpg", replaced(at + 16, 0x77), DRAWN.size) is None


@of_engine
def test_numbers_of_more_than_16_bits_are_left_to_pillow(tmp_path: Path) -> None:
    """Blocks of 8 * 32 times 255, which in 16 bits would be -256: of one colour, or with one pixel of another."""
    level = np.full((8, 8), 160, np.uint8)
    other = level.copy()
    other[3, 4] += 8
    for pixels in (level, other):
        content = jpeg(image.fromarray(pixels), quality=100)
        steps = content.index(b"\xff\xdb") + 5
        assert by_engine(tmp_path / "a.jpg", content, (8, 8), "L") is not None
        content = content[:steps] + b"\xff" * 64 + content[steps + 64 :]
        assert by_engine(tmp_path / "a.jpg", content, (8, 8), "L") is None


@of_engine
def test_damaged_files_end_as_with_pillow(tmp_path: Path) -> None:
    """2,000 files with bytes changed, left out or put in, or their end cut off."""
    draw = random.Random(8)
    files = [jpeg(picture(draw, (draw.randint(1, 40), draw.randint(1, 40))), **options_of(draw)) for _ in range(60)]
    decoded = refused = 0
    for number in range(2000):
        content = bytearray(draw.choice(files))
        at, frame = draw.randrange(len(content)), content.index(b"\xff\xc0")
        if frame + 4 < at < frame + 9:
            continue  # the size: large pictures take long
        if number % 8 == 0:
            del content[at:]
        elif number % 8 == 1:
            content[at:at] = bytes(draw.choices([0, 0xFF, 0xD0, 0xD9, 0x55], k=draw.randint(1, 3)))
        elif number % 8 == 2:
            del content[at : at + draw.randint(1, 3)]
        else:
            content[at] ^= 1 << draw.randrange(8)
        given, mode = bytes(content), draw.choice(["RGB", "L"])
        want = by_pillow(given, None, mode)
        size = (20, 20) if isinstance(want, Exception) else (want.shape[1], want.shape[0])
        found = by_engine(tmp_path / "a.jpg", given, size, mode)
        if found is not None:
            decoded += 1
            assert np.array_equal(found, want), given.hex()
        refused += isinstance(want, Exception)
    assert decoded > 200 and refused > 200


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_many_files_are_those_of_single_ones(mode: str, tmp_path: Path) -> None:
    """Of each size and form, in threads and in one."""
    draw = random.Random(9)
    paths = []
    for number in range(60):
        drawn = picture(draw, (draw.randint(5, 60), draw.randint(5, 60)))
        paths.append(tmp_path / f"{number}.{draw.choice(['jpg', 'jpeg', 'JPG', 'png', 'bmp'])}")
        paths[-1].write_bytes(jpeg(drawn, progressive=draw.random() < 0.2, **options_of(draw)))
    crop = CenterResizedCrop((20, 30))
    want = np.stack([crop(pt.data.read_image(path, mode)) for path in paths])
    assert np.array_equal(pt.data.read_images(paths, (20, 30), mode), want)


def test_where_the_engine_has_no_kernels_pillow_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(PLAIN)
    code = (
        "import os, sys, numpy as np; import powertrain as pt; from powertrain import _core; path = sys.argv[1]\n"
        f"size = ({DRAWN.height}, {DRAWN.width}); made = pt.data.read_images([path], size)\n"
        "left = _core.read_picture_files([os.fsencode(path)], np.empty((1, *size, 3), 'u1'), False)\n"
        "sys.stdout.write(f'{pt.isa()} {left} {made.tobytes().hex()}')"
    )
    environment = {**os.environ, "POWERTRAIN_ISA": "generic"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"generic [0] {by_pillow(PLAIN).tobytes().hex()}", done.stderr
