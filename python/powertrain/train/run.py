"""The Run: what a strategy works with. A commit is the only place where its slots are looked at."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

import powertrain as pt
from powertrain.train.counters import Count, Progress
from powertrain.train.evaluate import Evaluator, Predictor
from powertrain.train.folder import RunError, RunFolder
from powertrain.train.horizon import Horizon
from powertrain.train.ledger import Ledger
from powertrain.train.parts import build_optimizer, choose_loss, load_metrics
from powertrain.train.passes import Blob, Fold, fork
from powertrain.train.saving import Saver
from powertrain.train.sources import TrainSource, constants
from powertrain.train.state import SlotTable
from powertrain.train.step import Step, TracedBatch, names_and_arrays
from powertrain.train.stopping import EarlyStop

if TYPE_CHECKING:
    from powertrain.data import Batch, Dataset
    from powertrain.recipe import Recipe
    from powertrain.train.progress import Display

# Evaluation keeps no activations, so it can afford larger batches than a step, and gains from them.
LEAST_EVALUATED = 64
Hook = Callable[["TrainRun", int], "str | None"]


class TrainRun:
    """One run of a recipe in a folder."""

    def __init__(self, recipe: Recipe, folder: RunFolder, dataset: Dataset, display: Display) -> None:
        self.recipe = recipe
        self.folder = folder
        self.dataset = dataset
        self.display = display
        self.strategy = recipe.strategy.plugin(recipe.strategy.params)
        self.table = SlotTable(constants(dataset))
        self.progress = Progress()
        self.ledger: Ledger | None = None
        self.early = EarlyStop(recipe.run.stop) if recipe.run.stop else None
        self.evaluator: Evaluator | None = None
        self._predictor: Predictor | None = None
        self.stop = False
        self.stop_reason = ""
        self.deadline = math.inf
        self.rounds_now = 0  # in this process; a resumed run has done others before
        self.trace_seconds = 0.0
        self._sources: dict[str, TrainSource] = {}
        self._hooks: list[Hook] = []
        self._handlers: dict[int, Any] = {}
        self._compiled: dict[Callable[..., Any], Any] = {}
        self._folds: dict[Callable[..., Any], Fold] = {}
        self._names: tuple[str, ...] = ()
        self._evaluations = Count()
        self.saver = Saver(self)
        pt.random.seed(recipe.run.seed)
        self.table.named["random"] = pt.random.default_generator().slot
        self.table.host.update({"progress": self.progress, "evaluations": self._evaluations})
        if self.early is not None:
            self.table.groups.append(self.early)
        self.horizon = Horizon(recipe.run, self.data())

    # What a strategy names in setup.

    def model(self, role: str = "model", frozen: bool = False) -> Any:
        """The recipe's model, built for the data; named `role` in checkpoints."""
        if role not in self.table.modules:
            use = self.recipe.model
            if use is None:
                raise RunError("[run.model] the recipe has no model; expected a model table; add one")
            module = use.plugin.build(use.params, self.dataset.inputs())
            if frozen:
                module.freeze()
            self.table.modules[role] = module
        return self.table.modules[role]

    def optim(self, *roles: str) -> Any:
        """The recipe's optimizer over the parameters of some models: [optimizer], or [optimizer.ROLE] of the first."""
        roles = roles or ("model",)
        if roles[0] not in self.table.optimizers:
            found = self.recipe.optimizers.get(roles[0]) or next(iter(self.recipe.optimizers.values()))
            modules = {role: self.model(role) for role in roles}
            self.table.optimizers[roles[0]] = build_optimizer(found, modules, self.horizon.total_steps)
        return self.table.optimizers[roles[0]]

    def loss(self, default: str = "") -> Callable[..., Any]:
        """The recipe's loss, or else the strategy's or the model's, or else the usual one of the task."""
        return choose_loss(self.recipe, self.dataset, self.table.modules.get("model"), default)

    def slot(self, name: str, value: Any) -> Any:
        """A slot of the strategy's own: an average of weights, centroids, a counter."""
        if name not in self.table.named:
            self.table.named[name] = pt.Slot(pt.asarray(value), name=name)
        return self.table.named[name]

    def blob(
        self, name: str, make: Callable[[], Any], dump: Callable[[Any], bytes], load: Callable[[bytes], Any]
    ) -> Blob:
        """State that is no array: `blob.value`, with its own way to bytes and back."""
        if name not in self.table.host:
            self.table.host[name] = Blob(make, dump, load)
        return cast(Blob, self.table.host[name])

    def data(self, role: str = "train") -> TrainSource:
        """An endless stream of batches of a part; its cursor is a slot."""
        if role not in self._sources:
            settings = self.recipe.run
            source = TrainSource(self.dataset, role, settings.batch, settings.seed, settings.workers)
            self._sources[role] = self.table.host[f"data.{role}.cursor"] = source
        return self._sources[role]

    def after_evaluation(self, hook: Hook) -> None:
        """Call `hook(run, number)` after each evaluation; a text that it returns is shown and recorded."""
        self._hooks.append(hook)

    # Stepping.

    def quota(self, source: TrainSource, most: int) -> int:
        """Steps until an evaluation, the end of an epoch or of the run; at most `most`."""
        return self.horizon.quota(self.progress, most)

    def loop(self, step: Callable[..., Any], source: TrainSource, n: int | None = None) -> None:
        """Replay a step over the next n batches of a source, or over what is left of its epoch."""
        for batch in source.take(source.left_in_epoch() if n is None else n):
            self._names, arrays = names_and_arrays(batch)
            self._execute(step, arrays)
            self._count(batch)
        self.progress.epochs = source.epoch

    def _execute(self, step: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
        compiled = self._compiled.get(step)
        if compiled is None:
            self._trace(step, arrays)
        else:
            compiled(*arrays)

    def fold(self, function: Callable[..., Any], source: TrainSource) -> tuple[NDArray[Any], ...]:
        """One pass over a source's examples in their order: the sums of what `function(t, batch)` gives for each batch.
        Padding has weight 0 in `batch.weight`; the function has to use it."""
        if function not in self._folds:
            self._folds[function] = Fold(function)
        return self._folds[function](source)

    def fork(self, *roles: str) -> AbstractContextManager[None]:
        """Inside the block the slots of these roles and their optimizers may change; afterwards they are as before."""
        return fork(self.table, roles or ("model",))

    def _trace(self, step: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
        def traced(*tensors: Any) -> None:
            step(Step(self.table.logs), TracedBatch(self._names, tensors))

        start = time.perf_counter()
        compiled = pt.compile(traced)
        compiled(*arrays)
        self._compiled[step] = compiled
        self.trace_seconds += time.perf_counter() - start

    def _count(self, batch: Batch) -> None:
        self.progress.steps += 1
        self.progress.examples += len(batch)
        if self.dataset.task == "language":
            self.progress.tokens += batch.x.size

    # Commits.

    @property
    def stopped_early(self) -> bool:
        """Whether early stopping, not a person or a clock, ended the run: then it is finished."""
        return self.early is not None and self.early.reached

    def commit(self) -> None:
        """Slots are consistent here: evaluate, stop, show and save where due."""
        self.progress.rounds += 1
        self.rounds_now += 1
        mark = self.horizon.mark(self.progress)
        if mark > self._evaluations.value:
            self._evaluations.value = mark
            self._evaluate(mark)
        else:
            self.display.step(self)
        if time.monotonic() > self.deadline:
            self.request_stop("the time that --max-minutes allows is over")
        if self.stop or not self.progress < self.recipe.run.until or self.saver.due():
            self.saver.save()

    def request_stop(self, reason: str) -> None:
        """End the run after this commit; the first reason counts."""
        if not self.stop:
            self.stop, self.stop_reason = True, reason

    def _evaluate(self, number: int) -> None:
        values = {f"train.{name}": mean for name, mean in self.table.logs.means().items()}
        self.table.logs.reset()
        if "valid" in self.dataset.splits and self.evaluator is not None:
            found = self.evaluator("valid", most=self.recipe.evaluate.most)
            values.update({f"valid.{name}": value for name, value in found.values.items()})
        if self.early is not None:
            self._watch(self.early, values)
        self.record("metrics", epoch=self.progress.epochs, values=values)
        self.display.evaluated(self, values)
        for hook in self._hooks:
            text = hook(self, number)
            if text is not None:
                self.record("sample", text=text)
                self.display.sample(text)

    def _watch(self, early: EarlyStop, values: Mapping[str, float]) -> None:
        name = f"valid.{early.metric}"
        early.see(values[name], {name: slot.numpy() for name, slot in self.table.model_slots().items()})
        if early.reached:
            self.request_stop(f"{name} has not improved for {early.patience} evaluations")

    def record(self, event: str, **values: Any) -> None:
        if self.ledger is not None:
            self.ledger.write(event, self.progress.steps, **values)

    # The two ends.

    def restore(self) -> None:
        """Take up the newest whole checkpoint, if there is one; after setup, so that every slot has its name."""
        self.prepare_evaluation()
        self.saver.restore()
        if self.early is not None and self.early.reached:
            self.request_stop("early stopping had ended it")
        self.display.begin(self)

    def prepare_evaluation(self) -> None:
        chosen = load_metrics(self.recipe, self.dataset)
        if self.early is not None:
            self.early.check(chosen, "valid" in self.dataset.splits)
        batch = self.recipe.evaluate.batch or max(self.recipe.run.batch, LEAST_EVALUATED)
        self.evaluator = Evaluator(self.strategy, self.table.modules, self.loss(), self.dataset, batch, chosen)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """The model's outputs for an array of inputs."""
        if self._predictor is None:
            self._predictor = Predictor(self.strategy, self.table.modules)
        return self._predictor(x)

    def use_best(self) -> None:
        """The weights to judge and to use: the best that early stopping kept, or the last."""
        if self.early is not None and self.early.weights:
            self.table.set_model(self.early.weights)

    def stop_on_interrupt(self) -> None:
        """The first Ctrl-C ends the run at the next commit, the second at once; until the run is closed."""

        def handler(number: int, frame: Any) -> None:
            if self.stop:
                raise KeyboardInterrupt
            self.request_stop("interrupted")
            self.display.warn("stopping after this round; Ctrl-C again stops at once, at the last checkpoint")

        if threading.current_thread() is threading.main_thread():  # Python gives signals to no other
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, handler)

    def close(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        for source in self._sources.values():
            source.close()
        if self.ledger is not None:
            self.ledger.close()
