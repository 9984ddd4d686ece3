"""The error of everything that reads or checks data."""

from __future__ import annotations


class DataError(ValueError):
    """Data that cannot be used: `[where] what was received; what was expected; how to fix it`."""

    def __init__(self, where: str, received: str, expected: str, fix: str) -> None:
        super().__init__(f"[{where}] {received}; {expected}; {fix}")
        self.where = where
