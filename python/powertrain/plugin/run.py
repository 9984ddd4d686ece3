"""What a strategy works with: the run on the host, the step inside a trace, the batch that it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from powertrain import Slot, Tensor
    from powertrain.data import Batch as HostBatch
    from powertrain.data import DataModule
    from powertrain.nn import Module
    from powertrain.optim import Optimizer
    from powertrain.plugin.environment import Environments
    from powertrain.plugin.protocols import Inputs
    from powertrain.random import Generator
    from powertrain.recipe.durations import Duration

T = TypeVar("T")
Array: TypeAlias = NDArray[np.generic]
LossFunction: TypeAlias = "Callable[[Tensor, Tensor], Tensor]"


class Batch(Protocol):
    """The fields of a batch inside a step. What stands beside another source has that source's name: `batch.free_x`.

    Example
        >>> def step(t: pt.plugin.Step, batch: pt.plugin.Batch) -> None:
        ...     t.log("pixels", pt.sum(batch.x), batch.x.shape[0])
    """

    @property
    def x(self) -> Tensor: ...
    @property
    def y(self) -> Tensor: ...
    @property
    def weight(self) -> Tensor:
        """One number for each example: its weight, if the data has a field `weight`, else 1; 0 for padding."""

    def __getattr__(self, name: str) -> Tensor: ...


class Step(Protocol):
    """Inside a traced step.

    Example
        >>> class Noisy(pt.plugin.Strategy):
        ...     def step(self, t: pt.plugin.Step, batch: pt.plugin.Batch) -> None:
        ...         x = batch.x + 0.1 * t.rng.normal(size=batch.x.shape)
        ...         t.minimize(self.opt, self.loss(self.model(x), batch.y), batch.weight)
    """

    @property
    def rng(self) -> Generator:
        """Random numbers: `t.rng.normal(size=shape)`."""

    def minimize(self, opt: Optimizer, loss: Tensor, weight: Tensor | None = None, *, couples: bool = False) -> None:
        """Differentiate with respect to the optimizer's own parameters and update them. `loss` has one value per
        example, and is divided once by the total weight; one that couples the examples of a batch is a scalar."""

    def gradients(self, total: Tensor, values: Sequence[Tensor]) -> list[Tensor]:
        """The gradients of a number by values that the step computed on the way to it, such as the outputs of layers;
        one may depend on another. Nothing is updated."""

    def log(self, name: str, total: Tensor | float, count: Tensor | float = 1) -> None:
        """Add to a mean that the run shows and records; stays on the device. A step whose update is left out counts in
        no mean."""


StepFunction: TypeAlias = Callable[[Step, Batch], None]
Fold: TypeAlias = "Callable[[Step, Batch], Sequence[Tensor]]"
Act: TypeAlias = "Callable[[Step, Batch], Tensor]"


class Progress(Protocol):
    """How far the run is."""

    steps: int
    examples: int
    tokens: int
    env_steps: int
    rounds: int
    epochs: int

    def __lt__(self, target: Duration) -> bool:
        """Whether a duration such as `20 epochs` is not reached."""


class Stream(Protocol):
    """What `loop` draws batches from: a part of the data, parts side by side, a sample of a ring.

    Example
        >>> class FewSteps(pt.plugin.Strategy):
        ...     def round(self, run):
        ...         run.loop(self.step, self.data, min(5, self.data.left_in_epoch()))
    """

    @property
    def has_epochs(self) -> bool: ...
    @property
    def epoch(self) -> int: ...
    @property
    def padded(self) -> int:
        """Rows of padding in the last batch of an epoch."""

    def left_in_epoch(self) -> int:
        """Batches until the epoch ends."""

    def take(self, count: int) -> Iterator[HostBatch]:
        """The next batches."""


class Part(Stream, Protocol):
    """Endless batches of a part of the data.

    Example
        >>> class Counting(pt.plugin.Strategy):
        ...     def setup(self, run):
        ...         super().setup(run)
        ...         self.class_counts = np.bincount(run.data("train").rows()["y"])
    """

    @property
    def batch_size(self) -> int:
        """Examples of a batch."""

    def __len__(self) -> int:
        """Batches in one epoch."""

    def rows(self, *, weights: bool = False) -> Mapping[str, Array]:
        """Every example at once: for what learns from all of them together. Where examples have weights it is an error
        without `weights`, with which they are the field `weight`."""

    def beside(self, **others: Stream) -> Stream:
        """Batches of this part with a batch of each other one: `batch.NAME_x`, `batch.NAME_weight`."""

    def close(self) -> None:
        """Prepare no batches ahead until the next one is taken: for parts that take turns, each after its own."""


class Rows(Protocol):
    """The last rows that were appended, to be drawn from.

    Example
        >>> class Replaying(pt.plugin.Strategy):
        ...     def setup(self, run):
        ...         super().setup(run)
        ...         self.ring = run.ring("played", 1000, x=np.zeros(4, np.float32), y=np.int64(0))
        ...     def round(self, run):
        ...         self.ring.append(x=np.ones((8, 4), np.float32), y=np.zeros(8, np.int64))
        ...         run.loop(self.step, self.ring.sample(64), 1)
    """

    def __len__(self) -> int: ...
    def append(self, **fields: ArrayLike) -> None: ...
    def sample(self, batch_size: int, by: str | None = None) -> Stream:
        """Batches of rows drawn with replacement: all with the same chance, or in proportion to the field `by`, and
        then with a field `chance`, which is 1 on average."""

    def update(self, **fields: ArrayLike) -> None:
        """Give the rows of the last batch other values, such as priorities."""


class Held(Protocol[T]):
    """State that is no array.

    Example
        >>> class Remembering(pt.plugin.Strategy):
        ...     def setup(self, run):
        ...         super().setup(run)
        ...         self.words = run.blob("words", list, self.dump, self.load)
        ...     def dump(self, words):
        ...         return " ".join(words).encode()
        ...     def load(self, data):
        ...         return data.decode().split()
        ...     def round(self, run):
        ...         self.words.value = [*self.words.value, "once"]
    """

    value: T


Hook: TypeAlias = "Callable[[Run, int], str | None]"


class Run(Protocol):
    """The host side of a run. Everything that it gives has a name, is made in `setup`, and is part of a checkpoint.

    Example
        >>> class Averaged(pt.plugin.Strategy):
        ...     def setup(self, run):
        ...         super().setup(run)
        ...         self.rounds = run.slot("rounds", np.zeros(()))
        ...     def step(self, t, batch):
        ...         t.minimize(self.opt, self.loss(self.model(batch.x), batch.y), batch.weight)
        ...     def round(self, run):
        ...         run.loop(self.step, self.data, run.quota(self.data, 64))
        ...         self.rounds.value += 1
    """

    @property
    def progress(self) -> Progress:
        """Steps, examples, tokens, env_steps, rounds, epochs so far."""

    @property
    def dataset(self) -> DataModule:
        """What the data is: its task, its outputs, its parts."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What `data` knows: the parts of the data set, and the roles of [data]."""

    @property
    def total_steps(self) -> int | None:
        """Steps of the whole run, where `until` is in steps or epochs; else None."""

    @property
    def stop(self) -> bool:
        """Whether the run was asked to end after this round."""

    @property
    def done(self) -> bool:
        """Whether no round follows: the target is reached, or the run was asked to end."""

    def model(self, role: str = "model", frozen: bool = False, inputs: Inputs | None = None) -> Module:
        """The recipe's [model], or [model.ROLE]; `inputs` for one that does not read the data itself."""

    def optim(self, *roles: str) -> Optimizer:
        """The recipe's [optimizer], or [optimizer.ROLE] of the first role, over the models of the roles."""

    def loss(self, default: str = "") -> LossFunction:
        """The recipe's loss, or else `default`, the model's, the task's."""

    def slot(self, name: str, value: ArrayLike | Tensor) -> Slot:
        """An array of the strategy's own: `slot.value`."""

    def ring(self, name: str, size: int, **fields: ArrayLike) -> Rows:
        """The last `size` examples that were appended: `ring.append(x=...)`, `run.loop(step, ring.sample(64), 1)`.
        Fields are arrays of one example, for shape and dtype."""

    def blob(self, name: str, make: Callable[[], T], dump: Callable[[T], bytes], load: Callable[[bytes], T]) -> Held[T]:
        """State that is no array: `blob.value`."""

    def data(
        self,
        role: str = "train",
        *,
        rows: Sequence[int] | None = None,
        name: str | None = None,
        times: int = 1,
    ) -> Part:
        """Endless batches of a part or of [data.ROLE]; of some rows only, where given, under a name of their own;
        with `times` the recipe's examples in a batch."""

    def take_turns(self, parts: Sequence[Part], upcoming: Callable[[], Iterator[tuple[Part, int]]]) -> None:
        """Make the batches of parts together that are each asked for a few at a time: parts of chosen rows of one role.
        `upcoming()` gives the turns from this round on, without end: each part, and the batches that it is asked for.
        It may run in another thread. Where a turn is another one, that is only slower."""

    def env(self, role: str = "env") -> Environments:
        """The environment of [data.ROLE]."""

    def fold(self, function: Fold, source: Part) -> tuple[NDArray[np.float64], ...]:
        """One pass over a part: the sums of what `function(t, batch)` gives."""

    def fork(self, *roles: str) -> AbstractContextManager[Run]:
        """Inside the block the slots of these roles and their optimizers may change; afterwards they are as before."""

    def loop(self, step: StepFunction, source: Stream, n: int | None = None) -> None:
        """Replay `step(t, batch)` over the next n batches, or over what is left of the epoch."""

    def quota(self, source: Stream, most: int) -> int:
        """Steps until an evaluation, the end of an epoch or of the run; at most `most`. Epochs of fewer than 16 steps
        are passed over where the recipe counts none."""

    def predict(self, x: NDArray[np.generic]) -> Array:
        """The model's outputs for an array of inputs."""

    def compute(self, function: Act, **fields: NDArray[np.generic]) -> Array:
        """What a traced `function(t, batch)` gives for arrays, which are the fields of the batch: in evaluation mode,
        outside of steps. It may change no slot. Random numbers of `t.rng` are the same in each call."""

    def after_evaluation(self, hook: Hook) -> None:
        """Call `hook(run, number)` after each evaluation; a text that it returns is shown and recorded."""

    def restore(self) -> None:
        """Take up the newest whole checkpoint, if there is one; the Trainer calls it after `setup`."""

    def commit(self) -> None:
        """End a round: slots are consistent here. The Trainer calls it."""
