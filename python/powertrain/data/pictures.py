"""Files of pictures, read by Pillow."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.data.errors import DataError
from powertrain.data.formats import open_file

if TYPE_CHECKING:
    from powertrain.typing import HasArray

IMG_EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
# A picture of more pixels than this is refused before it is unpacked: small files can unpack to gigabytes.
MOST_PIXELS = 100_000_000


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

    mode    Pillow's: "RGB", or "L" for grey

    Errors    what is no whole picture of PNG, JPEG, BMP, GIF, WEBP, TIFF or PPM, or has over 100 million pixels
    Example
        >>> read_image("cat.jpg").size  # doctest: +SKIP
        (640, 480)
    """
    image_module = pillow(where)
    try:
        # By an open file, since Pillow maps some that it is given by name; and those formats alone, since it would have
        # other programs read some others, whatever the file is called.
        with open_file(Path(path), where) as file, image_module.open(file, formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise ValueError(f"{opened.width} x {opened.height} pixels")
            picture: HasArray = opened.convert(mode)
    except Exception as error:  # a damaged picture makes Pillow raise almost anything
        raise DataError(
            where, f"{path}: {_cause(error)}", f"expected a whole picture of at most {MOST_PIXELS:,} pixels",
            "repair it or take it out of the folder",
        ) from None  # fmt: skip
    return picture


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if type(error).__name__ == "UnidentifiedImageError":  # whose text holds an address in this process
        return f"no picture of the formats {', '.join(FORMATS)}"
    return str(error) or type(error).__name__
