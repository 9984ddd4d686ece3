"""Imports of names of other libraries: an error that shows the line to write, in place of "No module named".

`from powertrain.utils.data import DataLoader` is the first line of a script that was PyTorch's. Python asks the
finders of sys.meta_path for a module, the one of this file last: what no other one finds, and hints.py knows, is said
here.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from powertrain import _core
from powertrain.errors import hints


class UnknownModuleError(_core.Error, ModuleNotFoundError):
    """A module of another library that was imported from this one."""


class _Finder(MetaPathFinder):
    """Finds nothing: of a name that hints.py knows it raises what is to be written."""

    def __init__(self) -> None:
        self._asked: set[tuple[int, str]] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        where, _, name = fullname.rpartition(".")
        # What is known of a name imports modules itself: of an installation with a gap, that one again.
        key = threading.get_ident(), fullname
        if key in self._asked or not hints.is_public(where) or name.startswith("_"):
            return None
        self._asked.add(key)
        try:
            if hints.knows(where, name):
                # Without the attribute `name`: with it, `from powertrain import cat` would drop this error for its own.
                raise UnknownModuleError(hints.hint(where, name))
        finally:
            self._asked.discard(key)
        return None


def install() -> None:
    """Ask for hints behind all other finders."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
