"""One run from the recipe to the report: everything around the Trainer's loop."""

from __future__ import annotations

import contextlib
import functools
import math
import shlex
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.devices.place import chosen
from powertrain.io.files import FolderError, NoSpaceError
from powertrain.io.hashing import hash_arrays
from powertrain.plugin import trust
from powertrain.plugin.importing import in_words
from powertrain.plugin.learning import End
from powertrain.plugin.transport import Alone, RunOverError
from powertrain.train.building import build, build_again, data_record
from powertrain.train.closing_words import headline_metric, say
from powertrain.train.deciding.deciding import decide, write_decision
from powertrain.train.display.display import Display, NoDisplay
from powertrain.train.evaluate import diagnosis
from powertrain.train.evaluate.baseline import in_one_measure
from powertrain.train.evaluate.curve_words import rose
from powertrain.train.evaluate.evaluation import Evaluation, StoppedError, never, on_host, own_losses
from powertrain.train.folder.ledger import Ledger, read_history
from powertrain.train.folder.lock import differences
from powertrain.train.folder.reopening import identities_of
from powertrain.train.folder.run_folder import REPORT, RunError, RunFolder
from powertrain.train.report.energy import Energy, Meter
from powertrain.train.run.pretrained import demand_weights
from powertrain.train.run.train_run import TrainRun
from powertrain.train.trainer import fit

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.plugin.transport import Transport
    from powertrain.recipe import Recipe

# Targets of training examples that are measured after training, for the gap: as many as tell it to a few tenths of a
# point. A window of text has one for each token, and a few hundred windows of a large model take minutes.
GAP_TARGETS = 10_000
LEAST_GAP_EXAMPLES = 100
# From this share on the report says that examples which it judges by were trained on. A few are equal by chance.
KNOWN_SHARE = 0.1


@dataclass
class Outcome:
    """What a finished run came to."""

    run: TrainRun
    results: dict[str, Any]
    finished: bool
    met: bool
    signal: int = 0  # what ended it before its target, if it was a signal
    saved: bool = True  # whether what came out stands on the disk
    nothing_to_do: bool = False


def train(
    recipe: Recipe,
    path: Path,
    *,
    resume: bool = False,
    display: Display | None = None,
    max_minutes: float | None = None,
    changed_data: bool = False,
    dataset: DataModule | None = None,
    measured: bool = True,
    transport: Transport | None = None,
) -> Outcome:
    """Train a recipe in a folder, evaluate it and write its report. With `resume` go on with the run that the folder
    holds; where it holds none yet, begin: so one command does for who starts runs that may be killed. With
    `changed_data` it goes on with data that have changed, and says how. A `dataset` takes the place of the recipe's,
    where a run begins. Without `measured` it trains alone: the test part is not looked at, and a later resume
    evaluates and writes the report. A `transport` leads to the other workers, which `follow`."""
    display = display or Display()
    folder = RunFolder(path)
    with folder.locked():
        if folder.started and not resume:
            raise RunError(
                f"[{path}] it holds a run already; expected a new folder; add --resume (in Python resume=True) to "
                "continue that run, or remove the folder to start again"
            )
        if folder.started:
            folder.compare(recipe)
        else:
            folder.demand_free(recipe)
            demand_weights(recipe.beginnings)
        with chosen(recipe.run.device, "run"):
            return _train(recipe, folder, display, max_minutes, changed_data, dataset, measured, transport or Alone())


def follow(recipe: Recipe, path: Path, transport: Transport, *, changed_data: bool = False) -> TrainRun:
    """Take part in the run that another worker trains in this folder, until that ends it: compute what it does, and
    write nothing. What comes back has the slots of the last step that both have made, at least."""
    folder, display = RunFolder(path), NoDisplay()
    with chosen(recipe.run.device, "run"):
        if folder.started:
            run, _ = build_again(recipe, folder, display, changed_data=changed_data)
        else:
            run = build(recipe, folder, display)
        run.shards.transport = transport
        with contextlib.closing(run), contextlib.suppress(RunOverError):
            fit(run.strategy, run, recipe.run.until)
        return run


