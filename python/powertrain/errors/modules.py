"""Modules that are called or indexed: an error that shows the line to write, in place of "'module' object is not
callable".

`pt.devices()` is a line of JAX's, and `pt.train("digits")` what a newcomer tries first. Python asks the class of an
object whether it can be called, so such a module is given a class of its own. Its attributes take longer to read then,
by the time of half a small op. So `powertrain` and `powertrain.nn.functional` stay plain: a loop calls their functions.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, Final, NoReturn

from powertrain import _core
from powertrain.errors.arguments import shown

# What to write in place of a call of a module.
CALLS: Final = {
    "powertrain.abi": "pt.get_include()",
    "powertrain.autodiff": "pt.grad(fn)(x)",
    "powertrain.builtin": 'pt.fit("digits")',
    "powertrain.conformance": "powertrain plugins check NAME",
    "powertrain.cuda": "x.to('cuda'), or pt.cuda.is_available()",
    "powertrain.data": "pt.data.DataLoader(dataset, batch_size=64)",
    "powertrain.devices": "pt.cuda.device_count() for the number of GPUs, pt.device('cuda') for one of them",
    "powertrain.fft": "pt.fft.fft(x)",
    "powertrain.io": "pt.save(path, model=model)",
    "powertrain.linalg": "pt.linalg.solve(a, b)",
    "powertrain.metrics": "pt.metrics.Accuracy()",
    "powertrain.models": 'pt.models.Registry("models")',
    "powertrain.monitor": "pt.monitor.Monitor(profile)",
    "powertrain.nn": "pt.nn.Sequential(pt.nn.Linear(8, 2), pt.nn.ReLU())",
    "powertrain.nn.init": "pt.nn.init.kaiming_normal_(layer.weight)",
    "powertrain.onnx": 'pt.onnx.load("model.onnx")',
    "powertrain.ops": "pt.add(a, b)",
    "powertrain.optim": "pt.optim.AdamW(model, lr=1e-3)",
    "powertrain.optim.schedules": "pt.optim.schedules.CosineAnnealingLR(T_max=100)",
    "powertrain.plugin": "pt.plugin.registry()",
    "powertrain.program": "pt.compile(step)",
    "powertrain.random": "pt.random.uniform(size=3)",
    "powertrain.recipe": 'pt.fit("digits")',
    "powertrain.saved": "pt.save(path, model=model)",
    "powertrain.sklearn": 'pt.Classifier("mlp")',
    "powertrain.train": 'pt.fit("digits")',
}


class NotAFunctionError(_core.Error, TypeError):
    """A module, or a class, that was used as a function or a list is."""


class _Module(ModuleType):
    """A module that says what to write where it is called or indexed."""

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        given = ", ".join([*map(shown, args), *(f"{name}={shown(value)}" for name, value in kwargs.items())])
        raise NotAFunctionError(_refused(self.__name__, f"was called{' with ' if given else ''}{given}"))

    def __getitem__(self, index: Any) -> NoReturn:
        raise NotAFunctionError(_refused(self.__name__, f"received the index {shown(index)}"))

    def __reduce__(self) -> tuple[Any, ...]:  # which those that pickle modules know of plain ones alone
        return importlib.import_module, (self.__name__,)


def _refused(name: str, what: str) -> str:
    fix = f"write {CALLS[name]}" if name in CALLS else f"see dir(pt{name.removeprefix('powertrain')})"
    return f"[{name}] {what}; expected a function or a class of this module; {fix}"


def indexed(cls: type, item: Any) -> Any:
    """The `__class_getitem__` of public classes, which take no types. A class that derives from one of them may."""
    for base in cls.__mro__:
        own = vars(base).get("__class_getitem__")
        if own is not None and getattr(own, "__func__", None) is not indexed:
            return own.__get__(None, cls)(item)
    name, index = cls.__name__, item.__name__ if isinstance(item, type) else shown(item)
    raise NotAFunctionError(
        f"[{name}] received {name}[{index}]; expected a call, or {name} alone as a type; leave the brackets out"
    )


def answer_calls(name: str) -> None:
    """Let a module say what to write where it is called or indexed."""
    sys.modules[name].__class__ = _Module
