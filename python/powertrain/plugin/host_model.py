"""Models that another library fits and answers with: trees, kernel machines. Their state is bytes, in a blob."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NoReturn

import powertrain as pt
from powertrain.errors.methods import missing
from powertrain.plugin.model import Model

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.plugin.section import Section
    from powertrain.typing import Array


class HostModel(Model, declares=True):
    """A model whose plugin sets `host = True`: NumPy in and out, no slots, trained by the strategy `fitted`.

    What it learned is the `state` that `fit` gives and every other method takes; the model itself keeps nothing. Bytes
    that load must not be able to run code: `dump` writes text, JSON or .npz, never pickle.

    Example
        >>> import json
        >>> class MeanOf(pt.plugin.HostModel):
        ...     @classmethod
        ...     def build(cls, params, inputs):
        ...         return cls()
        ...     def fit(self, train, valid):
        ...         return float(train["y"].mean())
        ...     def answer(self, state, x):
        ...         return np.full((len(x), 1), state, np.float32)
        ...     def dump(self, state):
        ...         return json.dumps(state, allow_nan=False).encode()
        ...     def load(self, data):
        ...         return json.loads(data)
        >>> model = MeanOf()
        >>> model.answer(model.fit({"x": np.zeros((2, 1)), "y": np.array([1.0, 3.0])}, None), np.zeros((1, 1))).tolist()
        [[2.0]]
    """

    host: ClassVar[bool] = True
    strategy: ClassVar[str] = "fitted"
    weighs: ClassVar[bool] = False  # `fit` uses the weights of examples, train["weight"], where there are some

    @abstractmethod
    def fit(self, train: Mapping[str, Array], valid: Mapping[str, Array] | None) -> object:
        """The state after learning from rows {"x": ..., "y": ...}; `valid`, if there is one, is for stopping early."""
        raise missing(self, "fit")

    @abstractmethod
    def answer(self, state: NoReturn, x: Array) -> Array:
        """[rows, outputs]: logits of classes, or values."""
        raise missing(self, "answer")

    @abstractmethod
    def dump(self, state: NoReturn) -> bytes:
        raise missing(self, "dump")

    @abstractmethod
    def load(self, data: bytes) -> object:
        raise missing(self, "load")

    def sections_of(self, state: NoReturn, dataset: DataModule) -> Sequence[Section]:
        """What it has to say for itself in the report: which columns count, how it grew."""
        return ()

    def forward(self, x: object) -> pt.Tensor:
        raise pt.DTypeError(
            f"[{type(self).__name__}] called as a layer; expected the strategy fitted, since another library "
            "computes the model; leave strategy out of the recipe"
        )
