"""The recipe of a run that exists: from the copy in its folder; of a run that was made from Python objects, from its
tables and the same objects, given again."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain._core import Error
from powertrain.data import DataError, identities, kept
from powertrain.data.identity import moved
from powertrain.data.targets import TargetScale
from powertrain.io.array_pieces import Arrays
from powertrain.io.files import MOST_BYTES
from powertrain.plugin.importing import in_words
from powertrain.train.folder.lock import not_installed
from powertrain.train.folder.run_folder import RUN, RunError, RunFolder
from powertrain.train.run.sources import split

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.recipe import Recipe

# Objects that a run can be looked at without: nothing is trained then. The data may be given later, to be measured on.
SPARED = ("callbacks", "optimizer", "data", "evaluate")
# Groups of plugins that it can be looked at without, with the section that names them and what takes its place.
SPARED_PLUGINS = {"callback": ("callbacks", "[]"), "optimizer": ("optimizer", "sgd"), "schedule": ("optimizer", "sgd")}
# What a section is called in calls from Python.
KEYWORDS = {"evaluate": "metrics"}


def reopened(
    folder: RunFolder, about: Mapping[str, Any], trust: bool, objects: Mapping[str, Any]
) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe, and the sections whose objects are missing and were done without."""
    from powertrain.recipe import load_recipe

    wanted = list(dict.fromkeys(path.partition(".")[0] for path in about["objects"]))
    if not wanted:
        if objects:
            raise RunError(
                f"[{folder.path}] received {', '.join(objects)}; expected none, since the run's recipe says what they "
                "are; leave them out"
            )
        return _of_text(folder, about["overrides"], trust)
    given = {section: value for section, value in objects.items() if value is not None}
    lacking = [name for name in wanted if name not in given and name not in SPARED]
    unasked = [name for name in given if name not in wanted]
    if lacking or unasked:
        call = ", ".join(f"{KEYWORDS.get(name, name)}=..." for name in wanted if name in (*lacking, *given))
        received = f"received {', '.join(given) or 'none'}"
        raise RunError(
            f"[{folder.path}] the run was made from Python objects ({', '.join(wanted)}), which its folder does not "
            f'hold; {received}; expected the same objects; open it in Python: pt.load("{folder.path}", {call})'
        )
    missing = tuple(name for name in wanted if name not in given)
    tables = {section: value for section, value in about["tables"].items() if section not in wanted}
    if "data" in missing:
        made_by = _at(about["tables"], "data", "use", "made_by")
        bare = kept.without_examples(_record(folder, about), {})
        given["data"] = {"use": dataclasses.replace(bare, made_by=made_by if isinstance(made_by, dict) else {})}
    if "data" in given and isinstance(split := _at(about["tables"], "data", "split"), dict):
        given["data"] = {**given["data"], "split": split}
    if "optimizer" in missing:
        tables["optimizer"] = "sgd"
    paths: dict[str, tuple[str | int, ...]] = {"evaluate": ("evaluate", "metrics")}
    return load_recipe(tables, objects={paths.get(name, (name,)): value for name, value in given.items()}), missing


def _of_text(folder: RunFolder, overrides: Sequence[str], trust: bool) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe in the folder; where plugins are not installed that only training needs, without them."""
    from powertrain.recipe import RecipeError, load_recipe

    try:
        folder.files.read("recipe.toml", MOST_BYTES)  # an ordinary file, before anybody else opens it
    except FileNotFoundError:
        raise RunError(
            f"[{folder.path}] it holds no recipe.toml; expected the recipe that powertrain train wrote there; restore "
            "it from a copy of the folder, or train again"
        ) from None
    given = str(folder.path / "recipe.toml")
    try:
        return load_recipe(given, overrides, trust=trust), ()
    except RecipeError:
        spared = {SPARED_PLUGINS[group] for group, *_ in not_installed(folder.files) if group in SPARED_PLUGINS}
        if not spared:
            raise
    without = [f"{section}={value}" for section, value in sorted(spared)]
    recipe = load_recipe(given, [*overrides, *without], trust=trust)
    return dataclasses.replace(recipe, overrides=tuple(overrides)), tuple(section for section, _ in sorted(spared))


def _at(tables: Any, *keys: str) -> Any:
    for key in keys:
        tables = tables.get(key) if isinstance(tables, Mapping) else None
    return tables


def kept_data(folder: RunFolder, about: Mapping[str, Any], recipe: Recipe, arrays: Arrays) -> DataModule:
    """The run's data set without its examples, from the record in the folder and the arrays of a checkpoint."""
    use, record = recipe.data["train"], _record(folder, about)
    try:
        state = {name: arrays[f"data.{name}"] for name in record["state"]}
        dataset = use.plugin.reopen(use.params, kept.without_examples(record, state))
        if record["own_task"] and dataset.own_task is None:
            raise DataError(
                use.name,
                f"a data set without its task {record['task']}",
                "expected what reopen adds",
                "give it there: dataclasses.replace(kept, own_task=...); of a run of objects, pass data= again",
            )
        dataset = with_target(dataset, recipe, arrays)
        features = [(feature.plugin, feature.params) for feature in recipe.features]
        return kept.transformed(dataset, features, _states(arrays))
    except Exception as error:  # of whatever kind: plugins read here what may be anybody's
        raise _unusable(folder, error) from error


