"""Examples recognised by what they hold: where data has grown, each known one stays in the part that it was in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.dataset import ArrayDataset, Subset
from powertrain.data.source import Source
from powertrain.data.transforms import untransformed

Identities = NDArray[np.uint64]
Rows = NDArray[np.int64]
# Of the arrays of a part, and its examples: to look at more would hold up the beginning of a run.
MOST_BYTES, MOST_EXAMPLES = 1 << 28, 1 << 18
_BATCH = 4096


def identities(source: Source) -> Identities | None:
    """A number for each example of a part, from its inputs and its target; None where the part does not lie in memory,
    or is large.

    >>> len(identities(ArrayDataset(x=np.ones((3, 2)), y=np.arange(3))))
    3
    """
    source = untransformed(source)
    if not _at_hand(source) or len(source) > MOST_EXAMPLES:
        return None
    found = np.empty(len(source), np.uint64)
    for start in range(0, len(source), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(source)), dtype=np.int64)
        fields = source.fetch(rows)
        x, y = (np.ascontiguousarray(fields[name]) for name in ("x", "y"))
        for at in range(len(rows)):
            digest = hashlib.blake2b(x[at].tobytes(), digest_size=8)
            digest.update(y[at].tobytes())
            found[start + at] = int.from_bytes(digest.digest(), "little")
    return found


def _at_hand(source: Any) -> bool:
    while isinstance(source, Subset):
        source = source.dataset
    if not isinstance(source, ArrayDataset) or not {"x", "y"} <= source.arrays.keys():
        return False
    arrays = list(source.arrays.values())
    return all(isinstance(one, np.ndarray) for one in arrays) and sum(one.nbytes for one in arrays) <= MOST_BYTES


def kept_parts(found: Identities, known: Mapping[str, Identities], shares: Mapping[str, float]) -> dict[str, Rows]:
    """The rows of each part: known examples where they were, new ones by a draw that depends on the example alone.

    A further copy of an example goes where the first is, so that nothing that is trained on is tested on.

    >>> known = {"train": np.array([1, 2], np.uint64), "test": np.array([3], np.uint64)}
    >>> parts = kept_parts(np.array([3, 1, 2, 3], np.uint64), known, {"test": 0.5})
    >>> {name: rows.tolist() for name, rows in parts.items()}
    {'train': [1, 2], 'test': [0, 3]}
    """
    rows: dict[str, list[int]] = {"train": [], **{part: [] for part in shares}}
    places: dict[int, list[str]] = {}
    for part in (part for part in rows if part in known):  # others the data brings itself
        for one in known[part].tolist():
            places.setdefault(one, []).append(part)
    for row, one in enumerate(found.tolist()):
        there = places.get(one) or [_drawn(one, shares)]
        rows[there.pop(0) if len(there) > 1 else there[0]].append(row)
    return {part: np.array(taken, np.int64) for part, taken in rows.items()}


def _drawn(identity: int, shares: Mapping[str, float]) -> str:
    at = identity / 2**64
    for part, share in shares.items():
        if at < share:
            return part
        at -= share
    return "train"


def moved(before: Mapping[str, Identities], now: Mapping[str, Identities]) -> int:
    """How many examples of the other parts were in the training part, and not in theirs."""
    learned, count = set(before["train"].tolist()), 0
    for part, ids in now.items():
        there = set(before[part].tolist()) if part in before else set()
        count += sum(one in learned and one not in there for one in ids.tolist()) if part != "train" else 0
    return count
