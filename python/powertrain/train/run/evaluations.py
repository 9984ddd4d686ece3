"""Evaluations of a run on its way: when one is due, what it measures, who is told, and which weights are the best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from powertrain.plugin.environment import TracedEnvironment
from powertrain.train.deciding.decision import NOTHING, Decision
from powertrain.train.evaluate.episodes import EpisodeEvaluator, OnHost, SideBySide
from powertrain.train.evaluate.evaluation import Computer, Evaluator, on_host, own_losses
from powertrain.train.evaluate.fits import demand_logits, scored_classes
from powertrain.train.report.judged import model_gives_probabilities
from powertrain.train.run.early_stopping import EarlyStop
from powertrain.train.run.factories import load_metrics
from powertrain.train.run.positive_class import positive_class
from powertrain.train.run.progress import Count

if TYPE_CHECKING:
    from powertrain.plugin.run import Act, Hook
    from powertrain.train.evaluate.predict import RowPlan
    from powertrain.train.evaluate.predictions import Form
    from powertrain.train.run.train_run import TrainRun

# Evaluation keeps no activations, so it can afford larger batches than a step, and gains from them.
LEAST_EVALUATED = 64
EPISODES_OF_AN_EVALUATION = 20


class Evaluations:
    """What evaluates a run, and how often it did."""

    def __init__(self, run: TrainRun) -> None:
        self.run = run
        self.done = Count()  # part of the checkpoint
        self.hooks: list[Hook] = []
        self.evaluator: Evaluator | EpisodeEvaluator | None = None
        self.decision = NOTHING
        self.positive = 1  # the number of the class of two that metrics, a threshold and groups are about
        self.form: tuple[tuple[Any, ...], Form] | None = None  # of the answers, and what it was made of
        self.row: RowPlan | None = None  # for one checked example
        self._computer: Computer | None = None

    def prepare(self) -> None:
        """Make what evaluates; before anything runs, so that a watched metric that is not measured is said."""
        run = self.run
        settings = run.recipe.run.evaluate
        plays = run.dataset.kind.plays
        own = not plays and own_losses(run.strategy) is not None
        if run.dataset.open_classes and not plays and not own and not on_host(run.strategy):
            run.dataset = run.dataset.with_classes(scored_classes(run, self.batch))
        self.positive = positive_class(run.recipe, run.dataset)
        if plays:
            role, copies = next(iter(run.recipe.copies.items()))
            make = run.sources.make_env(role)
            env = make()
            traced = isinstance(env, TracedEnvironment) and not on_host(run.strategy)
            play: Any = SideBySide(env, run.strategy, run.table.modules, run.backend) if traced else OnHost(
                make, copies, self.predict)  # fmt: skip
            episodes = settings.episodes if settings else EPISODES_OF_AN_EVALUATION
            self.evaluator = EpisodeEvaluator(play, run.recipe.run.seed, episodes)
        else:
            chosen = load_metrics(run.recipe, run.dataset, own, self.positive)
            modules, loss = run.table.modules, None if own else run.loss()
            self.evaluator = Evaluator(run.strategy, modules, loss, run.dataset, self.batch, chosen, run.backend)
        if run.early is not None:
            run.early.check(self.evaluator.metrics, "valid" in run.dataset.splits)
        if run.recipe.evaluate.samples:
            from powertrain.train.samples.recording import Recorder

            self.hooks.append(Recorder(run).show)

    def rehearse(self) -> None:
        """Refuse a model, a loss, targets and metrics that do not fit each other, before anything is trained."""
        evaluator, dataset = self.evaluator, self.run.dataset
        if isinstance(evaluator, Evaluator) and evaluator.rehearses:
            part = self.part or next(part for part in ("test", "train") if part in dataset.splits)
            gives_logits = dataset.kind.classes and dataset.kind.kept and model_gives_probabilities(self.run)
            evaluator.rehearse(part, demand_logits if gives_logits else None)

    def decide(self, decision: Decision) -> None:
        """Answer and measure with a calibration and a threshold from now on."""
        self.decision = decision
        if isinstance(self.evaluator, Evaluator):
            self.evaluator.decision = decision

    @property
    def batch(self) -> int:
        """Examples that are evaluated at once."""
        return self.run.recipe.evaluate.batch_size or max(self.run.recipe.run.batch_size, LEAST_EVALUATED)

    @property
    def units(self) -> dict[str, str]:
        """The unit of each metric that has one, where the recipe names that of the targets."""
        target = self.run.dataset.target
        if target is None or self.evaluator is None:
            return {}
        metrics = {name: metric for name, metric in self.evaluator.metrics.items() if metric is not None}
        units = {name: target.in_unit(metric.unit_power) for name, metric in metrics.items()}
        return {name: unit for name, unit in units.items() if unit}

    @property
    def part(self) -> str:
        """The part that is evaluated on the way; empty where the data has none."""
        dataset = self.run.dataset
        return "env" if dataset.kind.plays else "valid" if "valid" in dataset.splits else ""

    def lower_is_better(self, name: str) -> bool:
        """Of a measured value, such as valid.loss."""
        metrics: Mapping[str, Any] = {} if self.evaluator is None else self.evaluator.metrics
        return bool(getattr(metrics.get(name.partition(".")[2]), "lower_is_better", False))

    def due(self) -> bool:
        """Whether the run has come to a mark since the last evaluation; it counts as reached."""
        mark = self.run.horizon.mark(self.run.progress)
        if mark <= self.done.value:
            return False
        self.done.value = mark
        return True

    def retarget(self) -> None:
        """Go on from the mark that a run has reached on its way to another target, whose marks may be further apart."""
        self.done.value = min(self.done.value, self.run.horizon.mark(self.run.progress))

    def evaluate(self) -> Mapping[str, float]:
        """Evaluate, watch, show and record; what came out."""
        run = self.run
        values = {f"train.{name}": mean for name, mean in run.table.logs.means().items()}
        run.table.logs.reset()
        if (part := self.part) and self.evaluator is not None:
            found = self.evaluator(part, most=run.recipe.evaluate.most)
            values.update({f"{part}.{name}": value for name, value in found.values.items()})
        if run.early is not None:
            self._watch(run.early, values)
        run.record("metrics", epoch=run.progress.epochs, values=values)
        run.display.evaluated(run, values)
        for hook in self.hooks:
            text = hook(run, self.done.value)
            if text is not None:
                run.record("sample", text=text)
                run.display.sample(text)
                run.texts.append(text)
        run.watch.evaluated()
        return values

    def _watch(self, early: EarlyStop, values: Mapping[str, float]) -> None:
        name = f"valid.{early.metric}"
        weights = {name: slot.numpy() for name, slot in self.run.table.model_slots().items()}
        early.see(values[name], weights, (self.run.progress.epochs, self.run.progress.steps))
        if early.reached:
            self.run.request_stop(early.reason)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """The model's outputs for an array of inputs."""
        return self.compute(self.run.strategy.predict, {"x": x})

    def compute(self, function: Act, fields: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """What a traced function gives for arrays, in evaluation mode."""
        if self._computer is None:
            self._computer = Computer(self.run.strategy, self.run.table.modules, self.run.backend)
        return self._computer(function, fields)

    def settled(self, function: Act, *key: Any) -> tuple[Any, tuple[int, int]] | None:
        """As `Computer.settled`."""
        return None if self._computer is None else self._computer.settled(function, *key)

    def use_best(self) -> None:
        """The weights to judge and to use: the best that early stopping kept, or the last."""
        if self.run.early is not None and self.run.early.weights:
            self.run.table.set_model(self.run.early.weights)
