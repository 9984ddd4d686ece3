"""A run, made of its recipe and its data: a new one, and one that has begun, whose data may have changed since."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.data import kept
from powertrain.train.folder.reopening import rebuilt, with_target
from powertrain.train.folder.run_folder import RunError, RunFolder
from powertrain.train.preflight import demand_task
from powertrain.train.run.earlier import EARLIER
from powertrain.train.run.sources import prepare
from powertrain.train.run.train_run import TrainRun

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.recipe import Recipe
    from powertrain.train.display.display import Display


def data_record(run: TrainRun) -> dict[str, Any] | None:
    """What a run keeps of its data; None of an environment's, which needs no files."""
    if "train" not in run.recipe.data:
        return None
    return kept.record(run.dataset, run.sources.others())


def build_again(
    recipe: Recipe, folder: RunFolder, display: Display, base: Path | None = None, *, changed_data: bool = False
) -> tuple[TrainRun, list[str]]:
    """A run that has begun, with its data. Where they have changed it is refused, or, with `changed_data`, goes on:
    then the second is what has changed."""
    base = base or recipe.path.resolve().parent
    # Of a run that went on once, what was fitted at its beginning holds for ever.
    if folder.about().get("changed"):
        run, _ = _with_kept(recipe, folder, display, base)
    else:
        run = build(recipe, folder, display, base)
    changes = folder.changes(data_record(run))
    if not changes or not changed_data:
        folder.refuse_changes(changes)
        return run, []
    run.close()
    return _changed_run(recipe, folder, display, base)


def _with_kept(recipe: Recipe, folder: RunFolder, display: Display, base: Path) -> tuple[TrainRun, list[str]]:
    """A run on the data as they are now, with what was fitted before."""
    found, _ = folder.checkpoints.latest()
    if found is None:
        raise RunError(f"[{folder.path}] it has no checkpoint yet; expected one; start a new run on the changed data")
    dataset, words = rebuilt(folder, folder.about(), recipe, base, found.arrays)
    return build(recipe, folder, display, base, dataset), words


def _changed_run(recipe: Recipe, folder: RunFolder, display: Display, base: Path) -> tuple[TrainRun, list[str]]:
    """A run on data that have changed, in the form that its model reads, and a sentence on each change."""
    made, words = _with_kept(recipe, folder, display, base)
    about = folder.about()
    wrong = kept.misfits(about["data"], data_record(made) or {})
    if wrong:
        raise RunError(
            f"[{folder.path}] its model cannot read the changed data: {'; '.join(wrong)}; expected examples of the "
            "same form and classes; restore the data, or begin a new run"
        )
    said = [*folder.changes(data_record(made)), *words]
    display.warn(f"[{folder.path}] the data has changed since this run began: {'; '.join(said)}")
    return made, said


def build(
    recipe: Recipe, folder: RunFolder, display: Display, base: Path | None = None, dataset: DataModule | None = None
) -> TrainRun:
    """A run, ready to fit or to load a checkpoint into. With a data set it does not look for the recipe's."""
    EARLIER.free()  # before data are loaded once more
    pt.end_phase()  # of a gradient outside of the run, with which a guard would undo what a checkpoint loads
    if recipe.run.threads is not None:
        pt.set_threads(recipe.run.threads)
    base = base or recipe.path.resolve().parent
    dataset = dataset or _as_learned(prepare(recipe, base), recipe, folder)
    if folder.started and dataset.open_classes:
        dataset = dataset.with_classes(folder.about()["data"]["outputs"])
    demand_task(recipe, dataset)
    return TrainRun(recipe, folder, dataset, display, base)


def _as_learned(dataset: DataModule, recipe: Recipe, folder: RunFolder) -> DataModule:
    """The data set with the target scale that the run's model has learned: version 0.1 left logarithms as they are."""
    if not folder.started or recipe.target is None or not recipe.target.scale.startswith("log"):
        return dataset
    found, _ = folder.checkpoints.latest()
    if found is None or "target.mean" in found.arrays:
        return dataset
    return with_target(dataset, recipe, found.arrays)
