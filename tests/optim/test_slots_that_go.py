"""Models that get other slots, and parameters that are frozen, after an optimizer or an average was made."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn, optim
from powertrain.nn.functional import cross_entropy
from powertrain.optim import OptimizerError
from powertrain.plugin import Callback

X = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)


def made() -> nn.Sequential:
    pt.random.seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def wide(model: nn.Module) -> dict[str, Any]:
    return {name: value.astype(np.float64) for name, value in model.state_dict().items()}


def test_assigned_values_of_another_dtype_leave_an_optimizer_its_slots() -> None:
    model = made()
    opt = optim.SGD(model, lr=0.1)
    state, before = wide(model), model.state_dict()
    with pytest.raises(nn.StateError) as caught:
        model.load_state_dict({**state, "2.bias": state["2.bias"].astype(np.float32) + 1}, assign=True)
    assert str(caught.value) == (
        "[Sequential.load_state_dict] 0.weight is held by an optimizer; expected a model without one; make it "
        "afterwards, or leave assign out to keep the dtypes"
    )
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    model.load_state_dict(state)
    opt.update(nn.value_and_grad(model, lambda: cross_entropy(model(X), Y))()[1])
    assert any(np.any(value != before[name]) for name, value in model.state_dict().items())


def replaced(model: nn.Sequential) -> None:
    model[0] = nn.Linear(4, 8)


@pytest.mark.parametrize("kind", [optim.EMA, optim.SWA])
@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda model: model.to("float64"), "0.weight"),
        (lambda model: model.load_state_dict(wide(model), assign=True), "0.weight"),
        (replaced, "0.weight"),
        (nn.adapters.merge, "0.lora_a"),
    ],
    ids=["to", "assign", "another layer", "merge"],
)
def test_an_average_of_slots_that_are_gone_is_no_average(kind: Any, change: Callable[[Any], Any], path: str) -> None:
    model = made()
    if path == "0.lora_a":
        nn.adapters.add(model, rank=2)
    average = kind(model)
    average.update()
    change(model)
    said = re.escape(f"[{average.name}] {path} is no slot of the model any more; expected the model with the slots")
    with pytest.raises(OptimizerError, match=said), average.applied():
        pass
    with pytest.raises(OptimizerError, match=said):
        average.update()


def test_adapters_may_be_merged_with_their_averages() -> None:
    model = nn.adapters.add(made(), rank=2)
    average = optim.EMA(model, decay=0.5)
    for step in (1.0, 2.0, 4.0):
        for slot in model.parameters():
            if slot.trainable:
                slot.value = slot.value + 0.1 * step
        average.update()
    with average.applied():
        expected = model(X).numpy()
        nn.adapters.merge(model)
    np.testing.assert_allclose(model(X).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_a_parameter_that_is_frozen_later_is_no_longer_updated() -> None:
    model = made()
    opt = optim.AdamW(model, lr=0.1, weight_decay=0.5)
    grads = list(nn.value_and_grad(model, lambda: cross_entropy(model(X), Y))()[1].values())
    model.freeze("0.weight")
    before = model.state_dict()
    with pytest.raises(OptimizerError) as caught:
        opt.update(grads)
    assert str(caught.value) == (
        "[optimizer] 0.weight was frozen after the optimizer was made, which would go on to decay it; expected "
        "parameters that are trained; freeze before, or make the optimizer again"
    )
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_callback_that_freezes_is_told_that_it_comes_too_late() -> None:
    model = made()

    class Freezing(Callback):
        def after_commit(self, event: Any) -> None:
            model[0].freeze()

    with pytest.raises(OptimizerError, match=r"^\[optimizer\] 0.weight was frozen after the optimizer was made, "):
        pt.fit(model=model, data=(X, Y), epochs=3, batch_size=16, callbacks=[Freezing()], verbose=False)
