"""What a recipe asks of its run, compared with what its data and strategy give: said before hours are spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain.data.module import PARTS
from powertrain.plugin.wording import suggestion
from powertrain.recipe.measured import MEASURED
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.recipe import Recipe
    from powertrain.train.run.train_run import TrainRun

# A strategy may begin with a round without steps; one that makes none in two is taken for one that never does.
ROUNDS_WITHOUT_STEPS = 2


def demand_task(recipe: Recipe, dataset: DataModule) -> None:
    """A strategy that learns from text gets text, and durations count something that the data has."""
    wanted = recipe.strategy.plugin.task or dataset.task
    if wanted != dataset.task:
        if "strategy" not in recipe.tables and recipe.model is not None:
            raise RunError(
                f"[model] {recipe.model.name} learns by {recipe.strategy.name}, and {dataset.name} is a {dataset.task} "
                f"task; expected {wanted} data; use other data or another model"
            )
        raise RunError(
            f"[strategy] {recipe.strategy.name} on {dataset.name}, a {dataset.task} task; expected {wanted} data; use "
            "other data or another strategy"
        )
    lacking = {"tokens": not dataset.kind.tokens, "env_steps": not recipe.copies}
    every = recipe.run.evaluate.every if recipe.run.evaluate else recipe.run.until
    kept = recipe.run.keep.every if recipe.run.keep else None
    for name, duration in (("until", recipe.run.until), ("evaluate.every", every), ("keep.every", kept or every)):
        if lacking.get(duration.unit, False):
            raise RunError(
                f"[run.{name}] received {duration}; {dataset.name} has no {duration.unit}; expected steps, examples or "
                f'epochs; for example "20 epochs"'
            )


def demand_roles(run: TrainRun) -> None:
    """A strategy that names models or optimizers in setup names all of the recipe: another would change nothing."""
    models, optimizers = run.recipe.models, run.recipe.optimizers
    made_of = (("model", models, run.table.modules), ("optimizer", optimizers, run.table.optimizers))
    for section, written, made in made_of:
        # A role that the recipe does not name takes the first that it names.
        taken = set(made) if set(made) <= set(written) else {*made, next(iter(written), "")}
        for role in written:
            if made and role not in taken:
                raise RunError(
                    f"[{section}.{role}] {run.recipe.strategy.name} uses no {section} in that role; expected "
                    f"{', '.join(made)}{suggestion(role, made)}; rename it or take it out"
                )


def demand_once(run: TrainRun) -> None:
    """A strategy that takes examples in their order takes each once: the second time they would be known."""
    source, until = run.horizon.source, run.recipe.run.until
    if not run.strategy.ordered or source is None or not source.has_epochs or until.unit == "rounds":
        return
    if run.horizon.total_steps > len(source):
        count = len(source.loader.dataset)
        raise RunError(
            f"[run.until] received {until}; {run.recipe.strategy.name} takes each of the {count:,} examples of "
            f'{run.dataset.name} once; expected no more than that; write until = "1 epoch"'
        )


def demand_kept(run: TrainRun) -> None:
    """What `run.keep` goes by is measured and counted."""
    keep, evaluations = run.recipe.run.keep, run.evaluations
    if keep is None or evaluations.evaluator is None:
        return
    if keep.every is not None and keep.every.unit == "epochs" and not run.horizon.has_epochs:
        raise RunError(
            f"[run.keep.every] received {keep.every}; the data is drawn at random, or a stream, and has no epochs; "
            'expected steps, tokens or rounds; for example "2_000 steps"'
        )
    if not keep.best:
        return
    if not evaluations.part:
        raise RunError(
            "[run.keep] the data has no valid part to choose the best by; expected one; for example split = { valid = "
            "0.1 }"
        )
    names = [f"{evaluations.part}.{name}" for name in evaluations.evaluator.metrics if name != "confusion"]
    if keep.by not in names:
        raise RunError(
            f"[run.keep.by] received {keep.by}; expected one of {', '.join(names)}{suggestion(keep.by, names)}"
        )


def demand_expected(run: TrainRun) -> None:
    """What `expect` names will be measured."""
    if run.evaluations.evaluator is None:
        return
    metrics = run.evaluations.evaluator.metrics
    parts = ["env"] if run.dataset.kind.plays else [part for part in PARTS if part in run.dataset.splits]
    measured = [f"{part}.{name}" for part in parts for name in metrics if name != "confusion"]
    measured += [f"{run.dataset.judged_part}.{name}" for name in run.strategy.scores]
    for name in run.recipe.expect:
        if name not in measured and name not in MEASURED:
            known = [*measured, *MEASURED]
            raise RunError(
                f"[expect.{name}] it is not measured; expected one of {', '.join(known)}{suggestion(name, known)}"
            )


def demand_groups(run: TrainRun) -> None:
    """The columns by whose values the report shows results are there."""
    from powertrain.train.report.groups import demand_column

    for name in run.recipe.report.groups:
        demand_column(run.dataset, run.dataset.judged_part, name, "report.groups")


def demand_examples(run: TrainRun, where: str) -> None:
    """Refuse a run in an environment for what looks at the examples that a run was trained on."""
    if run.dataset.kind.plays:
        raise RunError(
            f"[{where}] {run.folder.path} learns in an environment, and has no training examples; expected a run that "
            "was trained on examples; give one of these"
        )


def demand_own_steps(run: TrainRun, where: str) -> None:
    """Refuse a run whose steps cannot be looked into."""
    if not run.table.optimizers or run.backend is not None:
        what = "run.backend" if run.table.optimizers else f"the strategy {run.recipe.strategy.name}"
        raise RunError(
            f"[{where}] received it with {what}, which does not train by steps of the engine; expected steps in which "
            f"the engine minimizes a loss; leave {where} out"
        )


def demand_rounds(run: TrainRun) -> None:
    """What another library fits makes no step of ours, so it counts rounds alone. Said before anything is fitted."""
    until = run.recipe.run.until
    if run.strategy.host and "optimizer" not in run.strategy.needs and until.unit != "rounds":
        raise _without_steps(run, "fits its model whole")


def demand_steps(run: TrainRun) -> None:
    """Rounds bring the target nearer; else they would be repeated for ever."""
    until, progress = run.recipe.run.until, run.progress
    if run.rounds_now == ROUNDS_WITHOUT_STEPS and until.unit != "rounds" and progress.steps + progress.env_steps == 0:
        raise _without_steps(run, f"made no step in {progress.rounds} rounds")


def _without_steps(run: TrainRun, why: str) -> RunError:
    until = run.recipe.run.until
    return RunError(
        f"[run.until] received {until}; the strategy {run.recipe.strategy.name} {why}, so there are no {until.unit} to "
        'count; expected rounds; write until = "1 round"'
    )
