"""One trial, in the process that trains it: a run of its own, which a callback ends where the search says so."""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.devices.place import chosen
from powertrain.plugin import Callback, Event, Pause, Start
from powertrain.plugin.params import NoParams
from powertrain.plugin.wording import suggestion
from powertrain.random.default import drawing_from
from powertrain.recipe import Use, load_recipe
from powertrain.recipe.objects import Giver
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.ledger import read_history
from powertrain.train.folder.run_folder import RunFolder
from powertrain.train.session import train
from powertrain.tuning.space import TuneError

if TYPE_CHECKING:
    from powertrain.recipe import Recipe
    from powertrain.train.run.train_run import TrainRun

# Gets the number of an evaluation, from 1, and its value; the reason to end the trial, or nothing.
Asked = Callable[[int, float], str]


class Watcher(Callback):
    """Tells the search of each evaluation, and ends the trial where it says so, or is gone."""

    def __init__(self, metric: str, asked: Asked, gone: Callable[[], bool]) -> None:
        self._metric, self._asked, self._gone = metric, asked, gone
        self._folder = Path()
        self.reason = ""

    def on_start(self, start: Start) -> None:
        self._folder = start.folder

    def after_commit(self, event: Event) -> Pause | None:
        if event.values:
            # Of a trial that was killed and goes on, earlier evaluations count too.
            self.reason = self._asked(len(evaluations(self._folder)), event.values[self._metric])
        elif self._gone():
            self.reason = "the search ended"
        return Pause(self.reason) if self.reason else None


def evaluations(folder: Path) -> list[dict[str, Any]]:
    return [event for event in read_history(folder) if event["event"] == "metrics"]


def described(job: Mapping[str, Any]) -> dict[str, Any]:
    """What a search has to know before it begins: the metric, and which way is better. The data are read and the model
    is built, so that what cannot be trained is said here."""
    recipe = _recipe(job)
    with tempfile.TemporaryDirectory() as empty, chosen(recipe.run.device, "run"):
        run = build(recipe, RunFolder(Path(empty)), Display(quiet=True))
        try:
            run.strategy.setup(run)
            run.evaluations.prepare()
            part, name = _metric(run, job["metric"])
            metrics = run.evaluations.evaluator.metrics  # type: ignore[union-attr]
            lower = bool(getattr(metrics[name], "lower_is_better", False))
            return {"metric": f"{part}.{name}", "lower": lower}
        finally:
            run.close()


def _metric(run: TrainRun, asked: str) -> tuple[str, str]:
    """What a trial is judged by: what is asked for, or else what the recipe watches, measures first, or is usual."""
    recipe = run.recipe
    part = "env" if run.dataset.kind.plays else "valid"
    if part == "valid" and "valid" not in run.dataset.splits:
        raise TuneError(
            f"[tune] {run.dataset.name} has no valid part; expected one to compare trials on, since the test part is "
            "kept for the end; for example --set data.split.valid=0.1"
        )
    assert run.evaluations.evaluator is not None
    known = [name for name in run.evaluations.evaluator.metrics if name != "confusion"]
    usual = [recipe.run.stop.watch] if recipe.run.stop else []
    usual += [*(recipe.evaluate.metrics or ()), run.dataset.kind.headline, "loss"]
    name = (asked or next(one for one in usual if one.removeprefix("valid.") in known)).removeprefix(f"{part}.")
    if name not in known:
        names = [f"{part}.{one}" for one in known]
        raise TuneError(
            f"[--metric {asked[:60]}] it is not measured while the recipe trains; expected one of {', '.join(names)}"
            f"{suggestion(asked, names)}"
        )
    return part, name


def trained(job: Mapping[str, Any], asked: Asked, gone: Callable[[], bool]) -> dict[str, Any]:
    """Train a trial, or go on with one that was killed; the value of the weights that its run keeps."""
    watcher = Watcher(job["metric"], asked, gone)
    recipe = _recipe(job)
    use = Use("callback", "tune", Giver(watcher), NoParams())
    recipe = dataclasses.replace(recipe, callbacks=(*recipe.callbacks, use))
    folder = Path(job["folder"])
    if reason := _caught_up(folder, job["metric"], asked):
        seconds = Checkpoints(folder).newest_meta()["seconds"]
        return {"evaluations": len(evaluations(folder)), "seconds": round(seconds, 3), "ended": reason}
    outcome = train(recipe, folder, resume=True, display=Display(quiet=True), measured=False)
    run = outcome.run
    said = evaluations(folder)
    found = {"evaluations": len(said), "seconds": round(run.saver.elapsed(), 3), "ended": watcher.reason}
    if not outcome.saved:
        raise TuneError(f"[{folder}] it could not be saved; expected room on the disk; free some space")
    if run.stop and not run.ended_early:
        return {**found, "value": math.nan, "signal": run.stop_signal, "reason": run.stop_reason}
    return {**found, "value": _value(run, said, job["metric"])}


def _caught_up(folder: Path, metric: str, asked: Asked) -> str:
    """Tell the search of the evaluations that stand behind the newest checkpoint: it may have died before it noted the
    last of them. The reason to end the trial, or nothing."""
    steps = Checkpoints(folder).newest_meta().get("steps", -1)
    values = [event["values"][metric] for event in evaluations(folder) if event["step"] <= steps]
    return next((reason for number, value in enumerate(values, 1) if (reason := asked(number, value))), "")


def _value(run: TrainRun, said: list[dict[str, Any]], metric: str) -> float:
    kept = run.early.at[1] if run.early is not None and run.early.weights else run.progress.steps
    values = [event["values"][metric] for event in said if event["step"] == kept]
    if values:
        return float(values[-1])
    # The run ended between two evaluations.
    part, _, name = metric.partition(".")
    assert run.evaluations.evaluator is not None
    with drawing_from(run.generator), chosen(run.recipe.run.device, "run"):
        return float(run.evaluations.evaluator(part, most=run.recipe.evaluate.most).values[name])


def finished(job: Mapping[str, Any]) -> dict[str, Any]:
    """Measure the run of a trial on all parts, the test part too, and write its report: what its resume does."""
    outcome = train(_recipe(job), Path(job["folder"]), resume=True, display=Display(quiet=True))
    if not outcome.finished:
        return {"signal": outcome.signal, "reason": outcome.run.stop_reason}
    results = outcome.results
    return {"part": results["part"], "scores": results[results["part"]], "fit": results["fit"], "met": outcome.met}


def _recipe(job: Mapping[str, Any]) -> Recipe:
    return load_recipe(job["recipe"], job["settings"], trust=job["trust"])


def share_threads(workers: int) -> None:
    """Take this worker's part of the threads; results do not depend on their number."""
    pt.set_threads(max(1, pt.get_threads() // workers))
