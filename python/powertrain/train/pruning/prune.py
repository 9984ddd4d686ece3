"""`run.prune(...)` and `powertrain prune`: a copy of a run with fewer weights, trained on and measured beside it."""

from __future__ import annotations

import math
import shutil
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import powertrain as pt
from powertrain.io.hashing import hash_arrays
from powertrain.io.plain_json import dumps
from powertrain.nn.utils.masking import mask, nonzero, plain
from powertrain.nn.utils.shrinking import shrink, sizes_of
from powertrain.recipe import Duration
from powertrain.recipe.reader import changed
from powertrain.train.deciding.deciding import decide, write_decision
from powertrain.train.display.display import Display
from powertrain.train.evaluate.review import open_run, write_again
from powertrain.train.folder.run_folder import PRUNED, RunError, RunFolder
from powertrain.train.preflight import demand_examples
from powertrain.train.run.named_slots import own_random_numbers
from powertrain.train.session import train
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
    from powertrain.nn import Module
    from powertrain.train.run.train_run import TrainRun
    from powertrain.train.trained_run import TrainedRun

USUAL_SHARE = 3  # of the length of the run: a third of it is trained on
TRIED = 16  # examples by which a smaller model is compared
NEAR = 1e-4  # of the largest output, how far a smaller model may be from the masked one


@dataclass(frozen=True)
class Pruned(SmallerCopy):
    """What came of it: the new run's folder, what was measured before, after the cut and after training on, and sizes.

        folder      of the new run; None where it cost more than the tolerance, and nothing is left
        cost        by how much the metric got worse; below 0 where it got better
        cut         what was measured when the weights were zero and nothing had been trained on
        sparsity    the share of zeros among the weights of the layers, as it was asked for
        weights     numbers of the model that are not zero, before and after
        bytes       of the model's numbers in memory, before and after: less where units were taken away
        packed      the same packed by zlib, as a download has them
        milliseconds    for a prediction of one example, before and after: the median of some, on this machine

    Example
        >>> import tempfile
        >>> run = pt.fit("digits", epochs=2, folder=tempfile.mkdtemp() + "/run", verbose=False)
        >>> small = run.prune(0.5, until="1 epoch")
        >>> small.kept, small.weights[1] < 0.6 * small.weights[0], small.run.predict(np.zeros((2, 8, 8))).outputs.shape
        (True, True, (2, 10))
    """

    VERB, DONE = "prune", "pruned"
    ADVICE = "allow more by tolerance, prune less, or train on for longer"

    folder: Path | None
    source: Path
    sparsity: float
    structured: bool
    until: str
    smaller: dict[str, list[int]]
    part: str
    metric: str
    before: Scores
    cut: Scores
    after: Scores
    cost: float
    weights: tuple[int, int]
    bytes: tuple[int, int]
    packed: tuple[int, int]
    milliseconds: tuple[float, float]
    tolerance: float | None = None

    def lines(self) -> list[str]:
        """The report in words."""
        what = "of the units" if self.structured else "of the weights"
        found = [
            f"{self.sparsity:.0%} {what} pruned, then trained on for {self.until}",
            f"{self.part} {self.metric} {self.cut[self.part][self.metric]:.4g} right after the cut",
            change_words(self.part, self.metric, self.before, self.after, self.cost),
            f"{self.weights[0]:,} numbers that are not zero before, {self.weights[1]:,} after",
            f"{self.bytes[0]:,} bytes before, {self.bytes[1]:,} after; packed {self.packed[0]:,} and "
            f"{self.packed[1]:,}",
            f"{self.milliseconds[0]:.3g} ms for one example before, {self.milliseconds[1]:.3g} ms after",
        ]
        return [*found, *(f"{path} has the sizes {sizes} now" for path, sizes in self.smaller.items())]

    def table(self) -> dict[str, Any]:
        """The report for JSON."""
        pairs = ("weights", "bytes", "packed", "milliseconds")
        return {
            "run": None if self.folder is None else str(self.folder), "source": str(self.source),
            "sparsity": self.sparsity, "structured": self.structured, "until": self.until, "smaller": self.smaller,
            "part": self.part, "metric": self.metric, "before": self.before, "cut": self.cut, "after": self.after,
            "cost": self.cost, **{name: list(getattr(self, name)) for name in pairs}, "tolerance": self.tolerance,
        }  # fmt: skip


