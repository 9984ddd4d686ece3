"""The base class of schedules: the rate of an update from the count of updates before it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar, overload

from powertrain._core import Error
from powertrain.errors.arguments import shown
from powertrain.errors.methods import missing, needed_unless
from powertrain.plugin.conversion import Mistake, convert
from powertrain.plugin.declared import Declared
from powertrain.plugin.params import Parameter, parameters
from powertrain.plugin.wording import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

    from powertrain import Tensor

S = TypeVar("S", bound="Schedule")
Factor: TypeAlias = "Callable[[Tensor], Tensor | float]"
"""A function of the step that gives the factor on the rate."""


class ScheduleError(Error, ValueError):
    """A setting of a schedule, or a use of it, that cannot be: `[schedule] received; expected; how to fix it`."""


class UnknownSettingError(ScheduleError, TypeError):
    """An argument that a schedule does not take."""


_COUNTED = "leave it out: the optimizer counts its updates, and saves the count with its state"
_ELSEWHERE = {
    "last_epoch": _COUNTED,
    "verbose": "leave it out: opt.scheduled_lr is the rate of the next update",
    "scale_fn": "write a function of the step, which gives the factor on the rate: schedule=lambda step: ...",
    "scale_mode": "write a function of the step, which gives the factor on the rate: schedule=lambda step: ...",
}


class Schedule(Declared, declares=True):
    """The rate at an update. A subclass is a frozen dataclass whose fields are its parameters, and writes `factor`.

    `schedule(step)` is the factor on the rate after so many updates, and `schedule(step, lr)` the rate itself. A field
    with `param(..., run=True)` is a number of updates that is, where a recipe does not give it, that of the whole run.
    As a plugin, a function of (step, total) with keyword-only parameters is a schedule too.

    Example
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Halving(pt.plugin.Schedule):
        ...     every: int = pt.plugin.param(10, low=1, doc="updates until the rate is half of it")
        ...     def factor(self, step):
        ...         return 0.5 ** pt.floor(step / self.every)
        >>> Halving(every=5)(10)
        0.25
    """

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(declares=True)  # what it has beside methods are its parameters
        cls.Params = cls

    def __new__(cls, *args: Any, **settings: Any) -> Any:
        _check_call(cls, args, settings)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        wrong: list[Mistake] = []
        for field in _fields(type(self)):
            value = getattr(self, field.name)
            if value is None and (field.default is None or field.range.run):
                continue
            object.__setattr__(self, field.name, convert(value, field.type, field.range, (field.name,), wrong))
        if wrong:
            path = ".".join(map(str, wrong[0].path))
            raise ScheduleError(f"[{type(self).__name__} {path}] {wrong[0].text}")

    @classmethod
    def line(cls) -> str:
        """How it is made, for messages."""
        needed = [f"{f.name}=..." for f in _fields(cls) if f.required or f.range.run]
        return f"pt.optim.schedules.{cls.__name__}({', '.join(needed)})"

    @classmethod
    def build(cls: type[S], params: S) -> S:
        """The schedule, which its parameters are."""
        return params

    @needed_unless("rate")
    def factor(self, step: Tensor) -> Tensor | float:
        """The factor on the rate; `step` is float64, and a tensor, since it moves on inside of the replayed program."""
        raise missing(self, "factor")

    def rate(self, step: Tensor, lr: Tensor) -> Tensor:
        """The rate, from the optimizer's, in float64; one that is no multiple of it is written here."""
        return lr * self.factor(step)

    @property
    def moves_momentum(self) -> bool:
        """Whether `momentum` gives the momentum of each update."""
        return False

    def momentum(self, step: Tensor, setting: Tensor | float) -> Tensor | float:
        """The momentum, or the first of betas, from the optimizer's; in float64, where it moves."""
        return setting

    @overload
    def __call__(self, step: int, lr: float = ...) -> float: ...
    @overload
    def __call__(self, step: Tensor, lr: Tensor | float = ...) -> Tensor: ...

    def __call__(self, step: Tensor | int, lr: Tensor | float = 1.0) -> Tensor | float:
        import powertrain as pt

        self.check(type(self).__name__)

        def wide(number: Any) -> Tensor:
            return pt.astype(number, "float64") if isinstance(number, pt.Tensor) else pt.tensor(number, "float64")

        found = self.rate(wide(step), wide(lr))
        return found if isinstance(step, pt.Tensor) else float(found.item())

    def over(self: S, total: int) -> S:
        """The schedule with its open lengths set to the updates of a run."""
        names = self.open_lengths()
        return dataclasses.replace(self, **dict.fromkeys(names, total)) if names else self  # type: ignore[type-var]

    def open_lengths(self) -> list[str]:
        """The lengths that were not given, which only a run can set."""
        return [field.name for field in _fields(type(self)) if field.range.run and getattr(self, field.name) is None]

    def check(self, where: str) -> None:
        """Refuse to be used while a length is open."""
        if names := self.open_lengths():
            raise ScheduleError(
                f"[{where}] {type(self).__name__} without {names[0]}; expected a number of updates; write "
                f"{type(self).__name__}({names[0]}=1000)"
            )

    def step(self, *args: object, **kwargs: object) -> NoReturn:
        raise ScheduleError(f"[{type(self).__name__}] step(); expected no call; {_COUNTED}")

    def get_last_lr(self) -> NoReturn:
        raise ScheduleError(f"[{type(self).__name__}] get_last_lr(); expected the optimizer's; write opt.scheduled_lr")


def _fields(cls: type) -> list[Parameter]:
    return parameters(cls) if hasattr(cls, "__dataclass_fields__") else []


def _check_call(cls: type[Schedule], args: tuple[Any, ...], settings: dict[str, Any]) -> None:
    """Refuse an optimizer in front, as PyTorch's schedulers take it, and arguments that are not here."""
    names = [field.name for field in _fields(cls)]
    if args and hasattr(args[0], "param_groups"):
        raise ScheduleError(
            f"[{cls.__name__}] received an optimizer; expected {', '.join(names)}; give the schedule to the optimizer: "
            f"pt.optim.SGD(model, lr=0.1, schedule={cls.line()})"
        )
    for name, value in settings.items():
        if name not in names:
            raise UnknownSettingError(
                f"[{cls.__name__}] received {name}={shown(value)}; expected one of {', '.join(names)}; "
                f"{_ELSEWHERE.get(name) or suggestion(name, names).removeprefix('; ') or 'leave it out'}"
            )
