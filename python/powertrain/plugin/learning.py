"""Ways of learning and what surrounds them: the base classes of strategies and callbacks. The Trainer knows nothing
else of learning, but the environments of environment.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from numpy.typing import ArrayLike

from powertrain.errors.methods import missing, optional
from powertrain.plugin.declared import OfParams
from powertrain.plugin.histogram import Histogram
from powertrain.plugin.run import Batch, LossFunction, Run, Step, Stream
from powertrain.plugin.tables import flat

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.data import DataModule
    from powertrain.nn import Module
    from powertrain.optim import Optimizer
    from powertrain.plugin.baseline import Baseline
    from powertrain.plugin.section import Section
    from powertrain.typing import Array, State

ROUND_STEPS = 64


class Strategy(OfParams, declares=True):
    """A way of learning, made by `build(params)`, which sets `self.params`. It keeps no state on self but what `setup`
    names through the run: that is what makes a killed run resume to the same bits.

    As it stands it trains the model on the training part; a subclass writes `step`, and what differs.

    Example
        >>> class Plain(pt.plugin.Strategy):
        ...     def step(self, t, batch):
        ...         losses = self.loss(self.model(batch.x), batch.y)
        ...         t.minimize(self.opt, losses, batch.weight)
        ...         t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))
        >>> Plain.needs, Plain.resume
        (('model', 'optimizer'), 'exact')
    """

    resume: ClassVar[Literal["exact", "restart"]] = "exact"  # what --resume promises
    needs: ClassVar[tuple[str, ...]] = ("model", "optimizer")  # sections that its recipe must have
    host: ClassVar[bool] = False  # `predict` computes with NumPy, as a booster does: it gets arrays, and is not traced
    ordered: ClassVar[bool] = False  # examples come once, as they stand in the data: a stream in the order of time
    poisson: ClassVar[bool] = (
        False  # each example is in a batch by a chance of its own; run.batch_size is the mean size
    )
    shards: ClassVar[bool] = False  # `step` calls `minimize` once and reads no parameter after it: allows run.shards
    task: ClassVar[str] = ""  # the task that its data must have, where it cannot be any
    scores: ClassVar[tuple[str, ...]] = ()  # what `score` measures, by name, so that `expect` may ask for it
    forms: ClassVar[tuple[str, ...]] = ()  # ends of names of files that `write` makes, such as ".wav"
    example_recipe: ClassVar[str] = ""  # TOML that the check tries it with

    model: Module
    opt: Optimizer
    loss: LossFunction
    data: Stream

    def setup(self, run: Run) -> None:
        """Name every slot here: models, optimizers, anything that a resume must find."""
        self.model = run.model()
        self.opt = run.optim("model")
        self.loss = run.loss()
        self.data = run.data("train")

    @optional
    def step(self, t: Step, batch: Batch) -> None:
        """Traced: one step of the usual round, with `t.minimize` and `t.log`."""
        raise missing(self, "step")

    def round(self, run: Run) -> None:
        """Host Python; the smallest unit that is committed or replayed. As it stands it replays `step` on `self.data`
        until an evaluation or the end of an epoch is due, and at most `params.round_steps` times."""
        run.loop(self.step, self.data, run.quota(self.data, getattr(self.params, "round_steps", ROUND_STEPS)))

    def predict(self, t: Step, batch: Batch) -> Tensor:
        """Traced; evaluation and prediction call it."""
        outputs: Tensor = self.model(batch.x)
        return outputs

    @optional
    def losses(self, t: Step, batch: Batch) -> Tensor:
        """One value per example that evaluation reports, where answers have no target; left out where they have."""
        raise missing(self, "losses")

    @optional
    def measurable(self, fields: Mapping[str, Array]) -> Array:
        """Which rows of a part evaluation may measure, as booleans; left out where it may all of them."""
        raise missing(self, "measurable")

    @optional
    def answer(self, output: Array) -> State:
        """What `powertrain predict` says of the output for one example, where it is no answer to the data's task, such
        as a group; left out where it is."""
        raise missing(self, "answer")

    @optional
    def sample(self, run: Run, count: int, seed: int) -> Array:
        """Draw `count` new examples as the model reads them, the same for the same seed: for `powertrain sample`.
        Keyword-only arguments are settings. Left out by a strategy that learns no distribution."""
        raise missing(self, "sample")

    @optional
    def write(self, run: Run, drawn: Array, form: str) -> bytes:
        """The file that `powertrain sample --out` writes of samples, in one of `forms`. Every strategy's samples can be
        written as .npy, and pictures as .png."""
        raise missing(self, "write")

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        """What is measured beside the loss, once the run has ended, on the part that it is judged by: a number for
        each name in `scores`."""
        return {}

    def simple(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        """What simple predictors reach of such losses, for the report."""
        return ()

    def sections(self, run: Run) -> Sequence[Section]:
        """Pages of the report, on what was learned."""
        return ()


@dataclass(frozen=True)
class Start:
    """What a callback sees before the first commit of a process, once everything fits together.

    `folder` is that of the run, in which a logger may keep files; `recipe` the recipe's name, `tables` what it says
    with the overrides laid over, `overrides` those alone. `progress` is above 0 where the run was resumed.

    Example
        >>> start = pt.plugin.Start(Path("runs/digits-1"), "digits", {"model": "mlp"}, (), {"steps": 0})
        >>> start.progress["steps"] > 0  # whether the run was resumed
        False
    """

    folder: Path
    recipe: str
    tables: Mapping[str, object]
    overrides: tuple[str, ...]
    progress: Mapping[str, int]

    @property
    def settings(self) -> dict[str, object]:
        """What the recipe says, by the names that `powertrain train --set` takes.

        Example
            >>> tables = {"model": {"use": "mlp", "hidden": [32]}, "optimizer": {"use": "adamw", "lr": 1e-3}}
            >>> pt.plugin.Start(Path("runs/digits-1"), "digits", tables, (), {"steps": 0}).settings
            {'model.use': 'mlp', 'model.hidden': [32], 'optimizer.use': 'adamw', 'optimizer.lr': 0.001}
        """
        return flat(self.tables)


@dataclass(frozen=True)
class Event:
    """What a callback sees after a commit; nothing in it can be changed.

    values       what was evaluated at this commit (`valid.loss`, `train.loss`); empty where nothing was
    scalars      the numbers that SetScalar may change, such as `optimizer.lr`
    texts        what was shown, such as a sample of a language model
    histograms   of the layers where the recipe has `run.histograms`: by step, then by name, such as `gradient 0`

    Example
        >>> from powertrain.plugin import Event
        >>> Event({'steps': 10}, {'valid.loss': 0.5}).values['valid.loss']
        0.5
    """

    progress: Mapping[str, int]
    values: Mapping[str, float] = field(default_factory=dict)
    scalars: Mapping[str, float] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    histograms: Mapping[int, Mapping[str, Histogram]] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """What a callback sees when a process is done with a run.

    `results` are those of results.json: scores by part (`results["test"]["accuracy"]`), baselines, seconds, the hash;
    empty where the run is not `finished`, and `reason` says why it ended early. `sections` are pages of the report with
    their tables (`rows`) and pictures (`png()`).

    Example
        >>> end = pt.plugin.End({"steps": 100}, finished=True, results={"test": {"accuracy": 0.98}})
        >>> end.results["test"]["accuracy"] if end.finished else end.reason
        0.98
    """

    progress: Mapping[str, int]
    finished: bool
    reason: str = ""
    results: Mapping[str, object] = field(default_factory=dict)
    report: Path | None = None
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Stop:
    """End the run after this commit, as early stopping does: it is finished, measured on all parts and reported, and a
    resume trains no further.

    Example
        >>> from powertrain.plugin import Stop
        >>> Stop('the loss is low').reason
        'the loss is low'
    """

    reason: str


@dataclass(frozen=True)
class Pause:
    """Leave the run unfinished after this commit, as a signal does: it is saved, and a resume goes on with it.

    Example
        >>> class Shift(pt.plugin.Callback):
        ...     def on_start(self, start):
        ...         self.last = start.progress["steps"] + 1000
        ...     def after_commit(self, event):
        ...         return pt.plugin.Pause("1,000 steps at once") if event.progress["steps"] >= self.last else None
    """

    reason: str


@dataclass(frozen=True)
class Save:
    """Write a checkpoint now.

    Example
        >>> class EachHundred(pt.plugin.Callback):
        ...     def after_commit(self, event):
        ...         return pt.plugin.Save() if event.progress["steps"] % 100 == 0 else None
        >>> EachHundred().after_commit(pt.plugin.Event({"steps": 300}))
        Save()
    """


@dataclass(frozen=True)
class Evaluate:
    """Evaluate now, out of turn.

    Example
        >>> class AtOnce(pt.plugin.Callback):
        ...     def after_commit(self, event):
        ...         return pt.plugin.Evaluate() if event.progress["rounds"] == 1 else None
        >>> AtOnce().after_commit(pt.plugin.Event({"rounds": 1}))
        Evaluate()
    """


@dataclass(frozen=True)
class SetScalar:
    """Set a number of the run's, such as `optimizer.lr`; the ledger records it.

    Example
        >>> from powertrain.plugin import SetScalar
        >>> SetScalar('optimizer.lr', 1e-4).value
        0.0001
    """

    name: str
    value: float


Request = Stop | Pause | Save | Evaluate | SetScalar


class Callback(OfParams, declares=True):
    """Watches a run and may ask for something; never changes it by itself, so the order of callbacks never matters.

    It is made by `build(params)`. `on_start` and `on_end` are called once in each process that trains, `after_commit`
    in between. One that remembers anything has `state()`, which gives named arrays, and
    `restore(arrays)`: they are part of every checkpoint.

    Example
        >>> class StopBelow(pt.plugin.Callback):
        ...     def after_commit(self, event):
        ...         low = event.values.get("valid.loss", 1.0) < 0.1
        ...         return pt.plugin.Stop("the loss is low") if low else None
        >>> StopBelow().after_commit(pt.plugin.Event({"steps": 10}, {"valid.loss": 0.05}))
        Stop(reason='the loss is low')
    """

    def on_start(self, start: Start) -> None:
        """Before the first commit."""

    def on_end(self, end: End) -> None:
        """When the run is finished, was stopped, or failed."""

    def after_commit(self, event: Event) -> Request | Sequence[Request] | None:
        """After each round; what it asks for."""
        return None

    def state(self) -> Mapping[str, ArrayLike]:
        """What it remembers, as named arrays."""
        return {}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Take up what `state` gave."""
