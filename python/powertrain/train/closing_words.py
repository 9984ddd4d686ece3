"""What a person is told at the end of a run: how it ended, what it reached, how each class fared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from powertrain.io.console import one_line
from powertrain.train.deciding.deciding import told
from powertrain.train.display.display import measured, number, position
from powertrain.train.evaluate import diagnosis

if TYPE_CHECKING:
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.report.energy import Energy
    from powertrain.train.run.train_run import TrainRun

# A share of the time of steps, and seconds, from which on it is said that they waited for data.
STARVED, LEAST_WAIT = 0.1, 1.0


def say(
    run: TrainRun,
    judged: Evaluation,
    results: dict[str, Any],
    held: list[diagnosis.Expectation],
    energy: Energy,
    report: str,
    following: str,
) -> None:
    line = run.display.line
    for row in ending(run):
        line(row)
    words = [f"done   {results['seconds']:.1f} s", headline(run, judged, results)]
    first, units = headline_metric(run, judged.values), run.evaluations.units
    asked = [name for name in run.recipe.evaluate.metrics or () if name != first and name in judged.values]
    words += [measured(name, judged.values[name], units) for name in asked]
    missed = [one for one in held if not one.met]
    if held:
        words.append("expect: missed" if missed else "expect: met")
    line(" · ".join([*words, energy.short()]))
    for one in missed:
        line(f"missed {one.line()}")
    if waits := starved(run, results["data_wait"]):
        line(waits)
    line(f"fit    {results['fit']}")
    for page in diagnosis.ideas_of_fit(results["fit"])[:1]:
        line(f"read   powertrain help {page}")
    for sentence in told(results):
        line(f"decide {sentence}")
    for row in score_table(run, judged):
        line(row)
    line(f"report {report}")
    line(f"next   {following}")


def starved(run: TrainRun, wait: Mapping[str, float]) -> str:
    """That steps waited for their data, and what makes batches sooner; nothing where that took little. Those of an
    environment are made of the steps before, so nobody can make them ahead."""
    if wait["share"] < STARVED or wait["seconds"] < LEAST_WAIT or run.dataset.kind.plays:
        return ""
    workers = run.recipe.run.num_workers
    return (
        f"note   steps waited {wait['seconds']:.1f} s for data, {wait['share']:.0%} of their time; more threads that "
        f"prepare batches may help: run.num_workers = {max(2, 2 * workers)} (it was {workers})"
    )


def ending(run: TrainRun) -> list[str]:
    """Why early stopping or a callback ended a run, if one did, and which weights early stopping kept."""
    ended = [f"early  stopped at {position(run)}, since {one_line(run.ended_early)}"] if run.ended_early else []
    kept = [f"kept   {run.early.kept}"] if run.early is not None and run.early.kept else []
    return ended + kept


def headline(run: TrainRun, judged: Evaluation, results: dict[str, Any]) -> str:
    """`test accuracy 0.983 ± 0.013 (dummy 0.10, linear 0.95)`."""
    metric = headline_metric(run, judged.values)
    value = judged.values[metric]
    text = f"{judged.part} {measured(metric, value, run.evaluations.units)}"
    if metric == "accuracy":
        text += f" ± {diagnosis.interval(value, judged.examples):.3f}"
    simple = [f"{one['name']} {number(one['value'], 2)}" for one in results["baselines"] if one["metric"] == metric]
    return text + (f" ({', '.join(simple)})" if simple else "")


def headline_metric(run: TrainRun, values: Mapping[str, float]) -> str:
    """The one that people look at first: of a stream the strategy's own, whose examples were answered before they were
    learned; else the task's, or the first that was measured."""
    own = next((name for name in run.strategy.scores if name in values), "") if run.strategy.ordered else ""
    if own:
        return own
    if run.dataset.kind.headline in values:
        return run.dataset.kind.headline
    return next((name for name in values if name != "loss"), "loss")


def score_table(run: TrainRun, judged: Evaluation) -> list[str]:
    """Precision, recall and F1 of each class, as lines."""
    if judged.confusion is None:
        return []
    scores = judged.confusion.scores()
    labels = [one_line(label) for label in run.dataset.class_names]
    width = max(len("class"), len("mean"), *(len(label) for label in labels))
    rows = [f"  {'class':<{width}}  precision  recall     f1  examples"]
    columns = zip(labels, scores.precision, scores.recall, scores.f1, scores.support, strict=True)
    for label, precision, recall, f1, support in columns:
        rows.append(f"  {label:<{width}}  {precision:9.3f}  {recall:6.3f}  {f1:5.3f}  {int(support):8,}")
    total = f"{scores.precision.mean():9.3f}  {scores.recall.mean():6.3f}  {scores.f1.mean():5.3f}"
    rows.append(f"  {'mean':<{width}}  {total}  {int(scores.support.sum()):8,}")
    return rows