def _train(
    recipe: Recipe,
    folder: RunFolder,
    display: Display,
    max_minutes: float | None,
    changed_data: bool,
    dataset: DataModule | None,
    measured: bool,
    transport: Transport,
) -> Outcome:
    meter = Meter()
    changes: list[str] = []
    if folder.started:
        folder.checkpoints.begin_to_check()
        run, changes = build_again(recipe, folder, display, changed_data=changed_data)
    else:
        run = build(recipe, folder, display, dataset=dataset)
    run.shards.transport = transport
    run.deadline = math.inf if max_minutes is None else time.monotonic() + 60 * max_minutes
    if folder.started:
        run.ledger = Ledger(folder.path)
        if others := differences(folder.files, recipe):
            run.record("changed_versions", changes=others)
            display.warn(f"[{folder.path}] since this run began: {'; '.join(others)}")
        if changes:
            run.record("changed_data", changes=changes)
            record = data_record(run)
            assert record is not None
            folder.take_data(record, identities_of(run.dataset))
    else:
        run.before_first = lambda: _begin(run, fitted_before=dataset is not None)
    try:
        return _trained(run, meter, measured)
    except BaseException as error:
        with contextlib.suppress(RunError):  # the first mistake is the one to tell
            run.callbacks.end(End(asdict(run.progress), False, f"failed: {in_words(error)}"))
        raise
    finally:
        display.end()
        run.close()


def begin(run: TrainRun, *, fitted_before: bool = False) -> None:
    """Make the folder a run. Only after the first round: a recipe that is refused, by a first step at the latest,
    leaves nothing behind that would refuse the corrected one. Data with what another run had fitted are read so for
    ever."""
    record, identities = data_record(run), identities_of(run.dataset)
    run.folder.begin(run.recipe, record, identities)
    if fitted_before and record is not None:
        run.folder.take_data(record, identities)
    run.ledger = Ledger(run.folder.path)


def _begin(run: TrainRun, *, fitted_before: bool) -> None:
    """The same, and note that the caller trusts what the recipe uses."""
    begin(run, fitted_before=fitted_before)
    if problem := trust.remember(run.recipe.uses()):
        run.display.warn(f"powertrain evaluate will ask for --trust, since this could not be noted: {problem}")


def _trained(run: TrainRun, meter: Meter, measured: bool) -> Outcome:
    earlier = _earlier(run)
    run.interrupts.watch()
    fit(run.strategy, run, run.recipe.run.until)
    run.saver.wait()
    run.display.end()
    whole = earlier is not None and earlier["rounds"] == run.progress.rounds and run.folder.files.there(REPORT)
    if run.rounds_now == 0 and earlier is not None and whole and (run.ended_early or not run.stop):
        run.display.line(f"nothing to do: {run.folder.path} {_settled(run)} begin a new run without --resume")
        held = diagnosis.hold(earlier, run.recipe.expect)
        run.evaluations.use_best()
        return Outcome(run, earlier, True, all(one.met for one in held), nothing_to_do=True)
    if run.stop and not run.ended_early:
        return _interrupted(run)
    if not measured:
        run.callbacks.end(End(asdict(run.progress), False, "it is trained, and not measured yet"))
        return Outcome(run, {}, False, True, saved=run.saver.saved)
    digest = hash_arrays(run.table.snapshot())
    run.evaluations.use_best()
    try:
        return conclude(run, meter.read(), digest)
    except StoppedError:
        return _interrupted(run)  # with --resume nothing is trained, and the evaluation begins again


def _settled(run: TrainRun) -> str:
    """Why a finished run is not trained further, and what to change so that it is."""
    if not run.ended_early:
        return f"has reached {run.recipe.run.until}; raise run.until to train on, or"
    if run.callbacks.stopped:  # another callback would have trained another run
        return f"was ended by {run.callbacks.stopped};"
    return "was ended by early stopping; raise run.stop.patience to train on, or"


