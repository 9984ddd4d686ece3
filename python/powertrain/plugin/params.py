"""The parameters of a plugin: a frozen dataclass whose fields say their range.

A field is written `lr: float = param(1e-3, above=0, doc="step size", usual="1e-3 is usual for adamw")`. The recipe, the
Python door and `powertrain plugins show` all read these fields, so a range is stated once.
conversion.py checks a table against them.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import math
import types
import typing
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, TypeVar, overload

from powertrain._core import DTypeError
from powertrain.plugin.wording import show, suggestion

if TYPE_CHECKING:
    from typing_extensions import Unpack

KEY = "powertrain.param"

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Range:
    """What a value may be, beyond its type. Also usable as `Annotated[float, Range(above=0)]`.

    Example
        >>> pt.plugin.Range(low=0, below=1).low
        0
    """

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    choices: Sequence[object] | None = None
    doc: str = ""
    usual: str = ""
    alias: Callable[[object], object] | None = None
    run: bool = False
    results: bool = True

    def __post_init__(self) -> None:
        if self.choices is not None:
            object.__setattr__(self, "choices", tuple(self.choices))

    def words(self) -> str:
        """The bounds as a person says them: `> 0 and <= 1`."""
        bounds = ((">=", self.low), (">", self.above), ("<=", self.high), ("<", self.below))
        return " and ".join(f"{sign} {_digits(bound)}" for sign, bound in bounds if bound is not None)

    def holds(self, value: float) -> bool:
        """Whether a number is inside; NaN and infinity are inside no range."""
        return (
            (isinstance(value, int) or math.isfinite(value))
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


def _digits(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


class Limits(TypedDict, total=False):
    """What `param` takes beside the default."""

    low: float | None
    high: float | None
    above: float | None
    below: float | None
    choices: Sequence[object] | None
    doc: str
    usual: str
    alias: Callable[[object], object] | None
    run: bool
    results: bool


@overload
def param(default: T, **limits: Unpack[Limits]) -> T: ...
@overload
def param(**limits: Unpack[Limits]) -> T: ...  # type: ignore[type-var]
def param(default: object = dataclasses.MISSING, **limits: Unpack[Limits]) -> object:
    """A dataclass field with a range: low and high are allowed values themselves, above and below are not.

    For a tuple the range holds for each element. `usual` ends an error message, for example "1e-3 is usual for adamw".
    `alias` gives one of the choices for another name of it, and None for anything else. With `run` it is a number of
    updates: None, whatever the default is, where a recipe does not give it, and then that of the whole run. With
    `results=False` it changes speed or memory alone: the check of plugins takes others without effect for faults.

    Example
        >>> @dataclasses.dataclass(frozen=True)
        ... class Params:
        ...     width: int = pt.plugin.param(32, low=1, doc="width of the hidden layer")
        >>> Params().width
        32
    """
    for name in limits.keys() - Limits.__annotations__.keys():
        known = list(Limits.__annotations__)
        fix = suggestion(name, known) or "; leave it out"
        raise DTypeError(f"[param] received {name}; expected default, {', '.join(known)}{fix}")
    return dataclasses.field(default=default, metadata={KEY: Range(**limits)})


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One field, resolved: what `powertrain plugins show` prints."""

    name: str
    type: Any
    default: Any
    range: Range

    @property
    def required(self) -> bool:
        return self.default is dataclasses.MISSING


@dataclasses.dataclass(frozen=True)
class NoParams:
    """The parameters of a plugin that takes none.

    Example
        >>> from powertrain.plugin import NoParams
        >>> NoParams()
        NoParams()
    """


def parameters(params: type) -> list[Parameter]:
    """The fields of a parameter dataclass with their types and ranges."""
    hints = _hints(params)
    found = []
    for field in dataclasses.fields(params):
        if not field.init:
            continue
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        hint, allowed = hints[field.name], field.metadata.get(KEY, Range())
        if typing.get_origin(hint) is Annotated:
            hint, *extras = typing.get_args(hint)
            allowed = next((extra for extra in extras if isinstance(extra, Range)), allowed)
        found.append(Parameter(field.name, hint, default, allowed))
    return found


def _hints(owner: Any, names: Sequence[str] = ()) -> dict[str, Any]:
    """The annotations of a class, or of the named arguments of a function, as types."""
    try:
        return _named_hints(owner, names) if names else typing.get_type_hints(owner, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"the annotations of {getattr(owner, '__name__', owner)} cannot be read ({error}); expected names of its "
            "module; import them in the module, outside of `if TYPE_CHECKING:`"
        ) from None


def _named_hints(function: Any, names: Sequence[str]) -> dict[str, Any]:
    """Those of the named arguments alone: the names in the others may be of type checkers. What only a type of
    powertrain.typing describes, such as a tensor of weights, may be anything here."""
    annotations = {name: function.__annotations__[name] for name in names if name in function.__annotations__}
    asked, known = types.SimpleNamespace(__annotations__=annotations), inspect.unwrap(function).__globals__
    try:
        return typing.get_type_hints(asked, known, include_extras=True)
    except NameError:
        anything = dict.fromkeys(vars(importlib.import_module("powertrain.typing")), Any)
        return typing.get_type_hints(asked, {**anything, **known}, include_extras=True)


def params_of(plugin: Any) -> type:
    """The parameter dataclass of a plugin: its `Params`, or one made from a function's keyword-only arguments.

    An object that is called, such as a module or a functools.partial, has its settings already.
    """
    made = callable(plugin) and not (inspect.isclass(plugin) or inspect.isroutine(plugin) or hasattr(plugin, "Params"))
    return NoParams if made else _params_of(plugin)


@functools.lru_cache(maxsize=256)
def _params_of(plugin: Any) -> type:
    declared = getattr(plugin, "Params", None)
    if declared is not None:
        if not (isinstance(declared, type) and dataclasses.is_dataclass(declared)):
            raise TypeError(f"{plugin!r}.Params is {declared!r}; expected a frozen dataclass")
        return declared
    if inspect.isclass(plugin):
        return NoParams
    if not callable(plugin):
        raise TypeError(f"received {show(plugin)}; expected a class or a function; name one")
    settings = [p for p in inspect.signature(plugin).parameters.values() if p.kind is p.KEYWORD_ONLY]
    hints = _hints(plugin, [p.name for p in settings]) if settings else {}
    fields: list[Any] = []
    for argument in settings:
        missing = argument.default is argument.empty
        field = dataclasses.field(default=dataclasses.MISSING if missing else argument.default)
        fields.append((argument.name, hints.get(argument.name, Any), field))
    name = f"{getattr(plugin, '__name__', 'plugin')}_params"
    return dataclasses.make_dataclass(name, fields, frozen=True, kw_only=True)


def call_with(plugin: Callable[..., Any], params: Any) -> Callable[..., Any]:
    """A loss or a schedule with its parameters bound, so that only the engine's arguments remain."""
    build: Any = getattr(plugin, "build", None)  # of a class, or of what stands in the place of one
    if build is not None:
        made: Callable[..., Any] = build(params)
        return made
    values = {field.name: getattr(params, field.name) for field in dataclasses.fields(params)}
    return functools.partial(plugin, **values) if values else plugin
