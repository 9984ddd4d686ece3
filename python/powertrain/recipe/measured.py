"""Names of what a run measures, as far as a recipe alone can know them: a misspelt one is said with all other
mistakes. What hangs on the data, whose task decides on the usual metrics, is `train/demands.py`'s to say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from powertrain.data.module import PARTS
from powertrain.plugin.conversion import Mistake
from powertrain.plugin.registry import ENGINE, PluginError, Registry
from powertrain.plugin.tasks import OWN, task_of
from powertrain.plugin.wording import suggestion

PLAYED = ["env.return", "env.length"]  # what is measured of an environment
# What results hold beside the metrics of the parts.
MEASURED = (
    "seconds", "steps", "examples_per_second", "data_wait.share", "energy.watt_hours", "energy.low", "energy.high",
)  # fmt: skip


def unknown_metrics(tables: Mapping[str, Any], plugins: Registry, given: Collection[str]) -> Iterator[Mistake]:
    """Metrics that nobody offers; those that there are get imported when the run begins. `given` came as objects."""
    for at, name in enumerate(_asked(tables)):
        try:
            if isinstance(name, str) and name not in given:  # else the section's own check has said it
                plugins.find("metric", name)
        except PluginError as error:
            yield Mistake(("evaluate", "metrics", at), str(error))


def unmeasured(
    tables: Mapping[str, Any],
    expect: Mapping[str, tuple[str, ...]],
    unknown: Iterable[Mistake],
    plugins: Registry,
    scores: tuple[str, ...] = (),
) -> Iterator[Mistake]:
    """Names in `expect`, each with its path of keys, in run.stop and in run.keep that no data would give; `unknown` are
    the metrics that nobody offers. `scores` are measured by the strategy, once."""
    misspelt = {mistake.path[-1] for mistake in unknown}
    asked = [name for at, name in enumerate(_asked(tables)) if isinstance(name, str) and at not in misspelt]
    # Of metrics that are misspelt or no list nobody knows which were meant.
    others: Iterable[str] = ()
    if misspelt or (not asked and _written(tables, "evaluate", "metrics") is not None):
        others = (plugin.name for plugin in plugins.plugins("metric"))  # reads every distribution
    elif not asked:
        others = (name for task in OWN for name in task_of(task).metrics)
        if any(plugin.distribution != ENGINE for plugin in plugins.plugins("task")):  # whose metrics nobody knows yet
            others = (plugin.name for plugin in plugins.plugins("metric"))
    metrics = list(dict.fromkeys(["loss", *asked, *others]))
    named = list(dict.fromkeys([*metrics, *scores]))
    known = [f"{part}.{name}" for part in PARTS for name in named]
    for name, path in expect.items():
        if name not in known and name not in MEASURED:
            yield Mistake(
                path,
                f"it is not measured; expected a part ({', '.join(PARTS)}), a dot and a metric ({', '.join(named)}), "
                f"or one of {', '.join(MEASURED)}{suggestion(name, [*known, *MEASURED])}",
            )
    names = [f"valid.{name}" for name in metrics]
    for section, key, others in (("stop", "watch", metrics), ("keep", "by", PLAYED)):
        watch = _written(tables, "run", section, key)
        if isinstance(watch, str) and watch not in (*names, *others):
            text = f'received "{watch}"; expected one of {", ".join(names)}{suggestion(watch, names)}'
            yield Mistake(("run", section, key), text)


def _asked(tables: Mapping[str, Any]) -> list[Any]:
    given = _written(tables, "evaluate", "metrics")
    return given if isinstance(given, list) else []


def _written(tables: Any, *keys: str) -> Any:
    for key in keys:
        tables = tables.get(key) if isinstance(tables, dict) else None
    return tables
