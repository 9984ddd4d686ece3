"""What `powertrain plugins` prints. Listing imports no plugin; showing one imports that one."""

from __future__ import annotations

from typing import Any

from powertrain.plugins.params import parameters, params_of, show, words
from powertrain.plugins.registry import Plugin, PluginError, registry


def as_json() -> dict[str, Any]:
    """Every plugin, every unreadable distribution, every short name that several claim."""
    found = registry()
    return {
        "plugins": [plugin._asdict() for plugin in found.plugins()],
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
    for group, name, claimants in found.conflicts():
        meaning = claimants[0].distribution == "powertrain"
        full = ", ".join(plugin.full_name for plugin in claimants)
        means = f"{name} means {claimants[0].full_name}" if meaning else "write the full name"
        lines.append(f"conflict   {group} {name} is offered by {full}; {means}")
    for one in found.shadowed():
        lines.append(f"shadowed   {one.distribution} {one.version} by its {one.used}, which comes first on the path")
    lines += [f"unreadable {one.distribution}: {one.cause}; reinstall or remove it" for one in found.unreadable()]
    return "\n".join(lines)


def describe(name: str) -> str:
    """The parameters of every plugin of a name, with types, ranges, defaults and what they are for."""
    group, colon, short = name.partition(":")
    groups = [group] if colon else sorted({plugin.group for plugin in registry().plugins()})
    wanted = short if colon else name
    found = [plugin for group in groups for plugin in _named(group, wanted)]
    if not found:
        known = sorted({plugin.name for plugin in registry().plugins()})
        raise PluginError(f"[plugins show] no plugin is called {name}; expected one of {', '.join(known)}")
    return "\n\n".join(_description(plugin) for plugin in found)


def _named(group: str, name: str) -> list[Plugin]:
    try:
        return [registry().find(group, name)]
    except PluginError:
        return []


def _description(plugin: Plugin) -> str:
    loaded = plugin.load()
    doc = (loaded.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")
    lines = [f"{plugin.group} {plugin.full_name} {plugin.version} ({plugin.target})", *([f"  {doc}"] if doc else [])]
    if plugin.group != "recipe":
        for parameter in parameters(params_of(loaded)):
            default = "required" if parameter.required else f"default {show(parameter.default)}"
            note = f"  {parameter.range.doc}" if parameter.range.doc else ""
            lines.append(f"  {parameter.name} = {words(parameter.type, parameter.range)}; {default}{note}")
    return "\n".join(lines)
