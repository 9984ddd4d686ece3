"""Assigning over what a module holds: buffers take values, parameters say how, names keep their places."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn
from powertrain.nn import StateError


@pytest.mark.parametrize("value", [pt.ones((3, 4)), np.ones((3, 4), "float32"), 1.0, "ones", [1.0]])
def test_a_value_in_place_of_a_parameter_is_an_error(value: Any) -> None:
    layer = nn.Linear(3, 4)
    before = np.array(layer.weight.numpy())
    with pytest.raises(pt.DTypeError) as caught:
        layer.weight = value
    assert str(caught.value) == (
        f"[Linear.weight] {type(value).__name__} in place of a parameter; expected a slot; to change its value write "
        "module.weight.value = ..., for another parameter pt.nn.Parameter(...)"
    )
    assert list(layer.state_dict()) == ["weight", "bias"]
    np.testing.assert_array_equal(layer.weight.numpy(), before)


def test_a_value_in_place_of_a_buffer_is_its_value() -> None:
    norm = nn.BatchNorm1d(4)
    slot = norm.running_mean
    norm.running_mean = np.arange(4.0, dtype="float32")
    assert norm.running_mean is slot
    np.testing.assert_array_equal(norm.state_dict()["running_mean"], [0, 1, 2, 3])
    norm.running_mean = pt.ones(4) * 2.0
    np.testing.assert_array_equal(norm.state_dict()["running_mean"], [2, 2, 2, 2])
    with pytest.raises(pt.ShapeError):
        norm.running_mean = pt.ones(5)

    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mean = pt.Slot(pt.zeros(3), name="mean")

        def forward(self, x: Any) -> Any:
            self.mean = self.mean * 0.5 + x
            return x

    eager, compiled = Mean(), Mean()
    step = pt.compile(lambda x: compiled(x))
    for _ in range(3):
        eager(pt.ones(3))
        step(pt.ones(3))
    assert step.traces == 1
    np.testing.assert_array_equal(eager.state_dict()["mean"], [1.75] * 3)
    np.testing.assert_array_equal(compiled.state_dict()["mean"], [1.75] * 3)


def test_another_slot_takes_the_place_of_a_parameter() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    names = list(model.state_dict())
    model[0].weight = nn.Parameter(pt.ones((3, 4)))
    frozen = pt.Slot(pt.ones(4), name="frozen", trainable=False)
    model[0].bias = frozen
    model[1].running_mean = pt.Slot(pt.ones(4))
    assert list(model.state_dict()) == names
    assert [name for name, _ in model.named_buffers()] == ["1.running_mean", "1.running_var"]
    assert model.parameters()[1] is frozen and frozen not in model.trainable()
    model[1].running_var = nn.Parameter(pt.ones(4))
    assert [name for name, _ in model.named_buffers()] == ["1.running_mean"]


def test_none_and_del_take_a_slot_away() -> None:
    layer = nn.Linear(3, 4)
    layer.bias = None
    assert list(layer.state_dict()) == ["weight"] and layer(pt.ones((2, 3))).shape == (2, 4)
    layer = nn.Linear(3, 4)
    del layer.bias
    assert list(layer.state_dict()) == ["weight"]
    with pytest.raises(AttributeError):
        del layer.bias
    model = nn.Sequential(nn.Linear(3, 4))
    model.head = nn.Linear(4, 2)
    del model.head
    assert list(model.state_dict()) == ["0.weight", "0.bias"]


@pytest.mark.parametrize("value", [pt.ones(3), np.ones(3), 2.0])
def test_a_value_in_place_of_a_module_is_an_error(value: Any) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    with pytest.raises(pt.DTypeError) as caught:
        setattr(model, "0", value)
    assert str(caught.value) == (
        f"[Sequential.0] {type(value).__name__} in place of a Linear; expected a module; to take it away assign None"
    )
    model[1] = pt.tanh
    assert list(model.state_dict()) == ["0.weight", "0.bias"]


def test_loading_checks_all_before_the_first_write() -> None:
    layer = nn.Linear(2, 2)
    before = layer.state_dict()
    with pytest.raises(StateError, match="bias is"):
        layer.load_state_dict({"weight": np.zeros((2, 2), "float32"), "bias": np.array(["a", "b"])})
    with pytest.raises(StateError, match="bias is"):
        layer.load_state_dict({"weight": np.zeros((2, 2), "float32"), "bias": np.array([1j, 2j])})
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(("name", "value", "line"), [
    ("trainable", False, "model.freeze()"), ("trainable", True, "model.unfreeze()"),
    ("requires_grad", False, "model.freeze()"),
])  # fmt: skip
def test_a_switch_of_another_library_is_an_error(name: str, value: bool, line: str) -> None:
    """It would be an attribute that nobody reads, and the parameters would go on training."""
    model = nn.Linear(2, 3)
    with pytest.raises(pt.DTypeError) as caught:
        setattr(model, name, value)
    assert str(caught.value) == f"[Linear] {name} = {value}; expected no such switch; write {line}"
    assert len(model.trainable()) == 2


@pytest.mark.parametrize("name", ["fit", "predict", "evaluate", "save", "get_layer", "trainable_parameters"])
def test_a_method_of_another_library_s_models_shows_the_line(name: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(nn.Linear(2, 3), name)
    assert isinstance(caught.value, pt.Error)
    assert re.match(rf"\[Linear\] {name}; expected a name of Linear; write (run = )?(pt|model)\.", str(caught.value))
