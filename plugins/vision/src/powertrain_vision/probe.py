"""A linear probe: how much a linear model on the places of pictures knows of their classes, from few labels; and what
the strategies that end with one share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data import evenly_spaced
from powertrain.plugin import Baseline, Run, Strategy
from powertrain.solvers import fit_logistic
from powertrain_vision.errors import VisionError
from powertrain_vision.views import demand_views

MOST = 10_000  # examples that it is judged on, evenly spaced
BLOCK = 500  # examples that are read and encoded at once

Encode = Callable[[NDArray[Any]], NDArray[Any]]


class ProbedStrategy(Strategy, declares=True):
    """A strategy that learns representations of pictures without labels. A linear probe says what they are worth, once
    the run has ended: `params.probe` is the number of labels of each class, and 0 leaves it out."""

    NAME: ClassVar[str]
    scores = ("probe",)

    def prepare(self, run: Run) -> None:
        """Refuse data that are no pictures, or have no classes for the probe; name what the report compares with."""
        demand_views(self.NAME, run)
        demand_classes(self.NAME, run, self.params.probe)
        self.untrained = run.slot("probe.untrained", np.zeros((), np.float32))

    def round(self, run: Run) -> None:
        labels = self.params.probe
        if run.progress.rounds == 0 and labels:  # not in setup: a run that is opened to be asked has no examples
            demand_labels(self.NAME, run, labels)
            part = run.dataset.judged_part
            self.untrained.value = pt.tensor(np.float32(probe(run.dataset, part, labels, run.predict)))
        super().round(run)

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        labels = self.params.probe
        return {"probe": probe(run.dataset, part, labels, run.predict)} if labels else {}

    def simple(self, dataset: Any, part: str) -> Sequence[Baseline]:
        labels = self.params.probe
        if not labels:
            return []
        found = {
            "linear": (probe(dataset, part, labels, lambda x: x), "on the pixels"),
            "random": (float(self.untrained.numpy()), "on the network before training"),
        }
        return [
            Baseline(name, "probe", value, f"the same probe {what}, with {labels} labels of each class",
                     higher_is_better=True)
            for name, (value, what) in found.items()
        ]  # fmt: skip


def demand_classes(name: str, run: Run, labels: int) -> None:
    """Refuse a probe of what has no classes."""
    if labels and run.dataset.task != "classification":
        raise VisionError(
            f"[{name}] probe = {labels} on a {run.dataset.task} task; expected classes, whose labels a probe needs; "
            "set strategy.probe = 0, which leaves it out"
        )


def demand_labels(name: str, run: Run, labels: int) -> None:
    """Refuse a probe where a class has no training example, before anything is trained."""
    counts = np.bincount(_targets(run.dataset.train), minlength=run.dataset.outputs)
    if (counts == 0).any():
        lacking = np.flatnonzero(counts == 0)
        names = run.dataset.class_names
        raise VisionError(
            f"[{name}] probe = {labels}, and no training example of {', '.join(names[kind] for kind in lacking[:5])}; "
            "expected one or more of each class; add some, or set strategy.probe = 0"
        )


def probe(dataset: Any, part: str, labels: int, encode: Encode) -> float:
    """The accuracy on a part of logistic regression on what `encode` gives of pictures, fitted on so many labelled
    training examples of each class; they are the same ones for the same split."""
    train, held = dataset.train, dataset.splits[part]
    y = _targets(train)
    order = np.random.Generator(np.random.Philox(key=0)).permutation(len(y))
    few = np.concatenate([order[y[order] == kind][:labels] for kind in range(dataset.outputs)])
    x, wanted = _encoded(train, few, encode)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    scale = np.where(deviation > 1e-6, deviation, 1.0)
    # A penalty as scikit-learn's C = 1: few examples must not decide alone.
    fit = fit_logistic((x - mean) / scale, wanted, dataset.outputs, l2=1 / len(x))
    asked = evenly_spaced(len(held), MOST)
    places, truth = _encoded(held, asked, encode)
    said = fit.probabilities((places - mean) / scale).argmax(axis=1)
    return float((said == truth).mean())


def _targets(source: Any) -> NDArray[np.int64]:
    blocks = (np.arange(at, min(at + BLOCK, len(source))) for at in range(0, len(source), BLOCK))
    return np.concatenate([np.asarray(source.fetch(block)["y"]) for block in blocks]).astype(np.int64)


def _encoded(source: Any, rows: NDArray[Any], encode: Encode) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """What `encode` gives of some examples, as rows, and their classes. Blocks have one size, so that one program is
    enough."""
    parts, targets = [], []
    for at in range(0, len(rows), BLOCK):
        block = rows[at : at + BLOCK]
        fields = source.fetch(block)
        x = np.asarray(fields["x"], np.float32)
        made = np.asarray(encode(np.resize(x, (BLOCK, *x.shape[1:]))), np.float32)[: len(block)]
        parts.append(made.reshape(len(block), -1))
        targets.append(np.asarray(fields["y"], np.int64))
    return np.concatenate(parts), np.concatenate(targets)
