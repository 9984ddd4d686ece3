"""Examples of a stream that nothing can be learned from: they are counted, and left out before the step sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.builtin.strategies.views import StrategyError
from powertrain.data import Batch
from powertrain.data.block import Block, Several, several
from powertrain.data.order import Cursor, Pick
from powertrain.data.prefetch import MOST_AT_ONCE

if TYPE_CHECKING:
    from powertrain.builtin.strategies.stream_tally import Sums
    from powertrain.plugin import Inputs, Stream

Bools = NDArray[np.bool_]
NO_LABEL = -1


def demand_floats(inputs: Inputs) -> None:
    if not inputs.dtype.startswith("float"):
        raise StrategyError(
            f"[prequential] inputs of {inputs.dtype}, which have no scale; expected floats; write standardize = false, "
            "or a feature that makes floats of them"
        )


def checks(x: Any, y: Any, classes: int) -> tuple[Bools, Bools, Bools]:
    """Of each row: whether its inputs are finite, its class is one that there is, and it has a label."""
    size = len(x)
    if x.dtype.kind != "f" or np.isfinite(x).all():  # nearly always; row by row takes three times as long
        whole = np.ones(size, bool)
    else:
        whole = np.isfinite(x.reshape(size, -1)).all(axis=1)
    if not classes:
        return whole, np.ones(size, bool), np.isfinite(y.reshape(size, -1)).all(axis=1)
    return whole, (y >= NO_LABEL) & (y < classes), y != NO_LABEL


class Screened:
    """The next `count` batches of a stream, one after the other, of which unusable rows weigh nothing. A batch that has
    no other rows is passed over."""

    def __init__(self, source: Stream, count: int, sums: Sums, classes: int, *, skips: bool) -> None:
        self.source, self.sums, self.classes, self.skips = source, sums, classes, skips
        self._usable = self._screen(source.take(count))
        self._block: Block | None = None  # of which the batches from `_place` on are still to be given
        self._place = 0
        self._given: list[Batch | Block] = []

    @property
    def has_epochs(self) -> bool:
        return self.source.has_epochs

    @property
    def epoch(self) -> int:
        return self.source.epoch

    @property
    def padded(self) -> int:
        return self.source.padded

    def left_in_epoch(self) -> int:
        return self.source.left_in_epoch()

    def take(self, count: int) -> Iterator[Batch]:
        return _Next(self, count)

    def next(self, most: int) -> Batch | Block | None:
        """The next batch, or a block of at most so many; None at the end."""
        if self._block is None:
            made = next(self._usable, None)
            if not isinstance(made, Block):
                if made is not None:
                    self._given.append(made)
                return made
            self._block, self._place = made, 0
        begin, block = self._place, self._block
        self._place = min(begin + most, block.count)
        if self._place == block.count:
            self._block = None
        part = block.part(begin, self._place)
        self._given.append(part)
        return part

    def targets(self) -> tuple[int, Any, Any]:
        """How many batches were given since the last call; the targets and the weights of their rows."""
        given, self._given = self._given, []
        found = [
            dict(zip(made.names, made.stacked(), strict=True)) if isinstance(made, Block) else made.arrays
            for made in given
        ]
        count = sum(made.count if isinstance(made, Block) else 1 for made in given)
        y, weight = (_joined([np.reshape(one[name], -1) for one in found]) for name in ("y", "weight"))
        return count, y, weight

    def _screen(self, batches: Iterator[Batch]) -> Iterator[Batch | Block]:
        for made in several(batches, MOST_AT_ONCE):
            if isinstance(made, Block) and self._is_usable(made):
                yield made
                continue
            for batch in made.batches() if isinstance(made, Block) else [made]:
                x, y, real = batch.arrays["x"], batch.arrays["y"], batch.arrays["weight"] > 0
                whole, known, there = checks(np.asarray(x), np.asarray(y), self.classes)
                if not (whole & known & there)[real].all():
                    batch = self._screened(batch, real, whole & known, there)
                if (batch.arrays["weight"] > 0).any():
                    yield batch

    def _is_usable(self, block: Block) -> bool:
        """Whether all real rows can be learned from, and each batch has some."""
        arrays = dict(zip(block.names, block.stacked(), strict=True))
        real = arrays["weight"] > 0
        rows = [arrays[name].reshape(real.size, *arrays[name].shape[2:]) for name in ("x", "y")]
        whole, known, there = checks(rows[0], rows[1], self.classes)
        return bool((whole & known & there)[real.reshape(-1)].all() and real.any(axis=1).all())

    def _screened(self, batch: Batch, real: Bools, good: Bools, there: Bools) -> Batch:
        if not self.skips and not good[real].all():
            row = int(np.flatnonzero(real & ~good)[0])
            finite = np.isfinite(np.asarray(batch.arrays["x"][row])).all()
            what = f"class {batch.arrays['y'][row]}" if finite else "an input that is not finite"
            classes = f"a class from 0 to {self.classes - 1} ({NO_LABEL} where there is none)"
            raise StrategyError(
                f"[prequential] example {int(batch.indices[row]):,} has {what}; expected finite inputs"
                f'{" and " + classes if self.classes else ""}; fix it, or write bad = "skip"'
            )
        self.sums.gaps += int((real & ~good).sum())
        self.sums.unlabelled += int((real & good & ~there).sum())
        kept = good & there
        fields = {name: np.array(value) for name, value in batch.arrays.items()}
        weight = fields.pop("weight") * kept
        for name in ("x", "y"):  # nothing that is not finite may reach the step, which multiplies it by 0
            fields[name][~kept] = 0
        made = Batch(fields, Pick(batch.indices, weight, Cursor(*batch.cursor.tolist())), weighted=True)
        made.has_weights = batch.has_weights
        return made


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.zeros(0)


class _Next(Several):
    def __init__(self, screened: Screened, count: int) -> None:
        self._screened, self._left = screened, count

    def several(self, most: int) -> Batch | Block | None:
        made = self._screened.next(min(most, self._left)) if self._left else None
        if made is not None:
            self._left -= made.count if isinstance(made, Block) else 1
        return made
