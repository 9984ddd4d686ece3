"""What a trace froze of Python: a compiled function sees changes of it, and keeps the programs that fit again."""

from __future__ import annotations

import gc
import logging
import os
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from oracles import same_bits
from powertrain import nn
from powertrain.program import facts, frozen
from powertrain.program.facts import Watched

X = pt.tensor(np.random.default_rng(0).standard_normal((5, 7)).astype("float32"))
SCALE = 2.0
TRACES = 0


def twice_global(x: Any) -> Any:
    return x * SCALE


def through_a_helper(x: Any) -> Any:
    return twice_global(x) + 1


def bits(value: Any) -> Any:
    return np.array(value.numpy())


def test_modes_are_seen_and_toggling_keeps_both_programs() -> None:
    model = nn.Sequential(nn.Linear(7, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    predict = pt.compile(lambda x: model(x))
    pt.random.seed(3)
    predict(X)
    for _ in range(3):
        model.eval()
        before = {name: np.array(value) for name, value in model.state_dict().items()}
        assert same_bits(bits(predict(X)), bits(model(X)))
        assert all(same_bits(before[name], value) for name, value in model.state_dict().items()), "statistics moved"
        model.train()
        pt.random.seed(5)
        got = bits(predict(X))
        assert not all(same_bits(before[name], value) for name, value in model.state_dict().items())
        model.load_state_dict(before)
        pt.random.seed(5)
        assert same_bits(got, bits(model(X)))
    assert predict.traces == 2


def test_the_mode_of_one_part_is_a_fact() -> None:
    model = nn.Sequential(nn.Linear(7, 4), nn.Dropout(0.5))
    predict = pt.compile(lambda x: model(x))
    predict(X)
    model[1].eval()
    assert same_bits(bits(predict(X)), bits(model(X))) and predict.traces == 2


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(7, 4)
        self.scale = 2.0
        self.sizes = [1.0, 2.0]
        self.activation: Callable[[Any], Any] = pt.tanh
        self.note = "nobody reads it"

    def forward(self, x: Any) -> Any:
        return self.activation(self.layer(x)) * self.scale + sum(self.sizes)


def change_scale(model: Any) -> None:
    model.scale = 3.0


def change_list(model: Any) -> None:
    model.sizes = [1.0, 3.0]


def change_function(model: Any) -> None:
    model.activation = pt.relu


def change_module(model: Any) -> None:
    model.layer = nn.Linear(7, 4)


def change_parameter(model: Any) -> None:
    model.layer.weight = nn.Parameter(pt.ones((7, 4)))


def take_bias(model: Any) -> None:
    model.layer.bias = None


@pytest.mark.parametrize(
    "change", [change_scale, change_list, change_function, change_module, change_parameter, take_bias]
)
def test_attributes_of_modules_are_facts(change: Callable[[Any], None]) -> None:
    model = Scaled()
    predict = pt.compile(lambda x: model(x))
    predict(X)
    change(model)
    assert same_bits(bits(predict(X)), bits(model(X)))
    assert predict.traces == 2
    predict(X)
    assert predict.traces == 2


def test_what_nobody_read_or_what_is_equal_traces_nothing() -> None:
    model = Scaled()
    predict = pt.compile(lambda x: model(x))
    predict(X)
    model.note = "another"
    model.steps = 7
    model.scale = float("2.0")
    model.sizes = [1.0, 2.0]
    nn.Linear(2, 2).eval()
    predict(X)
    assert predict.traces == 1


def test_an_attribute_that_the_function_itself_sets_traces_once() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.calls = 0

        def forward(self, x: Any) -> Any:
            self.calls += 1
            self.last = x
            return x * 2

    model = Counting()
    predict = pt.compile(lambda x: model(x))
    for _ in range(3):
        predict(X)
    assert predict.traces == 1


def test_what_the_function_changes_itself_makes_no_trace_of_another_one() -> None:
    """Counting traces is no reason to trace again, whichever way it is done."""

    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.calls = 0

        def forward(self, x: Any) -> Any:
            self.calls = self.calls + 1
            return x * 2

    model, count, seen, holder = Counting(), 0, [], types.SimpleNamespace(count=0)

    def predict(x: Any) -> Any:
        nonlocal count
        global TRACES
        count += 1
        TRACES += 1
        holder.count += 1
        seen.append(x.shape)
        return model(x)

    step = pt.compile(predict)
    for _ in range(3):
        step(X)
        step(X[:2])
    assert (step.traces, count, holder.count, model.calls, len(seen)) == (2, 2, 2, 2, 2)


def test_the_log_names_what_changed(caplog: pytest.LogCaptureFixture) -> None:
    model = Scaled()

    def predict(x: Any) -> Any:
        return model(x)

    step = pt.compile(predict)
    with caplog.at_level(logging.INFO, logger="powertrain"):
        step(X)
        model.scale = 3.0
        step(X)
        model.scale = 2.0
        step(X)
        model.layer.weight.trainable = False
        step(X)
    assert [record.getMessage().partition("): ")[2] for record in caplog.records] == [
        "Scaled.scale changed from 2.0 to 3.0"
    ]


def test_frozen_and_trainable_flags_are_facts(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.Sequential(nn.Linear(7, 4), nn.Linear(4, 1))
    model.name_slots()

    @pt.compile
    def gradients(x: Any) -> Any:
        return pt.nn.value_and_grad(model, lambda: model(x).sum())()[1]

    assert len(gradients(X)) == 4
    with caplog.at_level(logging.INFO, logger="powertrain"):
        model.freeze("0.*")
        assert {path: grad.shape for path, grad in gradients(X).items()} == {"1.weight": (4, 1), "1.bias": (1,)}
    assert "0.weight was frozen" in caplog.text
    model.unfreeze()
    assert len(gradients(X)) == 4
    assert gradients.traces == 2


def test_numbers_of_optimizers_are_facts() -> None:
    model = nn.Linear(7, 1)
    opt = pt.optim.SGD(model, lr=0.1, clip=1.0)

    @pt.compile
    def step(x: Any) -> None:
        opt.update(pt.nn.value_and_grad(model, lambda: (model(x) * 100.0).sum())()[1])

    def moved() -> float:
        before = np.array(model.weight.numpy())
        step(X)
        return float(np.sqrt(np.square(model.weight.numpy() - before).sum()))

    small = moved()
    opt.clip = 2.0
    assert moved() > 1.9 * small
    opt.parts[0].rate = 3.0
    assert moved() > 5.5 * small
    traces = step.traces
    opt.lr = 0.2  # a slot
    assert moved() > 11 * small
    assert step.traces == traces == 3


def test_variables_of_closures_are_facts() -> None:
    scale, model, sizes = 2.0, nn.Linear(7, 2), [1.0]

    def predict(x: Any) -> Any:
        return model(x) * scale + sizes[0]

    step = pt.compile(predict)
    step(X)
    scale = 3.0
    assert same_bits(bits(step(X)), bits(predict(X)))
    model = nn.Linear(7, 2)
    assert same_bits(bits(step(X)), bits(predict(X)))
    sizes = [5.0, 2.0]
    assert same_bits(bits(step(X)), bits(predict(X)))
    shift = X[0, :2]
    with_shift = pt.compile(lambda x: model(x) + shift)
    with_shift(X)
    shift = X[1, :2]
    assert same_bits(bits(with_shift(X)), bits(model(X) + shift))
    scale = 2.0 + 1.0
    traces = step.traces
    step(X)
    assert step.traces == traces == 4


@pytest.mark.parametrize("function", [twice_global, through_a_helper])
def test_globals_are_facts_those_of_helpers_too(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    step = pt.compile(function)
    step(X)
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert same_bits(bits(step(X)), bits(function(X)))
    monkeypatch.setitem(globals(), "twice_global", lambda x: x - 1)
    assert same_bits(bits(step(X)), bits(function(X)))
    step(X)
    assert step.traces == (3 if function is through_a_helper else 2)


def test_attributes_of_other_objects_are_facts() -> None:
    class Trainer:
        def __init__(self) -> None:
            self.settings = types.SimpleNamespace(scale=2.0)
            self.shift = 1.0
            self.losses: list[float] = []

        @pt.compile
        def decorated(self, x: Any) -> Any:
            return x * self.settings.scale + self.shift

        def plain(self, x: Any) -> Any:
            return x * self.settings.scale + self.shift

    trainer = Trainer()
    bound = pt.compile(trainer.plain)
    in_closure = pt.compile(lambda x: x * trainer.settings.scale + trainer.shift)
    for change in ({}, {"shift": 4.0}, {"scale": 5.0}):
        trainer.shift = change.get("shift", trainer.shift)
        trainer.settings.scale = change.get("scale", trainer.settings.scale)
        want = bits(trainer.plain(X))
        for step in (trainer.decorated, bound, in_closure):
            assert same_bits(bits(step(X)), want), change
    trainer.losses.append(1.0)
    bound(X)
    assert bound.traces == in_closure.traces == 3


def test_each_function_names_the_attributes_that_it_reads_of_an_object() -> None:
    holder = types.SimpleNamespace(settings=types.SimpleNamespace(scale=2.0, shift=1.0))

    def inner(x: Any) -> Any:
        return x * holder.settings.scale

    def outer(x: Any) -> Any:
        return inner(x) + holder.settings.shift

    step = pt.compile(outer)
    step(X)
    holder.settings.shift = 3.0
    assert same_bits(bits(step(X)), bits(outer(X)))
    holder.settings.scale = 3.0
    assert same_bits(bits(step(X)), bits(outer(X)))
    assert step.traces == 3


def test_the_sums_of_autocast_are_part_of_the_key() -> None:
    w = X.T

    @pt.compile
    def product(x: Any) -> Any:
        return x @ w

    with pt.autocast("bf16"):
        product(X)
    with pt.autocast("bf16", dots="exact"):
        assert same_bits(bits(product(X).astype("float32")), bits((X @ w).astype("float32")))
    assert product.traces == 2


def test_reads_are_noted_in_a_trace_alone() -> None:
    model = Scaled()

    def fails(x: Any) -> Any:
        model(x)
        assert "__getattribute__" in vars(Watched)
        raise KeyError("in the trace")

    with pytest.raises(KeyError):
        pt.compile(fails)(X)
    assert "__getattribute__" not in vars(Watched)


def test_traces_on_two_threads_note_their_own_reads() -> None:
    models = [Scaled(), Scaled()]
    steps = [pt.compile(lambda x, model=model: model(x)) for model in models]
    meet = threading.Barrier(2)

    def trace(step: Any) -> None:
        meet.wait()
        step(X)

    threads = [threading.Thread(target=trace, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    models[0].scale = 4.0
    for step, model in zip(steps, models, strict=True):
        assert same_bits(bits(step(X)), bits(model(X)))
    assert [step.traces for step in steps] == [2, 1]
    assert "__getattribute__" not in vars(Watched)


def test_a_program_keeps_no_model_alive_that_keeps_it() -> None:
    def made() -> Any:
        model = Scaled()
        model.step = pt.compile(lambda x: model(x))
        model.step(X)
        return weakref.ref(model)

    gone = made()
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_child_of_a_fork_during_another_threads_trace_can_trace() -> None:
    tracing, forked = threading.Event(), threading.Event()

    @pt.compile
    def slow(x: pt.Tensor) -> pt.Tensor:
        tracing.set()
        forked.wait(60)
        return x + 1.0

    other = threading.Thread(target=lambda: slow(pt.ones((2,))))
    other.start()
    assert tracing.wait(60)
    with facts._busy:  # as another thread may hold it at that moment
        child = os.fork()
    if child == 0:
        noted = "__getattribute__" in vars(facts.Watched)
        wrong = pt.compile(lambda x: x * 2.0)(pt.ones((2,))).numpy().tolist() != [2.0, 2.0]
        os._exit(noted or wrong)
    forked.set()
    other.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_a_trace_took_is_listed() -> None:
    model, scale = nn.Sequential(nn.Linear(7, 4), nn.Dropout(0.25)), 2.5
    model.name_slots()

    @pt.compile
    def step(x: Any) -> Any:
        return pt.nn.value_and_grad(model, lambda: (model(x) * scale).sum())()[0]

    assert step.captured() == []
    step(X)
    listed = step.captured()
    assert listed == sorted(listed)
    for line in ("scale = 2.5", "Dropout.training = True", "0.weight is trainable"):
        assert any(line in one for one in listed), (line, listed)
    model.eval()
    step(X)
    assert not any("Dropout.training = True" in one for one in step.captured())


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("T0.5,", "T0.25,", "b from 0.5 to 0.25"),
        ("TTrue,1,", "TFalse,2,", "b from True to False, c from 1 to 2"),
        ("(T1,)T{'a,(',T}c=None,", "(T2,)T{'a,(',T}c='x, y',", "a from (T1,) to (T2,), c from None to 'x, y'"),
        ("(1+2j),T3,", "(1-2j),T3,", "a from (1+2j) to (1-2j)"),
        ("T1,2,3,4,", "T1,2,3,5,", "number 5 from 4 to 5"),
        ("T1,", "TT", "b from 1 to a tensor"),
    ],
)
def test_arguments_that_changed_are_named(before: str, after: str, said: str) -> None:
    def function(a: Any, b: Any, c: Any = None) -> None: ...

    cause = f"the Python arguments changed from {before} to {after}"
    assert frozen.changed(frozen.positional(function), cause) == f"the Python arguments changed: {said}"


@pytest.mark.parametrize(("before", "after"), [("T1,", "TT1,"), ("T' to ',", "T1,"), ("T1,", "T1,a=2,")])
def test_arguments_that_cannot_be_told_apart_are_shown_as_they_are(before: str, after: str) -> None:
    assert frozen.changed([], f"the Python arguments changed from {before} to {after}") is None


def test_a_number_that_changes_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    step = pt.compile(lambda x, rate: x * rate)
    with caplog.at_level(logging.INFO, logger="powertrain"):
        for rate in range(7):
            step(X, float(rate))
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1 and "the Python arguments changed: rate from 2.0 to 3.0; " in warnings[0]
    assert warnings[0].endswith(
        "; a number that changes with the calls is frozen into a program each time; pass it as a tensor, such as "
        "pt.tensor(0.1), or keep it in a Slot"
    )
    assert len(caplog.records) == 6


def test_equal_numbers_of_a_caller_are_not_one_number() -> None:
    """Two arrays hold the same number when a step is traced, and one of them another one later."""
    one, two = np.array(2.0, np.float32), np.array(2.0, np.float32)
    first, second = pt.asarray(one), pt.asarray(two)

    @pt.compile
    def step(x: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor]:
        return x * first, x * second

    x = pt.tensor([1.0, 2.0])
    assert [value.numpy().tolist() for value in step(x)] == [[2, 4], [2, 4]]
    two[...] = 5
    assert [value.numpy().tolist() for value in step(x)] == [[2, 4], [5, 10]]
    assert (x * second).numpy().tolist() == [5, 10]
