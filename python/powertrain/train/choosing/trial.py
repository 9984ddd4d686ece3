"""One trial: a recipe is trained by the engine's own trainer on a data set, and measured on its part `test`."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from powertrain.data import DataModule
from powertrain.devices.place import chosen
from powertrain.io.console import one_line
from powertrain.plugin.importing import in_words
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.evaluate.evaluation import StoppedError
from powertrain.train.folder.run_folder import RunFolder
from powertrain.train.run.named_slots import own_random_numbers
from powertrain.train.run.train_run import TrainRun
from powertrain.train.trainer import fit

LONGEST = 200  # letters of a reason
OUT_OF_TIME = "out of time"


@dataclass(frozen=True)
class Trial:
    """What came of it: the value of the metric, or the `problem`; a `signal` ended it on somebody's wish."""

    value: float = math.nan
    seconds: float = 0.0
    problem: str = ""
    signal: int = 0


def tried(tables: Mapping[str, Any], dataset: DataModule, metric: str, deadline: float) -> Trial:
    """Train a recipe without its data, in a folder that does not stay: nobody's report, nobody's results. Whatever a
    candidate raises is its result."""
    began = time.monotonic()
    try:
        whole = {**tables, "evaluate": {"metrics": [metric]}}
        recipe = load_recipe(whole, objects={("data",): {"use": dataset}})
        with (
            tempfile.TemporaryDirectory(prefix="powertrain-") as path,
            own_random_numbers(),
            chosen(recipe.run.device, "run"),
        ):
            folder = RunFolder(Path(path))
            with folder.locked():
                made = build(recipe, folder, Display(quiet=True))
                made.deadline = deadline
                found = _trained(made, metric)
    except Exception as error:  # of whatever kind: the model may be anybody's
        found = Trial(problem=one_line(in_words(error).splitlines()[0])[:LONGEST])
    return Trial(found.value, time.monotonic() - began, found.problem, found.signal)


def _trained(run: TrainRun, metric: str) -> Trial:
    try:
        run.interrupts.watch()
        fit(run.strategy, run, run.recipe.run.until)
        if run.stop_signal:
            return Trial(signal=run.stop_signal)
        if run.stop and not run.ended_early and run.progress < run.recipe.run.until:
            return Trial(problem=OUT_OF_TIME)
        run.evaluations.use_best()
        assert run.evaluations.evaluator is not None
        value = run.evaluations.evaluator("test", stopped=lambda: run.stop_signal != 0).values[metric]
    except StoppedError:
        return Trial(signal=run.stop_signal)
    finally:
        run.close()
    return Trial(value, problem="" if math.isfinite(value) else f"its {metric} is {value}")
