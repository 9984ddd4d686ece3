"""`run.quantize(...)` and `powertrain quantize`: a copy of a run with quantized weights, measured beside the run."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.data import DataLoader, Subset
from powertrain.data.source import evenly_spaced
from powertrain.io.hashing import hash_arrays
from powertrain.nn.quantizing import Form, demand_layers, layers_of, observed, quantized
from powertrain.train.evaluate.evaluation import evaluating
from powertrain.train.evaluate.review import open_run, write_again
from powertrain.train.folder.run_folder import QUANTIZED, RunError, RunFolder
from powertrain.train.preflight import demand_examples
from powertrain.train.run.step import Step, TracedBatch
from powertrain.train.smaller_copies import (
    Scores,
    SmallerCopy,
    bytes_of,
    change_words,
    copied,
    cost_of,
    demand_copy,
    milliseconds_of,
    role_of,
    scores_of,
    write_weights,
)

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun
    from powertrain.train.trained_run import TrainedRun

EXAMPLES = 256  # of the training part that ranges are found by


@dataclass(frozen=True)
class Quantized(SmallerCopy):
    """What came of it: the new run's folder, what was measured before and after, sizes and times.

        folder      of the new run; None where it cost more than the tolerance, and nothing is left
        cost        by how much the metric got worse; below 0 where it got better
        bytes       of the model's numbers, before and after
        milliseconds    for a prediction of one example, before and after: the median of some, on this machine

    Example
        >>> import tempfile
        >>> run = pt.fit("digits", epochs=1, folder=tempfile.mkdtemp() + "/run", verbose=False)
        >>> small = run.quantize(8)
        >>> small.kept, small.bytes[1] < small.bytes[0] / 2, small.run.predict(np.zeros((2, 8, 8))).outputs.shape
        (True, True, (2, 10))
    """

    VERB, DONE = "quantize", "quantized"
    ADVICE = "allow more by tolerance, or take 8 bits"

    folder: Path | None
    source: Path
    form: Form
    layers: tuple[str, ...]
    part: str
    metric: str
    before: Scores
    after: Scores
    cost: float
    bytes: tuple[int, int]
    milliseconds: tuple[float, float]
    tolerance: float | None = None

    def lines(self) -> list[str]:
        """The report in words."""
        what = "8 bits" if self.form.bits == 8 else f"4 bits in groups of {self.form.group_size}"
        if self.form.activations != "float":
            what += f", {self.form.activations} activations of 8 bits"
        times = self.bytes[0] / max(self.bytes[1], 1)
        return [
            f"{len(self.layers)} layers to {what}",
            change_words(self.part, self.metric, self.before, self.after, self.cost),
            f"{self.bytes[0]:,} bytes before, {self.bytes[1]:,} after: {times:.1f} times smaller",
            f"{self.milliseconds[0]:.3g} ms for one example before, {self.milliseconds[1]:.3g} ms after",
        ]

    def table(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "run": None if self.folder is None else str(self.folder), "source": str(self.source),
            **dataclasses.asdict(self.form), "layers": list(self.layers), "part": self.part, "metric": self.metric,
            "before": self.before, "after": self.after, "cost": self.cost, "bytes": list(self.bytes),
            "milliseconds": list(self.milliseconds), "tolerance": self.tolerance,
        }  # fmt: skip


def quantize_run(
    trained: TrainedRun,
    run: TrainRun,
    form: Form,
    *,
    skip: Sequence[str] = (),
    examples: int = EXAMPLES,
    tolerance: float | None = None,
    folder: Path | None = None,
    trust: bool = False,
) -> Quantized:
    """A copy of a run with quantized weights. `run` is the trained one with its data."""
    target = _demand(trained, run, form, skip, tolerance, folder)
    role = role_of(run)
    module = run.table.modules[role]
    ranges = observed(module, lambda: _feed(run, examples)) if form.activations == "static" else {}
    before, speed = scores_of(run), milliseconds_of(run)
    layers = tuple(layers_of(module, skip))
    twin = quantized(module.clone(), form, ranges, skip)
    with copied(trained.folder, target):
        about = {"role": role, **dataclasses.asdict(form), "layers": layers}
        arrays = write_weights(RunFolder(target), role, twin, QUANTIZED, about)
        opened = open_run(target, trust, data=True).run
        made = _report(trained, target, form, layers, before, scores_of(opened), tolerance, run, opened, speed)
        if made.kept:
            results = {**trained.results, **made.after, "run": str(target), "hash": hash_arrays(arrays)}
            results["quantized"] = made.table()
            opened.folder.finish(results)
            write_again(opened, results)
    if not made.kept:
        shutil.rmtree(target, ignore_errors=True)
    return made


def _demand(
    trained: TrainedRun, run: TrainRun, form: Form, skip: Sequence[str], tolerance: float | None, folder: Path | None
) -> Path:
    """Refuse what cannot be done before anything is measured; the folder of the new run."""
    target = demand_copy(trained, "quantize", tolerance, folder, f"{form.bits}bit")
    if form.activations == "static":
        demand_examples(run, "quantize")
    model = trained.model
    demand_layers(model, skip)
    if "" in layers_of(model):
        raise RunError(
            "[quantize] the model is a single layer; expected a model that holds its layers; quantize the layer: "
            "pt.quantize(run.model)"
        )
    return target


def _feed(run: TrainRun, examples: int) -> None:
    """Let the model answer examples of the training part, evenly spaced."""
    source = run.dataset.splits["train"]
    rows = evenly_spaced(len(source), examples)
    with evaluating(run.table.modules):
        for batch in DataLoader(Subset(source, rows), min(64, len(rows))):
            run.strategy.predict(Step(), TracedBatch(("x",), (pt.asarray(batch.arrays["x"]),)))


def _report(
    trained: TrainedRun, target: Path, form: Form, layers: tuple[str, ...], before: Scores, after: Scores,
    tolerance: float | None, run: TrainRun, opened: TrainRun, speed: float,
) -> Quantized:  # fmt: skip
    part = trained.results["part"]
    metric, cost = cost_of(run, part, before, after)
    kept = tolerance is None or cost <= tolerance
    sizes = (bytes_of(trained.model), bytes_of(opened.table.modules[role_of(opened)]))
    return Quantized(
        target if kept else None, trained.folder, form, layers, part, metric, before, after, cost, sizes,
        (speed, milliseconds_of(opened)), tolerance,
    )  # fmt: skip
