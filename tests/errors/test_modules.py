"""Modules and classes that are used as functions and lists are: the error shows the line to write."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
import re
from types import ModuleType
from typing import Generic, TypeVar

import numpy as np
import pytest

import powertrain as pt
import powertrain.conformance
import powertrain.saved
import powertrain.train
from powertrain.errors.modules import CALLS, NotAFunctionError
from website.names import modules

T = TypeVar("T")
PLAIN = ("powertrain", "powertrain.nn.functional")  # since their attributes are read in loops

CALLED = [
    (lambda: pt.devices(), "[powertrain.devices] was called; expected a function or a class of this module; write "
     "pt.cuda.device_count() for the number of GPUs, pt.device('cuda') for one of them"),
    (lambda: pt.train("digits", epochs=3), "[powertrain.train] was called with 'digits', epochs=3; expected a function "
     'or a class of this module; write pt.fit("digits")'),
    (lambda: pt.random(3), "[powertrain.random] was called with 3; expected a function or a class of this module; "
     "write pt.random.uniform(size=3)"),
    (lambda: pt.nn.utils.rnn(), "[powertrain.nn.utils.rnn] was called; expected a function or a class of this module; "
     "see dir(pt.nn.utils.rnn)"),
    (lambda: pt.data["digits"], "[powertrain.data] received the index 'digits'; expected a function or a class of "
     "this module; write pt.data.DataLoader(dataset, batch_size=64)"),
    (lambda: pt.data.Dataset[int], "[Dataset] received Dataset[int]; expected a call, or Dataset alone as a type; "
     "leave the brackets out"),
    (lambda: pt.nn.Linear[3, 4], "[Linear] received Linear[tuple]; expected a call, or Linear alone as a type; "
     "leave the brackets out"),
    (lambda: pt.sum[0], "[sum] received an index; expected a call; write sum(x, axis=None, keepdims=False)"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "said"), CALLED, ids=[said.partition("]")[0] for _, said in CALLED])
def test_what_is_no_function_says_what_to_write(wrong, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError) as error:
        wrong()
    assert isinstance(error.value, pt.Error) and str(error.value) == said


def attributes() -> list[ModuleType]:
    """The public modules, and those that are attributes of pt since they are imported."""
    found = {module.__name__: module for module in modules()}
    for one in pkgutil.iter_modules(pt.__path__):
        module = getattr(pt, one.name, None)
        if isinstance(module, ModuleType) and one.name[0] != "_":
            found[module.__name__] = module
    return [module for name, module in sorted(found.items()) if name not in PLAIN]


@pytest.mark.parametrize("module", attributes(), ids=lambda module: module.__name__)
def test_every_module_is_answered_for(module: ModuleType) -> None:
    for use in (lambda: module(3), lambda: module["x"]):  # type: ignore[operator, index]
        with pytest.raises(NotAFunctionError, match=rf"^\[{module.__name__}\] .*; expected .*; (write|see) "):
            use()
    assert pickle.loads(pickle.dumps(module)) is copy.deepcopy(module) is module
    assert isinstance(module, ModuleType) and importlib.import_module(module.__name__) is module


def test_the_lines_name_what_there_is() -> None:
    for name, line in CALLS.items():
        importlib.import_module(name)
        for chain in re.findall(r"\bpt(?:\.\w+)+", line):
            value = pt
            for part in chain.split(".")[1:]:
                value = getattr(value, part)


def test_a_class_of_the_users_may_take_types() -> None:
    class Pair(pt.nn.Module, Generic[T]):
        def forward(self, x: pt.Tensor) -> pt.Tensor:
            return x + 1

    class Rows(pt.data.Dataset, Generic[T]):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> float:
            return float(index)

    assert Pair[int]()(pt.tensor([1.0])).tolist() == [2.0]
    assert Rows[float]().fetch(np.array([1]))["x"].tolist() == [1.0]
    assert pt.nn.MaxPool2d[bool](2)(pt.ones((1, 2, 2, 1))).shape == (1, 1, 1, 1)
