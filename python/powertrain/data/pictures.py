"""Files of pictures, read by Pillow."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from powertrain import _core
from powertrain.data.errors import DataError
from powertrain.data.formats import open_file
from powertrain.io.inputs import read_at_most

if TYPE_CHECKING:
    from powertrain.typing import HasArray

IMG_EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
# A picture of more pixels than this is refused before it is unpacked: small files can unpack to gigabytes.
MOST_PIXELS = 100_000_000
ORIENTATION = 0x0112  # the number of the tag
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_PNG_BYTES = 1 << 26  # larger files are Pillow's from the start
_CHANNELS = {"RGB": 3, "L": 1}


def pillow(where: str) -> Any:
    """Pillow's module Image, where it is installed."""
    try:
        from PIL import Image
    except ImportError:
        raise DataError(
            where, "Pillow is not installed", "expected it, to read pictures",
            "pip install 'powertrain-vision[images]'",
        ) from None  # fmt: skip
    return Image


def read_image(path: str | PathLike[str], mode: str = "RGB", *, where: str = "read_image") -> HasArray:
    """Read the picture of a file, as Pillow has it: `np.asarray` makes [height, width, channels] of it.

    Grey pictures of 16 bits are brought to 8: 65535 becomes 255. A picture that a camera marked as turned (EXIF) is
    turned upright, as viewers show it.

    mode    Pillow's: "RGB", or "L" for grey

    Errors    what is no whole picture of PNG, JPEG, BMP, GIF, WEBP, TIFF or PPM, has over 100 million pixels, or pixels
              of 32 bits
    Example
        >>> read_image("cat.jpg").size  # doctest: +SKIP
        (640, 480)
    """
    pillow(where)
    try:
        with open_file(Path(path), where) as file:
            return picture_in(file, mode)
    except Exception as error:
        raise DataError(
            where, f"{path}: {cause(error)}", f"expected a whole picture of at most {MOST_PIXELS:,} pixels",
            "repair it or take it out of the folder",
        ) from None  # fmt: skip


def picture_in(file: IO[bytes], mode: str = "RGB") -> HasArray:
    """The picture that an open file holds; a damaged one makes Pillow raise almost anything, see `cause`."""
    image_module = pillow("read_image")
    if mode in _CHANNELS and (plain := _plain_png(file, _CHANNELS[mode])):
        pixels, width, height = plain
        made: HasArray = image_module.frombytes(mode, (width, height), pixels)
        return made
    # By an open file, since Pillow maps some that it is given by name; and those formats alone, since it would have
    # other programs read some others, whatever the file is called.
    with image_module.open(file, formats=FORMATS) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise ValueError(f"{opened.width} x {opened.height} pixels")
        # A JPEG file in its own colours needs no copy, which takes a tenth of the time that decoding does.
        if opened.format == "JPEG" and opened.mode == mode:
            opened.load()
            return upright(opened)
        return upright(_of_bytes(opened, image_module).convert(mode))


def _plain_png(file: IO[bytes], channels: int) -> tuple[bytes, int, int] | None:
    """Pixels, width and height of a common PNG file, by the engine and as Pillow has them; else the file is where it
    was."""
    start = file.tell()
    if read_at_most(file, len(_PNG)) == _PNG:
        file.seek(start)
        if plain := _core.decode_png(read_at_most(file, _MOST_PNG_BYTES + 1), channels):
            return plain
    file.seek(start)
    return None


def upright(picture: HasArray) -> HasArray:
    """A picture of Pillow, turned as the camera marked it (EXIF), as `read_image` does with files.

    Without such data, or with damaged ones, it is as it was. Of TIFF files Pillow has turned it before.

    Errors      DataError: Pillow is not installed
    Example
        >>> from PIL import Image
        >>> pt.data.upright(Image.new("RGB", (4, 2))).size
        (4, 2)
    """
    pillow("upright")
    from PIL import ImageOps

    given: Any = picture
    try:
        turned: Any = ImageOps.exif_transpose(given) if given.getexif().get(ORIENTATION, 1) != 1 else given
    except Exception:  # damaged data make Pillow raise almost anything, and say nothing about the pixels
        return picture
    made: HasArray = turned
    return made


def _of_bytes(opened: Any, image_module: Any) -> Any:
    """A picture whose channels are bytes. Pillow's own conversion would cut off all that is above 255."""
    if opened.mode.startswith("I;16") or (opened.mode == "I" and opened.format in ("PNG", "PPM")):
        return image_module.fromarray(((np.asarray(opened).astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
    if opened.mode in ("I", "F"):
        raise ValueError("pixels of 32 bits, whose range is not known")
    return opened


def cause(error: Exception) -> str:
    """Why a picture cannot be read, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if type(error).__name__ == "UnidentifiedImageError":  # whose text holds an address in this process
        return f"no picture of the formats {', '.join(FORMATS)}"
    return str(error) or type(error).__name__
