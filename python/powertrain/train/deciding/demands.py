"""What a calibration and a threshold need: said before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain.plugin.registry import PluginError
from powertrain.train.deciding.deciding import PART, is_fitted, threshold_metric
from powertrain.train.evaluate.reference import class_names
from powertrain.train.folder.run_folder import RunError
from powertrain.train.report.judged import model_gives_probabilities

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun


def demand_decision(run: TrainRun) -> None:
    """`evaluate.calibrate` and `evaluate.threshold` suit the data and the loss."""
    asked = run.recipe.evaluate
    calibrates, threshold = asked.calibrate != "none", asked.threshold
    if not calibrates and threshold is None:
        return
    where = "evaluate.calibrate" if calibrates else "evaluate.threshold"
    names, kind = class_names(run), run.dataset.kind
    if names is None or not kind.kept:
        raise RunError(
            f"[{where}] received it for a run whose answers are no classes of examples; expected a classifier; leave "
            f"{where} out"
        )
    if is_fitted(asked) and PART not in run.dataset.splits:
        raise RunError(
            f"[{where}] the data has no {PART} part to fit it on; expected one; for example split = {{ valid = 0.1 }}"
        )
    probable = model_gives_probabilities(run)
    if asked.calibrate == "temperature" and not probable:
        raise RunError(
            '[evaluate.calibrate] received "temperature" for a loss that gives scores; expected probabilities, as '
            'cross-entropy gives them; write calibrate = "platt", which makes some of scores'
        )
    if threshold is None:
        return
    if len(names) != 2:
        raise RunError(
            f"[evaluate.threshold] received it for {len(names)} classes; expected two, of which the positive one is "
            "the answer from the threshold on; leave it out"
        )
    if not probable and not calibrates:
        raise RunError(
            "[evaluate.threshold] received it for a loss that gives scores; expected probabilities; add calibrate = "
            '"platt"'
        )
    if threshold.metric:
        try:
            threshold_metric(threshold.metric)
        except PluginError as error:
            raise RunError(f"[evaluate.threshold.metric] {error}") from error
