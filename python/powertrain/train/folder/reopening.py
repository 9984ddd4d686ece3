"""The recipe of a run that exists: from the copy in its folder; of a run that was made from Python objects, from its
tables and the same objects, given again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from powertrain.data import DataError, kept
from powertrain.io.files import MOST_BYTES
from powertrain.plugin.importing import in_words
from powertrain.train.folder.checkpoint import Arrays
from powertrain.train.folder.run_folder import RUN, RunError, RunFolder

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.recipe import Recipe

# Objects that a run can be looked at without: nothing is trained then. The data may be given later, to be measured on.
SPARED = ("callbacks", "optimizer", "data", "evaluate")
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
        folder.files.read("recipe.toml", MOST_BYTES)  # an ordinary file, before anybody else opens it
        return load_recipe(str(folder.path / "recipe.toml"), about["overrides"], trust=trust), ()
    given = {section: value for section, value in objects.items() if value is not None}
    lacking = [name for name in wanted if name not in given and name not in SPARED]
    unasked = [name for name in given if name not in wanted]
    if lacking or unasked:
        call = ", ".join(f"{KEYWORDS.get(name, name)}=..." for name in wanted if name in ("data", *lacking, *given))
        received = f"received {', '.join(given) or 'none'}"
        raise RunError(
            f"[{folder.path}] the run was made from Python objects ({', '.join(wanted)}), which its folder does not "
            f'hold; {received}; expected the same objects; open it in Python: pt.load("{folder.path}", {call})'
        )
    missing = tuple(name for name in wanted if name not in given)
    tables = {section: value for section, value in about["tables"].items() if section not in wanted}
    if "data" in missing:
        given["data"] = {"use": kept.without_examples(_record(folder, about), {})}
    if "data" in given and isinstance(split := _at(about["tables"], "data", "split"), dict):
        given["data"] = {**given["data"], "split": split}
    if "optimizer" in missing:
        tables["optimizer"] = "sgd"
    paths: dict[str, tuple[str | int, ...]] = {"evaluate": ("evaluate", "metrics")}
    return load_recipe(tables, objects={paths.get(name, (name,)): value for name, value in given.items()}), missing


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
        features = [(feature.plugin, feature.params) for feature in recipe.features]
        return kept.transformed(dataset, features, _states(arrays))
    except Exception as error:  # of whatever kind: plugins read here what may be anybody's
        raise RunError(
            f"[{folder.path}] what it keeps of its data cannot be used: {in_words(error)}; expected what powertrain "
            "train wrote, and the versions of run.lock; bring it back, or begin a new run"
        ) from error


def _record(folder: RunFolder, about: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] | None = about["data"]
    if record is None or "train" not in record["parts"]:
        raise RunError(
            f"[{folder.path / RUN}] it does not say what the data were; expected what powertrain train wrote; bring "
            "it back, or begin a new run"
        )
    return record


def _states(arrays: Arrays) -> dict[int, dict[str, NDArray[Any]]]:
    """What fitted transforms had learned, by their number; those that learn nothing are not there."""
    found: dict[int, dict[str, NDArray[Any]]] = defaultdict(dict)
    for name, value in arrays.items():
        if match := re.fullmatch(r"transform\.([0-9]{1,4})\.(.+)", name):
            found[int(match[1])][match[2]] = value
    return found
