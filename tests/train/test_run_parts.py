"""The parts of a run by themselves: how far to go, when to stop, what numbers mean, what energy costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from powertrain.data import ArrayDataset, DataModule
from powertrain.metrics import Accuracy, ConfusionMatrix, Mean, RootMeanSquaredError
from powertrain.plugin.baseline import Baseline
from powertrain.recipe import Duration, Limit
from powertrain.recipe.sections import EvaluateEvery, Keep, RunSection, Stop
from powertrain.train.evaluate import diagnosis
from powertrain.train.evaluate.baseline import in_one_measure, of_rows
from powertrain.train.folder.run_folder import RunError
from powertrain.train.report import energy
from powertrain.train.run.early_stopping import EarlyStop
from powertrain.train.run.progress import Progress
from powertrain.train.run.schedule_horizon import Horizon

BROKEN = (
    "look for a logarithm, a root or a division in the loss, or lower the rate; with anomalies = {} a run stops at the "
    "first such step"
)


class Stream:
    """A source of some batches of 8 an epoch, `position` batches into its epoch."""

    def __init__(self, position: int = 0, epochs: bool = True, length: int = 10) -> None:
        self.position, self.has_epochs, self.length = position, epochs, length
        self.batch_size, self.tokens_per_batch = 8, 8 * 16

    def __len__(self) -> int:
        return self.length

    def left_in_epoch(self) -> int:
        return self.length - self.position


def horizon(
    until: str, every: str | None = None, position: int = 0, epochs: bool = True, length: int = 10, keep: str = ""
) -> Horizon:
    target = Duration.parse(until)
    assert target is not None
    evaluate = EvaluateEvery(every=Duration.parse(every)) if every else None
    stream: Any = Stream(position, epochs, length)
    return Horizon(RunSection(until=target, evaluate=evaluate, keep=Keep(every=Duration.parse(keep))), stream)


@pytest.mark.parametrize(
    ("until", "steps"),
    [("3 epochs", 30), ("7 steps", 7), ("17 examples", 3), ("16 examples", 2), ("129 tokens", 2), ("4 rounds", 4)],
)
def test_a_target_in_steps(until: str, steps: int) -> None:
    assert horizon(until).total_steps == steps


@pytest.mark.parametrize(
    ("until", "every", "done", "quota"),
    [
        ("3 epochs", None, Progress(steps=4), 6),  # the end of the epoch
        ("3 epochs", "3 steps", Progress(steps=4), 2),  # an evaluation at 6
        ("5 steps", "100 steps", Progress(steps=4), 1),  # the target
    ],
)
def test_a_round_ends_where_something_is_due(until: str, every: str | None, done: Progress, quota: int) -> None:
    found = horizon(until, every, position=4)
    assert found.quota(done, 64) == quota
    assert found.quota(done, 1) == 1


@pytest.mark.parametrize(
    ("length", "every", "keep", "quota"),
    [
        (16, "500 steps", "", 12),  # the end of the epoch
        (15, "500 steps", "", 64),  # a short one, which nothing counts
        (15, "1 epochs", "", 11),
        (15, "500 steps", "2 epochs", 11),
    ],
)
def test_short_epochs_end_a_round_where_they_are_counted(length: int, every: str, keep: str, quota: int) -> None:
    assert horizon("900 steps", every, position=4, length=length, keep=keep).quota(Progress(steps=4), 64) == quota


def test_evaluations_are_counted_by_marks() -> None:
    found = horizon("900 steps", "50 steps")
    assert [found.mark(Progress(steps=steps)) for steps in (0, 49, 50, 99, 100)] == [0, 0, 1, 1, 2]
    assert horizon("900 steps", epochs=False).every == Duration(45, "steps")


def test_epochs_of_data_that_has_none_are_refused() -> None:
    with pytest.raises(RunError) as caught:
        horizon("3 epochs", epochs=False)
    assert str(caught.value) == (
        "[run.until] received 3 epochs; the data is drawn at random, or a stream, and has no epochs; expected steps "
        'or tokens; write until = "2_000 steps", or steps=2_000 in pt.fit'
    )


def test_progress_survives_a_checkpoint() -> None:
    progress, again = Progress(3, 24, 0, 7, 2, 1), Progress()
    again.restore(progress.array())
    assert again == progress
    assert progress < Duration(4, "steps") and not progress < Duration(3, "steps")


def weights(value: float) -> dict[str, Any]:
    return {"model.w": np.full(2, value)}


@pytest.mark.parametrize(
    ("watch", "values", "best", "stops_at"),
    [
        ("valid.accuracy", [0.5, 0.6, 0.6, 0.59], 0.6, 3),
        ("valid.loss", [3.0, 2.0, 2.5, 2.1], 2.0, 3),
        ("valid.loss", [math.nan, 2.0, math.nan, 1.0], 1.0, None),
    ],
)
def test_early_stopping_keeps_the_best(watch: str, values: list[float], best: float, stops_at: int | None) -> None:
    def watching() -> EarlyStop:
        made = EarlyStop(Stop(watch=watch, patience=2))
        made.check({"loss": Mean(), "accuracy": Accuracy()}, True)
        return made

    early, stopped = watching(), None
    for at, value in enumerate(values):
        early.see(value, weights(value), (at + 1, 10 * at))
        again = watching()  # as if the run had been killed here
        again.restore(early.arrays())
        early = again
        if early.reached and stopped is None:
            stopped = at
    assert early.best == best and early.weights["model.w"].tolist() == [best, best]
    assert stopped == stops_at
    assert early.reason == f"{watch} has not improved for 2 evaluations"
    assert EarlyStop(Stop(watch=watch, patience=1)).reason == f"{watch} has not improved for one evaluation"
    assert early.kept == f"the weights of epoch {values.index(best) + 1} are kept: {watch} {best:g}"


@pytest.mark.parametrize(
    ("train", "held_out", "simple", "line"),
    [
        ({"accuracy": 0.99}, {"accuracy": 0.985}, None, "healthy: train-valid gap 0.5 points"),
        ({"accuracy": 0.99}, {"accuracy": 0.95}, None, "slightly overfits: train-valid gap 4.0 points; weight decay, "
                                                       "dropout or run.stop may help"),
        ({"accuracy": 1.0}, {"accuracy": 0.8}, None, "overfits: train-valid gap 20.0 points; use more data, weight "
                                                     "decay or dropout, or stop earlier (run.stop)"),
        ({"accuracy": 0.9}, {"accuracy": 0.7}, "a linear model", "weak: no better than a linear model; train-valid "
         "gap 20.0 points; use more data, weight decay or dropout, or stop earlier (run.stop)"),
        ({"accuracy": 0.8}, {"accuracy": 0.8}, "a linear model", "weak: no better than a linear model; train-valid "
                                               "gap 0.0 points; train longer, raise the rate or widen the model"),
        ({"loss": 0.001, "r2": 0.99}, {"loss": 0.01, "r2": 0.97}, None, "healthy: train-valid gap of r2 2.0 points"),
        (
            {"loss": 0.1, "r2": 0.6},
            {"loss": 9.0, "r2": -1.758},
            None,
            "overfits: always the mean of the targets is better on valid (r2 train 0.6, valid -1.76); use more data, "
            "weight decay or dropout, or stop earlier (run.stop)",
        ),
        (
            {"loss": 1.2, "r2": -0.2},
            {"loss": 1.2, "r2": -0.17},
            None,
            "weak: always the mean of the targets is better on train and valid (r2 train -0.2, valid -0.17); train "
            "longer, raise the rate or widen the model",
        ),
        ({"loss": 2.0}, {"loss": 2.1}, None, "healthy: valid loss 5 % above the training loss"),
        ({"loss": 2.0}, {"loss": 1.9}, None, "healthy: valid loss 5 % below the training loss"),
        ({"loss": 2.0}, {"loss": math.nan}, None, f"broken: the valid loss is not finite (nan); {BROKEN}"),
        ({"loss": math.inf, "accuracy": 0.9}, {"loss": 2.0, "accuracy": 0.9}, None,
         f"broken: the train loss is not finite (inf); {BROKEN}"),
    ],
)  # fmt: skip
def test_the_gap_in_words(train: dict[str, float], held_out: dict[str, float], simple: str | None, line: str) -> None:
    assert diagnosis.judge(train, held_out, "valid", simple).line() == line


def test_the_loss_of_the_steps_counts_too() -> None:
    line = diagnosis.judge({"accuracy": 0.9}, {"accuracy": 0.9}, "valid", trained=math.nan).line()
    assert line == f"broken: the training loss is not finite (nan); {BROKEN}"


def test_a_gap_on_few_examples_may_be_chance() -> None:
    train, held_out = {"accuracy": 1.0}, {"accuracy": 0.9}
    line = diagnosis.judge(train, held_out, "valid", examples=30).line()
    assert line == "unclear: train-valid gap 10.0 points ± 11 on 30 examples; hold out more to tell"
    assert diagnosis.judge(train, held_out, "valid", examples=300).word == "overfits"
    assert diagnosis.judge(train, {"accuracy": 0.98}, "valid", examples=30).word == "healthy"


def test_nobody_is_told_to_learn_more_where_nothing_is_left_or_the_loss_rises() -> None:
    best = diagnosis.judge({"accuracy": 1.0}, {"accuracy": 1.0}, "valid", "a linear model")
    assert best.line() == (
        "healthy: a linear model does as well; train-valid gap 0.0 points; the simpler model is enough"
    )
    words = 'its loss was lower earlier: add stop = { watch = "valid.loss" } to run'
    weak = diagnosis.judge({"accuracy": 0.8}, {"accuracy": 0.8}, "valid", "a linear model", rises=True)
    assert weak.word == "weak" and weak.advice == words
    healthy = diagnosis.judge({"accuracy": 0.8}, {"accuracy": 0.8}, "valid", rises=True)
    assert healthy.word == "healthy" and healthy.advice == words


def test_what_another_library_fits_is_advised_on_its_own_parameters() -> None:
    fit = diagnosis.judge({"accuracy": 1.0}, {"accuracy": 0.8}, "valid", None, diagnosis.FITTED)
    assert fit.advice == "use more data, or parameters of the model that restrain it"


def test_the_simplest_predictor_that_does_as_well() -> None:
    linear = [Baseline("dummy", "mse", 2.0, "the mean"), Baseline("linear", "mse", 1.0, "least squares")]
    assert diagnosis.unbeaten({"mse": 0.9}, linear) is None
    assert diagnosis.unbeaten({"mse": 1.0}, linear) == "a linear model"
    assert diagnosis.unbeaten({"mse": 3.0}, linear) == "a dummy model (the mean)"
    guess = [Baseline("dummy", "accuracy", 0.6, "", higher_is_better=True)]
    assert diagnosis.unbeaten({"accuracy": 0.5}, guess) == "a dummy model ()"
    assert diagnosis.unbeaten({"return": 0.5}, linear) is None
    probe = [Baseline("linear", "probe", 0.8, "pixels", higher_is_better=True)]
    assert diagnosis.unbeaten({"probe": 0.9}, probe) is None
    assert diagnosis.unbeaten({"probe": 0.8}, probe) == "a linear model"


def test_the_interval_of_an_accuracy() -> None:
    assert diagnosis.interval(0.98, 359) == pytest.approx(0.0152, abs=2e-4)
    assert 0 < diagnosis.interval(1.0, 100) < 0.04
    assert math.isnan(diagnosis.interval(1.0, 0))


def test_expectations_are_held_by_name() -> None:
    results = {"seconds": 3.0, "test": {"accuracy": 0.9}}
    expect = {"test.accuracy": Limit(">=", 0.95), "seconds": Limit("<=", 60), "test.f1": Limit(">", 0)}
    assert [(one.met, one.line()) for one in diagnosis.hold(results, expect)] == [
        (False, "test.accuracy is 0.9; expected >= 0.95"),
        (True, "seconds is 3; expected <= 60"),
        (False, "test.f1 was not measured; expected > 0"),
    ]


def test_energy_has_a_method_and_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "_counters", dict)
    monkeypatch.setattr(energy, "_processor_seconds", iter([10.0, 370.0]).__next__)
    found = energy.Meter().read()
    assert (found.watt_hours, found.low, found.high) == (1.0, 0.5, 1.5)
    assert found.short() == "~1 Wh (estimate, ±50 %)"
    assert found.sentence() == (
        "1 Wh, between 0.5 and 1.5 Wh (estimated from 360 s of processor time at 10 W a core); at 0.30 a kWh that "
        "costs less than 0.001."
    )
    monkeypatch.setattr(energy, "_counters", iter([{"0": 100.0}, {"0": 3700.0}]).__next__)
    monkeypatch.setattr(energy, "_processor_seconds", lambda: 0.0)
    assert energy.Meter().read().short() == "~1 Wh (measured, ±30 %)"


def test_a_metric_that_is_not_measured_is_not_watched() -> None:
    early = EarlyStop(Stop(watch="valid.acuracy"))
    with pytest.raises(RunError) as caught:
        early.check({"loss": Mean(), "accuracy": Accuracy(), "confusion": ConfusionMatrix()}, True)
    assert str(caught.value) == (
        "[run.stop.watch] received valid.acuracy; expected one of valid.loss, valid.accuracy; did you mean "
        "valid.accuracy?"
    )
    with pytest.raises(RunError, match="has no valid part to watch"):
        early.check({"loss": Mean()}, False)


def test_a_metric_says_which_way_is_better() -> None:
    measured = {"loss": Mean(), "accuracy": Accuracy(), "rmse": RootMeanSquaredError(), "own": object()}
    for mode, lower in (("auto", [True, False, True, False]), ("min", [True] * 4), ("max", [False] * 4)):
        for name, wanted in zip(measured, lower, strict=True):
            early = EarlyStop(Stop(watch=f"valid.{name}", mode=mode))
            early.check(measured, True)
            assert early.lower is wanted, (mode, name)


def test_the_linear_baseline_of_numbers_does_not_hang_on_their_size() -> None:
    draw = np.random.Generator(np.random.Philox(key=3))
    x = draw.normal(size=(500, 4)).astype(np.float32)
    line = x @ np.array([1.0, -2, 0.5, 0]) + draw.normal(0, 0.5, 500)
    for centre, scale in ((0.0, 1.0), (1e4, 1.0), (-30.0, 100.0)):
        y = (centre + scale * line).astype(np.float32)
        parts = {"train": ArrayDataset(x=x[:400], y=y[:400]), "test": ArrayDataset(x=x[400:], y=y[400:])}
        found = of_rows(DataModule("line", "regression", parts, 1), "test")
        assert [one.name for one in in_one_measure(found, "mae")] == ["dummy", "linear"]
        dummy, linear = in_one_measure(found, "mse")
        assert dummy.value > 4 * scale**2 and linear.value < 0.4 * scale**2
