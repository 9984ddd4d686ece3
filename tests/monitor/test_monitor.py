"""Profiles and monitors: what they keep, what they find, that their memory stays, threads, hysteresis, late labels."""

from __future__ import annotations

import pickle
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.monitor import Event, Limits, Monitor, MonitorError, Profile, Row, Rule, Scores
from powertrain.monitor.features import NumberColumns, NumberFeature
from powertrain.monitor.history import History

LABELS = ("cat", "dog", "owl")


def table(seed: int, count: int = 2000) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    age = generator.normal(40, 10, count)
    age[generator.random(count) < 0.05] = np.nan
    colour = generator.choice(np.array(["red", "green", "blue"], dtype=object), count, p=[0.5, 0.3, 0.2])
    return {"age": age, "colour": colour}


def made(seed: int = 0, count: int = 2000) -> Profile:
    generator = np.random.default_rng(seed)
    x, logits = generator.normal(size=(count, 3)), generator.normal(size=(count, 3))
    scores = Scores.of("accuracy", generator.random(500) < 0.9)
    return Profile.of(x, logits, names=("a", "b", "c"), labels=LABELS, table=table(seed, count), scores=scores)


def batch(seed: int, count: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1000 + seed)
    return generator.normal(size=(count, 3)), generator.normal(size=(count, 3))


def problems(monitor: Monitor) -> dict[str, tuple[str, ...]]:
    return {row.name: row.problems for row in monitor.rows if row.problems}


def test_a_profile_keeps_counts_and_no_example() -> None:
    profile = made()
    again = Profile.from_json(profile.to_json())
    assert again == profile and len(profile.to_json()) < 20_000
    a = profile.inputs[0]
    assert sum(a.reference.bins) == 2000 and a.reference.bins.min() >= 0 and len(a.edges) == 33
    age, colour = profile.columns
    assert age.reference.missing == int(np.isnan(table(0)["age"]).sum()) > 0
    assert colour.levels == ("red", "green", "blue")  # type: ignore[union-attr]
    assert [one.name for one in profile.outputs] == ["class", "probability"]
    assert profile.representation is not None and profile.representation.covariance.shape == (3, 3)
    x = np.random.default_rng(0).normal(size=(2000, 3))
    assert a.quantile(0.5) == pytest.approx(np.median(x[:, 0]), abs=0.05)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda raw: raw[:-20], "it is not a complete JSON text"),
        (lambda raw: raw.replace(b'"format": 1', b'"format": 9'), "it has format 9; this version reads 1"),
        (lambda raw: raw.replace(b'"missing": 0', b'"missing": -1', 1), "the feature a.missing is not a whole number"),
        (lambda raw: raw.replace(b'"bins": [', b'"bins": [1, ', 1), "a has 35 counts for 34 bins"),
        (lambda raw: raw.replace(b'"edges": [', b'"edges": [9.5, ', 1), "the edges of a are not in ascending order"),
        (lambda raw: raw.replace(b'"mean": [', b'"mean": [1.0, ', 1), "the covariance is not as wide as the mean"),
    ],
)  # fmt: skip
def test_a_damaged_profile_is_refused(change: Any, text: str) -> None:
    with pytest.raises(MonitorError) as caught:
        Profile.from_json(change(made().to_json()))
    wanted = "expected a profile that powertrain train wrote; restore it, or train again"
    assert str(caught.value) == f"[profile] {text}; {wanted}"


def test_what_is_like_the_training_is_quiet() -> None:
    monitor = Monitor(made())
    for seed in range(4):
        x, logits = batch(seed)
        assert monitor.observe(x, logits) == []
    assert problems(monitor) == {} and monitor.examples == 4000
    assert {row.name for row in monitor.rows} == {"a", "b", "c", "class", "probability", "representation"}


def test_each_kind_of_problem_is_named() -> None:
    monitor = Monitor(made())
    columns = table(7, 1000)
    columns["age"][:300] = np.nan
    columns["colour"][:100] = "mauve"
    logits = batch(1)[1] + [2.0, 0.0, 0.0]
    events = monitor.observe(columns, logits)
    assert [event.rule for event in events] == ["drift", "missing values", "out of range", "unseen values"]
    found = problems(monitor)
    assert found["age"] == ("missing",) and found["colour"][-1] == "unseen"
    assert found["class"] == ("drift",) and found["representation"] == ("drift",)
    x = batch(2)[0]
    x[:, 1] *= 4
    fresh = Monitor(made())
    fresh.observe(x)
    assert problems(fresh) == {"b": ("drift", "outside")}


