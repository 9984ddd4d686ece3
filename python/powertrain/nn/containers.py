"""Modules that hold others: by number, by name, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import powertrain as pt
from powertrain.nn.module import Module


class _Numbered(Module):
    """Parts that are named by number."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def append(self, part: Any) -> None:
        """One more at the end."""
        self._check(part)
        setattr(self, str(self._count), part)
        self._count += 1

    def _shown(self) -> list[tuple[str, Any]]:
        return [(str(number), part) for number, part in enumerate(self)]

    def _check(self, part: Any) -> None:
        if not isinstance(part, Module):
            raise pt.DTypeError(
                f"[{type(self).__name__}] {type(part).__name__} at place {self._count}; expected a module; plain "
                "functions need no list of modules"
            )

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Any:
        return getattr(self, str(range(self._count)[number]))

    def __setitem__(self, number: int, part: Any) -> None:
        self._check(part)
        setattr(self, str(range(self._count)[number]), part)

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(self._count))


class Sequential(_Numbered):
    """Modules (or functions of one tensor) one after the other; named by number.

    >>> pt.nn.Sequential(pt.nn.Linear(4, 8), pt.tanh)(pt.ones((2, 4))).shape
    (2, 8)
    """

    def __init__(self, *modules: Callable[[Any], Any]) -> None:
        super().__init__()
        for module in modules:
            self.append(module)

    def _check(self, part: Any) -> None:
        if not callable(part):
            raise pt.DTypeError(
                f"[Sequential] {type(part).__name__} at place {len(self)}; expected a module or a function; "
                "pass modules one by one, Sequential(*modules)"
            )

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input


class ModuleList(_Numbered):
    """Modules in a list, which the model that holds it goes through as it likes; named by number.

    >>> len(pt.nn.ModuleList([pt.nn.Linear(2, 2) for _ in range(3)]))
    3
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def extend(self, modules: Iterable[Module]) -> None:
        """More at the end."""
        for module in modules:
            self.append(module)


class ModuleDict(Module):
    """Modules by name.

    >>> sorted(pt.nn.ModuleDict({"to": pt.nn.Linear(2, 2), "from": pt.nn.Linear(2, 2)}).keys())
    ['from', 'to']
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        for name, module in (modules or {}).items():
            self[name] = module

    def __setitem__(self, name: str, module: Module) -> None:
        if not isinstance(module, Module):
            raise pt.DTypeError(f"[ModuleDict] {name} is {type(module).__name__}; expected a module; wrap it in one")
        if name not in self._modules and (hasattr(self, name) or "." in name):
            raise pt.ShapeError(
                f"[ModuleDict] the name {name!r}; expected one without dots that no method has; rename it"
            )
        setattr(self, name, module)

    def __getitem__(self, name: str) -> Module:
        return self._modules[name]

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def keys(self) -> Iterable[str]:
        return self._modules.keys()

    def values(self) -> Iterable[Module]:
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        return self._modules.items()
