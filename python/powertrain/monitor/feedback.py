"""Labels that came later, kept beside the run that they are of: what was predicted, and what was true.

Lines of JSON in two files: one that is added to, and the one before it, which goes when the first is full. A line is
written by one call, so a kill costs the last one at most, and a reader passes over what is torn.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.io.files import Files
from powertrain.io.records import ANYTHING, MisfitError, from_json, to_json
from powertrain.models.folders import FEEDBACK

MOST_BYTES = 4 << 20  # of a file
_AT_ONCE = 500  # pairs of a line
_MOST_LINE = 1 << 20
_SHAPE = {"time": float, "said": [ANYTHING], "true": [ANYTHING]}

if TYPE_CHECKING:
    from os import PathLike

Pair = tuple[Any, Any]


class Feedback:
    """Keeps pairs (prediction, label) in the folder of a run.

    folder    of the run
    classes   whether they are names of classes; else rows of numbers
    most      bytes of a file, of which there are two

    Example
        >>> import tempfile
        >>> kept = pt.monitor.Feedback(tempfile.mkdtemp(), classes=True)
        >>> kept.add([("cat", "cat"), ("cat", "dog")])
        >>> list(kept.pairs())
        [('cat', 'cat'), ('cat', 'dog')]
    """

    def __init__(self, folder: str | PathLike[str], *, classes: bool, most: int = MOST_BYTES) -> None:
        self._files, self._classes, self._most = Files(Path(folder)), classes, most

    def add(self, pairs: Sequence[Pair]) -> None:
        """Write pairs behind those that are there."""
        left = iter(pairs)
        while some := list(islice(left, _AT_ONCE)):
            said, true = ([self._plain(one) for one in side] for side in zip(*some, strict=True))
            self._append(to_json({"time": round(time.time(), 3), "said": said, "true": true}) + b"\n")

    def pairs(self) -> Iterator[Pair]:
        """All that is there, the oldest first."""
        for name in reversed(FEEDBACK):
            try:
                with self._files.reading(name) as file:
                    read = 0
                    while read < 2 * self._most and (raw := file.readline(_MOST_LINE)):
                        read += len(raw)
                        yield from self._of_line(raw)
            except FileNotFoundError:
                continue

    def _append(self, line: bytes) -> None:
        opened = self._files.appending(FEEDBACK[0])
        try:
            size = os.fstat(opened).st_size
            torn = size > 0 and os.pread(opened, 1, size - 1) != b"\n"  # by a kill
            os.write(opened, b"\n" * torn + line)
        finally:
            os.close(opened)
        if size + len(line) > self._most:
            full, before = (self._files.path / name for name in FEEDBACK)
            full.replace(before)

    def _plain(self, value: Any) -> Any:
        return str(value) if self._classes else [float(one) for one in value]

    def _of_line(self, raw: bytes) -> Iterator[Pair]:
        try:
            line = from_json(raw, _SHAPE)
        except MisfitError:  # torn, or damaged
            return
        for said, true in zip(line["said"], line["true"], strict=False):
            if self._fits(said) and self._fits(true) and (self._classes or len(said) == len(true)):
                yield said, true

    def _fits(self, value: Any) -> bool:
        if self._classes:
            return isinstance(value, str)
        numbers = isinstance(value, list) and bool(value)
        return numbers and all(type(one) in (int, float) and abs(one) < 1e300 for one in value)
