"""Modules that hold others, or parameters: by number, by name, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast, overload

import powertrain as pt
from powertrain.nn import checks
from powertrain.nn.module import Module

if TYPE_CHECKING:
    from typing_extensions import Self

    from powertrain import Tensor
    from powertrain.typing import TensorLike

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]

# What a container is given, and what it keeps of it.
Given = TypeVar("Given")
Part = TypeVar("Part")
Step: TypeAlias = "Module | Callable[[Tensor], Tensor]"


class _Numbered(Module, Generic[Given, Part]):
    """Parts that are named by number."""

    def __init__(self, parts: Iterable[Given] | None = None) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self.extend(parts or ())

    def append(self, part: Given) -> Self:
        """One more at the end; returns the container itself."""
        self._check(part, len(self))
        self._put(str(len(self)), part)
        return self

    def extend(self, parts: Iterable[Given]) -> Self:
        """More at the end; returns the container itself."""
        for part in list(parts):
            self.append(part)
        return self

    def insert(self, index: int, part: Given) -> None:
        """Another one before a place; those from there on are renamed."""
        parts: list[Any] = list(self)
        self._check(part, index)
        parts.insert(index, part)
        self._refill(parts)

    def pop(self, index: int = -1) -> Part:
        """Take one away and return it; those behind it are renamed."""
        parts = list(self)
        part = parts.pop(range(len(parts))[index])
        self._refill(parts)
        return part

    def _put(self, name: str, part: Any) -> None:
        setattr(self, name, part)
        if name not in self._names:
            self._names = (*self._names, name)

    def _refill(self, parts: list[Any]) -> None:
        """These parts, named by their numbers."""
        for name in self._names:
            delattr(self, name)
        self._names = ()
        for number, part in enumerate(parts):
            self._put(str(number), part)

    def _shown(self) -> list[tuple[str, Any]]:
        return list(zip(self._names, self, strict=True))

    def _check(self, part: Any, place: int) -> None:
        if not isinstance(part, Module):
            raise pt.DTypeError(
                f"[{type(self).__name__}] {type(part).__name__} at place {place}; expected a module; keep plain "
                "functions in a plain list"
            )

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Part: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> object:
        if isinstance(index, slice):
            return type(self)._of([getattr(self, name) for name in self._names[index]])
        return getattr(self, self._names[index])

    @classmethod
    def _of(cls, parts: list[Any]) -> Self:
        return cls(parts)

    def __setitem__(self, index: int, part: Given) -> None:
        self._check(part, index)
        setattr(self, self._names[index], part)

    def __delitem__(self, index: int | slice) -> None:
        parts = list(self)
        del parts[index]
        self._refill(parts)

    def __iter__(self) -> Iterator[Part]:
        return (getattr(self, name) for name in self._names)

    def __iadd__(self, parts: Iterable[Given]) -> Self:
        return self.extend(parts)

    def __add__(self, parts: Iterable[Given]) -> Self:
        return type(self)._of([*self, *parts])


class Sequential(_Numbered["Step", Module]):
    """Modules (or functions of one tensor) one after the other; named by number, or by the names of a dict.

    >>> pt.nn.Sequential(pt.nn.Linear(4, 8), pt.tanh)(pt.ones((2, 4))).shape
    (2, 8)
    """

    def __init__(self, *args: Step | Mapping[str, Step]) -> None:
        named = args[0] if len(args) == 1 and isinstance(args[0], Mapping) else None
        super().__init__(() if named is not None else cast("tuple[Step, ...]", args))
        if named is not None:
            for name, module in named.items():
                self._check(module, len(self))
                self._check_name("Sequential", name)
                self._put(name, module)

    @classmethod
    def _of(cls, parts: list[Any]) -> Self:
        return cls(*parts)

    def _check(self, part: Any, place: int) -> None:
        if not callable(part):
            raise pt.DTypeError(
                f"[Sequential] {type(part).__name__} at place {place}; expected a module or a function; pass modules "
                "one by one, Sequential(*modules)"
            )

    def _register(self, name: str, value: Any) -> None:
        """A module that is assigned to a name, or added by one, is the last step; without its module a name is none."""
        if value is self:
            raise checks.SettingError(
                f"[Sequential] {name} is this Sequential itself; expected another module, since each one is a step; "
                "write a Module whose forward calls it as often as you want"
            )
        super()._register(name, value)
        if isinstance(value, Module) and name not in self._names:
            self._names = (*self._names, name)
        elif value is None and name in vars(self).get("_names", ()):
            self._names = tuple(one for one in self._names if one != name)

    def forward(self, input: Tensor) -> Tensor:
        for module in self:
            input = module(input)
        return input


class ModuleList(_Numbered[Module, Module]):
    """Modules in a list, which the model that holds it goes through as it likes; named by number.

    >>> len(pt.nn.ModuleList([pt.nn.Linear(2, 2) for _ in range(3)]))
    3
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__(modules)


