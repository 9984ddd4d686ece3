"""Prequential learning (Dawid 1984): each example of a stream is answered first, and learned from afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.builtin.strategies.screening import Screened, checks, demand_floats
from powertrain.builtin.strategies.stream_tally import Tally
from powertrain.builtin.strategies.views import StrategyError, rows
from powertrain.monitor import DETECTORS, Detector, MonitorError
from powertrain.monitor.stream_rules import make_detector
from powertrain.plugin import Batch, Run, SlowCopy, Step, Strategy, param

if TYPE_CHECKING:
    from powertrain.plugin import Section

NONE = "none"
ROUNDING, WIDEST = 1e-5, 10.0  # of a mean in float32; deviations beyond which an input is cut
HELD = 64  # answers of steps that are made before their errors are looked at, where no step depends on these


class Prequential(Strategy):
    """Test, then train: every example counts before the model has seen it, in the order of the data, once.

    A drift detector over the errors may report, reset the model, or raise its rate for a while.
    """

    @dataclass(frozen=True)
    class Params:
        detector: str = param("adwin", choices=(NONE, *DETECTORS), doc="what looks for drifts in the errors")
        settings: dict[str, Any] | None = param(None, doc="settings of the detector, such as { delta = 0.01 }")
        react: str = param(
            "report",
            choices=("report", "reset", "raise"),
            doc="reaction to a drift: note it, start again, or raise the rate",
        )
        factor: float = param(4.0, above=1, doc="factor of a raised rate")
        lasting: int = param(500, low=1, doc="examples for which it is raised")
        standardize: bool = param(True, doc="scale inputs by the mean and deviation of those seen so far")
        bad: str = param(
            "error", choices=("error", "skip"), doc="what to do with a gap in the inputs, or a class that there is not"
        )
        round_steps: int = param(256, low=1, doc="limit on steps between two commits; results do not depend on it")

    ordered: ClassVar[bool] = True
    scores: ClassVar[tuple[str, ...]] = (
        "prequential_accuracy", "prequential_kappa", "prequential_kappa_temporal", "no_change_accuracy",
        "prequential_mae", "prequential_rmse", "no_change_mae", "drifts",
    )  # fmt: skip
    example_recipe: ClassVar[str] = """\
