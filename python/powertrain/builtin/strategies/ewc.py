"""Elastic weight consolidation (Kirkpatrick et al. 2017): weights that earlier tasks need are held back from moving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.builtin.strategies.continual import EXAMPLE, Continual, TaskParams, outputs_of
from powertrain.builtin.strategies.views import rows
from powertrain.data import permutation
from powertrain.plugin import Batch, Run, Step, param


class EWC(Continual):
    """Learns permuted tasks. A weight pays for each move away from where earlier tasks left it, by the Fisher
    information that they have about it.

    The quadratic penalties of all tasks add up to one around one anchor (Huszar 2018), so memory does not grow with
    the tasks.
    """

    @dataclass(frozen=True)
    class Params(TaskParams):
        strength: float = param(100.0, low=0, doc="weight of the penalty; with 0 nothing is held back")
        samples: int = param(200, low=1, doc="examples of a task on which the information is measured")

    example_recipe: ClassVar[str] = EXAMPLE.format(name="ewc", more=", samples = 10")

    def setup(self, run: Run) -> None:
        super().setup(run)
        self.weights = [(name, slot) for name, slot in self.model.named_parameters() if slot.trainable]
        self.information = [run.slot(f"information.{name}", np.zeros(slot.shape, "f")) for name, slot in self.weights]
        self.anchors = [run.slot(f"anchor.{name}", np.zeros(slot.shape, "f")) for name, slot in self.weights]

    def step(self, t: Step, batch: Batch) -> None:
        penalty = self.penalty()
        self.update(t, self.inputs(batch), batch.y, batch.weight, penalty)
        t.log("penalty", penalty)

    def penalty(self) -> Any:
        """Traced: strength / 2 times the sum of information * (weight - anchor)^2."""
        triples = zip(self.weights, self.information, self.anchors, strict=True)
        parts = [pt.sum(known.value * pt.square(slot.value - anchor.value)) for (_, slot), known, anchor in triples]
        return self.params.strength / 2 * sum(parts[1:], parts[0])

    def end(self, run: Run, task: int) -> None:
        """Add the penalty of the task: the anchor becomes the mean of both, weighted by their information."""
        measured = self.measured_information(run, task)
        for (_, slot), known, anchor, new in zip(self.weights, self.information, self.anchors, measured, strict=True):
            old, place, now = (np.asarray(one.numpy(), np.float64) for one in (known, anchor, slot))
            both = old + new
            middle = np.where(both > 0, (old * place + new * now) / np.where(both > 0, both, 1.0), now)
            known.value, anchor.value = pt.tensor(both.astype("f")), pt.tensor(middle.astype("f"))

    def measured_information(self, run: Run, task: int) -> list[Any]:
        """The diagonal of the Fisher information of a task, for each weight: the mean square of the gradient of
        log p(y | x), over all labels, each by the probability that the model gives it.

        Improbable labels have the largest gradients. Labels that are drawn, one for each example, seldom include any.
        """
        x = self.train.rows(weights=True)["x"]
        chosen = permutation(len(x), self.params.seed, 2 * task + 1)[: self.params.samples]
        x = self.permuted(x[chosen], task)
        shares = probabilities(outputs_of(run, x))
        squares = np.zeros(sum(int(np.prod(slot.shape)) for _, slot in self.weights))
        for at, label in np.ndindex(*shares.shape):
            square = run.compute(self.squared, x=x[at : at + 1], y=np.array([label], np.int64))
            squares += shares[at, label] * square.astype(np.float64)
        ends = np.cumsum([int(np.prod(slot.shape)) for _, slot in self.weights])[:-1]
        pieces = zip(np.split(squares / len(x), ends), self.weights, strict=True)
        return [piece.reshape(slot.shape) for piece, (_, slot) in pieces]

    def squared(self, t: Step, batch: Batch) -> Any:
        """Traced: the square of the gradient of log p(y | x) of one example, all weights in one row."""
        _, grads = pt.nn.value_and_grad(self.model, lambda: pt.sum(rows(self.loss(self.model(batch.x), batch.y))))()
        found = [grads[name] for name, _ in self.weights]
        dense = [grad.dense() if isinstance(grad, pt.RowSparse) else grad for grad in found]
        return pt.concat([pt.reshape(pt.square(grad), (-1,)) for grad in dense], axis=0)


def probabilities(outputs: Any) -> Any:
    """The probability of each class, of rows of outputs."""
    shares = np.exp(outputs.astype(np.float64) - outputs.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)
