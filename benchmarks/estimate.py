"""One formula for the time of a training step on a GPU, from the launches of its plan.

    computing = flops / (EFFICIENCY[kind] * rate * share)
    moving = bytes / (EFFICIENCY["memory"] * bandwidth * share)
    seconds of a launch = START + max(computing, moving)

`rate` is what the card's datasheet promises of the unit that does the arithmetic, `share` the multiprocessors that have
a block, of all. The efficiencies are the same for all cards and all frameworks. They were set once, so that the four
steps that llm.c published come out within 15 % (llmc.py), before any plan of ours was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EFFICIENCY = {"product": 0.65, "attention": 0.35, "memory": 0.8}
START = 2e-6  # seconds between the end of a launch and the begin of the work of the next


@dataclass(frozen=True)
class Card:
    """What a datasheet says of a GPU."""

    name: str
    units: int  # multiprocessors
    bandwidth: float  # bytes a second
    rates: dict[str, float]  # flops a second: by "tensor" cores, by their older instruction "mma", and in f32 by "fma"


# bf16 without sparsity. `mma.sync`, which our kernels use, is the A100's instruction; a Hopper card reaches about 63 %
# of its peak by it, and what a B200 reaches is not published: the same for each multiprocessor is assumed.
A100 = Card("A100 80 GB", 108, 2.039e12, {"tensor": 312e12, "mma": 312e12, "fma": 19.5e12})
H100 = Card("H100", 132, 3.35e12, {"tensor": 989.4e12, "mma": 0.63 * 989.4e12, "fma": 66.9e12})
B200 = Card("B200", 148, 8e12, {"tensor": 2250e12, "mma": 0.63 * 989.4e12 * 148 / 132, "fma": 80e12})
CARDS = (A100, H100, B200)


@dataclass(frozen=True)
class Work:
    """Launches that are alike."""

    kind: str  # a key of EFFICIENCY
    rate: str  # a key of Card.rates
    flops: float
    bytes: float
    blocks: int | None = None  # of the grid; None: enough for every multiprocessor
    count: float = 1


@dataclass(frozen=True)
class Estimate:
    """Seconds of a step, by what they are spent on."""

    starts: float
    products: float  # where arithmetic takes longer than memory, of products and attention
    memory: float

    @property
    def seconds(self) -> float:
        return self.starts + self.products + self.memory


def estimate(works: Iterable[Work], card: Card) -> Estimate:
    """The formula, for all launches of a step."""
    starts = products = memory = 0.0
    for work in works:
        share = 1.0 if work.blocks is None else min(1.0, work.blocks / card.units)
        computing = work.flops / (EFFICIENCY[work.kind] * card.rates[work.rate] * share)
        moving = work.bytes / (EFFICIENCY["memory"] * card.bandwidth * share)
        starts += work.count * START
        if computing > moving:
            products += work.count * computing
        else:
            memory += work.count * moving
    return Estimate(starts, products, memory)
