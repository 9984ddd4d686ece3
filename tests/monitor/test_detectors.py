"""Drift detectors: they fire soon after a change and not before, in bounded memory, and go on from their state."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.monitor import ADWIN, DDM, DETECTORS, EDDM, Detector, DetectorRule, Monitor, MonitorError, PageHinkley

CHANGE, LENGTH = 2000, 4000
# Of a share of errors that stays the same, EDDM raises false alarms by design; DDM does at its usual threshold.
QUIET: dict[str, dict[str, Any]] = {"adwin": {}, "page-hinkley": {}, "ddm": {"drift_threshold": 4.0}}


def wrong(seed: int, after: float = 0.6) -> list[int]:
    """Whether answers are wrong: 30 % of the first 2,000, another share of the rest."""
    draw = np.random.Generator(np.random.Philox(seed))
    share = np.where(np.arange(LENGTH) < CHANGE, 0.3, after)
    return [int(one) for one in draw.random(LENGTH) < share]


def drifts(detector: Detector, values: Any) -> list[int]:
    return [at for at, value in enumerate(values) if detector.update(value) == "drift"]


@pytest.mark.parametrize("name", QUIET)
@pytest.mark.parametrize("seed", range(3))
def test_a_change_is_found_soon_and_nothing_before(name: str, seed: int) -> None:
    found = drifts(DETECTORS[name](**QUIET[name]), wrong(seed))
    assert found and CHANGE <= found[0] < CHANGE + 1200


@pytest.mark.parametrize("name", QUIET)
def test_what_does_not_change_is_no_drift(name: str) -> None:
    assert drifts(DETECTORS[name](**QUIET[name]), wrong(4, after=0.3)) == []


def test_errors_that_come_closer_together_are_a_drift_for_eddm() -> None:
    errors = [int(at % 10 == 9 if at < 600 else at % 3 == 0) for at in range(2000)]
    found = drifts(EDDM(), errors)
    assert 600 < found[0] < 1500 and drifts(EDDM(), errors[:600]) == []


def test_a_mean_of_numbers_may_fall_too() -> None:
    values = np.random.default_rng(0).normal(size=2000) - 2 * (np.arange(2000) >= 1000)
    assert 1000 <= drifts(ADWIN(), values)[0] < 1100
    assert 1000 <= drifts(PageHinkley(), values)[0] < 1100
    assert 1000 <= drifts(PageHinkley(mode="down"), values)[0] < 1100
    assert drifts(PageHinkley(mode="up"), values) == []


@pytest.mark.parametrize("name", DETECTORS)
def test_its_state_is_all_that_it_is(name: str) -> None:
    values, whole = wrong(1), DETECTORS[name]()
    levels = [whole.update(value) for value in values]
    for cut in (0, 1, 31, 500, 2100, 3999):
        first, second = DETECTORS[name](), DETECTORS[name]()
        for value in values[:cut]:
            first.update(value)
        assert second.restore(first.state()) is second and second.estimate == first.estimate
        assert [second.update(value) for value in values[cut:]] == levels[cut:]
        assert np.array_equal(second.state(), whole.state())


def test_the_memory_of_adwin_grows_with_the_logarithm_of_its_window() -> None:
    detector, draw = ADWIN(), np.random.default_rng(0)
    for count, value in enumerate(draw.random(50_000), start=1):
        detector.update(float(value))
        assert detector.buckets <= 5 * (math.log2(count) + 2)
    assert detector.width == 50_000 and detector.buckets < 80 and len(detector.state()) < 250
    assert all(len(DETECTORS[name]().state()) < 10 for name in ("page-hinkley", "ddm", "eddm"))


def test_the_estimate_is_the_mean_since_the_change() -> None:
    detector = ADWIN()
    for value in wrong(0):
        detector.update(value)
    assert detector.estimate == pytest.approx(0.6, abs=0.05) and detector.width < 2100


BAD: list[tuple[Any, Any, str]] = [
    (ADWIN(), math.nan, "[ADWIN] received nan as value 1; expected a finite number; leave the example out"),
    (PageHinkley(), math.inf, "[PageHinkley] received inf as value 1; expected a finite number; leave the example out"),
    (
        DDM(),
        0.5,
        "[DDM] received 0.5 as value 1; expected 0 for a right answer or 1 for a wrong one; leave the example out",
    ),
    (
        EDDM(),
        "no",
        "[EDDM] received 'no' as value 1; expected 0 for a right answer or 1 for a wrong one; leave the example out",
    ),
]


@pytest.mark.parametrize("detector, value, text", BAD)
def test_a_value_that_is_none_changes_nothing(detector: Detector, value: Any, text: str) -> None:
    before = detector.state()
    with pytest.raises(MonitorError) as caught:
        detector.update(value)
    assert str(caught.value) == text and np.array_equal(detector.state(), before)


def test_settings_are_checked() -> None:
    with pytest.raises(MonitorError) as caught:
        ADWIN(delta=2.0)
    assert str(caught.value) == "[ADWIN] delta: received 2.0; expected a number > 0 and < 1; correct it"
    with pytest.raises(MonitorError) as caught:
        EDDM(alpha=0.8)
    assert str(caught.value) == (
        "[EDDM] received alpha = 0.8 and beta = 0.9; expected beta of at most alpha; swap them"
    )


@pytest.mark.parametrize("name", DETECTORS)
def test_numbers_that_are_no_state_are_refused(name: str) -> None:
    detector = DETECTORS[name]()
    for value in wrong(0)[:100]:
        detector.update(value)
    good = detector.state()
    level, count, missing = good.copy(), good.copy(), good.copy()
    level[1], count[0], missing[2] = 3, -1, math.nan
    for bad in (good[:-1], np.append(good, 0.0), level, count, missing, np.zeros(1), np.zeros((2, 2))):
        with pytest.raises(MonitorError, match="that are not its state"):
            DETECTORS[name]().restore(bad)
    if name == "adwin":
        for at, value in ((5, 1e9), (5, -1.0), (2, 17.0)):  # buckets of a size, and the width
            bad = good.copy()
            bad[at] = value
            with pytest.raises(MonitorError, match="that are not its state"):
                ADWIN().restore(bad)


# In a monitor.


@pytest.fixture(scope="module")
def profile() -> pt.monitor.Profile:
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(500, 2))
    return pt.monitor.Profile.of(draw.normal(size=(500, 2)), logits, labels=("no", "yes"))


def said(count: int) -> Any:
    """Outputs that all say yes."""
    return np.tile([0.0, 1.0], (count, 1))


def test_a_rule_watches_the_error_of_each_labelled_example(profile: pt.monitor.Profile) -> None:
    rule = DetectorRule("errors", "ddm")
    told: list[Any] = []
    monitor = Monitor(profile, window=400, rules=[rule], on_alarm=told.append)
    wrongs, alone, events = wrong(0), DDM(), []
    for at in range(0, LENGTH, 100):
        ids = range(at, at + 100)
        monitor.observe(outputs=said(100), ids=ids)
        events += monitor.label(ids, ["no" if one else "yes" for one in wrongs[at : at + 100]])
    first = drifts(alone, wrongs)[0]
    assert events == told
    assert (events[0].rule, events[0].on, events[0].features, events[0].examples) == (
        "errors",
        True,
        ("error",),
        first + 1,
    )
    assert (events[1].on, events[1].examples) == (False, first + 401)  # quiet for a window
    assert monitor.state()["alarms"] == {"errors": False}
    text = pt.monitor.prometheus(monitor.state(), model="m")
    assert 'powertrain_monitor_alarm{model="m",rule="errors"} 0' in text


def test_a_rule_watches_an_input_and_passes_gaps_over(profile: pt.monitor.Profile) -> None:
    monitor = Monitor(profile, window=400, rules=[DetectorRule("x1 moves", "adwin", of="x1", settings={"clock": 1})])
    x = np.random.default_rng(1).normal(size=(2000, 2))
    x[1000:, 1] += 3
    x[::7, 1] = np.nan
    events = [event for at in range(0, 2000, 50) for event in monitor.observe(x[at : at + 50])]
    assert [event.rule for event in events if event.on] == ["x1 moves"]
    assert 1000 < events[0].examples < 1030 and monitor.state()["alarms"] == {"x1 moves": False}


def test_rules_that_cannot_be_watched_are_refused(profile: pt.monitor.Profile) -> None:
    numbers = pt.monitor.Profile.of(np.zeros((10, 1)))
    cases: list[tuple[Any, str]] = [
        (
            lambda: Monitor(profile, rules=[DetectorRule("a", "adwin", of="x9")]),
            "[rule a] received of = 'x9'; expected 'error' or an input that is a number; correct it",
        ),
        (
            lambda: Monitor(numbers, rules=[DetectorRule("a", "ddm")]),
            "[rule a] ddm of 'error'; expected the error of a model of classes, since it takes 0 and 1 alone; use "
            "adwin or page-hinkley",
        ),
        (
            lambda: Monitor(profile, rules=[DetectorRule("a", "adwin"), pt.monitor.Rule("a", "psi", above=1)]),
            "[rules] two are called 'a'; expected a name for each; rename one",
        ),
        (
            lambda: DetectorRule("a", "adwinn"),
            "[rule a] received detector 'adwinn'; expected one of adwin, page-hinkley, ddm, eddm; did you mean adwin?; "
            "correct it",
        ),
        (
            lambda: DetectorRule("a", "ddm", settings={"delta": 1}),
            "[rule a] delta: no such parameter of ddm; expected warm_start, warning_threshold, drift_threshold; "
            "correct it",
        ),
    ]
    for make, text in cases:
        with pytest.raises(MonitorError) as caught:
            make()
        assert str(caught.value) == text


def test_a_file_of_rules_may_have_detectors(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(
        '[[detector]]\nname = "errors"\nuse = "adwin"\ndelta = 0.01\n[[rule]]\nname = "p"\nwatch = "psi"\nabove = 1'
    )
    rule, detector = pt.monitor.read_rules(path)
    assert isinstance(rule, pt.monitor.Rule) and detector == DetectorRule("errors", "adwin", settings={"delta": 0.01})
    path.write_text('[[detector]]\nname = "errors"')
    with pytest.raises(MonitorError, match="a detector without use; expected that field; add it"):
        pt.monitor.read_rules(path)
    path.write_text('[[detector]]\nname = 3\nuse = "adwin"')
    with pytest.raises(MonitorError, match="name = 3; expected a text; correct it"):
        pt.monitor.read_rules(path)
    path.write_text("[detector]\nname = 3")
    with pytest.raises(
        MonitorError, match=r"it has detector; expected tables \[\[rule\]\] or \[\[detector\]\]; add one"
    ):
        pt.monitor.read_rules(path)
