"""Ways of learning and what surrounds them: what a strategy, an environment and a callback are, and what they get to
work with. The Trainer knows nothing else of learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from powertrain.plugins.protocols import Inputs


class Strategy(Protocol):
    """A way of learning: three calls, and no state on self but what `setup` names through the run.

    A plugin is made with its parameters: `Plugin(params)`. It may also have

        needs    the sections that its recipe must have; ("model", "optimizer") where it is silent
        host     True where `predict` computes with NumPy, as a booster does; it then gets arrays and is not traced
        task     "language" where it learns from text
        losses   losses(t, batch): one value per example that evaluation reports, where answers have no target
        simple   simple(dataset, part): `powertrain.train.baseline.Baseline`s of such a loss, for the report
        sections sections(run): `powertrain.data.Section`s of the report, on what was learned
    """

    Params: ClassVar[type]
    resume: ClassVar[Literal["exact", "restart"]]

    def setup(self, run: Run) -> None:
        """Name every slot here: models, optimizers, anything that a resume must find."""

    def round(self, run: Run) -> None:
        """Host Python; the smallest unit that is committed or replayed."""

    def predict(self, t: Step, batch: Any) -> Any:
        """Traced; evaluation and prediction call it."""


class Step(Protocol):
    """Inside a traced step."""

    @property
    def rng(self) -> Any:
        """Random numbers: `t.rng.normal(shape)`."""

    def minimize(self, opt: Any, loss: Any, weight: Any = None, *, couples: bool = False) -> None:
        """Differentiate with respect to the optimizer's own parameters and update them. `loss` has one value per
        example, and is divided once by the total weight; one that couples the examples of a batch is a scalar."""

    def log(self, name: str, total: Any, count: Any = 1) -> None:
        """Add to a mean that the run shows and records; stays on the device."""


class Run(Protocol):
    """The host side of a run. Everything that it gives has a name, is made in `setup`, and is part of a checkpoint."""

    @property
    def progress(self) -> Any:
        """Steps, examples, tokens, env_steps, rounds, epochs so far."""

    @property
    def dataset(self) -> Any:
        """What the data is: its task, its outputs, its parts."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What `data` knows: the parts of the data set, and the roles of [data]."""

    @property
    def stop(self) -> bool:
        """Whether the run was asked to end after this round."""

    @property
    def done(self) -> bool:
        """Whether no round follows: the target is reached, or the run was asked to end."""

    def model(self, role: str = "model", frozen: bool = False, inputs: Inputs | None = None) -> Any:
        """The recipe's [model], or [model.ROLE]; `inputs` for one that does not read the data itself."""

    def optim(self, *roles: str) -> Any:
        """The recipe's [optimizer], or [optimizer.ROLE] of the first role, over the models of the roles."""

    def loss(self, default: str = "") -> Callable[..., Any]:
        """The recipe's loss, or else `default`, the model's, the task's."""

    def slot(self, name: str, value: Any) -> Any:
        """An array of the strategy's own: `slot.value`."""

    def ring(self, name: str, size: int, **fields: Any) -> Any:
        """The last `size` examples that were appended: `ring.append(x=...)`, `run.loop(step, ring.sample(64), 1)`.
        Fields are arrays of one example, for shape and dtype."""

    def blob(
        self, name: str, make: Callable[[], Any], dump: Callable[[Any], bytes], load: Callable[[bytes], Any]
    ) -> Any:
        """State that is no array: `blob.value`."""

    def data(self, role: str = "train", *, rows: Sequence[int] | None = None, name: str | None = None) -> Any:
        """Endless batches of a part, of [data.ROLE], or the environment of that name; of some rows only, where given,
        under a name of their own."""

    def fold(self, function: Callable[..., Any], source: Any) -> tuple[Any, ...]:
        """One pass over a part: the sums of what `function(t, batch)` gives."""

    def fork(self, *roles: str) -> AbstractContextManager[Run]:
        """Inside the block the slots of these roles and their optimizers may change; afterwards they are as before."""

    def loop(self, step: Callable[..., Any], source: Any, n: int | None = None) -> None:
        """Replay `step(t, batch)` over the next n batches, or over what is left of the epoch."""

    def quota(self, source: Any, most: int) -> int:
        """Steps until an evaluation, the end of an epoch or of the run; at most `most`."""

    def predict(self, x: Any) -> Any: ...
    def after_evaluation(self, hook: Callable[[Any, int], str | None]) -> None: ...
    def restore(self) -> None: ...
    def commit(self) -> None: ...


class Env(Protocol):
    """An environment: made with its parameters, `Plugin(params)`, and used for many episodes.

    `observation` is an array like one observation, `actions` the number of actions. An environment that has `state()`
    and `restore(arrays)` is saved by them; another is rebuilt from the seed of its episode and the actions so far, so
    it must depend on nothing else.
    """

    observation: Any
    actions: int

    def reset(self, seed: int) -> Any:
        """Begin an episode; gives the first observation."""

    def step(self, action: int) -> tuple[Any, float, bool]:
        """Gives the next observation, the reward, and whether the episode has ended."""


@dataclass(frozen=True)
class Event:
    """What a callback sees after a commit; nothing in it can be changed.

    `values` holds what was evaluated at this commit (`valid.loss`, `train.loss`), and is empty where nothing was;
    `scalars` the numbers that SetScalar may change, such as `optimizer.lr`.
    """

    progress: Mapping[str, int]
    values: Mapping[str, float] = field(default_factory=dict)
    scalars: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Stop:
    """End the run after this commit."""

    reason: str


@dataclass(frozen=True)
class Save:
    """Write a checkpoint now."""


@dataclass(frozen=True)
class Evaluate:
    """Evaluate now, out of turn."""


@dataclass(frozen=True)
class SetScalar:
    """Set a number of the run's, such as `optimizer.lr`; the ledger records it."""

    name: str
    value: float


Request = Stop | Save | Evaluate | SetScalar


class Callback(Protocol):
    """Watches a run and may ask for something; never changes it by itself, so the order of callbacks never matters.

    A plugin is made with its parameters: `Plugin(params)`. One that remembers anything has `state()`, which gives named
    arrays, and `restore(arrays)`: they are part of every checkpoint.
    """

    def after_commit(self, event: Event) -> Request | Sequence[Request] | None: ...