def test_the_window_moves_on_and_memory_stays() -> None:
    monitor = Monitor(made(), window=400)
    sizes = []
    for seed in range(30):
        monitor.observe(*batch(seed, 333), ids=range(seed * 333, (seed + 1) * 333))
        held = (list(monitor._panes), monitor._filling, monitor.history)
        sizes.append(len(pickle.dumps(held)))
    assert monitor.state()["window"] == 400 and monitor.examples == 9990
    assert max(sizes[20:]) <= 1.1 * max(sizes[5:15])
    shifted = batch(99, 400)[0] + [3.0, 0, 0]
    monitor.observe(shifted)
    assert "drift" in problems(monitor)["a"]
    for seed in range(2):
        monitor.observe(*batch(200 + seed, 400))
    assert problems(monitor) == {}  # the shifted examples have left the window


def test_one_by_one_or_at_once_is_the_same() -> None:
    x, logits = batch(5, 600)
    whole, single = Monitor(made(), window=400), Monitor(made(), window=400)
    whole.observe(x, logits)
    for at in range(600):
        single.observe(x[at : at + 1], logits[at : at + 1])
    assert str(whole.rows) == str(single.rows)  # NaN equals none, and in a row of Python 3.13 not even itself
    assert whole.state() == single.state()


def test_threads_lose_no_example() -> None:
    monitor = Monitor(made(), window=200)
    x, logits = batch(3, 50)

    def work() -> None:
        for _ in range(40):
            monitor.observe(x, logits)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert monitor.examples == 4 * 40 * 50 and len(monitor.history) == 160
    assert sum(monitor.counts()[0][2].bins) == 200


def test_labels_that_come_later_are_joined_by_id() -> None:
    told: list[Event] = []
    monitor = Monitor(made(), window=400, on_alarm=told.append, most_waiting=300)
    _, logits = batch(1, 400)
    truth = [LABELS[at] for at in logits.argmax(axis=1)]
    monitor.observe(outputs=logits, ids=[f"id{at}" for at in range(400)])
    assert monitor.state()["waiting"] == 300 and monitor.state()["dropped"] == 100
    monitor.label([f"id{at}" for at in range(400)], truth)
    assert monitor.labelled == 300 and monitor.unknown == 100
    right = next(row for row in monitor.rows if row.kind == "performance")
    assert right.now == 1.0 and right.problems == ()
    monitor.observe(outputs=logits[:300], ids=range(300))
    monitor.label(range(300), [(at + 1) % 3 for at in logits[:300].argmax(axis=1)])  # numbers of classes, all wrong
    assert [event.rule for event in told] == ["performance"]
    assert problems(monitor)["accuracy"] == ("worse",)


def test_examples_that_are_forgotten_wait_no_more() -> None:
    monitor = Monitor(made(), window=400)
    _, logits = batch(1, 40)
    monitor.observe(outputs=logits, ids=range(40))
    monitor.forget([3, 4, 5, 99])
    assert monitor.state()["waiting"] == 37 and monitor.state()["dropped"] == 3
    monitor.label([3, 6], ["a", "a"])
    assert monitor.labelled == 1 and monitor.unknown == 1


def test_the_history_of_windows_takes_its_memory_at_once() -> None:
    rows = [Row("a", "input", "ks", 10, 0.0, 1.0, psi=0.25), Row("b", "input", "none", 10, 0.0, 1.0)]
    history = History(["a", "b", "c"], most=20)
    tracemalloc.start()
    try:
        for at in range(5):
            history.add(at, rows)
        before = tracemalloc.get_traced_memory()[0]
        for at in range(5, 50):
            history.add(at, rows if at % 2 else rows[1:])
        assert tracemalloc.get_traced_memory()[0] - before < 1000
    finally:
        tracemalloc.stop()
    assert len(history) == 20 and history.points("b") == history.points("c") == []
    assert history.points("a") == [(at, 0.25) for at in range(31, 50, 2)]


def test_numbers_are_scored_by_their_squared_error() -> None:
    generator = np.random.default_rng(0)
    profile = Profile.of(generator.normal(size=(500, 1)), generator.normal(size=(500, 1)),
                         scores=Scores.of("squared error", generator.gamma(1, size=500)))  # fmt: skip
    monitor = Monitor(profile, window=200)
    outputs = generator.normal(size=(200, 1))
    monitor.observe(outputs=outputs, ids=range(200))
    monitor.label(range(200), outputs + 3.0)
    row = next(row for row in monitor.rows if row.kind == "performance")
    assert row.now == pytest.approx(9.0) and row.problems == ("worse",)


