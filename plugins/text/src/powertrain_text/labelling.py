"""Sequence labelling: a label for each place of a row of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import DataError, DataModule
from powertrain.plugin import Baseline, Metric, Task
from powertrain_text.spans import kinds_of, spans_of

UNLABELLED = -100  # of places that hold no token, as PyTorch has it
NOTHING = 0  # the label of a place that has nothing to say, such as a silent letter or a word outside of all names


class Labelling(Task):
    """x are rows of tokens, y a label for each of them, and UNLABELLED where there is padding. A token may be several
    numbers, such as a word and its letters; the first is the word. Label 0 is of places that have nothing to say. A
    model gives scores [examples, places, labels]."""

    loss = "label-cross-entropy"
    metrics = ("label-accuracy",)
    headline = "label-accuracy"

    def check(self, dataset: DataModule) -> None:
        for part, source in dataset.splits.items():
            fields = source.fetch(np.arange(min(len(source), 1000)))
            x, y = np.asarray(fields["x"]), np.asarray(fields["y"])
            known = (y == UNLABELLED) | ((y >= 0) & (y < dataset.outputs))
            if x.ndim < 2 or y.shape != x.shape[:2] or y.dtype.kind not in "iu" or not known.all():
                raise DataError(
                    "labelling", f"tokens {list(x.shape)} and targets {y.dtype}{list(y.shape)} of {part}",
                    f"expected a label from 0 to {dataset.outputs - 1} for each token, and {UNLABELLED} for padding",
                    "make x and y of one shape",
                )  # fmt: skip

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        labels = usual_labels(dataset)
        fields = dataset.splits[part].fetch(np.arange(len(dataset.splits[part])))
        real = fields["y"] != UNLABELLED
        share = float((labels[words_of(fields["x"])] == fields["y"])[real].mean())
        return [
            Baseline("dummy", "label-accuracy", share, "each token by its most frequent label", higher_is_better=True)
        ]

    def answer(self, dataset: DataModule, output: Any) -> Any:
        """The labels that say something, as a text; of spans, their kinds and words, counted from 1."""
        names, labels = dataset.class_names, np.asarray(output).argmax(axis=-1).reshape(1, -1)
        kinds = kinds_of(names)
        if not kinds:
            return {"labels": " ".join(names[label] for label in labels[0] if label)}
        spans = spans_of(labels).tolist()
        return {"spans": ", ".join(f"{kinds[kind]} {place_of(first + 1, end)}" for _, kind, first, end in spans)}


def usual_labels(dataset: DataModule) -> Any:
    """The most frequent label of each token in training."""
    fields = dataset.train.fetch(np.arange(len(dataset.train)))
    real = fields["y"] != UNLABELLED
    counts = np.zeros((len(dataset.vocabulary or ()), dataset.outputs), np.int64)
    np.add.at(counts, (words_of(fields["x"])[real], fields["y"][real]), 1)
    return counts.argmax(axis=1)


def place_of(first: int, last: int) -> str:
    """The words of a span, from the first to the last.

    >>> place_of(1, 3), place_of(4, 4)
    ('1-3', '4')
    """
    return f"{first}-{last}" if last > first else str(first)


def words_of(x: Any) -> Any:
    """The tokens of rows; of those with several numbers, the first."""
    return x if np.ndim(x) == 2 else x[..., 0]


def label_cross_entropy(output: Any, target: Any) -> pt.Tensor:
    """-log softmax(output)[target], the mean over the places of an example that have a label.

    Shapes    output [batch, places, labels], target [batch, places] -> [batch]
    Example
        >>> from powertrain_text.labelling import UNLABELLED, label_cross_entropy
        >>> label_cross_entropy(pt.zeros((1, 3, 2)), pt.tensor([[1, 0, UNLABELLED]])).tolist()
        [0.6931471824645996]
    """
    if len(output.shape) != 3 or tuple(target.shape) != tuple(output.shape[:2]) or "int" not in target.dtype.name:
        raise pt.ShapeError(
            f"[label-cross-entropy] output is {list(output.shape)}, target is {target.dtype.name}{list(target.shape)}; "
            "expected scores [batch, places, labels] and a label for each place; use data of the task labelling"
        )
    each = F.cross_entropy(output, target, ignore_index=UNLABELLED, reduction="none")
    count = pt.sum(pt.astype(pt.not_equal(target, UNLABELLED), output.dtype.name), axis=1)
    return pt.sum(each, axis=1) / pt.maximum(count, 1.0)


class LabelAccuracy(Metric):
    """The share of places with a label that the model gives the right one."""

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> Any:
        scores, wanted = demand_labels("label-accuracy", prediction, target)
        weights = np.ones(len(wanted)) if weight is None else np.asarray(weight, np.float64)
        of_places = np.where(wanted == UNLABELLED, 0, weights.reshape(-1, *(1,) * (wanted.ndim - 1)))
        right = scores.argmax(axis=-1) == wanted
        return np.array([(right * of_places).sum(), of_places.sum()])


def demand_labels(where: str, prediction: Any, target: Any) -> tuple[Any, Any]:
    """Scores of labels and the right ones, as arrays, or an error of the metric `where`."""
    scores, wanted = np.asarray(prediction), np.asarray(target)
    if wanted.dtype.kind not in "iu" or scores.shape[:-1] != wanted.shape:
        raise ValueError(
            f"[{where}] predictions {list(scores.shape)}, targets {wanted.dtype}{list(wanted.shape)}; expected scores "
            "of labels at each place, and a label for each; choose another metric"
        )
    return scores, wanted
