"""Optimizer state that the workers of a run divide (`run.zero`). Checkpoints hold it whole, and know of no workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powertrain.optim.division import demand_divisible, divide, gathered
from powertrain.plugin.transport import own_part

if TYPE_CHECKING:
    from powertrain.train.run.named_slots import SlotTable
    from powertrain.train.run.shards import Shards


def begin(table: SlotTable, shards: Shards) -> None:
    """Divide the state of all optimizers, where there are several workers."""
    transport = shards.transport
    for optimizer in table.optimizers.values():
        demand_divisible(optimizer)
        if transport.size > 1:
            divide(optimizer, lambda length: own_part(transport.rank, transport.size, length))
            pieces = [slot for part in optimizer.parts for slot in (part.updated, *part.state.values())]
            table.divided.update(slot.name for slot in pieces)


def gather(table: SlotTable, shards: Shards, due: bool) -> None:
    """Make the state whole for a snapshot, where worker 0 says that one is due; all workers come here at each
    commit."""
    told = np.array([due and shards.transport.rank == 0], np.int64)
    shards.transport.all_reduce([told])
    table.gathered = {}
    if told[0]:
        for optimizer in table.optimizers.values():
            table.gathered.update(gathered(optimizer, shards.transport.all_gather))
