"""Whose steps are profiled: those that a recipe's strategy runs, or the step of a benchmark workload."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import powertrain as pt
from powertrain.profile.measure import Profile, Recorder
from powertrain.profile.roofline import measure_roofline
from powertrain.recipe import Recipe, load_recipe
from powertrain.train.folder import RunError, RunFolder
from powertrain.train.progress import Display
from powertrain.train.run import TrainRun
from powertrain.train.sources import TrainSource, prepare

WARM_UP = 3  # the first of them traces


class ProfiledRun(TrainRun):
    """A run that takes a given number of steps and times their instructions. It saves and evaluates nothing."""

    steps_left = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.recorders: dict[Callable[..., Any], Recorder] = {}

    def loop(self, step: Callable[..., Any], source: TrainSource, n: int | None = None) -> None:
        wanted = source.left_in_epoch() if n is None else n
        super().loop(step, source, min(wanted, self.steps_left))

    def _execute(self, step: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
        self.steps_left -= 1
        if step not in self.recorders:
            super()._execute(step, arrays)
            self.recorders[step] = Recorder(self._compiled[step], WARM_UP - 1)
            return
        self.recorders[step].run(arrays)


def profile_recipe(recipe: Recipe, steps: int) -> list[Profile]:
    """Profiles of each step function that the strategy loops over, from so many profiled steps of all together."""
    if recipe.run.threads is not None:
        pt.set_threads(recipe.run.threads)
    with tempfile.TemporaryDirectory() as folder:
        dataset = prepare(recipe, recipe.path.resolve().parent)
        run = ProfiledRun(recipe, RunFolder(Path(folder)), dataset, Display(quiet=True))
        try:
            run.strategy.setup(run)
            run.steps_left = WARM_UP + 2 * steps
            while run.steps_left > 0:
                before = run.steps_left
                run.strategy.round(run)
                if run.steps_left == before:
                    raise RunError(
                        f"[profile] a round of {recipe.name}'s strategy ran no step; expected calls of run.loop, whose "
                        "steps can be timed; profile a recipe with another strategy"
                    )
            roofline = measure_roofline()
            return [
                recorder.profile(f"{recipe.name} {step.__name__}", roofline)
                for step, recorder in run.recorders.items()
                if recorder.runs and recorder.steps
            ]
        finally:
            run.close()


def profile_workload(name: str, steps: int) -> list[Profile]:
    """The profile of a benchmark workload's step."""
    from powertrain.bench.steps import compiled_step

    step, batches = compiled_step(name)
    recorder = Recorder(step, WARM_UP)
    for at in range(WARM_UP + 2 * steps):
        recorder.run(batches[at % len(batches)])
    return [recorder.profile(name, measure_roofline())]


def profile(name: str, settings: Iterable[str], steps: int) -> list[Profile]:
    """Profiles for a recipe's name or path, or for a workload's name."""
    from powertrain.bench.arrays import WORKLOADS

    settings = list(settings)
    if name not in WORKLOADS:
        return profile_recipe(load_recipe(name, settings), steps)
    if settings:
        raise RunError(
            f"[profile] --set {settings[0]} for the workload {name}, which has no settings; expected a recipe; leave "
            "--set out"
        )
    return profile_workload(name, steps)
