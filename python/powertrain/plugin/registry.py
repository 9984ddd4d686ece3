"""Finds plugins by their entry points. Listing reads text and imports nothing; a plugin is imported when it is named.

Law 5, a plugin fails alone: every distribution is read by itself, and whatever a plugin does while it is imported
becomes a PluginError for the one who named it. The engine's own short names always mean the engine's.
"""

from __future__ import annotations

import difflib
import functools
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple

from powertrain import _core
from powertrain.io.named import resolve
from powertrain.plugin.discovery import OURS, PREFIX, normalise, scan
from powertrain.plugin.first_party import distribution_of
from powertrain.plugin.importing import guarded
from powertrain.plugin.protocols import GROUPS
from powertrain.plugin.wording import show, suggestion

ENGINE = "powertrain"
# Names of Keras, scikit-learn and PyTorch in lower case: those of the engine in their place, or where it is set.
ELSEWHERE = {
    "callback": {
        "early_stopping": 'run.stop = { watch = "valid.loss" }', "earlystopping": 'run.stop = { watch = "valid.loss" }',
        "reduce_lr_on_plateau": "plateau", "reducelronplateau": "plateau",
    },
    "loss": {
        "binary_cross_entropy": "bce", "binary_cross_entropy_with_logits": "bce", "binary_crossentropy": "bce",
        "categorical_crossentropy": "cross-entropy", "log": "cross-entropy", "nll": "cross-entropy",
        "sparse_categorical_crossentropy": "cross-entropy", "hinge": "squared-hinge", "mae": "l1",
        "mean_absolute_error": "l1", "mean_squared_error": "mse", "smooth_l1": "huber", "squared_error": "mse",
    },
    "metric": {
        "acc": "accuracy", "auroc": "auc", "f1_score": "f1", "log_loss": "log-loss", "roc_auc": "auc",
        "mean_absolute_error": "mae", "mean_squared_error": "mse", "root_mean_squared_error": "rmse", "r2_score": "r2",
        "brier_score_loss": "brier", "matthews_corrcoef": "mcc", "precision_score": "precision",
        "recall_score": "recall", "sparse_categorical_accuracy": "accuracy", "top5": "top-k-accuracy",
        **{f"{one}_binary": one for one in ("f1", "precision", "recall")},
    },
}  # fmt: skip
MOST_SHOWN = 60  # characters of a name that nobody offers


class PluginError(_core.Error):
    """A plugin that cannot be found or used: what was received, what was expected, how to fix it."""


class Plugin(NamedTuple):
    """One entry point, as text: nothing of it has been imported.

    Example
        >>> [plugin.target for plugin in pt.plugin.registry().plugins('callback') if plugin.name == 'plateau']
        ['powertrain.builtin.callbacks:Plateau']
    """

    group: str
    name: str
    distribution: str
    version: str
    target: str

    @property
    def full_name(self) -> str:
        return f"{self.distribution}/{self.name}"

    @property
    def module(self) -> str:
        """The top-level package or module that it lives in."""
        return self.target.partition(":")[0].partition(".")[0].strip()

    def load(self) -> object:
        """Import the plugin. Whatever it does instead, even an exit, becomes a PluginError that names it."""
        whose = f"{self.target} of {self.distribution} {self.version}"
        found, cause, error = guarded(functools.partial(resolve, self.target), whose)
        if cause:
            raise PluginError(
                f"[plugin {self.full_name}] {self.distribution} {self.version} could not import {self.target}: "
                f"{cause}; expected a plugin that can be imported; fix, update or uninstall {self.distribution}"
            ) from error
        return found


class Unreadable(NamedTuple):
    """A distribution whose entry points could not be read; `plugins list` reports it, and it harms nobody."""

    distribution: str
    cause: str


class Shadowed(NamedTuple):
    """A distribution that imports do not reach, since one of the same name comes before it on the path."""

    distribution: str
    version: str
    used: str


