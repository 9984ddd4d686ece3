"""The error of everything that reads or checks data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from powertrain import _core
from powertrain.errors.arguments import shown
from powertrain.io.printable import printable


class DataError(_core.Error, ValueError):
    """Data that cannot be used: `[where] what was received; what was expected; how to fix it`."""

    def __init__(self, where: str, received: str, expected: str, fix: str) -> None:
        # Names and values in it come from files: nothing of them may move a terminal's cursor.
        super().__init__(printable(f"[{where}] {received}; {expected}; {fix}"))
        self.where, self.received, self.expected, self.fix = where, printable(received), expected, fix


@contextmanager
def errors_name(file: Path) -> Iterator[None]:
    """In the block, errors of data say of which file they are."""
    try:
        yield
    except DataError as error:
        kind = NotFiniteDataError if isinstance(error, NotFiniteDataError) else DataError
        raise kind(f"{error.where} of {file}", error.received, error.expected, error.fix) from None


class NotFiniteDataError(DataError):
    """Rows that hold NaN or infinity."""


def demand_choice(where: str, name: str, value: object, known: Sequence[str]) -> None:
    """Refuse a setting that is none of those there are."""
    if value not in known:
        raise DataError(where, f"{name} = {shown(value)}", f"expected one of {', '.join(known)}", "take one of them")


class DataFileError(DataError, OSError):
    """A file of data that cannot be opened. `errno`, `strerror` and `filename` are those of the system's error."""

    def __init__(self, where: str, path: str, error: OSError) -> None:
        said = error.strerror or str(error)
        super().__init__(where, f"{path}: {said}", "expected a readable file", "check the path")
        self.errno, self.strerror, self.filename = error.errno, said, path

    def __str__(self) -> str:  # OSError's own would show the number instead
        return str(self.args[0])


class DataIndexError(DataError, IndexError):
    """A row that the data has not: by Python's rules the end of an iteration by numbers."""
