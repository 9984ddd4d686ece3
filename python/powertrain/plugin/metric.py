"""The base class of metrics."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.errors.methods import missing
from powertrain.plugin.conversion import check
from powertrain.plugin.declared import FieldError, OfParams, signature_of
from powertrain.plugin.wording import show

if TYPE_CHECKING:
    from powertrain.typing import Outputs, TensorLike

State = NDArray[np.float64]


class Metric(OfParams, declares=True):
    """A mergeable measure: `update` with each batch, `compute` the result of all of them, `reset` to start again.

    A metric of your own defines `measure(prediction, target, weight)`, which gives the state of one batch, and
    `result(state)`. States are added up; where that is not so, define `zero()` and `merged(a, b)` too. The result must
    not depend on how the examples were cut into batches: a state holds sums and counts, and only `result` divides.

    A script gives parameters by keyword: `F1(average="micro")`.

    >>> metric = pt.metrics.Accuracy()
    >>> metric.update(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    >>> metric.compute()
    0.5
    """

    tasks: ClassVar[tuple[str, ...]] = ()  # the tasks that it measures; all where it names none
    unit_power: ClassVar[int] = 0  # how often the unit of the targets stands in the result: 2 of a squared error
    # Whether it looks only at which class each example is answered with: then it is given the numbers of the classes.
    of_classes: ClassVar[bool] = False
    lower_is_better: ClassVar[bool] = False  # for those that stop a run early, or choose its best weights

    def __init__(self, params: object = None, **settings: object) -> None:
        if isinstance(params, (str, bytes, int, float, list, tuple, dict)):
            names = [field.name for field in dataclasses.fields(self.Params)]
            name = type(self).__name__
            if not names:
                raise FieldError(f"[{name}] received {show(params)}; expected no settings; write {name}()")
            given = f"{names[0]}={show(params)}" if len(names) == 1 else ", ".join(f"{each}=..." for each in names)
            raise FieldError(f"[{name}] received {show(params)}; expected settings by name; write {name}({given})")
        if params is None:
            params, mistakes = check(self.Params, settings, type(self).__name__)
            if mistakes:
                where = ".".join(map(str, (type(self).__name__, *mistakes[0].path)))
                raise FieldError(f"[{where}] {mistakes[0].text}")
        super().__init__(params)
        self._state: State | None = None

    def __init_subclass__(cls, declares: bool = False, **more: Any) -> None:
        super().__init_subclass__(declares, **more)
        cls.__signature__ = signature_of(cls, Metric.__init__)  # type: ignore[assignment]

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise _core.DTypeError(
            f"[{type(self).__name__}] received a call; expected update and compute; write "
            "metric.update(output, target), and metric.compute() behind the last batch"
        )

    def zero(self) -> State:
        """The state of no examples, in one array; by default two numbers, which `result` divides."""
        return np.zeros(2)

    @abstractmethod
    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        """The state of one batch alone. `prediction` is what the model gave (logits, or values); `weight` has one
        number for each example, 0 for padding."""
        raise missing(self, "measure")

    def merged(self, a: State, b: State) -> State:
        """The state of the examples of both, as a new array."""
        try:
            return np.add(a, b)
        except ValueError:
            raise FieldError(
                f"[{type(self).__name__}] states of {list(np.shape(a))} and {list(np.shape(b))}; expected one shape; "
                "define zero(), which gives the state of no examples: by default two numbers"
            ) from None

    def result(self, state: State) -> float:
        """The measure of the examples of a state; NaN of nothing."""
        return float(state[0]) / float(state[1]) if state[1] > 0 else float("nan")

    @property
    def state(self) -> State:
        """All that it holds, as one array: what another process, or a file, needs."""
        return self.zero() if self._state is None else self._state

    @state.setter
    def state(self, value: TensorLike) -> None:
        self._state = np.array(value, dtype=np.float64)

    def update(self, prediction: Outputs, target: Outputs | None = None, weight: TensorLike | None = None) -> None:
        """Add a batch."""
        # None for a metric that compares with nothing, such as a mean.
        measured = self.measure(_readable(prediction), cast("Outputs", _readable(target)), weight)
        self._state = self.merged(self.state, np.asarray(measured, dtype=np.float64))

    def merge(self, other: Metric) -> None:
        """Add what another metric of this kind has seen, such as one of another process."""
        self._state = self.merged(self.state, other.state)

    def compute(self) -> float:
        """The result of all batches since the last reset; NaN of nothing."""
        return self.result(self.state)

    def reset(self) -> None:
        """Forget every batch."""
        self._state = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.compute():.6g})"


def _readable(value: Any) -> Any:
    """Numbers as NumPy can have them: logits of mixed precision may be of bfloat16."""
    if isinstance(value, _core.Tensor) and value.dtype == _core.DType.bfloat16:
        return _core.op_function("astype")(value, "float32")
    return value