def _earlier(run: TrainRun) -> dict[str, Any] | None:
    """What came out when the run was finished before; what cannot be read is made again."""
    try:
        return run.folder.results()
    except (RunError, FolderError) as error:
        run.display.warn(str(error))
        return None


def _interrupted(run: TrainRun) -> Outcome:
    tell = run.display.warn if run.display.unread else run.display.line
    tell(f"stopped at {run.progress.steps:,} steps: {run.stop_reason}; saved up to step {run.saver.saved_step:,}")
    tell(f"resume  {_again(run)}")
    run.callbacks.end(End(asdict(run.progress), False, run.stop_reason))
    results = {"run": str(run.folder.path), "steps": run.progress.steps, "seconds": round(run.saver.elapsed(), 3)}
    fine = not run.watch.stopped
    return Outcome(run, results, False, fine, signal=run.stop_signal, saved=run.saver.saved)


def _again(run: TrainRun) -> str:
    """What goes on with a run."""
    if not run.display.python:
        settings = "".join(f" --set {shlex.quote(one)}" for one in run.recipe.overrides)
        return f"powertrain train {run.recipe.given}{settings} --run {run.folder.path} --resume"
    if not run.display.kept:
        return "not possible, since the folder is a temporary one: pass folder= to pt.fit"
    named = run.recipe.given and not run.recipe.overrides and not run.recipe.objects
    given = repr(run.recipe.given) if named else "..."
    return f"pt.fit({given}, folder={str(run.folder.path)!r}, resume=True)"


def _next(run: TrainRun) -> str:
    """What may be done with a finished run."""
    folder = run.folder.path
    if run.display.python:
        opened = f"pt.load({str(folder)!r})" if run.display.kept else "pt.fit(..., folder=...) keeps the folder"
        return f"run.predict(x) | run.evaluate() | run.history | {opened}"
    verbs = (f"predict {folder} FILE", f"evaluate {folder}", f"export {folder} --to c", "runs")
    return " | ".join(f"powertrain {verb}" for verb in verbs)


