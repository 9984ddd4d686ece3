"""A run that is begun to be measured: some of its rounds, an evaluation, a checkpoint, and its end.

It is the run itself, in a folder and with random numbers of its own, and ends after seconds. So each part costs what it
will cost, whatever the strategy does; nothing here knows any of them.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from powertrain import _core
from powertrain.devices.place import chosen
from powertrain.io.hashing import hash_arrays
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.checkpoint import FOLDER
from powertrain.train.folder.run_folder import RunFolder
from powertrain.train.planning.counting import Extent, Round, extent
from powertrain.train.planning.stepping import Looped, TimedEvaluations, TimedSaver, TimedStepper
from powertrain.train.report.energy import Meter, Usage
from powertrain.train.report.process import peak_bytes, resident_bytes
from powertrain.train.run.named_slots import own_random_numbers
from powertrain.train.run.pretrained import demand_weights
from powertrain.train.run.ring import Ring
from powertrain.train.session import begin, conclude

if TYPE_CHECKING:
    from powertrain.recipe import Recipe
    from powertrain.train.run.train_run import TrainRun

LEAST_STEPS = 20  # timed ones of each step function
LEAST_SECONDS = 3.0  # of rounds; fewer say little of steps that take a thousandth of one
MOST_SECONDS = 60.0  # of rounds, where they are long, or where a strategy plays before it learns
AGAIN_SECONDS = 5.0  # an evaluation that took less is done again: the first one traced


@dataclass(frozen=True)
class Stage:
    """A part of the run, with what the process held after it and the most that it held until then, in bytes."""

    name: str
    resident: int
    peak: int


@dataclass
class Rehearsal:
    """What was measured."""

    run: TrainRun
    stepper: TimedStepper
    evaluations: TimedEvaluations
    saver: TimedSaver
    stages: list[Stage]
    start: Usage = field(default_factory=Usage)  # until the first round
    rounds: list[Round] = field(default_factory=list)
    end: Usage = field(default_factory=Usage)  # after the last one
    checkpoint: dict[str, int] = field(default_factory=dict)  # files, with their bytes
    files: dict[str, int] = field(default_factory=dict)  # all of them
    device_bytes: int = 0  # the most that a GPU held

    def stage(self, name: str) -> None:
        self.stages.append(Stage(name, resident_bytes(), peak_bytes()))

    @property
    def over(self) -> bool:
        """Whether it was the whole run."""
        return not self.run.progress < self.run.recipe.run.until

    def extent(self) -> Extent:
        return extent(self.rounds, self.stepper.looped, self.run.horizon, self.over)


def rehearse(recipe: Recipe, path: Path) -> Rehearsal:
    """Begin a recipe's run in an empty folder and measure it. Callbacks are left out: they may tell others of a run."""
    first = Stage("imports", resident_bytes(), peak_bytes())
    meter = Meter()
    demand_weights(recipe.beginnings)
    with chosen(recipe.run.device, "run"), own_random_numbers():
        run = build(dataclasses.replace(recipe, callbacks=()), RunFolder(path), Display(quiet=True))
        try:
            return _rehearsed(run, meter, first)
        finally:
            run.close()


def _rehearsed(run: TrainRun, meter: Meter, first: Stage) -> Rehearsal:
    stepper = run.made_stepper(TimedStepper)
    found = Rehearsal(run, stepper, TimedEvaluations(run), TimedSaver(run), [first])
    run.stepper, run.evaluations, run.saver = stepper, found.evaluations, found.saver
    found.stage("data")
    run.before_first = lambda: begin(run)
    run.strategy.setup(run)
    run.restore()
    found.start = meter.usage()
    found.stage("model")
    _train(found)
    found.stage("rounds")
    _fill_rings(found)
    _evaluate(found)
    found.stage("evaluation")
    found.saver.save()
    found.checkpoint = {name: size for name, size in _files(run).items() if name.startswith(FOLDER)}
    found.stage("checkpoint")
    _end(found)
    found.files = _files(run)
    found.stage("end")
    if (device := _core.current_device()) != "cpu":
        found.device_bytes = _core.device_usage(device)[-1]
    return found


def _train(found: Rehearsal) -> None:
    """Rounds, until enough is known of them or the run is over."""
    run, began = found.run, time.monotonic()

    def enough(looped: Looped) -> bool:
        return len(looped.seconds) >= LEAST_STEPS and time.monotonic() - began >= LEAST_SECONDS

    found.stepper.enough = enough
    while not run.done:
        found.rounds.append(_round(found))
        seconds = time.monotonic() - began
        looped = found.stepper.looped.values()
        # A strategy with an optimizer that made no step yet still plays to fill what it will learn from.
        known = all(map(enough, looped)) if looped else seconds >= LEAST_SECONDS and not run.table.optimizers
        if (known and not found.rounds[-1].traced) or seconds >= MOST_SECONDS:
            return


def _round(found: Rehearsal) -> Round:
    run, stepper = found.run, found.stepper
    apart, progress, wanted = _apart(found), dataclasses.asdict(run.progress), stepper.wanted()
    ran, traced, in_loops, meter = stepper.calls, stepper.traced, stepper.in_loops, Meter()
    run.strategy.round(run)
    run.commit()
    return Round(
        meter.usage() - (_apart(found) - apart),
        stepper.in_loops - in_loops,
        {step: count - wanted.get(step, 0) for step, count in stepper.wanted().items()},
        stepper.calls - ran,
        {name: value - progress[name] for name, value in dataclasses.asdict(run.progress).items()},
        stepper.traced > traced or not found.rounds,
    )


def _apart(found: Rehearsal) -> Usage:
    """What evaluations and checkpoints took so far."""
    return sum([*found.evaluations.took, *found.saver.took], Usage())


def _fill_rings(found: Rehearsal) -> None:
    """Let rings hold as many rows as they will: what is missing are copies of those that they have."""
    times = found.extent().rounds / len(found.rounds)
    for ring in rings(found.run):
        wanted = min(ring.size, int(ring.appended * times))
        while 0 < len(ring) < wanted:
            ring.append(**{name: rows[: wanted - len(ring)] for name, rows in ring.rows().items()})


def rings(run: TrainRun) -> list[Ring]:
    return [group for group in run.table.groups.values() if isinstance(group, Ring)]


def _evaluate(found: Rehearsal) -> None:
    took = found.evaluations.took
    if not took:
        found.run.evaluations.evaluate()
    if len(took) == 1 and took[0].seconds < AGAIN_SECONDS:
        found.run.evaluations.evaluate()


def _end(found: Rehearsal) -> None:
    """What follows the last round, as `train` does it."""
    run, sampled = found.run, found.evaluations.sampled
    meter, left_out = Meter(), sampled.left_out
    digest = hash_arrays(run.table.snapshot())
    run.evaluations.use_best()
    conclude(run, meter.read(), digest)
    found.end = meter.usage() + (sampled.left_out - left_out)


def _files(run: TrainRun) -> dict[str, int]:
    """The files of its folder with their bytes."""
    root = run.folder.path
    return {path.relative_to(root).as_posix(): path.stat().st_size for path in root.rglob("*") if path.is_file()}
