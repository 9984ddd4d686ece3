"""Finds plugins by their entry points. Listing reads text and imports nothing; a plugin is imported when it is named.

Law 5, a plugin fails alone: every distribution is read by itself, and whatever a plugin does while it is imported
becomes a PluginError for the one who named it. The engine's own short names always mean the engine's.
"""

from __future__ import annotations

import functools
import importlib.metadata
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from powertrain.plugins.first_party import distribution_of
from powertrain.plugins.params import suggestion
from powertrain.plugins.protocols import GROUPS

ENGINE = "powertrain"
PREFIX = "powertrain.v1."


class PluginError(Exception):
    """A plugin that cannot be found or used: what was received, what was expected, how to mend it."""


@dataclass(frozen=True)
class Plugin:
    """One entry point, as text: nothing of it has been imported."""

    group: str
    name: str
    distribution: str
    version: str
    target: str
    load_entry: Callable[[], Any]

    @property
    def full_name(self) -> str:
        return f"{self.distribution}/{self.name}"

    def load(self) -> Any:
        """Import the plugin. Whatever it raises, even an exit, becomes a PluginError that names it."""
        try:
            return self.load_entry()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            cause = (
                f"exited with {error.code!r}" if isinstance(error, SystemExit) else f"{type(error).__name__}: {error}"
            )
            raise PluginError(
                f"[plugin {self.full_name}] {self.distribution} {self.version} could not import {self.target}: "
                f"{cause}; expected a plugin that can be imported; mend, update or uninstall {self.distribution}"
            ) from error


@dataclass(frozen=True)
class Unreadable:
    """A distribution whose metadata could not be read; it is reported by `plugins list` and harms nobody."""

    distribution: str
    cause: str


class Registry:
    """All plugins that are installed. `distributions` is a parameter so that tests can give their own."""

    def __init__(self, distributions: Callable[[], Iterable[importlib.metadata.Distribution]]) -> None:
        self._distributions = distributions

    @functools.cached_property
    def _scan(self) -> tuple[list[Plugin], list[Unreadable]]:
        plugins: list[Plugin] = []
        unreadable: list[Unreadable] = []
        seen: set[str] = set()
        for distribution in self._distributions():
            name = "unknown"
            try:
                text = distribution.read_text("entry_points.txt") or ""
                if PREFIX not in text:
                    continue
                name = normalise(distribution.metadata["Name"])
                if name in seen:  # the first one on the path is the one that imports find
                    continue
                seen.add(name)
                plugins.extend(_entries(distribution, name))
            except Exception as error:
                unreadable.append(Unreadable(name, f"{type(error).__name__}: {error}"))
        plugins.sort(key=lambda plugin: (plugin.group, plugin.distribution != ENGINE, plugin.name, plugin.distribution))
        return plugins, unreadable

    def plugins(self, group: str | None = None) -> list[Plugin]:
        """Every plugin of a group (or of all), the engine's first."""
        return [plugin for plugin in self._scan[0] if group in (None, plugin.group)]

    def unreadable(self) -> list[Unreadable]:
        return list(self._scan[1])

    def conflicts(self) -> list[tuple[str, str, list[Plugin]]]:
        """Short names that more than one distribution claims: (group, name, claimants)."""
        claims: dict[tuple[str, str], list[Plugin]] = {}
        for plugin in self.plugins():
            claims.setdefault((plugin.group, plugin.name), []).append(plugin)
        return [(group, name, several) for (group, name), several in sorted(claims.items()) if len(several) > 1]

    def find(self, group: str, name: str) -> Plugin:
        """The plugin that a name means, or a PluginError that says what there is."""
        if group not in GROUPS:
            raise PluginError(f"[plugin {name}] received the group {group}; expected one of {', '.join(GROUPS)}")
        known = self.plugins(group)
        prefix, slash, short = name.rpartition("/")
        claimants = [plugin for plugin in known if plugin.name == short and (not slash or _is(plugin, prefix))]
        if claimants and (len(claimants) == 1 or claimants[0].distribution == ENGINE):
            return claimants[0]
        if claimants:
            full = " or ".join(plugin.full_name for plugin in claimants)
            raise PluginError(f"several distributions offer the {group} {name}; expected one; write {full}")
        raise PluginError(self._missing(group, name, known))

    def _missing(self, group: str, name: str, known: list[Plugin]) -> str:
        home = distribution_of(name)
        if home and not any(plugin.distribution == home for plugin in self.plugins()):
            return f"the {group} {name} is in {home}, which is not installed; install it: pip install {home}"
        names = list(dict.fromkeys(plugin.name for plugin in known))
        every = names + [plugin.full_name for plugin in known]
        expected = ", ".join(names) or "none is installed"
        return f"no such {group} {name}; expected one of {expected}{suggestion(name, every)}"

    def load(self, group: str, name: str) -> Any:
        return self.find(group, name).load()


def _entries(distribution: importlib.metadata.Distribution, name: str) -> list[Plugin]:
    version = distribution.version
    return [
        Plugin(entry.group.removeprefix(PREFIX), entry.name, name, version, entry.value, entry.load)
        for entry in distribution.entry_points
        if entry.group.startswith(PREFIX)
    ]


def _is(plugin: Plugin, prefix: str) -> bool:
    """Whether a prefix names this plugin's distribution; first-party ones may be written without `powertrain-`."""
    wanted = normalise(prefix)
    return plugin.distribution in (wanted, f"powertrain-{wanted}")


def normalise(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@functools.cache
def registry() -> Registry:
    """The plugins of this Python, read once."""
    return Registry(importlib.metadata.distributions)
