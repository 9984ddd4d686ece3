"""Evaluation: the strategy's own `predict` over a part of the data, with mergeable metrics."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain import _core, metrics
from powertrain.data import DataLoader, Subset
from powertrain.data.order import EVALUATION
from powertrain.data.source import evenly_spaced
from powertrain.errors.methods import overridden
from powertrain.metrics.classes import not_a_number
from powertrain.nn import modes
from powertrain.train.deciding.decision import NOTHING, Decision
from powertrain.train.evaluate.fits import answering, demand_losses, demand_returned, demand_scores, drawn, output_of
from powertrain.train.run.step import Step, TracedBatch, names_and_arrays

if TYPE_CHECKING:
    from powertrain.data import Batch, DataModule, Source
    from powertrain.plugin.learning import Strategy

OF_LOSSES = ("loss", "perplexity")
UNKNOWN = -1  # in place of a class


class StoppedError(Exception):
    """An evaluation was asked to end, and did so between two batches."""


def never() -> bool:
    return False


@dataclass
class Evaluation:
    """What one pass over a part of the data gave."""

    part: str
    values: dict[str, float]
    examples: int
    confusion: metrics.ConfusionMatrix | None = None
    losses: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    outputs: NDArray[np.float32] | None = None
    truth: NDArray[Any] | None = None
    weight: NDArray[np.float32] | None = None
    decision: Decision = NOTHING

    @property
    def classes(self) -> NDArray[np.int64]:
        """The number of the class that each kept example is answered with."""
        assert self.outputs is not None
        return self.decision.classes(self.outputs)


@functools.cache
def _first_numbers() -> Any:
    """The state of a generator in evaluation; nothing changes it in place."""
    return pt.tensor(np.array([0, EVALUATION, 0], dtype=np.int64))


class evaluating:  # noqa: N801 - a block, as those of contextlib, whose generators would cost a request more
    """Modules in evaluation mode (no dropout, running statistics) for the length of a block; random numbers of its own,
    the same each time, so that looking at a run changes none of its numbers."""

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self._modes = modes.evaluating(*modules.values())

    def __enter__(self) -> evaluating:
        self._drawn = pt.random.default_generator().slot
        self._before = self._drawn.value
        self._drawn.value = _first_numbers()
        try:
            self._modes.__enter__()
        except BaseException:
            self._drawn.value = self._before
            raise
        return self

    @property
    def idle(self) -> bool:
        """Whether the block has changed nothing so far: no module was in training mode, and no number was drawn."""
        return not self._modes.entered and np.array_equal(self._drawn.value.numpy(), _first_numbers().numpy())

    def __exit__(self, *error: object) -> None:
        self._modes.__exit__(*error)
        self._drawn.value = self._before


class Computer:
    """Functions of a step and a batch, such as a strategy's `predict`, called on arrays in evaluation mode."""

    def __init__(self, strategy: Strategy, modules: Mapping[str, Any], backend: Any = None) -> None:
        self.modules = modules
        # By batch size too: no size is a surprise to another's.
        self.programs: dict[tuple[Any, ...], Callable[..., Any]] = {}
        # Programs of modules that were in evaluation mode, and that drew no numbers: what `evaluating` does changes
        # nothing for them until some attribute changes. It takes as long as a small model's answer.
        self._settled: dict[tuple[Any, ...], tuple[int, int]] = {}
        self._host, self._backend = on_host(strategy), backend

    def __call__(self, function: Callable[[Any, Any], Any], fields: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        names = tuple(fields)
        key = (function, names, len(next(iter(fields.values()))))
        program = self.programs.get(key) or self.programs.setdefault(key, self._made(function, names))
        settled = self._settled.get(key)
        if settled is not None:
            if settled == (_core.facts_epoch(), program.traces):  # type: ignore[attr-defined]
                found = np.array(program(*fields.values()))
                if settled[1] == program.traces:  # type: ignore[attr-defined]
                    return found
            self._settled.pop(key, None)
        before = _core.facts_epoch()
        with evaluating(self.modules) as block:
            found = np.array(program(*fields.values()))
            idle = block.idle
        if idle and not self._host and _core.facts_epoch() == before:
            self._settled[key] = before, program.traces  # type: ignore[attr-defined]
        return found

    def settled(self, function: Callable[[Any, Any], Any], *key: Any) -> tuple[Any, tuple[int, int]] | None:
        """The program of a function for fields of some names and a number of examples, where its calls need no block
        around them. That holds while `_core.facts_epoch()` and its `traces` are what stands beside it."""
        name = (function, *key)
        known = self._settled.get(name)
        return None if known is None else (self.programs[name], known)

    def _made(self, function: Callable[[Any, Any], Any], names: tuple[str, ...]) -> Callable[..., Any]:
        def called(*tensors: Any) -> Any:
            return function(Step(), TracedBatch(names, tensors))

        return called if self._host else pt.compile(called, backend=self._backend)


def on_host(strategy: Strategy) -> bool:
    """Whether its answers are computed with NumPy, outside any trace."""
    return strategy.host


def own_losses(strategy: Strategy) -> Callable[..., Any] | None:
    """The strategy's own measure, where its answers have no target to be compared with."""
    return strategy.losses if overridden(strategy, "losses") else None


class Evaluator:
    """Evaluates parts of a data set. The program is compiled once and reused for every part and every time."""

    def __init__(
        self,
        strategy: Strategy,
        modules: Mapping[str, Any],
        loss: Callable[..., Any] | None,
        dataset: DataModule,
        batch: int,
        chosen: Mapping[str, Any],
        backend: Any = None,
    ) -> None:
        self.modules = modules
        self.dataset = dataset
        self.batch = batch
        self.metrics = dict(chosen)
        self.decision = NOTHING
        self._names: tuple[str, ...] = ()

        self._form: Any = None  # of outputs and losses, as the last trace saw them
        self._whole_loss = False  # whether the loss is one number for a whole batch, found by the first call
        own = own_losses(strategy)
        # Whether a batch can be tried before training: another library's model gives no answers until it is fitted.
        self.rehearses = own is None and not on_host(strategy)
        self._measurable = strategy.measurable if overridden(strategy, "measurable") else None
        # Outputs that are held to no target of the data would be read as classes or numbers of it.
        self._keeps = dataset.kind.kept and own is None
        # The scores of each word of a vocabulary are gigabytes, which nobody looks at where the words are enough.
        self._classes_alone = dataset.kind.tokens and own is None and all(
            metric.of_classes or _of_losses(name, metric) for name, metric in self.metrics.items()
        )  # fmt: skip

        def measure(*arrays: Any) -> tuple[Any, Any]:
            batch = TracedBatch(self._names, arrays)
            if own is not None:
                values = own(Step(), batch)
                return values, values
            assert loss is not None  # what has no losses of its own is compared with targets
            answer = strategy.predict(Step(), batch)
            demand_returned(answer, answering(strategy, modules), "one tensor for a batch")
            output = output_of(answer)
            demand_scores(dataset, output.shape, batch.y.shape)
            given = loss(output, batch.y)
            demand_returned(given, loss, "one value per example")
            losses = pt.asarray(given)
            demand_losses(losses.shape, output.shape, batch.y.shape)
            if self._classes_alone:
                output = likeliest(output)
            self._form = output.shape, losses.shape, output.dtype.is_float
            return output, losses

        self.measure: Any = measure if on_host(strategy) else pt.compile(measure, backend=backend)

    def __call__(
        self, part: str, keep: bool = False, most: int | None = None, stopped: Callable[[], bool] = never
    ) -> Evaluation:
        """Evaluate a part, or `most` evenly spaced examples of it; `keep` also gives the loss, output, target and
        weight of every example, in their order, where the task and the strategy have such. `stopped` is asked before
        each batch."""
        return self.on(self.dataset.splits[part], part, keep, most, stopped)

    def on(
        self,
        source: Source,
        part: str,
        keep: bool = False,
        most: int | None = None,
        stopped: Callable[[], bool] = never,
    ) -> Evaluation:
        """The same for examples that are no part of the data set, as `part`."""
        if most is not None and len(source) > most:
            source = Subset(source, evenly_spaced(len(source), most))
        if self._measurable is not None:
            fields = source.fetch(np.arange(len(source), dtype=np.int64))
            source = Subset(source, np.flatnonzero(self._measurable(fields)))
        measured = self._empty_metrics()
        keep = keep and self._keeps
        kept: list[tuple[Any, ...]] = []
        with evaluating(self.modules):
            # One batch shape for every part, so that one program serves all.
            for batch in DataLoader(source, self.batch, pad_last=True):
                if stopped():
                    raise StoppedError
                output, losses = self._measured(batch)
                output = self._counted(measured, batch, output, losses)
                if keep:
                    real = len(batch)
                    mean = losses[:real].reshape(real, -1).mean(axis=1)
                    shown = (output, batch.arrays["y"], batch.arrays["weight"])
                    kept.append((mean, *(array[:real].copy() for array in shown)))
        confusion = measured.pop("confusion", None)
        found = {name: metric.compute() for name, metric in measured.items()}
        made = Evaluation(part, found, len(source), confusion, decision=self.decision)
        if keep:
            columns = (np.concatenate(column) for column in zip(*kept, strict=True))
            made.losses, made.outputs, made.truth, made.weight = columns
        return made

    def rehearse(self, part: str, check: Callable[[NDArray[Any]], None] | None = None) -> None:
        """Find out before training whether outputs, loss, targets and metrics of a part fit each other. The first batch
        is traced and planned as every other. Metrics see outputs of its shape, which are drawn; or the model's own,
        where there is a `check` of them."""
        source = self.dataset.splits[part]
        rows = np.arange(min(len(source), self.batch), dtype=np.int64)
        if self._measurable is not None:
            rows = rows[self._measurable(source.fetch(rows))]
        if not rows.size:
            return
        batch = next(iter(DataLoader(Subset(source, rows), self.batch, pad_last=True)))
        with evaluating(self.modules):
            self._names, arrays = self._arrays(batch)
            if check is not None:
                output, losses = self._measured(batch)
                if np.isfinite(output[: len(batch)]).all():  # else training says where such numbers are made
                    check(output[: len(batch)])
                    self._counted(self._empty_metrics(), batch, output, losses)
                    return
            self.measure.plan(*arrays)
            of_output, of_losses, is_float = self._form
            output = drawn(of_output, np.float32 if is_float else np.int64)
            losses = np.zeros(of_losses or len(arrays[-1]), np.float32)
            try:
                self._counted(self._empty_metrics(), batch, output, losses)
            except Exception:  # a metric may refuse what was drawn: then the model's own outputs tell
                self._counted(self._empty_metrics(), batch, *self._measured(batch))

    def _empty_metrics(self) -> dict[str, Any]:
        """Copies of the metrics: those of the caller's keep what they have seen."""
        measured = {name: copy.copy(metric) for name, metric in self.metrics.items()}
        for metric in measured.values():
            metric.reset()
        return measured

    def _counted(
        self, measured: Mapping[str, Any], batch: Batch, output: NDArray[Any], losses: NDArray[Any]
    ) -> NDArray[Any]:
        """Add a batch to metrics; its outputs, in the unit of the targets and calibrated."""
        if self.dataset.target is not None:
            output = self.dataset.target.original(output)
        output = self.decision.calibrated(output)
        answers = output if self.decision.threshold is None else self.decision.classes(output)
        y, weight = batch.arrays["y"], batch.arrays["weight"]
        for name, metric in measured.items():
            if _of_losses(name, metric):
                metric.update(losses, weight=weight)
            else:
                metric.update(answers if metric.of_classes else output, y, weight)
        return output

    def _measured(self, batch: Batch) -> tuple[NDArray[Any], NDArray[Any]]:
        """Outputs and losses of a batch, one a row. A loss that is one number is taken over the real rows alone, since
        it would hold the padding too, and stands for each of them."""
        self._names, arrays = self._arrays(batch)
        real = len(batch)
        cut = tuple(array[:real] for array in arrays)
        output, losses = (value.numpy() for value in self.measure(*(cut if self._whole_loss else arrays)))
        if losses.ndim == 0:
            size = len(batch.indices)
            if not self._whole_loss and real < size:
                output, losses = (value.numpy() for value in self.measure(*cut))
            self._whole_loss = True
            output = np.concatenate([output, np.repeat(output[-1:], size - real, axis=0)])
            losses = np.full(size, losses)
        if self._classes_alone and (unknown := output[:real].ravel() == UNKNOWN).any():
            raise not_a_number(int(unknown.argmax()), "evaluate")
        return output, losses

    def _arrays(self, batch: Batch) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """The fields of a batch; targets on the scale that is learned, since the loss is that of training."""
        names, arrays = names_and_arrays(batch)
        target = self.dataset.target
        if target is None or not target.changes:
            return names, arrays
        pairs = zip(names, arrays, strict=True)
        return names, tuple(target.learned(batch.arrays["y"]) if name == "y" else array for name, array in pairs)


def choose_metrics(dataset: DataModule, names: tuple[str, ...] | None, load: Callable[[str], Any]) -> dict[str, Any]:
    """The metrics of a run by name: the loss always, the task's usual ones or those that the recipe asks for."""
    chosen: dict[str, Any] = {"loss": metrics.Mean()}
    for name in names or dataset.kind.metrics:
        chosen[name] = load(name)
    if dataset.kind.classes:
        chosen["confusion"] = metrics.ConfusionMatrix(num_classes=dataset.outputs)
    return chosen


def likeliest(scores: pt.Tensor) -> pt.Tensor:
    """The class of the largest of the scores [..., classes]; UNKNOWN where one of them is NaN."""
    return pt.where(pt.any(pt.isnan(scores), axis=-1), UNKNOWN, pt.argmax(scores, axis=-1))


def _of_losses(name: str, metric: Any) -> bool:
    """Whether a metric reads the losses, not outputs and targets."""
    return name in OF_LOSSES and isinstance(metric, metrics.Mean)
