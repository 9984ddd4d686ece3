"""The task `multi-label`: each example has any number of labels. The model gives a logit for each, which is above 0
where the label is more likely than not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError
from powertrain.plugin import Baseline, Metric, Section, Task, param

if TYPE_CHECKING:
    from powertrain.data import DataModule

Floats = NDArray[np.float64]


def f1_of(hits: Any, said: Any, there: Any) -> Floats:
    """F1 by what was said rightly, said, and there; 0 of nothing."""
    total = np.asarray(said, np.float64) + there
    return np.asarray(np.divide(2 * np.asarray(hits, np.float64), total, out=np.zeros_like(total), where=total > 0))


class LabelF1(Metric):
    """F1 of labels: all labels of all examples together ("micro"), or the mean over the labels that occur ("macro").
    State: hits, said and there, of each label in turn.

    Source    sklearn.metrics.f1_score of indicator matrices
    """

    tasks: ClassVar[tuple[str, ...]] = ("multi-label",)

    @dataclass(frozen=True)
    class Params:
        average: str = param("micro", choices=("micro", "macro"), doc="how labels become one number")

    def zero(self) -> Any:
        return np.zeros(0)

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> Any:
        logits, wanted = np.asarray(prediction), np.asarray(target)
        if logits.ndim != 2 or logits.shape != wanted.shape:
            raise DataError(
                "label-f1", f"outputs {list(logits.shape)}, targets {list(wanted.shape)}",
                "expected both [examples, labels]", "give a logit for each label",
            )  # fmt: skip
        w = np.ones(len(wanted)) if weight is None else np.asarray(weight, np.float64)
        real = w > 0
        said, there, w = logits[real] > 0, wanted[real] > 0.5, w[real]
        return np.concatenate([w @ (said & there), w @ said, w @ there])

    def merged(self, a: Any, b: Any) -> Any:
        return np.array(b if not a.size else a if not b.size else a + b)

    def result(self, state: Any) -> float:
        if not state.size:
            return float("nan")
        hits, said, there = state.reshape(3, -1)
        if self.params.average == "micro":
            return float(f1_of(hits.sum(), said.sum(), there.sum()))
        return float(f1_of(hits, said, there)[there > 0].mean()) if there.any() else float("nan")


class MacroF1(LabelF1):
    """The mean of the F1 of the labels that occur."""

    @dataclass(frozen=True)
    class Params:
        average: ClassVar[str] = "macro"


class MultiLabel(Task):
    """Any number of labels for each example: y [examples, labels] of 0 and 1."""

    loss: ClassVar[str] = "bce"
    metrics: ClassVar[tuple[str, ...]] = ("label-f1", "label-f1-macro")
    headline: ClassVar[str] = "label-f1"

    def check(self, dataset: DataModule) -> None:
        for part, source in dataset.splits.items():
            y = np.asarray(source.fetch(np.arange(min(len(source), 1000)))["y"])
            if y.ndim != 2 or y.shape[1] != dataset.outputs or y.dtype.kind != "f" or not np.isin(y, (0, 1)).all():
                raise DataError(
                    "multi-label", f"targets {y.dtype}{list(y.shape)} of {part} and outputs = {dataset.outputs}",
                    "expected 0 or 1 as a float for each label", "make y [examples, labels] and outputs = labels",
                )  # fmt: skip

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        """The same labels for every example: of the most frequent ones as many as are best in training."""
        train, held = (_targets(dataset, one) for one in ("train", part))
        order = np.argsort(-train.mean(axis=0), kind="stable")
        scores = [_f1(np.isin(np.arange(train.shape[1]), order[:count]), train) for count in range(1, len(order) + 1)]
        count = int(np.argmax(scores)) + 1
        chosen = np.isin(np.arange(train.shape[1]), order[:count])
        names = ", ".join(dataset.class_names[at] for at in order[:count])
        how = f"always {names}"
        return [Baseline("dummy", "label-f1", _f1(chosen, held), how, higher_is_better=True)]

    def sections(self, dataset: DataModule, judged: Any) -> Sequence[Section]:
        if judged.outputs is None or judged.truth is None:
            return []
        said, there = judged.outputs > 0, judged.truth > 0.5
        hits, each, wanted = ((one).sum(axis=0) for one in (said & there, said, there))
        scores = f1_of(hits, each, wanted)
        order = np.argsort(-wanted, kind="stable")
        head = ("label", "examples", "said", "precision", "recall", "F1")
        rows = [
            (
                dataset.class_names[at], f"{wanted[at]:,}", f"{each[at]:,}", f"{hits[at] / max(each[at], 1):.3f}",
                f"{hits[at] / max(wanted[at], 1):.3f}", f"{scores[at]:.3f}",
            )
            for at in order
        ]  # fmt: skip
        whole = float((said == there).all(axis=1).mean())
        line = (
            f"An example has {there.sum(axis=1).mean():.2f} labels, and is said to have {said.sum(axis=1).mean():.2f}. "
            f"All of its labels are right, and no other is said, for {whole:.1%}."
        )

        def draw(figure: Any) -> None:
            figure.set_size_inches(8.4, 1.1 + 0.24 * len(order))
            axes = figure.add_subplot()
            axes.barh([dataset.class_names[at] for at in order[::-1]], scores[order[::-1]])
            axes.set(xlabel="F1, the most frequent labels first", xlim=(0, 1))
            axes.grid(axis="x", alpha=0.3)
            axes.set_axisbelow(True)
            figure.set_layout_engine("constrained")

        return [Section("Labels", (line,), (head, *rows), draw)]

    def answer(self, dataset: DataModule, output: Any) -> dict[str, object]:
        shares = 1 / (1 + np.exp(-np.asarray(output, np.float64)))
        names = dataset.class_names if len(dataset.class_names) == len(shares) else tuple(map(str, range(len(shares))))
        return {
            "labels": [name for name, share in zip(names, shares, strict=True) if share > 0.5],
            "probabilities": {name: round(float(share), 4) for name, share in zip(names, shares, strict=True)},
        }


def _f1(chosen: Any, there: Floats) -> float:
    """Micro F1 of saying the same labels of every example."""
    hits, said = there[:, chosen].sum(), len(there) * chosen.sum()
    return float(f1_of(hits, said, there.sum()))


def _targets(dataset: DataModule, part: str) -> Floats:
    source = dataset.splits[part]
    return np.asarray(source.fetch(np.arange(len(source)))["y"], np.float64)
