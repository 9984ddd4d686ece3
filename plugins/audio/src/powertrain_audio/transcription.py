"""Transcription: which labels an example has, one after the other, without their places in time (CTC)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import DataError, DataModule
from powertrain.metrics import WordErrorRate
from powertrain.plugin import Baseline, Metric, Section, Task

SHOWN = 12


class Transcription(Task):
    """y [examples, most] are the labels of an example in their order, from 1 on, filled up with 0. A model gives scores
    [examples, times, labels], of which label 0 is the blank: at that time nothing new is heard."""

    loss = "ctc"
    metrics = ("label-error-rate",)
    headline = "label-error-rate"

    def check(self, dataset: DataModule) -> None:
        for part, source in dataset.splits.items():
            y = np.asarray(source.fetch(np.arange(min(len(source), 1000)))["y"])
            if y.ndim != 2 or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= dataset.outputs:
                raise DataError(
                    "transcription", f"targets of {part} are {y.dtype}{list(y.shape)}",
                    f"expected rows of labels from 1 to {dataset.outputs - 1}, filled up with 0",
                    "number the labels from 1 on, and count the blank among the outputs",
                )  # fmt: skip

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        return [Baseline("dummy", "label-error-rate", 1.0, "hear nothing")]

    def answer(self, dataset: DataModule, output: Any) -> Any:
        scores = np.asarray(output)
        return {"text": self.text(dataset, heard(scores.reshape(1, -1, scores.shape[-1]))[0])}

    def text(self, dataset: DataModule, labels: Sequence[int]) -> str:
        return " ".join(dataset.class_names[label] for label in labels)

    def sections(self, dataset: DataModule, judged: Any) -> Sequence[Section]:
        if judged.outputs is None or judged.truth is None:
            return ()
        said = [[int(label) for label in row if label] for row in judged.truth]
        found = heard(judged.outputs)
        right = sum(one == wanted for one, wanted in zip(found, said, strict=True))
        sizes = Counter(map(len, said))
        whole = Counter(len(wanted) for one, wanted in zip(found, said, strict=True) if one == wanted)
        table = [(str(size), f"{count:,}", f"{whole[size] / count:.1%}") for size, count in sorted(sizes.items())]
        worst = np.argsort(-judged.losses, kind="stable")[:SHOWN]
        rows = [(self.text(dataset, said[at]), self.text(dataset, found[at])) for at in worst]
        return [
            Section(
                "Whole transcriptions", (f"{right:,} of {len(said):,} have no error ({right / len(said):.1%}).",),
                (("labels", "examples", "without error"), *table),
            ),
            Section("Worst transcriptions", rows=(("it is", "it heard"), *rows)),
        ]  # fmt: skip


def heard(scores: NDArray[Any]) -> list[list[int]]:
    """The labels of scores [examples, times, labels]: the best one at each time, repeats as one, without blanks.

    Source    Graves et al. 2006, best path decoding
    Example
        >>> from powertrain_audio.transcription import heard
        >>> heard(np.eye(3)[[[1, 1, 0, 1, 2, 2]]])
        [[1, 1, 2]]
    """
    best = np.asarray(scores).argmax(axis=-1)
    new = np.concatenate([np.ones((len(best), 1), bool), best[:, 1:] != best[:, :-1]], axis=1)
    return [row[keep].tolist() for row, keep in zip(best, new & (best != 0), strict=True)]


def ctc(output: Any, target: Any) -> pt.Tensor:
    """Minus the log probability of the labels of each example, over all their places in time, and over how many they
    are (Graves et al. 2006). Label 0 is the blank, and filling among the targets. An example with more labels than
    times counts for nothing.

    Shapes    output [batch, times, labels], target [batch, most] -> [batch]
    Example
        >>> from powertrain_audio.transcription import ctc
        >>> ctc(pt.zeros((2, 5, 3)), pt.tensor([[1, 2], [2, 0]])).shape
        (2,)
    """
    if len(output.shape) != 3 or len(target.shape) != 2 or "int" not in target.dtype.name:
        raise pt.ShapeError(
            f"[ctc] output is {list(output.shape)}, target is {target.dtype.name}{list(target.shape)}; expected scores "
            "[batch, times, labels] and rows of labels; use data of the task transcription"
        )
    rows, times = output.shape[0], output.shape[1]
    empty = pt.astype(target == 0, "int64")
    count = target.shape[1] - pt.sum(empty, axis=1)
    labels = pt.take_along_axis(target, pt.argsort(empty, axis=1), axis=1)
    given = (pt.log_softmax(output, axis=-1), labels, pt.full((rows,), times, dtype="int64"), count)
    values = F.ctc_loss(*given, reduction="none", zero_infinity=True)
    return values / pt.astype(pt.maximum(count, 1), values.dtype)


class LabelErrorRate(Metric):
    """Labels to insert, delete or replace in what was heard, for each label that is there: the word error rate, where
    labels are words."""

    lower_is_better = True

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> Any:
        scores, wanted = np.asarray(prediction), np.asarray(target)
        if scores.ndim < 2 or wanted.dtype.kind not in "iu" or len(scores) != len(wanted):
            raise ValueError(
                f"[label-error-rate] predictions {list(scores.shape)}, targets {wanted.dtype}{list(wanted.shape)}; "
                "expected scores [examples, times, labels] and rows of labels; choose another metric"
            )
        found = heard(scores.reshape(len(scores), -1, scores.shape[-1]))
        truth = wanted.reshape(len(wanted), -1)
        rate, state = WordErrorRate(), self.zero()
        weights = np.ones(len(truth)) if weight is None else np.asarray(weight, np.float64)
        for labels, row, one in zip(found, truth, weights, strict=True):
            if one > 0:
                texts = (" ".join(map(str, labels)), " ".join(str(label) for label in row if label))
                state = state + one * rate.measure([texts[0]], [texts[1]])
        return state
