"""Quantile regression (Koenker and Bassett 1978): how far a number may be from what is expected, and not only what that
is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin import Baseline, Batch, Inputs, Run, Section, Step, Strategy, param
from powertrain_tabular.linear import EXAMPLE
from powertrain_tabular.quantile_page import Floats, pinball, quantile_section

if TYPE_CHECKING:
    from powertrain.data import DataModule

ROWS = 4096  # of one prediction


class Quantiles(Strategy):
    """Learns several quantiles of a number at once, by the pinball loss: too low costs `level` for each unit, too high
    the rest of 1. The lowest and the highest level are the ends of an interval.

    `predict` gives a number for each level in rising order, since quantiles that cross are none (Chernozhukov et al.
    2010). `score` measures, in the unit of the targets: `coverage`, the share of targets in the interval; `width`, its
    mean length; `pinball`, the mean loss over all levels.
    """

    @dataclass(frozen=True)
    class Params:
        levels: tuple[float, ...] = param((0.05, 0.5, 0.95), above=0, below=1, doc="the quantiles, in rising order")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

        def __post_init__(self) -> None:
            if len(self.levels) < 2 or list(self.levels) != sorted(set(self.levels)):
                shown = ", ".join(f"{level:g}" for level in self.levels)
                raise ValueError(f"levels = [{shown}]; expected at least two, in rising order")

    task: ClassVar[str] = "regression"
    scores: ClassVar[tuple[str, ...]] = ("coverage", "width", "pinball")
    example_recipe: ClassVar[str] = f"""\
data      = {{ use = "table", path = "{EXAMPLE}", target = "age", split = {{ valid = 0.2 }} }}
model     = {{ use = "mlp", hidden = [8] }}
strategy  = {{ use = "quantiles", levels = [0.1, 0.9] }}
optimizer = {{ use = "adamw", lr = 1e-2 }}
run       = {{ until = "3 epochs", batch_size = 32 }}
"""

    def setup(self, run: Run) -> None:
        if run.dataset.outputs != 1:
            raise DataError(
                "quantiles", f"{run.dataset.outputs} numbers for each example", "expected one",
                "predict one of them, or take another strategy",
            )  # fmt: skip
        self.levels = np.array(self.params.levels, np.float32)
        given = run.dataset.inputs()
        self.model = run.model(inputs=Inputs("regression", given.shape, len(self.levels), given.dtype))
        self.opt = run.optim("model")
        self.data = run.data("train")

    def _pinball(self, outputs: Any, batch: Batch) -> Any:
        miss = pt.reshape(pt.astype(batch.y, outputs.dtype), (-1, 1)) - outputs
        return pt.mean(pt.maximum(self.levels * miss, (self.levels - 1) * miss), axis=1)

    def step(self, t: Step, batch: Batch) -> None:
        losses = self._pinball(self.model(batch.x), batch)
        t.minimize(self.opt, losses, batch.weight)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def predict(self, t: Step, batch: Batch) -> Any:
        outputs = self.model(batch.x)
        # Sorted by comparing neighbours, since ONNX has no rule for sorting.
        rising = [outputs[:, at : at + 1] for at in range(len(self.levels))]
        for end in range(len(rising) - 1, 0, -1):
            for at in range(end):
                low, high = rising[at], rising[at + 1]
                rising[at], rising[at + 1] = pt.minimum(low, high), pt.maximum(low, high)
        return pt.concat(rising, axis=1)

    def losses(self, t: Step, batch: Batch) -> Any:
        return self._pinball(self.predict(t, batch), batch)

    def answer(self, output: Any) -> dict[str, object]:
        """The number below which the target lies with the chance of each level."""
        return {f"{level:g}": float(f"{value:.7g}") for level, value in zip(self.params.levels, output, strict=True)}

    def simple(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        """The quantiles of the training targets, whatever the input, on the scale that is learned."""
        scale = dataset.target
        train, held = (_targets(dataset, one) for one in ("train", part))
        if scale is not None:
            train, held = (scale.learned(one).astype(np.float64) for one in (train, held))
        said = np.broadcast_to(np.quantile(train, self.params.levels), (len(held), len(self.params.levels)))
        loss = pinball(said, held, self.params.levels)
        return [Baseline("dummy", "loss", loss, "always the quantiles of the training targets")]

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        said, came = self._judged(run, part)
        inside = (came >= said[:, 0]) & (came <= said[:, -1])
        return {
            "coverage": float(inside.mean()),
            "width": float((said[:, -1] - said[:, 0]).mean()),
            "pinball": pinball(said, came, self.params.levels),
        }

    def _judged(self, run: Run, part: str) -> tuple[Floats, Floats]:
        """The quantiles that it says for a part, in the unit of the targets, and the targets."""
        source = run.dataset.splits[part]
        pieces = []
        for start in range(0, len(source), ROWS):
            fields = source.fetch(np.arange(start, min(start + ROWS, len(source))))
            pieces.append(run.predict(fields["x"]))
        said = np.concatenate(pieces)
        scale = run.dataset.target
        return np.asarray(said if scale is None else scale.original(said), np.float64), _targets(run.dataset, part)

    def sections(self, run: Run) -> Sequence[Section]:
        part = run.dataset.judged_part
        said, came = self._judged(run, part)
        unit = "" if run.dataset.target is None else run.dataset.target.unit
        return [quantile_section(self.params.levels, said, came, part, unit)]


def _targets(dataset: DataModule, part: str) -> Floats:
    source = dataset.splits[part]
    return np.asarray(source.fetch(np.arange(len(source)))["y"], np.float64).reshape(len(source))
