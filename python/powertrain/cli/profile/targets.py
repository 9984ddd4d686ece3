"""Whose steps are profiled: those that a recipe's strategy runs, or the step of a benchmark workload."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from powertrain.cli.profile.measure import Profile, Recorder
from powertrain.cli.profile.roofline import measure_roofline
from powertrain.plugin.run import Stream
from powertrain.recipe import Recipe, load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunError, RunFolder
from powertrain.train.run.compiled_steps import Stepper

WARM_UP = 3  # the first of them traces


class TimedStepper(Stepper):
    """Takes a given number of steps and times their instructions."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.steps_left = 0
        self.recorders: dict[Callable[..., Any], Recorder] = {}

    def loop(self, step: Callable[..., Any], source: Stream, n: int | None) -> None:
        wanted = source.left_in_epoch() if n is None else n
        super().loop(step, source, min(wanted, self.steps_left))

    def call(self, step: Callable[..., Any], names: tuple[str, ...], arrays: tuple[Any, ...]) -> Any:
        self.steps_left -= 1
        if step in self.recorders:
            return self.recorders[step].run(arrays)
        made = super().call(step, names, arrays)
        self.recorders[step] = Recorder(self.compiled[step, names], WARM_UP - 1, answers=made is not None)
        return made


def profile_recipe(recipe: Recipe, steps: int, base: Path | None = None) -> list[Profile]:
    """Profiles of each step function that the strategy loops over, from so many profiled steps of all together. Paths
    of data begin at `base`, or else at the recipe's folder."""
    if recipe.run.shards > 1:
        raise RunError(
            f"[profile] run.shards = {recipe.run.shards}, so that a step is several programs; expected one; profile "
            f"the step of one shard: --set run.shards=1 --set run.batch={recipe.run.batch // recipe.run.shards}"
        )
    with tempfile.TemporaryDirectory() as folder:
        run = build(recipe, RunFolder(Path(folder)), Display(quiet=True), base)
        run.stepper = stepper = TimedStepper(
            run.table.logs,
            run.progress,
            run.dataset.kind.tokens,
            recipe.run.precision,
            run.backend,
            run.watch,
            run.shards,
        )
        try:
            run.strategy.setup(run)
            stepper.steps_left = WARM_UP + 2 * steps
            while stepper.steps_left > 0:
                before = stepper.steps_left
                run.strategy.round(run)
                if stepper.steps_left == before:
                    raise RunError(
                        f"[profile] a round of {recipe.name}'s strategy ran no step; expected calls of run.loop, whose "
                        "steps can be timed; profile a recipe with another strategy"
                    )
            roofline = measure_roofline()
            return [
                recorder.profile(f"{recipe.name} {step.__name__}", roofline)
                for step, recorder in stepper.recorders.items()
                if recorder.runs and recorder.steps
            ]
        finally:
            run.close()


def profile_run(folder: RunFolder, settings: Iterable[str], steps: int, trust: bool = False) -> list[Profile]:
    """Profiles of the recipe that a run was made by, with the run's own changes and those of `settings`."""
    about = folder.about()
    if about["objects"]:
        sections = ", ".join(dict.fromkeys(path.partition(".")[0] for path in about["objects"]))
        raise RunError(
            f"[profile] {folder.path} was made from Python objects ({sections}), which its folder does not hold; "
            "expected the run of a recipe; in Python, step.profile(x, y) times a compiled step"
        )
    recipe = load_recipe(folder.path, [*about["overrides"], *settings], trust=trust)
    return profile_recipe(recipe, steps, Path(about["base"]))


def profile_workload(name: str, steps: int, precision: str = "f32") -> list[Profile]:
    """The profile of a benchmark workload's step."""
    from powertrain.cli.bench.steps import compiled_step

    step, batches = compiled_step(name, precision)
    recorder = Recorder(step, WARM_UP)
    for at in range(WARM_UP + 2 * steps):
        recorder.run(batches[at % len(batches)])
    return [recorder.profile(name, measure_roofline())]


def profile(
    name: str, settings: Iterable[str], steps: int, precision: str | None = None, trust: bool = False
) -> list[Profile]:
    """Profiles for the name or path of a recipe, the folder of a run, or the name of a workload, which has a
    precision."""
    from powertrain.cli.bench.arrays import WORKLOADS

    settings = list(settings)
    if name not in WORKLOADS:
        if precision is not None:
            raise RunError(
                f"[profile] --precision {precision} for the recipe {name}; expected a workload of powertrain bench; "
                f"use --set run.precision={precision}"
            )
        folder = RunFolder(Path(name))
        if folder.started:
            return profile_run(folder, settings, steps, trust)
        return profile_recipe(load_recipe(name, settings, trust=trust), steps)
    if settings:
        raise RunError(
            f"[profile] --set {settings[0]} for the workload {name}, which has no settings; expected a recipe; leave "
            "--set out"
        )
    return profile_workload(name, steps, precision or "f32")
