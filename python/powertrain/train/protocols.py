"""What a strategy is, and what it gets to work with. The Trainer knows nothing else of learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, Protocol

from powertrain.train.counters import Progress


class Strategy(Protocol):
    """A way of learning: three calls, and no state on self but what `setup` names through the run."""

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
    """The host side of a run."""

    @property
    def progress(self) -> Progress: ...
    @property
    def dataset(self) -> Any: ...
    @property
    def stop(self) -> bool: ...
    def model(self, role: str = "model", frozen: bool = False) -> Any: ...
    def optim(self, *roles: str) -> Any: ...
    def loss(self, default: str = "") -> Callable[..., Any]: ...
    def slot(self, name: str, value: Any) -> Any: ...
    def data(self, role: str = "train") -> Any: ...
    def blob(
        self, name: str, make: Callable[[], Any], dump: Callable[[Any], bytes], load: Callable[[bytes], Any]
    ) -> Any: ...
    def fold(self, function: Callable[..., Any], source: Any) -> tuple[Any, ...]: ...
    def fork(self, *roles: str) -> AbstractContextManager[None]: ...
    def loop(self, step: Callable[..., Any], source: Any, n: int | None = None) -> None: ...
    def quota(self, source: Any, most: int) -> int: ...
    def predict(self, x: Any) -> Any: ...
    def after_evaluation(self, hook: Callable[[Any, int], str | None]) -> None: ...
    def restore(self) -> None: ...
    def commit(self) -> None: ...


class Callback(Protocol):
    """Sees read-only events after a commit and may answer with a request; the order of callbacks never matters."""

    def after_commit(self, event: Mapping[str, Any]) -> Literal["stop", "save"] | None: ...
