"""Attributes that objects of the engine do not have: an error of ours, and plain answers to what Python asks."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.errors import attributes

X, Y = np.zeros((8, 3), "float32"), np.zeros(8, "int64")
DATA = pt.data.TensorDataset(X, Y)


def optimizer() -> Any:
    return pt.optim.Adam(pt.nn.Linear(3, 2), lr=0.1)


@pytest.mark.parametrize(
    ("value", "name", "said"),
    [
        (optimizer, "get_last_lr", "[Adam] get_last_lr; expected an attribute of Adam; write opt.scheduled_lr"),
        (optimizer, "learning_rate", "[Adam] learning_rate; expected an attribute of Adam; write opt.lr, or "
         "opt.scheduled_lr with a schedule"),
        (optimizer, "updat", "[Adam] updat; expected an attribute of Adam; did you mean update?"),
        (lambda: pt.data.DataLoader(DATA, batch_size=4), "batchsize",
         "[DataLoader] batchsize; expected an attribute of DataLoader; see dir(DataLoader)"),
        (lambda: DATA, "fetched",
         "[TensorDataset] fetched; expected an attribute of TensorDataset; did you mean fetch?"),
        (lambda: pt.random.Generator(0), "shuffle",
         "[Generator] shuffle; expected an attribute of Generator; write x = generator.permutation(x)"),
        (lambda: pt.metrics.Accuracy(), "updates",
         "[Accuracy] updates; expected an attribute of Accuracy; did you mean update?"),
        (lambda: pt.float32, "is_floating_point", "[DType] is_floating_point; expected an attribute of DType; write "
         "dtype.is_float"),
        (lambda: pt.compile(lambda x: x), "lower",
         "[CompiledFunction] lower; expected an attribute of CompiledFunction; write step.describe(), after a call"),
        (lambda: pt.compile(lambda x: x), "trace",
         "[CompiledFunction] trace; expected an attribute of CompiledFunction; write step.describe(), after a call"),
        (lambda: pt.compile(lambda x: x), "describes",
         "[CompiledFunction] describes; expected an attribute of CompiledFunction; did you mean describe?"),
        (lambda: pt.compile(lambda x: x), "zzz",
         "[CompiledFunction] zzz; expected an attribute of CompiledFunction; see dir(CompiledFunction)"),
        (lambda: pt.optim.schedules.StepLR(step_size=3), "zzz", "[StepLR] zzz; expected an attribute of StepLR; see "
         "dir(StepLR)"),
    ],
)  # fmt: skip
def test_an_attribute_that_is_not_there(value: Any, name: str, said: str) -> None:
    held = value()
    with pytest.raises(AttributeError) as error:
        getattr(held, name)
    assert isinstance(error.value, pt.Error) and str(error.value) == said
    assert not hasattr(held, name) and getattr(held, name, 3) == 3


def test_python_s_own_questions_get_answers() -> None:
    for name in ("__deepcopy__", "_private"):
        assert not hasattr(DATA, name)
    held = copy.deepcopy(pt.optim.schedules.StepLR(step_size=3))
    assert pickle.loads(pickle.dumps(held)).step_size == 3
    error = attributes.UnknownAttributeError(pt.data.DataLoader, "batchsize")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_property_that_fails_says_why() -> None:
    class Rows(pt.data.TensorDataset):
        @property
        def width(self) -> int:
            return int(X.wide)  # type: ignore[attr-defined]

    with pytest.raises(AttributeError, match=r"'numpy\.ndarray' object has no attribute 'wide'"):
        Rows(X).width  # noqa: B018


def test_every_public_class_says_what_was_meant() -> None:
    """Beside enumerations and errors, whose attributes are Python's."""
    for module in (
        pt,
        pt.nn,
        pt.optim,
        pt.optim.schedules,
        pt.data,
        pt.data.transforms,
        pt.metrics,
        pt.random,
        pt.plugin,
    ):
        for name in dir(module):
            kind = getattr(module, name)
            if isinstance(kind, type) and kind.__module__.startswith("powertrain") and not issubclass(kind, Exception):
                in_c = kind in (pt.Tensor, pt.Slot)
                assert in_c or hasattr(kind, "__getattr__") or getattr(kind, "_is_protocol", False), kind
