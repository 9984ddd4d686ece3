"""The bins of all histograms: one for each power of two, of both signs, with zero between them.

An exponent tells how far a number is from vanishing or from overflow. Fixed bins can be compared between layers and
over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin.histogram import Histogram

# Numbers nearer to zero than 2 ** LOWEST count as zero; larger ones than 2 ** HIGHEST are in the outermost bins.
LOWEST, HIGHEST = -40, 24
POWERS = HIGHEST - LOWEST  # bins of one sign
BINS = 2 * POWERS + 1
_SIZES = np.exp2(np.arange(LOWEST, HIGHEST + 1))
EDGES: NDArray[np.float64] = np.concatenate([-_SIZES[::-1], _SIZES])
EVENT = "histograms"
# What is kept of one histogram: from which bin on its counts are.
SHAPE = {"first": int, "counts": [int], "not_finite": int}


def counted(numbers: NDArray[np.float32]) -> dict[str, Any]:
    """The counts of some numbers, as a ledger keeps them."""
    finite = numbers[np.isfinite(numbers)]
    powers = np.minimum(np.searchsorted(_SIZES, np.abs(finite), side="right"), POWERS)
    counts = np.bincount(np.where(finite < 0, POWERS - powers, POWERS + powers), minlength=BINS)
    used = np.flatnonzero(counts)
    first, last = (int(used[0]), int(used[-1])) if used.size else (POWERS, POWERS)
    return {"first": first, "counts": counts[first : last + 1].tolist(), "not_finite": numbers.size - finite.size}


def histogram(kept: Mapping[str, Any]) -> Histogram:
    """What `counted` gave."""
    first, counts = kept["first"], np.array(kept["counts"], dtype=np.int64)
    return Histogram(EDGES[first : first + counts.size + 1], counts, kept["not_finite"])


def magnitudes(kept: Mapping[str, Any]) -> NDArray[np.float32]:
    """Shares of the numbers by their magnitude: of zeros, then of each power of two. Both signs count alike."""
    counts = np.zeros(BINS)
    counts[kept["first"] : kept["first"] + len(kept["counts"])] = kept["counts"]
    folded = np.concatenate([counts[POWERS : POWERS + 1], counts[:POWERS][::-1] + counts[POWERS + 1 :]])
    return np.asarray(folded / max(1.0, folded.sum() + kept["not_finite"]), dtype=np.float32)


def of_event(event: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The histograms in a line of a ledger, by kind and layer. A stranger may have made it: those whose bins are not
    there are left out."""
    found: Mapping[str, Mapping[str, Any]] = event["found"]
    return {name: one for name, one in found.items() if one["counts"] and one["first"] + len(one["counts"]) <= BINS}


def by_step(history: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, Mapping[str, Any]]]:
    """The histograms in the events of a run: by step, then by kind and layer."""
    return {event["at"]: of_event(event) for event in history if event["event"] == EVENT}
