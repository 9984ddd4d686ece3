"""The Run: what a strategy works with. A commit is the only place where its slots are looked at."""

from __future__ import annotations

import contextlib
import math
import signal
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain import _core
from powertrain.nn.init.later import drawn_later
from powertrain.train.anomalies.watch import Watch
from powertrain.train.callbacks import Callbacks, begin, serve
from powertrain.train.deciding.demands import demand_decision
from powertrain.train.folder.ledger import Ledger
from powertrain.train.folder.run_folder import RunError, RunFolder
from powertrain.train.folder.saving import Saver
from powertrain.train.histograms.recording import Histograms
from powertrain.train.preflight import (
    demand_expected,
    demand_groups,
    demand_kept,
    demand_once,
    demand_roles,
    demand_rounds,
    demand_steps,
)
from powertrain.train.run import zero
from powertrain.train.run.compiled_steps import Stepper
from powertrain.train.run.dataset_passes import Blob, fork
from powertrain.train.run.early_stopping import EarlyStop
from powertrain.train.run.environments import EnvSource
from powertrain.train.run.evaluations import Evaluations
from powertrain.train.run.factories import build_backend, build_optimizer, choose_loss
from powertrain.train.run.interrupts import Interrupts
from powertrain.train.run.named_slots import SlotTable
from powertrain.train.run.pretrained import begun
from powertrain.train.run.progress import Progress
from powertrain.train.run.ring import Ring
from powertrain.train.run.schedule_horizon import Horizon
from powertrain.train.run.shards import Shards
from powertrain.train.run.sources import Sources, TrainSource, constants
from powertrain.train.run.traced_environments import TracedEnvSource
from powertrain.train.workers.agreement import OBJECTS_ALIKE, demand_alike, facts

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.plugin.protocols import Inputs
    from powertrain.plugin.run import Act, Fold, Hook, Part, StepFunction, Stream
    from powertrain.recipe import Recipe
    from powertrain.train.display.display import Display
    from powertrain.train.run.turns import Upcoming

Steps = TypeVar("Steps", bound=Stepper)


