"""Declared fields: what a class of plugins says of itself, by name, type and default, and nothing else.

A base class such as `Strategy` declares its fields as annotated class attributes. A subclass gives some of them other
values. A name that no base declares, a misspelt one above all, is an error when the class is made: nothing would ever
read it. A plugin's own constants are written in upper case, or begin with an underscore. Where a base has fields in
upper case, as `Optimizer` has, a constant that is nearly one of them is an error too.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import sys
import typing
from collections.abc import Callable, Collection, Sequence
from types import FunctionType, GenericAlias
from typing import Any, ClassVar, NoReturn, TypeVar

from powertrain._core import Error
from powertrain.errors.methods import Abstract
from powertrain.plugin.conversion import Mistake, convert, words
from powertrain.plugin.params import NoParams, Range
from powertrain.plugin.wording import show

M = TypeVar("M", bound="OfParams")

# Two names as near as this are taken for one of them, misspelt: of methods, of constants, of fields that nobody has.
NEAR, NEAR_CONSTANT, NEAR_FIELD = 0.8, 0.85, 0.6
# How methods begin that wait to be called, here as in Keras and Lightning.
_HOOKS = ("on_", "before_", "after_")


class FieldError(Error, TypeError):
    """A field of a plugin that nothing reads, or of another type: `[class] received; expected; how to fix it`."""


class Declared(Abstract):
    """The base of all classes of plugins.

    A subclass that is written with `declares=True` may declare further fields, for its own subclasses.

    Example
        >>> class Watcher(pt.plugin.Declared, declares=True):
        ...     often: int = 1
        >>> class Each(Watcher):  # doctest: +ELLIPSIS
        ...     ofen = 10
        Traceback (most recent call last):
        powertrain.plugin.declared.FieldError: [Each] received a field ofen, which nothing reads; ...
    """

    Params: ClassVar[type] = NoParams  # a frozen dataclass: what a recipe may set
    examples: ClassVar[tuple[dict[str, Any], ...]] = ()  # tables of parameters that the check tries it with

    def __init_subclass__(cls, declares: bool = False, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls._declares = declares
        if not declares:
            _check(cls)

    def __init__(self, params: object = None) -> None:
        self.params: Any = params

    _declares: ClassVar[bool] = True


class OfParams(Declared, declares=True):
    """The base of plugins that are made of their parameters alone."""

    @classmethod
    def build(cls: type[M], params: NoReturn) -> M:
        """The plugin, made of what the recipe says."""
        return cls(params)


def signature_of(cls: type, general: Callable[..., None]) -> inspect.Signature:
    """How a class is called: with the settings of its Params, where its constructor is the general one."""
    own = inspect.signature(cls.__init__)  # type: ignore[misc]
    if cls.__init__ is not general:  # type: ignore[misc]
        return own.replace(parameters=list(own.parameters.values())[1:])
    settings = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
            annotation=field.type,
        )
        for field in dataclasses.fields(cls.Params)  # type: ignore[attr-defined]
        if field.init
    ]
    return own.replace(parameters=settings)


def fields(cls: type) -> dict[str, tuple[Any, type]]:
    """What the bases of a class declare: the type of each field as it is written, and the class that says so."""
    found: dict[str, tuple[Any, type]] = {}
    for base in reversed(cls.__mro__):
        if vars(base).get("_declares", False):
            found |= {name: (kind, base) for name, kind in inspect.get_annotations(base).items() if name[0] != "_"}
    return found


def methods(cls: type) -> set[str]:
    """Names of the methods that the bases of a class declare."""
    bases = (base for base in cls.__mro__ if vars(base).get("_declares", False))
    return {name for base in bases for name, value in vars(base).items() if _is_method(value) and name[0] != "_"}


def check_functions(owner: str, function: Any, base: type) -> None:
    """The fields of a plugin that is a function: they are those of its base class."""
    if isinstance(function, FunctionType):
        for name, value in vars(function).items():
            if name[0] != "_":
                _field(owner, name, value, base)


def _check(cls: type) -> None:
    known = fields(cls)
    for name, value in vars(cls).items():
        if name[0] == "_" or isinstance(value, type) or name in ("Params", "params"):
            continue
        if name.isupper() and name not in known:
            _constant(cls, name, known)
        elif _is_method(value):
            if name not in known:  # a field may be computed
                _method(cls, name)
                _arguments(cls, name, value)
        elif name in known or not _inherited(cls, name):
            _field(cls.__name__, name, value, cls)


def _constant(cls: type, name: str, known: Collection[str]) -> None:
    near = _near(name, [field for field in known if field.isupper()], NEAR_CONSTANT)
    if near:
        raise FieldError(
            f"[{cls.__name__}] received a constant {name}, which nothing reads; expected {near}; rename it, or begin "
            "its name with an underscore where it is your own"
        )


def _near(name: str, names: Sequence[str], least: float) -> str | None:
    """The name that is nearest."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=least)
    return near[0] if near else None