def prune_run(
    trained: TrainedRun,
    run: TrainRun,
    sparsity: float,
    *,
    structured: bool = False,
    until: str | None = None,
    skip: Sequence[str] = (),
    tolerance: float | None = None,
    folder: Path | None = None,
    trust: bool = False,
    verbose: bool = False,
) -> Pruned:
    """A copy of a run with pruned weights. `run` is the trained one with its data."""
    if not isinstance(sparsity, (int, float, np.floating)) or not 0 < sparsity < 1:
        raise RunError(f"[prune] sparsity = {sparsity!r}; expected a share between 0 and 1; 0.5 is usual")
    sparsity = float(sparsity)
    demand_examples(run, "prune")
    _demand_more(trained, sparsity, structured)
    name = f"{'smaller' if structured else 'pruned'}-{100 * sparsity:g}"
    target = demand_copy(trained, "prune", tolerance, folder, name)
    role, length = role_of(run), _length(run, until)
    module = run.table.modules[role]
    cut_off = module.clone()
    mask(cut_off, sparsity, structured=structured, skip=skip)  # first: a model that it does not suit is refused here
    before, speed = scores_of(run), milliseconds_of(run)
    cut = _scores_with(run, role, cut_off)
    twin = _trained_on(trained, run, role, sparsity, structured, skip, length, trust, verbose)
    smaller: dict[str, list[int]] = {}
    if structured:
        twin, smaller = _shrunk(run, role, twin)
    with copied(trained.folder, target):
        about = {"role": role, "sparsity": sparsity, "structured": structured, "sizes": smaller}
        arrays = write_weights(RunFolder(target), role, twin, PRUNED, about)
        opened = open_run(target, trust, data=True).run
        decided = decide(opened)
        write_decision(opened)
        after, part = scores_of(opened), trained.results["part"]
        metric, cost = cost_of(run, part, before, after)
        kept = tolerance is None or cost <= tolerance
        now = opened.table.modules[role]
        made = Pruned(
            target if kept else None, trained.folder, sparsity, structured, str(length), smaller, part, metric, before,
            cut, after, cost, (nonzero(module), nonzero(now)), (bytes_of(module), bytes_of(now)),
            (_packed(module), _packed(now)), (speed, milliseconds_of(opened)), tolerance,
        )  # fmt: skip
        if kept:
            results = {name: value for name, value in trained.results.items() if name != "decision"}
            results |= {**after, "run": str(target), "hash": hash_arrays(arrays)}
            results |= {"parameters": opened.table.parameters, "pruned": made.table()}
            results |= {"decision": decided} if decided else {}
            opened.folder.finish(results)
            write_again(opened, results)
    if not made.kept:
        shutil.rmtree(target, ignore_errors=True)
    return made


def _demand_more(trained: TrainedRun, sparsity: float, structured: bool) -> None:
    """Refuse what would give zeros of an earlier pruning back their weights, or does not fit its smaller layers."""
    before = trained.results.get("pruned")
    if before is not None and (structured or before["structured"] or sparsity <= before["sparsity"]):
        how = "by units" if before["structured"] else f"by {before['sparsity']:g}"
        raise RunError(
            f"[prune] {trained.folder} is pruned already, {how}; expected the run that it was made from, or, of single "
            "weights, a larger share; prune that run"
        )


def _length(run: TrainRun, until: str | None) -> Duration:
    """How long is trained on."""
    whole = run.recipe.run.until
    found = Duration.parse(until) if until is not None else Duration(math.ceil(whole.amount / USUAL_SHARE), whole.unit)
    if found is None:
        raise RunError(f"[prune] until = {until!r}; expected {Duration.expected}")
    return found


def _scores_with(run: TrainRun, role: str, twin: Module) -> Scores:
    """What the run reaches with the numbers of a masked copy of its model."""
    plain(twin)
    values = dict(twin.named_slots())
    with run.fork(role):
        for name, slot in run.table.modules[role].named_slots():
            slot.value = values[name].value
        return scores_of(run)


def _trained_on(
    trained: TrainedRun, run: TrainRun, role: str, sparsity: float, structured: bool, skip: Sequence[str],
    length: Duration, trust: bool, verbose: bool,
) -> Module:  # fmt: skip
    """The model of a run that begins with these weights, some of them zero, and that stay so."""
    before = run.recipe
    by_role = isinstance(table := before.tables["model"], dict) and "use" not in table
    where = f"model.{role}" if by_role else "model"
    changes = [
        f"{where}.weights={dumps(str(trained.folder.absolute()))}",
        f"{where}.prune.sparsity={sparsity!r}", f"{where}.prune.structured={dumps(structured)}",
        f"{where}.prune.skip={dumps(list(skip))}", f"run.until={dumps(str(length))}", "callbacks=[]",
    ]  # fmt: skip
    beginning = before.beginnings.get(role)
    changes += [f'{where}.fresh=""'] if beginning is not None and beginning.fresh else []
    recipe = changed(before, changes, trust=trust)
    folder = Path(tempfile.mkdtemp(prefix="powertrain-prune-"))
    try:
        with own_random_numbers():
            display = Display(quiet=not verbose, python=True, kept=True)
            outcome = train(recipe, folder, display=display, dataset=run.dataset, measured=False)
        if outcome.run.stop and not outcome.run.ended_early:
            raise RunError(
                f"[prune] training on was stopped: {outcome.run.stop_reason}; expected {length}; prune again"
            )
        outcome.run.evaluations.use_best()
        made: Module = outcome.run.table.modules[role]
        plain(made)
        return made.eval()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _shrunk(run: TrainRun, role: str, twin: Module) -> tuple[Module, dict[str, list[int]]]:
    """The model without the units that are zero, and the sizes of the layers that changed; as it is where its answers
    would be others, since something else than the next layer reads them."""
    made, _ = shrink(twin)
    made.eval()
    source = run.dataset.train
    x = pt.asarray(source.fetch(np.arange(min(TRIED, len(source)), dtype=np.int64))["x"])
    want, got = (np.asarray(one(x)) for one in (twin, made))
    if not np.abs(got - want).max() <= NEAR * max(1.0, float(np.abs(want).max())):
        return twin, {}
    known = sizes_of(twin)
    return made, {path: sizes for path, sizes in sizes_of(made).items() if sizes != known[path]}


def _packed(model: Module) -> int:
    """The bytes of a model's numbers, packed."""
    return sum(len(zlib.compress(np.ascontiguousarray(slot.numpy()).tobytes(), 6)) for _, slot in model.named_slots())