data      = { use = "digits", split = { valid = 0.1 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [16] }
strategy  = { use = "prequential", detector = "ddm", react = "reset", round_steps = 16 }
optimizer = { use = "adamw", lr = 1e-3 }
run       = { until = "100 rounds", batch_size = 4 }
"""

    def setup(self, run: Run) -> None:
        task = run.dataset.task
        if task not in ("classification", "regression"):
            raise StrategyError(
                f"[prequential] a {task} task; expected classification or regression, whose predictions are right or "
                "wrong; choose another strategy or other data"
            )
        self.classes = run.dataset.outputs if task == "classification" else 0
        if not self.classes and run.dataset.outputs != 1:
            raise StrategyError(
                f"[prequential] a regression of {run.dataset.outputs} numbers; expected one, whose errors a detector "
                "follows; predict each in a run of its own"
            )
        super().setup(run)
        self.scale = run.dataset.target
        self.stream = run.data("train")
        inputs = run.dataset.inputs()
        if self.params.standardize:
            demand_floats(inputs)
            zeros = np.zeros(inputs.shape, dtype=np.float32)
            self.count = run.slot("stream.count", np.float32(0))
            self.mean, self.squares = run.slot("stream.mean", zeros), run.slot("stream.squares", zeros)
        kind = np.int64 if self.classes else np.float32
        size = self.stream.batch_size
        self.held = max(1, HELD // size) if self.params.react == "report" else 1
        self.said = run.slot("stream.said", np.zeros((self.held, size), kind))  # the last one is the latest
        self.tally = run.blob(
            "stream.tally", lambda: Tally(self.classes), Tally.dump, lambda data: Tally.load(data, self.classes)
        )
        self.watch = run.blob("stream.detector", self._detector, _dumped, self._loaded)
        self.rate = float(self.opt.lr.item())
        if self.params.react == "reset":
            self.first = SlowCopy(run, "first")
            self.first_state = self.opt.state_dict()

    def _detector(self) -> Detector | None:
        if self.params.detector == NONE:
            return None
        made = make_detector(self.params.detector, self.params.settings or {}, "strategy")
        if made.BINARY and not self.classes:
            raise StrategyError(
                f'[prequential] detector = "{self.params.detector}" of a regression; it takes only right and wrong; '
                'expected "adwin" or "page-hinkley"; change strategy.detector'
            )
        return made

    def _loaded(self, data: bytes) -> Detector | None:
        made = self._detector()
        if made is None:
            return None
        if len(data) % 8:
            raise MonitorError(
                "[prequential] the state of the detector in the checkpoint is cut off; expected all of it; start a "
                "new run"
            )
        return made.restore(np.frombuffer(data, dtype="<f8"))

    def scaled(self, x: Any) -> Any:
        """The inputs on the scale of those that were seen before."""
        if not self.params.standardize:
            return x
        mean, deviation = self.mean.value, pt.sqrt(self.squares.value / pt.maximum(self.count.value, 1.0))
        # What was constant so far has no scale yet, but for the rounding of its mean.
        known = deviation > ROUNDING * pt.abs(mean)
        scaled = (x - mean) / pt.where(known, deviation, pt.ones_like(deviation))
        # The first change of what was constant for long would be hundreds of deviations.
        return pt.clip(scaled, -WIDEST, WIDEST)

    def step(self, t: Step, batch: Batch) -> None:
        outputs = self.model(self.scaled(batch.x))
        said = pt.argmax(outputs, axis=-1) if self.classes else pt.reshape(outputs, (-1,))
        said = pt.where(batch.weight > 0, pt.astype(said, self.said.dtype), 0)
        self.said.value = pt.concat([self.said.value[1:], pt.reshape(said, (1, -1))], axis=0)
        losses = rows(self.loss(outputs, batch.y))
        t.minimize(self.opt, losses, batch.weight)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))
        if self.params.standardize:
            self._widen(batch.x, batch.weight)

    def _widen(self, x: Any, weight: Any) -> None:
        """Take a batch into the mean and the squares (Chan et al. 1979)."""
        real = pt.reshape(pt.astype(weight > 0, "float32"), (x.shape[0], *[1] * (len(x.shape) - 1)))
        fresh, before = pt.sum(real), self.count.value
        mean = pt.sum(x * real, axis=0) / pt.maximum(fresh, 1.0)
        apart, both = mean - self.mean.value, pt.maximum(before + fresh, 1.0)
        squares = pt.sum(pt.square(x - mean) * real, axis=0)
        self.squares.value = self.squares.value + squares + pt.square(apart) * (before * fresh / both)
        self.mean.value = self.mean.value + apart * (fresh / both)
        self.count.value = before + fresh

    def predict(self, t: Step, batch: Batch) -> Any:
        return self.model(self.scaled(batch.x))

    def round(self, run: Run) -> None:
        if self.stream.epoch:
            raise StrategyError(
                f"[prequential] the stream ended after {int(self.tally.value.sums.seen):,} examples, and run.until "
                "asks for more; expected no more than it has, since each is tested before it is known; lower run.until"
            )
        count = run.quota(self.stream, self.params.round_steps)
        if self.stream.has_epochs:
            count = min(count, self.stream.left_in_epoch())
        screened = Screened(self.stream, count, self.tally.value.sums, self.classes, skips=self.params.bad == "skip")
        # One that ends before the target is no error now: what was learned is kept. Of a length that nobody knows, the
        # end is seen here, after each step.
        ahead = self.held if self.stream.has_epochs else 1
        while self.stream.has_epochs or not self.stream.epoch:
            run.loop(self.step, screened, ahead)
            count, y, weight = screened.targets()
            if not count:
                break
            self._score(self.said.numpy()[-count:].reshape(-1), y, weight)

    def _score(self, said: Any, y: Any, weight: Any) -> None:
        """Count predictions, each of which was made before its step, and react to a drift."""
        tally, watch = self.tally.value, self.watch.value
        if self.scale is not None:
            said, y = self.scale.original(said), self.scale.original(y)
        real = np.flatnonzero(weight > 0)
        for answer, target in zip(said[real].tolist(), y[real].tolist(), strict=True):
            error = tally.see(answer, target)
            if watch is not None and watch.update(error) == "drift":
                tally.drift(watch.estimate)
                self._react(tally)
        if tally.sums.raised_until and tally.sums.seen >= tally.sums.raised_until:
            tally.sums.raised_until = 0.0
            self.opt.lr = self.rate

    def _react(self, tally: Tally) -> None:
        if self.params.react == "reset":
            pairs = zip(self.model.named_slots(), self.first.module.named_slots(), strict=True)
            for (_, slot), (_, first) in pairs:
                slot.value = first.value
            self.opt.load_state_dict(self.first_state)
        if self.params.react == "raise":
            self.opt.lr = self.rate * self.params.factor
            tally.sums.raised_until = tally.sums.seen + self.params.lasting

    def measurable(self, fields: Mapping[str, Any]) -> Any:
        whole, known, there = checks(fields["x"], fields["y"], self.classes)
        return whole & known & there

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        return self.tally.value.scores()

    def sections(self, run: Run) -> Sequence[Section]:
        names = {"detector": self.params.detector, "react": self.params.react}
        return [self.tally.value.section(run.dataset.labels, names)]


def _dumped(detector: Detector | None) -> bytes:
    return b"" if detector is None else detector.state().astype("<f8").tobytes()
