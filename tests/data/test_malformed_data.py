"""Malformed data of more than 60 kinds: each ends in an error that names the file, and the row or place where there is
one. Data that are odd and whole are read as what they are."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest

import powertrain as pt
from attack import readers
from powertrain.data import DataError

Read = Callable[[Path], Any]
Content = bytes | Callable[[], bytes]


class Kind(NamedTuple):
    """A file that is wrong, how it is read, the library that reads it, and words of the error, in their order."""

    name: str
    file: str
    content: Content
    said: tuple[str, ...]
    read: Read
    needs: str | None


def kinds(read: Read, needs: str | None, *rows: Any) -> list[Kind]:
    return [Kind(name, file, content, tuple(said), read, needs) for name, file, content, *said in rows]


# What makes a good file, to be damaged.


def png(size: tuple[int, int] = (3, 4), data: bytes | None = None, kind: int = 0, bits: int = 8) -> bytes:
    """A grey picture, chunk by chunk, whose header may say what it likes."""
    width, height = size
    pixels = (
        zlib.compress(bytes(max(1, height * (1 + width))) if height * width < 1000 else b"") if data is None else data
    )

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def picture(form: str) -> bytes:
    return readers.picture(form)(Random(0))


def tiff(dtype: Any) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.ones((4, 4), dtype)).save(out, "TIFF")
    return out.getvalue()


def wav(rate: int = 8000, stated: int | None = None, samples: bytes = bytes(400)) -> bytes:
    """A sound of 16 bits, whose header may state another length."""
    count = len(samples) if stated is None else stated
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate % (1 << 32), 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + count) + b"WAVEfmt " + form + b"data" + struct.pack("<I", count) + samples


def float_wav(*samples: float) -> bytes:
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, np.array(samples, np.float32), 8000, format="WAV", subtype="FLOAT")
    return out.getvalue()


def npy(array: Any, **settings: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **settings)
    return out.getvalue()


def npy_header(text: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + content


def npz(**arrays: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return out.getvalue()


X, Y = np.arange(24, dtype=np.float32).reshape(12, 2), np.arange(12) % 3


def with_x(x: Any) -> bytes:
    return npz(x=npy(x), y=npy(Y))


def at_row_seven(value: float) -> Any:
    x = X.copy()
    x[7, 1] = value
    return x


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def bomb() -> bytes:
    """Zeros that pack well, behind a header of a terabyte."""
    return npz(x=npy_header("{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,)}", bytes(1 << 24)))


def idx(*sizes: int, content: bytes = b"", kind: int = 8) -> bytes:
    return bytes([0, 0, kind, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + content


def csv(*lines: str, line: int = 0, put: str = "", encoding: str = "utf-8") -> bytes:
    """A table of 40 rows in which one line is another."""
    rows = list(lines) or ["number,target", *[f"{at}.5,{at % 2}" for at in range(40)]]
    if line:
        rows[line - 1] = put
    return "\n".join(rows).encode(encoding)


def texts(line: int = 0, put: bytes = b"") -> bytes:
    rows = [b"text,label", *[f"hello {at},{'spam' if at % 3 else 'ham'}".encode() for at in range(40)]]
    if line:
        rows[line - 1] = put
    return b"\n".join(rows)


def parquet() -> bytes:
    return readers.parquet(Random(0))


def nested_parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"parts": [[1], [2]] * 20, "target": [0, 1] * 20}), out)
    return out.getvalue()


# How each is read: as a recipe has it read.

PICTURES, SOUNDS = readers.read_as_class("pictures"), readers.read_as_class("sounds")
ARRAYS = readers.loaded(readers._arrays)
TABLE = readers.loaded(readers._table, target="target")
TEXTS = readers.loaded(readers._text_table, context=4, size=300)
TEXT = readers.loaded(readers._text, context=4)


def tokens(path: Path) -> None:
    from powertrain.builtin.data import Tokens

    data = Tokens.build(Tokens.Params(path=Path(path.name), vocabulary=9, context=2, valid=0.2), path.parent)
    for source in data.splits.values():
        source.fetch(np.arange(len(source)))


KINDS = (
    *kinds(
        PICTURES, "PIL",
        ("a picture of no bytes", "broken.png", b"", "no picture of the formats"),
        ("a text called a picture", "broken.jpg", b"to be or not to be", "no picture of"),
        ("half a PNG", "broken.png", lambda: picture("PNG")[:-60], "truncated"),
        ("half a JPEG", "broken.jpg", lambda: picture("JPEG")[:-60], "truncated"),
        ("half a GIF", "broken.gif", lambda: picture("GIF")[:40]),
        ("half a BMP", "broken.bmp", lambda: picture("BMP")[:-60], "truncated"),
        ("half a TIFF", "broken.tif", lambda: picture("TIFF")[:60]),
        ("half a WebP", "broken.webp", lambda: picture("WEBP")[:-60]),
        ("half a PPM", "broken.ppm", lambda: picture("PPM")[:-60], "truncated"),
        ("a PNG with a wrong checksum", "broken.png", lambda: png()[:29] + bytes(4) + png()[33:]),
        ("a PNG of width 0", "broken.png", lambda: png((0, 4))),
        ("a PNG of two gigapixels", "broken.png", lambda: png((50_000, 50_000)),
         "pixels", "at most 100,000,000 pixels"),
        ("a PNG whose pixels are no zlib", "broken.png", lambda: png(data=b"no zlib")),
        ("a PNG of too few pixels", "broken.png", lambda: png((30, 30), zlib.compress(bytes(40)))),
        ("a PNG of colour type 9", "broken.png", lambda: png(kind=9)),
        ("PostScript called a picture", "broken.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
         "no picture of the formats"),
        ("letters for the size of a PPM", "broken.ppm", b"P6\nx 4\n255\n" + bytes(48)),
        ("pixels of 32 bits", "broken.tif", lambda: tiff(np.int32), "32 bits", "not known"),
        ("pixels that are floats", "broken.tif", lambda: tiff(np.float32), "32 bits", "not known"),
    ),
    *kinds(
        SOUNDS, "soundfile",
        ("a sound of no bytes", "broken.wav", b""),
        ("a text called a sound", "broken.flac", b"to be or not to be"),
        ("a sound of 0 samples a second", "broken.wav", wav(rate=0)),
        ("a sound of four billion samples a second", "broken.wav", wav(rate=0xFFFFFFF0)),
        ("a sound that ends early", "broken.wav", wav(stated=4000),
         "400 bytes of samples, where the header says 4,000"),
        ("a sound without a sample", "broken.wav", wav(samples=b""), "no sample"),
        ("a sound that is not finite", "broken.wav", lambda: float_wav(0, np.nan, 1), "not finite"),
        ("half a FLAC", "broken.flac", lambda: readers.sound("FLAC")(Random(0))[:200]),
    ),
    *kinds(
        ARRAYS, None,
        ("an npz of no bytes", "broken.npz", b"", "begins with nothing"),
        ("half an npz", "broken.npz", lambda: with_x(X)[:-90]),
        ("an npz with a wrong checksum", "broken.npz", lambda: flipped(with_x(X), 60)),
        ("an npz of objects", "broken.npz", lambda: npz(x=npy(np.array([{}], object), allow_pickle=True), y=npy(Y)),
         "x: elements of the kind '|O'"),
        ("an npz that unpacks to a terabyte", "broken.npz", bomb),
        ("an npz without arrays", "broken.npz", lambda: npz(), "holds no array"),
        ("an npz without y", "broken.npz", lambda: npz(x=npy(X)), "no array 'y'", "expected one of x"),
        ("fewer targets than inputs", "broken.npz", lambda: npz(x=npy(X), y=npy(Y[:5])),
         "of broken.npz", "12 examples and 5 labels"),
        ("an array of records", "broken.npz", lambda: with_x(np.zeros(12, [("a", "f4")])), "x: "),
        ("an array of texts", "broken.npz", lambda: with_x(np.array(["a"] * 12)),
         "x of broken.npz", "expected an array of numbers"),
        ("an array of no rows", "broken.npz", lambda: npz(x=npy(X[:0]), y=npy(Y[:0])), "of broken.npz", "no example"),
        ("NaN in an array", "broken.npz", lambda: with_x(at_row_seven(np.nan)), "x of broken.npz", "NaN in row 7"),
        ("infinity in an array", "broken.npz", lambda: with_x(at_row_seven(-np.inf)),
         "x of broken.npz", "infinity in row 7"),
        ("a label below 0", "broken.npz", lambda: npz(x=npy(X), y=npy(np.where(np.arange(12) == 7, -1, Y))),
         "y of broken.npz", "label -1 in row 7"),
        ("a header that runs code", "broken.npz", lambda: npz(x=npy_header("__import__('os').getcwd()"), y=npy(Y)),
         "x: a header that cannot be read"),
        ("a header of another shape", "broken.npz",
         lambda: npz(x=npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (9, 9)}", bytes(8)), y=npy(Y)),
         "8 bytes of numbers for float32[9, 9]"),
    ),
    *kinds(
        readers.read_idx, None,
        ("an idx with a wrong magic number", "broken.idx", b"\1\2\3\4" + bytes(60), "magic number"),
        ("an idx of a kind that is none", "broken.idx", idx(2, 2, content=bytes(4), kind=7), "magic"),
        ("half an idx", "broken.idx", idx(5, 4, content=bytes(13)), "13 bytes", "expected 20"),
        ("an idx with more than it says", "broken.idx", idx(5, content=bytes(9)), "more than 5"),
        ("an idx of terabytes", "broken.idx", idx(1 << 20, 1 << 20), "1,099,511,627,776 bytes"),
        ("half a gzip", "broken.gz", gzip.compress(idx(5, 4, content=bytes(20)))[:-9]),
    ),
    *kinds(
        TABLE, "pyarrow",
        ("a table of no bytes", "broken.csv", b"", "no rows"),
        ("a table of its header alone", "broken.csv", csv("number,target"), "no rows"),
        ("a row that is too short", "broken.csv", csv(line=9, put="1.5"), "line 9"),
        ("a row that is too long", "broken.csv", csv(line=9, put="1.5,1,1"), "line 9"),
        ("a quote that never ends", "broken.csv", csv(line=9, put='"1.5,1')),
        ("a NUL in a table", "broken.csv", csv(line=9, put="1\0.5,1"), "line 9: a NUL character"),
        ("a table in Latin-1", "broken.csv", csv(line=9, put="é,1", encoding="latin-1"), "line 9"),
        ("a column twice", "broken.csv", csv(line=1, put="target,target"), "target twice"),
        ("a table without its target", "broken.csv", csv(line=1, put="number,other"), "no column target"),
        ("half a Parquet file", "broken.parquet", lambda: parquet()[:-90]),
        ("a text called Parquet", "broken.parquet", b"to be or not to be"),
        ("lists in a column", "broken.parquet", nested_parquet, "parts", "list<"),
    ),
    *kinds(
        TEXT, None,
        ("a text that is not UTF-8", "broken.txt", b"to be\xff or not to be", "byte 5 of broken.txt is not UTF-8"),
        ("a text of no bytes", "broken.txt", b"", "text broken", "0 characters"),
        ("half a packed text", "broken.txt.gz", gzip.compress(b"to be or not to be")[:-9]),
    ),
    *kinds(
        TEXTS, "tokenizers",
        ("a text without a label", "broken.csv", texts(9, b"hello"), "row 9 has no label"),
        ("labels without their column", "broken.csv", texts(1, b"text,other"), "no column label"),
        ("texts that are not UTF-8", "broken.csv", texts(9, b"\xff\xfe,ham"), "of broken.csv is not UTF-8"),
        ("a quote that never ends in texts", "broken.csv", texts(9, b'"hello,ham')),
    ),
    *kinds(
        tokens, None,
        ("a token beyond the vocabulary", "broken.bin", struct.pack("<9H", *range(1, 10)) + bytes(20),
         "token 9 at place 8 of"),
        ("half a token", "broken.bin", bytes(41), "broken.bin has 41 bytes"),
    ),
)  # fmt: skip

FORM = re.compile(r"\[[^]]+\] .+; .+; .+", re.DOTALL)


def test_there_are_more_than_sixty_kinds() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) > 60


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name.replace(" ", "-") for kind in KINDS])
def test_an_error_names_the_file_and_the_place(kind: Kind, tmp_path: Path) -> None:
    if kind.needs:
        pytest.importorskip(kind.needs, reason=f"{kind.needs} reads it")
    path = tmp_path / kind.file
    path.write_bytes(kind.content() if callable(kind.content) else kind.content)
    with pytest.raises(DataError) as caught:
        kind.read(path)
    said = str(caught.value)
    assert FORM.fullmatch(said) and "broken" in said.replace(str(tmp_path), ""), said
    assert re.search(".*".join(map(re.escape, kind.said)), said, re.DOTALL), said


def saved(image: Any, form: str, path: Path, **settings: Any) -> Path:
    image.save(path, form, **settings)
    return path


def test_odd_pictures_are_read_as_what_they_show(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow reads pictures")
    path = tmp_path / "a"
    red = image.new("RGB", (4, 4), (255, 0, 0))
    odd = {
        "palette": saved(red.convert("P", palette=image.Palette.ADAPTIVE), "PNG", tmp_path / "palette"),
        "transparent": saved(red.convert("RGBA"), "PNG", tmp_path / "transparent"),
        "CMYK": saved(red.convert("CMYK"), "TIFF", tmp_path / "cmyk"),
        "interlaced": saved(red, "GIF", tmp_path / "interlaced", interlace=1),
    }
    for name, path in odd.items():
        assert np.asarray(pt.data.read_image(path))[0, 0].tolist() == [255, 0, 0], name
    saved(image.new("1", (4, 4), 1), "PNG", path)
    assert np.asarray(pt.data.read_image(path, "L")).min() == 255
    levels = np.full((4, 4), 32768, np.uint16)
    saved(image.fromarray(levels), "PNG", path)
    assert np.asarray(pt.data.read_image(path, "L")).max() == 128
