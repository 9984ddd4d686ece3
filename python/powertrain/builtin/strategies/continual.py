"""Continual learning: one task after the other, and what is left of the first ones when the last is learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.builtin.strategies.task_scores import TaskScores
from powertrain.builtin.strategies.views import StrategyError, demand_classes, rows
from powertrain.data import permutation
from powertrain.plugin import Batch, Run, Step, Strategy, param

if TYPE_CHECKING:
    from powertrain.plugin import Section

PARTS = ("test", "valid")  # tasks are measured on those that there are; the report shows the first
BLOCK = 500  # examples that are predicted at once
EXAMPLE = """\
data      = {{ use = "digits", split = {{ valid = 0.2 }} }}
features  = [{{ use = "scale", by = 0.0625 }}]
model     = {{ use = "mlp", hidden = [16] }}
strategy  = {{ use = "{name}", steps = 20{more} }}
optimizer = {{ use = "sgd", lr = 0.1, momentum = 0.0 }}
run       = {{ until = "100 rounds", batch_size = 16 }}
"""


@dataclass(frozen=True)
class TaskParams:
    steps: int = param(500, low=1, doc="steps of a task; run.until = 10 times as many makes 10 tasks")
    seed: int = param(0, low=0, doc="seed of the permutations of the inputs")
    round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")


class Continual(Strategy):
    """Learns permuted tasks one after the other, with nothing against forgetting: what others are compared with.

    The first task has the inputs as they are. Each other one has the numbers of every input in an order of its own
    (Goodfellow et al. 2013). `predict` answers the first task.
    """

    Params: ClassVar[type] = TaskParams
    scores: ClassVar[tuple[str, ...]] = ("average_accuracy", "forgetting")
    example_recipe: ClassVar[str] = EXAMPLE.format(name="continual", more="")

    def setup(self, run: Run) -> None:
        demand_classes("continual learning", run)
        super().setup(run)
        self.train = run.data("train")
        self.width = int(np.prod(run.dataset.inputs().shape))
        self.order = run.slot("tasks.order", np.arange(self.width, dtype=np.int64))
        self.ended = run.blob("tasks.scores", TaskScores, TaskScores.dump, TaskScores.load)

    def order_of(self, task: int) -> Any:
        """The order of the inputs of a task, a function of the seed and the number of the task."""
        if task == 0:
            return np.arange(self.width, dtype=np.int64)
        return permutation(self.width, self.params.seed, 2 * task)

    def permuted(self, x: Any, task: int) -> Any:
        """Inputs in memory as a task has them."""
        return np.ascontiguousarray(x.reshape(len(x), -1)[:, self.order_of(task)].reshape(x.shape))

    def inputs(self, batch: Batch) -> Any:
        """Traced: the inputs of a batch as the task at hand has them."""
        return pt.reshape(pt.take(pt.reshape(batch.x, (batch.x.shape[0], -1)), self.order.value, axis=1), batch.x.shape)

    def step(self, t: Step, batch: Batch) -> None:
        self.update(t, self.inputs(batch), batch.y, batch.weight)

    def update(self, t: Step, x: Any, y: Any, weight: Any, penalty: Any = None) -> None:
        """Traced: change the model by a batch; a penalty counts like the loss of an example."""
        losses = rows(self.loss(self.model(x), y))
        t.minimize(self.opt, losses if penalty is None else losses + penalty, weight)
        t.log("loss", pt.sum(losses * weight), pt.sum(weight))

    def round(self, run: Run) -> None:
        if run.progress.rounds == 0:  # not in setup: a run that is opened to be asked has no examples
            demand_parts(run)
        task, within = divmod(run.progress.steps, self.params.steps)
        if within == 0:
            self.order.value = pt.tensor(self.order_of(task))
        count = min(run.quota(self.train, self.params.round_steps), self.params.steps - within)
        self.learn(run, task, count)
        if within + count == self.params.steps:
            self.end(run, task)
            self._measure(run, task)

    def learn(self, run: Run, task: int, count: int) -> None:
        """So many steps on a task."""
        run.loop(self.step, self.train, count)

    def end(self, run: Run, task: int) -> None:
        """Keep something of a task that ends."""

    def _measure(self, run: Run, task: int) -> None:
        scores = TaskScores.load(self.ended.value.dump())  # another one: a round may be replayed
        for part in (part for part in PARTS if part in run.dataset.splits):
            source = run.dataset.splits[part]
            fields = source.fetch(np.arange(len(source)))
            outputs = [outputs_of(run, self.permuted(fields["x"], one)) for one in range(task + 1)]
            scores.add(part, [np.mean(one.argmax(axis=-1) == fields["y"]) for one in outputs])
        self.ended.value = scores

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        return self.ended.value.averages(part)

    def sections(self, run: Run) -> Sequence[Section]:
        tables = self.ended.value.tables
        part = next((part for part in PARTS if part in tables), PARTS[0])
        return [self.ended.value.section(part, self.params.steps)]


def outputs_of(run: Run, x: Any) -> Any:
    """The model's outputs for inputs in memory, in blocks."""
    return np.concatenate([run.predict(x[at : at + BLOCK]) for at in range(0, len(x), BLOCK)])


def demand_parts(run: Run) -> None:
    if not any(part in run.dataset.splits for part in PARTS):
        raise StrategyError(
            f"[continual learning] {run.dataset.name} has no part test or valid; expected one, on which tasks are "
            "measured; write data.split = { test = 0.2 }"
        )
