"""`run.quantize(...)` and `powertrain quantize`: a copy of a run with quantized weights, measured beside the run."""

from __future__ import annotations

import dataclasses
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import powertrain as pt
from powertrain.data import DataLoader, Subset
from powertrain.data.source import evenly_spaced
from powertrain.io.hashing import hash_arrays
from powertrain.io.records import to_json
from powertrain.models.folders import copy_run
from powertrain.nn.quantizing import Form, demand_layers, layers_of, observed, quantized
from powertrain.train.closing_words import headline_metric
from powertrain.train.evaluate.evaluation import evaluating
from powertrain.train.evaluate.predict import example_of, transformed
from powertrain.train.evaluate.review import open_run, write_again
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.run_folder import QUANTIZED, REPORT, RESULTS, RunError, RunFolder
from powertrain.train.preflight import demand_examples
from powertrain.train.run.step import Step, TracedBatch
from powertrain.train.session import measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from powertrain.nn import Module
    from powertrain.train.run.train_run import TrainRun
    from powertrain.train.trained_run import TrainedRun

Scores = dict[str, dict[str, float]]
EXAMPLES = 256  # of the training part that ranges are found by
TIMED = 30  # predictions of one example; their median counts
# What a run without training does not need: slots of the optimizer, and of early stopping.
LEFT_OUT = ("optimizer", "best", "stop")


