"""A ring: the last examples that a strategy appended, to be drawn from; a replay buffer, for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.batch import Batch
from powertrain.data.block import Block, Counted, blocks
from powertrain.data.order import RING, Cursor, random_rows, raw_bits
from powertrain.data.picks import JoinedPicks, Picks
from powertrain.data.source import rows_of
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.progress import counts

LINE = 64  # bytes of a cache line


class Ring:
    """Holds at most `size` rows; the oldest make room. Everything in it is part of a checkpoint."""

    def __init__(self, name: str, size: int, fields: Mapping[str, Any], seed: int) -> None:
        if size < 1 or not fields:
            raise RunError(
                f"[ring {name}] received size {size} and {len(fields)} fields; expected at least one of each; for "
                "example run.ring('replay', 10_000, x=np.zeros(4, np.float32))"
            )
        self.name, self.size, self._seed = name, size, seed
        examples = {field: np.array(value, order="C") for field, value in fields.items()}
        self._arrays = side_by_side(size, examples)
        self.appended = 0
        self._draws = 0
        self._drawn = np.zeros(0, np.int64)  # the rows of the last batch, until others are appended

    def __len__(self) -> int:
        """Rows that it holds now."""
        return min(self.appended, self.size)

    def rows(self) -> dict[str, NDArray[Any]]:
        """Those rows, one array a field: views, which change with the ring."""
        return {field: value[: len(self)] for field, value in self._arrays.items()}

    def append(self, **fields: Any) -> None:
        """Add rows: one array a field, all of as many rows."""
        rows = {field: np.asarray(value) for field, value in fields.items()}
        self._check(rows)
        count = len(next(iter(rows.values())))
        kept = min(count, self.size)  # of more rows than it holds, the last ones stay
        places = (self.appended + count - kept + np.arange(kept)) % self.size
        for field, value in rows.items():
            self._arrays[field][places] = value[count - kept :]
        self.appended += count
        self._drawn = self._drawn[:0]

    def update(self, **fields: Any) -> None:
        """Give the rows of the last batch other values: one array a field, in the order of the batch. Of a row that the
        batch has twice, the last one counts."""
        rows = {field: np.asarray(value) for field, value in fields.items()}
        self._check(rows, [field for field in self._arrays if field in rows])
        if len(next(iter(rows.values()))) != len(self._drawn):
            raise RunError(
                f"[ring {self.name}] received {len(next(iter(rows.values())))} rows; the last batch has "
                f"{len(self._drawn)}; expected as many, before others are appended; call update after run.loop"
            )
        for field, value in rows.items():
            self._arrays[field][self._drawn] = value

    def _check(self, rows: Mapping[str, NDArray[Any]], names: Sequence[str] | None = None) -> None:
        shapes = {field: (value.shape[1:], value.dtype.kind) for field, value in rows.items() if value.ndim}
        arrays = self._arrays if names is None else {name: self._arrays[name] for name in names}
        wanted = {field: (value.shape[1:], value.dtype.kind) for field, value in arrays.items()}
        counts = {len(value) for value in rows.values() if value.ndim}
        if shapes != wanted or len(counts) != 1 or not rows:
            received = ", ".join(f"{field} {value.dtype}{list(value.shape)}" for field, value in rows.items())
            expected = ", ".join(f"{field} {value.dtype}{['rows', *value.shape[1:]]}" for field, value in
                                 (arrays or self._arrays).items()).replace("'", "")  # fmt: skip
            raise RunError(
                f"[ring {self.name}] received {received or 'nothing'}; expected {expected}, as many rows in each; "
                "append rows like those that the ring was made for"
            )

    def sample(self, batch_size: int, by: str | None = None) -> RingSample:
        """Batches of rows drawn with replacement, for `run.loop(step, ring.sample(64), n)`: each with the same chance,
        or one in proportion to the field `by`, and then with a field `chance`, which is 1 on average."""
        if by is not None and (by not in self._arrays or self._arrays[by].ndim != 1):
            known = [field for field, value in self._arrays.items() if value.ndim == 1]
            raise RunError(
                f"[ring {self.name}] received by = {by!r}; expected a field with one number a row: "
                f"{', '.join(known) or 'it has none'}; make the ring with one, as run.ring(..., priority=np.float32(1))"
            )
        return RingSample(self, batch_size, by)

    def draw(self, batch_size: int, by: str | None = None) -> Batch:
        """One batch; which rows depends on the run's seed and the number of draws before it."""
        return self.draw_several(1, batch_size, by).batches()[0]

    def draw_several(self, count: int, batch_size: int, by: str | None = None) -> Block:
        """So many batches, each by a draw of its own."""
        if len(self) == 0:
            raise RunError(f"[ring {self.name}] it is empty; expected rows to draw from; append some first")
        first = self._draws
        chance: dict[str, NDArray[Any]] = {}
        if by is None:
            rows = random_rows(len(self), batch_size, self._seed, RING, first, count).reshape(-1)
        else:
            words = [raw_bits(self._seed, RING, draw, batch_size) for draw in range(first, first + count)]
            rows, chance["chance"] = self._weighted(np.concatenate(words), by)
        self._draws += count
        self._drawn = rows[-batch_size:]
        fields = {**rows_of(self._arrays, rows), **chance}
        picks = Picks(rows.reshape(count, batch_size), first, 1, Cursor(0, self._draws), 0, ())
        return blocks(fields, JoinedPicks([picks]), weighted=False)[0]

    def _weighted(self, words: NDArray[np.uint64], by: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows by random words, each with a chance in proportion to a field."""
        sizes = self._arrays[by][: len(self)].astype(np.float64)
        ends = np.cumsum(sizes)
        if not np.isfinite(ends[-1]) or ends[-1] <= 0 or (sizes < 0).any():
            raise RunError(
                f"[ring {self.name}] {by} has numbers that are not weights, or none above 0; expected finite numbers "
                ">= 0; check what is appended and given by update"
            )
        places = (words >> np.uint64(11)).astype(np.float64) * (2.0**-53 * ends[-1])
        rows = np.minimum(np.searchsorted(ends, places, "right"), len(self) - 1)
        return rows, (sizes[rows] * (len(self) / ends[-1])).astype(np.float32)

    # A group of slots whose sizes grow, for checkpoints.

    def arrays(self) -> dict[str, NDArray[Any]]:
        state = np.array([self.appended, self._draws], dtype=np.int64)
        return {f"{self.name}.state": state, **self.rows_by_name()}

    def rows_by_name(self) -> dict[str, NDArray[Any]]:
        """Its rows by the names that they have in a checkpoint."""
        return {f"{self.name}.{field}": value for field, value in self.rows().items()}

    def misfits(self, saved: Mapping[str, NDArray[Any]]) -> list[str]:
        state = saved.get(f"{self.name}.state")
        text = "is missing" if state is None else counts(state, (2,))
        wrong = [f"{self.name}.state {text}"] if text else []
        rows = -1 if text or state is None else min(int(state[0]), self.size)  # no field has so many
        for field, value in self._arrays.items():
            found = saved.get(f"{self.name}.{field}")
            if found is None or found.shape != (rows, *value.shape[1:]) or found.dtype != value.dtype:
                wrong.append(f"{self.name}.{field} is missing or of another size")
        return wrong

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        self.appended, self._draws = (int(value) for value in saved[f"{self.name}.state"])
        self._drawn = self._drawn[:0]
        for field, value in self._arrays.items():
            found = saved[f"{self.name}.{field}"]
            value[: len(found)] = found


def side_by_side(size: int, examples: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Arrays of so many rows like these examples, which are in C order. Rows of one number lie side by side in memory,
    small ones in one cache line: to draw one takes as long as its lines."""
    step, begins = 0, {}
    for name, one in examples.items():
        begins[name] = -(-step // one.dtype.alignment) * one.dtype.alignment
        step = begins[name] + one.nbytes
    step = -(-step // LINE) * LINE if step > LINE else 1 << max(step - 1, 0).bit_length()
    memory = np.zeros(size * step + LINE, np.uint8)
    first = -memory.ctypes.data % LINE
    return {
        name: np.ndarray((size, *one.shape), one.dtype, memory, first + begins[name], (step, *one.strides))
        for name, one in examples.items()
    }


class RingSample:
    """A ring as a source of a loop; it has no epochs."""

    has_epochs = False
    epoch = 0
    padded = 0

    def __init__(self, ring: Ring, batch_size: int, by: str | None) -> None:
        self.ring, self.batch_size, self.by = ring, batch_size, by

    def left_in_epoch(self) -> int:
        raise RunError(
            f"[loop] a sample of the ring {self.ring.name} has no end; expected a number of steps; for example "
            f"run.loop(step, ring.sample({self.batch_size}), 1)"
        )

    def take(self, count: int) -> Counted:
        """The next batches. They are drawn when they are asked for, since the ring changes."""
        return Counted(lambda most: self.ring.draw_several(most, self.batch_size, self.by), count)
