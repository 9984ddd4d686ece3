"""Compiled steps and passes of a run: traced once for each function and form of batch, replayed afterwards."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

import powertrain as pt
from powertrain import _core
from powertrain.data.block import Block
from powertrain.data.prefetch import MOST_AT_ONCE
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
# Steps are made in one call as long as that takes about so long: then signals and other threads have their turn.
CALL_SECONDS = 5e-3


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
        self._repeats = backend is None and shards.count == 1  # whether a program of the engine's own is the whole step
        self._looking: list[Observer] = []
        self._seconds: dict[StepFunction, float] = {}  # of the last step of a function
        self.looping = self.waiting = 0.0  # seconds in loops, and those of them until batches were there

    def loop(self, step: StepFunction, source: Stream, n: int | None) -> None:
        began = asked = time.perf_counter()
        left = source.left_in_epoch() if n is None else n
        batches = iter(self._taken(source, left))
        # What the workers of a loader made together runs in one call, where the stream gives it so.
        several = getattr(batches, "several", None) if self._repeats else None
        self._looking = [one for one in self._observers if one.looks]
        while left > 0 or several is None:  # a generator is asked once more: what stands behind its last batch runs
            made: Batch | Block | None = next(batches, None) if several is None else several(self._at_once(step))
            self.waiting += time.perf_counter() - asked
            if made is None:
                break
            if isinstance(made, Block):
                self._some(step, made)
                left -= made.count
            else:
                self._one(step, made)
                left -= 1
            asked = time.perf_counter()
        if source.has_epochs:
            self.progress.epochs = source.epoch
        self.looping += time.perf_counter() - began

    def _one(self, step: StepFunction, batch: Batch) -> None:
        names, arrays = names_and_arrays(batch)
        self._weighted = batch.has_weights
        number = self.progress.steps + 1
        if self._looking and (looking := [one for one in self._looking if one.looks_into(number)]):
            self._look_into(looking, number, step, names, arrays)
        else:
            began = time.perf_counter()
            self.call(step, names, arrays)
            self._seconds[step] = time.perf_counter() - began
        self._count(1, len(batch), batch.arrays["x"].size if self._language else 0)

    def _at_once(self, step: StepFunction) -> int:
        """Steps in one call: what takes a few milliseconds. After each call Python may hear of signals."""
        return max(1, min(MOST_AT_ONCE, int(CALL_SECONDS / max(self._seconds.get(step, math.inf), 1e-9))))

    def _some(self, step: StepFunction, block: Block) -> None:
        """Several steps in one call, but for those that somebody looks into."""
        first = self.progress.steps + 1
        looks = self._looking
        seen = [at for at in range(len(block)) if any(one.looks_into(first + at) for one in looks)] if looks else []
        begin = 0
        for at in [*seen, len(block)]:
            if begin < at:
                self._each(step, block.part(begin, at))
            if at < len(block):
                self._one(step, block.part(at, at + 1).batches()[0])
            begin = at + 1

    def _each(self, step: StepFunction, block: Block) -> None:
        compiled = self.compiled.get((step, block.names))
        if compiled is None:
            for batch in block.batches():
                self._one(step, batch)
            return
        stacked = block.stacked()
        began = time.perf_counter()
        compiled.each(*stacked)
        self._seconds[step] = (time.perf_counter() - began) / len(block)
        tokens = stacked[block.names.index("x")].size if self._language else 0
        self._count(len(block), block.examples, tokens)

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

    def _count(self, steps: int, examples: int, tokens: int) -> None:
        self.progress.steps += steps
        self.progress.examples += examples
        self.progress.tokens += tokens * (self._shards.transport.size if self._shards.cut else 1)
