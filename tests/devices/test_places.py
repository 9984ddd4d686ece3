"""Where eager calls, gradients, steps and slots are computed, on simulated GPUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from array_checks import same_bits
from powertrain import _core
from simulated_gpu import simulated_gpus

FIRST, SECOND = simulated_gpus(at_least=2)


def numbers(*shape: int, seed: int = 0) -> pt.Tensor:
    return pt.asarray(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def on(device: str, value: Any) -> pt.Tensor:
    return _core.to_device(value, device)


CALLS: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y,
    lambda x, y: 2 * x - y / 3,
    lambda x, y: pt.exp(x) * 0.1,
    lambda x, y: x.T + 1,
    lambda x, y: x[1:, ::2] * x[0, 0],
    lambda x, y: pt.where(x > y, x, 0),
    lambda x, y: F.gelu(x),
]


@pytest.mark.parametrize("call", CALLS)
def test_eager_calls_run_where_their_inputs_are(call: Callable[[Any, Any], Any]) -> None:
    x, y = numbers(5, 7), numbers(5, 7, seed=1)
    for _ in range(3):
        made = call(on(FIRST, x), on(FIRST, y))
        assert made.device == FIRST
        assert same_bits(made.to("cpu").numpy(), call(x, y).numpy())


@pytest.mark.parametrize(
    "call",
    [
        pt.imag,
        lambda x: pt.imag(x) * x,
        lambda x: pt.logsumexp(x[:, :0], axis=1),
        pt.grad(lambda x: (pt.imag(x) * x).sum()),
        lambda x: pt.compile(lambda y: pt.imag(y) * on(str(x.device), numbers(3, 4)))(x),
    ],
)
def test_results_that_no_input_changes_are_made_there_too(call: Callable[[Any], Any]) -> None:
    x = numbers(3, 4)
    made = call(on(FIRST, x))
    assert made.device == FIRST
    assert same_bits(made.to("cpu").numpy(), call(x).numpy())


def test_values_come_back_when_they_are_asked_for() -> None:
    x = numbers(2, 3)
    there = on(FIRST, x)
    assert there.tolist() == x.tolist() and there[1, 2].item() == x[1, 2].item()
    assert same_bits(there.numpy(), x.numpy()) and same_bits(np.asarray(there), x.numpy())
    assert bool(there[0, 0] > 100) is False and float(there[0, 1]) == float(x[0, 1])
    assert repr(there).endswith("f32[2, 3], cuda:0)") and repr(on("cpu", there)) == repr(x)
    assert same_bits(on("cpu", on(SECOND, there)).numpy(), x.numpy())


def test_what_makes_tensors_follows_the_current_device() -> None:
    on_host = numbers(3)
    _core.push_device(SECOND)
    try:
        made = [pt.zeros((3,)), pt.arange(4), pt.asarray([1, 2]), pt.tensor(np.ones(2)), pt.full((2,), 7)]
        assert {tensor.device for tensor in made} == {SECOND}
        assert (on_host + 1).device == "cpu"
    finally:
        _core.pop_device()
    assert pt.zeros((3,)).device == "cpu" and made[4].tolist() == [7.0, 7.0]


def test_steps_run_where_their_slots_are() -> None:
    w, rate = pt.Slot(numbers(4, 5), "w", trainable=True), pt.Slot(pt.tensor(0.5), "rate")
    x = numbers(4, 5, seed=1)
    step = pt.compile(lambda x: pt.tanh(x) * rate.value + w.value)
    wanted = step(x)
    assert wanted.device == "cpu"
    _core.move_slot(w, FIRST)
    assert w.device == FIRST and rate.device == "cpu"
    for given in (x, on(FIRST, x)):
        for _ in range(4):  # recorded, too
            made = step(given)
            assert made.device == FIRST and same_bits(made.to("cpu").numpy(), wanted.numpy())
    w.value = numbers(4, 5, seed=2)
    assert w.device == FIRST and step(x).tolist() != wanted.tolist()
    _core.move_slot(w, "cpu")
    w.value = numbers(4, 5)
    assert same_bits(step(x).numpy(), wanted.numpy())


X, Y, Z = numbers(3), on(FIRST, numbers(3)), on(SECOND, numbers(3))
W, V = pt.Slot(on(FIRST, numbers(3)), "w"), pt.Slot(numbers(3), "v")
both = pt.compile(lambda a: a * W.value + V.value)
adds = pt.compile(lambda a, b: a + b)

ERRORS: list[tuple[Callable[[], Any], str]] = [
    (lambda: X + Y, "[add] received f32[3] on cpu beside f32[3] on cuda:0; expected all on one device; move it there "
     "with .to('cuda:0')"),
    (lambda: Y + Z, "[add] received f32[3] on cuda:1 beside tensors on cuda:0; expected all on one device; move it "
     "there with .to('cuda:0')"),
    (lambda: both(X), "[compile] received slot w on cuda:0 and slot v on cpu; expected all that a step uses on one "
     "device; move one of them with .to('cuda:0')"),
    (lambda: both(Z), "[compile] received the arguments on cuda:1 and slot w on cuda:0; expected all that a step uses "
     "on one device; move one of them with .to('cuda:1')"),
    (lambda: _core.flatten_slots([W, V], "flat"),
     "[flatten_slots] v lies on cpu, the first slot on cuda:0; expected one device; move the whole model there before "
     "an optimizer is made of it"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), ERRORS, ids=[str(number) for number in range(len(ERRORS))])
def test_errors(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(pt.Error) as error:
        call()
    assert str(error.value) == text


def test_memory_is_counted() -> None:
    total, used, _, peak = _core.device_usage(FIRST)
    held = on(FIRST, pt.tensor(np.ones(1 << 20, np.float32)))
    _, more, _, most = _core.device_usage(FIRST)
    assert total == 256 << 20 and more - used >= 4 << 20 and most >= peak and held.device == FIRST
    with pytest.raises(MemoryError):
        [on(FIRST, pt.tensor(np.ones(1 << 24, np.float32))) for _ in range(5)]
