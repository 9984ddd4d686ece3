"""Every public function, class and method says what it takes and gives, without Any; LEFT has what cannot.

mypy sees that annotations are right; here they are there, as precise as a user's own checker needs them.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import make_stubs
import powertrain as pt

MODULES = (
    "powertrain", "powertrain.nn", "powertrain.nn.functional", "powertrain.nn.init", "powertrain.nn.utils",
    "powertrain.nn.adapters", "powertrain.nn.utils.parametrizations", "powertrain.nn.utils.rnn", "powertrain.optim",
    "powertrain.optim.schedules", "powertrain.data", "powertrain.data.transforms", "powertrain.metrics",
    "powertrain.plugin", "powertrain.plugin.testing", "powertrain.linalg", "powertrain.fft", "powertrain.random",
    "powertrain.array_api", "powertrain.sklearn", "powertrain.solvers", "powertrain.quality", "powertrain.fairness",
)  # fmt: skip
# Of a class, beside methods whose names show.
CALLED = ("__init__", "__call__", "__getitem__", "__setitem__", "__iter__", "__len__", "__contains__")
# What is Any, as "function parameter", and why.
LEFT = {
    # A method may not take less than that of its base, and a user's forward takes what it likes: (*args: Any, **kwargs:
    # Any) is the one signature that any other may override. A call of a module whose forward is known is as precise as
    # that.
    "Module.forward args", "Module.forward kwargs", "Module.forward ->",
    # Types know neither which op a call is of, nor how many axes a tensor has. A union of what may come out would have
    # to be cast at every use. `Call.attributes` has the same as objects.
    "Call.__getitem__ ->", "Tensor.tolist ->",
}  # fmt: skip


def parts(owner: str, thing: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions of a public name: itself, or the methods of a class and its bases of ours."""
    if inspect.isclass(thing):
        ours = [one for one in thing.__mro__ if one.__module__.startswith("powertrain")]
        for cls in ours:
            for name, value in vars(cls).items():
                if (name[0] != "_" or name in CALLED) and cls not in (pt.Tensor, pt.Slot):
                    value = value.fget if isinstance(value, property) else value
                    value = getattr(value, "__func__", value)
                    if inspect.isfunction(value) and value.__module__.startswith("powertrain"):
                        yield f"{cls.__name__}.{name}", inspect.unwrap(value)
    elif inspect.isfunction(thing):
        yield owner, inspect.unwrap(thing)


def vague(function: Callable[..., Any]) -> Iterator[str]:
    """The parameters without annotation or with Any, and "->" for the result."""
    signature = inspect.signature(function)
    for place, one in enumerate(signature.parameters.values()):
        bare = one.annotation is one.empty and not (place == 0 and one.name in ("self", "cls"))
        if bare or re.search(r"\bAny\b", str(one.annotation)):
            yield one.name
    result = signature.return_annotation
    if result is signature.empty or re.search(r"\bAny\b", str(result)):
        yield "->"


@functools.cache
def said_any(module: str) -> set[str]:
    public = importlib.import_module(module)
    shown = getattr(public, "__all__", None) if "__dir__" not in vars(public) else None
    named = {name: getattr(public, name) for name in shown or dir(public) if name[0] != "_"}
    # What a module without __all__ imports is not its own.
    home = "powertrain" if hasattr(public, "__all__") else module
    ours = {name: thing for name, thing in named.items() if str(getattr(thing, "__module__", "")).startswith(home)}
    return {f"{owner} {one}" for name in ours for owner, f in parts(name, ours[name]) for one in vague(f)}


@pytest.mark.parametrize("module", MODULES)
def test_no_signature_says_any(module: str) -> None:
    assert sorted(said_any(module) - LEFT) == []


@functools.cache
def said_by_the_core() -> set[str]:
    tree = ast.parse((Path(pt.__file__).parent / "_core.pyi").read_text(encoding="utf-8"))
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in ("_Operators", "Tensor", "Slot", "DType"):
            functions = [(f"{node.name}.{one.name}", one) for one in node.body if isinstance(one, ast.FunctionDef)]
        elif isinstance(node, ast.FunctionDef) and getattr(pt, node.name, None) is getattr(pt._core, node.name):
            functions = [(node.name, node)]
        else:
            continue
        for owner, one in functions:
            if one.name[0] == "_" and one.name not in CALLED:
                continue
            given = [*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs, one.args.vararg, one.args.kwarg]
            pairs = [(a.arg, a.annotation) for a in given if a is not None] + [("->", one.returns)]
            found += [f"{owner} {name}" for name, kind in pairs if kind and re.search(r"\bAny\b", ast.unparse(kind))]
    return set(found)


def test_the_core_says_any_of_nothing_public() -> None:
    assert sorted(said_by_the_core() - LEFT) == []


def test_nothing_is_left_that_says_what_it_is() -> None:
    found = set().union(said_by_the_core(), *map(said_any, MODULES))
    assert sorted(LEFT - found) == []


def test_the_types_of_ops_say_any_of_nothing() -> None:
    for text in (make_stubs.stub(pt._core), make_stubs.functional_stub(pt._core)):
        assert not re.search(r"\bAny\b", re.sub(r'r?"""(.|\n)*?"""', "", text))


def test_names_of_types_cost_no_import() -> None:
    rooms = "pt.nn, pt.optim, pt.data, pt.metrics, pt.plugin, pt.fit, pt.save"
    code = f"import sys, powertrain as pt; {rooms}; print('powertrain.typing' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
