"""What a recipe names, built for a run: its optimizer, its loss, its metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from powertrain.metrics import Mean
from powertrain.optim.scaling import LossScale
from powertrain.optim.schedules import LambdaLR, LinearLR, Schedule, SequentialLR
from powertrain.plugin import registry
from powertrain.plugin.model import Model
from powertrain.plugin.params import call_with, params_of
from powertrain.train.evaluate.evaluation import choose_metrics
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.position import OverTarget, Position
from powertrain.train.run.positive_class import has_positive_class

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.recipe import OptimizerUse, Recipe, Use


def build_optimizer(found: OptimizerUse, modules: dict[str, Any], length: int | Position, precision: str) -> Any:
    """An optimizer over the parameters of some modules, with its schedule stretched over the run: over so many steps,
    or by a position where they cannot be counted ahead."""
    role, *others = modules
    params = modules[role]
    by_depth = {"layer_decay": found.layer_decay, "unfreeze_every": found.unfreeze_every}
    by_depth = {name: value for name, value in by_depth.items() if value is not None}
    if others and by_depth:
        raise RunError(
            f"[optimizer.{next(iter(by_depth))}] received it for the models {', '.join(modules)} together, whose "
            "layers have no common order; expected an optimizer of one model; use optimizer.groups"
        )
    if others:
        each = {name: module.named_parameters() for name, module in modules.items()}
        params = [(f"{name}.{path}", slot) for name, named in each.items() for path, slot in named]
    schedule = None
    if found.schedule is not None:
        if isinstance(length, int):  # a schedule counts updates, of which there is one in so many steps
            length = -(-length // found.accumulate)
        schedule = build_schedule(found.schedule, length, found.warmup)
    return found.use.plugin.build(
        found.use.params,
        params,
        schedule=schedule,
        clip=found.clip,
        accumulate=found.accumulate,
        groups=found.groups,
        **by_depth,
        **({"loss_scale": LossScale()} if precision == "f16" else {}),
        name="optimizer" if role == "model" else f"optimizer.{role}",
    )


def build_schedule(found: Use, length: int | Position, warmup: int) -> Schedule:
    """The schedule of a recipe over the updates of a run; after a warm-up it has those that are left."""
    made = call_with(found.plugin, found.params)
    if isinstance(length, Position):
        schedule = _over_target(made, length)
    else:
        left = max(1, length - warmup)
        schedule = made.over(left) if isinstance(made, Schedule) else LambdaLR(lambda step: made(step, left))
    if warmup == 0:
        return schedule
    return SequentialLR([LinearLR(1 / (warmup + 1), 1.0, warmup), schedule], [warmup])


def _over_target(made: Any, position: Position) -> Schedule:
    """A schedule by the position of a run; one whose lengths are all given counts updates, as everywhere."""
    if not isinstance(made, Schedule):
        return OverTarget(LambdaLR(lambda step: made(step, position.until.amount)), position)
    return OverTarget(made, position) if made.open_lengths() else made


def build_backend(recipe: Recipe) -> Any:
    """What runs the steps of a run; None for the engine itself."""
    use = recipe.run.backend
    if use is None:
        return None
    from powertrain.plugin.backends import Adapter
    from powertrain.plugin.backends.adapter import available

    return available(Adapter(use.plugin.build(use.params), use.name))


def choose_loss(recipe: Recipe, dataset: DataModule, model: Any, default: str) -> Callable[..., Any]:
    """The recipe's loss, or else the strategy's or the model's, or else the usual one of the task."""
    if recipe.loss is not None:
        return call_with(recipe.loss.plugin, _per_example(recipe.loss.params))
    of_model = model.loss if isinstance(model, Model) else ""
    named = default or of_model or dataset.kind.loss
    if not named:
        raise RunError(
            f"[loss] {dataset.name} is a {dataset.task} task, which has no usual loss; expected one; for example "
            'loss = "cross-entropy"'
        )
    plugin: Any = registry().load("loss", named)
    return call_with(plugin, params_of(plugin)())


def load_metrics(recipe: Recipe, dataset: DataModule, own: bool, positive: int) -> dict[str, Any]:
    """The metrics of a run by name; the loss alone where the strategy measures itself."""
    if own:
        if recipe.evaluate.metrics:
            raise RunError(
                f"[evaluate.metrics] received {', '.join(recipe.evaluate.metrics)}; {recipe.strategy.name} measures "
                "its own loss; expected no metrics; leave them out"
            )
        return {"loss": Mean()}

    def load(name: str) -> Any:
        metric = recipe.measures.get(name)
        if metric is None:
            metric = named_metric(name, positive)
        tasks = metric.tasks
        if tasks and dataset.task not in tasks and name not in dataset.kind.metrics:
            usual = ", ".join(dataset.kind.metrics) or "the loss"
            raise RunError(
                f"[evaluate.metrics] received {name}, which measures {' or '.join(tasks)}; {dataset.name} is a "
                f"{dataset.task} task; expected a metric of this task; {usual} is usual"
            )
        return metric

    return choose_metrics(dataset, recipe.evaluate.metrics, load)


def named_metric(name: str, positive: int = 1) -> Any:
    """The metric of a name; one that can be told its positive class is."""
    plugin: Any = registry().load("metric", name)
    params = params_of(plugin)
    return plugin.build(params(pos_label=positive) if has_positive_class(params) else params())


def _per_example(params: Any) -> Any:
    """The settings of a loss: one that takes the mean of a batch, such as those of nn.functional, is asked not to."""
    means = getattr(params, "reduction", "none") in ("mean", "sum")
    return dataclasses.replace(params, reduction="none") if means else params
