"""Joins the answers to the examples of a request, which were computed in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from powertrain_serve.model import Array

# Where an example stood in a batch is nobody's business.
_PLACES = ("row", "file")


class Answers:
    """The answers to the examples of a request; or of a model that writes, its text."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def outputs(self) -> Array:
        return np.concatenate([part.outputs for part in self.parts])

    @property
    def probabilities(self) -> Array:
        return np.concatenate([part.probabilities for part in self.parts])

    @property
    def labels(self) -> list[str]:
        return [str(label) for part in self.parts for label in part.labels.tolist()]

    @property
    def texts(self) -> list[str]:
        return list(self.parts)

    def in_words(self, writes: bool) -> list[dict[str, Any]]:
        """One answer for each example, as JSON has it."""
        if writes:
            return [{"text": text} for text in self.texts]
        rows = [row for part in self.parts for row in part]
        for row in rows:
            for name in _PLACES:
                row.pop(name, None)
        return rows