def rebuilt(
    folder: RunFolder, about: Mapping[str, Any], recipe: Recipe, base: Path, arrays: Arrays
) -> tuple[DataModule, list[str]]:
    """The run's data set from files that have changed: with what was fitted before, and known examples in the parts
    that they were in; and sentences on what changed in these parts."""
    use, record, known = recipe.data["train"], _record(folder, about), folder.examples()
    try:
        state = {name: arrays[f"data.{name}"] for name in record["state"]}
        dataset = use.plugin.rebuild(use.params, base, kept.without_examples(record, state), known)
        _demand_state(dataset, state)
        dataset = split(dataset, recipe, known)
        dataset.kind.check(dataset)
        words = _of_parts(known, dataset)
        dataset = with_target(dataset, recipe, arrays)
        features = [(feature.plugin, feature.params) for feature in recipe.features]
        return kept.transformed(dataset, features, _states(arrays), whole=True), words
    except Error:  # which says what is wrong with the data as they are now
        raise
    except Exception as error:
        raise _unusable(folder, error) from error


def _demand_state(dataset: DataModule, kept_state: Mapping[str, NDArray[Any]]) -> None:
    """Refuse a data set that has fitted again what the model was trained with."""
    now = dataset.state
    anew = [name for name, value in kept_state.items() if name not in now or not np.array_equal(now[name], value)]
    if anew:
        raise DataError(
            dataset.name, f"{', '.join(anew)} fitted again, since the data has changed",
            "expected what the model was trained with",
            "measure it on data of your own, run.evaluate((x, y)), or begin a new run",
        )  # fmt: skip


def _unusable(folder: RunFolder, error: Exception) -> RunError:
    return RunError(
        f"[{folder.path}] what it keeps of its data cannot be used: {in_words(error)}; expected what powertrain train "
        "wrote, and the versions of run.lock; restore it, or begin a new run"
    )


def _of_parts(known: Mapping[str, NDArray[Any]] | None, dataset: DataModule) -> list[str]:
    """Whether anything that was trained on is in another part now."""
    now = identities_of(dataset)
    if known is None or not now:
        return ["the parts may have been drawn again: training examples may now be in the test part"]
    count = moved(known, now)
    if count:
        return [f"{count:,} examples that were trained on are in another part now"]
    return ["every known example is in the part that it was in"]


def identities_of(dataset: DataModule) -> dict[str, NDArray[Any]]:
    """The identities of all examples by part; nothing where some have none."""
    found = {part: identities(source) for part, source in dataset.splits.items()}
    known = {part: ids for part, ids in found.items() if ids is not None}
    return known if len(known) == len(found) else {}


def with_target(dataset: DataModule, recipe: Recipe, arrays: Arrays) -> DataModule:
    """With the scale on which the model has learned its targets."""
    if recipe.target is None:
        return dataset
    fitted = {name: arrays[f"target.{name}"] for name in ("mean", "deviation") if f"target.{name}" in arrays}
    target = TargetScale.restored(recipe.target.scale, recipe.target.unit, fitted)
    return dataclasses.replace(dataset, target=target)


def _record(folder: RunFolder, about: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] | None = about["data"]
    if record is None or "train" not in record["parts"]:
        raise RunError(
            f"[{folder.path / RUN}] it does not say what the data were; expected what powertrain train wrote; restore "
            "it, or start a new run"
        )
    return record


def _states(arrays: Arrays) -> dict[int, dict[str, NDArray[Any]]]:
    """What fitted transforms had learned, by their number; those that learn nothing are not there."""
    found: dict[int, dict[str, NDArray[Any]]] = defaultdict(dict)
    for name in arrays:
        if match := re.fullmatch(r"transform\.([0-9]{1,4})\.(.+)", name):
            found[int(match[1])][match[2]] = arrays[name]
    return found
