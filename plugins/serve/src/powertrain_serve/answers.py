"""Joins the answers to the examples of a request, which were computed in pieces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from powertrain_serve.model import Array

_JSON = json.JSONEncoder(allow_nan=False)


class Answers:
    """The answers to the examples of a request; or of a model that writes, its text."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def outputs(self) -> Array:
        return self.parts[0].outputs if len(self.parts) == 1 else np.concatenate([part.outputs for part in self.parts])

    @property
    def probabilities(self) -> Array:
        return np.concatenate([part.probabilities for part in self.parts])

    @property
    def labels(self) -> list[str]:
        return [str(label) for part in self.parts for label in part.labels.tolist()]

    @property
    def texts(self) -> list[str]:
        return list(self.parts)

    def in_words(self, writes: bool) -> str:
        """One answer for each example, as a JSON list. Where an example stood in a batch is nobody's business."""
        if writes:
            return _JSON.encode([{"text": text} for text in self.texts])
        return f"[{', '.join([row for part in self.parts for row in part.json()])}]"
