"""Loss scaling for float16, whose smallest numbers gradients fall below and whose largest they rise above."""

from __future__ import annotations

import math
from collections.abc import Iterator

import powertrain as pt
from powertrain.program.facts import Watched

# A scale is a power of two between these, so that scaling rounds nothing.
SMALLEST, LARGEST = 2.0**-24, 2.0**24


class LossScale(Watched):
    """The factor on the loss of a float16 step, in a slot.

    The gradients of a step are divided by it again, in float32. If one is not finite, the step is left out and the
    scale is halved; after `grow_after` finite steps in a row it is doubled. The optimizer that owns it does both:
    `AdamW(model, loss_scale=LossScale())`.

    Errors    `initial` not from 2^-24 to 2^24, or `grow_after` below 1; NonFiniteError from the update when gradients
              stay infinite down to the smallest scale, naming the op that makes them so
    Source    Micikevicius et al. 2018; the numbers of torch.amp.GradScaler
    Example
        >>> scale = pt.optim.LossScale(initial=1024.0)
        >>> scale.slot.value.item()
        1024.0
    """

    def __init__(self, initial: float = 2.0**16, grow_after: int = 2000) -> None:
        if not SMALLEST <= initial <= LARGEST:
            raise pt.ShapeError(f"[loss scale] initial = {initial:g}; expected 2^-24 to 2^24; 65536 is usual")
        if grow_after < 1:
            raise pt.ShapeError(f"[loss scale] grow_after = {grow_after}; expected at least 1; 2000 is usual")
        self.grow_after = grow_after
        rounded = 2.0 ** math.floor(math.log2(initial))
        self.slot = pt.Slot(pt.tensor(rounded, dtype="float32"), name="loss_scale")
        self.good = pt.Slot(pt.tensor(0, dtype="int64"), name="good_steps")  # in a row

    def named_slots(self) -> Iterator[tuple[str, pt.Slot]]:
        yield from ((slot.name, slot) for slot in (self.slot, self.good))

    def own(self, name: str) -> None:
        """Take the name of the optimizer, under which a checkpoint holds the slots."""
        if self.slot.name != "loss_scale":
            raise pt.ShapeError(
                f"[loss scale] {self.slot.name} is another optimizer's; expected one for each; make another LossScale"
            )
        self.slot.name, self.good.name = f"{name}.loss_scale", f"{name}.good_steps"

    def adjust(self, norm: pt.Tensor) -> None:
        """Grow or shrink by whether the norm of all gradients is finite; a phase of its own, that always happens."""
        finite = pt.isfinite(norm)
        scale, good = self.slot.value, self.good.value + 1
        grows = pt.equal(good, self.grow_after)
        grown = pt.where(grows, pt.minimum(scale * 2.0, LARGEST), scale)
        # At the smallest scale it is not the scale that makes them infinite: the guard says what does.
        halved = pt.where(pt.greater(scale, SMALLEST), scale * 0.5, math.nan)
        self.slot.value = pt.guard(pt.where(finite, grown, halved))
        self.good.value = pt.where(pt.logical_and(finite, pt.logical_not(grows)), good, 0)
        pt.end_phase()
