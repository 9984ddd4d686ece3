"""What a strategy gets of played steps: their rows, and passes over them in random order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data.block import Block, Counted, blocks
from powertrain.data.order import Cursor
from powertrain.data.picks import JoinedPicks, Picks
from powertrain.data.source import rows_of
from powertrain.plugin.wording import suggestion
from powertrain.train.folder.run_folder import RunError


class Played(dict[str, NDArray[Any]]):
    """Named arrays of as many rows each."""

    def epochs(self, count: int, batch_size: int, fields: Sequence[str] = ()) -> Epochs:
        """Batches of the rows: so many passes, each in a random order of its own. Of the named fields, or of all."""
        if count < 1 or batch_size < 1:
            raise RunError(
                f"[epochs] received {count} passes in batches of {batch_size}; expected at least one of each; for "
                "example played.epochs(4, 256)"
            )
        if lacking := [name for name in fields if name not in self]:
            raise RunError(
                f"[epochs] received fields {', '.join(fields)}, but nothing named {', '.join(lacking)} was played; "
                f"expected some of {', '.join(self)}{suggestion(lacking[0], list(self))}"
            )
        return Epochs({name: self[name] for name in fields or self}, count, batch_size)


class Epochs:
    """Passes over played rows as a source of a loop. The run's own random numbers say in which order."""

    has_epochs = False  # of the data, which an environment has not
    epoch = 0

    def __init__(self, played: Mapping[str, NDArray[Any]], count: int, batch_size: int) -> None:
        self._played, self._batch_size = played, batch_size
        self._rows = len(next(iter(played.values())))
        self._left = count * -(-self._rows // batch_size)
        self._order = np.zeros(0, np.int64)
        self.padded = -self._rows % batch_size

    def left_in_epoch(self) -> int:
        """Batches that are left, of all passes."""
        return self._left

    def take(self, count: int) -> Counted:
        """The next batches."""
        if count > self._left:
            raise RunError(
                f"[loop] received {count} steps over played rows of which {self._left} batches are left; expected at "
                "most as many; leave the number out to take all"
            )
        return Counted(self.next_made, count)

    def next_made(self, most: int) -> Block:
        """At most so many batches, of one pass."""
        if not len(self._order):
            self._order = pt.random.permutation(self._rows).numpy()
        size, first = self._batch_size, self._rows - len(self._order)
        rows, self._order = self._order[: most * size], self._order[most * size :]
        count = -(-len(rows) // size)
        self._left -= count
        missing = count * size - len(rows)
        weight: NDArray[np.float32] | None = None
        if missing:  # so that one program serves every batch
            weight = np.ones((count, size), np.float32)
            weight[-1, size - missing :] = 0
            rows = np.concatenate([rows, np.resize(rows[(count - 1) * size :], missing)])
        fields = rows_of(self._played, rows)
        picks = Picks(rows.reshape(count, size), first, size, Cursor(0, first + count * size), 0, (), weight)
        return blocks(fields, JoinedPicks([picks]), weighted=False)[0]
