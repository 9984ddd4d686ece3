"""A step that makes a number which is not finite changes nothing, and says where it was made."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F

X = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
POSITIVE = np.abs(X) + 0.5


class Planted:
    """One fault: the op that must be named, and a model function that commits it on its marked line."""

    def __init__(self, op: str, model: Callable[[pt.Tensor, pt.Slot], pt.Tensor], scale: float = 1.0) -> None:
        self.op, self.model, self.scale = op, model, scale

    def line(self) -> int:
        source, start = inspect.getsourcelines(self.model)
        return start + next(i for i, text in enumerate(source) if "# here" in text)


def log_of_zero(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    h = pt.relu(x * w - 100.0)
    return pt.log(h)  # here


def log_of_negative(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return pt.log(-(x * x) * w)  # here


def divide_by_zero(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    zero = w - w
    return x / zero  # here


def zero_by_zero(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return (w - w) / (x - x)  # here


def exp_overflow(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return pt.exp(x * w * 1000.0)  # here


def square_overflow(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return pt.square(x * w * 1e30)  # here


def product_overflow(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    y = x * 1e30
    return y * (w * 1e30)  # here


def sum_overflow(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    y = pt.abs(x * w) * 1e38
    return y.sum(axis=-1)  # here


def add_overflow(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    y = x * w * 0.0 + 3e38
    return y + y  # here


def sqrt_of_negative(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return pt.sqrt(-(x * x) - w * w)  # here


def rsqrt_of_zero(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return pt.rsqrt(x * w * 0.0)  # here


def reciprocal_of_zero(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return pt.reciprocal(x * w * 0.0)  # here


def power_of_negative(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return (-(x * x) - w * w) ** 0.5  # here


def matmul_overflow(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    y = x * 1e25
    return pt.matmul(y, pt.expand_dims(w * 1e25, 1))  # here


def log1p_below_minus_one(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return pt.log1p(-(x * x) - w * w - 2.0)  # here


def subtract_overflow(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    y = x * w * 0.0 + 3e38
    return -y - y  # here


def mean_overflow(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    y = pt.abs(x * w) * 1e38
    return y.sum(axis=0)  # here


def product_of_all(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    y = pt.abs(x * w) * 1e20 + 1e20
    return pt.prod(y, axis=1)  # here


def expm1_overflow(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return pt.expm1(pt.abs(x * w) * 1e4)  # here


def variance_of_large(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    y = x * w * 1e30
    centred = y - y.mean(axis=-1, keepdims=True)
    return centred * centred  # here


FAULTS = [
    Planted("log", log_of_zero), Planted("log", log_of_negative), Planted("divide", divide_by_zero),
    Planted("divide", zero_by_zero), Planted("exp", exp_overflow), Planted("square", square_overflow),
    Planted("multiply", product_overflow), Planted("sum", sum_overflow), Planted("add", add_overflow),
    Planted("sqrt", sqrt_of_negative), Planted("rsqrt", rsqrt_of_zero), Planted("reciprocal", reciprocal_of_zero),
    Planted("pow", power_of_negative), Planted("matmul", matmul_overflow), Planted("log1p", log1p_below_minus_one),
    Planted("subtract", subtract_overflow), Planted("sum", mean_overflow), Planted("prod", product_of_all),
    Planted("expm1", expm1_overflow), Planted("multiply", variance_of_large),
]  # fmt: skip


def training(model: Callable[[pt.Tensor, pt.Slot], pt.Tensor]) -> tuple[object, list[pt.Slot]]:
    weight = pt.Slot(pt.tensor(np.linspace(0.5, 1.5, 6, dtype=np.float32)), name="weight", trainable=True)
    seen = pt.Slot(pt.tensor(0.0), name="seen")
    optimizer = pt.optim.AdamW([weight], lr=0.1)

    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        seen.value = seen.value + 1.0  # a write before the guard is part of its phase

        # The factor brings the model's value into the gradient, also where the fault's own derivative is finite.
        loss, grads = pt.nn.value_and_grad([weight], lambda: (model(x, weight) * weight.value.sum()).mean())()
        optimizer.update(grads)
        return loss

    return step, [weight, seen]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.model.__name__)
def test_a_planted_fault_is_named_and_nothing_changes(fault: Planted) -> None:
    step, slots = training(fault.model)
    before = [slot.numpy().copy() for slot in slots]
    with pytest.raises(pt.NonFiniteError) as caught:
        step(X)  # type: ignore[operator]
    message = str(caught.value)
    assert message.startswith(f"[{fault.op}] made a number that is not finite out of finite ones at "), message
    assert f"{__file__}:{fault.line()} " in message, f"expected line {fault.line()}: {message}"
    assert "in [" in message and "mean" in message, "the statistics of the inputs are part of the message"
    for slot, old in zip(slots, before, strict=True):
        np.testing.assert_array_equal(slot.numpy(), old)


def test_a_parameter_that_is_not_finite_is_named_though_the_optimizer_joined_it_with_others() -> None:
    model = pt.nn.Sequential(pt.nn.Linear(6, 4), pt.nn.ReLU(), pt.nn.Linear(4, 2))
    optimizer = pt.optim.AdamW(model, lr=0.1)
    loss_and_grads = pt.nn.value_and_grad(model, lambda x: (model(x) ** 2).mean())

    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        loss, grads = loss_and_grads(x)
        optimizer.update(grads)
        return loss

    step(X)
    model[2].bias.value = pt.tensor([1.0, np.nan])
    with pytest.raises(
        pt.NonFiniteError, match=r"slot 2\.bias f32\[2\] in \[1, 1\], mean 1, 1 of 2 not finite; expected"
    ):
        step(X)


def test_a_constant_that_is_not_finite_is_named_by_the_call_that_read_it() -> None:
    step, _ = training(lambda x, w: x * w + pt.where(x > 0, np.inf, 0.0))  # here
    with pytest.raises(pt.NonFiniteError) as caught:
        step(X)  # type: ignore[operator]
    message = str(caught.value)
    assert message.startswith("[where] received a constant of the step that is not finite at "), message
    line = 1 + next(at for at, text in enumerate(inspect.getsource(inspect.getmodule(training)).split("\n"))  # type: ignore[arg-type]
                    if "pt.where(x > 0, np.inf" in text)  # fmt: skip
    assert f"{__file__}:{line} " in message


def test_a_layer_that_is_made_of_ops_is_named_by_what_was_called() -> None:
    layer = pt.nn.Conv1d(6, 6, 1)
    layer.weight.value = pt.full((1, 6, 6), 1e20)
    step, _ = training(lambda x, w: layer(pt.reshape(x, (8, 1, 6)) * 1e20)[:, 0] * w)
    with pytest.raises(pt.NonFiniteError, match=r"^\[conv1d\] made a number that is not finite out of finite ones"):
        step(X)  # type: ignore[operator]


def test_bad_data_is_named_as_such() -> None:
    step, _ = training(lambda x, w: x * w)
    bad = X.copy()
    bad[3, 2] = np.nan
    with pytest.raises(pt.NonFiniteError, match=r"^\[guard\] received input 0 of the step f32\[8, 6\]"):
        step(bad)  # type: ignore[operator]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_norm_before_the_first_update_is_not_to_blame(accumulate: int) -> None:
    """With clip the optimizer keeps the norm of the gradients; with accumulate too, each call reads it."""
    weight = pt.Slot(pt.tensor(np.ones(6, np.float32)), name="weight", trainable=True)
    optimizer = pt.optim.AdamW([weight], lr=0.1, clip=1.0, accumulate=accumulate)

    @pt.compile
    def step(x: pt.Tensor) -> None:
        loss = pt.nn.value_and_grad([weight], lambda: (pt.log(x * weight) * weight.value).sum())
        optimizer.update(loss()[1])

    assert np.isnan(optimizer.grad_norm.item())
    with pytest.raises(pt.NonFiniteError, match=r"^\[log\] made a number that is not finite"):
        step(pt.tensor(-POSITIVE))


def test_a_step_after_a_tripped_one_goes_on() -> None:
    step, slots = training(lambda x, w: pt.log(x * w))
    with pytest.raises(pt.NonFiniteError):
        step(-POSITIVE)  # type: ignore[operator]
    assert np.isfinite(step(POSITIVE).item())  # type: ignore[operator]
    assert slots[1].numpy() == 1.0


def test_a_label_out_of_range_is_named() -> None:
    table = pt.Slot(pt.tensor(np.ones((5, 3), np.float32)), name="table", trainable=True)
    optimizer = pt.optim.AdamW([table], lr=0.1)

    @pt.compile
    def step(index: pt.Tensor) -> pt.Tensor:
        loss, grads = pt.nn.value_and_grad([table], lambda: F.embedding(index, table).mean())()
        optimizer.update(grads)
        return loss

    before = table.numpy().copy()
    with pytest.raises(pt.IndexError, match="index out of range"):
        step(np.array([0, 4, 5]))
    np.testing.assert_array_equal(table.numpy(), before)


def test_the_guard_costs_little() -> None:
    """The guard's share of a step, by the executor's own clock: under 3 %."""
    rng = np.random.default_rng(0)
    model = pt.nn.Sequential(pt.nn.Linear(784, 256), pt.nn.ReLU(), pt.nn.Linear(256, 10))
    optimizer = pt.optim.AdamW(model, lr=1e-3)

    @pt.compile
    def step(x: pt.Tensor, y: pt.Tensor) -> pt.Tensor:
        loss, grads = pt.nn.value_and_grad(model, lambda: F.cross_entropy(model(x), y))()
        optimizer.update(grads)
        return loss

    x, y = rng.normal(size=(256, 784)).astype(np.float32), rng.integers(0, 10, 256)
    step(x, y)
    names = [instruction["name"] for instruction in step.programs[0]["instructions"]]
    best = np.min([step.profile(x, y) for _ in range(20)], axis=0)
    share = sum(t for t, name in zip(best, names, strict=True) if name == "guard") / best.sum()
    assert share < 0.03, f"the guard takes {share:.1%} of a step"


def test_eager_steps_are_guarded_too() -> None:
    weight = pt.Slot(pt.tensor([1.0, 2.0]), name="weight", trainable=True)
    seen = pt.Slot(pt.tensor(0.0), name="seen")
    optimizer = pt.optim.AdamW([weight], lr=0.1)

    def loss() -> pt.Tensor:
        seen.value = seen.value + 1.0
        return pt.log(weight * 0.0).sum()

    start = time.perf_counter()
    with pytest.raises(pt.NonFiniteError):
        optimizer.update(pt.nn.value_and_grad([weight], loss)()[1])
    assert time.perf_counter() - start < 5
    assert weight.numpy().tolist() == [1.0, 2.0] and seen.numpy() == 0.0


def test_a_step_that_stops_undoes_nothing_but_itself() -> None:
    """An eager gradient that nobody used began a phase; steps since then were steps of their own."""
    weight = pt.Slot(pt.tensor([1.0, 2.0]), name="weight", trainable=True)

    @pt.compile
    def step(by: pt.Tensor) -> None:
        weight.value = weight.value + pt.guard(by)

    pt.nn.value_and_grad([weight], lambda: weight.value.sum())()
    step(pt.tensor(1.0))
    with pytest.raises(pt.NonFiniteError):
        step(pt.tensor(np.inf))
    assert weight.numpy().tolist() == [2.0, 3.0]


def test_a_built_in_model_is_named_by_its_own_line() -> None:
    from powertrain.builtin.models import MLP

    model = MLP(6, 3)
    optimizer = pt.optim.SGD(model, lr=0.1)

    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        loss, grads = pt.nn.value_and_grad(model, lambda: model(x).sum())()
        optimizer.update(grads)
        return loss

    with pytest.raises(pt.NonFiniteError, match=r"models/mlp\.py:\d+"):
        step(pt.tensor(np.full((8, 6), 3e38, np.float32)))


def root_of_zero(x: pt.Tensor, w: pt.Slot) -> pt.Tensor:
    return (x * w).sum() + pt.sqrt((w * 0.0).sum())  # the slope of sqrt is infinite at 0


@pytest.mark.parametrize("inside", [lambda model: model, lambda model: lambda x, w: pt.checkpoint(model)(x, w)])
def test_a_fault_of_the_backward_pass_is_named_by_the_line_of_the_forward_one(
    inside: Callable[[Callable[..., pt.Tensor]], Callable[[pt.Tensor, pt.Slot], pt.Tensor]],
) -> None:
    step, _ = training(inside(root_of_zero))
    line = root_of_zero.__code__.co_firstlineno + 1
    with pytest.raises(pt.NonFiniteError, match=rf"{re.escape(__file__)}:{line} in root_of_zero"):
        step(X)  # type: ignore[operator]


def test_a_fault_of_a_gradient_by_hand_is_named_by_its_line() -> None:
    @pt.custom_gradient
    def infinite(x: pt.Tensor) -> object:
        return x, lambda g: g / (g * 0.0)

    step, _ = training(lambda x, w: infinite(x * w))
    line = infinite.__wrapped__.__code__.co_firstlineno + 2  # type: ignore[attr-defined]
    with pytest.raises(pt.NonFiniteError, match=rf"^\[divide\] .*{re.escape(__file__)}:{line} in "):
        step(X)  # type: ignore[operator]


@pytest.mark.parametrize("settings", [{}, {"clip": 1.0}, {"clip_value": 1.0}, {"accumulate": 2}])
def test_an_eager_step_names_the_gradients_that_are_not_finite(settings: dict[str, float]) -> None:
    model = pt.nn.Sequential(pt.nn.Linear(2, 3), pt.nn.Linear(3, 1))
    optimizer = pt.optim.SGD(model, lr=0.1, **settings)  # type: ignore[arg-type]
    before = model.state_dict()
    _, grads = pt.nn.value_and_grad(model, lambda x: model(x).sum())(pt.ones((1, 2)))
    grads["0.bias"] = pt.tensor([1.0, np.nan, np.inf])
    with pytest.raises(pt.NonFiniteError, match=r"not finite, of 0\.bias \(2 of 3\); expected .*pt\.compile\(step\)"):
        optimizer.update(grads)
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())
    state = optimizer.state_dict()
    assert state["optimizer.updates"] == 0 and state.get("optimizer.calls", 0) == 0


def test_a_slot_that_no_guarded_value_comes_from_is_not_to_blame() -> None:
    weight, other = pt.Slot(pt.tensor([1.0, 2.0])), pt.Slot(pt.tensor(float("nan")))

    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        other.value = pt.where(pt.sum(x) > 100, 1.0, other.value * 2)
        return pt.guard(pt.sum(pt.log(weight.value * x)))

    with pytest.raises(pt.NonFiniteError) as caught:
        step(pt.tensor([-1.0, 1.0]))
    assert "log" in str(caught.value) and "slot" not in str(caught.value)
    weight.value = pt.tensor([float("nan"), 1.0])
    with pytest.raises(pt.NonFiniteError, match="slot"):
        step(pt.tensor([1.0, 1.0]))
