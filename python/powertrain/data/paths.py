"""The files that somebody names for a data set: paths, or a pattern of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from powertrain.data.errors import DataError

Paths: TypeAlias = "str | PathLike[str] | Sequence[str | PathLike[str]]"


def found_paths(paths: Paths, where: str, kind: str) -> list[Path]:
    """The files of a pattern such as part-*/train-*.tar, in the order of their names, or those that were named."""
    if isinstance(paths, (str, PathLike)):
        pattern = os.fspath(paths)
        one = Path(pattern).exists() or not glob.has_magic(pattern)
        # Path.glob takes no absolute pattern, and takes hidden files, which programs leave beside others.
        found = [Path(path) for path in ([pattern] if one else sorted(glob.glob(pattern)))]  # noqa: PTH207
    else:
        found = [Path(path) for path in paths]
    if not found:
        raise DataError(where, f"no file {paths}", f"expected {kind} files", "check the path")
    return found
