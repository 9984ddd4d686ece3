"""The error of everything that reads or checks data."""

from __future__ import annotations

from powertrain import _core
from powertrain.io.printable import printable


class DataError(_core.Error, ValueError):
    """Data that cannot be used: `[where] what was received; what was expected; how to fix it`."""

    def __init__(self, where: str, received: str, expected: str, fix: str) -> None:
        # Names and values in it come from files: nothing of them may move a terminal's cursor.
        super().__init__(printable(f"[{where}] {received}; {expected}; {fix}"))
        self.where = where


class DataIndexError(DataError, IndexError):
    """A row that the data has not: by Python's rules the end of an iteration by numbers."""
