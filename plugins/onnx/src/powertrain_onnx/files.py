"""Files of models. Those of strangers are opened as the engine opens its own; what is written is whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from powertrain.data import open_file
from powertrain_onnx.errors import OnnxError


def read(path: Path, most: int) -> bytes:
    """The whole of a file that a user names."""
    try:
        with open_file(path, "onnx") as file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise OnnxError(f"[onnx] {path} has {size:,} bytes; expected at most {most:,}; is it the right file?")
            return file.read(size)
    except (OSError, ValueError) as error:
        raise OnnxError(
            f"[onnx] {path} cannot be read: {_why(error)}; expected an ordinary file; check the path"
        ) from error


def read_beside(folder: Path, name: str, count: int, offset: int) -> bytes:
    """Bytes of a file that another file names, in its own folder: no link is followed."""
    path = folder / name
    try:
        with open_file(path, "onnx") as file:
            opened = os.fstat(file.fileno())
            if not os.path.samestat(opened, path.lstat()):
                raise OnnxError(f"[onnx] {path} is a link; expected a file of this folder; put the file itself there")
            file.seek(offset)
            return file.read(min(count, max(0, opened.st_size - offset)))
    except (OSError, ValueError) as error:
        raise OnnxError(
            f"[onnx] {path} cannot be read: {_why(error)}; expected an ordinary file beside the model; put it there"
        ) from error


def write(path: Path, content: bytes) -> None:
    """Written beside, and renamed: nobody meets half of it."""
    if not path.parent.is_dir():
        raise OnnxError(f"[onnx] {path.parent} is not a folder; expected one for {path.name}; create it")
    aside = path.with_name(f".{path.name}-{secrets.token_hex(8)}.part")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        if isinstance(error, OSError):
            raise OnnxError(
                f"[onnx] {path} cannot be written: {_why(error)}; expected a folder in which this user may write, on a "
                "disk with room; give another path"
            ) from error
        raise


def _why(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)
