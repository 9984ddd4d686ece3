"""The files that somebody names for a data set: paths, or a pattern of them."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from powertrain.data.errors import DataError

Paths: TypeAlias = "str | PathLike[str] | Sequence[str | PathLike[str]]"


def found_paths(paths: Paths, where: str, kind: str) -> list[Path]:
    """The files of a pattern such as train-*.tar, in the order of their names, or those that were named."""
    if isinstance(paths, (str, PathLike)):
        pattern = Path(paths)
        one = pattern.exists() or not glob.has_magic(pattern.name)
        found = [pattern] if one else sorted(pattern.parent.glob(pattern.name))
    else:
        found = [Path(path) for path in paths]
    if not found:
        raise DataError(where, f"no file {paths}", f"expected {kind} files", "check the path")
    return found
