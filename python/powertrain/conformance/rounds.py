"""Checks of what a round does with batches: padding does not count, and an answer does not know its target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from powertrain.conformance.finding import Finding, Subject, same
from powertrain.data import ArrayDataset, Batch
from powertrain.data.order import Cursor, Pick
from powertrain.train.evaluate.evaluation import Evaluator, own_losses
from powertrain.train.run.sources import TrainSource

ASKED = 32  # rows whose targets are changed
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

    def after(others: bool) -> dict[str, Any]:
        run.table.load(before)
        with _padding(others):
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


@contextmanager
def _padding(others: bool) -> Iterator[None]:
    """Inside, the last quarter of each training batch is padding: its own rows, or its first ones instead."""
    usual = TrainSource.take

    def take(self: TrainSource, count: int) -> Iterator[Batch]:
        for batch in usual(self, count):
            fields = {name: np.array(value) for name, value in batch.arrays.items()}
            weight = fields.pop("weight")
            size = max(1, len(weight) // 4)
            weight[-size:] = 0
            if others:
                for value in fields.values():
                    value[-size:] = value[:size]
            yield Batch(fields, Pick(batch.indices, weight, Cursor(*batch.cursor.tolist())), weighted=True)

    TrainSource.take = take  # type: ignore[method-assign]
    try:
        yield
    finally:
        TrainSource.take = usual  # type: ignore[method-assign]


def check_targets(subject: Subject, run: Any) -> Iterator[Finding]:
    """Answers to the same examples with other targets."""
    if not isinstance(run.evaluations.evaluator, Evaluator) or own_losses(run.strategy) is not None:
        return
    part = "valid" if "valid" in run.dataset.splits else "train"
    source = run.dataset.splits[part]
    fields = source.fetch(np.arange(min(ASKED, len(source))))
    if "y" not in fields:
        return
    y = np.asarray(fields["y"])
    others = (y + 1) % max(2, run.dataset.outputs) if y.dtype.kind in "iu" else 1 - y
    answers = [
        run.evaluations.evaluator.on(ArrayDataset({**fields, "y": targets}), part, keep=True).outputs
        for targets in (y, others.astype(y.dtype))
    ]
    if not same(*answers):
        yield subject.finding(
            "reads-target",
            "predict answers otherwise where the targets are others",
            "answers that know x alone: nobody has targets when a model is used",
            "leave batch.y out of predict; what needs it belongs into losses",
        )
