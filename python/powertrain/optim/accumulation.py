"""Gradients of several calls, summed until an update is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain.optim.parts import Part, in_dtype, scalar_dtype

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


@dataclass(frozen=True)
class Gathered:
    """What a call makes of the gradients that are held."""

    due: pt.Tensor  # whether it makes an update
    writes: list[tuple[pt.Slot, pt.Tensor]]  # what is held after it


class Accumulation:
    """The count of calls since the last update, and their weight; the sums are the `gradient` of each part."""

    def __init__(self, name: str, count: int, dtype: str) -> None:
        self.count = count
        self.calls = pt.Slot(pt.tensor(0, dtype="int64"), name=f"{name}.calls")
        self.weight = pt.Slot(pt.tensor(0.0, dtype=dtype), name=f"{name}.weight")

    def slots(self) -> Iterator[pt.Slot]:
        yield from (self.calls, self.weight)

    def gather(self, parts: Sequence[Part], flat: list[pt.Tensor], weight: TensorLike | None) -> Gathered:
        """Put the mean of the gradients held and of this call's in `flat`; nothing is written yet."""
        calls = self.calls.value + 1
        total = self.weight.value + (1.0 if weight is None else pt.astype(weight, self.weight.dtype))
        due = pt.equal(calls, self.count)
        shared = divisor(total)
        writes = []
        for place, part in enumerate(parts):
            assert part.gradient is not None
            held = part.gradient.value + flat[place]
            flat[place] = held / in_dtype(scalar_dtype(part.values), shared)
            writes.append((part.gradient, pt.where(due, 0.0, held)))
        writes.append((self.calls, pt.where(due, 0, calls)))
        writes.append((self.weight, pt.where(due, 0.0, total)))
        return Gathered(due, writes)


def divisor(weight: TensorLike) -> pt.Tensor:
    """What a sum is divided by for its mean: its weight. Where no example counts the sum is 0, and so is the mean."""
    total = pt.asarray(weight)
    return pt.where(pt.equal(total, 0), 1, total)