def _is_method(value: Any) -> bool:
    return isinstance(value, (FunctionType, classmethod, staticmethod, property)) or hasattr(value, "__get__")


def _inherited(cls: type, name: str) -> bool:
    """Whether a base that declares nothing has such an attribute: of a library, or of the plugin's own."""
    return any(name in vars(base) for base in cls.__mro__[1:] if not vars(base).get("_declares", False))


def _method(cls: type, name: str) -> None:
    known = methods(cls)
    if name in known or _inherited(cls, name):
        return
    near = _near(name, [*known, *fields(cls)], NEAR)
    if near:
        raise FieldError(
            f"[{cls.__name__}] received a method {name}, which nothing calls; expected {near}; rename it, or begin "
            "its name with an underscore where it is your own"
        )
    hooks = sorted(one for one in known if one.startswith(_HOOKS))
    if hooks and name.startswith(_HOOKS):
        raise FieldError(
            f"[{cls.__name__}] received a method {name}, which nothing calls; expected one of {', '.join(hooks)}; "
            "rename it, or begin its name with an underscore where it is your own"
        )


def _arguments(cls: type, name: str, value: Any) -> None:
    """A method is called with the arguments that its base names."""
    bases = [vars(one) for one in cls.__mro__[1:] if vars(one).get("_declares", False)]
    base = next((found[name] for found in bases if name in found), None)
    if not isinstance(value, FunctionType) or not isinstance(base, FunctionType):
        return
    own, asked = inspect.unwrap(value), inspect.unwrap(base)
    if _variable(asked):
        return
    given, taken = asked.__code__.co_argcount, own.__code__.co_argcount
    needed = taken - len(own.__defaults__ or ())
    if needed > given or (taken < given and not _variable(own)):
        said, called = (", ".join(inspect.signature(one).parameters) for one in (own, asked))
        raise FieldError(
            f"[{cls.__name__}] received a method {name}({said}); expected {name}({called}), as it is called; write "
            f"def {name}({called})"
        )


def _variable(function: FunctionType) -> bool:
    return bool(function.__code__.co_flags & inspect.CO_VARARGS)


def _field(owner: str, name: str, value: Any, cls: type) -> None:
    known = fields(cls)
    if name not in known:
        names = {one.lower(): one for one in (*methods(cls), *known)}  # rows is ROWS of an optimizer
        near = _near(name.lower(), list(names), NEAR_FIELD)
        hint = f"did you mean {names[near]}?" if near else "write a constant of your own in upper case"
        raise FieldError(
            f"[{owner}] received a field {name}, which nothing reads; expected one of {', '.join(sorted(known))}; "
            f"{hint}"
        )
    kind = _kind(*known[name])
    wrong: list[Mistake] = []
    if typing.get_origin(kind) is Collection:
        kind = GenericAlias(tuple, (*typing.get_args(kind), ...))
        value = tuple(value) if isinstance(value, (set, frozenset)) else value
    convert(value, kind, Range(), (name,), wrong)
    if wrong:
        raise FieldError(f"[{owner}] {name} = {show(value)}; expected {words(kind, Range())}; change it")


def _kind(annotation: Any, base: type) -> Any:
    """The type that an annotation names, without ClassVar."""
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, {**vars(typing), **vars(sys.modules[base.__module__])})
        except NameError:  # a type that only a checker of types imports
            return Any
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is ClassVar else annotation
