"""The decision of a run: fitted on its validation part when training has ended, and what it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.source import evenly_spaced
from powertrain.metrics import BrierScore, LogLoss
from powertrain.train.deciding.calibrations import Temperature
from powertrain.train.deciding.decision import NOTHING, Decision, read_decision
from powertrain.train.deciding.fitting import fitted
from powertrain.train.evaluate.calibration import held, probabilities
from powertrain.train.evaluate.evaluation import Evaluation, never
from powertrain.train.evaluate.reference import class_names
from powertrain.train.folder.run_folder import DECISION, RunError
from powertrain.train.run.factories import named_metric

if TYPE_CHECKING:
    from powertrain.plugin.metric import Metric
    from powertrain.recipe.sections import EvaluateSection, Threshold
    from powertrain.train.run.train_run import TrainRun

PART = "valid"  # that decisions are fitted on
MOST_TRIED = 1_000  # thresholds, evenly spaced among the validation examples
BEYOND = 0.5  # how far the outermost thresholds are from all examples, in log-odds
MOST_NAMED = 5  # classes in a sentence
Classes = NDArray[np.int64]
Score = Callable[[Classes], float]  # of the classes that examples are answered with; the largest is the best


def decide(run: TrainRun, stopped: Callable[[], bool] = never) -> dict[str, Any]:
    """Fit what the recipe asks for and use it from now on; what results say of it, nothing where it asks for none."""
    asked = run.recipe.evaluate
    run.evaluations.decide(NOTHING)
    if asked.calibrate == "none" and asked.threshold is None:
        return {}
    if not is_fitted(asked):
        assert asked.threshold is not None and asked.threshold.value is not None
        value, positive = asked.threshold.value, run.evaluations.positive
        run.evaluations.decide(Decision(threshold=_of_second(value, positive)))
        return {"threshold": {"label": run.dataset.class_names[positive], "value": value}}
    evaluator: Any = run.evaluations.evaluator
    raw: dict[str, tuple[NDArray[Any], Classes]] = {}
    judged = run.dataset.judged_part if asked.calibrate != "none" else PART
    for part in dict.fromkeys((PART, judged)):
        raw[part] = _counted(evaluator(part, keep=True, stopped=stopped))
    outputs, truth = raw[PART]
    if not len(truth) or not all(np.isfinite(one).all() for one, _ in raw.values()):
        why = "some of its outputs are not finite" if len(truth) else f"{PART} has no example that counts"
        run.display.warn(f"[evaluate] the run gets no calibration and no threshold, since {why}")
        return {}
    calibration = None if asked.calibrate == "none" else fitted(asked.calibrate, outputs, truth)
    made = Decision(calibration)
    found: dict[str, Any] = {"part": PART, "examples": len(truth)}
    if calibration is not None:
        _warn_of_classes(run, truth)
        found["calibration"] = {"method": calibration.method, "words": calibration.words()}
        if isinstance(calibration, Temperature):
            found["calibration"]["temperature"] = calibration.temperature
        for part, (given, classes) in raw.items():
            if len(classes):
                before, after = (_sureness(one, classes) for one in (given, made.calibrated(given)))
                found["calibration"][part] = {"before": before, "after": after}
    if asked.threshold is not None:
        made, chosen = _with_threshold(run, made, asked.threshold, made.calibrated(outputs), truth)
        found |= {"threshold": chosen} if chosen else {}
    run.evaluations.decide(made)
    return found if made else {}


def is_fitted(asked: EvaluateSection) -> bool:
    """Whether anything is learned of examples; a threshold that is given is not."""
    return asked.calibrate != "none" or (asked.threshold is not None and asked.threshold.value is None)


def _counted(one: Evaluation) -> tuple[NDArray[Any], Classes]:
    """Outputs and classes of the examples whose weight is above 0. Each counts once, however much it weighs: class
    weights change what a model says, and a calibration to the data as they are takes that back."""
    assert one.outputs is not None and one.truth is not None and one.weight is not None  # demand_decision has looked
    counts = one.weight > 0
    return one.outputs[counts], one.truth[counts]


def _warn_of_classes(run: TrainRun, truth: Classes) -> None:
    """Say which classes a calibration has seen no example of."""
    lacking = [name for at, name in enumerate(run.dataset.class_names) if not (truth == at).any()]
    if lacking:
        more = f" and {len(lacking) - MOST_NAMED:,} more" if len(lacking) > MOST_NAMED else ""
        run.display.warn(
            f"[evaluate.calibrate] {PART} has no example of {', '.join(lacking[:MOST_NAMED])}{more}; expected some of "
            "each class, else its probability becomes too low; make the part larger, or stratify the split"
        )


def write_decision(run: TrainRun) -> None:
    """Keep the decision beside the checkpoints; a run that has none any more keeps none."""
    made, files = run.evaluations.decision, run.folder.files
    if made:
        files.replace(DECISION, made.to_json(run.progress.rounds))
    else:
        files.remove(DECISION)


def take_decision(run: TrainRun) -> list[str]:
    """Answer by what the folder of a run that is opened keeps; a sentence where that is of other weights."""
    names = class_names(run)
    files, rounds = run.folder.files, run.progress.rounds
    run.evaluations.decide(read_decision(files, rounds, 0 if names is None else len(names)))
    return leave_decision(run) if not run.evaluations.decision else []


def leave_decision(run: TrainRun) -> list[str]:
    """A sentence where a run has a decision that is not used, since it is of other weights."""
    there = run.folder.files.there(DECISION)
    return [f"it answers without calibration and threshold: {DECISION} is of other weights"] if there else []


def told(results: Mapping[str, Any]) -> list[str]:
    """What results say of the decision, in sentences."""
    found = results.get("decision") or {}
    lines = []
    if "calibration" in found:
        one = found["calibration"]
        part = results["part"] if results["part"] in one else PART
        before, after = one[part]["before"], one[part]["after"]
        lines.append(
            f"Its probabilities are corrected by {one['words']}, fitted on {found['examples']:,} examples of "
            f"{found['part']}. On {part}: expected calibration error {before['ece']:.3f} before and {after['ece']:.3f} "
            f"after, Brier score {before['brier']:.4f} and {after['brier']:.4f}, log loss {before['log_loss']:.4f} and "
            f"{after['log_loss']:.4f}."
        )
    if "threshold" in found:
        one = found["threshold"]
        lines.append(
            f"It answers {one['label']} from a probability of {one['value']:.3f} on"
            + (f", chosen on {found['part']} by {one['by']}: {one['best']:.4g}, where 0.5 gives {one['usual']:.4g}."
               if "by" in one else ", as the recipe says.")
        )  # fmt: skip
    return lines


def _sureness(outputs: Any, truth: Any) -> dict[str, float]:
    """How far probabilities are from what came of them."""
    brier, loss = BrierScore(), LogLoss()
    for metric in (brier, loss):
        metric.update(outputs, truth)
    error = held(probabilities(outputs), truth).error
    return {"ece": error, "brier": brier.compute(), "log_loss": loss.compute()}


def _with_threshold(
    run: TrainRun, made: Decision, asked: Threshold, outputs: NDArray[Any], truth: Classes
) -> tuple[Decision, dict[str, Any]]:
    """The decision with a threshold, and what results say of that; as it was where there is none to be chosen."""
    names, positive = run.dataset.class_names, run.evaluations.positive
    label = names[positive]
    if asked.value is not None:
        of_second = _of_second(asked.value, positive)
        return Decision(made.calibration, of_second), {"label": label, "value": asked.value}
    if (truth == truth[0]).all():
        run.display.warn(
            f"[evaluate.threshold] {PART} has examples of {names[truth[0]]} alone; expected both classes to choose a "
            "threshold by, so there is none; make the part larger, or stratify the split"
        )
        return made, {}
    by, score, sign = _score(asked, truth, positive)
    wide = outputs.astype(np.float64)
    apart = wide[:, 1] - wide[:, 0]
    usual = score((apart >= 0).astype(np.int64))
    best, margin = usual, 0.0
    # Of thresholds that are equally good, the one that is nearest to 0.5.
    for one in sorted(_between(apart), key=abs):
        value = score((apart >= one).astype(np.int64))
        if value > best:
            best, margin = value, one
    threshold = float(1 / (1 + np.exp(-margin)))
    value = _of_second(threshold, positive)
    words = {"label": label, "value": value, "by": by, "best": sign * best, "usual": sign * usual}
    return Decision(made.calibration, threshold), words


def _of_second(threshold: float, positive: int) -> float:
    """The threshold of the positive class as that of the second one, and back."""
    return threshold if positive == 1 else 1 - threshold


def _between(apart: NDArray[np.float64]) -> list[float]:
    """Below all examples, between two neighbours each, and above all, so that none lies on a threshold; none is 0 or 1
    in float64."""
    values = np.unique(np.clip(apart, -30.0, 30.0))
    middles = (values[1:] + values[:-1]) / 2
    middles = middles[evenly_spaced(len(middles), MOST_TRIED)]
    return [float(one) for one in (values[0] - BEYOND, *middles, values[-1] + BEYOND)]


def _score(asked: Threshold, truth: Classes, positive: int) -> tuple[str, Score, int]:
    """By what thresholds are compared: its name, the score, and the sign that makes it the measure again."""
    if asked.cost is not None:
        price = asked.cost

        def cost(classes: Classes) -> float:
            is_of_it, said = truth == positive, classes == positive
            missed, alarms = np.sum(is_of_it & ~said), np.sum(~is_of_it & said)
            return -float(price * missed + alarms) / len(truth)

        return f"the cost of errors, a missed one as much as {price:g} false alarms", cost, -1
    metric = threshold_metric(asked.metric, positive)
    sign = -1 if metric.lower_is_better else 1

    def measured(classes: Classes) -> float:
        metric.reset()
        metric.update(classes, truth)
        return sign * metric.compute()

    return asked.metric, measured, sign


def threshold_metric(name: str, positive: int = 1) -> Metric:
    """The metric that thresholds are chosen by."""
    made: Metric = named_metric(name, positive)
    if not made.of_classes:
        raise RunError(
            f"[evaluate.threshold.metric] received {name}, which no threshold changes, since it looks at all scores; "
            "expected a measure of right and wrong classes; f1 or balanced-accuracy is usual"
        )
    return made
