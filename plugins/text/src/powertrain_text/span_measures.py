"""How many spans a model finds: precision, recall and F1, of all kinds together or of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import Metric
from powertrain_text.labelling import NOTHING, UNLABELLED, demand_labels
from powertrain_text.spans import hits_of, spans_of


@dataclass(frozen=True)
class Found:
    """How many spans were found rightly, found, and there."""

    hits: float
    found: float
    there: float

    @property
    def precision(self) -> float:
        return self.hits / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.hits / self.there if self.there else 0.0

    @property
    def f1(self) -> float:
        total = self.found + self.there
        return 2 * self.hits / total if total else 0.0


def found_spans(labels: NDArray[Any], wanted: NDArray[Any], kinds: Sequence[str]) -> dict[str, Found]:
    """What rows of labels find of those that are right: of each kind, and of "all"."""
    found = spans_of(np.where(wanted == UNLABELLED, NOTHING, labels))
    there = spans_of(wanted)
    counts = [np.bincount(spans[:, 1], minlength=len(kinds)) for spans in (hits_of(found, there), found, there)]
    each = {name: Found(*(float(count[kind]) for count in counts)) for kind, name in enumerate(kinds)}
    return {**each, "all": Found(*(float(count.sum()) for count in counts))}


class SpanF1(Metric):
    """F1 of spans: one counts as found where its kind, its beginning and its end are right. State: hits, found, there.

    Source    the program conlleval of CoNLL-2000, and seqeval.metrics.f1_score
    """

    tasks: ClassVar[tuple[str, ...]] = ("labelling",)

    def zero(self) -> Any:
        return np.zeros(3)

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> Any:
        scores, wanted = demand_labels("span-f1", prediction, target)
        weights = np.ones(len(wanted)) if weight is None else np.asarray(weight, np.float64)
        labels = np.where(wanted == UNLABELLED, NOTHING, scores.argmax(axis=-1))
        found, there = (spans_of(rows.reshape(len(rows), -1)) for rows in (labels, wanted))
        return np.array([weights[spans[:, 0]].sum() for spans in (hits_of(found, there), found, there)])

    def result(self, state: Any) -> float:
        return Found(*map(float, state)).f1 if state[1] + state[2] > 0 else float("nan")
