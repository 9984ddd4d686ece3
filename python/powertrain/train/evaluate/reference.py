"""The reference profile of a run: made once, when its training ends, from the parts that it learned from and was judged
by on its way. The test part is left out, so that it can play the part of new data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.source import evenly_spaced, spaced_examples
from powertrain.data.transforms import untransformed
from powertrain.io.files import Files
from powertrain.monitor.labels import predictions, scored
from powertrain.monitor.profile import Profile, Scores
from powertrain.plugin.importing import in_words
from powertrain.train.evaluate.evaluation import own_losses
from powertrain.train.evaluate.predict import BATCH, outputs
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

FILE = "profile.json"
PROFILED = ("train", "valid")
# Examples that tell a share of one percent to a fifth of itself, and those that the model is asked about.
MOST_EXAMPLES, MOST_ASKED = 10_000, 4_096
MOST_BYTES = 1 << 27  # of examples that are in memory at once
LEAST_HELD_OUT = 200  # fewer do not say what a model gives


class SomeExamples:
    """Examples of the parts of a run, below their transforms. All that looks at some of them at the end of a run takes
    them from here, since reading may take long. Of each part as many are read as the profile, or the first who asks,
    needs. Who needs fewer gets some of these."""

    def __init__(self, run: TrainRun) -> None:
        self._dataset, self._profiled = run.dataset, profiled(run)
        self._read: dict[str, dict[str, NDArray[Any]]] = {}

    def of(self, part: str, most: int) -> dict[str, NDArray[Any]]:
        """Evenly spaced, since files are often sorted; as many as memory allows."""
        wanted = max(most, MOST_EXAMPLES) if self._profiled and part in PROFILED else most
        source = untransformed(self._dataset.splits[part])
        wanted = min(wanted, len(source), max(BATCH, MOST_BYTES // max(self._dataset.example.nbytes, 1)))
        held = self._read.get(part)
        if held is None or len(held["x"]) < wanted:
            held = self._read[part] = spaced_examples(source, wanted)
        rows = evenly_spaced(len(held["x"]), most)
        return held if len(rows) == len(held["x"]) else {name: values[rows] for name, values in held.items()}


def profiled(run: TrainRun) -> bool:
    """Whether examples of a run say how its data are distributed, and the recipe asks for it."""
    return run.recipe.report.profile and not run.dataset.kind.plays and not run.dataset.kind.tokens


def write_profile(run: TrainRun, examples: SomeExamples) -> None:
    """Write the profile of a run beside its checkpoints. Nobody's mistake in it costs a run its results."""
    if not profiled(run):
        return
    try:
        made = profile_of(run, examples)
    except Exception as error:  # of whatever kind: data and models are anybody's
        run.display.warn(f"[{run.folder.path}] no profile for powertrain monitor: {in_words(error)}")
        return
    run.folder.files.replace(FILE, made.to_json())


def read_profile(files: Files) -> Profile:
    """The profile in the folder of a run."""
    try:
        return Profile.from_json(files.read(FILE))
    except FileNotFoundError as error:
        raise RunError(
            f"[{files.path}] it has no {FILE}; expected a run that was trained to its end with report.profile = true, "
            "on examples (a text or an environment has none); train it again"
        ) from error


def profile_of(run: TrainRun, examples: SomeExamples) -> Profile:
    """The profile of a run that is open with its data."""
    dataset = run.dataset
    held = dataset.splits.get("valid")
    judged = "valid" if held is not None and len(held) >= LEAST_HELD_OUT else "train"
    known = [part for part in PROFILED if part in dataset.splits]
    x = np.concatenate([examples.of(part, MOST_EXAMPLES)["x"] for part in known])
    asked = examples.of(judged, MOST_ASKED)
    given = np.concatenate([outputs(run, asked["x"][at : at + BATCH]) for at in range(0, len(asked["x"]), BATCH)])
    labels = class_names(run) if given.ndim == 2 else None
    threshold = run.evaluations.decision.threshold
    return Profile.of(
        x, given, names=dataset.columns, labels=labels, threshold=threshold, table=_table(run, known),
        # On what a model has learned, it does better than it will.
        scores=_scores(given, asked.get("y"), labels, threshold) if judged == "valid" else None,
    )  # fmt: skip


def class_names(run: TrainRun) -> tuple[str, ...] | None:
    """Names of the classes, where the outputs are a number for each: not of a strategy that measures itself."""
    if not run.dataset.kind.classes or own_losses(run.strategy) is not None:
        return None
    return run.dataset.class_names


def _table(run: TrainRun, parts: list[str]) -> dict[str, NDArray[Any]]:
    raw = run.dataset.raw
    if raw is None:
        return {}
    found = []
    for columns in map(raw.columns, parts):
        if columns:  # a part that was held out of the training part has none: its rows are in those of that part
            rows = evenly_spaced(len(next(iter(columns.values()))), MOST_EXAMPLES)
            found.append(raw.typed({name: values[rows] for name, values in columns.items()}))
    return {name: np.concatenate([columns[name] for columns in found]) for name in (found[0] if found else ())}


def _scores(given: NDArray[Any], y: Any, labels: tuple[str, ...] | None, threshold: float | None) -> Scores | None:
    """How well the model does, where each example has one class, or as many numbers as it gives."""
    if y is None or y.dtype.kind not in "fiub" or (labels is not None and (y.ndim != 1 or y.dtype.kind == "f")):
        return None
    if labels is None and y.size != given.size:
        return None
    truth = [labels[at] for at in y] if labels is not None else list(y)
    values = scored(list(zip(predictions(given, labels, threshold), truth, strict=True)), labels is not None)
    return Scores.of("accuracy" if labels is not None else "squared error", values)
