"""Containers as PyTorch's users handle them: slices, insertion, names of one's own, lists of parameters."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import nn

X = np.random.default_rng(0).standard_normal((4, 2)).astype("float32")


def names(module: Any) -> list[str]:
    return [name for name, _ in module.named_parameters()]


def test_a_sequential_of_a_dict_has_its_names() -> None:
    model = nn.Sequential({"first": nn.Linear(2, 3), "act": pt.tanh, "last": nn.Linear(3, 1)})
    assert names(model) == ["first.weight", "first.bias", "last.weight", "last.bias"]
    assert model.last is model[-1] and model(pt.ones((4, 2))).shape == (4, 1)
    assert repr(model).splitlines()[2] == "  (act): tanh"
    with pytest.raises(pt.Error, match=r"^\[Sequential.Sequential\] name = 'forward'; expected a text without dots"):
        nn.Sequential({"forward": nn.ReLU()})


def test_what_is_added_to_a_sequential_by_name_is_a_step() -> None:
    model = nn.Sequential(nn.Linear(2, 3))
    model.add_module("act", nn.ReLU())
    model.last = nn.Linear(3, 1)
    assert len(model) == 3 and model[-1] is model.last and model(pt.ones((4, 2))).shape == (4, 1)
    model.last = nn.Linear(3, 5)  # in its place
    assert len(model) == 3 and model(pt.ones((4, 2))).shape == (4, 5)
    twin = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    assert np.array_equal(twin(X), model(X)) and names(twin) == names(model)
    del model.act
    assert len(model) == 2 and np.array_equal(model(X), model.last(model[0](X)))
    model.last = None
    assert len(model) == 1 and model(X).shape == (4, 3)


def test_slices_insertion_and_removal() -> None:
    layers = [nn.Linear(2, 2) for _ in range(4)]
    model = nn.Sequential(*layers)
    part = model[1:3]
    assert type(part) is nn.Sequential and list(part) == layers[1:3] and names(part)[0] == "0.weight"
    model.insert(1, nn.ReLU())
    assert [type(one).__name__ for one in model] == ["Linear", "ReLU", "Linear", "Linear", "Linear"]
    assert names(model)[2:4] == ["2.weight", "2.bias"] and len(model) == 5
    assert model.pop(1).__class__ is nn.ReLU and list(model) == layers and names(model)[2] == "1.weight"
    del model[0]
    assert list(model) == layers[1:] and names(model)[0] == "0.weight"
    model += [nn.Tanh()]
    assert len(model) == 4 and isinstance(model, nn.Sequential) and len(model + [nn.ReLU()]) == 5  # noqa: RUF005
    assert model.append(nn.ReLU()) is model
    with pytest.raises(TypeError, match=r"\[ModuleList\] int at place 1; expected a module"):
        nn.ModuleList([nn.ReLU()]).insert(1, 3)
    with pytest.raises(IndexError):
        model[9]


def test_a_dict_of_modules_loses_and_gains() -> None:
    parts = nn.ModuleDict({"one": nn.Linear(1, 1)})
    parts.update({"two": nn.ReLU()})
    parts["extra"] = nn.Tanh()
    assert list(parts) == ["one", "two", "extra"] and isinstance(parts.pop("two"), nn.ReLU)
    with pytest.raises(KeyError) as caught:
        parts["two"]
    assert str(caught.value) == "[ModuleDict] 'two'; expected one of one, extra; see keys()"
    assert isinstance(caught.value, pt.Error)
    parts.clear()
    assert len(parts) == 0 and names(parts) == []


def test_lists_and_dicts_of_parameters() -> None:
    rows = nn.ParameterList([pt.ones((2,)), np.zeros((3,), "float32")])
    rows.append(nn.Parameter(pt.ones((4,))))
    assert [slot.shape for slot in rows] == [(2,), (3,), (4,)] and names(rows) == ["0", "1", "2"]
    assert all(slot.trainable for slot in rows.parameters())
    named = nn.ParameterDict({"scale": pt.ones((2,))})
    named["shift"] = pt.zeros((2,))
    assert names(named) == ["scale", "shift"] and named["shift"] is named.shift
    assert repr(named) == "ParameterDict(\n  (scale): parameter [2]\n  (shift): parameter [2]\n)"
    _, grads = pt.nn.value_and_grad(named, lambda: (named["scale"] * 3 + named["shift"]).sum())()
    assert {path: grad.numpy().tolist() for path, grad in grads.items()} == {"scale": [3, 3], "shift": [1, 1]}


@pytest.mark.parametrize(
    "make", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module)), lambda m: m.clone()]
)
def test_copies_hold_their_own(make: Any) -> None:
    model = nn.ModuleDict({"rows": nn.ParameterList([pt.ones((2,))]), "body": nn.Sequential({"a": nn.Linear(2, 2)})})
    again = make(model)
    assert repr(again) == repr(model) and names(again) == names(model)
    again["rows"][0].value = pt.zeros((2,))
    again["body"].append(nn.ReLU())
    assert model["rows"][0].numpy().all() and len(model["body"]) == 1


def test_a_module_that_a_part_of_it_holds_can_be_shown() -> None:
    whole = pt.nn.Sequential(pt.nn.Identity())
    whole[0].whole = whole
    assert "..." in repr(whole)
    with pytest.raises(pt.Error, match="is this Sequential itself"):
        whole.itself = whole
    assert len(whole) == 1