class TrainRun:
    """One run of a recipe in a folder."""

    def __init__(self, recipe: Recipe, folder: RunFolder, dataset: DataModule, display: Display, base: Path) -> None:
        self.recipe = recipe
        self.folder = folder
        self.dataset = dataset
        self.display = display
        self.strategy = recipe.strategy.plugin.build(recipe.strategy.params)
        self.table = SlotTable(constants(dataset))
        self.progress = Progress()
        self.ledger: Ledger | None = None
        self.early = EarlyStop(recipe.run.stop) if recipe.run.stop else None
        self.callbacks = Callbacks(recipe.callbacks)
        self.stop = False
        self.stop_reason = ""
        self.stop_signal = 0  # what asked for the end, if it was a signal
        self.before_first: Callable[[], None] | None = None  # what is done once, before the first commit
        self.deadline = math.inf
        self.began_at: Mapping[str, int] = {}  # how far it was when this process took it up
        self.texts: list[str] = []  # that were shown since the last commit
        self.episodes: list[tuple[int, Sequence[float]]] = []  # that ended since then: env_steps, returns
        self.chosen: int | None = None  # the checkpoint that somebody named, of a run that is opened again
        self.rounds_now = 0  # in this process; a resumed run has done others before
        self.backend = build_backend(recipe)
        self.watch, self.histograms = Watch(self), Histograms(self)
        self.shards = Shards(recipe.run.shards, self.table, recipe.run.compress != "none")
        self.stepper = self.made_stepper(Stepper)
        self.sources = Sources(recipe, dataset, self.table, base)
        self.evaluations = Evaluations(self)
        self.interrupts = Interrupts(self)
        self._begun: list[str] = []  # what models have begun with, in words
        self._names: set[tuple[str, str]] = set()  # of the strategy's slots, blobs and rings
        self._losses: dict[tuple[str, bool], Callable[..., Any]] = {}
        self.saver = Saver(self)
        pt.random.seed(recipe.run.seed)
        # Of this thread: what the run computes later, in any thread, draws from it too.
        self.generator = pt.random.default_generator()
        self.table.named["random"] = self.generator.slot
        self.table.host.update({"progress": self.progress, "evaluations": self.evaluations.done})
        if self.early is not None:
            self.table.groups["early"] = self.early
        if self.callbacks:
            self.table.groups["callbacks"] = self.callbacks
        self.horizon = Horizon(recipe.run, self.data() if "train" in dataset.splits else None)

    # What a strategy names in setup.

    def model(self, role: str = "model", frozen: bool = False, inputs: Inputs | None = None) -> Any:
        """The recipe's [model], or [model.ROLE], built for the data or other inputs; its slots are named ROLE.*."""
        if role not in self.table.modules:
            use = self.recipe.models.get(role) or self.recipe.model
            if use is None:
                raise RunError("[run.model] the recipe has no model; expected a model table; add one")
            # Of a run that goes on, the checkpoint replaces what would be drawn here.
            with drawn_later() if self.folder.started else contextlib.nullcontext():
                module = use.plugin.build(use.params, inputs or self.dataset.inputs())
            if not isinstance(module, pt.nn.Module):
                raise RunError(f"[model {use.name}] build gave {module!r}; expected a powertrain.nn.Module; return one")
            module.to(_core.current_device())  # a caller's own, which was made before the run
            if (beginning := self.recipe.beginnings.get(role)) is not None:
                module, words = begun(module, beginning, role, self.folder.started)  # before anything copies it
                self._begun += [words] if words else []
            if frozen:
                module.freeze()
            self.table.modules[role] = module
        return self.table.modules[role]

    def optim(self, *roles: str) -> Any:
        """The recipe's optimizer over the parameters of some models: [optimizer], or [optimizer.ROLE] of the first."""
        roles = roles or ("model",)
        if roles[0] not in self.table.optimizers:
            if not self.recipe.optimizers:
                raise RunError("[run.optim] the recipe has no optimizer; expected an optimizer table; add one")
            found = self.recipe.optimizers.get(roles[0]) or next(iter(self.recipe.optimizers.values()))
            modules = {role: self.model(role) for role in roles}
            self.table.optimizers[roles[0]] = build_optimizer(
                found, modules, self.horizon.length, self.recipe.run.precision
            )
        return self.table.optimizers[roles[0]]

    def loss(self, default: str = "") -> Callable[..., Any]:
        """The recipe's loss, or else the strategy's or the model's, or else the usual one of the task."""
        model = self.table.modules.get("model")
        key = (default, model is None)
        if key not in self._losses:  # to look a plugin up takes longer than a small model's answer
            self._losses[key] = choose_loss(self.recipe, self.dataset, model, default)
        return self._losses[key]

    def slot(self, name: str, value: Any) -> Any:
        """A slot of the strategy's own: an average of weights, centroids, a counter."""
        return self._given("slot", name, lambda: pt.Slot(pt.asarray(value), name=name), self.table.named)

    def blob(
        self, name: str, make: Callable[[], Any], dump: Callable[[Any], bytes], load: Callable[[bytes], Any]
    ) -> Blob:
        """State that is no array: `blob.value`, with its own way to bytes and back."""
        return cast(Blob, self._given("blob", name, lambda: Blob(make, dump, load), self.table.host))

    def ring(self, name: str, size: int, **fields: Any) -> Ring:
        """The last rows that the strategy appended, to be drawn from."""
        seed = self.recipe.run.seed ^ zlib.crc32(name.encode())
        return cast(Ring, self._given("ring", name, lambda: Ring(name, size, fields, seed), self.table.groups))

    def _given(self, kind: str, name: str, make: Callable[[], Any], home: dict[str, Any]) -> Any:
        """What the strategy named before, or something new under a name that hides nothing."""
        if (kind, name) not in self._names:
            self.table.claim(name)
            home[name] = make()
            self._names.add((kind, name))
        return home[name]

    @property
    def parts(self) -> tuple[str, ...]:
        """What `data` knows."""
        return tuple({**self.dataset.splits, **self.recipe.data})

    def data(
        self,
        role: str = "train",
        *,
        rows: Sequence[int] | None = None,
        name: str | None = None,
        times: int = 1,
    ) -> TrainSource:
        """An endless stream of batches of a part or of [data.ROLE]; where it stands is a slot."""
        return self.sources.get(role, rows, name, times)

    def take_turns(self, parts: Sequence[Part], upcoming: Callable[[], Iterator[tuple[Part, int]]]) -> None:
        """Make the batches of parts together that are each asked for a few at a time."""
        self.sources.take_turns(cast("Sequence[TrainSource]", parts), cast("Upcoming", upcoming))

    def env(self, role: str = "env") -> EnvSource | TracedEnvSource:
        """The environment of [data.ROLE]; where its copies stand is a slot."""
        return self.sources.env(role, self.stepper.call, self._played, self.display.warn)

    def after_evaluation(self, hook: Hook) -> None:
        """Call `hook(run, number)` after each evaluation; a text that it returns is shown and recorded."""
        self.evaluations.hooks.append(hook)

    # Stepping.

    @property
    def total_steps(self) -> int | None:
        """Steps of the whole run, where `until` is in steps or epochs."""
        return self.horizon.total_steps if self.recipe.run.until.unit in ("steps", "epochs") else None

    def made_stepper(self, kind: Callable[..., Steps]) -> Steps:
        """What replays the steps of this run; a kind of its own may time them."""
        return kind(
            self.table.logs,
            self.progress,
            self.dataset.kind.tokens,
            self.recipe.run.precision,
            self.backend,
            self.watch.losses,
            (self.watch, self.histograms),
            self.shards,
        )

    def quota(self, source: Any, most: int) -> int:
        """Steps until an evaluation, the end of an epoch or of the run; at most `most`."""
        return self.horizon.quota(self.progress, most)

    def loop(self, step: StepFunction, source: Stream, n: int | None = None) -> None:
        """Replay a step over the next n batches of a source, or over what is left of its epoch."""
        if self.horizon.position is not None:
            self.horizon.position.follow(self.progress)
        self.stepper.loop(step, source, n)

    def fold(self, function: Fold, source: Part) -> tuple[NDArray[np.float64], ...]:
        """One pass over a source's examples in their order: the sums of what `function(t, batch)` gives for each batch.
        Padding has weight 0 in `batch.weight`; the function has to use it."""
        return self.stepper.fold(function, source)

    def fork(self, *roles: str) -> AbstractContextManager[TrainRun]:
        """Inside the block the slots of these roles and their optimizers may change; afterwards they are as before."""
        return fork(self, roles or ("model",))

    def _played(self, steps: int, returns: Sequence[float]) -> None:
        self.progress.env_steps += steps
        if returns:
            self.table.logs.count("return", sum(returns), len(returns))
            self.episodes.append((self.progress.env_steps, returns))

    # Commits.

    @property
    def ended_early(self) -> str:
        """Why early stopping or a callback ended the run, which then is finished; nothing where it was stopped by a
        person or a clock, or not at all."""
        return self.early.reason if self.early is not None and self.early.reached else self.callbacks.stopped

    @property
    def leads(self) -> bool:
        """Whether this process writes, shows and serves the run: of several workers, the first one."""
        return self.shards.transport.rank == 0

    @property
    def done(self) -> bool:
        """Whether no round follows: the target is reached, or the run was asked to end."""
        return self.stop or not self.progress < self.recipe.run.until

    def commit(self) -> None:
        """Slots are consistent here: evaluate, stop, show and save where due."""
        if self.progress.rounds == 0 and self.before_first is not None:
            self.before_first()
        self.progress.rounds += 1
        self.rounds_now += 1
        demand_steps(self)
        self.watch.after_round()
        self.histograms.after_round()
        for env_steps, returns in self.episodes:
            self.record("episodes", env_steps=env_steps, returns=list(returns))
        self.episodes.clear()
        values: Mapping[str, float] = {}
        if self.evaluations.due():
            values = self.evaluations.evaluate()
        else:
            self.display.step(self)
        save = False
        if self.callbacks:
            save, values = self._serve(values)
        if self.display.unread:
            self.request_stop("nobody reads its output any more", signal.SIGPIPE)
        if time.monotonic() > self.deadline:
            self.request_stop("the time that --max-minutes allows is over")
        self.watch.hold()
        if slow := self.shards.pace.straggler(self.shards.transport):
            self.display.warn(slow)
        due = self.leads and self.saver.due(save, values)
        if self.table.divided:
            zero.gather(self.table, self.shards, due)
        if due:
            self.saver.save()

    def _serve(self, values: Mapping[str, float]) -> tuple[bool, Mapping[str, float]]:
        if self.rounds_now == 1 and self.leads:
            begin(self)
        save, values = serve(self, values)
        self.texts.clear()
        return save, values

    def request_stop(self, reason: str, number: int = 0) -> None:
        """End the run after this commit; the first reason counts, with the number of the signal that gave it."""
        if not self.stop:
            self.stop, self.stop_reason, self.stop_signal = True, reason, number

    def record(self, event: str, **values: Any) -> None:
        if self.ledger is not None:
            self.ledger.write(event, self.progress.steps, self.progress.rounds, **values)

    # The two ends.

    def restore(self) -> None:
        """Take up the newest whole checkpoint, if there is one; after setup, so that every slot has its name."""
        self.evaluations.prepare()
        demand_roles(self)
        demand_once(self)
        demand_rounds(self)
        demand_expected(self)
        demand_decision(self)
        demand_groups(self)
        self.watch.prepare()
        self.histograms.prepare()
        demand_kept(self)
        self.saver.restore()
        if self.shards.transport.size > 1:
            demand_alike(self.shards.transport, facts(self), *([OBJECTS_ALIKE] if self.recipe.objects else []))
        if self.progress.rounds == 0:
            self.evaluations.rehearse()
        if self.ended_early:
            self.request_stop(self.ended_early)
        if self.recipe.run.zero and not self.done:
            zero.begin(self.table, self.shards)
        self.watch.hold()
        self.began_at = asdict(self.progress)
        self.display.begin(self)
        for sentence in self._begun:
            self.display.line(sentence)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """The model's outputs for an array of inputs."""
        return self.evaluations.predict(x)

    def compute(self, function: Act, **fields: NDArray[Any]) -> NDArray[Any]:
        """What a traced `function(t, batch)` gives for arrays, in evaluation mode."""
        return self.evaluations.compute(function, fields)

    def close(self) -> None:
        self.interrupts.close()
        self.sources.close()
        self.saver.close()
        if self.ledger is not None:
            self.ledger.close()
