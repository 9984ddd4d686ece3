"""Which of two classes is the positive one: the second, or what `evaluate.pos_label` names."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from powertrain.data.classes import class_number, classes_to_name
from powertrain.plugin import registry
from powertrain.plugin.params import params_of
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.recipe import Recipe

SETTING = "pos_label"  # of the metrics that are about one of two classes


def has_positive_class(params: Any) -> bool:
    """Whether a metric's settings name its positive class."""
    return SETTING in (field.name for field in dataclasses.fields(params))


def positive_class(recipe: Recipe, dataset: DataModule) -> int:
    """The number of the positive class. A setting that names none of two classes, or that nothing reads, is refused."""
    asked, wanted = recipe.evaluate, recipe.evaluate.pos_label
    if wanted is None:
        return 1
    where = "[evaluate.pos_label]"
    if not dataset.kind.classes or dataset.outputs != 2:
        what = f"{dataset.outputs} classes" if dataset.kind.classes else f"a {dataset.task} task"
        raise RunError(
            f"{where} received {wanted!r} for {what}; expected it with two classes; leave it out, and average over "
            "classes with f1_macro"
        )
    found = class_number(dataset, wanted)
    if found is None:
        raise RunError(f"{where} received {wanted!r}; expected {classes_to_name(dataset)}; write one of them")
    read = [name for name in asked.metrics or () if name not in recipe.measures and _reads(name)]
    if not read and asked.threshold is None and not recipe.report.groups:
        raise RunError(
            f"{where} received {wanted!r}, and no metric that is about one class; expected one by name, such as f1; "
            'write metrics = ["f1"], or leave it out; a metric object has its own: pt.metrics.F1(pos_label=0)'
        )
    return found


def _reads(name: str) -> bool:
    plugin: Any = registry().load("metric", name)
    return has_positive_class(params_of(plugin))
