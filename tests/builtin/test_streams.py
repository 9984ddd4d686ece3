"""Prequential learning: each example is answered first. What is counted, what a drift leads to, what a stream may hold,
and that a run in two parts has the bits of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.builtin.strategies import prequential
from powertrain.builtin.strategies.stream_tally import MOST_DRIFTS, MOST_POINTS, Tally
from powertrain.builtin.strategies.views import StrategyError
from powertrain.data import DataModule, IterableDataset
from powertrain.monitor import DDM, MonitorError
from powertrain.train.folder.run_folder import RunError

LENGTH, CHANGE = 1200, 600


def stream(seed: int = 0, length: int = LENGTH) -> tuple[Any, Any]:
    """Two classes that a line parts, and from example 600 on the other way round."""
    draw = np.random.Generator(np.random.Philox(seed))
    x = (3 * draw.normal(size=(length, 3)) + 5).astype(np.float32)
    y = (x[:, 0] + x[:, 1] > 10).astype(np.int64)
    return x, np.where(np.arange(length) < CHANGE, y, 1 - y)


def recipe(until: str = "1 epoch", batch: int = 1, **strategy: Any) -> dict[str, Any]:
    return {
        "data": {"use": "arrays", "path": str(Path("stream.npz").absolute())},
        "model": "linear",
        "strategy": {"use": "prequential", **strategy},
        "optimizer": {"use": "sgd", "lr": 0.05, "momentum": 0.0},
        "run": {"until": until, "batch_size": batch, "seed": 0, "save_seconds": 600, "evaluate": {"every": "64 steps"}},
        "report": {"baseline": False, "worst": 0},
    }


def go(folder: Path, name: str = "a", until: str = "1 epoch", resume: bool = False, **strategy: Any) -> Any:
    batch = strategy.pop("batch", 1)
    return pt.fit(recipe(until, batch, **strategy), folder=folder / name, resume=resume, verbose=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    x, y = stream()
    np.savez("stream.npz", x=x, y=y)
    return tmp_path


def tally(run: Any) -> Tally:
    return run.run.strategy.tally.value  # type: ignore[no-any-return]


def test_every_answer_is_given_before_its_example_is_learned(here: Path) -> None:
    """Logistic regression in float64, one example after the other, makes the same mistakes."""
    run = go(here, detector="none", standardize=False)
    begun = go(here, "begun", until="1 steps", detector="none", standardize=False)
    x, y = stream()
    weight, bias = (np.asarray(slot.numpy(), np.float64) for slot in begun.model.parameters())
    # The first step is undone, so that the reference begins where the run did.
    first = go(here, "still", until="1 steps", detector="none", standardize=False, round_steps=1)
    assert all(map(np.array_equal, (s.numpy() for s in first.model.parameters()), (weight, bias)))
    wrong, answers = 0, []
    for at in range(1, LENGTH):
        logits = weight @ x[at] + bias if weight.shape[0] == 2 else x[at] @ weight + bias
        answers.append(int(logits.argmax()))
        wrong += answers[-1] != y[at]
        share = np.exp(logits - logits.max())
        slope = share / share.sum() - np.eye(2)[y[at]]
        weight = weight - 0.05 * (np.outer(slope, x[at]) if weight.shape[0] == 2 else np.outer(x[at], slope))
        bias = bias - 0.05 * slope
    assert abs(tally(run).sums.errors - wrong) <= 2 and tally(run).sums.seen == LENGTH


def test_what_is_measured_is_that_of_the_counts(here: Path) -> None:
    run = go(here, detector="ddm")
    counted, scores = tally(run), run.results["train"]
    accuracy = np.trace(counted.confusion) / LENGTH
    assert scores["prequential_accuracy"] == pytest.approx(accuracy)
    y = stream()[1]
    unchanged = 1 - ((y[1:] != y[:-1]).sum() + (counted.sums.no_change - (y[1:] != y[:-1]).sum())) / LENGTH
    assert scores["no_change_accuracy"] == pytest.approx(unchanged)
    assert scores["prequential_kappa_temporal"] == pytest.approx((accuracy - unchanged) / (1 - unchanged))
    assert counted.confusion.sum(axis=1).tolist() == np.bincount(y).tolist()
    assert sum(point[0] for point in counted.curve) == LENGTH
    assert sum(point[1] for point in counted.curve) == counted.sums.errors
    again = pt.load(here / "a")
    assert again.evaluate("train")["accuracy"] == run.evaluate("train")["accuracy"]
    report = (here / "a" / "report.html").read_text()
    assert "Prequential" in report and "the last target again" in report


@pytest.mark.parametrize("detector", ["adwin", "page-hinkley", "ddm", "eddm"])
def test_a_change_of_the_stream_is_found_by_each_detector(here: Path, detector: str) -> None:
    settings = {"page-hinkley": {"threshold": 10.0}, "eddm": {"alpha": 0.8, "beta": 0.7}}.get(detector, {})
    found = tally(go(here, detector=detector, settings=settings)).drifts
    assert any(CHANGE < at < CHANGE + 200 for at, _ in found)


def test_the_detector_gets_the_errors_in_their_order(here: Path) -> None:
    run = go(here, detector="ddm", round_steps=7)
    assert tally(run).sums.found == len(tally(run).drifts) == run.results["train"]["drifts"]


def test_a_reset_begins_anew(here: Path) -> None:
    run = go(here, detector="ddm", react="reset")
    last = int(tally(run).drifts[-1][0])
    x, y = stream()
    np.savez("stream.npz", x=x[:last], y=y[:last])
    cut = go(here, "cut", detector="ddm", react="reset")
    untouched = [slot.numpy() for _, slot in cut.run.strategy.first.module.named_slots()]
    assert all(map(np.array_equal, (slot.numpy() for _, slot in cut.model.named_slots()), untouched))
    assert run.results["train"]["prequential_accuracy"] > 0.8


def test_a_raised_rate_goes_back(here: Path) -> None:
    run = go(here, detector="ddm", react="raise", factor=3.0, lasting=50)
    last = int(tally(run).drifts[-1][0])
    assert last + 50 < LENGTH and float(run.run.strategy.opt.lr.item()) == 0.05
    x, y = stream()
    for length, rate in ((last, 0.15), (last + 49, 0.15), (last + 50, 0.05)):
        np.savez("stream.npz", x=x[:length], y=y[:length])
        cut = go(here, f"cut{length}", detector="ddm", react="raise", factor=3.0, lasting=50)
        assert float(cut.run.strategy.opt.lr.item()) == pytest.approx(rate)


@pytest.mark.parametrize("react", ["report", "reset", "raise"])
def test_a_run_in_two_parts_has_the_bits_of_one(here: Path, react: str) -> None:
    strategy = {"detector": "adwin", "react": react, "round_steps": 32, "settings": {"clock": 4}}
    whole = go(here, "whole", **strategy)
    go(here, "parts", until="640 steps", **strategy)
    resumed = go(here, "parts", resume=True, **strategy)
    assert tally(whole).dump() == tally(resumed).dump() and tally(whole).sums.found
    assert whole.results["hash"] == resumed.results["hash"]


def test_the_length_of_a_round_changes_nothing_but_their_number(here: Path) -> None:
    runs = [go(here, f"r{size}", react="raise", detector="ddm", round_steps=size) for size in (5, 256)]
    assert tally(runs[0]).dump() == tally(runs[1]).dump()
    assert all(map(np.array_equal, *([s.numpy() for s in run.model.parameters()] for run in runs)))


def test_inputs_are_scaled_by_those_before(here: Path) -> None:
    run = go(here, batch=7)
    x = stream()[0].astype(np.float64)
    strategy = run.run.strategy
    assert strategy.count.numpy() == LENGTH
    np.testing.assert_allclose(strategy.mean.numpy(), x.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(strategy.squares.numpy() / LENGTH, x.var(axis=0), rtol=1e-4)
    weight, bias = (np.asarray(slot.numpy(), np.float64) for slot in run.model.parameters())
    scaled = (x[:5] - x.mean(axis=0)) / x.std(axis=0)
    by_hand = scaled @ (weight.T if weight.shape[0] == 2 else weight) + bias
    np.testing.assert_allclose(run.predict(stream()[0][:5]), by_hand, rtol=1e-3, atol=1e-3)


def test_a_regression_has_errors_of_its_own(here: Path) -> None:
    draw = np.random.Generator(np.random.Philox(1))
    x = draw.normal(size=(800, 2)).astype(np.float32)
    y = (x @ [2.0, -1.0] * np.where(np.arange(800) < 400, 1, -1) + 0.1 * draw.normal(size=800)).astype(np.float32)
    np.savez("stream.npz", x=x, y=y)
    scores = go(here, settings={"clock": 4}).results["train"]
    assert scores["prequential_mae"] < 0.4 < scores["no_change_mae"] and scores["drifts"] >= 1
    assert scores["prequential_rmse"] > scores["prequential_mae"]
    with pytest.raises(StrategyError, match='detector = "ddm" of a regression'):
        go(here, "b", detector="ddm")


# What a stream may hold.


class Given(IterableDataset):
    """A stream of unknown length."""

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y

    def __iter__(self) -> Any:
        yield from ({"x": x, "y": y} for x, y in zip(self.x, self.y, strict=True))


def of_stream(folder: Path, x: Any, y: Any, steps: int, **strategy: Any) -> Any:
    data = DataModule("given", "classification", {"train": Given(x, y)}, 2)  # type: ignore[dict-item]
    made = recipe(f"{steps} steps", 4, **strategy)
    del made["data"]
    return pt.fit(made, data=data, folder=folder / "s", verbose=False)


def spoilt() -> tuple[Any, Any]:
    x, y = stream()
    x, y = x[:80].copy(), y[:80].copy()
    x[9, 1], x[20, 0] = np.nan, np.inf
    y[33], y[34], y[35] = -1, -1, 2
    return x, y


def test_bad_examples_are_named(tmp_path: Path) -> None:
    x, y = spoilt()
    with pytest.raises(StrategyError) as caught:
        of_stream(tmp_path, x, y, 20)
    assert str(caught.value) == (
        "[prequential] example 9 has an input that is not finite; expected finite inputs and a class from 0 to 1 (-1 "
        'where there is none); fix it, or write bad = "skip"'
    )
    with pytest.raises(StrategyError, match="example 35 has class 2; expected"):
        of_stream(tmp_path / "b", np.nan_to_num(x, posinf=0), y, 20)


def test_bad_examples_are_counted_where_the_recipe_says_so(tmp_path: Path) -> None:
    x, y = spoilt()
    run = of_stream(tmp_path, x, y, 20, bad="skip")
    assert (tally(run).sums.seen, tally(run).sums.gaps, tally(run).sums.unlabelled) == (75, 3, 2)
    assert all(np.isfinite(slot.numpy()).all() for slot in run.model.parameters())
    assert run.run.strategy.count.numpy() == 75


def test_a_stream_that_ends_early_keeps_what_was_learned(tmp_path: Path) -> None:
    x, y = stream(length=90)
    with pytest.raises(StrategyError) as caught:
        of_stream(tmp_path, x, y, 40)
    assert str(caught.value) == (
        "[prequential] the stream ended after 90 examples, and run.until asks for more; expected no more than it has, "
        "since each is tested before it is known; lower run.until"
    )


def test_no_example_is_tested_twice(here: Path) -> None:
    for until in ("2 epochs", "1_201 steps", "1_201 examples"):
        with pytest.raises(RunError) as caught:
            go(here, until=until)
        assert "takes each of the 1,200 examples of stream once" in str(caught.value), until
        assert str(caught.value).endswith('expected no more than that; write until = "1 epoch"')
    assert not (here / "a").exists()


def test_a_class_that_comes_late_or_never_is_told(here: Path) -> None:
    x, y = stream()
    np.savez("stream.npz", x=x, y=np.where(np.arange(LENGTH) < 700, 0, y * 3))
    report = go(here).folder / "report.html"
    text = report.read_text()
    assert "Never seen: class 1, 2." in text and "class 3 at example 70" in text


def test_other_data_are_refused(here: Path) -> None:
    np.savez("stream.npz", x=np.zeros((40, 2), np.uint8), y=np.arange(40) % 2)
    with pytest.raises(
        StrategyError, match=r"inputs of uint8, which have no scale; expected floats; write standardize"
    ):
        go(here)
    with pytest.raises(MonitorError, match="no such parameter of adwin"):
        go(here, "b", standardize=False, settings={"threshold": 3})


# What is kept of a long stream.


def test_a_long_stream_takes_no_more_memory() -> None:
    made, draw = Tally(2), np.random.default_rng(0)
    wrong = draw.random(40_000) < 0.3
    for one in wrong.tolist():
        made.see(float(one), 0.0)
        if one:
            made.drift(0.3)
    assert len(made.curve) <= MOST_POINTS and len(made.drifts) == MOST_DRIFTS
    assert sum(point[0] for point in made.curve) == 40_000 and made.sums.found == wrong.sum()
    assert len(made.dump()) < 8 * (3 * MOST_POINTS + 2 * MOST_DRIFTS + 50)
    assert Tally.load(made.dump(), 2).dump() == made.dump()


def test_bytes_that_are_no_tally_are_refused() -> None:
    made = Tally(3)
    for target in (0.0, 1.0, 1.0, 2.0):
        made.see(1.0, target)
    good = made.dump()
    numbers = np.frombuffer(good, dtype="<f8")
    fixed = len(numbers) - 5 - 0  # the count of points, one point of three numbers, the count of drifts
    bad = []
    for at, value in ((fixed, 1e9), (fixed, -1.0), (fixed, 0.5), (len(numbers) - 1, 3.0)):
        changed = numbers.copy()
        changed[at] = value
        bad.append(changed.tobytes())
    for data in (b"", good[:-8], good + b"12345678", good[:-3], *bad):
        with pytest.raises(StrategyError, match="numbers that are not a tally of 3 classes"):
            Tally.load(data, 3)


def test_a_detector_in_a_run_is_the_one_alone(here: Path) -> None:
    """The errors that the run has counted lead a detector by itself to the same places."""
    run = go(here, detector="ddm")
    seen: list[float] = []
    usual = Tally.see

    def noted(self: Tally, answer: float, target: float) -> float:
        seen.append(usual(self, answer, target))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tally, "see", noted)
        go(here, "again", detector="ddm")
    alone = DDM()
    places = [at + 1 for at, error in enumerate(seen) if alone.update(error) == "drift"]
    assert places == [int(at) for at, _ in tally(run).drifts] and places


@pytest.mark.parametrize("size", [1, 3, 40])
def test_steps_that_run_together_are_scored_as_one_by_one(
    here: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for held in (1, 64):
        monkeypatch.setattr(prequential, "HELD", held)
        run = go(here, name=f"of-{held}", batch=size, detector="adwin")
        found.append((tally(run).dump(), run.run.strategy.watch.value.state().tolist()))
    assert found[0] == found[1]
