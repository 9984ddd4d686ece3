"""Predictions that wait for their labels: joined by the example's id, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.monitor.columns import answered
from powertrain.monitor.errors import MonitorError

Floats = NDArray[np.float64]
MOST_WAITING = 100_000


class Waiting:
    """What was predicted for the last examples that have an id and no label yet.

    Example
        >>> waiting = pt.monitor.Waiting()
        >>> waiting.add(["a", "b"], ["cat", "dog"])
        >>> waiting.join(["b", "z"], ["dog", "cat"])
        ([('dog', 'dog')], 1)
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        self.most = most
        self.dropped = 0  # predictions that went before their label came
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, ids: Sequence[Hashable], predictions: Sequence[Any]) -> None:
        """Keep predictions; one of an id that is there replaces it."""
        for key, prediction in zip(ids, predictions, strict=True):
            self._kept.pop(key, None)
            self._kept[key] = prediction
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)
            self.dropped += 1

    def drop(self, ids: Iterable[Hashable]) -> None:
        """Keep the predictions of these ids no longer, where they wait."""
        for key in ids:
            if self._kept.pop(key, self) is not self:
                self.dropped += 1

    def demand_sizes(self, ids: Sequence[Hashable], labels: Sequence[Floats]) -> None:
        """Refuse labels with another count of numbers than the predictions that wait for them."""
        for key, label in zip(ids, labels, strict=True):
            if key in self._kept and self._kept[key].size != label.size:
                raise MonitorError(
                    f"[label] received {label.size} numbers for a prediction of {self._kept[key].size}; expected as "
                    "many; pass what was to be predicted"
                )

    def join(self, ids: Sequence[Hashable], labels: Sequence[Any]) -> tuple[list[tuple[Any, Any]], int]:
        """The pairs (prediction, label) of the ids that wait, which then wait no more, and how many ids do not."""
        pairs, unknown = [], 0
        for key, label in zip(ids, labels, strict=True):
            if key in self._kept:
                pairs.append((self._kept.pop(key), label))
            else:
                unknown += 1
        return pairs, unknown


def numbers(truth: Sequence[Any]) -> list[Floats]:
    """Labels that are numbers, one row each."""
    try:
        return [np.asarray(one, dtype=np.float64).ravel() for one in truth]
    except (TypeError, ValueError):
        raise MonitorError(
            "[label] received labels that are not numbers; expected the true values of what was predicted; convert them"
        ) from None


def scored(pairs: Sequence[tuple[Any, Any]], classes: bool) -> Floats:
    """The measure of each pair: 1 where a class is right and 0 where not, or the squared error of numbers."""
    if classes:
        return np.array([float(str(said) == str(label)) for said, label in pairs])
    said = np.array([np.asarray(one, dtype=np.float64).ravel() for one, _ in pairs])
    truth = np.array([np.asarray(one, dtype=np.float64).ravel() for _, one in pairs])
    return np.asarray(np.square(said - truth).mean(axis=1))


def predictions(outputs: Any, labels: Sequence[str] | None, threshold: float | None = None) -> list[Any]:
    """What a batch of outputs says: the name of a class, by the threshold where there is one, or the numbers."""
    outputs = np.asarray(outputs)
    if labels is None:
        return list(outputs)
    return [labels[at] for at in answered(outputs, threshold)]


def class_name(label: Any, known: Sequence[str] | None) -> Any:
    """The name of a class that was given by its number; any other label as it is."""
    if known is not None and isinstance(label, (int, np.integer)) and 0 <= label < len(known):
        return known[int(label)]
    return label
