"""The parts of a run that are timed while it is rehearsed: its steps, evaluations and checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from powertrain.data.block import Block, Several
from powertrain.train.folder.saving import Saver
from powertrain.train.planning.compiled import flops
from powertrain.train.planning.sampled import Sampled
from powertrain.train.report.energy import Meter, Usage
from powertrain.train.run.compiled_steps import Stepper
from powertrain.train.run.evaluations import Evaluations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from powertrain.data import Batch
    from powertrain.plugin.run import Fold, Part, StepFunction, Stream
    from powertrain.train.run.train_run import TrainRun

WARM_UP = 3  # the first calls of a step function: one traces, and memory is touched for the first time


@dataclass
class Looped:
    """One step function: how often it was called, how often the strategy wanted it, and what its calls took."""

    calls: int = 0
    wanted: int = 0
    first: list[float] = field(default_factory=list)  # seconds of the first calls, each with its batch
    seconds: list[float] = field(default_factory=list)  # and of those after them
    waiting: float = 0.0  # of the latter, seconds until the batch was there
    flops: float = 0.0  # of a call; a multiply-add is 2

    @property
    def mean(self) -> float:
        """Seconds of a call; of few calls, of all but the one that traced."""
        timed = self.seconds or self.first[1:] or self.first
        return sum(timed) / len(timed) if timed else 0.0


class Cut:
    """A source that ends early, once enough of its batches were timed."""

    def __init__(self, source: Stream, looped: Looped, enough: Callable[[Looped], bool]) -> None:
        self._source, self._looped, self._enough = source, looped, enough

    @property
    def has_epochs(self) -> bool:
        return self._source.has_epochs

    @property
    def epoch(self) -> int:
        return self._source.epoch

    @property
    def padded(self) -> int:
        return self._source.padded

    def left_in_epoch(self) -> int:
        return self._source.left_in_epoch()

    def take(self, count: int) -> Timed:
        return Timed(self._source.take(count), self._looped, self._enough)


class Timed(Several):
    """The batches of a source, timed with the steps that use them."""

    def __init__(self, batches: Iterator[Batch], looped: Looped, enough: Callable[[Looped], bool]) -> None:
        self._batches, self._looped, self._enough = batches, looped, enough
        self._several = getattr(batches, "several", None)
        self._given = 0  # by the last call
        self._began = self._came = time.perf_counter()

    def several(self, most: int) -> Batch | Block | None:
        now = time.perf_counter()
        if self._given and self._note(now):
            return None
        made = next(self._batches, None) if self._several is None else self._several(most)
        self._began, self._came = now, time.perf_counter()
        self._given = 0 if made is None else len(made) if isinstance(made, Block) else 1
        return made

    def _note(self, now: float) -> bool:
        """Take in the steps since the last call; whether enough is known."""
        looped = self._looped
        for _ in range(self._given):
            looped.calls += 1
            seconds = looped.seconds if looped.calls > WARM_UP else looped.first
            seconds.append((now - self._began) / self._given)
        looped.waiting += self._came - self._began if looped.calls > WARM_UP else 0.0
        return self._enough(looped)


class TimedStepper(Stepper):
    """Times each step, and leaves out the rest of a loop when enough is known of it."""

    enough: Callable[[Looped], bool] = staticmethod(lambda looped: False)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.looped: dict[StepFunction, Looped] = {}
        self.other_flops = 0.0  # outside of loops, such as those of play in an environment, and of passes over data
        self.in_loops = 0.0  # seconds
        self._in_loop = False
        self._known: dict[Any, float] = {}

    def loop(self, step: StepFunction, source: Stream, n: int | None) -> None:
        looped = self.looped.setdefault(step, Looped())
        wanted = source.left_in_epoch() if n is None else n
        looped.wanted += wanted
        began, self._in_loop = time.perf_counter(), True
        try:
            super().loop(step, Cut(source, looped, self.enough), wanted)
        finally:
            self._in_loop = False
        self.in_loops += time.perf_counter() - began
        looped.flops = max((self._flops(one) for (function, _), one in self.compiled.items() if function == step),
                           default=0.0)  # fmt: skip

    def call(self, step: Callable[..., Any], names: tuple[str, ...], arrays: tuple[Any, ...]) -> Any:
        made = super().call(step, names, arrays)
        if not self._in_loop:
            self.other_flops += self._flops(self.compiled[step, names])
        return made

    def fold(self, function: Fold, source: Part) -> tuple[NDArray[Any], ...]:
        made = super().fold(function, source)
        self.other_flops += self._flops(self.folds[function].compiled) * source.left_in_epoch()
        return made

    @property
    def traced(self) -> int:
        """How many functions it has traced."""
        return len(self.compiled) + len(self.folds)

    def _flops(self, compiled: Any) -> float:
        """Of one call. A program takes long to be described, so each function is asked once."""
        if compiled not in self._known:
            self._known[compiled] = flops(compiled)
        return self._known[compiled]

    def wanted(self) -> dict[StepFunction, int]:
        """How often each step function was wanted."""
        return {step: looped.wanted for step, looped in self.looped.items()}

    @property
    def calls(self) -> int:
        return sum(looped.calls for looped in self.looped.values())


class TimedEvaluations(Evaluations):
    """Notes what each evaluation took, and what whole ones would have taken."""

    def __init__(self, run: TrainRun) -> None:
        super().__init__(run)
        self.done = run.evaluations.done  # which the table of slots holds
        self.took: list[Usage] = []
        self.whole: list[Usage] = []

    def prepare(self) -> None:
        super().prepare()
        self.sampled = Sampled(self.evaluator)
        self.evaluator = cast(Any, self.sampled)

    def evaluate(self) -> Mapping[str, float]:
        meter, left_out = Meter(), self.sampled.left_out
        values = super().evaluate()
        self.took.append(meter.usage())
        self.whole.append(self.took[-1] + (self.sampled.left_out - left_out))
        return values


class TimedSaver(Saver):
    """Waits for each checkpoint, and notes what it took."""

    def __init__(self, run: TrainRun) -> None:
        super().__init__(run)
        self.took: list[Usage] = []

    def save(self) -> None:
        meter, before = Meter(), self.saved
        super().save()
        self.wait()
        if not before:
            self.took.append(meter.usage())
