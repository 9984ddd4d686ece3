"""Tables to a checked Recipe. Every section is checked even when another is wrong: all mistakes come at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from powertrain.plugin.conversion import Mistake, check, convert
from powertrain.plugin.params import Range, params_of
from powertrain.plugin.registry import PluginError, Registry, registry
from powertrain.plugin.tables import leaves
from powertrain.plugin.wording import show, suggestion
from powertrain.recipe import source as source_text
from powertrain.recipe.durations import Limit
from powertrain.recipe.measured import unknown_metrics, unmeasured
from powertrain.recipe.objects import GivenOptimizer, given, kebab
from powertrain.recipe.sections import (
    Beginning,
    EvaluateSection,
    OptimizerUse,
    Recipe,
    ReportSection,
    RunSection,
    Split,
    Surroundings,
    TargetSection,
    Use,
)
from powertrain.recipe.toml import is_plain
from powertrain.recipe.uses import KeyPath, Uses

SECTIONS = (
    "data",
    "target",
    "features",
    "model",
    "loss",
    "strategy",
    "optimizer",
    "callbacks",
    "run",
    "evaluate",
    "expect",
    "report",
)
# Where people look for a key elsewhere.
HOMES = {
    "optimizer": ("lr", "learning_rate", "weight_decay", "schedule", "clip", "accumulate", "groups"),
    "run": (
        "until",
        "batch",
        "batch_size",
        "shards",
        "seed",
        "stop",
        "keep",
        "num_workers",
        "threads",
        "precision",
        "device",
        "backend",
    ),
    "data": ("split", "dataset"),
    "evaluate": ("metrics", "metric"),
    "run.until": ("epochs", "steps", "max_epochs", "rounds"),
    "run.evaluate": ("every", "episodes"),
    "run.stop": ("watch", "patience", "early_stopping"),
    "features": ("transform", "transforms", "preprocessing"),
    "target": ("unit", "log_target", "target_transform"),
}
DEFAULT_STRATEGY = "supervised"
Made = TypeVar("Made")


def load_recipe(
    recipe: str | Path | Mapping[str, object],
    overrides: Iterable[str] = (),
    plugins: Registry | None = None,
    *,
    trust: bool = False,
    objects: Mapping[KeyPath, object] | None = None,
) -> Recipe:
    """The recipe of a name, a path or tables, checked; a RecipeError holds every mistake, each with its line.

    `objects` are Python objects (a module, arrays, a loss) by the path of keys at which they are laid over the tables.
    `overrides` are texts KEY=VALUE, laid over both: with `objects`, be there none, they are arguments of a call.
    `trust` lets the recipe in the folder of somebody else's run bring its code (docs/security.md).

    Example
        >>> from powertrain.recipe import load_recipe
        >>> load_recipe('digits', ['run.until=1 epochs']).name
        'digits'
    """
    plugins = plugins or registry()
    overrides = tuple(overrides)
    if isinstance(recipe, Mapping):
        found, name = source_text.of_tables(recipe), ""
    else:
        name = str(recipe)
        found = source_text.read(source_text.find(name, plugins))
    if objects is not None:
        found.given_by = ""
        for path, value in objects.items():
            source_text.place(found, path, value)
    source_text.override(found, overrides)
    return _Reader(found, plugins, trust).recipe(name, overrides)


def changed(recipe: Recipe, settings: Iterable[str], *, trust: bool = False) -> Recipe:
    """A recipe of no objects with more settings laid over it; one that a call made has tables, and no file."""
    given = recipe.path if recipe.given else recipe.tables
    return load_recipe(given, [*recipe.overrides, *settings], trust=trust)


class _Reader(Uses):
    """The sections of a recipe, one method each."""

    def recipe(self, given: str, overrides: tuple[str, ...]) -> Recipe:
        for key in self.tables:
            if key not in SECTIONS:
                hint = _home(key) or suggestion(key, SECTIONS)
                self.wrong((key,), f"no such section; expected {', '.join(SECTIONS)}{hint}")
        data, copies, split = self.data()
        target = self.section(TargetSection, "target") if "target" in self.tables else None
        features = self.several("features", "transform")
        models, beginnings = self.models()
        loss = self.use("loss", ("loss",)) if "loss" in self.tables else None
        strategy = self.strategy(models.get("model"))
        optimizers = self.by_role("optimizer", self.optimizer)
        callbacks = self.several("callbacks", "callback")
        run = self.run()
        if run is not None and run.shards > 1 and strategy is not None:
            self.demand_shards(run, strategy)
        self.name_metrics()
        evaluate = self.section(EvaluateSection, "evaluate")
        unknown = list(unknown_metrics(self.tables, self.plugins, self.measures))
        self.mistakes.extend(unknown)
        report = self.section(ReportSection, "report")
        expect = self.expect(None if copies else unknown, strategy.plugin.scores if strategy else ())
        self.demand_model(strategy)
        if self.mistakes or strategy is None:
            raise source_text.RecipeError(self.source.say(self.mistakes))
        path = self.source.path
        return Recipe(
            name=path.stem,
            given=given,
            path=path,
            text=self.source.text,
            tables=_recorded(self.tables, (), self.records),
            objects=tuple(".".join(map(str, path)) for path in self.records),
            overrides=overrides,
            data=data,
            copies=copies,
            split=split or Split(),
            target=target,
            features=features,
            models=models,
            beginnings=beginnings,
            loss=loss,
            strategy=strategy,
            optimizers=optimizers,
            callbacks=callbacks,
            kernels=tuple(self.kernels),
            run=run,
            evaluate=evaluate,
            expect=expect,
            report=report,
            measures=self.measures,
        )

    def run(self) -> Any:
        """[run], whose backend is a plugin."""
        table = self.tables.get("run")
        backend = None
        if isinstance(table, dict) and "backend" in table:
            backend = self.use("backend", ("run", "backend"), table["backend"])
        made = self.section(RunSection, "run", required=True, skipped=("backend",))
        return dataclasses.replace(made, backend=backend) if made is not None and backend is not None else made

    def demand_shards(self, run: RunSection, strategy: Use) -> None:
        """A batch that is cut into shards falls into equal ones, and so can the step of the strategy."""
        received = f"received {run.shards}"
        if run.shards & (run.shards - 1):
            self.wrong(
                ("run", "shards"), f"{received}; expected a power of two; such as {1 << (run.shards.bit_length() - 1)}"
            )
        elif run.batch_size % run.shards:
            self.wrong(
                ("run", "shards"),
                f"{received} for batches of {run.batch_size}; expected shards of one size; write batch_size = "
                f"{-(-run.batch_size // run.shards) * run.shards}",
            )
        if not strategy.plugin.shards:
            self.wrong(
                ("run", "shards"),
                f"{received} with the strategy {strategy.name}, whose step is no sum over shards; expected supervised, "
                "or another one that allows it; leave shards out",
            )
        if run.backend is not None:
            self.wrong(
                ("run", "shards"),
                f"{received} with the backend {run.backend.name}; expected the engine's own kernels; leave one of them "
                "out",
            )

    def section(self, kind: Any, name: str, required: bool = False, skipped: Iterable[str] = ()) -> Any:
        """A section that is a dataclass of the engine's own."""
        if name not in self.tables:
            if not required:
                return kind()
            self.wrong((), f'{name} is missing; expected a table; add {name} = {{ until = "20 epochs" }}')
            return None
        table = self.table(self.tables[name], (name,))
        if table is None:
            return None
        made, found = check(kind, table, name, (name,), skipped)
        for mistake in found:
            lost = mistake.text.startswith("no such parameter") and "did you mean" not in mistake.text
            hint = _home(str(mistake.path[-1])) if lost else ""
            self.mistakes.append(dataclasses.replace(mistake, text=mistake.text + hint))
        return made

    def name_metrics(self) -> None:
        """Give metrics that are objects a name, by which results and `expect` know them."""
        table = self.tables.get("evaluate")
        asked = table.get("metrics") if isinstance(table, dict) else None
        if not isinstance(asked, list):
            return
        for at, value in enumerate(asked):
            if not is_plain(value):
                found = given("metric", value)
                name = first = _with_average(kebab(found.name), value)
                number = 1
                # Two of a kind, such as accuracies of one's own: own-accuracy and own-accuracy-2.
                while name in self.measures or name in [one for one in asked if isinstance(one, str)]:
                    number += 1
                    name = f"{first}-{number}"
                self.measures[name] = value
                self.records["evaluate", "metrics", at] = name
                asked[at] = name

    def splits_itself(self, value: Any) -> bool:
        """Whether a data set takes `split` as a parameter of its own, as tables do, whose encoders must be fitted on
        the training rows alone."""
        name = value.get("use") if isinstance(value, dict) else value
        if not isinstance(name, str):
            return False
        try:
            plugin, _, _ = self.load("data", name)
            return any(field.name == "split" for field in dataclasses.fields(params_of(plugin)))
        except (PluginError, TypeError):  # said where it is used
            return False

    def data(self) -> tuple[dict[str, Use], dict[str, int], Split | None]:
        if "data" not in self.tables:
            self.wrong((), 'data is missing; expected a table; add data = { use = "digits" }')
            return {}, {}, None
        value = self.tables["data"]
        copies: dict[str, int] = {}
        if isinstance(value, str) or not isinstance(value, dict) or "use" in value or not _all_roles(value):
            found = self.use("data", ("data",), reserved=("split",), unless_own=True)
            uses = {"train": found} if found else {}
            if self.splits_itself(value):
                return uses, copies, Split()
        else:
            roles = {role: table for role, table in value.items() if role != "split"}
            named = {role: self.role_of_data(role, table, copies) for role, table in roles.items()}
            uses = {role: found for role, found in named.items() if found is not None}
        split = value.get("split", {}) if isinstance(value, dict) else {}
        table = self.table(split, ("data", "split"))
        if table is None:
            return uses, copies, None
        made, found_mistakes = check(Split, table, "split", ("data", "split"))
        self.mistakes.extend(found_mistakes)
        return uses, copies, made

    def role_of_data(self, role: str, table: dict[str, Any], copies: dict[str, int]) -> Use | None:
        """data.ROLE: a data set, or an environment where the role is env or begins with `env-`."""
        if role.partition("-")[0] != "env":
            return self.use("data", ("data", role), table)
        found = convert(table.get("copies", 1), int, Range(low=1, high=4096), ("data", role, "copies"), self.mistakes)
        copies[role] = found or 1
        return self.use("env", ("data", role), table, reserved=("copies",))

    def several(self, section: str, group: str) -> tuple[Use, ...]:
        """A list of plugins of one group."""
        value = self.tables.get(section, [])
        if not isinstance(value, list):
            self.wrong((section,), f"received {show(value)}; expected a list of {group}s; write {section} = [...]")
            return ()
        made = [self.use(group, (section, at), item) for at, item in enumerate(value)]
        return tuple(use for use in made if use is not None)

    def by_role(self, section: str, read: Callable[[KeyPath, Any], Made | None]) -> dict[str, Made]:
        """One plugin, which is that of the role "model", or a table with one for each role."""
        if section not in self.tables:
            return {}
        value = self.tables[section]
        if isinstance(value, dict) and "use" not in value and _all_roles(value):
            named = {role: read((section, role), table) for role, table in value.items()}
        else:
            named = {"model": read((section,), value)}
        return {role: found for role, found in named.items() if found is not None}

    def models(self) -> tuple[dict[str, Use], dict[str, Beginning]]:
        """The models by role, and what each begins with."""
        beginnings: dict[str, Beginning] = {}
        owned = [field.name for field in dataclasses.fields(Beginning)]

        def read(path: KeyPath, value: Any) -> Use | None:
            table = value if isinstance(value, dict) else {}
            made, found = check(Beginning, {key: table[key] for key in owned if key in table}, "model", path)
            self.mistakes.extend(found)
            if made is not None:
                if made.fresh and made.weights is None:
                    self.wrong(
                        (*path, "fresh"),
                        "received it without weights; expected both; without weights every layer starts untrained",
                    )
                if made.prune is not None and (made.weights is None or made.adapters is not None):
                    other = "without weights" if made.weights is None else "with adapters"
                    self.wrong((*path, "prune"), f"received it {other}; expected weights alone, which are pruned")
                if made.frozen and made.adapters is not None:
                    self.wrong(
                        (*path, "frozen"), "received it with adapters, which freeze all else; expected one of them"
                    )
                beginnings[str(path[-1])] = dataclasses.replace(made, weights=self.at_hand(made.weights))
            return self.use("model", path, value, reserved=owned)

        return self.by_role("model", read), beginnings

    def at_hand(self, path: Path | None) -> Path | None:
        """A path from the recipe's folder, or, where nothing is there, from the working directory: a recipe that is
        known by its name lies where nobody keeps runs."""
        here = path and self.base / path
        return path.absolute() if path and here and not here.exists() and path.exists() else here

    def strategy(self, model: Use | None) -> Use | None:
        if "strategy" in self.tables:
            return self.use("strategy", ("strategy",))
        name = model.plugin.strategy if model else DEFAULT_STRATEGY
        return self.use("strategy", ("strategy",), name)

    def optimizer(self, path: KeyPath, value: Any) -> OptimizerUse | None:
        owned = [field.name for field in dataclasses.fields(Surroundings)]
        use = self.use("optimizer", path, value, reserved=("schedule", *owned))
        table = value if isinstance(value, dict) else {}
        if use is not None and isinstance(use.plugin, GivenOptimizer):
            for key in table.keys() & {"schedule", *owned}:
                self.wrong((*path, key), f"received it beside an object; expected none; give it to {use.name} itself")
        schedule, warmup = self.schedule((*path, "schedule"), table["schedule"]) if "schedule" in table else (None, 0)
        around, found = check(Surroundings, {key: table[key] for key in owned if key in table}, "optimizer", path)
        self.mistakes.extend(found)
        if use is None or around is None:
            return None
        return OptimizerUse(
            use, schedule, warmup, around.clip, around.accumulate, around.groups, around.layer_decay,
            around.unfreeze_every,
        )  # fmt: skip

    def schedule(self, path: KeyPath, value: Any) -> tuple[Use | None, int]:
        """A schedule, and the updates of a warm-up before it, which is the engine's unless the plugin has its own."""
        use = self.use("schedule", path, value, reserved=("warmup",), unless_own=True)
        own = use is not None and any(field.name == "warmup" for field in dataclasses.fields(use.params))
        if own or not isinstance(value, dict) or "warmup" not in value:
            return use, 0
        warmup = convert(value["warmup"], int, Range(low=0), (*path, "warmup"), self.mistakes)
        return use, warmup or 0

    def expect(self, unknown: list[Mistake] | None, scores: tuple[str, ...]) -> dict[str, Limit]:
        """[expect]; the names of what environments give are not known here: then `unknown` metrics are None. `scores`
        are what the strategy measures itself."""
        table = self.table(self.tables.get("expect", {}), ("expect",))
        limits, paths = {}, {}
        # `test.accuracy = ...` written bare is a table in TOML; both ways of writing mean the same.
        for path, value in leaves(table or {}):
            key = ".".join(path)
            paths[key] = ("expect", *path)
            limits[key] = convert(value, Limit, Range(), paths[key], self.mistakes)
        if unknown is not None:
            self.mistakes.extend(unmeasured(self.tables, paths, unknown, self.plugins, scores))
        return {key: limit for key, limit in limits.items() if limit is not None}

    def demand_model(self, strategy: Use | None) -> None:
        """Most strategies train a model with an optimizer; one that does not says so in `needs`."""
        needs: tuple[str, ...] = strategy.plugin.needs if strategy else ()
        examples = {"model": 'model = { use = "cnn" }', "optimizer": 'optimizer = { use = "adamw", lr = 1e-3 }'}
        for need in needs:
            section, _, role = need.partition(".")
            value = self.tables.get(section)
            if role and value is not None and not (isinstance(value, dict) and role in value):
                one = f"{section}.model = {{ use = ... }} and {section}.{role} = {{ use = ... }}"
                self.wrong((section,), f"there is no {need}; expected one for each role; write {one}")
            elif not role and section not in self.tables:
                example = examples.get(section, f"{section} = {{ ... }}")
                self.wrong((), f"{section} is missing; expected a table; add {example}")


def _recorded(value: Any, path: KeyPath, records: Mapping[KeyPath, Any]) -> Any:
    """Tables with what describes Python objects in their place."""
    if path in records:
        return records[path]
    if isinstance(value, dict):
        return {key: _recorded(one, (*path, key), records) for key, one in value.items()}
    if isinstance(value, list):
        return [_recorded(one, (*path, at), records) for at, one in enumerate(value)]
    return value


def _with_average(name: str, metric: Any) -> str:
    """The name of a metric that takes another average than its usual one, as recipes have it: f1_macro."""
    field = next((one for one in dataclasses.fields(metric.Params) if one.name == "average"), None)
    average = getattr(metric.params, "average", None)
    return name if field is None or average == field.default else f"{name}_{average}"


def _home(key: str) -> str:
    return next((f"; it belongs to {home}" for home, keys in HOMES.items() if key in keys), "")


def _all_roles(table: Mapping[str, Any]) -> bool:
    """Whether a table without `use` names several plugins by role: data.env = { use = ... }."""
    rest = [value for key, value in table.items() if key != "split"]
    return bool(rest) and all(isinstance(value, dict) and "use" in value for value in rest)