def conclude(run: TrainRun, energy: Energy, digest: str) -> Outcome:
    """Measure the trained model, write results and report, and say how it went."""
    from powertrain.train.evaluate.apart import told_apart
    from powertrain.train.evaluate.reference import SomeExamples, write_profile
    from powertrain.train.folder.sample import write_sample
    from powertrain.train.report.curves import curves_of, last_training_loss
    from powertrain.train.report.html_page import write_report

    seconds = run.saver.elapsed()
    decided = decide(run, lambda: run.stop_signal != 0)
    evaluations = measure(run, lambda: run.stop_signal != 0)
    part = run.dataset.judged_part
    # Where a strategy measures itself, it alone knows what simple predictors do the same; where it plays, none does.
    predictors = run.strategy.simple if own_losses(run.strategy) else run.dataset.kind.baselines
    # Of a stream, others would be shown all of it before they answer; its strategy compares with those that are not.
    compared = run.recipe.report.baseline and part != "env" and not run.strategy.ordered
    found = list(predictors(run.dataset, part)) if compared else []
    simple = in_one_measure(found, headline_metric(run, evaluations[part].values))
    held_part = "valid" if "valid" in evaluations else part
    if part == "env":
        fit_words = diagnosis.Fit("played", f"{evaluations['env'].examples} episodes", "")
    else:
        model = run.recipe.model.name if run.recipe.model else ""
        history = read_history(run.folder.path)
        fit_words = diagnosis.judge(
            evaluations["train"].values, evaluations[held_part].values, held_part,
            # That one linear model is no better than another says nothing.
            diagnosis.unbeaten(evaluations[part].values, [one for one in simple if one.name != model]),
            diagnosis.FITTED if on_host(run.strategy) else diagnosis.NETWORK,
            examples=evaluations[held_part].examples,
            rises=run.early is None and rose(curves_of(history).get("loss", {}).get("valid", [])),
            trained=last_training_loss(history),
        )  # fmt: skip
    examples = SomeExamples(run)
    results: dict[str, Any] = {
        "run": str(run.folder.path),
        "recipe": run.recipe.name,
        "seconds": round(seconds, 3),
        "steps": run.progress.steps,
        "rounds": run.progress.rounds,
        "parameters": run.table.parameters,
        "examples_per_second": round(run.progress.examples / max(seconds, 1e-9), 1),
        **{name: evaluation.values for name, evaluation in evaluations.items()},
        "part": part,
        **({"decision": decided} if decided else {}),
        **({"units": run.evaluations.units} if run.evaluations.units else {}),
        "baselines": [{"name": one.name, "metric": one.metric, "value": one.value, "how": one.how} for one in simple],
        "fit": fit_words.line(),
        "energy": {"watt_hours": energy.watt_hours, "low": energy.low, "high": energy.high, "method": energy.method},
        "data_wait": {
            "seconds": round(run.stepper.waiting, 4),
            "share": round(run.stepper.waiting / max(run.stepper.looping, 1e-9), 4),
        },
        "hash": digest,
        **{event: said for event in ("changed_data", "changed_versions") if (said := _changes(run, event))},
        **({"in_train": share} if (share := _in_train(run, part)) >= KNOWN_SHARE else {}),
        **({"apart": differing} if (differing := told_apart(run, examples)) else {}),
        "stopped": run.ended_early,
        "kept": run.early.kept if run.early is not None else "",
    }
    held = diagnosis.hold(results, run.recipe.expect)
    results["expect"] = [asdict(one) for one in held]
    report, saved = f"not written; with space: {_again(run)}", run.saver.saved
    written: Path | None = None
    if saved:  # results without their weights would be nobody's
        try:
            write_decision(run)
            write_profile(run, examples)
            write_sample(run, examples)
            written = write_report(run, evaluations[part], results, energy)
            run.folder.finish(results)  # last: with it the run is finished
            report = str(written)
        except NoSpaceError as error:
            run.display.warn(str(error))
            saved = False
    say(run, evaluations[part], results, held, energy, report, _next(run))
    if run.callbacks:
        from powertrain.train.report.sections import pages

        sections = pages(run, evaluations[part])
        run.callbacks.end(End(asdict(run.progress), True, results["stopped"], results, written, sections))
    return Outcome(run, results, True, all(one.met for one in held), saved=saved)


def _in_train(run: TrainRun, part: str) -> float:
    """The share of a part's examples that are examples of train too, where the run knows them."""
    with contextlib.suppress(RunError):  # somebody changed the file
        known = run.folder.examples() or {}
        if part in known and part != "train":
            return float(np.isin(known[part], known["train"]).mean())
    return 0.0


def _changes(run: TrainRun, kind: str) -> list[str]:
    """What changed while the run was trained, where it went on: each once."""
    return list(dict.fromkeys(change for event in read_history(run.folder.path) if event["event"] == kind
                              for change in event["changes"]))  # fmt: skip


def measure(run: TrainRun, stopped: Callable[[], bool] = never) -> dict[str, Evaluation]:
    """Evaluate every part of the data with the final weights; of the training part, as many rows as tell the gap.
    `stopped` is asked before each batch."""
    assert run.evaluations.evaluator is not None
    evaluate = functools.partial(run.evaluations.evaluator, stopped=stopped)
    dataset: DataModule = run.dataset
    found = {}
    if dataset.kind.plays:
        found["env"] = evaluate("env")
    else:
        for part in ("valid", "test"):
            if part in dataset.splits:
                found[part] = evaluate(part, keep=True)
        enough = max(LEAST_GAP_EXAMPLES, GAP_TARGETS // (dataset.context or 1))
        found["train"] = evaluate("train", most=min(enough, run.recipe.evaluate.most))
    part = run.dataset.judged_part
    found[part].values.update(run.strategy.score(run, part))
    return found
