"""A registry of objects in place of what is installed."""

from __future__ import annotations

from typing import Any

from powertrain.errors.methods import lacking
from powertrain.plugin.protocols import base_of
from powertrain.plugin.registry import Plugin, Registry


class Held(Plugin):
    """An entry that has its object already."""

    held: Any

    def load(self) -> Any:
        return self.held


def derived(group: str, plugin: type) -> type:
    """A class as a plugin of a group: it derives from the base, and has what that asks for."""
    bases = (plugin, base_of(group))
    needed = lacking(type(plugin.__name__, bases, {}))
    return type(plugin.__name__, bases, {name: lambda self, *given: None for name in needed})


class Given(Registry):
    """A registry of objects in place of what is installed."""

    def __init__(self, **groups: dict[str, Any]) -> None:
        super().__init__(list)
        for group, plugins in groups.items():
            for name, plugin in plugins.items():
                entry = Held(group, name, "powertrain", "0.1", f"here:{name}")
                entry.held = derived(group, plugin) if isinstance(plugin, type) else plugin
                self._groups.setdefault(group, []).append(entry)
