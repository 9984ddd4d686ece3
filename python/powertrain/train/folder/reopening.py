"""The recipe of a run that exists: from the copy in its folder; of a run that was made from Python objects, from its
tables and the same objects, given again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.io.files import MOST_BYTES
from powertrain.io.records import MisfitError, fitted
from powertrain.train.folder.run_folder import RunError, RunFolder

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.recipe import Recipe

# Objects that a run can be looked at without: nothing is trained then. The data may be given later, to be measured on.
SPARED = ("callbacks", "optimizer", "data", "evaluate")
# What a section is called in calls from Python.
KEYWORDS = {"evaluate": "metrics"}
PARTS = {"use": str, "task": str, "outputs": int, "parts": {...: {"examples": int, "fields": {...: str}}}}


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
        given["data"] = {"use": _stand_in(folder, about["tables"])}
    if "data" in given and isinstance(split := _at(about["tables"], "data", "split"), dict):
        given["data"] = {**given["data"], "split": split}
    if "optimizer" in missing:
        tables["optimizer"] = "sgd"
    paths: dict[str, tuple[str | int, ...]] = {"evaluate": ("evaluate", "metrics")}
    return load_recipe(tables, objects={paths.get(name, (name,)): value for name, value in given.items()}), missing


def _stand_in(folder: RunFolder, tables: Any) -> DataModule:
    """Data of zeros in the form of those that the run was trained on: enough to predict."""
    from powertrain.data import ArrayDataset, DataModule

    if tables.get("features"):
        raise RunError(
            f"[{folder.path}] the run was made from Python objects, and its features were fitted on the data; expected "
            f'them too; pass them: pt.load("{folder.path}", model=..., data=...)'
        )
    try:
        record = fitted(_at(tables, "data", "use"), PARTS)
        splits = {
            part: ArrayDataset({name: _zeros(form, one["examples"]) for name, form in one["fields"].items()})
            for part, one in record["parts"].items()
        }
    except (MisfitError, ValueError, TypeError) as error:
        raise RunError(
            f"[{folder.path / 'run.json'}] it does not say what the data were: {error}; expected what pt.fit wrote; "
            "pass data=(x, y)"
        ) from error
    labels = tuple(map(str, range(record["outputs"]))) if record["task"] == "classification" else ()
    return DataModule(record["use"], record["task"], splits, record["outputs"], labels)


def _zeros(form: str, examples: int) -> np.ndarray[Any, Any]:
    """Zeros of a form such as float32[8, 8], which take no memory."""
    dtype, _, shape = form.rstrip("]").partition("[")
    sizes = [int(size) for size in shape.split(",") if size.strip()]
    return np.broadcast_to(np.zeros((1, *sizes), dtype=np.dtype(dtype)), (examples, *sizes))


def _at(tables: Any, *keys: str) -> Any:
    for key in keys:
        tables = tables.get(key) if isinstance(tables, Mapping) else None
    return tables
