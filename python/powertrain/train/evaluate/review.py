"""Runs that exist, opened again: to evaluate them, to write the report or the model card again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.data.module import judged_part
from powertrain.devices.place import chosen
from powertrain.io.console import one_line, say
from powertrain.io.plain_json import dumps
from powertrain.train.folder.checkpoint import Checkpoint, CheckpointError
from powertrain.train.folder.keeping import Policy
from powertrain.train.folder.ledger import Ledger
from powertrain.train.folder.lock import naming_not_installed
from powertrain.train.folder.run_folder import RunError, RunFolder

if TYPE_CHECKING:
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.report.energy import Energy
    from powertrain.train.run.train_run import TrainRun
    from powertrain.train.trained_run import TrainedRun


def open_run(
    path: Path,
    trust: bool = False,
    objects: Mapping[str, Any] | None = None,
    *,
    data: bool = False,
    changed_data: bool = False,
    checkpoint: str | None = None,
) -> TrainedRun:
    """A run with the weights that it judged: the best that early stopping kept, or those of its last checkpoint; or of
    the checkpoint that is named. `trust` lets a stranger's run bring its code; `objects` are the
    Python objects of a run that was made from such, by section. With `data` its data set is loaded, to be measured on,
    with `changed_data` even where it has changed; without, what the run keeps of it is enough to predict."""
    from powertrain.models.registry import resolved
    from powertrain.train.building import build, build_again
    from powertrain.train.deciding.deciding import leave_decision, take_decision
    from powertrain.train.display.display import Display
    from powertrain.train.folder.reopening import kept_data, reopened
    from powertrain.train.pruning.form import take_pruned
    from powertrain.train.quantizing.form import take_form
    from powertrain.train.run.named_slots import own_random_numbers
    from powertrain.train.trained_run import TrainedRun

    path = resolved(path)
    folder = RunFolder(path)
    about = folder.about()
    with naming_not_installed(path):
        recipe, missing = reopened(folder, about, trust, objects or {})
    found, problems = _found(folder, checkpoint, Policy.of(recipe.run.keep))
    data = data or "data" in (objects or {})
    kept = "train" in recipe.data and not data
    changes: list[str] = []
    dataset = kept_data(folder, about, recipe, found.arrays) if kept else None
    with own_random_numbers(), chosen(recipe.run.device, "run"):
        base = Path(about["base"])
        if kept or objects:  # data of a caller's are new ones to measure on
            run = build(recipe, folder, Display(), base, dataset)
        else:
            run, changes = build_again(recipe, folder, Display(), base, changed_data=changed_data)
        run.strategy.setup(run)
        take_pruned(run)
        take_form(run)
        run.evaluations.prepare()
    for problem in problems:
        run.display.warn(f"[{path.name}] {problem}")
    if kept or changes:
        run.table.forget_places()
    if "optimizer" in missing:
        run.table.optimizers.clear()  # nothing is trained, and its slots are those of another one
    run.saver.load(found)
    if checkpoint is None:
        run.evaluations.use_best()
        problems = take_decision(run)
    else:
        run.chosen = found.number
        problems = leave_decision(run)
    for problem in problems:
        run.display.warn(f"[{path.name}] {problem}")
    for module in run.table.modules.values():
        module.eval()  # it answers; what trains again is built again
    results = folder.results()

    def again(changed_data: bool) -> TrainRun:
        return open_run(path, trust, objects, data=True, changed_data=changed_data, checkpoint=checkpoint).run

    with_data = again if kept and "data" not in missing else None
    opened = TrainedRun(run, results or {}, finished=results is not None, missing=missing, with_data=with_data)
    opened.changes = changes
    return opened


def _found(folder: RunFolder, which: str | None, policy: Policy) -> tuple[Checkpoint, list[str]]:
    """The newest checkpoint that is whole, with a sentence for each newer one; or the one that is named."""
    if which is None:
        found, problems = folder.checkpoints.latest()
        if found is None:
            raise RunError(f"[{folder.path}] it has no checkpoint yet; expected a run that has saved; train it first")
        return found, problems
    number = folder.checkpoints.choose(which, policy)
    try:
        return folder.checkpoints.load(number), []
    except CheckpointError as error:
        raise RunError(
            f"[{folder.path}] checkpoint {number} cannot be used: {error}; expected what was written; choose another "
            "one, or leave checkpoint out, which takes the newest undamaged one"
        ) from error


def evaluate(
    path: Path,
    as_json: bool,
    trust: bool = False,
    changed_data: bool = False,
    checkpoint: str | None = None,
    file: Path | None = None,
) -> int:
    """Measure every part of the data again, or a `file` in its place, and print it. What was measured on data that have
    changed stands in the ledger too, with the changes."""
    from powertrain.train.closing_words import score_table
    from powertrain.train.display.display import measured
    from powertrain.train.evaluate.predict import measured_on
    from powertrain.train.session import measure

    if file is not None and changed_data:
        raise RunError(
            "[evaluate] received --changed-data and a file; expected one of them, since the run's own data are not "
            "read; leave --changed-data out"
        )
    opened = open_run(path, trust, data=file is None, changed_data=changed_data, checkpoint=checkpoint)
    run, changes = opened.run, opened.changes
    evaluations = measure(run) if file is None else {file.name: measured_on(run, file)}
    values = {part: evaluation.values for part, evaluation in evaluations.items()}
    if changes:
        note_changes(run, changes, values)
    units = run.evaluations.units
    if as_json:
        more = {**({"units": units} if units else {}), **({"changed_data": changes} if changes else {})}
        say(dumps({**values, **more}))
        return 0
    what = "episodes" if run.dataset.kind.plays else "examples"
    for part, evaluation in evaluations.items():
        numbers = "  ".join(measured(name, value, units, 4) for name, value in evaluation.values.items())
        say(f"{part:<6} {evaluation.examples:>8,} {what}  {numbers}")
    judged = judged_part(evaluations) if file is None else file.name
    for row in score_table(run, evaluations[judged]):
        say(row)
    return 0


def note_changes(run: TrainRun, changes: list[str], values: Mapping[str, Mapping[str, float]]) -> None:
    """A line of the ledger: what was measured on data that have changed."""
    with run.folder.locked():
        ledger = Ledger(run.folder.path)
        try:
            steps, rounds = run.progress.steps, run.progress.rounds
            ledger.write("evaluated_changed_data", steps, rounds, changes=changes, values=values)
            ledger.sync()
        finally:
            ledger.close()


def rewrite_report(path: Path, trust: bool = False) -> Path:
    """Write the report of a finished run again, for example after matplotlib was installed."""
    with _finished(path) as results:
        return write_again(open_run(path, trust, data=True).run, results)


def model_card(path: Path, groups: Sequence[str], licence: str, trust: bool = False) -> Path:
    """Write the model card of a finished run."""
    with _finished(path) as results:
        return write_card(open_run(path, trust, data=True).run, results, groups, licence)


@contextlib.contextmanager
def _finished(path: Path) -> Iterator[dict[str, Any]]:
    """The results of a finished run, whose folder is locked for the length of a block."""
    folder = RunFolder(path)
    folder.about()
    results = folder.results()
    if results is None:
        raise RunError(f"[{path}] it has no results yet; expected a finished run; train it to its end first")
    with folder.locked():
        yield results


def write_again(run: TrainRun, results: dict[str, Any]) -> Path:
    """The report of a run that is open, from its results."""
    from powertrain.train.report.html_page import write_report

    judged, energy = _judged(run, results)
    return write_report(run, judged, results, energy)


def write_card(run: TrainRun, results: dict[str, Any], groups: Sequence[str] = (), licence: str = "") -> Path:
    """The model card of a run that is open, from its results."""
    from powertrain.train.report import model_card

    judged, energy = _judged(run, results)
    return model_card.write_card(run, judged, results, energy, groups, licence)


def _judged(run: TrainRun, results: dict[str, Any]) -> tuple[Evaluation, Energy]:
    """What the results are of, measured again, and what the training took."""
    from powertrain.train.report.energy import Energy

    assert run.evaluations.evaluator is not None
    if results["part"] != "env" and results["part"] not in run.dataset.splits:
        raise RunError(
            f"[{run.folder.path}] its results are of the part {one_line(results['part'])}; expected one of "
            f"{', '.join(run.dataset.splits)}; train with --resume to write them again"
        )
    judged = run.evaluations.evaluator(results["part"], keep=True)
    judged = replace(judged, values={**judged.values, **results[judged.part]})  # a strategy's own scores are among them
    kept = results["energy"]
    spread = 1 - kept["low"] / kept["watt_hours"] if kept["watt_hours"] else 0.0
    return judged, Energy(kept["watt_hours"], round(spread, 6), kept["method"])