class ParameterList(_Numbered["pt.Slot | TensorLike", pt.Slot]):
    """Parameters in a list; arrays and tensors become parameters. Named by number.

    >>> [slot.shape for slot in pt.nn.ParameterList([pt.ones((2,)), pt.ones((3,))])]
    [(2,), (3,)]
    """

    def __init__(self, values: Iterable[pt.Slot | TensorLike] | None = None) -> None:
        super().__init__(values)

    def _check(self, part: Any, place: int) -> None:
        pass

    def _put(self, name: str, part: Any) -> None:
        super()._put(name, part if isinstance(part, pt.Slot) else pt.nn.Parameter(part))

    def _shown(self) -> list[tuple[str, Any]]:
        return [(name, f"parameter {list(slot.shape)}") for name, slot in zip(self._names, self, strict=True)]


class _Named(Module, Generic[Given, Part]):
    """Parts by name."""

    def __init__(self, parts: Mapping[str, Given] | None = None) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self.update(parts or {})

    def update(self, parts: Mapping[str, Given]) -> None:
        """Add parts, or put them in the place of those of their names."""
        for name, part in parts.items():
            self[name] = part

    def pop(self, name: str) -> Part:
        """Take one away and return it."""
        part = self[name]
        del self[name]
        return part

    def clear(self) -> None:
        """Take all away."""
        for name in self._names:
            del self[name]

    def _made(self, name: str, part: Any) -> Any:
        """The part that is kept."""
        return part

    def __setitem__(self, name: str, part: Given) -> None:
        kept = self._made(name, part)
        if name not in self._names and (not isinstance(name, str) or hasattr(self, name) or "." in name or not name):
            raise pt.ShapeError(
                f"[{type(self).__name__}] the name {name!r}; expected one without dots that no method has; rename it"
            )
        setattr(self, name, kept)
        if name not in self._names:
            self._names = (*self._names, name)

    def __getitem__(self, name: str) -> Part:
        if name not in self._names:
            raise checks.MissingKeyError(
                f"[{type(self).__name__}] {name!r}; expected one of {', '.join(self._names) or 'none'}; see keys()"
            )
        found: Part = getattr(self, name)
        return found

    def __delitem__(self, name: str) -> None:
        self[name]
        delattr(self, name)
        self._names = tuple(one for one in self._names if one != name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def keys(self) -> Iterable[str]:
        return self._names

    def values(self) -> Iterable[Part]:
        return [self[name] for name in self._names]

    def items(self) -> Iterable[tuple[str, Part]]:
        return [(name, self[name]) for name in self._names]


class ModuleDict(_Named[Module, Module]):
    """Modules by name.

    >>> list(pt.nn.ModuleDict({"left": pt.nn.Linear(2, 2), "right": pt.nn.Linear(2, 2)}))
    ['left', 'right']
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__(modules)

    def _made(self, name: str, part: Any) -> Any:
        if not isinstance(part, Module):
            raise pt.DTypeError(f"[ModuleDict] {name} is {type(part).__name__}; expected a module; wrap it in one")
        return part


class ParameterDict(_Named["pt.Slot | TensorLike", pt.Slot]):
    """Parameters by name; arrays and tensors become parameters.

    >>> pt.nn.ParameterDict({"scale": pt.ones((2,))})["scale"].shape
    (2,)
    """

    def __init__(self, parameters: Mapping[str, pt.Slot | TensorLike] | None = None) -> None:
        super().__init__(parameters)

    def _made(self, name: str, part: Any) -> Any:
        return part if isinstance(part, pt.Slot) else pt.nn.Parameter(part)

    def _shown(self) -> list[tuple[str, Any]]:
        return [(name, f"parameter {list(slot.shape)}") for name, slot in self.items()]
