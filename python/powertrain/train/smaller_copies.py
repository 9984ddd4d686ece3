"""Copies of runs with smaller weights: how they are written, and what is measured beside the run that they are of."""

from __future__ import annotations

import contextlib
import shutil
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.io.records import to_json
from powertrain.models.folders import copy_run
from powertrain.train.closing_words import headline_metric
from powertrain.train.evaluate.predict import example_of, transformed
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.run_folder import QUANTIZED, REPORT, RESULTS, RunError, RunFolder
from powertrain.train.session import measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from powertrain.nn import Module
    from powertrain.train.run.train_run import TrainRun
    from powertrain.train.trained_run import TrainedRun

Scores = dict[str, dict[str, float]]
TIMED = 30  # predictions of one example; their median counts
# What a run without training does not need: slots of the optimizer, and of early stopping.
LEFT_OUT = ("optimizer", "best", "stop")


class SmallerCopy:
    """What is asked of a smaller copy of a run alike, however it was made."""

    VERB: ClassVar[str]
    DONE: ClassVar[str]  # what the run is then
    ADVICE: ClassVar[str]  # for one that cost too much

    folder: Path | None
    source: Path
    metric: str
    cost: float

    @property
    def kept(self) -> bool:
        """Whether there is a new run."""
        return self.folder is not None

    @property
    def run(self) -> TrainedRun:
        """The new run, opened."""
        if self.folder is None:
            raise RunError(
                f"[{self.VERB}] {self.source} was not {self.DONE}, since that would cost {self.cost:.4g} of "
                f"{self.metric}; expected a {self.DONE} run; {self.ADVICE}"
            )
        return pt.load(self.folder)


@contextlib.contextmanager
def copied(source: Path, target: Path) -> Iterator[None]:
    """A copy of a run, which is gone again where the block fails."""
    copy_run(source, target)
    try:
        yield
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def demand_copy(trained: TrainedRun, verb: str, tolerance: float | None, folder: Path | None, usual: str) -> Path:
    """Refuse what cannot be done before anything is measured; the folder of the new run."""
    where, objects = trained.folder, trained.run.recipe.objects
    if objects:
        raise RunError(
            f"[{verb}] {where} was made from Python objects ({', '.join(objects)}), which its folder "
            f"does not hold; expected a run of a recipe; {verb} its model"
            + (": pt.quantize(run.model)" if verb == "quantize" else " by pt.nn.utils.prune")
        )
    if not trained.run.table.modules:
        raise RunError(
            f"[{verb}] {where} trains no model of layers; expected a run of a neural network; {verb} one of these"
        )
    if not trained.results:
        raise RunError(f"[{verb}] {where} has no results yet; expected a finished run; train it to its end first")
    if trained.run.folder.files.there(QUANTIZED):
        wanted = "a run of floats"
        raise RunError(f"[{verb}] {where} is quantized already; expected {wanted}; {verb} the first one")
    if tolerance is not None and not 0 <= tolerance < np.inf:
        raise RunError(f"[{verb}] tolerance = {tolerance}; expected a number of at least 0; 0.01 is usual")
    target = folder or where.with_name(f"{where.name}-{usual}")
    if target.exists():
        raise RunError(f"[{verb}] {target} exists already; expected a new folder; give another one with --out")
    return target


def role_of(run: TrainRun) -> str:
    """Of the model that answers, as `TrainedRun.model` has it."""
    return "model" if "model" in run.table.modules else next(iter(run.table.modules))


def scores_of(run: TrainRun) -> Scores:
    return {part: evaluation.values for part, evaluation in measure(run).items()}


def cost_of(run: TrainRun, part: str, before: Scores, after: Scores) -> tuple[str, float]:
    """The metric that people look at first, and by how much it got worse."""
    metric = headline_metric(run, before[part])
    assert run.evaluations.evaluator is not None
    lower = metric == "loss" or getattr(run.evaluations.evaluator.metrics.get(metric), "lower_is_better", False)
    change = after[part][metric] - before[part][metric]
    return metric, change if lower else -change


def change_words(part: str, metric: str, before: Scores, after: Scores, cost: float) -> str:
    """`test accuracy 0.98 before, 0.97 after: worse by 0.01`."""
    how = "worse" if cost > 0 else "better" if cost < 0 else "the same"
    values = f"{part} {metric} {before[part][metric]:.4g} before, {after[part][metric]:.4g} after: {how}"
    return values + (f" by {abs(cost):.4g}" if cost else "")


def milliseconds_of(run: TrainRun) -> float:
    """The median time of a prediction of one example."""
    x = transformed(run, example_of(run)[None])
    run.predict(x)
    times = []
    for _ in range(TIMED):
        start = time.perf_counter()
        run.predict(x)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def bytes_of(model: Module) -> int:
    return sum(slot.numpy().nbytes for _, slot in model.named_slots())


def write_weights(
    folder: RunFolder, role: str, twin: Module, file: str, about: Mapping[str, Any]
) -> dict[str, NDArray[Any]]:
    """Put the weights of a module in the place of a copied run's, say in a file what they are, and take away what was
    measured of the others."""
    found, _ = folder.checkpoints.latest()
    if found is None:
        raise RunError(f"[{folder.path}] it has no checkpoint that can be read; expected a trained run; train it again")
    dropped = (*LEFT_OUT, role)
    arrays = {name: found.arrays[name] for name in found.arrays if name.partition(".")[0] not in dropped}
    arrays |= {f"{role}.{name}": slot.numpy() for name, slot in twin.named_slots()}
    for name in folder.files.names("checkpoints"):
        folder.files.remove(f"checkpoints/{name}")
    for name in (RESULTS, REPORT):
        folder.files.remove(name)
    folder.files.replace(file, to_json(about, indent=1) + b"\n")
    Checkpoints(folder.path).save(found.number, arrays, found.meta)
    return arrays
