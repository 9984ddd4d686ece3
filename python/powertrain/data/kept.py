"""What a run keeps of its data set: enough to predict where the examples are gone, and to see that they have changed.

The record is a table for JSON, `record`; what was fitted on the training part lies among the arrays of a checkpoint.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.dataset import ArrayDataset
from powertrain.data.errors import DataError
from powertrain.data.module import DataModule
from powertrain.data.source import Array, Fields, Source, spaced_examples
from powertrain.data.transforms import untransformed
from powertrain.plugin.bases import RandomTransform, Transform
from powertrain.plugin.protocols import is_random

# The form of a record, as `powertrain.io.records` reads it.
PART = {"examples": int, "fields": {...: str}, "crc32": int}
RECORD = {
    "name": str, "task": str, "outputs": int, "labels": [str], "columns": [str], "context": (int,), "state": [str],
    "parts": {...: PART}, "others": {...: PART}, "own_task": bool,
}  # fmt: skip
# So many examples of a part, evenly spaced, are in its check sum.
CHECKED = 256
# Rows on which a transform is made before it takes up what it had learned.
_ROWS = 2
_MOST_NUMBERS = 1 << 28  # of one example: more is no example, but a damaged record


def record(dataset: DataModule, others: Mapping[str, Source] | None = None) -> dict[str, Any]:
    """What is to be kept of a data set, and of other sources that a run reads."""
    return {
        "name": dataset.name, "task": dataset.task, "outputs": dataset.outputs, "labels": list(dataset.labels),
        "columns": list(dataset.columns), "context": dataset.context, "state": list(dataset.state),
        "parts": {part: described(untransformed(source)) for part, source in dataset.splits.items()},
        "others": {name: described(untransformed(source)) for name, source in (others or {}).items()},
        "own_task": dataset.own_task is not None,
    }  # fmt: skip


def described(source: Source) -> dict[str, Any]:
    """How many examples, of what form, and a check sum of some: enough to see that a run got other data."""
    fields = spaced_examples(source, CHECKED)
    forms = {name: f"{array.dtype}{list(array.shape[1:])}" for name, array in fields.items()}
    check = 0
    for array in fields.values():
        check = zlib.crc32(np.ascontiguousarray(array).tobytes(), check)
    return {"examples": len(source), "fields": forms, "crc32": check}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """How a data set differs from the one that a run began with, by their records; nothing where it does not."""
    found = misfits(before, now)
    for part, was in before["parts"].items():
        became = now["parts"].get(part)
        if became is None or was["fields"] != became["fields"]:
            continue
        if was["examples"] != became["examples"]:
            found.append(f"{part} had {was['examples']:,} examples, has {became['examples']:,}")
        elif was["crc32"] != became["crc32"]:
            found.append(f"{part} has other examples")
    return found


def misfits(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The differences with which a model that was trained on the one cannot read the other."""
    found = [
        f"{name} was {_shown(before[name])}, is {_shown(now[name])}"
        for name in ("task", "outputs", "labels", "columns", "context")
        # Names of columns that only one of the two has say nothing: a data frame may become an array.
        if before[name] != now[name] and (name != "columns" or (before[name] and now[name]))
    ]
    for part, was in before["parts"].items():
        became = now["parts"].get(part)
        if became is None:
            found.append(f"{part} is gone")
        elif was["fields"] != became["fields"]:
            found.append(f"the examples of {part} were {_shown(was['fields'])}, are {_shown(became['fields'])}")
    return found


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def without_examples(kept: Mapping[str, Any], state: Mapping[str, Array]) -> DataModule:
    """The data set of a record, with zeros in place of examples."""
    splits = {part: ArrayDataset(_zeros(one, part)) for part, one in {**kept["parts"], **kept["others"]}.items()}
    return DataModule(
        kept["name"], kept["task"], splits, kept["outputs"], tuple(kept["labels"]), state=state,
        columns=tuple(kept["columns"]), context=kept["context"],
    )  # fmt: skip


def _zeros(part: Mapping[str, Any], name: str) -> Fields:
    """Zeros of forms such as float32[8, 8], which take no memory."""
    try:
        made: Fields = {}
        for field, form in part["fields"].items():
            dtype, _, shape = form.rstrip("]").partition("[")
            sizes = [int(size) for size in shape.split(",") if size.strip()]
            if min(sizes, default=0) < 0 or np.prod(sizes, dtype=np.float64) > _MOST_NUMBERS:
                raise ValueError(form)
            made[field] = np.broadcast_to(np.zeros((1, *sizes), dtype=np.dtype(dtype)), (part["examples"], *sizes))
        return made
    except (ValueError, TypeError) as error:
        raise DataError(
            f"data {name}", f"examples of the form {error}", "expected a dtype and sizes such as float32[8, 8]",
            "restore that file of the run",
        ) from None  # fmt: skip


def transformed(
    dataset: DataModule,
    plugins: Sequence[tuple[type[Any], object]],
    states: Mapping[int, Mapping[str, NDArray[Any]]],
    *,
    whole: bool = False,
) -> DataModule:
    """A data set through transforms, (plugin, params) each, that take up what they had learned, by their number among
    the fitted ones. Without examples, unless it is `whole`, the random ones are left out."""
    fitted: list[Transform] = []
    chain: list[Transform | RandomTransform] = []
    example = dataset.train.fetch(np.zeros(_ROWS, dtype=np.int64))["x"] if "train" in dataset.splits else None
    for plugin, params in plugins:
        assert example is not None
        if is_random(plugin):  # these change training batches alone
            chain += [plugin.build(params, dataset.inputs_of(example))] if whole else []
            continue
        made = plugin.build(params, example)
        made.restore(states.get(len(fitted), {}))
        fitted.append(made)
        chain.append(made)
        example = made(example)
    return dataset.through(chain) if chain else dataset
