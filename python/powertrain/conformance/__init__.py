"""`powertrain plugins check`: whether the plugins of a distribution keep what their protocols promise.

Each is examined in a process of its own, so that one that crashes, hangs or prints without end is a finding like any
other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from powertrain.conformance.finding import Finding
from powertrain.conformance.process import SECONDS, run_apart
from powertrain.errors.modules import answer_calls
from powertrain.io.console import one_line
from powertrain.plugin.discovery import normalise
from powertrain.plugin.local import is_local
from powertrain.plugin.protocols import GROUPS
from powertrain.plugin.registry import ENGINE, Plugin, PluginError, Registry, not_read
from powertrain.plugin.wording import suggestion

# What could not be tried, or may be wrong some day, is said, and is no fault.
NOTES = ("not-here", "short-name")
# A backend is tried by hundreds of calls, which it may have to compile; a recipe may have large data to read.
LONGER = {"backend": 5, "recipe": 5}
HINTS = {
    "hang": ("to end in time", "look for a loop that never ends, or raise the limit with --seconds"),
    "prints": ("to be quiet", "leave print out, or use logging"),
    "crash": ("an exception", "look at native code that it calls"),
    "exit": ("an exception that says what is wrong", "raise ValueError instead of ending the process"),
}

__all__ = ["Checked", "Finding", "check_distribution"]


@dataclass(frozen=True)
class Checked:
    """What was found out about one plugin."""

    plugin: Plugin
    findings: tuple[Finding, ...]
    examined: bool = True

    @property
    def right(self) -> bool:
        return all(finding.code in NOTES for finding in self.findings)


def check_distribution(
    registry: Registry, distribution: str, seconds: float = SECONDS, done: Callable[[Checked], None] | None = None
) -> list[Checked]:
    """Examine every plugin of a distribution, or those of one name: `acme/focal`. `done` hears of each as it is
    finished."""
    if is_local(distribution):
        raise PluginError(
            f"[plugins check] received the file {one_line(distribution)}; expected a distribution, or DIST/NAME; put "
            "the file into one, which powertrain new plugin acme-learning --kinds loss writes"
        )
    given = one_line(distribution)
    every = [*registry.plugins(), *registry.strays()]
    distribution, slash, name = distribution.partition("/")
    distribution = normalise(distribution)
    entries = [plugin for plugin in every if plugin.distribution == distribution and (not slash or plugin.name == name)]
    broken = [one for one in registry.unreadable() if one.distribution == distribution]
    if broken:
        raise PluginError(f"[plugins check] {distribution}: {broken[0].cause}; expected entry points; fix them")
    if not entries and (names := sorted({plugin.name for plugin in every if plugin.distribution == distribution})):
        raise PluginError(
            f"[plugins check] {distribution} offers no plugin {name}; expected one of {', '.join(names)}; leave "
            f"/{name} out to check all{suggestion(name, names)}"
        )
    if not entries:
        known = sorted({plugin.distribution for plugin in every})
        raise PluginError(
            f"[plugins check] {given} offers no plugins; expected one of {', '.join(known)}; see powertrain "
            "plugins list"
        )

    def one(plugin: Plugin) -> Checked:
        checked = _check(registry, plugin, seconds)
        if done is not None:
            done(checked)
        return checked

    # Two at a time: most of what a child does is to start.
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(one, entries))


def _check(registry: Registry, plugin: Plugin, seconds: float) -> Checked:
    where = f"plugin {plugin.full_name}"
    found = list(_names(registry.plugins(plugin.group), plugin))
    if plugin.group not in GROUPS:
        text, _, rest = f"it {not_read(plugin)}".partition("; expected ")
        expected, _, fix = rest.partition("; ")
        return Checked(plugin, (Finding("group", where, text, expected, fix),), False)
    limit = seconds * LONGER.get(plugin.group, 1)
    ended = run_apart({"task": "examine", "entry": plugin._asdict()}, plugin.module, limit)
    if ended.how == "fine":
        return Checked(plugin, (*found, *(Finding(**one) for one in ended.answer)))
    expected, fix = HINTS[ended.how]
    return Checked(plugin, (*found, Finding(ended.how, where, ended.words, expected, fix)))


def _names(group: Iterable[Plugin], plugin: Plugin) -> Iterable[Finding]:
    """A name that means something else when it is written short."""
    others = [other for other in group if other.name == plugin.name and other.distribution != plugin.distribution]
    if others and plugin.distribution != ENGINE:
        yield Finding(
            "name-clash",
            f"plugin {plugin.full_name}",
            f"the {plugin.group} {plugin.name} is also offered by {', '.join(other.distribution for other in others)}",
            "a name of its own, since a recipe must write this one in full",
            "choose another name",
        )


answer_calls(__name__)
