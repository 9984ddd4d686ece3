"""The files that somebody names for a data set: paths, URLs, or a pattern of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from powertrain.data.errors import DataError
from powertrain.data.storage import matching
from powertrain.io.urls import Url, located

Paths: TypeAlias = "str | PathLike[str] | Url | Sequence[str | PathLike[str] | Url]"


def found_paths(paths: Paths, where: str, kind: str) -> list[Path | Url]:
    """The files of a pattern such as part-*/train-*.tar, in the order of their names, or those that were named."""
    found: Sequence[Path | Url]
    if isinstance(paths, (str, PathLike, Url)):
        place = located(paths)
        if isinstance(place, Url):
            return [*matching(place, where)] if "*" in place.text else [place]
        pattern = os.fspath(place)
        one = place.exists() or not glob.has_magic(pattern)
        # Path.glob takes no absolute pattern, and takes hidden files, which programs leave beside others.
        found = [place] if one else [Path(path) for path in sorted(glob.glob(pattern))]  # noqa: PTH207
    else:
        found = [located(path) for path in paths]
    if not found:
        raise DataError(where, f"no file {paths}", f"expected {kind} files", "check the path")
    return list(found)