class Registry:
    """All plugins that are installed. `paths` is a parameter so that tests can give their own folders.

    Example
        >>> registry = pt.plugin.registry()
        >>> registry.find("model", "mlp").full_name
        'powertrain/mlp'
    """

    def __init__(self, paths: Callable[[], Iterable[str]]) -> None:
        self._paths = paths
        self._groups: dict[str, list[Plugin]] = {}

    @functools.cached_property
    def _scan(self) -> tuple[dict[str, list[tuple[str, str, str, str]]], list[Unreadable], list[Shadowed]]:
        """What is installed, as text by group; a start asks for few groups, so the others stay as they are."""
        groups: dict[str, list[tuple[str, str, str, str]]] = {}
        unreadable: list[Unreadable] = []
        shadowed: list[Shadowed] = []
        seen: dict[str, str] = {}
        for distribution, version, entries, cause, source in scan(self._paths()):
            if distribution in seen:  # the first one on the path is the one that imports find
                if not (source and version == seen[distribution]):  # what `pip install -e` leaves beside the source
                    shadowed.append(Shadowed(distribution, version, seen[distribution]))
                continue
            seen[distribution] = version
            if cause:
                unreadable.append(Unreadable(distribution, cause))
            for group, name, target in entries:
                groups.setdefault(group, []).append((name, distribution, version, target))
        return groups, unreadable, shadowed

    @functools.cached_property
    def _own(self) -> dict[tuple[str, str], Plugin]:
        """The engine's own plugins. What else is installed is not read for them, be it hundreds of distributions."""
        for distribution, version, entries, *_ in scan(self._paths(), ENGINE):
            return {(group, name): Plugin(group, name, distribution, version, at) for group, name, at in entries}
        return {}

    def plugins(self, group: str | None = None) -> list[Plugin]:
        """Every plugin of a group (or of all groups that there are), the engine's first."""
        if group is None:
            return [plugin for known in sorted(self._scan[0]) if known in GROUPS for plugin in self.plugins(known)]
        if group not in self._groups:
            entries = sorted(self._scan[0].get(group, ()), key=lambda entry: (entry[1] != ENGINE, entry))
            self._groups[group] = [Plugin(group, *entry) for entry in entries]
        return list(self._groups[group])

    def unreadable(self) -> list[Unreadable]:
        return list(self._scan[1])

    def shadowed(self) -> list[Shadowed]:
        return list(self._scan[2])

    def strays(self) -> list[Plugin]:
        """Entry points of groups that nothing reads, such as powertrain.v1.models: the group of each is whole."""
        groups = sorted(group for group in self._scan[0] if group not in GROUPS)
        return [
            plugin._replace(group=group if group.startswith(OURS) else f"{PREFIX}{group}")
            for group in groups
            for plugin in self.plugins(group)
        ]

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
        if own := self._own.get((group, name)):
            return own
        known = self.plugins(group)
        prefix, slash, short = name.rpartition("/")
        claimants = [plugin for plugin in known if plugin.name == short and (not slash or _is(plugin, prefix))]
        if len(claimants) == 1:
            return claimants[0]
        if claimants:
            full = " or ".join(plugin.full_name for plugin in claimants)
            raise PluginError(f"several distributions offer the {group} {name}; expected one; write {full}")
        raise PluginError(self._missing(group, name, known))

    def _missing(self, group: str, name: str, known: list[Plugin]) -> str:
        home = distribution_of(name)
        if home and not any(plugin.distribution == home for plugin in self.plugins()):
            return f"the {group} {name} is in {home}, which is not installed; install it: pip install {home}"
        name = name if name.isprintable() and len(name) <= MOST_SHOWN else show(name)
        names = list(dict.fromkeys(plugin.name for plugin in known))
        every = names + [plugin.full_name for plugin in known]
        expected = f"expected one of {', '.join(names)}" if names else f"no {group} is installed; install one"
        elsewhere = [one for one in GROUPS if any(name in (p.name, p.full_name) for p in self.plugins(one))]
        known_elsewhere, low = ELSEWHERE.get(group, {}), name.lower().replace("-", "_")
        meant = known_elsewhere.get(low) or known_elsewhere.get(low.removesuffix("_loss"))
        hint = f"; {name} is of the group {' and '.join(elsewhere)}" if elsewhere else suggestion(name, every)
        hint = f"; did you mean {meant}?" if meant else hint
        for stray in self.strays():
            if name in (stray.name, stray.full_name):
                hint = f"; {stray.full_name} {not_read(stray)}"
        return f"no such {group} {name}; {expected}{hint}"

    def load(self, group: str, name: str) -> object:
        return self.find(group, name).load()


def not_read(stray: Plugin) -> str:
    """What is wrong with an entry point in a group that nothing reads, and which group was probably meant."""
    kind = stray.group.rpartition(".")[2]
    near = next(iter(difflib.get_close_matches(kind, GROUPS, 1)), "")
    meant = f"{PREFIX}{near}" if near else f"one of {', '.join(PREFIX + group for group in GROUPS)}"
    return (
        f"is in the group {stray.group}, which nothing reads; expected {meant}; fix the entry point, and install again"
    )


def _is(plugin: Plugin, prefix: str) -> bool:
    """Whether a prefix names this plugin's distribution; first-party ones may be written without `powertrain-`."""
    wanted = normalise(prefix)
    return plugin.distribution in (wanted, f"powertrain-{wanted}")


@functools.cache
def registry() -> Registry:
    """The plugins of this Python, read once.

    Example
        >>> [plugin.name for plugin in pt.plugin.registry().plugins('callback') if plugin.distribution == 'powertrain']
        ['plateau']
    """
    return Registry(lambda: sys.path)
