"""Checks of what a round does with batches: padding does not count, and an answer does not know its target."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from powertrain.conformance.finding import Finding, Subject, same
from powertrain.data import ArrayDataset, Batch
from powertrain.data.order import Cursor, Pick
from powertrain.train.evaluate.evaluation import Evaluator, own_losses
from powertrain.train.run.sources import TrainSource

ASKED = 32  # rows that are answered
LOGGED = "log.loss"
# Slots that a layer fills with statistics of a whole batch, padding too: the engine's own layers do.
OF_BATCHES = "running_"


def play_round(run: Any) -> None:
    run.strategy.round(run)
    run.progress.rounds += 1


def snapshot(run: Any) -> dict[str, Any]:
    return {name: np.array(value) for name, value in run.table.snapshot().items()}


def weights_of(run: Any) -> list[Any]:
    """Every parameter that an optimizer of the run has."""
    return [slot.numpy().copy() for optimizer in run.table.optimizers.values() for _, slot in optimizer.params]


def differences(a: dict[str, Any], b: dict[str, Any]) -> str:
    """The first slot that differs; those of the model before those that follow from it."""
    wrong = [name for name in {**a, **b} if name not in a or name not in b or not same(a[name], b[name])]
    return min(wrong, key=lambda name: (not name.startswith("model."), name)) if wrong else ""


def check_padding(subject: Subject, run: Any, before: dict[str, Any]) -> Iterator[Finding]:
    """A round in which the last rows of each batch are padding, with other rows in their place."""
    if any(OF_BATCHES in name for name in before):
        return

    def after(others: bool, weight: float = 1.0) -> dict[str, Any]:
        run.table.load(before)
        with _padding(others, weight):
            play_round(run)
        return snapshot(run)

    usual, other = after(False), after(True)
    if (wrong := differences(usual, other)) and not differences(usual, after(False)):
        yield subject.finding(
            "padding-counts",
            f"rows of weight 0 change {wrong}",
            "padding that does not count",
            "write t.minimize(opt, losses, batch.weight), and multiply by batch.weight what is summed or logged",
        )
        return
    whole, halved = _mean_loss(before, usual), _mean_loss(before, after(False, weight=0.5))
    if whole and 0 < halved / whole < 0.75:  # a mean by weight stays; a sum over a number of rows is half of it
        yield subject.finding(
            "padding-counts",
            f"where each example has half the weight, the logged loss is {halved:g} in place of {whole:g}",
            "a mean over the weights",
            "write t.log('loss', pt.sum(losses * batch.weight), pt.sum(batch.weight))",
        )


def _mean_loss(before: dict[str, Any], after: dict[str, Any]) -> float:
    """The loss that the steps in between have logged; NaN where they logged none."""
    nothing = np.zeros(2)
    total, count = after.get(LOGGED, nothing) - before.get(LOGGED, nothing)
    return float(total / count) if count else math.nan


@contextmanager
def _padding(others: bool, weight: float) -> Iterator[None]:
    """Inside, the last quarter of each training batch is padding: its own rows, or its first ones instead. The others
    have that weight."""
    usual = TrainSource.take

    def take(self: TrainSource, count: int) -> Iterator[Batch]:
        for batch in usual(self, count):
            fields = {name: np.array(value) for name, value in batch.arrays.items()}
            weights = (fields.pop("weight") * weight).astype(np.float32)
            size = max(1, len(weights) // 4)
            weights[-size:] = 0
            if others:
                for value in fields.values():
                    value[-size:] = value[:size]
            yield Batch(fields, Pick(batch.indices, weights, Cursor(*batch.cursor.tolist())), weighted=True)

    TrainSource.take = take  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        TrainSource.take = usual  # type: ignore[method-assign]


def _asked(run: Any) -> dict[str, Any]:
    """Examples that `predict` answers; none where a strategy measures itself in another way, or has no targets."""
    if not isinstance(run.evaluations.evaluator, Evaluator) or own_losses(run.strategy) is not None:
        return {}
    source = run.dataset.splits[_part(run)]
    fields: dict[str, Any] = source.fetch(np.arange(min(ASKED, len(source))))
    return fields if "y" in fields else {}


def _part(run: Any) -> str:
    return "valid" if "valid" in run.dataset.splits else "train"


def _answers(run: Any, fields: dict[str, Any]) -> Any:
    return run.evaluations.evaluator.on(ArrayDataset(fields), _part(run), keep=True).outputs


def check_answers(subject: Subject, run: Any, fresh: dict[str, Any]) -> Iterator[Finding]:
    """Answers before and after training; `fresh` is the state before."""
    if not (fields := _asked(run)):
        return
    trained = _answers(run, fields)
    run.table.load({**run.table.snapshot(), **fresh})  # logged means have come since
    if trained is not None and same(trained, _answers(run, fields)):
        yield subject.finding(
            "no-change",
            "predict answers as it did before the training",
            "answers of what the rounds train",
            "predict with the model that t.minimize changes",
        )


def check_targets(subject: Subject, run: Any) -> Iterator[Finding]:
    """Answers to the same examples with other targets."""
    if not (fields := _asked(run)):
        return
    y = np.asarray(fields["y"])
    others = (y + 1) % max(2, run.dataset.outputs) if y.dtype.kind in "iu" else 1 - y
    if not same(*(_answers(run, {**fields, "y": targets}) for targets in (y, others.astype(y.dtype)))):
        yield subject.finding(
            "reads-target",
            "predict answers otherwise where the targets are others",
            "answers that know x alone: nobody has targets when a model is used",
            "leave batch.y out of predict; what needs it belongs into losses",
        )