@pytest.mark.parametrize(
    ("truth", "text"),
    [
        (["a", "b"], "[label] received labels that are not numbers; expected the true values of what was predicted; "
         "convert them"),
        ([1.0, 2.0], "[label] received 1 numbers for a prediction of 2; expected as many; pass what was to be "
         "predicted"),
    ],
)  # fmt: skip
def test_wrong_labels_change_nothing(truth: list[Any], text: str) -> None:
    x, out = np.random.default_rng(0).normal(size=(2, 40, 2))
    monitor = Monitor(Profile.of(x, out), window=40)
    monitor.observe(x[:2], out[:2], ids=["a", "b"])
    with pytest.raises(MonitorError) as caught:
        monitor.label(["a", "b"], truth)
    assert str(caught.value) == text and len(monitor.waiting) == 2 and monitor.labelled == 0
    monitor.label(["a", "b"], out[:2])
    assert monitor.labelled == 2


def test_no_examples_are_no_news() -> None:
    x, out = np.random.default_rng(0).normal(size=(2, 40, 2))
    monitor = Monitor(Profile.of(x, out), window=40)
    assert monitor.observe(x[:0], out[:0]) == [] and monitor.examples == 0
    labelled = Monitor(Profile.of(x, out, labels=["a", "b"]), window=40)
    assert labelled.observe(x[:0], out[:0]) == [] and labelled.examples == 0


def test_an_alarm_waits_and_stays() -> None:
    """Raised after two windows in a row above 0.5, over after three below 0.2: between the two nothing changes."""
    rule = Rule("psi", "psi", feature="a*", above=0.5, clear=0.2, min_samples=10, raise_after=2, clear_after=3)
    from powertrain.monitor.rules import Alarms

    alarms = Alarms([rule])

    def row(psi: float, name: str = "ab", examples: int = 10) -> list[Row]:
        return [Row(name, "input", "ks", examples, 0.1, 0.5, psi)]

    seen = [[(event.on, event.value) for event in alarms.see(rows, at)] for at, rows in enumerate([
        row(0.6), row(0.4), row(0.6), row(9.0, "b"), row(9.0, examples=9), row(0.7),  # the sixth is the second in a row
        row(0.3), row(0.1), row(0.1), row(0.3), row(0.1), row(0.1), row(0.15),
    ])]  # fmt: skip
    assert seen == [[], [], [], [], [], [(True, 0.7)], [], [], [], [], [], [], [(False, 0.15)]]
    assert alarms.on == {"psi": False}


