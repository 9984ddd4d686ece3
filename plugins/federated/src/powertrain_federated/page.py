"""The table of the report that says who had what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from powertrain_federated.partition import Rows

SHOWN = 20  # clients in the table
LARGEST = 3  # classes of a client


def table(parts: Sequence[Rows], labels: Any, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The examples of the first clients; and their largest classes, where there are labels."""
    if labels is None:
        return ("client", "examples"), *((str(at), f"{len(rows):,}") for at, rows in enumerate(parts[:SHOWN]))
    said = ((str(at), f"{len(rows):,}", largest(labels[rows], names)) for at, rows in enumerate(parts[:SHOWN]))
    return ("client", "examples", "largest classes"), *said


def largest(labels: Any, names: Sequence[str]) -> str:
    """The classes that most examples are of, with their shares."""
    found, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:LARGEST]
    return ", ".join(f"{names[found[at]] if names else found[at]} {counts[at] / len(labels):.0%}" for at in order)
