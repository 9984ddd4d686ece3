"""Files as strangers may have left them: ordinary ones are opened, and what is written is whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from powertrain_onnx.errors import OnnxError

# Without O_NONBLOCK the opening of a pipe waits for somebody at its other end.
SAFELY = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def read(path: Path, most: int, offset: int = 0, follow: bool = True) -> bytes:
    """At most `most` bytes of an ordinary file. `follow`: also of one that a link leads to."""
    try:
        descriptor = os.open(path, SAFELY if follow else SAFELY | os.O_NOFOLLOW)
    except (OSError, ValueError) as error:
        raise OnnxError(f"[onnx] {path} cannot be opened ({error}); expected a file; check the path") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OnnxError(f"[onnx] {path} is no ordinary file; expected one; check the path")
    with os.fdopen(descriptor, "rb") as file:
        file.seek(offset)
        return file.read(most)


def write(path: Path, content: bytes) -> None:
    """Written beside, and renamed: nobody meets half of it."""
    if not path.parent.is_dir():
        raise OnnxError(f"[onnx] {path.parent} is no folder; expected one for {path.name}; make it")
    aside = path.with_name(f".{path.name}-{secrets.token_hex(8)}.part")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
