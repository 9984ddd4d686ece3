"""Comparing candidates on folds: the choice, the clock, failures, signals; and the curve of errors by size."""

from __future__ import annotations

import math
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from powertrain.data import ArrayDataset, DataModule
from powertrain.train.choosing import comparing, growth
from powertrain.train.choosing.comparing import Comparison, Measured, choose, compare
from powertrain.train.choosing.growth import PowerLaw, fit_power_law, grown, watch_growth
from powertrain.train.choosing.suggestion import SuggestError, measure_of
from powertrain.train.choosing.trial import OUT_OF_TIME, Trial, tried


@dataclass(frozen=True)
class One:
    name: str
    rank: int
    tables: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""
    growth: float = 1.0
    left_out: str = ""


@dataclass
class Asked:
    """A question whose data says which fold and share is asked for."""

    candidates: tuple[One, ...]
    folds: int = 5
    rows: int = 100
    metric: str = "accuracy"

    def dataset(self, candidate: One, fold: int, share: float = 1.0) -> Any:
        return fold, share


class Silent:
    def moving(self, text: str) -> None: ...
    def line(self, text: str) -> None: ...


class Clock:
    """Time that passes in trials alone: each takes `seconds[name]` for all rows, and gives `values[name][fold]`."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, values: Mapping[str, Any], seconds: Mapping[str, float]
    ) -> None:
        self.now, self.values, self.seconds = 0.0, values, seconds
        self.asked: list[tuple[str, int, float]] = []
        monkeypatch.setattr(comparing.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(comparing, "tried", self.tried)
        monkeypatch.setattr(growth, "tried", self.tried)

    def tried(self, tables: Mapping[str, Any], dataset: Any, metric: str, deadline: float) -> Trial:
        name, (fold, share) = tables["model"], dataset
        self.asked.append((name, fold, share))
        took = self.seconds.get(name, 1.0) * share
        if self.now + took > deadline:
            self.now = deadline + 1e-3
            return Trial(problem=OUT_OF_TIME)
        self.now += took
        value = self.values[name]
        if callable(value):
            return value(fold, share)
        return Trial(value[fold], took)


def named(**ranks: int) -> tuple[One, ...]:
    return tuple(One(name, rank, {"model": name}) for name, rank in ranks.items())


FLAT = {"a": [0.5] * 5, "b": [0.8, 0.82, 0.78, 0.81, 0.79], "c": [0.81, 0.83, 0.77, 0.81, 0.8]}


def test_the_simplest_within_one_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, FLAT, {})
    made = compare(Asked(named(a=0, b=1, c=2)), 1000.0, Silent(), False)
    assert (made.folds, made.cut, made.signal) == (5, [], 0)
    found = choose(made, "accuracy", False)
    c = np.array(FLAT["c"])
    error = c.std(ddof=1) / math.sqrt(5)
    assert found.best.candidate.name == "c" and found.best.error == pytest.approx(error)
    assert 0.8 >= c.mean() - error > 0.5
    assert found.chosen.candidate.name == "b"
    assert "within one standard error (0.0098) of it, and is simpler" in " ".join(found.why)
    low, high = found.best.interval
    assert (low, high) == pytest.approx((c.mean() - 2.776 * error, c.mean() + 2.776 * error))


def test_what_is_farther_than_a_standard_error_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, {**FLAT, "c": [value + 0.05 for value in FLAT["c"]]}, {})
    found = choose(compare(Asked(named(a=0, b=1, c=2)), 1000.0, Silent(), False), "accuracy", False)
    assert found.chosen is found.best and found.chosen.candidate.name == "c"
    assert "No simpler one is within one standard error" in " ".join(found.why)


def test_of_errors_less_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, {name: [1 - value for value in values] for name, values in FLAT.items()}, {})
    found = choose(compare(Asked(named(a=0, b=1, c=2)), 1000.0, Silent(), True), "rmse", True)
    assert (found.best.candidate.name, found.chosen.candidate.name) == ("c", "b")


def test_a_constant_that_nothing_beats_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, {"a": FLAT["b"], "b": FLAT["c"]}, {})
    found = choose(compare(Asked(named(a=0, b=1)), 1000.0, Silent(), False), "accuracy", False)
    assert found.chosen.candidate.name == "a" and "clearly better than a constant answer" in found.why[-1]


def test_a_candidate_that_fails_is_listed_and_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(fold: int, share: float) -> Trial:
        return Trial(0.9) if fold < 2 else Trial(problem="[b] no")

    Clock(monkeypatch, {**FLAT, "b": fails}, {})
    asked = Asked((*named(a=0, b=1, c=2), One("d", 3, left_out="it is not installed")))
    made = compare(asked, 1000.0, Silent(), False)
    assert [one.candidate.name for one in made.compared] == ["a", "c"] and made.folds == 5
    assert [one.out for one in made.measured] == ["", "[b] no", "", "it is not installed"]
    assert made.cut == []


def test_a_fold_that_the_clock_ends_counts_for_no_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, FLAT, {"c": 2.0})
    # Four seconds a fold: after three of them another does not fit.
    made = compare(Asked(named(a=0, b=1, c=2)), 15.0, Silent(), False)
    assert made.folds == 3 and [len(one.values) for one in made.measured] == [3, 3, 3]
    assert made.cut == ["2 of 5 folds (out of time)"]
    assert max(fold for _, fold, _ in clock.asked) == 2


def test_slow_candidates_are_given_up_for_three_folds_but_never_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, {**FLAT, "d": FLAT["b"]}, {"c": 5.0, "d": 10.0})
    # The first fold takes 17 seconds. Two more of all would take 34; without d 14.
    made = compare(Asked(named(a=0, b=1, c=2, d=3)), 36.0, Silent(), False)
    assert [one.out for one in made.measured] == ["", "", "", "out of time after 1 of the folds, at 10 s each"]
    assert made.folds >= 3 and "d (out of time)" in made.cut
    Clock(monkeypatch, {**FLAT, "d": [0.9] * 5}, {"c": 5.0, "d": 10.0})
    made = compare(Asked(named(a=0, b=1, c=2, d=3)), 39.0, Silent(), False)
    assert made.measured[3].out == "" and made.measured[2].out.startswith(OUT_OF_TIME)


def test_none_is_given_up_where_that_does_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, FLAT, {"c": 20.0})
    # Two folds more of the best alone would take 40 seconds, and 28 are left.
    made = compare(Asked(named(a=0, b=1, c=2)), 50.0, Silent(), False)
    assert [one.out for one in made.measured] == ["", "", ""] and made.folds == 2
    assert made.cut == ["3 of 5 folds (out of time)"]
    Clock(monkeypatch, FLAT, {"c": 20.0})
    made = compare(Asked(named(a=0, b=1, c=2)), 43.0, Silent(), False)
    assert [len(one.values) for one in made.measured] == [1, 1, 1]
    Clock(monkeypatch, FLAT, {})
    made = compare(Asked(named(a=0, b=1, c=2)), 0.0, Silent(), False)
    assert made.compared == [] and made.folds == 0


def test_the_first_fold_of_one_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, {**FLAT, "d": FLAT["b"]}, {"c": 100.0})
    made = compare(Asked(named(a=0, b=1, c=2, d=3)), 24.0, Silent(), False)
    assert made.measured[2].out == OUT_OF_TIME and "c (out of time)" in made.cut
    # It got half of the time that was left, so that the next one could be tried.
    assert [len(one.values) for one in made.measured] == [4, 4, 0, 4]


def test_many_rows_are_looked_at_in_part_first(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, FLAT, {"c": 100.0})
    made = compare(Asked(named(a=0, b=1, c=2), rows=10_000), 60.0, Silent(), False)
    assert [one for one in clock.asked if one[2] < 1] == [("a", 0, 1 / 8), ("b", 0, 1 / 8), ("c", 0, 1 / 8)]
    assert made.measured[2].out == "out of time: a fold would take about 2 min"
    assert ("c", 0, 1.0) not in clock.asked and made.folds == 5


def test_ctrl_c_leaves_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(fold: int, share: float) -> Trial:
        return Trial(0.9) if fold < 2 else Trial(signal=signal.SIGINT)

    Clock(monkeypatch, {**FLAT, "c": ends}, {})
    made = compare(Asked(named(a=0, b=1, c=2)), 1000.0, Silent(), False)
    assert (made.folds, made.signal, made.cut) == (2, signal.SIGINT, ["3 of 5 folds (it was stopped)"])
    assert [len(one.values) for one in made.measured] == [2, 2, 2]

    def between(fold: int, share: float) -> Trial:
        raise KeyboardInterrupt

    Clock(monkeypatch, {**FLAT, "a": between}, {})
    made = compare(Asked(named(a=0, b=1)), 1000.0, Silent(), False)
    assert (made.folds, made.signal, made.compared) == (0, signal.SIGINT, [])


# ---------------------------------------------------------------- one trial, by the engine's own trainer


def rows(count: int = 200) -> DataModule:
    draw = np.random.Generator(np.random.Philox(key=1))
    x = draw.normal(size=(count, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    half = count // 2
    parts = {"train": ArrayDataset(x=x[:half], y=y[:half]), "test": ArrayDataset(x=x[half:], y=y[half:])}
    return DataModule("rows", "classification", parts, 2)


NETWORK = {"model": "linear", "optimizer": {"use": "adamw", "lr": 0.1}, "run": {"until": "20 epochs", "batch_size": 20}}


def test_a_trial_is_what_train_measures() -> None:
    import powertrain as pt

    data = rows()
    found = tried(NETWORK, data, "accuracy", math.inf)
    run = pt.fit(NETWORK, data=data, verbose=False)
    assert found.problem == "" and found.value == run.evaluate("test")["accuracy"] > 0.9
    assert tried(NETWORK, data, "accuracy", math.inf).value == found.value


def test_a_trial_says_what_is_wrong() -> None:
    assert (
        "no such parameter of mlp"
        in tried({**NETWORK, "model": {"use": "mlp", "width": 3}}, rows(), "auc", 9e9).problem
    )
    assert tried({**NETWORK, "model": "nowhere"}, rows(), "auc", math.inf).problem.startswith("RecipeError: [")
    assert tried(NETWORK, rows(), "accuracy", 0.0).problem == OUT_OF_TIME


def test_a_trial_leaves_the_random_numbers_of_its_caller() -> None:
    import powertrain as pt

    pt.random.seed(7)
    want = pt.random.normal(size=(4,)).numpy()
    pt.random.seed(7)
    tried(NETWORK, rows(), "accuracy", math.inf)
    assert (pt.random.normal(size=(4,)).numpy() == want).all()


# ---------------------------------------------------------------- how the error falls


@pytest.mark.parametrize("law", [PowerLaw(2.0, 0.5, 0.1), PowerLaw(5.0, 1.0, 0.0), PowerLaw(0.8, 0.25, 0.02)])
def test_a_power_law_is_found_again(law: PowerLaw) -> None:
    sizes = np.array([100.0, 200.0, 400.0, 800.0, 1600.0])
    found = fit_power_law(sizes, law(sizes))
    assert found(sizes) == pytest.approx(law(sizes), rel=1e-2)
    assert float(found(6400.0)) == pytest.approx(float(law(6400.0)), rel=0.02)


def test_a_power_law_never_rises_nor_ends_below_zero() -> None:
    sizes = np.array([100.0, 200.0, 400.0, 800.0])
    flat = fit_power_law(sizes, np.array([0.2, 0.25, 0.3, 0.35]))
    assert float(flat(1e6)) == pytest.approx(float(flat(100.0))) and flat.rows_for(0.1) == math.inf
    steep = fit_power_law(sizes, np.array([0.8, 0.3, 0.05, 0.001]))
    assert steep.c >= 0 and float(steep(1e9)) >= 0
    assert PowerLaw(2.0, 0.5, 0.1).rows_for(0.3) == pytest.approx(100.0)
    assert fit_power_law(sizes, np.zeros(4))(1e3) == 0


def test_the_interval_holds_the_error_of_more_rows() -> None:
    """Of 40 curves with noise, what twice as many rows would give is within it about as often as it says."""
    law, draw = PowerLaw(3.0, 0.6, 0.05), np.random.Generator(np.random.Philox(key=3))
    sizes = np.repeat(np.array([[100.0], [200.0], [400.0], [800.0]]), 5, axis=1)
    held = 0
    for seed in range(40):
        noise = draw.normal(size=sizes.shape) * 0.1 / np.sqrt(sizes)
        found = grown(sizes, law(sizes) + noise, 800, seed)
        first = found.ahead[0]
        assert first.rows == 1600 and first.low <= first.error <= first.high
        held += first.low <= float(law(1600.0)) <= first.high
    assert held >= 28


def test_shares_of_the_rows_are_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    law = PowerLaw(2.0, 0.5, 0.05)

    class Rows(Asked):
        def dataset(self, candidate: One, fold: int, share: float = 1.0) -> Any:
            size = round(share * 80)
            parts = {"train": ArrayDataset(x=np.zeros((size, 1)), y=np.zeros(size))}
            return DataModule("rows", "classification", {**parts, "test": parts["train"]}, 2)

    asked = Rows(named(a=0))
    monkeypatch.setattr(growth, "tried", lambda tables, data, metric, deadline: Trial(1 - float(law(len(data.train)))))
    chosen = Measured(asked.candidates[0], [1 - float(law(80))] * 5, [0.0] * 5)
    watched = watch_growth(asked, chosen, 5, 1.0, math.inf, Silent(), 0)
    assert watched.growth is not None
    assert watched.growth.rows.tolist() == [[10.0] * 5, [20.0] * 5, [40.0] * 5, [80.0] * 5]
    assert watched.growth.errors[:, 0] == pytest.approx(law(np.array([10.0, 20.0, 40.0, 80.0])))
    assert watched.growth.ahead[1].rows == 400 and watched.growth.ahead[0].error == pytest.approx(
        float(law(200)), rel=0.02
    )
    assert watch_growth(asked, chosen, 1, 1.0, math.inf, Silent(), 0).problem.startswith("the comparison had one fold")
    chosen.expected = 1e6
    assert watch_growth(asked, chosen, 5, 1.0, 0.0, Silent(), 0).problem.startswith("no time was left")


def test_a_metric_of_another_task_is_refused() -> None:
    assert measure_of("auc", "classification") == (False, 1.0) and measure_of("rmse", "regression") == (True, 0.0)
    with pytest.raises(SuggestError, match=r"received auc, which measures classification; expected a metric of regres"):
        measure_of("auc", "regression")


def test_no_comparison_has_no_leader() -> None:
    assert Comparison([Measured(One("a", 0), out="no")]).compared == []