@dataclass(frozen=True)
class Quantized:
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

    @property
    def kept(self) -> bool:
        """Whether there is a new run."""
        return self.folder is not None

    @property
    def run(self) -> TrainedRun:
        """The new run, opened."""
        if self.folder is None:
            raise RunError(
                f"[quantize] {self.source} was not quantized, since that would cost {self.cost:.4g} of {self.metric}; "
                "expected a quantized run; allow more by tolerance, or take 8 bits"
            )
        return pt.load(self.folder)

    def lines(self) -> list[str]:
        """The report in words."""
        before, after = (scores[self.part][self.metric] for scores in (self.before, self.after))
        what = "8 bits" if self.form.bits == 8 else f"4 bits in groups of {self.form.group_size}"
        if self.form.activations != "float":
            what += f", {self.form.activations} activations of 8 bits"
        times = self.bytes[0] / max(self.bytes[1], 1)
        return [
            f"{len(self.layers)} layers to {what}",
            f"{self.part} {self.metric} {before:.4g} before, {after:.4g} after: "
            f"{'worse' if self.cost > 0 else 'better' if self.cost < 0 else 'the same'}"
            + (f" by {abs(self.cost):.4g}" if self.cost else ""),
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
    role = _role(run)
    module = run.table.modules[role]
    ranges = observed(module, lambda: _feed(run, examples)) if form.activations == "static" else {}
    before, speed = _values(run), _milliseconds(run)
    layers = tuple(layers_of(module, skip))
    twin = quantized(module.clone(), form, ranges, skip)
    copy_run(trained.folder, target)
    try:
        arrays = _write(RunFolder(target), role, twin, {"role": role, **dataclasses.asdict(form), "layers": layers})
        opened = open_run(target, trust, data=True).run
        made = _report(trained, target, form, layers, before, _values(opened), tolerance, run, opened, speed)
        if made.kept:
            results = {**trained.results, **made.after, "run": str(target), "hash": hash_arrays(arrays)}
            results["quantized"] = made.table()
            opened.folder.finish(results)
            write_again(opened, results)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    if not made.kept:
        shutil.rmtree(target, ignore_errors=True)
    return made


def _role(run: TrainRun) -> str:
    """Of the model that answers, as `TrainedRun.model` has it."""
    return "model" if "model" in run.table.modules else next(iter(run.table.modules))


def _demand(
    trained: TrainedRun, run: TrainRun, form: Form, skip: Sequence[str], tolerance: float | None, folder: Path | None
) -> Path:
    """Refuse what cannot be done before anything is measured; the folder of the new run."""
    where = trained.folder
    if run.recipe.objects:
        raise RunError(
            f"[quantize] {where} was made from Python objects ({', '.join(run.recipe.objects)}), which its folder does "
            "not hold; expected a run of a recipe; quantize its model: pt.quantize(run.model)"
        )
    if not trained.results:
        raise RunError(f"[quantize] {where} has no results yet; expected a finished run; train it to its end first")
    if run.folder.files.there(QUANTIZED):
        raise RunError(f"[quantize] {where} is quantized already; expected a run of floats; quantize the first one")
    if tolerance is not None and not 0 <= tolerance < np.inf:
        raise RunError(f"[quantize] tolerance = {tolerance}; expected a number of at least 0; 0.01 is usual")
    if form.activations == "static":
        demand_examples(run, "quantize")
    model = trained.model
    demand_layers(model, skip)
    if "" in layers_of(model):
        raise RunError(
            "[quantize] the model is a single layer; expected a model that holds its layers; quantize the layer: "
            "pt.quantize(run.model)"
        )
    target = folder or where.with_name(f"{where.name}-{form.bits}bit")
    if target.exists():
        raise RunError(f"[quantize] {target} exists already; expected a new folder; give another one with --out")
    return target


def _feed(run: TrainRun, examples: int) -> None:
    """Let the model answer examples of the training part, evenly spaced."""
    source = run.dataset.splits["train"]
    rows = evenly_spaced(len(source), examples)
    with evaluating(run.table.modules):
        for batch in DataLoader(Subset(source, rows), min(64, len(rows))):
            run.strategy.predict(Step(), TracedBatch(("x",), (pt.asarray(batch.arrays["x"]),)))


def _values(run: TrainRun) -> Scores:
    return {part: evaluation.values for part, evaluation in measure(run).items()}


def _milliseconds(run: TrainRun) -> float:
    """The median time of a prediction of one example."""
    x = transformed(run, example_of(run)[None])
    run.predict(x)
    times = []
    for _ in range(TIMED):
        start = time.perf_counter()
        run.predict(x)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def _write(folder: RunFolder, role: str, twin: Module, about: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Put the quantized weights in the place of a copied run's, and take away what was measured of those."""
    found, _ = folder.checkpoints.latest()
    if found is None:
        raise RunError(f"[{folder.path}] it has no checkpoint that can be read; expected a trained run; train it again")
    dropped = (*LEFT_OUT, role)
    arrays = {name: value for name, value in found.arrays.items() if name.partition(".")[0] not in dropped}
    arrays |= {f"{role}.{name}": slot.numpy() for name, slot in twin.named_slots()}
    for name in folder.files.names("checkpoints"):
        folder.files.remove(f"checkpoints/{name}")
    for name in (RESULTS, REPORT):
        folder.files.remove(name)
    folder.files.replace(QUANTIZED, to_json(about, indent=1) + b"\n")
    Checkpoints(folder.path).save(found.number, arrays, found.meta)
    return arrays


def _report(
    trained: TrainedRun, target: Path, form: Form, layers: tuple[str, ...], before: Scores, after: Scores,
    tolerance: float | None, run: TrainRun, opened: TrainRun, speed: float,
) -> Quantized:  # fmt: skip
    part = trained.results["part"]
    metric = headline_metric(run, before[part])
    assert run.evaluations.evaluator is not None
    lower = metric == "loss" or getattr(run.evaluations.evaluator.metrics.get(metric), "lower_is_better", False)
    change = after[part][metric] - before[part][metric]
    cost = change if lower else -change
    kept = tolerance is None or cost <= tolerance
    return Quantized(
        target if kept else None, trained.folder, form, layers, part, metric, before, after, cost,
        (_bytes(trained.model), _bytes(opened.table.modules[_role(opened)])), (speed, _milliseconds(opened)), tolerance,
    )  # fmt: skip


def _bytes(model: Module) -> int:
    return sum(slot.numpy().nbytes for _, slot in model.named_slots())
