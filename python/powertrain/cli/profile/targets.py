"""Whose steps are measured: those that a recipe's strategy runs, or the step of a benchmark workload."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from powertrain.cli.profile.measure import Profile, Recorder
from powertrain.cli.profile.roofline import measure_roofline
from powertrain.cli.profile.without import Change, Pairs, demand_pass
from powertrain.plugin.run import Stream
from powertrain.recipe import Recipe, load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunError, RunFolder
from powertrain.train.run.compiled_steps import Stepper

WARM_UP = 3  # the first of them traces


class Timer(Protocol):
    """Runs a compiled step once for each call and measures it."""

    def run(self, arrays: Sequence[Any]) -> Any: ...


# Makes a timer of a compiled step; told too whether the caller needs what the step gives.
MakeTimer = Callable[[Any, bool], Timer]


class TimedStepper(Stepper):
    """Takes a given number of steps, each by the timer of its function."""

    def __init__(self, make: MakeTimer, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.make = make
        self._observers = ()  # a step that is looked into runs another program
        self._repeats = False  # each step by itself
        self.steps_left = 0
        self.timers: dict[Callable[..., Any], Timer] = {}

    def loop(self, step: Callable[..., Any], source: Stream, n: int | None) -> None:
        wanted = source.left_in_epoch() if n is None else n
        super().loop(step, source, min(wanted, self.steps_left))

    def call(self, step: Callable[..., Any], names: tuple[str, ...], arrays: tuple[Any, ...]) -> Any:
        self.steps_left -= 1
        if step in self.timers:
            return self.timers[step].run(arrays)
        made = super().call(step, names, arrays)
        self.timers[step] = self.make(self.compiled[step, names], made is not None)
        return made


def time_recipe(recipe: Recipe, make: MakeTimer, steps: int, base: Path | None = None) -> list[tuple[str, Any]]:
    """The timers of each step function that the strategy loops over, by name, after so many steps of all together.
    Paths of data begin at `base`, or else at the recipe's folder."""
    if recipe.run.shards > 1:
        raise RunError(
            f"[profile] run.shards = {recipe.run.shards}, so that a step is several programs; expected one; profile "
            "the step of one shard: --set run.shards=1 --set "
            f"run.batch_size={recipe.run.batch_size // recipe.run.shards}"
        )
    with tempfile.TemporaryDirectory() as folder:
        run = build(recipe, RunFolder(Path(folder)), Display(quiet=True), base)
        run.stepper = stepper = run.made_stepper(functools.partial(TimedStepper, make))
        try:
            run.strategy.setup(run)
            stepper.steps_left = steps
            while stepper.steps_left > 0:
                before = stepper.steps_left
                run.strategy.round(run)
                if stepper.steps_left == before:
                    raise RunError(
                        f"[profile] a round of {recipe.name}'s strategy ran no step; expected calls of run.loop, whose "
                        "steps can be timed; profile a recipe with another strategy"
                    )
            return [(f"{recipe.name} {step.__name__}", timer) for step, timer in stepper.timers.items()]
        finally:
            run.close()


def time_run(
    folder: RunFolder, settings: Iterable[str], make: MakeTimer, steps: int, trust: bool = False
) -> list[tuple[str, Any]]:
    """The same for the recipe that a run was made by, with the run's own changes and those of `settings`."""
    about = folder.about()
    if about["objects"]:
        sections = ", ".join(dict.fromkeys(path.partition(".")[0] for path in about["objects"]))
        raise RunError(
            f"[profile] {folder.path} was made from Python objects ({sections}), which its folder does not hold; "
            "expected the run of a recipe; in Python, step.profile(x, y) times a compiled step"
        )
    recipe = load_recipe(folder.path, [*about["overrides"], *settings], trust=trust)
    return time_recipe(recipe, make, steps, Path(about["base"]))


def time_workload(name: str, make: MakeTimer, steps: int, precision: str = "f32") -> list[tuple[str, Any]]:
    """The timer of a benchmark workload's step."""
    from powertrain.cli.bench.steps import compiled_step

    step, batches = compiled_step(name, precision)
    step(*batches[0])
    timer = make(step, False)
    for at in range(1, steps):
        timer.run(batches[at % len(batches)])
    return [(name, timer)]


@dataclass(frozen=True)
class Target:
    """What a person names: a recipe or its path, the folder of a run, or a workload, which has a precision."""

    name: str
    settings: Sequence[str] = ()
    precision: str | None = None
    trust: bool = False

    def timed(self, make: MakeTimer, steps: int) -> list[tuple[str, Any]]:
        """Its steps by name, and the timers that have run them."""
        from powertrain.cli.bench.arrays import WORKLOADS

        if self.name not in WORKLOADS:
            if self.precision is not None:
                raise RunError(
                    f"[profile] --precision {self.precision} for the recipe {self.name}; expected a workload of "
                    f"powertrain bench; use --set run.precision={self.precision}"
                )
            folder = RunFolder(Path(self.name))
            if folder.started:
                return time_run(folder, self.settings, make, steps, self.trust)
            return time_recipe(load_recipe(self.name, self.settings, trust=self.trust), make, steps)
        if self.settings:
            raise RunError(
                f"[profile] --set {self.settings[0]} for the workload {self.name}, which has no settings; expected a "
                "recipe; leave --set out"
            )
        return time_workload(self.name, make, steps, self.precision or "f32")


def profile(target: Target, steps: int) -> list[Profile]:
    """Where the time of each step goes, from so many profiled steps."""
    found = target.timed(lambda step, answers: Recorder(step, WARM_UP - 1, answers), WARM_UP + 2 * steps)
    roofline = measure_roofline()
    return [recorder.profile(name, roofline) for name, recorder in found if recorder.runs and recorder.steps]


def change(target: Target, left_out: str, steps: int) -> list[Change]:
    """What a pass changes in each step, from so many pairs of steps."""
    demand_pass(left_out)
    found = target.timed(lambda step, answers: Pairs(step, left_out, WARM_UP), 1 + 2 * WARM_UP + 2 * steps)
    return [pairs.change(name) for name, pairs in found if pairs.seconds[1]]
