"""Compiled steps and passes of a run: traced once for each function and form of batch, replayed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

import powertrain as pt
from powertrain import _core
from powertrain.nn.hooks import attached
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.dataset_passes import Fold
from powertrain.train.run.shards import ShardedStep
from powertrain.train.run.sources import TrainSource
from powertrain.train.run.step import Step, TracedBatch, demand_weight_read, names_and_arrays

if TYPE_CHECKING:
    from powertrain.data import Batch
    from powertrain.plugin.run import Fold as Summed
    from powertrain.plugin.run import Part, StepFunction, Stream
    from powertrain.train.anomalies.losses import RecentLosses
    from powertrain.train.run.logs import Logs
    from powertrain.train.run.looks import Look, Observer
    from powertrain.train.run.progress import Progress
    from powertrain.train.run.shards import Shards

# A strategy has a few steps. More mean that it makes a function in each round, and each would be traced again.
MOST_STEPS = 64


class Stepper:
    """Replays steps and counts what they did."""

    def __init__(
        self,
        logs: Logs,
        progress: Progress,
        language: bool,
        precision: str,
        backend: Any,
        watched: Mapping[str, RecentLosses],
        observers: Sequence[Observer],
        shards: Shards,
    ) -> None:
        self.logs, self.progress, self._language, self._precision = logs, progress, language, precision
        self._backend, self._watched, self._observers, self._shards = backend, watched, observers, shards
        self.compiled: dict[tuple[Callable[..., Any], tuple[str, ...]], Any] = {}
        self._looks: dict[tuple[Any, ...], tuple[list[Look], Any]] = {}  # by who looks, too
        self._weighted = False  # whether the examples of the batch have weights of their own
        self.folds: dict[Callable[..., Any], Fold] = {}

    def loop(self, step: StepFunction, source: Stream, n: int | None) -> None:
        observers = [one for one in self._observers if one.looks]
        for batch in self._taken(source, source.left_in_epoch() if n is None else n):
            names, arrays = names_and_arrays(batch)
            self._weighted = batch.has_weights
            number = self.progress.steps + 1
            if observers and (looking := [one for one in observers if one.looks_into(number)]):
                self._look_into(looking, number, step, names, arrays)
            else:
                self.call(step, names, arrays)
            self._count(batch)
        if source.has_epochs:
            self.progress.epochs = source.epoch

    def _taken(self, source: Stream, count: int) -> Iterator[Batch]:
        """The next batches: of each the examples that this process needs."""
        transport = self._shards.transport
        self._shards.cut = transport.size > 1 and isinstance(source, TrainSource)
        if isinstance(source, TrainSource) and self._shards.cut:
            return source.take_share(count, (transport.rank, transport.size))
        return source.take(count)

    def fold(self, function: Summed, source: Part) -> tuple[NDArray[Any], ...]:
        if function not in self.folds:
            self._room(function, self.folds)
            self.folds[function] = Fold(function, self._backend)
        return self.folds[function](cast(TrainSource, source))

    def call(self, step: Callable[..., Any], names: tuple[str, ...], arrays: tuple[Any, ...]) -> Any:
        """One call of a step, traced the first time."""
        compiled = self.compiled.get((step, names))
        if compiled is not None:
            return compiled(*arrays)
        self._room(step, self.compiled)
        compiled = self._program(step, names)
        made = compiled(*arrays)
        self.compiled[step, names] = compiled
        return made

    def _look_into(
        self, looking: list[Observer], number: int, step: StepFunction, names: tuple[str, ...], arrays: tuple[Any, ...]
    ) -> None:
        """One call of a step by another program, which also gives what the observers want to see."""
        key = (step, names, *looking)
        if key not in self._looks:
            self._room(step, self._looks)
            made = [one.look() for one in looking]
            self._looks[key] = made, self._program(step, names, made)
        looks, program = self._looks[key]
        with attached(hook for look in looks for hook in look.hooks):
            results = program(*arrays)
        for observer, look, found in zip(looking, looks, results, strict=True):
            observer.looked(number, look, found)

    def _program(self, step: Callable[..., Any], names: tuple[str, ...], looks: Sequence[Look] = ()) -> Any:
        weighted = self._weighted

        def record(t: Step, tensors: tuple[Any, ...]) -> Any:
            batch = TracedBatch(names, tensors)
            with pt.autocast(self._precision):
                made = _core.with_lookups(lambda: step(t, batch))
            if weighted:
                demand_weight_read(step, batch)
            return made

        def begin() -> Step:
            for look in looks:
                look.begin()
            return Step(self._watched, looks)

        def finish(t: Step) -> list[pt.Tensor]:
            t.finish(self.logs)
            return [look.found() for look in looks]

        def traced(*tensors: Any) -> Any:
            t = begin()
            made = record(t, tensors)
            found = finish(t)
            return found if looks else made

        if self._shards.count > 1:
            return ShardedStep(self._shards, record, begin, finish)
        return pt.compile(traced, backend=self._backend)

    def _room(self, step: Callable[..., Any], held: dict[Any, Any]) -> None:
        if len(held) >= MOST_STEPS:
            name = getattr(step, "__qualname__", "step")
            raise RunError(
                f"[loop] {name} is function number {MOST_STEPS + 1} of this run; expected a few that stay the same; "
                "make it a method of the strategy, not a function that each round defines again"
            )

    def _count(self, batch: Batch) -> None:
        self.progress.steps += 1
        self.progress.examples += len(batch)
        if self._language:
            self.progress.tokens += batch.arrays["x"].size * (self._shards.transport.size if self._shards.cut else 1)