def test_rules_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\nname = "many"\nwatch = "share.drift"\nabove = 0.5\nclear_after = 1\n')
    (rule,) = pt.monitor.read_rules(path)
    assert rule == Rule("many", "share.drift", above=0.5, clear_after=1)
    monitor = Monitor(made(), rules=[rule])
    assert [event.on for event in monitor.observe(batch(0)[0] + 2)] == [True]
    with pytest.raises(MonitorError, match="No such file"):
        pt.monitor.read_rules(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('rules = 1', "it has rules; expected tables [[rule]] or [[detector]]; add one"),
        ('[[rule]]\nname = "a"\nwatch = "psy"\nabove = 1',
         "[rule a] received watch = 'psy'; expected one of psi, jensen_shannon, wasserstein, statistic, p, missing, "
         "outside, unseen, now, count.drift, count.missing, count.outside, count.unseen, count.worse, share.drift; "
         "did you mean psi?; correct the rule"),
        ('[[rule]]\nname = "a"\nwatch = "psi"',
         "[rule a] received above = None and below = None; expected one of them"),
        ('[[rule]]\nname = "a"\nwatch = "psi"\nabove = 1\nclear = 2',
         "[rule a] received clear = 2; expected at most 1, where the alarm is not raised"),
        ('[[rule]]\nname = "a"\nwatch = "psi"\nabove = "x"', "above = 'x'; expected a number; correct it"),
        ('[[rule]]\nname = "a"\nwatch = "psi"\nover = 1', "no field over; expected one of name, watch"),
        ('[[rule]]\nwatch = "psi"\nabove = 1', "a rule without name; expected that field; add it"),
        ('[[rule]]\nname = "a"\nwatch = "psi"\nabove = 1\nmin_samples = true', "min_samples = True; expected a whole"),
        ('[[rule', "expected a TOML file with tables [[rule]]; check the file"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_said(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(MonitorError) as caught:
        pt.monitor.read_rules(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda one: one.observe(np.zeros((4, 2))),
         "[observe] the inputs lack a, b, c; expected 3 as in the profile; pass what predict takes"),
        (lambda one: one.observe({"age": [1.0]}),
         "[observe] the columns lack colour; expected 2 as in the profile; pass what predict takes"),
        (lambda one: one.observe(np.zeros((4, 3)), np.zeros((5, 3))),
         "[observe] received columns of [4, 5] examples; expected one length; pass whole batches"),
        (lambda one: one.observe(outputs=np.zeros((4, 2))),
         "[observe] received outputs [4, 2]; expected [examples, 3], a number for each class; pass what predict gives"),
        (lambda one: one.observe(np.zeros((4, 3)), ids=[1]),
         "[observe] received 1 ids for 4 examples without outputs; expected an id for each output; pass both"),
        (lambda one: one.label([1], []),
         "[label] received 1 ids and 0 labels; expected a label for each id; pass both"),
    ],
)  # fmt: skip
def test_wrong_observations_change_nothing(call: Any, text: str) -> None:
    monitor = Monitor(made())
    before = monitor.state()
    with pytest.raises(MonitorError) as caught:
        call(monitor)
    assert str(caught.value) == text
    assert monitor.state() == before


def test_wide_examples_are_four_numbers() -> None:
    generator = np.random.default_rng(0)
    profile = Profile.of(generator.random((300, 20, 20)))
    assert [one.name for one in profile.inputs] == ["x mean", "x deviation", "x smallest", "x largest"]
    monitor = Monitor(profile, window=200, limits=Limits(psi=0.2))
    assert monitor.observe(generator.random((200, 20, 20))) == []
    assert monitor.observe(generator.random((200, 20, 20)) ** 2) != []


def test_gaps_alone_and_constants() -> None:
    profile = Profile.of(np.stack([np.full(300, np.nan), np.full(300, 2.0)], axis=1))
    monitor = Monitor(profile, window=200)
    monitor.observe(np.stack([np.full(200, np.nan), np.full(200, 2.0)], axis=1))
    assert problems(monitor) == {}
    monitor.observe(np.stack([np.full(200, 1.0), np.full(200, 3.0)], axis=1))
    found = problems(monitor)
    assert "outside" in found["x0"] and set(found["x1"]) == {"drift", "outside", "unseen"}


def test_comparisons_that_come_too_soon_are_put_off() -> None:
    monitor = Monitor(made(), window=400, every=0.5)
    assert monitor.observe(*batch(1, 100)) == [] and monitor.rows and not monitor.behind
    x, logits = batch(2, 400)
    assert monitor.observe(x + 5, logits) == [] and monitor.behind and monitor.catch_up() == []
    time.sleep(0.6)
    assert "drift" in {event.rule for event in monitor.catch_up()}
    assert not monitor.behind and monitor.catch_up() == []
    monitor.observe(x + 5, logits)
    monitor.finish()
    assert not monitor.behind, "the end of a stream is compared at once"


def test_columns_that_are_counted_together_are_counted_as_each_alone() -> None:
    generator = np.random.default_rng(3)
    gaps = generator.normal(size=5000)
    gaps[::7] = np.nan
    references = [
        generator.normal(size=400), generator.integers(0, 9, 400).astype(float), np.full(400, np.nan), np.zeros(5), gaps
    ]  # fmt: skip
    features = [NumberFeature.of(f"x{at}", values) for at, values in enumerate(references)]
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, 3.0, 3.5])
    for count in (0, 1, 8, 5000):  # more than are counted at a time
        values = np.stack([np.resize(odd, count) if at % 2 else gaps[:count] * 3 for at in range(len(features))])
        together = NumberColumns(features).count(values)
        for feature, row, found in zip(features, values, together, strict=True):
            alone = feature.count(row)
            assert found.bins.tolist() == alone.bins.tolist() and found.bins.dtype == alone.bins.dtype
            assert {**vars(found), "bins": 0} == {**vars(alone), "bins": 0}
    assert NumberColumns([]).count(np.zeros((0, 4))) == []
