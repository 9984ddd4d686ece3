"""The public names of the package: each has an entry in the API reference.

They are found by asking: what `powertrain` shows, and what the modules show that it shows. A new module or name needs
no line here.
"""

from __future__ import annotations

import importlib
import inspect
from types import GenericAlias, ModuleType
from typing import Any, NamedTuple

# What the reference shows first, in this order; modules that are not here come after these.
FIRST = (
    "powertrain", "powertrain.nn", "powertrain.nn.functional", "powertrain.optim", "powertrain.optim.schedules",
    "powertrain.data", "powertrain.data.transforms", "powertrain.metrics", "powertrain.random", "powertrain.linalg",
    "powertrain.fft", "powertrain.solvers", "powertrain.sklearn", "powertrain.cuda", "powertrain.onnx",
    "powertrain.plugin",
)  # fmt: skip
# Public modules that no module shows in its list of names.
APART = ("powertrain.nn.functional", "powertrain.data.transforms", "powertrain.plugin.testing")


class Name(NamedTuple):
    """A public name: where it is, and what it names."""

    module: str
    name: str
    value: Any

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def kind(self) -> str:
        """`module`, `exception`, `class`, `function` or `value`."""
        if isinstance(self.value, ModuleType):
            return "module"
        if inspect.isclass(self.value):
            return "exception" if issubclass(self.value, BaseException) else "class"
        named = callable(self.value) and hasattr(self.value, "__name__")
        return "function" if named and not isinstance(self.value, GenericAlias) else "value"


def shown(module: ModuleType) -> list[str]:
    """The names that a module shows to its users."""
    if "__dir__" in vars(module):
        names = dir(module)
    elif "__all__" in vars(module):
        names = module.__all__
    else:
        names = [name for name, value in vars(module).items() if _own(module, name, value)]
    return sorted(name for name in names if not name.startswith("_"))


def _own(module: ModuleType, name: str, value: Any) -> bool:
    """Whether a module without a list of its names made this one itself."""
    imported = getattr(value, "__module__", module.__name__) != module.__name__
    return not (isinstance(value, ModuleType) or imported or name in ("TYPE_CHECKING", "annotations"))


def modules() -> list[ModuleType]:
    """Every public module, in the order of the reference."""
    found: dict[str, ModuleType] = {}
    waiting = [importlib.import_module(name) for name in ("powertrain", *APART)]
    while waiting:
        module = waiting.pop()
        if module.__name__ in found:
            continue
        found[module.__name__] = module
        values = (getattr(module, name) for name in shown(module))
        waiting += [
            value for value in values if isinstance(value, ModuleType) and value.__name__.startswith("powertrain.")
        ]
    later = sorted(set(found) - set(FIRST))
    return [found[name] for name in (*(name for name in FIRST if name in found), *later)]


def names(module: ModuleType) -> list[Name]:
    """The public names of a module, but for its modules."""
    found = [Name(module.__name__, name, getattr(module, name)) for name in shown(module)]
    return [one for one in found if one.kind != "module"]


def homes(found: list[ModuleType]) -> dict[str, str]:
    """Where the page of each name is, by full names: an object that two modules show has one page, in the first."""
    first: dict[int, str] = {}
    where: dict[str, str] = {}
    for module in found:
        for one in names(module):
            shared = one.kind != "value"  # equal numbers may be one object
            where[one.full] = first.setdefault(id(one.value), one.full) if shared else one.full
    return where
