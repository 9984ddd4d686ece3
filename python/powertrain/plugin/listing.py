"""What `powertrain plugins` prints. Listing imports no plugin; showing one imports that one."""

from __future__ import annotations

import dataclasses
import textwrap
import types
import typing
from typing import Any

from powertrain.plugin.conversion import words
from powertrain.plugin.params import parameters, params_of
from powertrain.plugin.protocols import GROUPS
from powertrain.plugin.registry import ENGINE, Plugin, PluginError, not_read, registry
from powertrain.plugin.wording import show, suggestion


def as_json() -> dict[str, Any]:
    """Every plugin, every unreadable distribution, every short name that several claim."""
    found = registry()
    return {
        "plugins": [plugin._asdict() for plugin in found.plugins()],
        "strays": [one._asdict() for one in found.strays()],
        "shadowed": [one._asdict() for one in found.shadowed()],
        "unreadable": [one._asdict() for one in found.unreadable()],
        "conflicts": [
            {"group": group, "name": name, "claimants": [plugin.full_name for plugin in claimants]}
            for group, name, claimants in found.conflicts()
        ],
    }


def as_text() -> str:
    """The same for people: one line a plugin, then what is wrong."""
    found = registry()
    lines = [
        f"{plugin.group:<10} {plugin.name:<22} {plugin.distribution} {plugin.version}" for plugin in found.plugins()
    ]
    return "\n".join([*lines, *troubles()])


def troubles() -> list[str]:
    """Names that several claim, groups that nothing reads, and distributions that are hidden or cannot be read."""
    found, lines = registry(), []
    for group, name, claimants in found.conflicts():
        engine = claimants[0].distribution == ENGINE
        full = ", ".join(plugin.full_name for plugin in claimants)
        means = f"{name} means {claimants[0].full_name}" if engine else "write the full name"
        lines.append(f"conflict   {group} {name} is offered by {full}; {means}")
    lines += [f"not read   {one.full_name} {not_read(one)}" for one in found.strays()]
    for one in found.shadowed():
        lines.append(f"shadowed   {one.distribution} {one.version} by its {one.used}, which comes first on the path")
    lines += [f"unreadable {one.distribution}: {one.cause}; reinstall or remove it" for one in found.unreadable()]
    return lines


def describe(name: str) -> str:
    """The parameters of every plugin of a name, with types, ranges, defaults and what they are for."""
    return "\n\n".join(_description(one) for one in details(name))


def details(name: str) -> list[dict[str, Any]]:
    """The same as tables."""
    group, colon, short = name.partition(":")
    groups = [group] if colon else sorted(GROUPS)
    wanted = short if colon else name
    found = [plugin for group in groups for plugin in _named(group, wanted)]
    if not found:
        known = {plugin.name for plugin in registry().plugins()}
        raise PluginError(
            f"[plugins show] no plugin is called {name}; expected a name of powertrain plugins list"
            f"{suggestion(wanted, sorted(known))}"
        )
    return [_details(plugin) for plugin in found]


def _named(group: str, name: str) -> list[Plugin]:
    """The plugin of a group that a name means; an error where it means several, as in a recipe."""
    try:
        return [registry().find(group, name)]
    except PluginError as error:
        if any(name in (plugin.name, plugin.full_name) for plugin in registry().plugins(group)):
            raise PluginError(f"[plugins show] {error}") from error
        return []


def _details(plugin: Plugin) -> dict[str, Any]:
    loaded = plugin.load()
    doc = (loaded.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")
    table = [] if plugin.group == "recipe" else _rows(params_of(loaded))
    ops = {"ops": _ops(loaded)} if plugin.group == "backend" else {}
    return {**plugin._asdict(), "doc": " ".join(doc.split()), "parameters": table, **ops}


def _rows(params: type, prefix: str = "") -> list[dict[str, Any]]:
    """The parameters, those of tables in them by their path after the table."""
    found: list[dict[str, Any]] = []
    for row in parameters(params):
        name, inner = f"{prefix}{row.name}", _table(row.type)
        default = None if row.required or inner else show(row.default)
        found.append({
            "name": name, "expected": words(row.type, row.range), "required": row.required, "default": default,
            "doc": row.range.doc or (f"its keys are {name}.{parameters(inner)[0].name} and so on" if inner else ""),
        })  # fmt: skip
        found += _rows(inner, f"{name}.") if inner else []
    return found


def _table(kind: Any) -> type | None:
    """The dataclass of a parameter that is a table with keys of its own."""
    options = [kind, *(typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else ())]
    made = (one for one in options if dataclasses.is_dataclass(one) and not hasattr(one, "expected"))
    return next((one for one in made if isinstance(one, type)), None)


def of_parameter(group: str, path: str) -> list[str]:
    """What plugins of a group say of a parameter, such as `encode` or `split.by`, with the keys below it. It imports
    them; those that say the same stand together."""
    said: dict[str, list[str]] = {}
    for plugin in registry().plugins(group):
        try:
            rows = _details(plugin)["parameters"]
        except PluginError:  # which `powertrain plugins doctor` tells
            continue
        lines = [_line(row) for row in rows if row["name"] == path or row["name"].startswith(f"{path}.")]
        if lines:
            said.setdefault("\n".join(f"  {line}" for line in lines), []).append(plugin.name)
    return [f"{group}.{path} of {', '.join(names)}:\n{text}" for text, names in said.items()]


def _line(row: dict[str, Any]) -> str:
    default = "; required" if row["required"] else "" if row["default"] is None else f"; default {row['default']}"
    return f"{row['name']} = {row['expected']}{default}" + (f"  {row['doc']}" if row["doc"] else "")


def _ops(backend: Any) -> list[str]:
    """The ops that a backend has rules for; none where what it is made of is not installed."""
    try:
        return sorted(backend(params_of(backend)()).ops)
    except ImportError:
        return []


def _description(plugin: dict[str, Any]) -> str:
    full = f"{plugin['distribution']}/{plugin['name']}"
    lines = [f"{plugin['group']} {full} {plugin['version']} ({plugin['target']})"]
    lines += [f"  {plugin['doc']}"] if plugin["doc"] else []
    lines += [f"  {_line(row)}" for row in plugin["parameters"]]
    if plugin.get("ops"):
        rules = f"rules for {', '.join(plugin['ops'])}"
        lines += textwrap.wrap(rules, 118, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines)
