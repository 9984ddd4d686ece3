"""What workers of a run tell each other before the first step: what all must have alike, and where the run is."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import numpy as np

from powertrain.data import kept
from powertrain.io.hashing import hash_arrays
from powertrain.io.records import to_json
from powertrain.plugin.transport import WorkerError
from powertrain.train.folder.lock import versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powertrain.nn import Module
    from powertrain.plugin.transport import Transport
    from powertrain.train.run.train_run import TrainRun

# Of run.lock, what may differ: results do not depend on it.
FREE = ("command", "isa", "system")
# How workers get objects that are alike.
OBJECTS_ALIKE = (
    "make model and data in the same way in each process, with the same seeds, and pass all examples to each"
)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def facts(run: TrainRun) -> dict[str, bytes]:
    """What must be alike, as bytes: a run after `restore`."""
    # Loggers may keep what is only theirs, and other workers have none.
    state = {name: array for name, array in run.table.snapshot().items() if not name.startswith("callback")}
    lock = {name: value for name, value in versions(run.recipe).items() if name not in FREE}
    return {
        "versions": to_json(lock),
        "recipe": to_json(run.recipe.tables),
        **({"model": _words(run.table.modules).encode()} if run.recipe.objects else {}),
        "data": to_json(kept.record(run.dataset, run.sources.others())),
        "state": hash_arrays(state).encode(),
    }


def demand_alike(
    transport: Transport, facts: Mapping[str, bytes], how: str = "do not change files while workers start"
) -> None:
    """Refuse workers whose facts differ from those of worker 0; each of them hears of it, and `how` to fix it."""
    digests = np.zeros((transport.size, len(facts)), np.int64)
    digests[transport.rank] = [_digest(fact) for fact in facts.values()]
    transport.all_reduce([digests])
    for rank, row in enumerate(digests):
        other = [name for name, one, first in zip(facts, row, digests[0], strict=True) if one != first]
        if other:
            raise WorkerError(
                f"[workers] worker {rank} and worker 0 differ in {' and '.join(other)}; expected the same for all; "
                f"{how}"
            )


def _words(modules: Mapping[str, Module]) -> str:
    """What says how modules are made, which recipes do not know of objects: their layers, without addresses."""
    return _ADDRESS.sub("", repr(modules))


def told(transport: Transport, text: str) -> str:
    """The text of worker 0, for each worker: a sum to which the others add nothing."""
    raw = np.frombuffer(text.encode(), np.uint8) if transport.rank == 0 else np.zeros(0, np.uint8)
    length = np.array([raw.size])
    transport.all_reduce([length])
    summed = np.zeros(int(length[0]), np.uint8)
    summed[: raw.size] = raw
    transport.all_reduce([summed])
    return summed.tobytes().decode()


def _digest(fact: bytes) -> int:
    return int.from_bytes(hashlib.sha256(fact).digest()[:8], "little", signed=True)
