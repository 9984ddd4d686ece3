"""Tables that say which plugin to use, and with which parameters."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable
from typing import Any, get_args

import powertrain as pt
from powertrain.io.urls import urls_in
from powertrain.plugin.conversion import Mistake, check
from powertrain.plugin.kernels import Kernel
from powertrain.plugin.local import LocalFile, is_local, load_local
from powertrain.plugin.params import parameters, params_of
from powertrain.plugin.protocols import TO_FUNCTIONS, base_of, unfit
from powertrain.plugin.registry import Plugin, PluginError, Registry
from powertrain.plugin.trust import demand_url
from powertrain.plugin.wording import show
from powertrain.recipe import source as source_text
from powertrain.recipe.objects import Stands, given
from powertrain.recipe.sections import Use
from powertrain.recipe.toml import is_plain

KeyPath = tuple[str | int, ...]


class Uses:
    """The tables of a recipe, with the mistakes found in them so far."""

    def __init__(self, source: source_text.Source, plugins: Registry, trust: bool) -> None:
        self.source = source
        self.trust = trust
        self.tables = source.tables
        self.plugins = plugins
        self.base = source.path.resolve().parent
        self.kernels: list[Use] = []
        self.mistakes: list[Mistake] = []
        self.records: dict[KeyPath, Any] = {}  # what stands in the place of Python objects in the record of the run
        self.measures: dict[str, Any] = {}  # metrics that are objects, by name

    def wrong(self, path: KeyPath, text: str) -> None:
        self.mistakes.append(Mistake(path, text))

    def table(self, value: Any, path: KeyPath) -> dict[str, Any] | None:
        if isinstance(value, dict):
            return value
        example = f"{path[-1]} = {{ ... }}" if isinstance(path[-1], str) else 'a name in quotes or { use = "..." }'
        self.wrong(path, f"received {show(value)}; expected a table; write {example}")
        return None

    def use(
        self, group: str, path: KeyPath, value: Any = None, reserved: Iterable[str] = (), unless_own: bool = False
    ) -> Use | None:
        """A table (or a bare name) that says which plugin to use, with its parameters. Keys in `reserved` are the
        engine's; with `unless_own`, only those that are no parameters of the plugin."""
        value = self.tables[str(path[0])] if value is None else value
        bare = isinstance(value, str) or (not is_plain(value) and not isinstance(value, dict))
        table = {"use": value} if bare else self.table(value, path)
        if table is None:
            return None
        name = table.get("use")
        here = path if bare else (*path, "use")
        if not is_plain(name) and name is not None:
            name, plugin = self.object(group, name, here)
        elif not isinstance(name, str) or not name:
            received = "use is missing" if name is None else f"received use = {show(name)}"
            kind = f"{'an' if group[0] in 'aeiou' else 'a'} {group}"
            examples = ", ".join(plugin.name for plugin in self.plugins.plugins(group)[:8])
            self.wrong(
                path if name is None else (*path, "use"),
                f'{received}; expected the name of {kind}; one of {examples} or "./file.py:Name"',
            )
            return None
        else:
            plugin = None
        entry = file = None
        try:
            if plugin is None:
                plugin, entry, file = self.load(group, name)
            params = params_of(plugin)
            if not isinstance(plugin, Stands) and (text := unfit(group, plugin, name)):
                raise TypeError(text)
        except (PluginError, TypeError) as error:
            self.wrong(here, str(error))
            return None
        skipped = {"use", *reserved}
        if unless_own:
            skipped -= {field.name for field in dataclasses.fields(params)}
        table = self.with_kernels(params, table, path)
        made, found = check(params, table, name, path, skipped)
        self.mistakes.extend(found)
        for url in urls_in(made):
            try:
                demand_url(url, self.base, self.trust)
            except PluginError as error:
                self.wrong(path, str(error))
        return Use(group, name, plugin, made, entry, file) if made is not None else None

    def object(self, group: str, value: Any, path: KeyPath) -> tuple[str, Any]:
        """The name and the plugin of a Python object: a plugin itself, or what stands in the place of one."""
        is_class = isinstance(value, type) and (group not in TO_FUNCTIONS or issubclass(value, base_of(group)))
        if is_class and group == "model" and issubclass(value, pt.nn.Module) and not issubclass(value, base_of(group)):
            is_class = False  # which says that an object is wanted
        if is_class or (group in TO_FUNCTIONS and inspect.isfunction(value)):
            self.records[path] = value.__name__
            return value.__name__, value
        found = given(group, value)
        self.records[path] = found.record
        return found.name, found.plugin

    def with_kernels(self, params: type, table: dict[str, Any], path: KeyPath) -> dict[str, Any]:
        """The table with kernels in the place of their names, for parameters that may be one."""
        kinds = {field.name: {field.type, *get_args(field.type)} for field in parameters(params)}
        made = dict(table)
        for key in [key for key in table if Kernel in kinds.get(key, ())]:
            value = table[key]
            name = value.get("use") if isinstance(value, dict) else value
            known = isinstance(name, str) and (
                is_local(name) or "/" in name or any(name == one.name for one in self.plugins.plugins("kernel"))
            )
            if not known and not isinstance(value, dict):
                continue  # a word of the plugin's own, or a mistake
            before = len(self.mistakes)
            use = self.use("kernel", (*path, key), value)
            if use is None or not isinstance(use.plugin, Kernel):
                if len(self.mistakes) == before:
                    self.wrong((*path, key), f"{name} is no kernel; expected a powertrain.plugin.Kernel")
                del made[key]
                continue
            self.kernels.append(use)
            made[key] = use.plugin.chosen(**vars(use.params))
        return made

    def load(self, group: str, name: str) -> tuple[Any, Plugin | None, LocalFile | None]:
        if is_local(name):
            plugin, file = load_local(name, self.base, self.trust)
            return plugin, None, file
        entry = self.plugins.find(group, name)
        return entry.load(), entry, None
